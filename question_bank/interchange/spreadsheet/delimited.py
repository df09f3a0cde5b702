"""Values in lines (.csv, .tsv): the encoding and the separator are found out."""

import csv
import io
import re
from collections.abc import Iterator

from question_bank.errors import FileRefusedError
from question_bank.interchange.encodings import decoded
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.spreadsheet.cells import Counter, Sheet, plain_cell
from question_bank.interchange.spreadsheet.headings import find_headings

MAX_BYTES = 32 * 1024 * 1024
LOOKED_AT = 40
SEPARATORS = (",", ";", "\t", "|")
_DIRECTIVE = re.compile(r"sep=(.)\r?\n")


def sheet_of(data: bytes, file: str, log: ProblemLog) -> Sheet:
    """The one sheet; raises FileRefusedError for what is no table of text."""
    text = _decoded(data, file, log)
    counter = Counter(file)
    rows = {}
    try:
        for number, values in _records(text, separator_of(text)):
            counter.row()
            cells = {column: plain_cell(value) for column, value in enumerate(values, 1) if value}
            for cell in cells.values():
                counter.cell(cell.text)
            if cells:
                rows[number] = cells
    except csv.Error as error:
        raise FileRefusedError(f"{file}: no table of values ({error})") from None
    return Sheet("", rows)


def is_table(data: bytes, file: str) -> bool:
    """Whether a text has a row of headings that are known."""
    try:
        sheet = sheet_of(data, file, ProblemLog(file))
    except FileRefusedError:
        return False
    return find_headings(sheet) is not None


def separator_of(text: str) -> str:
    """What parts the values: what the file says, else that by which most headings are known."""
    if told := _DIRECTIVE.match(text):
        return told[1]
    head = "\n".join(text.splitlines()[:LOOKED_AT])

    def known(separator: str) -> int:
        try:
            rows = {
                number: {column: plain_cell(value) for column, value in enumerate(values, 1)}
                for number, values in _records(head, separator)
            }
        except csv.Error:
            return 0
        found = find_headings(Sheet("", rows))
        return 0 if found is None else len(found.columns)

    return max(SEPARATORS, key=known)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line, values) of each record; a value between quotation marks may have line ends."""
    start = 1
    if told := _DIRECTIVE.match(text):
        text, start = text[told.end() :], 2
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    before = 0
    for values in reader:
        yield start + before, [value.replace("\r\n", "\n").replace("\r", "\n") for value in values]
        before = reader.line_num


def _decoded(data: bytes, file: str, log: ProblemLog) -> str:
    if len(data) > MAX_BYTES:
        raise FileRefusedError(f"{file}: more than {MAX_BYTES} bytes of text; divide it")
    return decoded(data, file, log)
