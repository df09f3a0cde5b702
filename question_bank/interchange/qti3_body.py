"""The body of a QTI 3 item: one interaction, and the content around it as a stem."""

import copy
from collections.abc import Callable

from lxml import etree

from question_bank import content
from question_bank.errors import ContentError, FileRefusedError
from question_bank.interchange.markup import attribute, child, line_of, name_of, namespace_of
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3_terms import QTI
from question_bank.item import Media

# What is gone from the stem where the interaction stood amid a sentence.
BLANK = "____"
# The picture that an href written in the item's file means; raises FileRefusedError.
PictureSource = Callable[[str], Media]


class ContentReader:
    """Turns QTI content into our content and collects the pictures it shows."""

    def __init__(self, log: ProblemLog, pictures: PictureSource) -> None:
        self._log = log
        self._pictures = pictures
        self.media: dict[str, Media] = {}

    def fragment(self, element: etree._Element) -> str:
        """What `element` holds, as cleaned content."""
        root = copy.deepcopy(element)
        root.tail = None
        self._drop_qti(root)
        for node in root.iter():
            if namespace_of(node) == QTI:
                node.tag = name_of(node)
        for img in list(root.iter("img")):
            self._fetch(img)
        etree.cleanup_namespaces(root)
        inside = "".join(
            [_escaped(root), *(etree.tostring(node, encoding="unicode") for node in root)]
        )
        line = line_of(element)
        try:
            return content.clean(
                inside.strip(), lambda name, message: self._log.warning(line, name, message)
            )
        except ContentError as error:
            self._log.error(line, name_of(element), str(error))
            return ""

    def _drop_qti(self, root: etree._Element) -> None:
        """Feedback, rubrics and printed variables are not part of what is asked."""
        for node in [n for n in root.iter() if name_of(n).startswith("qti-") and n is not root]:
            if name_of(node) == "qti-content-body":  # a rubric block's wrapper, nothing more
                node.tag = f"{{{QTI}}}div"
                continue
            self._log.warning(line_of(node), name_of(node), "is not supported and was left out")
            remove(node)

    def _fetch(self, img: etree._Element) -> None:
        href = attribute(img, "src")
        try:
            media = self._pictures(href)
        except FileRefusedError as error:
            self._log.error(line_of(img), "img", str(error))
            remove(img)
            return
        self.media[media.id] = media
        img.set("src", f"media:{media.id}")


def stem_of(body: etree._Element, interaction: etree._Element, reader: ContentReader) -> str:
    """The content around the interaction, its prompt included; BLANK amid a sentence."""
    root = copy.deepcopy(body)
    path = body.getroottree().getelementpath(interaction)
    base = body.getroottree().getelementpath(body)
    place = root.find(path.removeprefix(base + "/"))
    if place is None:  # cannot happen: the copy has the same shape
        return ""
    prompt = child(place, "qti-prompt")
    if prompt is not None:
        prompt.tag = f"{{{QTI}}}div"
        prompt.attrib.clear()
        prompt.tail = place.tail
        parent = place.getparent()
        if parent is not None:
            parent.replace(place, prompt)
    else:
        _take_out(place)
    return reader.fragment(root)


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
