"""The shim: what a power cut leaves of files that were written, flushed or not."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from faults import shim
from faults.shim import Field, Full, Shim

pytestmark = pytest.mark.xdist_group("faults")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shim.build(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def power(library: Path, tmp_path: Path, root: Path) -> Shim:
    return Shim(library, tmp_path / "power", (root,))


def run(power: Shim, root: Path, program: str) -> subprocess.CompletedProcess[str]:
    """`program` in a process under the shim, in the watched folder."""
    lines = f"import errno, os, sqlite3, time\n{program}"
    return subprocess.run(
        [sys.executable, "-c", lines],
        cwd=root,
        env={**os.environ, **power.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


OPEN = "h = os.open('f', os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)\n"
SEED = random.Random(1)


def test_what_was_flushed_stays_and_the_rest_is_gone(power: Shim, root: Path) -> None:
    run(power, root, OPEN + "os.write(h, b'kept'); os.fdatasync(h); os.write(h, b'lost')")
    assert (root / "f").read_bytes() == b"keptlost"
    left = power.roll_back(SEED, torn=False)
    assert (left.files, left.writes, left.torn) == (1, 1, 0)
    assert (root / "f").read_bytes() == b"kept"


def test_another_process_flushes_as_well(power: Shim, root: Path) -> None:
    run(power, root, OPEN + "os.write(h, b'kept')")
    run(power, root, OPEN + "os.fsync(h)")
    power.roll_back(SEED, torn=False)
    assert (root / "f").read_bytes() == b"kept"


@pytest.mark.parametrize(
    "change",
    [
        "os.pwrite(os.open('f', os.O_RDWR), b'XXXX', 2)",
        "os.pwritev(os.open('f', os.O_RDWR), [b'XX', b'XX'], 6)",
        "os.writev(h, [b'XX', b'XX'])",
        "os.ftruncate(h, 3)",
        "os.ftruncate(h, 30)",
        "os.close(os.open('f', os.O_WRONLY | os.O_TRUNC))",
        "os.posix_fallocate(h, 0, 5000)",
        "g = os.open('f', os.O_WRONLY); os.write(g, b'X'); os.write(g, b'Y')",
    ],
)
def test_every_way_to_write_is_taken_back(power: Shim, root: Path, change: str) -> None:
    program = OPEN + f"os.write(h, b'12345678'); os.fsync(h); {change}"
    assert run(power, root, program).returncode == 0
    assert (root / "f").read_bytes() != b"12345678"
    power.roll_back(SEED, torn=False)
    assert (root / "f").read_bytes() == b"12345678"


def test_what_is_written_through_needs_no_flush(power: Shim, root: Path) -> None:
    run(power, root, "h = os.open('f', os.O_RDWR|os.O_CREAT|os.O_DSYNC); os.write(h, b'kept')")
    power.roll_back(SEED, torn=False)
    assert (root / "f").read_bytes() == b"kept"


def test_a_new_file_of_an_old_inode_is_not_rolled_back(power: Shim, root: Path) -> None:
    for _ in range(5):
        run(power, root, OPEN + "os.write(h, b'old'); os.unlink('f')")
    (root / "new").write_bytes(b"new")
    power.roll_back(SEED, torn=False)
    assert (root / "new").read_bytes() == b"new"


def test_a_disk_that_lies_keeps_nothing(power: Shim, root: Path) -> None:
    power.stop_flushing()
    run(power, root, OPEN + "os.write(h, b'kept'); os.fsync(h)")
    assert power.count(Field.LIES) == 1
    power.roll_back(SEED, torn=False)
    assert (root / "f").read_bytes() == b""


def test_a_torn_write_leaves_sectors_of_it_and_never_touches_what_was_flushed(
    power: Shim, root: Path
) -> None:
    left = set()
    for seed in range(40):
        run(power, root, OPEN + "os.ftruncate(h, 0); os.write(h, b'k' * 700); os.fsync(h)")
        run(power, root, OPEN + "os.write(h, b'w' * 900)")
        power.roll_back(random.Random(seed), torn=True)
        data = (root / "f").read_bytes()
        assert data[:700] == b"k" * 700
        assert set(data[700:]) <= {ord("w"), 0}
        left.add(data)
        if len(left) > 5:
            break
    assert len(left) > 5


def test_the_power_fails_between_a_write_and_its_flush(power: Shim, root: Path) -> None:
    power.cut_at_write(2)
    program = OPEN + "for n in (b'1', b'2', b'3'):\n  os.write(h, n); os.fsync(h)"
    assert run(power, root, program).returncode == -9
    assert not power.is_armed
    assert (root / "f").read_bytes() == b"12"
    power.roll_back(SEED, torn=False)
    assert (root / "f").read_bytes() == b"1"


def test_the_power_fails_as_a_flush_returns(power: Shim, root: Path) -> None:
    power.cut_at_flush(1)
    run(power, root, OPEN + "os.write(h, b'1'); os.fsync(h); os.write(h, b'2')")
    power.roll_back(SEED, torn=False)
    assert (root / "f").read_bytes() == b"1"


def test_a_full_disk_refuses_what_needs_room(power: Shim, root: Path) -> None:
    power.fill_disk(Full.NOT_EVEN_REWRITING)
    program = """
def fill(data):
    while data:
        data = data[os.write(h, data):]
try:
    fill(b'x' * 100)
except OSError as error:
    print(error.errno == errno.ENOSPC)
"""
    assert run(power, root, OPEN + program).stdout.strip() == "True"
    assert power.count(Field.REFUSED) == 1
    assert 0 < (root / "f").stat().st_size < 100


def test_room_that_was_reserved_is_there_on_a_full_disk(power: Shim, root: Path) -> None:
    (root / "f").touch()
    library = "import ctypes; c = ctypes.CDLL(None)\n"
    keep = OPEN + library + "c.fallocate64(h, 1, ctypes.c_int64(0), ctypes.c_int64(8192))"
    power.fill_disk(Full.ALLOCATED_ONLY)
    assert "OSError" in run(power, root, OPEN + "os.write(h, b'x')").stderr
    power.fill_disk(Full.NO)
    run(power, root, keep)
    power.fill_disk(Full.ALLOCATED_ONLY)
    assert run(power, root, OPEN + "print(os.write(h, b'x' * 8000))").stdout.strip() == "8000"


def test_the_wall_clock_jumps_and_no_other(power: Shim, root: Path) -> None:
    tell = "print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))"
    wall, boot = map(float, run(power, root, tell).stdout.split())
    power.set_clock(86_400)
    later_wall, later_boot = map(float, run(power, root, tell).stdout.split())
    assert 86_000 < later_wall - wall < 87_000
    assert later_boot - boot < 80_000


def test_sqlite_keeps_its_commits_and_loses_them_where_it_does_not_flush(
    power: Shim, root: Path
) -> None:
    begin = "c = sqlite3.connect('d'); c.execute('pragma journal_mode=wal');"
    full = begin + "c.execute('pragma synchronous=full'); c.execute('create table t(a)')\n"
    write = "for n in range(50):\n  c.execute('insert into t values(1)'); c.commit()\n"
    run(power, root, full + write + "os.kill(os.getpid(), 9)")
    power.roll_back(SEED, torn=False)
    run(
        power,
        root,
        begin + "c.execute('pragma synchronous=off')\n" + write + "os.kill(os.getpid(), 9)",
    )
    power.roll_back(SEED, torn=False)
    count = run(power, root, begin + "print(c.execute('select count(*) from t').fetchone()[0])")
    assert 50 <= int(count.stdout) < 100
