"""Pictures in a document: DrawingML, VML, the previews of embedded objects.

What can be shown becomes a picture; what a browser cannot show (WMF, EMF, …) keeps its bytes and
is reported, and so is everything that is drawn and has no picture at all.
"""

import hashlib
import posixpath
from collections.abc import Iterator, Mapping

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.interchange.markup import attribute, name_of
from question_bank.interchange.pictures import MAX_PICTURE, picture
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word.model import Picture, Piece, Text
from question_bank.interchange.word.names import relation_id
from question_bank.interchange.word.parts import Parts, Relation
from question_bank.interchange.word.wmf import svg_of_wmf
from question_bank.item import Media

# Kept as they are, though no form may hold them: their bytes are all there is of the figure.
KEPT = {
    ".wmf": "image/wmf", ".emf": "image/emf", ".gif": "image/gif", ".bmp": "image/bmp",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".wdp": "image/vnd.ms-photo",
    ".webp": "image/webp",
}  # fmt: skip
DRAWN = {
    "chart": "a chart cannot be read; save it as a picture",
    "relIds": "a SmartArt diagram cannot be read; save it as a picture",
    "contentPart": "ink cannot be read; save it as a picture",
}
# VML that only tells of shapes, and draws nothing itself.
SHAPES = frozenset(("shape", "rect", "oval", "line", "polyline", "arc", "curve", "roundrect"))


class Drawings:
    """The pictures of one part of a document."""

    def __init__(self, parts: Parts, part: str, log: ProblemLog) -> None:
        self._parts = parts
        self._relations: Mapping[str, Relation] = parts.relations(part)
        self._log = log
        self._pictures: dict[str, Picture | None] = {}

    def pieces(self, element: etree._Element, paragraph: int) -> Iterator[Piece]:
        """The pictures of a `w:drawing`, `w:pict` or `w:object`, in order."""
        found = False
        for node in _own(element):
            name = name_of(node)
            if name == "blip" or name == "imagedata":
                found = True
                drawn = self._drawing_behind(node)
                yield from self._linked(node, name, paragraph) if drawn is None else (drawn,)
            elif name in DRAWN:
                found = True
                self._log.error(paragraph, name, DRAWN[name])
                yield Text("[?]")
            elif name == "textpath":
                found = True
                self._log.warning(paragraph, "WordArt", "is taken as plain text")
                yield Text(attribute(node, "string"))
        yield from self._about(element, paragraph, has_picture=found)

    def _about(
        self, element: etree._Element, paragraph: int, *, has_picture: bool
    ) -> Iterator[Piece]:
        names = {name_of(node) for node in _own(element)}
        for node in _own(element):
            if name_of(node) == "OLEObject":
                program = attribute(node, "ProgID")[:60] or "an unknown program"
                kept = "only its picture is kept" if has_picture else "it has no picture"
                self._log.warning(paragraph, "OLE object", f"an object of {program}: {kept}")
        has_text = "txbxContent" in names
        if not has_picture and not has_text and names & (SHAPES | {"wsp", "wgp", "OLEObject"}):
            self._log.error(
                paragraph, name_of(element), "a drawn figure cannot be read; save it as a picture"
            )
            yield Text("[?]")
        elif has_picture and "wgp" in names:
            self._log.warning(
                paragraph, "group", "only the pictures of a group of shapes are taken; look at it"
            )

    def _drawing_behind(self, blip: etree._Element) -> Picture | None:
        """The drawing (SVG) for which a blip is but the picture that older programs show."""
        node = next((one for one in blip.iter() if name_of(one) == "svgBlip"), None)
        relation = None if node is None else self._relations.get(relation_id(node, "embed"))
        if relation is None or relation.part is None:
            return None
        try:
            return Picture(picture(self._parts.read(relation.part), relation.part))
        except FileRefusedError:
            return None

    def _linked(self, node: etree._Element, name: str, paragraph: int) -> Iterator[Piece]:
        key = relation_id(node, "embed") or relation_id(node, "id")
        if not key and (link := relation_id(node, "link")):
            target = self._relations[link].target if link in self._relations else link
            self._log.error(
                paragraph, name, f"the picture {target[:100]!r} is only linked, not in the file"
            )
            yield Text("[?]")
            return
        if not key:
            self._log.error(paragraph, name, "names no picture")
            return
        relation = self._relations.get(key)
        if relation is None or relation.part is None:
            self._log.error(paragraph, name, f"the picture {key[:40]!r} is not in the file")
            yield Text("[?]")
            return
        held = self._picture(relation.part, paragraph)
        if held is not None:
            yield held

    def _picture(self, part: str, paragraph: int) -> Picture | None:
        if part in self._pictures:
            before = self._pictures[part]
            if before is None or before.media.mime in KEPT.values():
                self._report(part, paragraph, kept=before is not None)
            return before
        data = self._parts.read(part)
        try:
            held: Picture | None = Picture(picture(self._drawn(data, part, paragraph), part))
        except FileRefusedError as refusal:
            mime = KEPT.get(posixpath.splitext(part)[1].lower())
            held = (
                None
                if mime is None or len(data) > MAX_PICTURE
                else Picture(_kept(data, part, mime))
            )
            self._report(part, paragraph, kept=held is not None, why=str(refusal))
        self._pictures[part] = held
        return held

    def _drawn(self, data: bytes, part: str, paragraph: int) -> bytes:
        """The picture, a Windows metafile as SVG; raises FileRefusedError where that fails."""
        if posixpath.splitext(part)[1].lower() != ".wmf":
            return data
        drawn = svg_of_wmf(data, part)
        self._log.warning(
            paragraph, "picture", f"{part}, a Windows metafile, was drawn as SVG; compare the two"
        )
        return drawn

    def _report(self, part: str, paragraph: int, *, kept: bool, why: str = "") -> None:
        if kept:
            self._log.error(
                paragraph,
                "picture",
                f"{part} is kept, but cannot be shown in an exam; give it as PNG, JPEG or SVG"
                + (f" ({why})" if why else ""),
            )
        else:
            self._log.error(paragraph, "picture", f"{part} is left out: {why or 'see above'}")


def _kept(data: bytes, part: str, mime: str) -> Media:
    ending = posixpath.splitext(part)[1].lower()
    return Media(f"{hashlib.sha256(data).hexdigest()[:16]}{ending}", mime, data)


def text_boxes(element: etree._Element) -> Iterator[etree._Element]:
    """The contents of the outermost text boxes in a drawing."""
    return (node for node in _own(element) if name_of(node) == "txbxContent")


def _own(element: etree._Element) -> Iterator[etree._Element]:
    """A drawing's elements down to its text boxes, whose insides are blocks of their own.

    Of several ways to draw a thing (`mc:AlternateContent`) only the first one that we read.
    """
    pending = [element]
    while pending:
        node = pending.pop()
        yield node
        if name_of(node) == "AlternateContent":
            pending.extend([node[0]] if len(node) else [])
        elif name_of(node) != "txbxContent":
            pending.extend(reversed(node))
