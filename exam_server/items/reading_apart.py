"""Reading a foreign file in a process of its own, with little time and little memory.

A file that a reader loops over, or that swells, takes that process down and nothing of the server.
Run as a module it reads the file on stdin and writes one JSON object on stdout.
"""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from exam_server.errors import ServerError
from exam_server.items import apart
from question_bank.errors import QuestionBankError
from question_bank.interchange.problems import Problem
from question_bank.item import Item, Media
from question_bank.records import item_from_plain, item_to_plain

SECONDS = 60
MAX_FOUND = 64 * 1024 * 1024
MAX_NAME = 100
#: What is read of a file.
ITEMS, MEDIUM = "items", "medium"
#: Two files at a time: the exam goes on beside it.
_turns = threading.BoundedSemaphore(2)
#: Seconds: who waits holds a thread that answers others.
PATIENCE = 2.0
_readers = set[str]()
_of_readers = threading.Lock()


class NotReadError(ServerError):
    """A file that cannot be read; the message says why, in the reader's words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file held."""

    items: tuple[Item, ...]
    problems: tuple[Problem, ...]
    lines: Mapping[str, int]
    files: Mapping[str, str] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        return {
            "items": [item_to_plain(item) for item in self.items],
            "problems": [problem.to_plain() for problem in self.problems],
            "lines": dict(self.lines),
            "files": dict(self.files),
        }


def reading_from_plain(plain: Any) -> Reading:
    """What `Reading.to_plain` gave."""
    return Reading(
        tuple(item_from_plain(one) for one in plain["items"]),
        tuple(Problem(**one) for one in plain["problems"]),
        plain["lines"],
        plain.get("files", {}),  # what an older program kept has none
    )


def file_name(name: str) -> str:
    """The last part of a name that a browser sent, short and printable; its ending stays."""
    last = "".join(
        sign for sign in name.replace("\\", "/").rpartition("/")[2] if sign.isprintable()
    )
    stem, dot, ending = last.rpartition(".")
    return f"{stem[: MAX_NAME - 10]}{dot}{ending[:9]}" if dot else last[:MAX_NAME]


def read_apart(data: bytes, name: str, reader: str) -> Reading:
    """What the file holds, for `reader`, who reads one at a time; NotReadError where nothing can be
    read of it now."""
    return reading_from_plain(_apart(data, name, ITEMS, reader))


@contextmanager
def _turn(reader: str) -> Iterator[None]:
    with _of_readers:
        if reader in _readers:
            raise NotReadError("another file of yours is being read; wait for it and try again")
        _readers.add(reader)
    try:
        if not _turns.acquire(timeout=PATIENCE):
            raise NotReadError("two other files are being read; try again")
        try:
            yield
        finally:
            _turns.release()
    finally:
        with _of_readers:
            _readers.discard(reader)


def _apart(data: bytes, name: str, what: str, reader: str) -> Any:
    with _turn(reader):
        try:
            found = apart.run(
                "exam_server.items.reading_apart", file_name(name), what,
                data=data, seconds=SECONDS, most=MAX_FOUND,
            )  # fmt: skip
        except apart.TooMuchError:
            problem = "reading the file takes too much time or memory; divide it"
            raise NotReadError(problem) from None
        except apart.BrokenOffError:
            problem = "the reader failed over this file; the server's log has it"
            raise NotReadError(problem) from None
        except apart.StoppedError as error:
            raise NotReadError(str(error)) from None
    plain = json.loads(found)
    if "error" in plain:
        raise NotReadError(plain["error"])
    return plain


def medium_apart(data: bytes, name: str, reader: str) -> Media:
    """The picture or sound that the file is, for `reader`; NotReadError where it is none."""
    found = _apart(data, name, MEDIUM, reader)
    return Media(str(found["id"]), str(found["mime"]), data)


def _main(name: str, what: str) -> None:
    with apart.held_to(SECONDS):
        json.dump(_read(name, what), sys.stdout)


def _read(name: str, what: str) -> dict[str, Any]:
    from question_bank.interchange.formats import read_any
    from question_bank.interchange.pictures import medium

    data = sys.stdin.buffer.read()
    try:
        if what == MEDIUM:
            media = medium(data, name)
            return {"id": media.id, "mime": media.mime}
        found = read_any(data, name, lambda _name: None)
        return Reading(found.items, found.problems, found.lines, found.files).to_plain()
    except QuestionBankError as error:
        return {"error": " ".join(str(error).split())}


if __name__ == "__main__":
    _main(*sys.argv[1:3])
