"""The journal on a real disk: torn at any byte, flipped at any byte, locked, full."""

import errno
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exam_server.contract import journal_file, records
from exam_server.contract.journal_file import Header
from exam_server.contract.move_token import MoveToken, SignedMoveToken
from exam_server.contract.records import Answered, Record, SignedHead, WritingKeys
from exam_station.journal import (
    RESERVE,
    Journal,
    JournalDamagedError,
    JournalError,
    JournalFullError,
    JournalInUseError,
    JournalMovedError,
    JournalUnwritableError,
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


def test_a_torn_last_write_is_taken_off_and_written_over(
    written: tuple[bytes, list[tuple[int, int]]], tmp_path: Path
) -> None:
    data, steps = written
    path = tmp_path / "journal"
    path.write_bytes(data[:-1])
    journal = Journal.open(path)
    assert (journal.sequence, path.stat().st_size) == (4, steps[-2][0])
    write(journal, records.Visited("written over the torn one"))
    journal.close()
    assert len(journal_file.read(path.read_bytes()).records) == 5


def test_a_damaged_journal_opens_to_nothing_and_stays_as_it_is(
    written: tuple[bytes, list[tuple[int, int]]], tmp_path: Path
) -> None:
    data, steps = written
    changed = bytearray(data)
    changed[steps[2][0] + 40] ^= 1
    path = tmp_path / "journal"
    path.write_bytes(changed)
    with pytest.raises(JournalDamagedError, match="2 records before it are sound") as caught:
        Journal.open(path)
    assert caught.value.sound == 2
    assert path.read_bytes() == changed


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


def test_a_journal_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    """Two programs may both have found none."""
    path = tmp_path / "journal"
    journal = Journal.create(path, HEADER)
    write(journal, records.Visited("a"))
    with pytest.raises(JournalInUseError):
        Journal.create(path, HEADER)
    write(journal, records.Visited("b"))
    journal.close()
    assert len(journal_file.read(path.read_bytes()).records) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["journal"]


def test_a_journal_may_begin_with_records_of_another_station(tmp_path: Path) -> None:
    first = Journal.create(tmp_path / "first", HEADER)
    history = [write(first, records.Visited(f"item-{number}")) for number in range(3)]
    first.close()
    second = Journal.create(tmp_path / "second", HEADER, history)
    assert (second.records, second.head) == (tuple(history), history[-1].head)
    write(second, records.Visited("on we go"))
    second.close()
    assert Journal.open(tmp_path / "second").sequence == 4


def test_room_is_reserved_ahead_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "journal"

    def on_disk() -> int:
        return path.stat().st_blocks * 512

    journal = Journal.create(path, HEADER)
    if on_disk() < RESERVE:
        pytest.skip("this file system cannot reserve room")
    assert path.stat().st_size < 1_000
    journal.close()
    assert on_disk() >= RESERVE
    path.write_bytes(path.read_bytes() + b"torn")
    journal = Journal.open(path)
    assert on_disk() >= RESERVE
    essay = Answered("a", {"kind": "text", "text": "x" * 100_000})
    for _ in range(30):
        write(journal, essay)
    assert on_disk() >= path.stat().st_size + RESERVE // 2
    journal.release()
    assert on_disk() < path.stat().st_size + 64 * 1024
    journal.close()


def test_a_flush_that_fails_leaves_nothing_and_the_next_may_succeed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    journal = Journal.create(path, HEADER)
    write(journal, records.Visited("a"))
    size, real, codes = path.stat().st_size, os.fdatasync, [errno.EIO]

    def fdatasync(handle: int) -> None:
        if codes:
            raise OSError(codes.pop(), "the disk failed")
        real(handle)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with pytest.raises(JournalUnwritableError):
        write(journal, records.Visited("b"))
    assert (path.stat().st_size, journal.sequence) == (size, 1)
    write(journal, records.Visited("c"))
    codes += [errno.EIO, errno.EIO]  # not even the half-written entry can be taken off
    with pytest.raises(JournalUnwritableError):
        write(journal, records.Visited("d"))
    with pytest.raises(JournalUnwritableError, match="opened again"):
        write(journal, records.Visited("e"))
    journal.close()
    assert Journal.open(path).sequence == 2


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
    assert [record.sequence for record in journal_file.read(path.read_bytes()).records] == [1, 2]


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


def test_a_journal_that_a_move_token_ends_takes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    key = Ed25519PrivateKey.generate()
    journal = Journal.create(path, Header("t", b"wrapped", b"recovery"))
    token = MoveToken("t", "s", 1, 0, journal.head, None, datetime(2027, 6, 9, tzinfo=UTC))
    journal.append_moved(SignedMoveToken.sign(token, key))
    signed = SignedHead.sign(key, attempt="t", epoch=1, sequence=0, head=journal.head)
    with pytest.raises(JournalMovedError):
        journal.append_head(signed)
    journal.close()
    again = Journal.open(path)
    assert again.moved is not None and again.moved.token == token
    with pytest.raises(JournalMovedError):
        again.append_head(signed)
    again.close()
