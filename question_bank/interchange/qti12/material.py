"""Texts of QTI 1.2 (`material`, `flow`) to content: HTML and plain text, pictures, formulas."""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote
from xml.sax.saxutils import escape

from lxml import etree
from lxml import html as parsing

from question_bank.content import MAX_CONTENT, MEDIA, is_loss
from question_bank.errors import ContentError, FileRefusedError
from question_bank.interchange.markup import attribute, line_of, name_of
from question_bank.interchange.moodle.html import content_of
from question_bank.interchange.pictures import is_sound, medium
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti12.conditions import NotTakenError
from question_bank.item import Media

#: The picture or sound that a file's text names; raises FileRefusedError.
PictureSource = Callable[[str], Media]

_TEXTS = ("mattext", "matemtext", "mat_formattedtext")
#: Elements that hold texts and are none themselves.
HOLDERS = ("material", "flow_mat", "flow", "mat_extension", "altmaterial", "formatted_text",
           "material_ref", "presentation_material", "solutionmaterial", "hintmaterial")  # fmt: skip
_CANVAS_FORMULA = "data-equation-content"


@dataclass(slots=True)
class MaterialReader:
    """Reads the texts of one item; its pictures gather in `media`."""

    log: ProblemLog
    pictures: PictureSource
    media: dict[str, Media] = field(default_factory=dict)

    def fragment(self, element: etree._Element) -> str:
        """All texts below an element as one fragment."""
        return together([piece for node in element for piece in self.pieces(node)])

    def pieces(self, element: etree._Element) -> list[str]:
        """The fragments of a `material` or whatever holds some."""
        name = name_of(element)
        if name in HOLDERS:
            return [piece for node in element for piece in self.pieces(node)]
        if name in _TEXTS:
            text = self._text(element)
            return [f"<b>{text}</b>" if name == "matemtext" and text else text]
        if name == "matbreak":
            return ["<br/>"]
        if name in ("matimage", "matapplication", "mataudio"):
            return [self._medium(element)]
        if name:
            self.log.error(line_of(element), name, "is not supported and was left out")
        return []

    def media_of(self, element: etree._Element, uri: str) -> Media | None:
        """The picture or sound, kept for the item; None and an error where it cannot be had."""
        try:
            embedded = not uri and attribute(element, "embedded") == "base64"
            media = _embedded(element) if embedded else self.pictures(unquote(uri))
        except FileRefusedError as error:
            self.log.error(line_of(element), name_of(element), str(error))
            return None
        self.media[media.id] = media
        return media

    def _medium(self, element: etree._Element) -> str:
        media = self.media_of(element, attribute(element, "uri"))
        if media is None:
            return ""
        return f'<{"audio" if is_sound(media) else "img"} src="media:{media.id}"/>'

    def _text(self, element: etree._Element) -> str:
        kind = attribute(element, "texttype") or attribute(element, "type")
        marked = len(element) > 0
        if "html" not in kind.lower() and "SMART" not in kind and not marked:
            text = element.text or ""
            source = escape(text)
        else:
            source = escape(element.text or "") if marked else (element.text or "")
            source += "".join(etree.tostring(node, encoding="unicode") for node in element)
        if _CANVAS_FORMULA in source:
            source = _with_formulas(source)

        def report(name: str, message: str) -> None:
            # A question without its picture or sound is another question.
            lost = name in MEDIA or is_loss(name, message)
            tell = self.log.error if lost else self.log.warning
            tell(line_of(element), name, message)

        def picture(name: str) -> str | None:
            media = self.media_of(element, name)
            return media.id if media else None

        try:
            return content_of(source, report, picture).strip()
        except ContentError as error:
            raise NotTakenError(element, str(error)) from None


def _embedded(element: etree._Element) -> Media:
    try:
        data = base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise FileRefusedError("what is embedded is no base64") from None
    return medium(data, "what is embedded")


def together(pieces: Iterable[str]) -> str:
    """Fragments one after the other, with a space between."""
    return " ".join(piece for piece in pieces if piece)


def _with_formulas(source: str) -> str:
    r"""Canvas holds a formula as a picture of its own server, with the LaTeX beside it: `\(…\)`."""
    if len(source) > MAX_CONTENT:
        return source  # content_of refuses it
    try:
        root = parsing.fragment_fromstring(source, create_parent="div")
    except (etree.ParserError, ValueError):
        return source
    for image in list(root.iter("img")):
        latex = image.get(_CANVAS_FORMULA)
        if latex:
            span = parsing.Element("span")
            span.text, span.tail = f"\\({latex}\\)", image.tail
            image.getparent().replace(image, span)
    inner = str(etree.tostring(root, encoding="unicode", method="html"))
    return inner.removeprefix("<div>").removesuffix("</div>")
