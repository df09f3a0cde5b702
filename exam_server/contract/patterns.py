"""Patterns of canonical bytes, for shapes that are read very often.

A pattern that fits the canonical form alone says at once what `canonical.decode` says by decoding
and encoding again, at a third of the cost. Patterns may be narrower than a shape: what does not fit
is for `canonical.decode` to judge.
"""

import re

from exam_server.contract import canonical

#: Longer bytes are not searched with patterns: they are rare, and patterns may step back in them.
LONGEST = 64 * 1024
#: Below 2**31, as `number` reads it.
NUMBER = (
    rb"([\x00-\x17]|\x18[\x18-\xff]|\x19[\x01-\xff][\x00-\xff]"
    rb"|\x1a(?!\x00\x00)[\x00-\x7f][\x00-\xff]{3})"
)
#: Any unsigned number, as `number` reads it.
LONG_NUMBER = (
    rb"([\x00-\x17]|\x18[\x18-\xff]|\x19[\x01-\xff][\x00-\xff]"
    rb"|\x1a(?!\x00\x00)[\x00-\xff]{4}|\x1b(?!\x00{4})[\x00-\xff]{8})"
)
#: What stands before a byte string of less than 64 KiB, as `size` reads it.
SIZE = rb"([\x40-\x57]|\x58[\x18-\xff]|\x59[\x01-\xff][\x00-\xff])"
#: A text of 32 hexadecimal digits, as ids are.
ID = rb"\x78\x20([0-9a-f]{32})"
_SIZE = re.compile(SIZE)


def beginning(domain: str, schema: int, *, fields: int) -> bytes:
    """How the canonical bytes of so many fields (below 22) under `domain` begin."""
    return bytes([0x82 + fields]) + canonical.encode(domain, schema)[1:]


def exactly(size: int) -> bytes:
    """The pattern of a byte string of `size` bytes (below 256)."""
    head = bytes([0x40 + size]) if size < 24 else bytes([0x58, size])
    return re.escape(head) + rb"([\x00-\xff]{%d})" % size


def number(found: bytes) -> int:
    """The number that NUMBER or LONG_NUMBER found."""
    return found[0] if len(found) == 1 else int.from_bytes(found[1:])


def size(found: bytes) -> int:
    """The length that SIZE found."""
    return found[0] - 0x40 if len(found) == 1 else int.from_bytes(found[1:])


def byte_strings(data: bytes, count: int) -> list[bytes] | None:
    """The `count` byte strings of which `data` is made; None where it is anything else."""
    strings, at = list[bytes](), 0
    for _ in range(count):
        head = _SIZE.match(data, at)
        if head is None:
            return None
        begins = head.end()
        at = begins + size(head[0])
        strings.append(data[begins:at])
    return strings if at == len(data) else None
