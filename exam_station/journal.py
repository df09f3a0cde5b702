"""The attempt's journal: an append-only file that is on disk before the screen goes on.

    magic, header entry (attempt, attempt key wrapped for the station, the same for the server's
    recovery key), then entries: records exactly as they are sent, and signed heads

An entry is kind (1 byte), length (4), CRC-32 of the content (4), CRC-32 of these nine bytes (4),
content. The CRCs tell a torn last write from damage; the proof of a record is its own.

A write that was cut short by a crash or a full disk is taken off; anything else that is not as it
was written is damage, is named, and opens nothing: what follows it may have been answers.
"""

import errno
import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_server.contract.records import MAX_RECORD_BYTES, Record, SignedHead, genesis
from exam_station import durable

MAGIC = b"TTJOURNAL1\n"
DOMAIN = "truong-thi/journal"
ENTRY = struct.Struct(">BII")
CHECK = struct.Struct(">I")
PREFIX = ENTRY.size + CHECK.size

#: A file system may have lengthened the file before the data came: what is missing reads as zeros.
ZERO_TAIL = bytes(16)

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Kind(IntEnum):
    HEADER = 1
    RECORD = 2
    HEAD = 3


class JournalError(Exception):
    """The journal cannot be used; the message says what to do."""


class JournalDamagedError(JournalError):
    """The file is not what was written into it; `sound` records before the damage are."""

    def __init__(self, message: str, sound: int) -> None:
        super().__init__(f"{message}; {sound} records before it are sound. Call the proctor.")
        self.sound = sound


class JournalInUseError(JournalError):
    """Another process writes this journal."""


class JournalFullError(JournalError):
    """The disk has no room; what was being written is not in the journal."""


class JournalUnwritableError(JournalError):
    """The disk failed; open the journal again to see what it holds."""


@dataclass(frozen=True, slots=True)
class Header:
    """Both keys are the attempt's key, wrapped (`contract.wrapping`) as the lease brought them."""

    attempt: str
    attempt_key: bytes
    recovery: bytes

    def to_bytes(self) -> bytes:
        return canonical.encode(DOMAIN, 1, self.attempt, self.attempt_key, self.recovery)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Header":
        match canonical.decode(DOMAIN, 1, data, fields=3):
            case [str(attempt), bytes(attempt_key), bytes(recovery)]:
                return cls(attempt, attempt_key, recovery)
        raise ContractError("a journal's header whose fields are of the wrong kind")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a journal holds, checked; `size` is the length in bytes of what is whole."""

    header: Header
    records: tuple[Record, ...]
    signed: SignedHead | None
    size: int


class Journal:
    """One attempt's open journal, locked against any other process.

    `append` and `append_head` may be called from different threads.
    """

    def __init__(self, handle: int, contents: Contents) -> None:
        self._handle = handle
        self._size = contents.size
        self._lock = threading.Lock()
        self._broken = False
        self.header = contents.header
        self.signed = contents.signed
        self._records = list(contents.records)

    @classmethod
    def create(cls, path: Path, header: Header) -> "Journal":
        """A new, empty journal at `path`."""
        first = MAGIC + _entry(Kind.HEADER, header.to_bytes())
        try:
            durable.write_file(path, first)
        except OSError as error:
            raise _failure(error) from error
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """The journal at `path` up to its last whole entry; a torn last write is taken off.

        Raises FileNotFoundError and JournalError.
        """
        try:
            handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _failure(error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            contents = read(path.read_bytes())
            os.ftruncate(handle, contents.size)
            os.fsync(handle)
            return cls(handle, contents)
        except BlockingIOError as error:
            os.close(handle)
            raise JournalInUseError(
                f"{path} is being written by another program; end it first."
            ) from error
        except OSError as error:
            os.close(handle)
            raise _failure(error) from error
        except JournalError:
            os.close(handle)
            raise

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
        return self.head_at(self.sequence)

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
            if (record.sequence, record.previous) != (self.sequence + 1, self.head):
                raise JournalError(f"record {record.sequence} does not follow {self.sequence}")
            self._write(_entry(Kind.RECORD, record.to_bytes()))
            self._records.append(record)

    def append_head(self, signed: SignedHead) -> None:
        """Keeps the station's signature over the chain; on disk when this returns."""
        with self._lock:
            self._write(_entry(Kind.HEAD, _head_bytes(signed)))
            self.signed = signed

    def _write(self, entry: bytes) -> None:
        if self._broken:
            raise JournalUnwritableError("The journal must be opened again before it is used.")
        try:
            durable.write_all(self._handle, entry)
        except OSError as error:
            self._take_off()
            raise _failure(error) from error
        try:
            os.fdatasync(self._handle)
        except OSError as error:
            self._broken = True  # what the disk holds now is unknown until it is read again
            raise JournalUnwritableError("The disk failed; call the technician.") from error
        self._size += len(entry)

    def _take_off(self) -> None:
        """Removes a half-written entry, or stops all use where even that fails."""
        try:
            os.ftruncate(self._handle, self._size)
            os.fdatasync(self._handle)
        except OSError:
            self._broken = True


def _failure(error: OSError) -> JournalError:
    if error.errno in _FULL:
        return JournalFullError("The disk is full; call the technician.")
    return JournalUnwritableError(f"The journal cannot be written ({error.strerror}).")


def _entry(kind: Kind, content: bytes) -> bytes:
    fields = ENTRY.pack(kind, len(content), zlib.crc32(content))
    return fields + CHECK.pack(zlib.crc32(fields)) + content


def _head_bytes(signed: SignedHead) -> bytes:
    fields = (signed.attempt, signed.epoch, signed.sequence, signed.head, signed.signature)
    return canonical.encode(f"{DOMAIN}/head", 1, *fields)


def _head_from(content: bytes) -> SignedHead:
    match canonical.decode(f"{DOMAIN}/head", 1, content, fields=5):
        case [str(attempt), int(epoch), int(sequence), bytes(head), bytes(signature)]:
            return SignedHead(attempt, epoch, sequence, head, signature)
    raise ContractError("a signed head whose fields are of the wrong kind")


def read(data: bytes) -> Contents:
    """What the bytes of a journal hold; JournalDamagedError where they are not as written."""
    records: list[Record] = []
    signed: SignedHead | None = None
    header: Header | None = None
    size = len(MAGIC)
    try:
        if not data.startswith(MAGIC):
            raise ContractError("no journal's first bytes")
        for kind, content, end in _entries(data):
            match kind, header:
                case Kind.HEADER, None:
                    header = Header.from_bytes(content)
                case Kind.RECORD, Header():
                    records.append(_next(content, header, records))
                case Kind.HEAD, Header():
                    signed = _head_from(content)
                case _:
                    raise ContractError("an entry out of place")
            size = end
    except ContractError as error:
        raise JournalDamagedError(f"The journal is damaged ({error})", len(records)) from error
    if header is None:
        raise JournalDamagedError("The journal has no header", 0)
    return Contents(header, tuple(records), signed, size)


def _entries(data: bytes) -> Iterator[tuple[Kind, bytes, int]]:
    """Kind, content and end of every whole entry; ContractError where one is damaged."""
    at = len(MAGIC)
    while at < len(data):
        prefix = data[at : at + PREFIX]
        if len(prefix) < PREFIX or not any(data[at:]):
            return
        kind, length, check = ENTRY.unpack(prefix[: ENTRY.size])
        if CHECK.unpack(prefix[ENTRY.size :])[0] != zlib.crc32(prefix[: ENTRY.size]):
            if prefix.endswith(b"\0") and not any(data[at + PREFIX :]):
                return  # torn inside the prefix, the rest never came
            raise ContractError(f"byte {at} begins no entry")
        if length > MAX_RECORD_BYTES or kind not in list(Kind):
            raise ContractError(f"the entry at byte {at} is none")
        start, end = at + PREFIX, at + PREFIX + length
        content = data[start:end]
        if len(content) < length:
            return
        if zlib.crc32(content) != check:
            if end == len(data) and content.endswith(ZERO_TAIL):
                return
            raise ContractError(f"the entry at byte {at} has changed")
        yield Kind(kind), content, end
        at = end


def _next(content: bytes, header: Header, before: list[Record]) -> Record:
    record = Record.from_bytes(content)
    previous = before[-1].head if before else genesis(header.attempt)
    if (record.attempt, record.sequence, record.previous) != (
        header.attempt,
        len(before) + 1,
        previous,
    ):
        raise ContractError(f"record {record.sequence} does not continue the chain")
    return record
