"""OpenDocument spreadsheets (ODF 1.3 part 3, §9): values as they were saved, formulas never run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive, resolve
from question_bank.interchange.markup import name_of, parse_xml
from question_bank.interchange.pictures import picture
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
from question_bank.item import Media

CONTENT = "content.xml"
_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_FORMULA = "the value that the file holds of a formula is taken; formulas are never run"
_DATE = "is a date or a time; format the cell as text and type it again"
_SHOWN = re.compile(r"-?\d+[.,](\d{1,15})")
_STYLED = {"bold": "b", "italic": "i"}


def is_ods(archive: Archive) -> bool:
    """Whether a zip file is an OpenDocument spreadsheet, by its type."""
    return "mimetype" in archive and archive.head("mimetype", 100).startswith(_TYPE)


def sheets_of(archive: Archive, file: str, log: ProblemLog) -> list[Sheet]:
    """The sheets; raises FileRefusedError for what is none."""
    root = parse_xml(archive.read(CONTENT), f"{file}/{CONTENT}")
    reader = _Reader(archive, log, Counter(file), dict(_styles(root)))
    return [reader.sheet(table) for table in root.iter("{*}table") if _is(table, "table")]


def _is(element: etree._Element, space: str) -> bool:
    return f":{space}:" in str(etree.QName(element).namespace)


def _named(element: etree._Element, name: str) -> str:
    """An attribute by its local name."""
    return next((str(v) for k, v in element.attrib.items() if str(k).endswith(f"}}{name}")), "")


def _styles(root: etree._Element) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The tags of content that a style of letters is, by its name."""
    for style in root.iter("{*}style"):
        for look in style.iter("{*}text-properties"):
            tags = [_STYLED[v] for v in map(str, look.attrib.values()) if v in _STYLED]
            position = _named(look, "text-position")
            tags += ["sup"] if position.startswith("super") else []
            tags += ["sub"] if position.startswith("sub") else []
            if _named(look, "text-underline-style") not in ("", "none"):
                tags.append("u")
            yield _named(style, "name"), tuple(dict.fromkeys(tags))


@dataclass(slots=True)
class _Reader:
    """Reads the tables of one document."""

    archive: Archive
    log: ProblemLog
    counter: Counter
    styles: Mapping[str, tuple[str, ...]]

    def sheet(self, table: etree._Element) -> Sheet:
        name = _named(table, "name")[:100]
        log = ProblemLog(f"{self.log.file}/{name}", self.log.problems)
        rows: dict[int, dict[int, Cell]] = {}
        number = 0
        for row in table.iter("{*}table-row"):
            cells = dict(self._cells(row, number + 1, log))
            repeated = _count(_named(row, "number-rows-repeated"))
            if cells:
                for again in range(min(repeated, 1000)):
                    self.counter.row()
                    rows[number + 1 + again] = cells
            number += repeated
        return Sheet(name, rows)

    def _cells(
        self, row: etree._Element, number: int, log: ProblemLog
    ) -> Iterator[tuple[int, Cell]]:
        column = 0
        for element in row:
            if name_of(element) not in ("table-cell", "covered-table-cell"):
                continue
            cell = self._cell(element, f"{letters_of(column + 1)}{number}", number, log)
            repeated = _count(_named(element, "number-columns-repeated"))
            if not cell.is_empty:
                for again in range(min(repeated, 100)):
                    self.counter.cell(cell.text)
                    yield column + 1 + again, cell
            column += repeated
            if column > MAX_COLUMN:
                return

    def _cell(self, element: etree._Element, place: str, row: int, log: ProblemLog) -> Cell:
        paragraphs = [tuple(self._runs(p, ())) for p in element if name_of(p) == "p"]
        runs: list[Run] = []
        for paragraph in paragraphs:
            runs += [*([Run("\n")] if runs else []), *paragraph]
        text = "".join(run.text for run in runs)
        kind = _named(element, "value-type")
        if any(name_of(node) == "annotation" for node in element):
            log.warning(row, place, "a note beside the cell was left out")
        pictures, lost = self._pictures(element)
        doubt = _FORMULA if _named(element, "formula") and runs else ""
        if kind in ("date", "time"):
            return Cell(tuple(runs), pictures=pictures, fault=_DATE, lost=lost)
        if kind == "float":
            shown = _SHOWN.fullmatch(text)
            value = padded(_named(element, "value"), len(shown[1]) if shown else 0)
            return Cell((Run(value),), True, pictures, doubt=doubt, lost=lost)
        fault = f"holds the error {text[:20]}" if text.startswith(("#", "Err:")) and doubt else ""
        return Cell(tuple(runs), pictures=pictures, fault=fault, doubt=doubt, lost=lost)

    def _runs(self, element: etree._Element, tags: tuple[str, ...]) -> Iterator[Run]:
        if element.text:
            yield Run(element.text, tags)
        for node in element:
            match name_of(node):
                case "span":
                    own = self.styles.get(_named(node, "style-name"), ())
                    yield from self._runs(node, (*tags, *own))
                case "a":
                    yield from self._runs(node, tags)
                case "s":
                    yield Run(" " * min(_count(_named(node, "c")), 100), tags)
                case "line-break":
                    yield Run("\n")
                case "tab":
                    yield Run("\t")
            if node.tail:
                yield Run(node.tail, tags)

    def _pictures(self, element: etree._Element) -> tuple[tuple[Media, ...], str]:
        """The pictures of a cell, and what is wrong with the last that cannot be taken."""
        found, lost = [], ""
        for image in element.iter("{*}image"):
            name = resolve("", _named(image, "href")) or ""
            try:
                if name not in self.archive:
                    raise FileRefusedError(f"picture {name[:60]!r} is not in the file")
                found.append(picture(self.archive.read(name), name))
            except FileRefusedError as error:
                lost = str(error)
        return tuple(found), lost


def _count(text: str) -> int:
    return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) < 9 else 1
