"""`read_word`: a .docx file as items and problems."""

from collections.abc import Mapping, Sequence

from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive
from question_bank.interchange.problems import Imported, ProblemLog
from question_bank.interchange.word.carried import (
    Carried,
    carried_by,
    restored,
    without_own_lines,
)
from question_bank.interchange.word.document import DocumentReader
from question_bank.interchange.word.drafts import Scan
from question_bank.interchange.word.items import ItemMaker
from question_bank.interchange.word.lines import Entry, entries_of
from question_bank.interchange.word.parts import ROOT_RELATIONS, Parts
from question_bank.interchange.word.phrases import NUMBERED, QUESTION
from question_bank.interchange.word.scan import Scanner
from question_bank.interchange.word.wholes import Wholes
from question_bank.item import Item


def is_word(archive: Archive) -> bool:
    """Whether a zip file is a Word document, by its parts."""
    return ROOT_RELATIONS in archive and any(name.startswith("word/") for name in archive.names)


def read_word(data: bytes | Archive, file: str) -> Imported:
    """Items and problems of a Word document; a problem's `line` is its paragraph's number.

    Raises FileRefusedError for what is no document, damaged or hostile.
    """
    log = ProblemLog(file)
    parts = Parts(data, file)
    carried = carried_by(parts, log)
    document = DocumentReader(parts, log, carried.formulas)
    blocks = document.read()
    entries = list(entries_of(blocks))
    scan = _scanned(entries, log)
    if not scan.drafts:
        raise FileRefusedError(
            f"{file}: no question is found; questions begin with 'Câu 1.' or 'Question 1.'"
        )
    wholes = Wholes(carried, document.bookmarks, scan)
    maker = ItemMaker(log, scan, wholes.item)
    items, lines = _restored(maker, document.bookmarks, carried)
    without_own_lines(log, carried.around)
    return Imported(items, (), tuple(log.problems), lines)


def scanned(data: bytes, file: str) -> tuple[Scan, Mapping[int, str]]:
    """The questions of a document as they are found in it, and our bookmarks by paragraph."""
    log = ProblemLog(file)
    parts = Parts(data, file)
    document = DocumentReader(parts, log, carried_by(parts, log).formulas)
    return _scanned(list(entries_of(document.read())), log), document.bookmarks


def _restored(
    maker: ItemMaker, bookmarks: Mapping[int, str], carried: Carried
) -> tuple[tuple[Item, ...], Mapping[str, int]]:
    """The items with what a document of our own carries of them, and where each begins."""
    found: dict[str, Item] = {}
    items = maker.items()
    begins = {name: line for name, line in maker.lines.items() if name.startswith("?")}
    for item in items:
        line = maker.lines[item.id]
        record = carried.questions.get(bookmarks.get(line, ""))
        told = isinstance(record, Mapping) and item.id not in maker.wholes
        whole = restored(item, record) if told and record is not None else item
        kept = item if whole.id in found else whole
        found[kept.id], begins[kept.id] = kept, line
    return tuple(found.values()), begins


def _scanned(entries: Sequence[Entry], log: ProblemLog) -> Scan:
    """The questions "Câu 1."; where there are none, those that are only numbered."""
    for label in (QUESTION, NUMBERED):
        told = ProblemLog(log.file)
        scan = Scanner(told, label).read(entries)
        if scan.drafts:
            log.problems += told.problems
            break
    return scan
