"""The journal on a real disk: torn at any byte, flipped at any byte, locked, full."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from exam_server.contract import records
from exam_server.contract.records import Record, SignedHead, WritingKeys
from exam_station import journal as journals
from exam_station.journal import (
    MAGIC,
    Header,
    Journal,
    JournalDamagedError,
    JournalError,
    JournalFullError,
    JournalInUseError,
)

KEYS = WritingKeys("attempt-1", 1, b"L" * 32, b"A" * 32)
HEADER = Header("attempt-1", b"wrapped for the station", b"wrapped for recovery")


def write(journal: Journal, body: records.Body) -> Record:
    record = KEYS.seal(
        body,
        sequence=journal.sequence + 1,
        previous=journal.head,
        acknowledged=0,
        at=1_000,
        rng=os.urandom,
    )
    journal.append(record)
    return record


def sign(journal: Journal) -> SignedHead:
    signed = SignedHead.sign(
        Ed25519PrivateKey.generate(),
        attempt="attempt-1",
        epoch=1,
        sequence=journal.sequence,
        head=journal.head,
    )
    journal.append_head(signed)
    return signed


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[tuple[int, int]]]:
    """A journal's bytes, and (size, number of records) after every entry."""
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal = Journal.create(path, HEADER)
    steps = [(path.stat().st_size, 0)]
    for number in range(1, 6):
        write(journal, records.Visited(f"item-{number}"))
        steps.append((path.stat().st_size, number))
        if number == 3:
            sign(journal)
            steps.append((path.stat().st_size, number))
    journal.close()
    return path.read_bytes(), steps


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal.create(path, HEADER)
    written = [write(journal, records.Visited(f"item-{number}")) for number in range(3)]
    signed = sign(journal)
    journal.close()
    again = Journal.open(path)
    assert again.header == HEADER
    assert again.records == tuple(written)
    assert (again.sequence, again.head, again.signed) == (3, written[-1].head, signed)
    assert [record.sequence for record in again.after(1, 10)] == [2, 3]
    write(again, records.Visited("on we go"))
    assert again.sequence == 4
    assert path.stat().st_mode & 0o777 == 0o600
    again.close()


def test_cut_at_every_byte_it_opens_to_the_longest_whole_prefix(
    written: tuple[bytes, list[tuple[int, int]]], tmp_path: Path
) -> None:
    data, steps = written
    path = tmp_path / "journal"
    for cut in range(steps[0][0], len(data) + 1):
        expected = max(steps_at for steps_at in steps if steps_at[0] <= cut)
        contents = journals.read(data[:cut])
        assert (contents.size, len(contents.records)) == expected
    for cut in range(steps[0][0]):
        with pytest.raises(JournalDamagedError):
            journals.read(data[:cut])
    path.write_bytes(data[:-1])
    journal = Journal.open(path)
    assert (journal.sequence, path.stat().st_size) == (4, steps[-2][0])
    write(journal, records.Visited("written over the torn one"))
    journal.close()
    assert len(journals.read(path.read_bytes()).records) == 5


def test_a_tail_of_zeros_is_a_torn_write(
    written: tuple[bytes, list[tuple[int, int]]],
) -> None:
    data, steps = written
    for cut in range(steps[-2][0], len(data) - len(journals.ZERO_TAIL)):
        contents = journals.read(data[:cut] + bytes(len(data) - cut))
        assert len(contents.records) == 4


@settings(max_examples=300)
@given(st.data())
def test_a_changed_byte_is_damage_with_a_name(
    written: tuple[bytes, list[tuple[int, int]]], data: st.DataObject
) -> None:
    original, _ = written
    at = data.draw(st.integers(0, len(original) - 1))
    other = data.draw(st.integers(1, 255))
    changed = bytearray(original)
    changed[at] ^= other
    with pytest.raises(JournalDamagedError) as caught:
        journals.read(bytes(changed))
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_journal_or_named_damage(data: bytes) -> None:
    for candidate in (data, MAGIC + data):
        with pytest.raises(JournalDamagedError):
            journals.read(candidate)


def test_records_of_another_attempt_or_out_of_order_are_damage(
    written: tuple[bytes, list[tuple[int, int]]],
) -> None:
    data, steps = written
    first, second, third = steps[0][0], steps[1][0], steps[2][0]
    swapped = data[:first] + data[second:third] + data[first:second]
    with pytest.raises(JournalDamagedError, match="continue the chain"):
        journals.read(swapped)


def test_only_the_next_record_is_taken(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal", HEADER)
    record = write(journal, records.Visited("a"))
    with pytest.raises(JournalError, match="does not follow"):
        journal.append(record)
    assert journal.sequence == 1
    journal.close()


def test_a_second_process_is_locked_out(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal", HEADER)
    script = (
        "import sys; from pathlib import Path; from exam_station import journal\n"
        "try: journal.Journal.open(Path(sys.argv[1]))\n"
        "except journal.JournalInUseError: sys.exit(7)"
    )
    code = [sys.executable, "-c", script, str(tmp_path / "journal")]
    assert subprocess.run(code, check=False).returncode == 7
    with pytest.raises(JournalInUseError):
        Journal.open(tmp_path / "journal")
    journal.close()
    Journal.open(tmp_path / "journal").close()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from exam_station.journal import Journal, JournalFullError
from tests.exam_station.test_journal import HEADER, write, records
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
journal = Journal.create(path, HEADER)
write(journal, records.Visited("a"))
room = path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (room + 40, resource.RLIM_INFINITY))
for _ in range(2):
    try:
        write(journal, records.Visited("b"))
    except JournalFullError:
        assert (path.stat().st_size, journal.sequence) == (room, 1)
    else:
        sys.exit("a full disk took the record")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
write(journal, records.Visited("c"))
sys.exit(9)
"""


def test_a_full_disk_refuses_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    code = [sys.executable, "-c", FULL_DISK, str(path)]
    done = subprocess.run(code, check=False, capture_output=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 9, done.stderr.decode()
    assert [record.sequence for record in journals.read(path.read_bytes()).records] == [1, 2]


def test_killed_in_the_middle_nothing_returned_from_is_lost(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from tests.exam_station.test_journal import *\n"
        "journal = Journal.create(Path(sys.argv[1]), HEADER)\n"
        "for number in range(1, 10**6):\n"
        "    write(journal, records.Visited('x'))\n"
        "    print(number, flush=True)\n"
    )
    code = [sys.executable, "-c", script, str(tmp_path / "journal")]
    process = subprocess.Popen(code, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert process.stdout is not None
    told = 0
    while told < 50:
        told = int(process.stdout.readline())
    process.kill()
    rest = [int(line) for line in process.stdout.read().split()]
    process.wait()
    journal = Journal.open(tmp_path / "journal")
    assert journal.sequence >= max([told, *rest])
    journal.close()


def test_a_missing_folder_is_made_and_a_forbidden_one_named(tmp_path: Path) -> None:
    Journal.create(tmp_path / "deep" / "journal", HEADER).close()
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    with pytest.raises(JournalError):
        Journal.create(blocked / "journal", HEADER)
    assert not issubclass(JournalFullError, JournalDamagedError)
