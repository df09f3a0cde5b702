"""Which program a kiosk runs: its release and a digest of the files that it is made of.

A server of the same release has the same files, so both compute the same text; a file changed by
a hand or a fault shows. It is the program's own word: it finds mistakes and idle hands, and a
program that was made to lie is not found by it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: What a station is installed with. `exam_server` is there for its contract alone.
PARTS = ("card_reader", "question_bank", "exam_server/contract", "exam_station")
DISTRIBUTION = "truong-thi"
DIGITS = 20


def digest(files: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 (lower-case hex) of files by name, in the order of their names."""
    whole = hashlib.sha256()
    for name, content in sorted(files):
        for part in (name.encode(), content):
            whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


def files_under(root: Path, parts: Iterable[str] = PARTS) -> Iterator[tuple[str, bytes]]:
    """Name (below `root`) and content of every file of the program; nothing that a run makes."""
    for part in parts:
        for path in (root / part).rglob("*"):
            if path.suffix != ".pyc" and path.is_file():
                yield path.relative_to(root).as_posix(), path.read_bytes()


@cache
def program_version() -> str:
    """Release and digest of the program that is installed here, e.g. ``0.1.0+3f2a…``."""
    try:
        release = version(DISTRIBUTION)
    except PackageNotFoundError:
        release = "unreleased"
    return f"{release}+{digest(files_under(Path(__file__).parents[2]))[:DIGITS]}"
