"""Journals on a small disk that really is full: a tmpfs of a few megabytes, seen by one process.

Where no file system can be mounted, not even in a namespace of one's own, these are skipped; the
file size limit of `test_journal.py` then stands for the full disk.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEGABYTE = 1024 * 1024

PREAMBLE = """
import os, sys
from pathlib import Path
from exam_station.journal import Journal, JournalFullError, RESERVE
from tests.exam_station.test_journal import HEADER, write, records

disk = Path(sys.argv[1])

def fill():
    with open(disk / "filler", "ab", buffering=0) as filler:
        for piece in (65536, 4096, 1):
            try:
                while filler.write(bytes(piece)):
                    pass
            except OSError as error:
                assert error.errno == 28, error
    assert os.statvfs(disk).f_bavail == 0
"""

UNDER_WAY = """
journal = Journal.create(disk / "attempts" / "journal", HEADER)
path = disk / "attempts" / "journal"
fill()
taken = 0
while path.stat().st_size < RESERVE - 1024:
    write(journal, records.Visited("x" * 4000))
    taken += 1
assert taken > 500, taken
try:
    while True:
        write(journal, records.Visited("x" * 4000))
        taken += 1
except JournalFullError:
    size = path.stat().st_size
    assert journal.sequence == taken
journal.close()
journal = Journal.open(path)
assert (journal.sequence, path.stat().st_size) == (taken, size)
(disk / "filler").unlink()
write(journal, records.Visited("there is room again"))
journal.close()
assert Journal.open(path).sequence == taken + 1
"""

NEW = """
fill()
try:
    Journal.create(disk / "journal", HEADER)
except JournalFullError as error:
    assert "full" in str(error)
else:
    sys.exit("a full disk took a new journal")
assert [each.name for each in disk.iterdir()] == ["filler"]
(disk / "filler").write_bytes(bytes(14 * 1024 * 1024))
try:
    Journal.create(disk / "journal", HEADER)
except JournalFullError:
    pass
else:
    sys.exit("an attempt was begun without room for all of it")
assert [each.name for each in disk.iterdir()] == ["filler"]
(disk / "filler").unlink()
Journal.create(disk / "journal", HEADER).close()
"""


def on_a_small_disk(script: str, folder: Path) -> None:
    mount = f"mount -t tmpfs -o size={16 * MEGABYTE} tmpfs {folder}"
    private = ["unshare", "-rm", "sh", "-c"]
    if subprocess.run([*private, mount], check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    program = [sys.executable, "-c", PREAMBLE + script, str(folder)]
    done = subprocess.run(
        [*private, f'{mount} && exec "$@"', "sh", *program],
        check=False,
        capture_output=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_an_attempt_under_way_goes_on_though_something_else_filled_the_disk(tmp_path: Path) -> None:
    on_a_small_disk(UNDER_WAY, tmp_path)


def test_a_new_attempt_is_refused_clearly_where_it_could_not_be_written_to_its_end(
    tmp_path: Path,
) -> None:
    on_a_small_disk(NEW, tmp_path)
