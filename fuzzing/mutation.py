"""Changes to a file or an answer, each written down in five bytes.

A fuzzer that knows nothing of BER breaks a length and never gets further.  Half of the changes here
therefore work on the tree of data objects and keep the lengths around them right.  All of them come
from plain bytes, so that one fuzzer can shrink them and another can breed them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

RECORD = 5
MAX_CHANGES = 12
MAX_RESULT = 96 * 1024
_MAX_DEPTH = 24
_CONSTRUCTED, _MORE_TAG_BYTES = 0x20, 0x1F
_HOLDERS = (0x03, 0x04)  # strings that may hold further objects
LENGTHS = (
    b"\x80", b"\x81\xff", b"\x82\xff\xff", b"\x83\xff\xff\xff", b"\x84\x7f\xff\xff\xff",
    b"\x84\xff\xff\xff\xff", b"\x88" + b"\xff" * 8, b"\xff" * 4, b"\x81\x00",
    b"\x84\x00\x00\x00\x01",
)  # fmt: skip
NUMBERS = (
    b"", b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\x00\x80", b"\x80" + b"\x00" * 8,
    b"\x7f" + b"\xff" * 31, b"\xff" * 64, b"\x7f" + b"\xff" * 1023,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """`place` is a share of the length or of the objects, in 65,536ths; `value` is the change's."""

    kind: int
    place: int
    value: int


def changes_of(raw: bytes) -> tuple[Change, ...]:
    """The changes that these bytes write down; every byte string means some."""
    whole = range(0, min(len(raw), MAX_CHANGES * RECORD) - RECORD + 1, RECORD)
    return tuple(
        Change(
            raw[at],
            int.from_bytes(raw[at + 1 : at + 3], "big"),
            int.from_bytes(raw[at + 3 : at + 5], "big"),
        )
        for at in whole
    )


def changed(data: bytes, changes: Sequence[Change]) -> bytes:
    """The data after all changes, no longer than `MAX_RESULT`."""
    for change in changes:
        data = KINDS[change.kind % len(KINDS)](data, change)[:MAX_RESULT]
    return data


# --- bytes ----------------------------------------------------------------------------------------


def _at(data: Sequence[object], change: Change) -> int:
    return len(data) * change.place >> 16


def _flip(data: bytes, change: Change) -> bytes:
    return _set(data, change, data[_at(data, change)] ^ 1 << change.value % 8) if data else data


def _overwrite(data: bytes, change: Change) -> bytes:
    return _set(data, change, change.value & 0xFF) if data else data


def _set(data: bytes, change: Change, byte: int) -> bytes:
    at = _at(data, change)
    return data[:at] + bytes([byte]) + data[at + 1 :]


def _truncate(data: bytes, change: Change) -> bytes:
    return data[: _at(data, change)]


def _insert(data: bytes, change: Change) -> bytes:
    at = _at(data, change)
    return data[:at] + bytes([change.value & 0xFF]) * ((change.value >> 8) + 1) + data[at:]


def _cut(data: bytes, change: Change) -> bytes:
    at = _at(data, change)
    return data[:at] + data[at + 1 + change.value % 64 :]


def _length(data: bytes, change: Change) -> bytes:
    at, wrong = _at(data, change), LENGTHS[change.value % len(LENGTHS)]
    return data[:at] + wrong + data[at + len(wrong) :]


def _repeat(data: bytes, change: Change) -> bytes:
    at = _at(data, change)
    piece = data[at : at + 1 + (change.value & 0xFF)]
    return data[:at] + piece * (2 + (change.value >> 8)) + data[at + len(piece) :]


# --- data objects ---------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Object:
    """A data object; without a tag, bytes that are none."""

    tag: bytes
    value: bytes = b""
    children: "list[_Object] | None" = None
    siblings: "list[_Object]" = field(default_factory=list, repr=False)

    def encode(self) -> bytes:
        if self.children is None:
            content = self.value
        else:
            content = self.value + b"".join(child.encode() for child in self.children)
        return self.tag + _length_of(content) + content if self.tag else content

    def walk(self) -> "Iterator[_Object]":
        yield self
        for child in self.children or ():
            yield from child.walk()


def _length_of(content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def _row(data: bytes, depth: int = 0) -> list[_Object] | None:
    """The row of objects that the bytes are, None where they are none."""
    row: list[_Object] = []
    position = 0
    while position < len(data):
        item = _object(data, position, depth)
        if item is None:
            return None
        found, position = item
        row.append(found)
    for found in row:
        found.siblings = row
    return row


def _object(data: bytes, position: int, depth: int) -> tuple[_Object, int] | None:
    end = position + 1
    if data[position] & _MORE_TAG_BYTES == _MORE_TAG_BYTES:
        while end < len(data) and data[end] & 0x80:
            end += 1
        end += 1
    if end >= len(data):
        return None
    start, size = end + 1, data[end]
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[end + 1 : start], "big")
    if size > len(data) - start or data[end] == 0x80:
        return None
    tag, value = data[position:end], data[start : start + size]
    return _with_children(tag, value, depth), start + size


def _with_children(tag: bytes, value: bytes, depth: int) -> _Object:
    if depth < _MAX_DEPTH and tag[0] & _CONSTRUCTED:
        return _Object(tag, b"", row) if (row := _row(value, depth + 1)) else _Object(tag, value)
    if depth < _MAX_DEPTH and tag[0] in _HOLDERS:
        skipped = value[:1] if tag[0] == _HOLDERS[0] else b""  # unused bits
        inside = value[len(skipped) :]
        row = _row(inside, depth + 1) if inside[:1] in (b"\x30", b"\x31") else None
        if row:
            return _Object(tag, skipped, row)
    return _Object(tag, value)


def _in_tree(edit: Callable[[_Object, int], None]) -> Callable[[bytes, Change], bytes]:
    """A change of one data object; bytes that are no data objects get a turned bit instead."""

    def change_tree(data: bytes, change: Change) -> bytes:
        row = _row(data)
        if not row:
            return _flip(data, change)
        every = _every(row)
        edit(every[_at(every, change)], change.value)
        return b"".join(item.encode() for item in row)

    return change_tree


def _every(row: list[_Object]) -> list[_Object]:
    return [item for top in row for item in top.walk()]


def _copy(data: bytes, change: Change) -> bytes:
    """One data object in the place of another."""
    row = _row(data)
    if not row:
        return _flip(data, change)
    every = _every(row)
    copied = every[len(every) * change.value >> 16].encode()
    _become(every[_at(every, change)], copied)
    return b"".join(item.encode() for item in row)


def _drop(item: _Object, value: int) -> None:
    """The object, and every so often all that follow it."""
    start = item.siblings.index(item)
    item.siblings[start : None if value % 4 == 0 else start + 1] = []


def _double(item: _Object, value: int) -> None:
    _become(item, item.encode() * (2 + value % 40))


def _swap(item: _Object, value: int) -> None:
    at, other = item.siblings.index(item), value % len(item.siblings)
    item.siblings[at], item.siblings[other] = item.siblings[other], item.siblings[at]


def _retag(item: _Object, value: int) -> None:
    item.tag = bytes([value & 0xFF])


def _value(item: _Object, value: int) -> None:
    item.children, item.value = None, NUMBERS[value % len(NUMBERS)]


def _turn(item: _Object, value: int) -> None:
    content = item.value or item.encode()
    item.children = None
    item.value = _flip(content, Change(0, value & 0xFF00, value & 7))


def _nest(item: _Object, value: int) -> None:
    nested = item.encode()
    for _ in range(1 + value % 600):
        nested = b"\x30" + _length_of(nested) + nested
    _become(item, nested)


def _indefinite(item: _Object, value: int) -> None:
    """Length 80, and its end, which every so often is missing."""
    if item.tag:
        content = _Object(b"", item.value, item.children).encode()
        end = b"" if value % 4 == 0 else b"\x00\x00"
        _become(item, item.tag + b"\x80" + content + end)


def _long_form(item: _Object, value: int) -> None:
    content = _Object(b"", item.value, item.children).encode()
    size = len(content).to_bytes(4 + value % 4, "big")
    _become(item, item.tag + bytes([0x80 | len(size)]) + size + content)


def _become(item: _Object, raw: bytes) -> None:
    item.tag, item.children, item.value = b"", None, raw


BYTE_KINDS = (_flip, _overwrite, _truncate, _insert, _cut, _length, _repeat)
TREE_KINDS = (_drop, _double, _swap, _retag, _value, _turn, _nest, _indefinite, _long_form)
KINDS: tuple[Callable[[bytes, Change], bytes], ...] = (
    *BYTE_KINDS,
    _copy,
    *(_in_tree(edit) for edit in TREE_KINDS),
)
