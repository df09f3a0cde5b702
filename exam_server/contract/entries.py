"""Entries of a file that may be cut off, torn or garbled: each tells whether it is whole.

An entry is kind (1 byte), length (4), CRC-32 of the content (4), CRC-32 of these nine bytes (4),
content. The CRCs find accidents and where the next entry begins; they prove nothing.
"""

import re
import struct
import zlib
from dataclasses import dataclass

_FIELDS = struct.Struct(">BII")
_CHECK = struct.Struct(">I")
PREFIX = _FIELDS.size + _CHECK.size
#: No content is longer: so every entry's second byte is zero.
LONGEST = 2**24 - 1
_SECOND_BYTE = b"\0"


@dataclass(frozen=True, slots=True)
class Entry:
    """A whole entry, at bytes `start` to `end` of its file."""

    kind: int
    content: bytes
    start: int
    end: int


def entry(kind: int, content: bytes) -> bytes:
    """The bytes of an entry."""
    if len(content) > LONGEST:
        raise ValueError(f"an entry holds at most {LONGEST} bytes")
    fields = _FIELDS.pack(kind, len(content), zlib.crc32(content))
    return fields + _CHECK.pack(zlib.crc32(fields)) + content


@dataclass(frozen=True, slots=True)
class Framing:
    """Which entries a file may hold: kinds from 1 to `kinds`, contents up to `longest` bytes."""

    kinds: int
    longest: int = LONGEST

    def end_at(self, data: bytes, at: int) -> int | None:
        """Where the entry at byte `at` ends by its own word, None where none begins there."""
        prefix = data[at : at + PREFIX]
        fields = prefix[: _FIELDS.size]
        if len(prefix) < PREFIX or _CHECK.unpack(prefix[_FIELDS.size :])[0] != zlib.crc32(fields):
            return None
        kind, length, _check = _FIELDS.unpack(fields)
        known = 1 <= kind <= self.kinds and length <= self.longest
        return at + PREFIX + length if known else None

    def entry_at(self, data: bytes, at: int) -> Entry | None:
        """The whole entry that begins at byte `at`, None where none does."""
        end = self.end_at(data, at)
        if end is None or end > len(data):
            return None
        kind, _length, check = _FIELDS.unpack_from(data, at)
        content = data[at + PREFIX : end]
        return Entry(kind, content, at, end) if zlib.crc32(content) == check else None

    def first_entry(self, data: bytes, at: int) -> Entry | None:
        """The first whole entry that begins at or behind byte `at`, None where there is none."""
        beginning = re.compile(b"[\x01-" + bytes([self.kinds]) + b"]" + _SECOND_BYTE, re.DOTALL)
        while (begins := beginning.search(data, at)) is not None:
            found = self.entry_at(data, begins.start())
            if found is not None:
                return found
            at = begins.start() + 1
        return None
