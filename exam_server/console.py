"""What the commands share: arguments, passphrases, answers."""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from sqlmodel import Session, col, select

from exam_server import directory, keys
from exam_server.directory import OpenServer
from exam_server.errors import InputError
from exam_server.forms.models import Exam
from exam_server.keys import ServerKeys
from exam_server.shifts.models import Shift

DONE, NEGATIVE = 0, 1
PASSPHRASE = "EXAM_SERVER_PASSPHRASE"  # noqa: S105 - the name of a variable
BACKUP_PASSPHRASE = "EXAM_BACKUP_PASSPHRASE"  # noqa: S105 - the name of a variable
STAFF_PASSWORD = "EXAM_STAFF_PASSWORD"  # noqa: S105 - the name of a variable

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Command = Callable[[argparse.Namespace], int]


def add_command(
    subparsers: Subparsers, name: str, run: Command, help_text: str, *, passphrase: bool
) -> argparse.ArgumentParser:
    """A command on the server in DIR; with `passphrase` it needs the server's keys."""
    parser = subparsers.add_parser(name, help=help_text, description=help_text)
    parser.add_argument("directory", metavar="DIR", type=Path, help="the server's data directory")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    if passphrase:
        parser.add_argument(
            "--passphrase-file",
            metavar="FILE",
            type=Path,
            help=f"file with the server's passphrase (else {PASSPHRASE}, else asked for)",
        )
    parser.set_defaults(run=run)
    return parser


def add_group(subparsers: Subparsers, name: str, help_text: str) -> Subparsers:
    """A command that has commands of its own."""
    parser = subparsers.add_parser(name, help=help_text, description=help_text)
    return parser.add_subparsers(metavar="COMMAND", required=True)


def secret(file: Path | None, variable: str, prompt: str, *, twice: bool = False) -> str:
    """From a file, a variable, or the terminal; never from the command line, never a default."""
    if file is not None:
        try:
            return file.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{file} cannot be read") from error
    if os.environ.get(variable):
        return os.environ[variable]
    if not sys.stdin.isatty():
        raise InputError(f"no passphrase: set {variable} or name a file that holds it")
    first = getpass.getpass(f"{prompt}: ")
    if twice and getpass.getpass(f"{prompt}, once more: ") != first:
        raise InputError("the two entries differ; try again")
    return first


@dataclass(frozen=True, slots=True)
class Unlocked:
    """An opened server with its keys."""

    server: OpenServer
    keys: ServerKeys


@contextmanager
def unlocked(parsed: argparse.Namespace) -> Iterator[Unlocked]:
    """The server in DIR, its keys opened with the passphrase."""
    with directory.open_server(parsed.directory) as server:
        passphrase = secret(parsed.passphrase_file, PASSPHRASE, "Passphrase of the server")
        yield Unlocked(server, keys.load(parsed.directory, passphrase))


def answer(
    parsed: argparse.Namespace, fields: Mapping[str, Any], text: str, *, code: int = DONE
) -> int:
    """Prints the JSON object, or `text` for people."""
    shown = json.dumps(dict(fields), ensure_ascii=False) if parsed.json else text
    sys.stdout.write(shown + "\n")
    sys.stdout.flush()
    return code


def remark(text: str) -> None:
    """A line beside the answer."""
    sys.stderr.write(text + "\n")


def find_shift(session: Session, name: str | None, exam_code: str | None = None) -> Shift:
    """The shift of that name; without one, the only shift there is."""
    query = select(Shift).join(Exam, col(Exam.id) == Shift.exam_id).order_by(col(Shift.starts_at))
    if name:
        query = query.where(Shift.name == name)
    if exam_code:
        query = query.where(Exam.code == exam_code)
    found = session.exec(query).all()
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(f"there is no shift {name or ''}".rstrip() + "; load an exam first")
    names = ", ".join(shift.name for shift in found)
    raise InputError(f"several shifts fit ({names}); choose with --shift and --exam")


def add_shift_choice(parser: argparse.ArgumentParser) -> None:
    """The arguments that `find_shift` takes."""
    parser.add_argument("--shift", metavar="NAME", help="needed where there are several")
    parser.add_argument("--exam", metavar="CODE", help="needed where shifts have the same name")
