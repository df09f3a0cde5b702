"""The answers to mark as a table (CSV), and the same table with its marks back."""

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from exam_server.errors import ServerError
from exam_server.grading.marking import MAX_REMARK, is_mark
from exam_server.grading.marking_answers import Answer, Written

#: The columns, in their order; the first line has their headings in a language of the pages.
COLUMNS = ("code", "paper", "question", "answer", "maximum", "points", "remark", "read")
#: Without these a sheet gives no mark.
NEEDED = {"code", "points", "read"}
MAX_BYTES = 8 * 1024 * 1024
MAX_FAULTS = 50
#: Spreadsheets take a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: How spreadsheets are told that it is UTF-8.
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


class SheetFault(StrEnum):
    """What can be wrong with a sheet. A closed list; pages translate it."""

    TOO_LARGE = "too_large"
    NO_CSV = "no_csv"
    NO_COLUMNS = "no_columns"
    NO_ANSWER = "no_answer"
    BAD_POINTS = "bad_points"
    TWICE = "twice"
    CLOSED = "closed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `line` counts the rows of the table from 1, None: of the whole."""

    what: SheetFault
    line: int | None = None
    values: Mapping[str, object] = field(default_factory=dict)


class SheetError(ServerError):
    """A sheet of which no mark is taken."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("the sheet has faults; no mark was taken")
        self.faults = faults[:MAX_FAULTS]


@dataclass(frozen=True, slots=True)
class Given:
    """One line that holds a mark. `read` is the sign of the text that it is of, as it stands in
    the sheet; whether that text is still the answer, `marking.give` tells."""

    line: int
    answer: Answer
    points: Decimal
    remark: str
    read: str


def sheet(
    answers: Iterable[Answer],
    opened: Mapping[str, Written],
    questions: Mapping[str, str],
    headings: Mapping[str, str],
    *,
    left_out: str,
) -> bytes:
    """All answers. `opened` by code; `questions` are the words of an item by its version, and
    `left_out` stands for those that are not told; `headings` by column."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([headings[one] for one in COLUMNS])
    for one in answers:
        written = opened[one.code]
        points = "" if one.given is None else str(one.given)
        words = (one.paper, questions.get(one.version_id, left_out), written.text)
        remark = _harmless(written.remark)
        cells = [one.code, *map(_harmless, words), one.maximum, points, remark, written.read]
        writer.writerow(cells)
    return (MARK + text.getvalue()).encode()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def read_sheet(
    data: bytes, answers: Iterable[Answer], headings: Iterable[Mapping[str, str]]
) -> list[Given]:
    """The lines that hold points. `headings` of every language are understood. SheetError lists
    every fault, and then nothing is taken."""
    if len(data) > MAX_BYTES:
        raise SheetError(Fault(SheetFault.TOO_LARGE, values={"megabytes": MAX_BYTES // 2**20}))
    known = {one.code: one for one in answers}
    lines = _lines(data)
    columns = {_plain(text): name for one in headings for name, text in one.items()}
    head = [columns.get(_plain(cell), "") for cell in lines[0]] if lines else []
    if not NEEDED.issubset(head):
        raise SheetError(Fault(SheetFault.NO_COLUMNS, 1))
    given, faults = list[Given](), list[Fault]()
    for number, line in enumerate(lines[1:], start=2):
        cells = dict(zip(head, (cell.strip() for cell in line), strict=False))
        found = _given(number, cells, known) if cells.get("points") else None
        if isinstance(found, Given):
            given.append(found)
        elif found is not None:
            faults.append(found)
    times = Counter(one.answer.code for one in given)
    faults += [
        Fault(SheetFault.TWICE, one.line, {"code": one.answer.code})
        for one in given
        if times[one.answer.code] > 1
    ]
    if faults:
        raise SheetError(*faults)
    return given


def _lines(data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text), _dialect(text), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SheetError(Fault(SheetFault.NO_CSV)) from error


def _plain(heading: str) -> str:
    return unicodedata.normalize("NFC", heading.strip()).casefold()


def _dialect(text: str) -> str:
    """Spreadsheets where numbers have a comma part their columns by semicolons."""
    semicolons = text.partition("\n")[0].count(";")
    if semicolons > text.partition("\n")[0].count(","):
        csv.register_dialect("semicolons", "excel", delimiter=";")
        return "semicolons"
    return "excel"


def _given(line: int, cells: Mapping[str, str], known: Mapping[str, Answer]) -> Given | Fault:
    code = cells.get("code", "")
    answer = known.get(code)
    if answer is None:
        return Fault(SheetFault.NO_ANSWER, line, {"code": code[:12]})
    points = points_typed(cells["points"])
    if points is None or not is_mark(points, answer.maximum):
        return Fault(SheetFault.BAD_POINTS, line, {"code": code, "maximum": answer.maximum})
    remark = cells.get("remark", "").removeprefix("'")[:MAX_REMARK]
    return Given(line, answer, points, remark, cells.get("read", ""))


def points_typed(text: str) -> Decimal | None:
    """A number with a comma or a point; None for what is none."""
    try:
        points = Decimal(text.replace(",", ".")) if len(text) < 12 else Decimal("NaN")
    except InvalidOperation:
        return None
    return points if points.is_finite() else None
