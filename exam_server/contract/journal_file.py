"""The file in which a station keeps an attempt's journal: its bytes, without any disk.

    magic, header entry (attempt, attempt key wrapped for the station, the same for the server's
    recovery key), then entries: records exactly as they are sent, and signed heads; at its end,
    where the attempt was carried to another station, the move token

The CRCs of `contract.entries` tell a torn last write from damage; the proof of a record is its
own.

A last write that was cut short by a crash or a full disk is no damage: it was never told to
anyone. Anything else that is not as it was written is damage and is named, with what is sound
before it and what can still be read behind it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from exam_server.contract import canonical
from exam_server.contract.entries import PREFIX, Entry, Framing, entry
from exam_server.contract.errors import ContractError
from exam_server.contract.move_token import SignedMoveToken
from exam_server.contract.records import MAX_RECORD_BYTES, Record, SignedHead, genesis

MAGIC = b"TTJOURNAL1\n"
DOMAIN = "truong-thi/journal"
#: What a disk writes as a whole. Of a torn write some sectors came and the others read as zeros.
SECTOR = 512
#: A file system may have lengthened the file before the data came.
ZERO_TAIL = bytes(16)


class Kind(IntEnum):
    HEADER = 1
    RECORD = 2
    HEAD = 3
    MOVED = 4


FRAMING = Framing(kinds=max(Kind), longest=MAX_RECORD_BYTES)


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
    """What a journal holds, checked. `size` is the length in bytes of what is whole, `torn` that
    of a last write which never ended. `moved`: the station wrote no more behind it."""

    header: Header
    records: tuple[Record, ...]
    heads: tuple[SignedHead, ...]
    size: int
    torn: int = 0
    moved: SignedMoveToken | None = None

    @property
    def signed(self) -> SignedHead | None:
        """The last signed head."""
        return self.heads[-1] if self.heads else None


class DamagedFileError(ContractError):
    """The file is not what was written into it.

    `sound` is what holds before the damage, None where not even the header does. `behind` are
    records of the attempt that can be read behind it; each is whole, but some may be missing.
    """

    def __init__(
        self, message: str, sound: Contents | None, behind: tuple[Record, ...] = ()
    ) -> None:
        super().__init__(message)
        self.sound = sound
        self.behind = behind


def begin(header: Header, records: Sequence[Record] = ()) -> bytes:
    """The first bytes of a journal; `records` are those that it begins with."""
    first = MAGIC + entry(Kind.HEADER, header.to_bytes())
    return first + b"".join(record_entry(record) for record in records)


def record_entry(record: Record) -> bytes:
    return entry(Kind.RECORD, record.to_bytes())


def head_entry(signed: SignedHead) -> bytes:
    return entry(Kind.HEAD, signed.to_bytes())


def moved_entry(signed: SignedMoveToken) -> bytes:
    return entry(Kind.MOVED, signed.to_bytes())


def read(data: bytes) -> Contents:
    """What the bytes of a journal hold; DamagedFileError where they are not as written."""
    reading = _Reading()
    try:
        if not data.startswith(MAGIC):
            raise ContractError("no journal's first bytes")
        for whole in _entries(data, len(MAGIC)):
            reading.take(whole)
    except ContractError as error:
        behind = _behind(data, reading)
        raise DamagedFileError(str(error), reading.contents(), behind) from error
    contents = reading.contents(len(data))
    if contents is None:
        raise DamagedFileError("it has no header", None)
    return contents


class _Reading:
    """The file so far."""

    def __init__(self) -> None:
        self.header: Header | None = None
        self.size = len(MAGIC)
        self._records: list[Record] = []
        self._heads: list[SignedHead] = []
        self._moved: SignedMoveToken | None = None

    def take(self, whole: Entry) -> None:
        """ContractError where the entry cannot follow."""
        if self._moved is not None:
            raise ContractError("an entry behind the move token")
        match whole.kind, self.header:
            case Kind.HEADER, None:
                self.header = Header.from_bytes(whole.content)
            case Kind.RECORD, Header() as header:
                self._records.append(self._next(whole.content, header))
            case Kind.HEAD, Header():
                self._heads.append(SignedHead.from_bytes(whole.content))
            case Kind.MOVED, Header() as header:
                self._moved = self._last_word(whole.content, header)
            case _:
                raise ContractError("an entry out of place")
        self.size = whole.end

    def _next(self, content: bytes, header: Header) -> Record:
        record = Record.from_bytes(content)
        previous = self._records[-1].head if self._records else genesis(header.attempt)
        expected = (header.attempt, len(self._records) + 1, previous)
        if (record.attempt, record.sequence, record.previous) != expected:
            raise ContractError(f"record {record.sequence} does not continue the chain")
        return record

    def _last_word(self, content: bytes, header: Header) -> SignedMoveToken:
        signed = SignedMoveToken.from_bytes(content)
        last = self._records[-1].head if self._records else genesis(header.attempt)
        expected = (header.attempt, len(self._records), last)
        if (signed.token.attempt, signed.token.sequence, signed.token.head) != expected:
            raise ContractError("the move token speaks of other records")
        return signed

    def contents(self, length: int | None = None) -> Contents | None:
        """`length` is that of the whole file; None leaves open what the rest is."""
        if self.header is None:
            return None
        torn = 0 if length is None else length - self.size
        records, heads = tuple(self._records), tuple(self._heads)
        return Contents(self.header, records, heads, self.size, torn, self._moved)


def _entries(data: bytes, at: int) -> Iterator[Entry]:
    """Every whole entry from byte `at` on; ContractError where one is damaged."""
    while at < len(data):
        found = FRAMING.entry_at(data, at)
        if found is None:
            if _is_torn(data, at):
                return
            raise ContractError(f"the entry at byte {at} has changed")
        yield found
        at = found.end


def _is_torn(data: bytes, at: int) -> bool:
    """Whether what is left from byte `at` on, no whole entry, is a last write that never ended.

    It breaks off before its end, or a sector of it never came; and nothing whole is behind it.
    """
    rest = len(data) - at
    if rest > PREFIX + MAX_RECORD_BYTES or FRAMING.first_entry(data, at + 1) is not None:
        return False
    return _breaks_off(data, at) or data.endswith(ZERO_TAIL) or _lacks_a_sector(data, at)


def _breaks_off(data: bytes, at: int) -> bool:
    """Whether the file ends before the entry at byte `at` does."""
    end = FRAMING.end_at(data, at)
    return len(data) - at < PREFIX if end is None else end > len(data)


def _lacks_a_sector(data: bytes, at: int) -> bool:
    """Whether the part of some sector from byte `at` on is nothing but zeros.

    An entry may reach a single byte into its last sector. Where that byte is a zero, it never came,
    or the record's MAC ends with it and something else of this last entry was damaged: a tear is
    what happens, and it must not bar the candidate from all that is before it.
    """
    first = at - at % SECTOR
    for sector in range(first, len(data), SECTOR):
        part = data[max(sector, at) : sector + SECTOR]
        if not any(part):
            return True
    return False


def _behind(data: bytes, reading: _Reading) -> tuple[Record, ...]:
    """The attempt's records that can be read behind the first damage, in the file's order."""
    attempt = reading.header.attempt if reading.header is not None else None
    found: list[Record] = []
    whole = FRAMING.first_entry(data, reading.size)
    while whole is not None:
        record = _record_in(whole)
        if record is not None and record.attempt == (attempt or record.attempt):
            attempt = record.attempt
            found.append(record)
        whole = FRAMING.first_entry(data, whole.end)
    return tuple(found)


def _record_in(whole: Entry) -> Record | None:
    if whole.kind != Kind.RECORD:
        return None
    try:
        return Record.from_bytes(whole.content)
    except ContractError:
        return None
