"""Office Open XML workbooks (ECMA-376 part 1, §18), read through the bounded zip and XML readers.

Formulas are never run: of a formula the value counts that the program which saved the file had
found. Macros are not opened at all.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive
from question_bank.interchange.markup import (
    attribute,
    child,
    children,
    name_of,
)
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.spreadsheet.cells import (
    MAX_COLUMN,
    Cell,
    Counter,
    Run,
    Sheet,
    letters_of,
    padded,
)
from question_bank.interchange.spreadsheet.xlsx_pictures import Lost, PicturesInCells, anchored
from question_bank.interchange.word.parts import ROOT_RELATIONS, Parts
from question_bank.item import Media

MAX_MERGED = 50_000
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# Built-in number formats that are dates or times (§18.8.30).
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_DATE_LETTERS = re.compile(r"[dmyhs]", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_WPS_PICTURE = "DISPIMG"
_PERCENT = frozenset((9, 10))
_DECIMALS = {2: 2, 4: 2, 10: 2, 39: 2, 40: 2}
_FIXED = re.compile(r"[#0,]*0\.(0{1,15})(?![0#?Ee/])")
_FORMULA = "the value that the file holds of a formula is taken; formulas are never run"


def is_xlsx(archive: Archive) -> bool:
    """Whether a zip file is a workbook, by its parts."""
    return ROOT_RELATIONS in archive and any(name.startswith("xl/") for name in archive.names)


def sheets_of(archive: Archive, file: str, log: ProblemLog) -> list[Sheet]:
    """The visible sheets; raises FileRefusedError for what is no workbook."""
    if "xl/workbook.bin" in archive:
        raise FileRefusedError(f"{file}: a binary workbook (.xlsb); save it as .xlsx")
    return list(_Workbook(Parts(archive, file), log).sheets())


@dataclass(frozen=True, slots=True)
class _Look:
    """What a style says of a number: whether it is a date, or per cent, and how many decimals it
    has at least."""

    is_date: bool = False
    is_percent: bool = False
    decimals: int = 0


class _Workbook:
    """Reads one workbook."""

    def __init__(self, parts: Parts, log: ProblemLog) -> None:
        self._parts = parts
        self._log = log
        self._counter = Counter(parts.file)
        root = parts.first_xml("sharedStrings")
        self._strings = [] if root is None else [_runs(item) for item in children(root, "si")]
        self._looks = _looks(parts.first_xml("styles"))
        self._in_cells = PicturesInCells(parts)
        if any(parts.of_kind("vbaProject")):
            log.warning(None, "vbaProject", "macros are never run and were left out")

    def sheets(self) -> Iterator[Sheet]:
        relations = self._parts.relations(self._parts.main)
        for group in children(self._parts.xml(self._parts.main), "sheets"):
            for sheet in children(group, "sheet"):
                name = attribute(sheet, "name")[:100] or "sheet"
                reference = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), "")
                relation = relations.get(str(reference))
                if attribute(sheet, "state", "visible") != "visible":
                    self._log.warning(None, name, "is a hidden sheet and was left out")
                elif relation is None or relation.part is None or relation.kind != "worksheet":
                    self._log.warning(None, name, "is no sheet of cells and was left out")
                else:
                    yield self._sheet(name, relation.part)

    def _sheet(self, name: str, part: str) -> Sheet:
        log = ProblemLog(f"{self._log.file}/{name}", self._log.problems)
        root = self._parts.xml(part)
        rows: dict[int, dict[int, Cell]] = {}
        last = 0
        for row in (row for data in children(root, "sheetData") for row in children(data, "row")):
            last = _whole(attribute(row, "r"), last + 1)
            self._counter.row()
            cells = dict(self._cells(row))
            if cells:
                rows[last] = cells
        self._merge(root, rows)
        for (row, column), found in anchored(self._parts, part):
            if isinstance(found, Lost) and not found.is_picture:
                log.error(row, f"{letters_of(column)}{row}", found.message)
                continue
            cell = rows.setdefault(row, {}).get(column, Cell())
            rows[row][column] = (
                replace(cell, lost=found.message)
                if isinstance(found, Lost)
                else replace(cell, pictures=(*cell.pictures, found))
            )
        for relation in self._parts.relations(part).values():
            if relation.kind in ("comments", "threadedComment"):
                log.warning(None, "comments", "notes beside cells were left out")
        return Sheet(name, {number: rows[number] for number in sorted(rows)})

    def _cells(self, row: etree._Element) -> Iterator[tuple[int, Cell]]:
        column = 0
        for element in children(row, "c"):
            reference = _REFERENCE.fullmatch(attribute(element, "r"))
            column = _column(reference[1]) if reference else column + 1
            if column > MAX_COLUMN:
                return
            cell = self._cell(element)
            if not cell.is_empty:
                self._counter.cell(cell.text)
                yield column, cell

    def _cell(self, element: etree._Element) -> Cell:
        value, kind = child(element, "v"), attribute(element, "t", "n")
        text = "" if value is None else str(value.text or "")
        formula = child(element, "f")
        picture = self._picture(element, formula)
        if picture is not None:
            return Cell(pictures=(picture,))
        if formula is not None and _WPS_PICTURE in (formula.text or ""):
            return Cell(lost="the picture that is placed in the cell cannot be taken")
        if kind == "inlineStr":
            inline = child(element, "is")
            return Cell(() if inline is None else _runs(inline))
        if kind == "s":
            return Cell(self._string(text))
        doubt = _FORMULA if formula is not None else ""
        if formula is not None and not text:
            return Cell(fault="holds a formula without a value; save the file once more in Excel")
        if kind == "e":
            return Cell((Run(text),), fault=f"holds the error {text[:20]}")
        if kind == "b":
            return Cell((Run("TRUE" if text == "1" else "FALSE"),), doubt=doubt)
        if kind == "n":
            return replace(self._number(element, text), doubt=doubt)
        return Cell((Run(_unescaped(text)),) if text else (), doubt=doubt)

    def _picture(self, element: etree._Element, formula: etree._Element | None) -> Media | None:
        """A picture that is placed in the cell: Excel's own way, or that of WPS Office."""
        if attribute(element, "vm"):
            return self._in_cells.by_metadata(_whole(attribute(element, "vm"), 0))
        if formula is not None and _WPS_PICTURE in (formula.text or ""):
            return self._in_cells.by_name(formula.text or "")
        return None

    def _string(self, text: str) -> tuple[Run, ...]:
        place = _whole(text, -1)
        return self._strings[place] if 0 <= place < len(self._strings) else ()

    def _number(self, element: etree._Element, text: str) -> Cell:
        look = self._looks.get(_whole(attribute(element, "s"), 0), _Look())
        if not text:
            return Cell()
        try:
            number = Decimal(f"{float(text):.15g}")  # as Excel shows it: 15 digits
            if look.is_percent:
                number *= 100
            plain = padded(format(number.normalize(), "f"), look.decimals)
        except (ValueError, InvalidOperation, OverflowError):
            return Cell((Run(text),))
        if look.is_date:
            fault = "Excel has made a date of it; format the cell as text and type it again"
            return Cell((Run(plain),), fault=fault)
        return Cell((Run(plain + ("%" if look.is_percent else "")),), is_number=not look.is_percent)

    def _merge(self, root: etree._Element, rows: dict[int, dict[int, Cell]]) -> None:
        """A cell that is merged over rows counts in each of them."""
        filled = 0
        for group in children(root, "mergeCells"):
            for merged in children(group, "mergeCell"):
                ends = [_REFERENCE.fullmatch(e) for e in attribute(merged, "ref").split(":")]
                if len(ends) != 2 or not all(ends):
                    continue
                first, last = ((_column(e[1]), int(e[2])) for e in ends if e is not None)
                cell = rows.get(first[1], {}).get(first[0])
                if cell is None:
                    continue
                for number in range(first[1] + 1, last[1] + 1):
                    filled += 1
                    if filled > MAX_MERGED:
                        return
                    if number in rows:  # rows without cells of their own stay empty
                        rows[number].setdefault(first[0], replace(cell, pictures=()))


def _runs(element: etree._Element) -> tuple[Run, ...]:
    """The runs of a rich text (§18.4.8); what is read aloud beside it is no part of it."""
    found = []
    for node in element:
        if name_of(node) == "t":
            found.append(Run(_unescaped(node.text or "")))
        elif name_of(node) == "r":
            text = "".join(_unescaped(t.text or "") for t in children(node, "t"))
            found.append(Run(text, tuple(_tags(child(node, "rPr")))))
    return tuple(run for run in found if run.text)


def _tags(look: etree._Element | None) -> Iterator[str]:
    if look is None:
        return
    for node in look:
        if attribute(node, "val", "1") in ("0", "false", "none"):
            continue
        match name_of(node):
            case ("b" | "i" | "u") as name:
                yield name
            case "vertAlign" if attribute(node, "val") in ("superscript", "subscript"):
                yield attribute(node, "val")[:3]


def _unescaped(text: str) -> str:
    """`_x000D_` is how these files write a character that XML cannot have (§22.4.2.4)."""
    if "_x" not in text:
        return text
    made = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return "".join(c for c in made if c >= " " or c in "\t\n\r").replace("\r\n", "\n")


def _looks(root: etree._Element | None) -> Mapping[int, _Look]:
    """What the number formats of cells are, by the style's place (§18.8.10)."""
    if root is None:
        return {}
    codes = {
        _whole(attribute(one, "numFmtId"), -1): attribute(one, "formatCode")
        for group in children(root, "numFmts")
        for one in children(group, "numFmt")
    }
    looks = {}
    for group in children(root, "cellXfs"):
        for place, style in enumerate(children(group, "xf")):
            number = _whole(attribute(style, "numFmtId"), 0)
            code = _QUOTED.sub("", codes.get(number, ""))
            is_date = number in _DATES or (number in codes and bool(_DATE_LETTERS.search(code)))
            percent = number in _PERCENT or "%" in code
            decimals = _DECIMALS.get(number, 0)
            if fixed := _FIXED.match(code):
                decimals = len(fixed[1])
            looks[place] = _Look(is_date and code != "General", percent, decimals)
    return looks


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _whole(text: str, usual: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else usual
