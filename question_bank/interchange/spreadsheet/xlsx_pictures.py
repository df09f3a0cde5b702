"""Pictures of a workbook: anchored over a cell, or placed in it by Excel or WPS Office."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.interchange.markup import attribute, child, children, name_of, text_of
from question_bank.interchange.pictures import picture
from question_bank.interchange.word.parts import Parts, Relation
from question_bank.item import Media

_ANCHORS = ("twoCellAnchor", "oneCellAnchor", "absoluteAnchor")
_NAME = re.compile(r'DISPIMG\("([^"]{1,200})"')
# Parts of "Place in cell" (MS-XLSX 2.3.6.1): a cell's metadata → rich value → relationship.
_METADATA = "xl/metadata.xml"
_VALUES = "xl/richData/rdrichvalue.xml"
_RELATED = "xl/richData/richValueRel.xml"
_WPS = "xl/cellimages.xml"

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lost:
    """What stands over a cell and cannot be taken; `is_picture`: a question may need it."""

    message: str
    is_picture: bool


def anchored(parts: Parts, sheet: str) -> Iterator[tuple[Place, Media | Lost]]:
    """What stands over the cells of a sheet, at (row, column) of its upper left corner."""
    for relation in parts.relations(sheet).values():
        if relation.kind == "drawing" and relation.part is not None:
            yield from _in_drawing(parts, relation.part)


def _in_drawing(parts: Parts, drawing: str) -> Iterator[tuple[Place, Media | Lost]]:
    relations = parts.relations(drawing)
    for anchor in children(parts.xml(drawing), *_ANCHORS):
        start = child(anchor, "from")
        place = _place(start, "row"), _place(start, "col")
        for shape in anchor:
            kind = name_of(shape)
            if kind in ("from", "to", "ext", "pos", "clientData", ""):
                continue
            blips = [node for node in shape.iter() if name_of(node) == "blip"]
            if kind != "pic" or not blips:
                words = text_of(shape)[:60]
                message = f"a drawing or text box over the cells was left out: {words!r}"
                yield place, Lost(message, is_picture=False)
            for blip in blips:
                target = next((str(v) for k, v in blip.attrib.items() if k.endswith("}embed")), "")
                yield place, _taken(parts, relations.get(target))


def _taken(parts: Parts, relation: Relation | None) -> Media | Lost:
    if relation is None or relation.part is None:
        return Lost("a picture over the cells is not in the file", is_picture=True)
    try:
        return picture(parts.read(relation.part), relation.part)
    except FileRefusedError as error:
        return Lost(str(error), is_picture=True)


def _place(start: etree._Element | None, name: str) -> int:
    text = text_of(None if start is None else child(start, name))
    return int(text) + 1 if text.isascii() and text.isdecimal() and len(text) < 8 else 1


@dataclass(slots=True)
class PicturesInCells:
    """Pictures that are a cell's value; each table is read when the first cell asks for it."""

    parts: Parts
    _by_place: list[str] | None = None
    _by_name: dict[str, str] | None = None
    _read: dict[str, Media] = field(default_factory=dict)

    def by_metadata(self, place: int) -> Media | None:
        """The picture of a cell with `vm="place"`; None where it is none."""
        if self._by_place is None:
            self._by_place = list(self._placed())
        known = self._by_place
        return self._picture(known[place - 1]) if 0 < place <= len(known) else None

    def by_name(self, formula: str) -> Media | None:
        """The picture of WPS's `DISPIMG("ID_…", 1)`."""
        found = _NAME.search(formula)
        if self._by_name is None:
            self._by_name = dict(self._named())
        part = self._by_name.get(found[1]) if found else None
        return self._picture(part) if part else None

    def _picture(self, part: str) -> Media | None:
        if part and part not in self._read:
            try:
                self._read[part] = picture(self.parts.read(part), part)
            except FileRefusedError:
                return None  # the cell then holds the error that Excel has written there
        return self._read.get(part)

    def _placed(self) -> Iterator[str]:
        """The picture's part by place in the metadata of values; nothing where it is none."""
        if not all(name in self.parts for name in (_METADATA, _VALUES, _RELATED)):
            return
        relations = self.parts.relations(_RELATED)
        targets = [
            next((str(v) for k, v in node.attrib.items() if k.endswith("}id")), "")
            for node in self.parts.xml(_RELATED)
        ]
        values = [text_of(child(value, "v")) for value in children(self.parts.xml(_VALUES), "rv")]
        metadata = self.parts.xml(_METADATA)
        rich = [
            attribute(node, "i")
            for future in children(metadata, "futureMetadata")
            if attribute(future, "name") == "XLRICHVALUE"
            for node in future.iter()
            if name_of(node) == "rvb"
        ]
        for group in children(metadata, "valueMetadata"):
            for block in children(group, "bk"):
                record = child(block, "rc")
                place = _at(rich, "" if record is None else attribute(record, "v"))
                relation = relations.get(_at(targets, _at(values, place)))
                yield relation.part or "" if relation is not None else ""

    def _named(self) -> Iterator[tuple[str, str]]:
        if _WPS not in self.parts:
            return
        relations = self.parts.relations(_WPS)
        for image in self.parts.xml(_WPS):
            name = next((attribute(n, "name") for n in image.iter() if name_of(n) == "cNvPr"), "")
            blip = next((n for n in image.iter() if name_of(n) == "blip"), None)
            if blip is None:
                continue
            target = next((str(v) for k, v in blip.attrib.items() if k.endswith("}embed")), "")
            relation = relations.get(target)
            if name and relation is not None and relation.part is not None:
                yield name, relation.part


def _at(values: list[str], place: str) -> str:
    index = int(place) if place.isascii() and place.isdecimal() and len(place) < 8 else -1
    return values[index] if 0 <= index < len(values) else ""
