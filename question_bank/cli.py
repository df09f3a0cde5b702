"""`question-bank`: show, score and import items.

Exit 0: done; 1: done, and something in the file was not taken; 2: the input or the call is
unusable, with one line that says why.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from question_bank.bank_folder import BankFolder
from question_bank.cases import score_cases
from question_bank.content import plain_text
from question_bank.errors import FileRefusedError, QuestionBankError
from question_bank.interchange.problems import Imported, Problem, ProblemLog
from question_bank.interchange.qti3 import ZIP_MAGIC, read_qti3, read_single
from question_bank.item import ChoiceKey, ClusterKey, Item, Key, NumericKey, options_of

DONE, NEGATIVE, UNUSABLE = 0, 1, 2
MAX_FILE = 256 * 1024 * 1024


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(UNUSABLE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "show":
                code = _show(options.file, as_json=options.json)
            case "score":
                code = _score(options.item, options.cases, as_json=options.json)
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="question-bank", description="Items: read, score, keep.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    show = commands.add_parser("show", help="what a file holds, without a bank")
    show.add_argument("file", type=Path)
    score = commands.add_parser("score", help="marks of responses to one item")
    score.add_argument("item", type=Path, help="a QTI 3.0 item (XML)")
    score.add_argument("--cases", type=Path, required=True, help="responses (JSON)")
    bring = commands.add_parser("import", help="puts a file's items into a bank")
    bring.add_argument("files", type=Path, nargs="+")
    bring.add_argument("--bank", required=True, help="a folder")
    for command in (show, score, bring):
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
    log = ProblemLog(item_file.name)
    data = _bytes(item_file)
    if data.startswith(ZIP_MAGIC):
        raise FileRefusedError(f"{item_file}: a package; score takes the XML of one item")
    read = read_single(data, log)
    if read is None:
        problem = log.problems[-1]
        raise FileRefusedError(
            f"{problem.file}:{problem.line}: {problem.element}: {problem.message}"
        )
    try:
        cases = json.loads(_bytes(cases_file))
    except (ValueError, RecursionError):
        raise FileRefusedError(f"{cases_file}: no JSON; see the format in the docs") from None
    scored = score_cases(read, cases)
    if as_json:
        _print_json({"cases": scored})
    else:
        for case in scored:
            print(f"{case['id']}: {case['outcomes']}")
    return DONE


def _import(files: Sequence[Path], bank: str, *, as_json: bool) -> int:
    if not bank or "://" in bank:
        raise FileRefusedError("--bank: only a folder is supported; give its path")
    if Path(bank).exists() and not Path(bank).is_dir():
        raise FileRefusedError(f"--bank: {bank} is a file; give a folder")
    found = [_read(file) for file in files]
    items = tuple(item for part in found for item in part.items)
    problems = tuple(problem for part in found for problem in part.problems)
    folder = BankFolder(Path(bank))
    imported = folder.add_items(items)
    folder.add_base_forms(form for part in found for form in part.base_forms)
    if as_json:
        _print_json(_plain(items, problems) | {"imported": imported})
    else:
        print(f"{imported} of {len(items)} items are new or changed")
        _print_problems(problems)
    return NEGATIVE if any(part.has_errors for part in found) else DONE


def _read(file: Path) -> Imported:
    data = _bytes(file)
    if not data.startswith(ZIP_MAGIC) and file.suffix.lower() != ".xml":
        raise FileRefusedError(
            f"{file}: this format cannot be read yet; give a QTI 3.0 package (zip) or item (XML)"
        )
    return read_qti3(data, file.name)


def _bytes(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_FILE:
            raise FileRefusedError(f"{file}: more than {MAX_FILE} bytes")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no valid path"
        raise FileRefusedError(f"{file}: {reason}; check the path") from None


def _plain(items: Sequence[Item], problems: Sequence[Problem]) -> dict[str, object]:
    return {
        "items": [_item_plain(item) for item in items],
        "problems": [problem.to_plain() for problem in problems],
    }


def _item_plain(item: Item) -> dict[str, object]:
    options = options_of(item.interaction)
    return {
        "id": item.id,
        "kind": item.kind,
        "stem": plain_text(item.stem),
        "options": [{"id": o.id, "text": plain_text(o.content)} for o in options],
        "key": _key_plain(item.key),
        "points": float(item.points),
        "media": [media.id for media in item.media],
    }


def _key_plain(key: Key) -> list[str] | str:
    match key:
        case ChoiceKey(options=options):
            return list(options)
        case ClusterKey(values=values):
            return ["true" if truth else "false" for truth in values.values()]
        case NumericKey(value=value):
            return format(value, "f")


def _print_json(value: object) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False)
    print()


def _print_items(items: Sequence[Item]) -> None:
    for item in items:
        shown = _item_plain(item)
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
