"""The attempt's journal: an append-only file that is on disk before the screen goes on.

`exam_server.contract.journal_file` says what lies in it; here is what the disk does. A write that
was cut short by a crash or a full disk is taken off; anything else that is not as it was written
is damage, is named, and opens nothing: what follows it may have been answers. The server reads
what is sound in such a file (``exam-server journal import``).
"""

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from exam_server.contract import journal_file
from exam_server.contract.journal_file import Contents, DamagedFileError, Header
from exam_server.contract.move_token import SignedMoveToken
from exam_server.contract.records import Record, SignedHead, genesis
from exam_station import durable

#: Room that is kept ready ahead of what is written, in bytes: thousands of answers.
RESERVE = 4 * 1024 * 1024
_WRITING = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class JournalError(Exception):
    """The journal cannot be used; the message says what to do."""


class JournalDamagedError(JournalError):
    """The file is not what was written into it; `sound` records before the damage are."""

    def __init__(self, message: str, sound: int) -> None:
        super().__init__(f"{message}; {sound} records before it are sound. Call the proctor.")
        self.sound = sound


class JournalInUseError(JournalError):
    """Another process writes this journal."""


class JournalEndedError(JournalError):
    """Nothing more is written, since nobody would take it."""


class JournalMovedError(JournalError):
    """A move token ends this journal; another station writes the attempt."""


class JournalFullError(JournalError):
    """The disk has no room; what was being written is not in the journal."""


class JournalUnwritableError(JournalError):
    """The disk failed; open the journal again to see what it holds."""


class Journal:
    """One attempt's open journal, locked against any other process.

    Room for what is still to be written is reserved on the disk ahead of it, so that whatever
    else fills the disk does not stop a candidate. `append` and `append_head` may be called from
    different threads.
    """

    def __init__(self, handle: int, contents: Contents) -> None:
        self._handle = handle
        self._size = contents.size
        self._reserved = 0  # up to which byte; 0 where the file system cannot reserve
        self._lock = threading.Lock()
        self._broken = False
        self._ended = False
        self.header = contents.header
        self.signed = contents.signed
        self.moved = contents.moved
        self._records = list(contents.records)
        self._head = self.head_at(len(self._records))

    @classmethod
    def create(cls, path: Path, header: Header, records: Sequence[Record] = ()) -> "Journal":
        """A new journal at `path`, which begins with `records`; JournalInUseError where there is
        one already, JournalFullError where there is no room for a whole attempt."""
        first = journal_file.begin(header, records)
        try:
            draft = durable.draft_of(path)
            handle = os.open(draft, _WRITING | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise _failure(error) from error
        with _closed_on_failure(handle, path):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                durable.write_all(handle, first)
                journal = cls(handle, journal_file.read(first))
                journal._reserve()
                os.fsync(handle)
                os.link(draft, path)  # never over one that another program has begun
            finally:
                draft.unlink(missing_ok=True)
            durable.sync_folder(path.parent)
            return journal

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """The journal at `path` up to its last whole entry; a torn last write is taken off.

        Raises FileNotFoundError and JournalError.
        """
        try:
            handle = os.open(path, _WRITING)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _failure(error) from error
        with _closed_on_failure(handle, path):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            contents = _read(_whole(handle))
            if contents.torn:
                os.ftruncate(handle, contents.size)
            os.fsync(handle)
            journal = cls(handle, contents)
            with contextlib.suppress(OSError):
                journal._reserve()  # a full disk takes no record, but shows what is there
            return journal

    def close(self) -> None:
        with self._lock:
            if self._handle >= 0:
                os.close(self._handle)
            self._handle, self._broken = -1, True

    @property
    def attempt(self) -> str:
        return self.header.attempt

    @property
    def sequence(self) -> int:
        """The number of the last record, 0 before the first."""
        return len(self._records)

    @property
    def head(self) -> bytes:
        """The chain's value after the last record."""
        return self._head

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(self._records)

    def head_at(self, sequence: int) -> bytes:
        """The chain's value after record `sequence` (0 to `self.sequence`)."""
        return genesis(self.attempt) if sequence == 0 else self._records[sequence - 1].head

    def after(self, sequence: int, limit: int) -> list[Record]:
        """At most `limit` records behind record `sequence`, in order."""
        return self._records[sequence : sequence + limit]

    def append(self, record: Record) -> None:
        """`record` is on disk when this returns; else JournalError, and it is not there."""
        with self._lock:
            if self._ended:
                raise JournalEndedError("The server takes no more of this attempt.")
            if (record.sequence, record.previous) != (self.sequence + 1, self.head):
                raise JournalError(f"record {record.sequence} does not follow {self.sequence}")
            self._write(journal_file.record_entry(record))
            self._records.append(record)
            self._head = record.head

    def end(self) -> None:
        """No record comes after those there are, as long as this program runs."""
        with self._lock:
            self._ended = True

    def append_moved(self, signed: SignedMoveToken) -> None:
        """The last entry of all: this station writes the attempt no more."""
        with self._lock:
            self._write(journal_file.moved_entry(signed))
            self.moved = signed

    def append_head(self, signed: SignedHead) -> None:
        """Keeps the station's signature over the chain; on disk when this returns."""
        with self._lock:
            self._write(journal_file.head_entry(signed))
            self.signed = signed

    def release(self) -> None:
        """Gives the room back that was reserved; for a journal that is written to its end."""
        with self._lock, contextlib.suppress(OSError):
            if not self._broken:
                os.ftruncate(self._handle, self._size)
                self._reserved = 0

    def _write(self, entry: bytes) -> None:
        if self.moved is not None:
            raise JournalMovedError("This attempt was carried to another station; go on there.")
        if self._broken:
            raise JournalUnwritableError("The journal must be opened again before it is used.")
        try:
            durable.write_all(self._handle, entry)
            os.fdatasync(self._handle)
        except OSError as error:
            self._take_off()
            raise _failure(error) from error
        self._size += len(entry)
        if 0 < self._reserved < self._size + RESERVE // 2:
            with contextlib.suppress(OSError):
                self._reserve()  # this entry is kept all the same

    def _reserve(self) -> None:
        """Room for what is to come; OSError where there is none, and the next entry asks again."""
        self._reserved = self._size
        wanted = self._size + RESERVE
        self._reserved = wanted if durable.reserve(self._handle, wanted) else 0

    def _take_off(self) -> None:
        """Removes an entry that is not wholly on disk, or stops all use where even that fails."""
        try:
            os.ftruncate(self._handle, self._size)
            os.fdatasync(self._handle)
        except OSError:
            self._broken = True
        else:
            with contextlib.suppress(OSError):
                self._reserve()  # cut off with the entry


@contextlib.contextmanager
def _closed_on_failure(handle: int, path: Path) -> Iterator[None]:
    """Closes `handle` where the block fails, and says why as a JournalError."""
    try:
        yield
    except (BlockingIOError, FileExistsError) as error:
        os.close(handle)
        message = f"{path} is being written by another program; end it first."
        raise JournalInUseError(message) from error
    except OSError as error:
        os.close(handle)
        raise _failure(error) from error
    except JournalError:
        os.close(handle)
        raise


def _whole(handle: int) -> bytes:
    size = os.fstat(handle).st_size
    data = os.pread(handle, size, 0)
    if len(data) < size:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    return data


def _read(data: bytes) -> Contents:
    try:
        return journal_file.read(data)
    except DamagedFileError as error:
        sound = len(error.sound.records) if error.sound else 0
        raise JournalDamagedError(f"The journal is damaged ({error})", sound) from error


def _failure(error: OSError) -> JournalError:
    if error.errno in _FULL:
        return JournalFullError("The disk is full; call the technician.")
    return JournalUnwritableError(f"The journal cannot be written ({error.strerror}).")
