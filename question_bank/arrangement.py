"""Orders and ids of one form, drawn from its seed.

Reproducible for ever: every draw comes from SHAKE-256 over `truong-thi/arrange/1`, the seed, the
code and a label (each with its length before it), read as 32-bit big-endian words; a number below
n is a word modulo n, words from the last incomplete multiple of n upwards being rejected, so every
order is equally likely; orders are Fisher-Yates from the last place down.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from typing import TypeVar

from question_bank.interactions import Option, Piece

ALGORITHM = b"truong-thi/arrange/1"
_T = TypeVar("_T")
_Option = TypeVar("_Option", bound=Option | Piece)


class Arrangement:
    """What the seed says about the form `code`."""

    def __init__(self, seed: bytes, code: str) -> None:
        self._seed = seed
        self._code = code

    def shuffled(self, values: Iterable[_T], label: str) -> list[_T]:
        """`values` in the order drawn for `label`."""
        order = list(values)
        words = _words(self._seed, self._code, label)
        for last in range(len(order) - 1, 0, -1):
            chosen = _below(words, last + 1)
            order[last], order[chosen] = order[chosen], order[last]
        return order

    def options(self, options: tuple[_Option, ...], label: str, *, shuffle: bool) -> list[_Option]:
        """Options in the order drawn for `label`, fixed ones in their place."""
        if not shuffle:
            return list(options)
        free = iter(self.shuffled((o for o in options if not o.fixed), label))
        return [option if option.fixed else next(free) for option in options]

    def opaque(self, prefix: str, *names: str) -> str:
        """An id that says nothing without the seed: 80 bits of HMAC-SHA-256, base32."""
        message = _framed(ALGORITHM + b"/id", self._code, prefix, *names)
        digest = hmac.digest(self._seed, message, hashlib.sha256)
        return prefix + base64.b32encode(digest[:10]).decode().lower()


def _framed(domain: bytes, *fields: str | bytes) -> bytes:
    raw = (field.encode() if isinstance(field, str) else field for field in fields)
    return domain + b"".join(len(field).to_bytes(4, "big") + field for field in raw)


def _words(seed: bytes, code: str, label: str) -> Iterator[int]:
    """32-bit words of SHAKE-256; a longer output begins with the shorter one."""
    state = hashlib.shake_256(_framed(ALGORITHM, seed, code, label))
    size, start = 256, 0
    while True:
        block = state.digest(size)
        for offset in range(start, size, 4):
            yield int.from_bytes(block[offset : offset + 4], "big")
        start, size = size, 2 * size


def _below(words: Iterator[int], bound: int) -> int:
    """A number from 0 to bound - 1, each equally likely."""
    limit = 2**32 - 2**32 % bound
    return next(word for word in words if word < limit) % bound
