"""Values in lines (.csv, .tsv): the encoding and the separator are found out."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator

from question_bank.errors import FileRefusedError
from question_bank.interchange.languages import VIETNAMESE
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.spreadsheet.cells import Counter, Sheet, plain_cell
from question_bank.interchange.spreadsheet.headings import find_headings

MAX_BYTES = 32 * 1024 * 1024
LOOKED_AT = 40
SEPARATORS = (",", ";", "\t", "|")
_DIRECTIVE = re.compile(r"sep=(.)\r?\n")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "") or _guessed(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = _old(data, file, log)
    if "\0" in text:
        raise FileRefusedError(f"{file}: holds NUL characters and is no table of text")
    return text


def _guessed(data: bytes) -> str:
    """UTF-16 without its mark has a NUL beside every Latin letter."""
    head = data[:2000]
    if head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    return "utf-16-be" if head[::2].count(0) > len(head) // 4 else "utf-8"


def _old(data: bytes, file: str, log: ProblemLog) -> str:
    """Windows-1258, where the text is Vietnamese by it; its tones are signs of their own."""
    try:
        text = unicodedata.normalize("NFC", data.decode("cp1258"))
    except UnicodeDecodeError:
        text = ""
    if not VIETNAMESE.search(text):
        raise FileRefusedError(
            f"{file}: neither UTF-8 nor UTF-16 nor Windows-1258 (TCVN3 or VNI?); "
            "save it as CSV UTF-8, after converting old fonts with Unikey"
        )
    log.warning(
        None, "encoding", "is taken for Windows-1258; look at the letters, or save as UTF-8"
    )
    return text
