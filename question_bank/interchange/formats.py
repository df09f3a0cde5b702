"""Which reader a file is for: known by its first bytes, else by the end of its name. What can be
written, by its name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from question_bank.assembly import BaseForm
from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive
from question_bank.interchange.ex_test import holds_ex_test, read_ex_test, read_ex_test_zip
from question_bank.interchange.moodle import (
    is_aiken,
    is_cloze,
    is_gift,
    is_moodle_xml,
    read_aiken,
    read_cloze,
    read_gift,
    read_moodle_xml,
    write_moodle,
)
from question_bank.interchange.moodle.questions import text_of
from question_bank.interchange.pdf import write_pdf, write_pdf_without_key
from question_bank.interchange.problems import Exported, Imported, Problem, ProblemLog, Severity
from question_bank.interchange.qti3 import ZIP_MAGIC, read_qti3
from question_bank.interchange.qti3_terms import MANIFEST
from question_bank.interchange.qti3_writer import Version, write_package
from question_bank.interchange.qti12 import is_qti12, is_qti12_package, read_qti12
from question_bank.interchange.spreadsheet import (
    is_ods,
    is_table,
    is_xlsx,
    read_delimited,
    read_ods,
    read_xlsx,
)
from question_bank.interchange.word import is_word, read_word
from question_bank.interchange.word.writer import write_word, write_word_without_key
from question_bank.item import Item

__all__ = ["WRITERS", "ZIP_MAGIC", "Writer", "read_any", "read_zip"]

#: Where macOS keeps what its files have beside their bytes.
_MACINTOSH = "__MACOSX/"
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"
_WITH_QUESTIONS = frozenset({".csv", ".docx", ".gift", ".ods", ".tex", ".xlsx", ".xml", ".zip"})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
Write = Callable[[Iterable[Item], Iterable[BaseForm]], Exported]


@dataclass(frozen=True, slots=True)
class Writer:
    """A format that items go out in: its function, what its files are, and its function for
    candidates, who must not have the key, where it is for people's eyes."""

    write: Write
    suffix: str
    mime: str
    without_key: Write | None = None


def _qti(version: Version) -> Writer:
    return Writer(
        lambda items, forms: Exported(write_package(items, forms, version)), ".zip",
        "application/zip",
    )  # fmt: skip


WRITERS: Mapping[str, Writer] = {
    "qti3": _qti("3.0"),
    "qti2.2": _qti("2.2"),
    "moodle": Writer(write_moodle, ".xml", "application/xml"),
    "word": Writer(write_word, ".docx", WORD, write_word_without_key),
    "pdf": Writer(write_pdf, ".pdf", "application/pdf", write_pdf_without_key),
}


def read_any(data: bytes, file: str, beside: Callable[[str], bytes | None]) -> Imported:
    """What a foreign file holds. `beside` gives the files next to it by relative name.

    Raises FileRefusedError for a format that is not known, and as the readers do.
    """
    if data.startswith(ZIP_MAGIC):
        return read_zip(Archive(data), file, beside)
    if data.startswith(_OLE):
        raise FileRefusedError(
            f"{file}: an older Office file (.doc, .xls), or one with a password; save it as .docx "
            "or .xlsx without a password"
        )
    match file.lower().rpartition(".")[2]:
        case "tex":
            return read_ex_test(data, file, beside)
        case "xml" | "dat" | "qti":
            return _read_xml(data, file, beside)
        case "csv" | "tsv" | "tab":
            return read_delimited(data, file, beside)
        case "gift":
            return read_gift(data, file)
        case "aiken":
            return read_aiken(data, file)
        case "txt":
            return _read_text(data, file, beside)
        case _:
            raise FileRefusedError(
                f"{file}: this format cannot be read yet; give a QTI package (zip) or item (XML), "
                "a Word document (.docx; save an older .doc as such), a spreadsheet (.xlsx, .ods, "
                ".csv), LaTeX ex_test (.tex, or a zip of it with its pictures), Moodle XML, GIFT "
                "or Aiken (.txt)"
            )


def read_zip(archive: Archive, file: str, beside: Callable[[str], bytes | None]) -> Imported:
    """What a foreign zip file holds, whose name is `file`."""
    if folder := _package_folder(archive):
        return _read_folder(archive, folder, file, beside)
    if is_word(archive):
        return read_word(archive, file)
    if is_xlsx(archive):
        return read_xlsx(archive, file, beside)
    if is_ods(archive):
        return read_ods(archive, file, beside)
    if is_qti12_package(archive):
        return read_qti12(archive, file)
    if holds_ex_test(archive):
        return read_ex_test_zip(archive)
    if MANIFEST not in archive:
        raise FileRefusedError(f"{file}: {_what_else(archive)}")
    return read_qti3(archive, file)


def _what_else(archive: Archive) -> str:
    """What a zip file is that is nothing of what is read, as far as it says."""
    told = archive.head("mimetype", 80) if "mimetype" in archive else b""
    if told.startswith(_OPEN_DOCUMENT):
        return "an OpenDocument file that is no spreadsheet; save it as .docx"
    if any(name.startswith("ppt/") for name in archive.names):
        return "a presentation; copy its questions into a document (.docx)"
    if sum(map(_names_manifest, archive.names)) > 1:
        return "several packages; give them one by one"
    return (
        f"no {MANIFEST} inside, hence no QTI package, and no document, spreadsheet or LaTeX "
        "either; give the files in it one by one"
    )


def _package_folder(archive: Archive) -> str:
    """The folder in which the one package of a zip file lies whole, as who zips a folder makes it;
    empty where it lies in the file itself, or there are several."""
    found = [name.removesuffix(MANIFEST) for name in archive.names if _names_manifest(name)]
    return found[0] if len(found) == 1 else ""


def _names_manifest(name: str) -> bool:
    return name.rpartition("/")[2] == MANIFEST and not name.startswith(_MACINTOSH)


def _read_folder(
    archive: Archive, folder: str, file: str, beside: Callable[[str], bytes | None]
) -> Imported:
    """The package in a folder; what lies beside it is told."""
    found = read_zip(archive.inside(folder), f"{file}/{folder[:-1]}", beside)
    unused = "nothing in the package uses it; left out"
    beyond = tuple(
        Problem(f"{file}/{name}", None, "file", unused, _severity(name))
        for name in archive.names
        if not name.startswith(folder)
    )
    return replace(found, problems=(*found.problems, *beyond))


def _severity(name: str) -> Severity:
    """Of a file beside a package: questions may be in it."""
    if name.startswith(_MACINTOSH):
        return "warning"
    return "error" if PurePosixPath(name).suffix.lower() in _WITH_QUESTIONS else "warning"


def _read_xml(data: bytes, file: str, beside: Callable[[str], bytes | None]) -> Imported:
    if is_moodle_xml(data):
        return read_moodle_xml(data, file)
    if is_qti12(data):
        return read_qti12(data, file, beside)
    return read_qti3(data, file, beside)


def _read_text(data: bytes, file: str, beside: Callable[[str], bytes | None]) -> Imported:
    if is_table(data, file):
        return read_delimited(data, file, beside)
    text = text_of(data, file, ProblemLog(file))
    if is_aiken(text):
        return read_aiken(data, file)
    if is_cloze(text):
        return read_cloze(data, file)
    if is_gift(text):
        return read_gift(data, file)
    raise FileRefusedError(f"{file}: neither GIFT nor Aiken; name it .gift or .aiken if it is")
