"""BER-TLV as chips and eMRTD files use it (ISO 7816-4 §5.2.2, X.690 §8.1).

Pure functions over ``bytes``.  Tags are written as the integer of their bytes, so the
two-byte tag ``7F 61`` is ``0x7F61``.  Lengths are definite; an indefinite length is refused
here (the one file that is known to use it, an SOD, goes through :mod:`card_reader.lds.sod`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from card_reader.errors import CardReason, MalformedTlvError

MAX_TAG_BYTES = 3
MAX_LENGTH_BYTES = 4
MAX_VALUE = 4 * 1024 * 1024
MAX_OBJECTS = 4096


@dataclass(frozen=True, slots=True)
class Tlv:
    """One data object: ``tag``, ``value`` and ``raw`` (the object as it was sent)."""

    tag: int
    value: bytes
    raw: bytes

    @property
    def constructed(self) -> bool:
        """Whether the value is itself a row of data objects (bit 6 of the first tag byte)."""
        return bool(_tag_bytes(self.tag)[0] & 0x20)

    def children(self) -> tuple["Tlv", ...]:
        """The objects inside this one."""
        return parse_all(self.value)


def encode(tag: int, value: bytes) -> bytes:
    """One data object with the shortest length field (DER)."""
    return _tag_bytes(tag) + encode_length(len(value)) + value


def encode_length(length: int) -> bytes:
    """The length field of a value of ``length`` bytes, in its shortest form."""
    if length < 0 or length > MAX_VALUE:
        raise MalformedTlvError(f"a value of {length} bytes is out of range", CardReason.TOO_LARGE)
    if length < 0x80:
        return bytes([length])
    body = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(body)]) + body


def parse(data: bytes) -> Tlv:
    """Exactly one data object; anything behind it is an error."""
    item, rest = parse_prefix(data)
    if rest:
        raise MalformedTlvError(f"{len(rest)} bytes behind the data object {item.tag:X}")
    return item


def parse_all(data: bytes) -> tuple[Tlv, ...]:
    """A row of data objects that fills ``data`` exactly."""
    items: list[Tlv] = []
    position = 0
    while position < len(data):
        if len(items) == MAX_OBJECTS:
            raise MalformedTlvError(f"more than {MAX_OBJECTS} data objects", CardReason.TOO_LARGE)
        item = _parse_at(data, position)
        items.append(item)
        position += len(item.raw)
    return tuple(items)


def parse_prefix(data: bytes) -> tuple[Tlv, bytes]:
    """The first data object of ``data`` and the bytes behind it."""
    item = _parse_at(data, 0)
    return item, data[len(item.raw) :]


def find(items: Iterable[Tlv], tag: int) -> Tlv:
    """The only object with ``tag`` among ``items``; none or several is an error."""
    matches = [item for item in items if item.tag == tag]
    if len(matches) != 1:
        raise MalformedTlvError(f"{len(matches)} data objects {tag:X}, expected one")
    return matches[0]


def header_length(prefix: bytes) -> int:
    """Total length (tag, length field and value) of an object from its first bytes."""
    _, start, length = _header(prefix, 0)
    return start + length


def _parse_at(data: bytes, position: int) -> Tlv:
    tag, start, length = _header(data, position)
    end = start + length
    if end > len(data):
        raise MalformedTlvError(f"data object {tag:X} is cut off: {end - len(data)} bytes missing")
    return Tlv(tag, data[start:end], data[position:end])


def _header(data: bytes, position: int) -> tuple[int, int, int]:
    """Tag, start of the value and length of the value of the object at ``position``."""
    tag, position = _tag(data, position)
    length, position = _length(data, position)
    return tag, position, length


def _tag(data: bytes, position: int) -> tuple[int, int]:
    first = _byte(data, position)
    end = position + 1
    if first & 0x1F == 0x1F:  # the number follows in further bytes, seven bits each
        while _byte(data, end) & 0x80:
            end += 1
            if end - position >= MAX_TAG_BYTES:
                raise MalformedTlvError("tag longer than three bytes")
        end += 1
    tag = int.from_bytes(data[position:end], "big")
    if tag == 0:
        raise MalformedTlvError("tag 00 is no data object")
    return tag, end


def _length(data: bytes, position: int) -> tuple[int, int]:
    first = _byte(data, position)
    position += 1
    if first < 0x80:
        return first, position
    count = first & 0x7F
    if count == 0:
        raise MalformedTlvError("indefinite length")
    if count > MAX_LENGTH_BYTES:
        raise MalformedTlvError("length field too long", CardReason.TOO_LARGE)
    if position + count > len(data):
        raise MalformedTlvError("length field is cut off")
    length = int.from_bytes(data[position : position + count], "big")
    if length > MAX_VALUE:
        raise MalformedTlvError(f"a value of {length} bytes is too long", CardReason.TOO_LARGE)
    return length, position + count


def _byte(data: bytes, position: int) -> int:
    if position >= len(data):
        raise MalformedTlvError("data object is cut off")
    return data[position]


def _tag_bytes(tag: int) -> bytes:
    if tag <= 0 or tag >= 1 << (8 * MAX_TAG_BYTES):
        raise MalformedTlvError(f"{tag:X} is no tag")
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big")
