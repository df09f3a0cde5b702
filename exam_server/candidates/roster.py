"""Rosters: an Excel or CSV file with Vietnamese headings becomes lines, or a list of faults.

Pure: bytes in, lines out. Headings are known in their usual variants, with or without marks; the
heading row may have titles above it. Every fault is named by row and column.
"""

import csv
import io
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from xml.etree.ElementTree import ParseError

from exam_server.errors import InputError

MAX_BYTES = 20 * 1024 * 1024
MAX_UNPACKED = 200 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 100
MAX_FAULTS = 200
HEADING_ROWS = 20
CITIZEN_DIGITS = 12
MAX_EXTRA_PERCENT = 200
DATE_FORMATS = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d")

T = TypeVar("T")
Cell = object
Row = tuple[int, Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading as it is named to people, and how it may be spelt."""

    title: str
    spellings: frozenset[str]
    required: bool = True


def _column(title: str, *variants: str, required: bool = True) -> Column:
    return Column(title, frozenset({_folded(title), *variants}), required)


def _folded(text: object) -> str:
    """Letters and digits without marks: ``Số báo danh`` → ``so bao danh``."""
    plain = unicodedata.normalize("NFD", str(text).casefold().replace("đ", "d"))
    bare = (sign for sign in plain if not unicodedata.combining(sign))
    kept = "".join(sign if sign.isalnum() else " " for sign in bare)
    return " ".join(kept.split())


NUMBER = _column("Số báo danh", "sbd", "so bd", "bao danh")
NAME = _column("Họ và tên", "ho ten", "ho va ten thi sinh", "ho ten thi sinh", "ten thi sinh")
BIRTH = _column("Ngày sinh", "ngay thang nam sinh", "sinh ngay", "ngay sinh dd mm yyyy")
CITIZEN = _column(
    "Số căn cước", "so cccd", "cccd", "can cuoc", "so can cuoc cong dan", "can cuoc cong dan",
    "so dinh danh", "so dinh danh ca nhan", "ma dinh danh", "so cc", "so cccd can cuoc",
)  # fmt: skip
PAPER = _column("Môn", "mon thi", "bai thi", "ten mon")
ROOM = _column("Phòng", "phong thi", "so phong", "ten phong")
SEAT = _column("Chỗ", "cho ngoi", "so ghe", "ghe", "vi tri", "so cho ngoi")
EXTRA = _column("Thời gian thêm", "them gio", "cong gio", "thoi gian cong them", required=False)
COLUMNS = (NUMBER, NAME, BIRTH, CITIZEN, PAPER, ROOM, SEAT, EXTRA)


@dataclass(frozen=True, slots=True)
class RosterLine:
    """One candidate's line. `row` is the file's own number; `citizen_number` may be missing."""

    row: int
    registration_number: str
    name: str
    date_of_birth: date
    citizen_number: str | None
    paper: str
    room: str
    seat: str
    extra_time_percent: int


class _FaultError(Exception):
    """What is wrong with one cell."""


def number_of_faults(faults: Sequence[str]) -> str:
    return "one fault" if len(faults) == 1 else f"{len(faults)} faults"


def read_roster(data: bytes, file: str) -> list[RosterLine]:
    """All lines of a roster. InputError lists every fault, and then no line is given."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{file} is larger than {MAX_BYTES // 2**20} MB; split the roster")
    rows = list(_rows(data, file))
    heading, places = _heading(rows, file)
    faults: list[str] = []
    lines = []
    for number, cells in rows:
        if number <= heading or all(_blank(cell) for cell in cells):
            continue
        line = _line(_Reading(number, cells, places, file, faults))
        if line is not None:
            lines.append(line)
    faults.extend(_doubles(lines, file))
    if faults:
        raise InputError(
            f"{file} has {number_of_faults(faults)}; nothing was loaded", tuple(faults[:MAX_FAULTS])
        )
    if not lines:
        raise InputError(f"{file} has headings but no candidates below them")
    return lines


def _rows(data: bytes, file: str) -> Iterator[Row]:
    rows = _excel_rows(data, file) if data.startswith(b"PK\x03\x04") else _csv_rows(data, file)
    for number, cells in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise InputError(f"{file} has more than {MAX_ROWS} rows; split the roster")
        yield number, tuple(cells)[:MAX_COLUMNS]


def _excel_rows(data: bytes, file: str) -> Iterator[Sequence[Cell]]:
    # Only rosters need it, and every command of the server would wait for it.
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_UNPACKED:
            raise InputError(f"{file} unpacks to far more than any roster; save it anew")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        yield from sheet.iter_rows(values_only=True)
    except (
        InvalidFileException, zipfile.BadZipFile, ParseError, OSError, EOFError, KeyError,
        ValueError, TypeError, IndexError, AttributeError, NotImplementedError,
    ) as error:  # fmt: skip
        # openpyxl lets every kind of error through where a workbook is damaged.
        raise InputError(f"{file} is no sound .xlsx workbook; save it anew in Excel") from error


def _csv_rows(data: bytes, file: str) -> Iterator[Sequence[Cell]]:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError(f"{file} is an old .xls workbook; save it as .xlsx or as CSV (UTF-8)")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not in UTF-8; save it as CSV (UTF-8) or as .xlsx") from error
    if "\x00" in text:
        raise InputError(f"{file} is neither .xlsx nor CSV; save it as one of them")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise InputError(f"{file} is no sound CSV: {error}") from error


def _heading(rows: Sequence[Row], file: str) -> tuple[int, dict[Column, int]]:
    """Row number of the headings, and where each column stands."""
    best: dict[Column, int] = {}
    best_row = 0
    for number, cells in rows[:HEADING_ROWS]:
        found: dict[Column, int] = {}
        for place, cell in enumerate(cells):
            column = next((column for column in COLUMNS if _folded(cell) in column.spellings), None)
            if column is not None:
                found.setdefault(column, place)
        if len(found) > len(best):
            best, best_row = found, number
    missing = [column.title for column in COLUMNS if column.required and column not in best]
    if missing:
        raise InputError(f"{file}: column missing: {', '.join(missing)}; add it to the heading row")
    return best_row, best


@dataclass(frozen=True, slots=True)
class _Reading:
    """One row while it is being read; faults go to the roster's list."""

    row: int
    cells: Sequence[Cell]
    places: dict[Column, int]
    file: str
    faults: list[str]

    def read(self, column: Column, reader: Callable[[Cell], T]) -> T | None:
        """What `reader` makes of the cell, None where that is a fault."""
        place = self.places.get(column, len(self.cells))
        cell = self.cells[place] if place < len(self.cells) else None
        try:
            return reader(cell)
        except _FaultError as error:
            self.faults.append(_fault(self.file, self.row, column, str(error)))
            return None


def _fault(file: str, row: int, column: Column, message: str) -> str:
    return f"{file}, row {row}, column {column.title}: {message}"


def _line(reading: _Reading) -> RosterLine | None:
    number = reading.read(NUMBER, _label)
    name = reading.read(NAME, _name)
    birth = reading.read(BIRTH, _birth)
    citizen = reading.read(CITIZEN, _citizen)
    paper = reading.read(PAPER, _label)
    room = reading.read(ROOM, _label)
    seat = reading.read(SEAT, _seat)
    extra = reading.read(EXTRA, _extra)
    if (
        number is None or name is None or birth is None or citizen is None or paper is None
        or room is None or seat is None or extra is None
    ):  # fmt: skip
        return None
    return RosterLine(reading.row, number, name, birth, citizen or None, paper, room, seat, extra)


def _blank(cell: Cell) -> bool:
    return cell is None or not str(cell).strip()


def _text(cell: Cell) -> str:
    """Excel gives whole numbers as floats, too."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(unicodedata.normalize("NFC", str(cell)).split())


def _label(cell: Cell) -> str:
    if _blank(cell):
        raise _FaultError("empty; fill it in")
    text = _text(cell)
    if len(text) > 60:
        raise _FaultError("longer than 60 characters; shorten it")
    return text


def _name(cell: Cell) -> str:
    text = _label(cell)
    if any(sign.isdigit() for sign in text):
        raise _FaultError(f"{text!r} holds digits; write the candidate's full name")
    return text


def _birth(cell: Cell) -> date:
    if isinstance(cell, datetime):
        day = cell.date()
    elif isinstance(cell, date):
        day = cell
    else:
        day = _written_date(_label(cell))
    if not date(1900, 1, 1) <= day <= date(2100, 1, 1):
        raise _FaultError(f"{day.isoformat()} is no date of birth; write dd/mm/yyyy")
    return day


def _written_date(text: str) -> date:
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise _FaultError(f"{text!r} is no date; write dd/mm/yyyy")


def _citizen(cell: Cell) -> str:
    """Twelve digits, or nothing. Excel drops the zeros before a number that is no text."""
    if _blank(cell):
        return ""
    text = _text(cell).replace(" ", "").lstrip("'")
    if isinstance(cell, int | float) and not isinstance(cell, bool) and text.isdigit():
        text = text.zfill(CITIZEN_DIGITS)
    if len(text) != CITIZEN_DIGITS or not (text.isascii() and text.isdigit()):
        raise _FaultError(f"{text!r} is no citizen number; write its 12 digits, or leave it empty")
    return text


def _seat(cell: Cell) -> str:
    """Seats are named 01, 02, …; Excel makes 1 of them."""
    text = _label(cell)
    return text.zfill(2) if text.isdigit() else text


def _extra(cell: Cell) -> int:
    if _blank(cell):
        return 0
    text = _text(cell).removesuffix("%").strip()
    if not text.isascii() or not text.isdigit() or int(text) > MAX_EXTRA_PERCENT:
        raise _FaultError(
            f"{text!r} is no share; write a whole number from 0 to {MAX_EXTRA_PERCENT}"
        )
    return int(text)


def _doubles(lines: Sequence[RosterLine], file: str) -> Iterator[str]:
    """Numbers, people and seats that stand in the roster twice."""
    seen: dict[tuple[Column, str], int] = {}
    for line in lines:
        places = [(NUMBER, line.registration_number), (SEAT, f"{line.room}/{line.seat}")]
        if line.citizen_number:
            places.append((CITIZEN, line.citizen_number))
        for column, value in places:
            first = seen.setdefault((column, value), line.row)
            if first != line.row:
                yield _fault(file, line.row, column, f"{value} stands in row {first} too")
