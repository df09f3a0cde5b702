"""`question-bank`: show, score, import, compare and export items.

Exit 0: done; 1: done, and something in the file was not taken; 2: the input or the call is
unusable, with one line that says why.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import NoReturn, Protocol

from question_bank.assembly import BaseForm
from question_bank.bank_folder import BankFolder
from question_bank.content import plain_text
from question_bank.difference import Mark
from question_bank.duplicates.findings import Findings, warnings, within
from question_bank.errors import FileRefusedError, QuestionBankError
from question_bank.interchange.archive import Archive, resolve
from question_bank.interchange.formats import WRITERS, ZIP_MAGIC, read_any, read_zip
from question_bank.interchange.problems import Imported, Problem
from question_bank.interchange.spreadsheet.template import LANGUAGES, template, template_csv
from question_bank.item import Item, options_of
from question_bank.item_summary import item_summary
from question_bank.qti import Program, read_program
from question_bank.qti.cases import score_cases, score_test_cases
from question_bank.qti.session import TestProgram, read_test
from question_bank.scoring import SCORER_VERSION

DONE, NEGATIVE, UNUSABLE = 0, 1, 2
MAX_FILE = 256 * 1024 * 1024
MAX_NAME = 200
#: How a difference is written on a terminal.
_MARKED = {Mark.SAME: "{}", Mark.ADDED: "{{+{}+}}", Mark.REMOVED: "[-{}-]"}
#: Entry points: URL scheme → a function that gives a `Bank` for the URL.
BANKS = "question_bank.banks"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(UNUSABLE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    options = _parser().parse_args(arguments)
    _speak_utf8()
    try:
        match options.command:
            case "show":
                code = _show(options.file, as_json=options.json)
            case "score":
                code = _score(options.item, options.cases, as_json=options.json)
            case "template":
                code = _template(options.out, options.language, as_json=options.json)
            case "export":
                code = _export(options)
            case "duplicates":
                code = _duplicates(options.bank, options.file, as_json=options.json)
            case _:
                code = _import(options.files, options.bank, as_json=options.json)
        sys.stdout.flush()
        return code
    except QuestionBankError as error:
        line = " ".join(str(error).split())
        if options.json:
            _print_json({"error": line})
        print(f"question-bank: {line}", file=sys.stderr)
        return UNUSABLE
    except BrokenPipeError:  # the reader of our output has gone, and that is its right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _speak_utf8() -> None:
    """Whatever the locale: items are Vietnamese, and names of files may be no text at all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="question-bank", description="Items: read, score, keep.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    show = commands.add_parser("show", help="what a file holds, without a bank")
    show.add_argument("file", type=Path)
    score = commands.add_parser("score", help="marks of responses to one item")
    score.add_argument("item", type=Path, help="a QTI 2.x or 3.0 item or test (XML)")
    score.add_argument("--cases", type=Path, required=True, help="responses (JSON)")
    bring = commands.add_parser("import", help="puts a file's items into a bank")
    bring.add_argument("files", type=Path, nargs="+")
    bring.add_argument("--bank", required=True, help="a folder, or exam-server:///… (the docs)")
    alike = commands.add_parser("duplicates", help="which items of a bank are like others")
    alike.add_argument("bank", type=Path, metavar="BANK", help="a folder")
    alike.add_argument("file", type=Path, metavar="FILE", nargs="?", help="its items alone")
    take = commands.add_parser("export", help="writes a bank's items into a file")
    take.add_argument("items", nargs="*", help="ids; all items and base forms without any")
    take.add_argument("--bank", type=Path, required=True, help="a folder")
    take.add_argument("--format", choices=sorted(WRITERS), required=True)
    take.add_argument("--without-key", action="store_true", help="for candidates: no answers")
    take.add_argument("--out", type=Path, required=True, help="the file to write")
    blank = commands.add_parser("template", help="writes a spreadsheet to fill in")
    blank.add_argument("--out", type=Path, required=True, help="a file .xlsx or .csv")
    blank.add_argument("--language", choices=LANGUAGES, default="vi", help="of the headings")
    for command in (show, score, bring, alike, take, blank):
        command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


def _show(file: Path, *, as_json: bool) -> int:
    found = _read(file)
    if as_json:
        _print_json(_plain(found.items, found.problems))
    else:
        _print_items(found.items)
        _print_problems(found.problems)
    return NEGATIVE if found.has_errors else DONE


def _score(item_file: Path, cases_file: Path, *, as_json: bool) -> int:
    data = _bytes(item_file)
    if data.startswith(ZIP_MAGIC):
        raise FileRefusedError(f"{item_file}: a package; score takes the XML of one item")
    program = read_program(data, item_file.name)
    cases = _cases(cases_file)
    if program.is_test:
        test = read_test(data, item_file.name)
        items = _items_of(test, item_file.parent)
        scored, named = score_test_cases(test, items, cases), test.unsupported
        named += tuple(f"{name}: {w}" for name, item in items.items() for w in item.unsupported)
    else:
        scored, named = score_cases(program, cases), program.unsupported
    for what in named:
        print(f"question-bank: {item_file.name}: {what} is not supported", file=sys.stderr)
    if as_json:
        unsupported = {"unsupported": list(named)} if named else {}
        _print_json({"cases": scored, "scorer_version": SCORER_VERSION} | unsupported)
    else:
        for case in scored:
            print(f"{case['id']}: {case['outcomes']}")
    return DONE


def _cases(file: Path) -> object:
    try:
        return json.loads(_bytes(file))
    except (ValueError, RecursionError):
        raise FileRefusedError(f"{file}: no JSON; see the format in the docs") from None


def _items_of(test: TestProgram, folder: Path) -> dict[str, Program]:
    """The programs of a test's items, whose files lie in the test's folder or below."""
    programs = {}
    for ref in test.items:
        file = folder / ref.href
        if "\0" in ref.href or not file.resolve().is_relative_to(folder.resolve()):
            raise FileRefusedError(f"{ref.href[:100]!r}: not in the folder of the test")
        programs[ref.identifier] = read_program(_bytes(file), ref.href)
    return programs


def _import(files: Sequence[Path], bank: str, *, as_json: bool) -> int:
    target = _bank(bank)
    found = [_read(file) for file in files]
    _distinct(files, found)
    items = tuple(item for part in found for item in part.items)
    closest = target.duplicates(items).closest()
    newer = target.newer_versions(items) if isinstance(target, BankFolder) else {}
    problems = tuple(
        problem
        for file, part in zip(files, found, strict=True)
        for problem in (
            *part.problems,
            *_overtaking(newer, part, file.name),
            *warnings(closest, part, file.name),
        )
    )
    imported = target.add_items(items)
    target.add_base_forms(form for part in found for form in part.base_forms)
    if as_json:
        _print_json(_plain(items, problems) | {"imported": imported})
    else:
        print(f"{imported} of {len(items)} items are new or changed")
        _print_problems(problems)
    return NEGATIVE if any(part.has_errors for part in found) else DONE


def _overtaking(newer: Mapping[str, int], part: Imported, file: str) -> Iterator[Problem]:
    """A warning for each item that takes the place of another one of its id in the bank."""
    for item in part.items:
        if item.id in newer:
            message = f"is in the bank with other content; became version {newer[item.id]}"
            name, line = part.files.get(item.id, file), part.lines.get(item.id)
            yield Problem(name, line, item.id, message, "warning")


def _distinct(files: Sequence[Path], found: Sequence[Imported]) -> None:
    """Refuses files whose items have each other's ids: of two only the later would be kept."""
    seen: dict[str, tuple[Path, Item]] = {}
    for file, part in zip(files, found, strict=True):
        for item in part.items:
            other, known = seen.setdefault(item.id, (file, item))
            if other != file and known != item:
                message = f"{file}: its item {item.id} has the id of another one in {other}"
                raise FileRefusedError(f"{message}; give one of the files another name")


def _duplicates(bank: Path, file: Path | None, *, as_json: bool) -> int:
    """Compares the items of a bank with each other, or those of a file with the bank's."""
    folder = _folder(bank)
    read = _read(file) if file else None
    items = folder.items() if read is None else read.items
    findings = within(items) if read is None else folder.duplicates(items)
    if as_json:
        found = [one.to_plain() for one in findings.found]
        plain = {"items": len(items), "duplicates": found, "more": dict(findings.more)}
        _print_json(plain | ({"problems": [p.to_plain() for p in read.problems]} if read else {}))
    else:
        _print_findings(findings)
        _print_problems(read.problems if read else ())
    return NEGATIVE if findings.found or (read and read.has_errors) else DONE


def _print_findings(findings: Findings) -> None:
    for one in findings.found:
        print(f"{one.item} {one.told()}")
        for change in one.explanation.changes:
            words = "".join(_MARKED[piece.mark].format(piece.text) for piece in change.pieces)
            print(f"   {' '.join((change.part, change.name)).strip()}: {words or 'differs'}")
    for item, count in findings.more.items():
        print(f"{item} has something in common with {count} more")


class Bank(Protocol):
    """What items are brought into."""

    def duplicates(self, items: Sequence[Item]) -> Findings: ...

    def add_items(self, items: Sequence[Item]) -> int: ...

    def add_base_forms(self, forms: Iterable[BaseForm]) -> None: ...


def _bank(text: str) -> Bank:
    """A folder, or what an installed package registers for the URL's scheme (`BANKS`)."""
    scheme, is_url, _ = text.partition("://")
    if is_url:
        openers = list(entry_points(group=BANKS, name=scheme))
        if not openers:
            raise FileRefusedError(f"--bank: {scheme}:// is served by nothing that is installed")
        bank: Bank = openers[0].load()(text)
        return bank
    if not text:
        raise FileRefusedError("--bank: give the path of a folder")
    if Path(text).exists() and not Path(text).is_dir():
        raise FileRefusedError(f"--bank: {text} is a file; give a folder")
    return BankFolder(Path(text))


def _export(options: argparse.Namespace) -> int:
    folder = _folder(options.bank)
    known = {item.id: item for item in folder.items()}
    missing = [name for name in options.items if name not in known]
    if missing or not known:
        raise FileRefusedError(f"{options.bank}: no item {missing[0] if missing else 'at all'}")
    wanted = [known[name] for name in dict.fromkeys(options.items)] or list(known.values())
    ids = {item.id for item in wanted}
    forms = [form for form in folder.base_forms() if ids.issuperset(form.items)]
    writer = WRITERS[options.format]
    write = writer.without_key if options.without_key else writer.write
    if write is None:
        raise FileRefusedError(f"--without-key: {options.format} always holds the key")
    written = write(wanted, forms)
    _write(options.out, written.data)
    refused = sum(problem.severity == "error" for problem in written.problems)
    counted = {"exported": len(wanted) - refused, "base_forms": len(forms)}
    if options.json:
        problems = [problem.to_plain() for problem in written.problems]
        named = {"format": options.format, "file": str(options.out), "problems": problems}
        _print_json(counted | named)
    else:
        print(f"{options.out}: {len(wanted) - refused} items, {len(forms)} base forms")
        _print_problems(written.problems)
    return NEGATIVE if refused else DONE


def _template(file: Path, language: str, *, as_json: bool) -> int:
    writers = {".xlsx": template, ".csv": template_csv}
    writer = writers.get(file.suffix.lower())
    if writer is None:
        raise FileRefusedError(f"{file}: name a file that ends in .xlsx or .csv")
    _write(file, writer(language))
    if as_json:
        _print_json({"file": str(file), "language": language})
    else:
        print(f"{file}: fill in one question a row")
    return DONE


def _folder(bank: Path) -> BankFolder:
    if not bank.is_dir():
        raise FileRefusedError(f"{bank}: no folder; give a bank that import has made")
    return BankFolder(bank)


def _write(file: Path, data: bytes) -> None:
    """The file appears whole or not at all."""
    part = file.with_name(file.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileRefusedError(f"{file}: {error.strerror or 'cannot be written'}") from None


def _read(file: Path) -> Imported:
    """A zip file is read where it lies, part by part: it may be large."""
    if _bytes(file, len(ZIP_MAGIC)) == ZIP_MAGIC:
        return read_zip(Archive(file), file.name, _beside(file))
    return read_any(_bytes(file), file.name, _beside(file))


def _beside(file: Path) -> Callable[[str], bytes | None]:
    """The files in the folder of `file` and below it, by relative name, and none elsewhere."""
    folder = file.parent.resolve()

    def read(name: str) -> bytes | None:
        inside = resolve("", name) if len(name) <= MAX_NAME and "\0" not in name else None
        found = (folder / inside).resolve() if inside else folder
        return _bytes(found) if found.is_relative_to(folder) and found.is_file() else None

    return read


def _bytes(file: Path, count: int = -1) -> bytes:
    """The file's bytes, or the first `count`."""
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise FileRefusedError(f"{file}: no regular file; save what it gives as one first")
        if file.stat().st_size > MAX_FILE:
            raise FileRefusedError(f"{file}: more than {MAX_FILE} bytes")
        with file.open("rb") as stream:
            return stream.read(count)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no valid path"
        raise FileRefusedError(f"{file}: {reason}; check the path") from None


def _plain(items: Sequence[Item], problems: Sequence[Problem]) -> dict[str, object]:
    return {
        "items": [item_summary(item) for item in items],
        "problems": [problem.to_plain() for problem in problems],
    }


def _print_json(value: object) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False)
    print()


def _print_items(items: Sequence[Item]) -> None:
    for item in items:
        shown = item_summary(item)
        print(f"{item.id} [{item.kind}, {item.points}] {shown['stem']}")
        for option in options_of(item.interaction):
            print(f"   {option.id}. {plain_text(option.content)}")
        print(f"   = {shown['key']}")


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
        line = f"{problem.severity}: {place}: {problem.element}: {problem.message}"
        print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
