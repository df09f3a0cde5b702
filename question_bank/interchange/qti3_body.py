"""The body of a QTI item: its interactions, and the content around them as a stem."""

import copy
from collections.abc import Callable, Sequence

from lxml import etree

from question_bank import content
from question_bank.errors import ContentError, FileRefusedError
from question_bank.interactions import INLINE_KINDS, Picture, Simple
from question_bank.interchange.markup import attribute, child, line_of, name_of, namespace_of
from question_bank.interchange.pictures import is_sound, pixels_of
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3_scoring import UnrecognisedError
from question_bank.interchange.qti3_terms import QTI
from question_bank.item import Media

# What is gone from the stem where the interaction stood amid a sentence.
BLANK = "____"
# The picture or sound that an href written in the item's file means; raises FileRefusedError.
PictureSource = Callable[[str], Media]


class ContentReader:
    """Turns QTI content into our content and collects its pictures and sounds."""

    def __init__(
        self,
        log: ProblemLog,
        pictures: PictureSource,
        templates: frozenset[str] = frozenset(),
    ) -> None:
        """`templates`: the template variables, which a text may print."""
        self._log = log
        self._pictures = pictures
        self._templates = templates
        self.media: dict[str, Media] = {}

    def fragment(self, element: etree._Element) -> str:
        """What `element` holds, as cleaned content."""
        root = copy.deepcopy(element)
        root.tail = None
        self._drop_qti(root)
        for node in list(root.iter(f"{{{QTI}}}object")):
            object_to_html(node)
        for node in root.iter(f"{{{QTI}}}audio"):
            plain_audio(node)
        for node in root.iter():
            if namespace_of(node) == QTI:
                node.tag = name_of(node)
        for shown in list(root.iter("img", "audio")):
            self._fetch(shown)
        etree.cleanup_namespaces(root)
        inside = "".join(
            [_escaped(root), *(etree.tostring(node, encoding="unicode") for node in root)]
        )
        line = line_of(element)
        try:
            return content.clean(inside.strip(), self._reporter(line))
        except ContentError as error:
            self._log.error(line, name_of(element), str(error))
            return ""

    def _reporter(self, line: int | None) -> content.Report:
        def report(name: str, message: str) -> None:
            lost = content.is_loss(name, message)
            (self._log.error if lost else self._log.warning)(line, name, message)

        return report

    def _drop_qti(self, root: etree._Element) -> None:
        """Feedback, rubrics and printed variables are not part of what is asked."""
        for node in [n for n in root.iter() if name_of(n).startswith("qti-") and n is not root]:
            if name_of(node) == "qti-content-body":  # a rubric block's wrapper, nothing more
                node.tag = f"{{{QTI}}}div"
                continue
            if name_of(node) == "qti-printed-variable" and self._prints(node):
                continue
            self._log.warning(line_of(node), name_of(node), "is not supported and was left out")
            remove(node)

    def _prints(self, node: etree._Element) -> bool:
        """Makes a printed template variable our place for its value; False for other variables."""
        name, pattern = attribute(node, "identifier"), attribute(node, "format")
        if name not in self._templates:
            return False
        node[:] = []
        node.text = None
        _become(node, "span", {"data-value": name} | ({"data-format": pattern} if pattern else {}))
        return True

    def picture(self, interaction: etree._Element) -> Picture:
        """The picture that is answered on: the interaction's own img or object."""
        shown = next((e for e in interaction.iter() if name_of(e) in ("img", "object")), None)
        if shown is None:
            raise UnrecognisedError(interaction, "has no picture")
        href = attribute(shown, "src") or attribute(shown, "data")
        try:
            media = self._pictures(href)
        except FileRefusedError as error:
            raise UnrecognisedError(shown, str(error)) from None
        if is_sound(media):
            raise UnrecognisedError(shown, f"{href[:100]!r} is a sound and no picture")
        self.media[media.id] = media
        width, height = (_pixels(shown, name) for name in ("width", "height"))
        if not (width and height):
            width, height = pixels_of(media)
        if not (width and height):
            raise UnrecognisedError(shown, "needs a width and a height in pixels")
        words = attribute(shown, "alt") or "".join(map(str, shown.itertext()))
        return Picture(media.id, width, height, " ".join(words.split())[:500])

    def _fetch(self, shown: etree._Element) -> None:
        href, name = attribute(shown, "src"), name_of(shown)
        try:
            media = self._pictures(href)
            if is_sound(media) != (name == "audio"):
                raise FileRefusedError(f"{href[:100]!r} is a file of another kind")
        except FileRefusedError as error:
            self._log.error(line_of(shown), name, str(error))
            remove(shown)
            return
        self.media[media.id] = media
        shown.set("src", f"media:{media.id}")


def stem_of(body: etree._Element, interaction: etree._Element, reader: ContentReader) -> str:
    """The content around the interaction, its prompt included; BLANK amid a sentence."""
    root, (place,) = _copied(body, [interaction])
    prompt = child(place, "qti-prompt")
    if prompt is not None:
        _become(prompt, "div", {})
        prompt.tail = place.tail
        parent = place.getparent()
        if parent is not None:
            parent.replace(place, prompt)
    else:
        _take_out(place)
    return reader.fragment(root)


def composite_stem(
    body: etree._Element,
    interactions: Sequence[tuple[etree._Element, str, Simple]],
    reader: ContentReader,
) -> str:
    """The content around several interactions (element, part id, what it is), each with its place;
    a prompt stands before its place."""
    root, places = _copied(body, [element for element, _, _ in interactions])
    for place, (_, name, interaction) in zip(places, interactions, strict=True):
        prompt = child(place, "qti-prompt")
        parent = place.getparent()
        if prompt is not None and parent is not None:
            _become(prompt, "div", {})
            prompt.tail = None
            parent.insert(parent.index(place), prompt)
        place[:] = []
        place.text = None
        tag = "span" if interaction.kind in INLINE_KINDS else "div"
        _become(place, tag, {"data-part": name})
    return reader.fragment(root)


def stands_in_a_line(interaction: etree._Element) -> bool:
    """Whether there is text around an interaction, in the same paragraph."""
    parent = interaction.getparent()
    if parent is None or name_of(parent) == "qti-item-body":
        return False
    around = len(parent) > 1 or (parent.text or "").strip() or (interaction.tail or "").strip()
    return bool(around)


def mark_place(node: etree._Element, name: str) -> None:
    """Makes a gap or a hot word of a text the place of that id."""
    _become(node, "span", {"data-part": name})


def _become(node: etree._Element, tag: str, attributes: dict[str, str]) -> None:
    node.tag = f"{{{QTI}}}{tag}"
    node.attrib.clear()
    for name, value in attributes.items():
        node.set(name, value)


def _copied(
    body: etree._Element, elements: Sequence[etree._Element]
) -> tuple[etree._Element, list[etree._Element]]:
    """A copy of the body, and in it the copies of elements inside."""
    wanted = set(elements)
    places = [place for place, node in enumerate(body.iter()) if node in wanted]
    root = copy.deepcopy(body)
    nodes = list(root.iter())
    return root, [nodes[place] for place in places]


def plain_audio(node: etree._Element) -> None:
    """An audio element without its alternatives and its browser's controls."""
    plays, source = attribute(node, "data-max-plays"), attribute(node, "src")
    inner = next((attribute(one, "src") for one in node if name_of(one) == "source"), "")
    words = attribute(node, "title") or attribute(node, "aria-label")
    words = words or " ".join("".join(map(str, node.itertext())).split())
    node[:] = []
    node.text = None
    given = {"src": source or inner, "title": words, "data-plays": plays}
    _become(node, "audio", {name: value for name, value in given.items() if value})


def object_to_html(node: etree._Element) -> None:
    """An object that is a picture or a sound is an img or an audio in all but name."""
    if attribute(node, "type").startswith("audio/"):
        node.set("src", attribute(node, "data"))
        plain_audio(node)
        return
    words = " ".join("".join(map(str, node.itertext())).split())
    sizes = {name: attribute(node, name) for name in ("width", "height") if node.get(name)}
    source = attribute(node, "data")
    node[:] = []
    node.text = None
    _become(node, "img", {"src": source, "alt": words, **sizes})


def _pixels(element: etree._Element, name: str) -> int:
    text = attribute(element, name).removesuffix("px").strip()
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def remove(node: etree._Element, instead: str = "") -> None:
    """Takes `node` out and leaves `instead` and what followed it."""
    parent, tail = node.getparent(), instead + (node.tail or "")
    if parent is None:
        return
    previous = node.getprevious()
    if previous is not None:
        previous.tail = (previous.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(node)


def _take_out(place: etree._Element) -> None:
    parent = place.getparent()
    alone = (
        parent is not None
        and len(parent) == 1
        and not (parent.text or "").strip()
        and not (place.tail or "").strip()
    )
    if parent is not None and alone and name_of(parent) in ("p", "div"):
        remove(parent)
    else:
        remove(place, BLANK if name_of(place) == "qti-text-entry-interaction" else "")


def _escaped(root: etree._Element) -> str:
    return (root.text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
