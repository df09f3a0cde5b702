"""The shim `unsynced.c` from Python: built, put into environments, told what to play, and the files
of the dead rolled back to what a disk may hold of them.
"""

import ctypes
import mmap
import os
import random
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("unsynced.c")
SECTOR = 512
_ENTRY = struct.Struct("<qqq")


class Field(IntEnum):
    """Where the control file holds what, in words of eight bytes (`struct control`)."""

    WALL_OFFSET = 0
    FULL = 1
    NO_RESERVE = 2
    CUT_IN = 3
    CUT_AFTER = 4
    LYING = 5
    REFUSED = 6
    WRITES = 7
    FLUSHES = 8
    LIES = 9


class Full(IntEnum):
    """How full a disk is."""

    NO = 0
    ALLOCATED_ONLY = 1
    NOT_EVEN_REWRITING = 2


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What became of the dead processes' files: how many had writes that were never flushed, how
    many writes those were, and of how many files a part was kept (torn)."""

    files: int
    writes: int
    torn: int


def build(folder: Path) -> Path:
    """The shim as a library in `folder`, compiled where it is missing or older than its source."""
    library = folder / "unsynced.so"
    if library.exists() and library.stat().st_mtime >= SOURCE.stat().st_mtime:
        return library
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".unsynced.{os.getpid()}.so"
    command = ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(draft), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    draft.replace(library)
    return library


class Shim:
    """One power supply: the processes that share it, and their files below `roots`."""

    def __init__(self, library: Path, folder: Path, roots: tuple[Path, ...]) -> None:
        self._library, self._folder, self._roots = library, folder, roots
        folder.mkdir(parents=True)
        folder.chmod(0o1777)  # PostgreSQL runs as another user
        control = folder / "control"
        control.write_bytes(bytes(mmap.PAGESIZE))
        control.chmod(0o666)
        with control.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._name = ctypes.CDLL(str(library)).unsynced_name

    @property
    def environment(self) -> Mapping[str, str]:
        """What is added to the environment of its processes."""
        return {
            "LD_PRELOAD": str(self._library),
            "UNSYNCED_FOLDER": str(self._folder),
            "UNSYNCED_ROOTS": ":".join(str(root) for root in self._roots),
        }

    # --- what its processes meet ----------------------------------------------------------------

    def set_clock(self, seconds: float) -> None:
        """The wall clock is `seconds` ahead."""
        self._set(Field.WALL_OFFSET, round(seconds * 1e9))

    def fill_disk(self, full: Full) -> None:
        self._set(Field.FULL, full)

    def cannot_reserve(self) -> None:
        """From here on it is a file system that cannot allocate ahead."""
        self._set(Field.NO_RESERVE, 1)

    def stop_flushing(self) -> None:
        """From here on flushing is off, and says that it was done."""
        self._set(Field.LYING, 1)

    def cut_at_write(self, number: int) -> None:
        """The power fails at that write from now (1: the next), before it is flushed."""
        self._set(Field.CUT_AFTER, 0)
        self._set(Field.CUT_IN, number)

    def cut_at_flush(self, number: int) -> None:
        """The power fails at that flush from now, once the disk has it, before anyone is told."""
        self._set(Field.CUT_AFTER, 1)
        self._set(Field.CUT_IN, number)

    def never_cut(self) -> None:
        self._set(Field.CUT_IN, 0)

    @property
    def is_armed(self) -> bool:
        """Whether a cut is still to come."""
        return self.count(Field.CUT_IN) > 0

    def count(self, field: Field) -> int:
        """A count of the control file."""
        return int(struct.unpack_from("<q", self._control, field * 8)[0])

    def _set(self, field: Field, value: int) -> None:
        struct.pack_into("<q", self._control, field * 8, value)

    # --- after its processes are dead -----------------------------------------------------------

    def roll_back(self, rng: random.Random, *, torn: bool) -> RolledBack:
        """Takes back what was never flushed, all of it, or where `torn` all but some sectors.

        Every process must be dead. What is on the disk then is flushed, as after a start.
        """
        self.never_cut()
        files = writes = kept = 0
        for path in self._files():
            log = self._folder / f"{self._name_of(path)}.undo"
            if not log.exists() or not (data := log.read_bytes()):
                continue
            before = path.read_bytes()
            entries = _undo(path, data)
            files, writes = files + 1, writes + entries
            if torn and _tear(path, before, rng):
                kept += 1
        for log in self._folder.glob("*.undo"):
            log.unlink()
        return RolledBack(files, writes, kept)

    def _files(self) -> Iterator[Path]:
        for root in self._roots:
            yield from sorted(path for path in root.rglob("*") if path.is_file())

    def _name_of(self, path: Path) -> str:
        name = ctypes.create_string_buffer(80)
        if self._name(os.fsencode(path), name, ctypes.c_size_t(80)) != 0:
            raise FileNotFoundError(path)
        return name.value.decode()


def _undo(path: Path, log: bytes) -> int:
    """Takes the logged writes back, the last one first; how many there were."""
    entries, at = [], 0
    while at + _ENTRY.size <= len(log):
        offset, old_size, kept = _ENTRY.unpack_from(log, at)
        start = at + _ENTRY.size
        if start + kept > len(log):
            break  # its writer died before it wrote: nothing to undo
        entries.append((offset, old_size, log[start : start + kept]))
        at = start + kept
    handle = os.open(path, os.O_RDWR)
    try:
        for offset, old_size, old in reversed(entries):
            os.pwrite(handle, old, offset)
            os.ftruncate(handle, old_size)
    finally:
        os.close(handle)
    return len(entries)


def _tear(path: Path, written: bytes, rng: random.Random) -> bool:
    """Leaves some of what was `written`: whole sectors, in no order, or a first part of it.

    What is lengthened without its data reads as zeros. Whether anything was left.
    """
    flushed = path.read_bytes()
    length = rng.randint(min(len(flushed), len(written)), max(len(flushed), len(written)))
    size = rng.choice((len(written), length))
    torn = bytearray(flushed[:size].ljust(size, b"\0"))
    for start in range(0, min(size, len(written)), SECTOR):
        sector = slice(start, min(start + SECTOR, size, len(written)))
        if rng.random() < 0.5:
            torn[sector] = written[sector]
    if bytes(torn) == flushed:
        return False
    handle = os.open(path, os.O_RDWR)
    try:
        _write_differences(handle, flushed, bytes(torn))
        os.ftruncate(handle, size)
    finally:
        os.close(handle)
    return True


def _write_differences(handle: int, old: bytes, new: bytes) -> None:
    for start in range(0, len(new), SECTOR):
        part = new[start : start + SECTOR]
        if part != old[start : start + SECTOR]:
            os.pwrite(handle, part, start)
