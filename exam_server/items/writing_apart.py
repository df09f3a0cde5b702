"""Writing many items as one file in a process of its own: hundreds of pages keep a processor busy
for minutes, and the exam goes on beside it.

Run as a module it reads the items on stdin as JSON and writes to stdout one line of JSON, what is
to be said of the file, and behind it the file.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from exam_server.errors import ServerError
from exam_server.items import apart
from question_bank.interchange.formats import WRITERS
from question_bank.interchange.problems import Exported, Problem
from question_bank.item import Item
from question_bank.records import item_from_plain, item_to_plain

SECONDS = 600
MAX_FILE = 64 * 1024 * 1024
#: Behind what answers stations and people.
NICE = 10
_turn = threading.BoundedSemaphore(1)


class BusyError(ServerError):
    """Another file is being written."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of many items. `refused` are the ids of those that its format cannot hold, which are
    not in it; `problems` say why, and what of the others it does not carry."""

    data: bytes
    problems: tuple[Problem, ...]
    refused: tuple[str, ...]


def write_apart(items: Sequence[Item], form: str) -> Written:
    """The items in the format `form` (of `WRITERS`), as far as it can hold them; BusyError while
    another file is written, and the errors of `apart.run`."""
    if not _turn.acquire(blocking=False):  # who waits would hold a thread that answers others
        raise BusyError("another file is being written; try again")
    try:
        given = apart.run(
            "exam_server.items.writing_apart", form,
            data=json.dumps([item_to_plain(item) for item in items]).encode(),
            seconds=SECONDS, most=MAX_FILE,
        )  # fmt: skip
    finally:
        _turn.release()
    line, _, data = given.partition(b"\n")
    said = json.loads(line)
    problems = tuple(Problem(**one) for one in said["problems"])
    return Written(data, problems, tuple(said["refused"]))


def write(items: Sequence[Item], form: str) -> Written:
    """As `write_apart`, in this process. An item is refused here for what it is refused for when
    it goes out alone: an error of its format."""
    writer = WRITERS[form]
    whole = writer.write(items, [])
    if not _errors(whole):
        return Written(whole.data, whole.problems, ())
    alone = {item.id: _errors(writer.write([item], [])) for item in items}
    kept = [item for item in items if not alone[item.id]]
    rest = writer.write(kept, []) if kept else Exported(b"")
    told = [problem for errors in alone.values() for problem in errors]
    refused = tuple(name for name, errors in alone.items() if errors)
    return Written(rest.data, (*told, *rest.problems), refused)


def _errors(written: Exported) -> tuple[Problem, ...]:
    return tuple(one for one in written.problems if one.severity == "error")


def _main(form: str) -> None:
    os.nice(NICE)
    with apart.held_to(SECONDS):
        items = [item_from_plain(one) for one in json.load(sys.stdin.buffer)]
        made = write(items, form)
        said = {"problems": [one.to_plain() for one in made.problems], "refused": made.refused}
        sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + made.data)


if __name__ == "__main__":
    _main(*sys.argv[1:2])
