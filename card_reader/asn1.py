"""ASN.1 parsing whose failures are this package's errors.

asn1crypto parses lazily and raises several kinds of exceptions on hostile bytes; every access
to a parsed structure happens inside :func:`parsing`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from card_reader import tlv
from card_reader.errors import CardError, CardReason, MalformedTlvError

_FAILURES = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
    NotImplementedError,
)

_MAX_DEPTH = 32
_CONSTRUCTED = 0x20
_CONSTRUCTED_OCTETS = 0x24
_INDEFINITE = 0x80
_END_OF_CONTENTS = b"\x00\x00"
# Longer than any tag, and than any run of such bytes in a real key (P-521 has 65 bytes FF).
_LONG_TAG = re.compile(rb"[\x1f\x3f\x5f\x7f\x9f\xbf\xdf\xff][\x80-\xff]{256}")


@contextmanager
def parsing(what: str, error: type[CardError], raw: bytes = b"") -> Iterator[None]:
    """Turn any failure to parse inside the block into ``error``, naming ``what``.

    ``raw`` are bytes from outside that the block gives to asn1crypto, which takes seconds over a
    tag of thousands of bytes: such are refused.
    """
    if _LONG_TAG.search(raw):
        raise error(f"{what} holds a tag without end", CardReason.TOO_LARGE)
    try:
        yield
    except MalformedTlvError as failure:
        reason = failure.reason if failure.reason is CardReason.TOO_LARGE else None
        raise error(f"{what} is malformed: {failure.detail}", reason) from failure
    except CardError:
        raise
    except _FAILURES as failure:
        raise error(f"{what} is malformed") from failure


def unsigned(number: bytes) -> int:
    """Value of an INTEGER that can only be positive, a serial number for instance.

    Some issuers leave out the zero byte that keeps it from being read as negative.
    """
    return int.from_bytes(number, "big")


def definite_form(raw: bytes) -> bytes:
    """BER with definite lengths and octet strings in one piece (X.690 §8.1.3.6, §8.7.3).

    Some issuers write CMS in the other forms of BER.  Objects that use none of them are left as
    they are, to the byte.  Raises MalformedTlvError.
    """
    with parsing("a BER object", MalformedTlvError):
        item, end = _definite(raw, 0, 0)
    if end != len(raw):
        raise MalformedTlvError(f"{len(raw) - end} bytes behind the BER object")
    return item


def _definite(raw: bytes, start: int, depth: int) -> tuple[bytes, int]:
    """The object at ``start`` in definite form, and where it ends."""
    if depth > _MAX_DEPTH:
        raise MalformedTlvError("a BER object that is nested too deeply")
    position = start + 1
    if raw[start] & 0x1F == 0x1F:  # the tag goes on
        while raw[position] & 0x80:
            position += 1
        position += 1
    tag = raw[start:position]
    if raw[position] == _INDEFINITE and tag[0] & _CONSTRUCTED:
        children, end = _definite_children(raw, position + 1, None, depth)
        return _joined(tag, children), end + len(_END_OF_CONTENTS)
    end = start + tlv.header_length(raw[start : start + 16])
    if end > len(raw):
        raise MalformedTlvError("a BER object is cut off")
    if not tag[0] & _CONSTRUCTED:
        return raw[start:end], end
    value = position + 1 + (raw[position] & 0x7F if raw[position] & 0x80 else 0)
    children, _ = _definite_children(raw, value, end, depth)
    if tag[0] != _CONSTRUCTED_OCTETS and b"".join(children) == raw[value:end]:
        return raw[start:end], end
    return _joined(tag, children), end


def _definite_children(
    raw: bytes, position: int, end: int | None, depth: int
) -> tuple[list[bytes], int]:
    """The objects up to ``end``, or to the end-of-contents octets where that is None."""
    children: list[bytes] = []
    while raw[position : position + 2] != _END_OF_CONTENTS if end is None else position < end:
        child, position = _definite(raw, position, depth + 1)
        children.append(child)
    if end is not None and position != end:
        raise MalformedTlvError("a BER object reaches beyond the one around it")
    return children, position


def _joined(tag: bytes, children: list[bytes]) -> bytes:
    if tag[0] == _CONSTRUCTED_OCTETS:
        return tlv.encode(0x04, b"".join(tlv.parse(child).value for child in children))
    return tlv.encode(int.from_bytes(tag, "big"), b"".join(children))
