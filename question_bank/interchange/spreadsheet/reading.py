"""A spreadsheet of any format as items and problems."""

from collections.abc import Sequence

from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive
from question_bank.interchange.problems import Imported, ProblemLog
from question_bank.interchange.spreadsheet import delimited, ods, xlsx
from question_bank.interchange.spreadsheet.cells import Sheet
from question_bank.interchange.spreadsheet.headings import find_headings
from question_bank.interchange.spreadsheet.rows import Beside, Items, SheetReader
from question_bank.interchange.spreadsheet.template import GUIDES
from question_bank.interchange.word.remarks import safe_name


def read_xlsx(archive: Archive, file: str, beside: Beside = lambda _: None) -> Imported:
    """The items of a workbook; raises FileRefusedError where no sheet has known headings."""
    log = ProblemLog(file)
    return _read(xlsx.sheets_of(archive, file, log), log, beside)


def read_ods(archive: Archive, file: str, beside: Beside = lambda _: None) -> Imported:
    """The items of an OpenDocument spreadsheet; raises FileRefusedError."""
    log = ProblemLog(file)
    return _read(ods.sheets_of(archive, file, log), log, beside)


def read_delimited(data: bytes, file: str, beside: Beside = lambda _: None) -> Imported:
    """The items of a .csv or .tsv file; raises FileRefusedError."""
    log = ProblemLog(file)
    return _read([delimited.sheet_of(data, file, log)], log, beside)


def _read(sheets: Sequence[Sheet], log: ProblemLog, beside: Beside) -> Imported:
    filled = [sheet for sheet in sheets if sheet.rows and sheet.name not in GUIDES]
    found = {sheet.name: find_headings(sheet) for sheet in filled}
    if not any(found.values()):
        raise FileRefusedError(
            f"{log.file}: no row of headings is known; name columns 'Câu hỏi', 'A', 'B', …, "
            "'Đáp án' (or 'Question', …, 'Key'); `question-bank template` writes such a file"
        )
    items = Items()
    several = sum(headings is not None for headings in found.values()) > 1
    stem = safe_name(log.file.rpartition("/")[2].rpartition(".")[0])[:60] or "sheet"
    for sheet in filled:
        headings = found[sheet.name]
        own = ProblemLog(f"{log.file}/{sheet.name}" if sheet.name else log.file, log.problems)
        if headings is None:
            own.warning(None, sheet.name, "has no row of known headings and was left out")
            continue
        prefix = f"{stem}-{safe_name(sheet.name)[:40]}" if several else stem
        SheetReader(sheet, headings, own, beside, prefix, items).read()
    return Imported(
        tuple(items.made.values()), problems=tuple(log.problems), lines=items.lines,
        files=items.files,
    )  # fmt: skip
