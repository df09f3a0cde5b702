"""The data objects of a file as a tree of places, however damaged the file is.

For masking, which replaces values and leaves every header where it is.  Nothing is refused: a
header that cannot be read makes the rest of its surroundings one leaf, a value that is cut off
ends where the bytes end.  (Reading for meaning is :mod:`card_reader.tlv`'s part.)
"""

from collections.abc import Iterator
from dataclasses import dataclass

NO_TAG = 0  # bytes that are no data object
MAX_DEPTH = 16
MAX_TAG_BYTES = 3
_CONSTRUCTED = 0x20
_END_OF_CONTENTS = b"\x00\x00"


@dataclass(frozen=True, slots=True)
class Node:
    """One data object: its tag lies at ``head``, its value from ``start`` to ``end``.

    A leaf has no ``children``.
    """

    tag: int
    head: int
    start: int
    end: int
    children: tuple["Node", ...] = ()

    def leaves(self) -> Iterator["Node"]:
        """The values that hold no further objects, itself where it is one."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def child(self, *tags: int) -> "Node | None":
        """The first object down this path of tags."""
        node = self
        for tag in tags:
            found = next((item for item in node.children if item.tag == tag), None)
            if found is None:
                return None
            node = found
        return node


def parse_tree(data: bytes, start: int = 0, end: int | None = None) -> tuple[Node, ...]:
    """The row of objects from ``start`` to ``end``."""
    stop = len(data) if end is None else end
    return _row(data, start, stop, MAX_DEPTH, indefinite=False)[0]


def _row(
    data: bytes, start: int, end: int, depth: int, *, indefinite: bool
) -> tuple[tuple[Node, ...], int]:
    """Objects up to ``end`` or to the end-of-contents octets, and where they stop."""
    nodes: list[Node] = []
    position = start
    while position < end:
        if indefinite and data[position : position + 2] == _END_OF_CONTENTS:
            return tuple(nodes), position
        header = _header(data, position, end)
        if header is None:
            nodes.append(Node(NO_TAG, position, position, end))
            return tuple(nodes), end
        tag, value, length = header
        stop = end if length is None else min(end, value + length)
        children: tuple[Node, ...] = ()
        if _first_byte(tag) & _CONSTRUCTED and depth:
            children, reached = _row(data, value, stop, depth - 1, indefinite=length is None)
            stop = reached if length is None else stop
        nodes.append(Node(tag, position, value, stop, children))
        # X.690 §8.1.3.6: an indefinite length runs to two zero octets.
        position = stop + (len(_END_OF_CONTENTS) if length is None else 0)
    return tuple(nodes), end


def _header(data: bytes, position: int, end: int) -> tuple[int, int, int | None] | None:
    """Tag, start of the value and its length (None: indefinite); None where unreadable."""
    tag_end = position + 1
    if data[position] == NO_TAG:
        return None
    if data[position] & 0x1F == 0x1F:
        while tag_end < end and data[tag_end] & 0x80:
            tag_end += 1
        tag_end += 1
    if tag_end >= end or tag_end - position > MAX_TAG_BYTES:
        return None
    tag = int.from_bytes(data[position:tag_end], "big")
    first = data[tag_end]
    value = tag_end + 1
    if first < 0x80:
        return tag, value, first
    if first == 0x80:
        return (tag, value, None) if _first_byte(tag) & _CONSTRUCTED else None
    count = first & 0x7F
    if count > 4 or value + count > end:
        return None
    return tag, value + count, int.from_bytes(data[value : value + count], "big")


def _first_byte(tag: int) -> int:
    return tag >> (8 * ((tag.bit_length() - 1) // 8)) if tag else 0
