"""Random numbers, reproducible for ever.

Every draw comes from SHAKE-256 over `truong-thi/qti-random/1`, the seed, the item's identifier
and a label (each with its length before it, four bytes), read as 64-bit big-endian words. A whole
number below n is a word modulo n, words from the last incomplete multiple of n upwards being
rejected; a float in [0, 1) is the upper 53 bits of a word over 2**53.
"""

import hashlib
from collections.abc import Iterator

ALGORITHM = b"truong-thi/qti-random/1"
MAX_RANGE = 2**63


class Draws:
    """The stream of one seed, item and label."""

    def __init__(self, seed: bytes, identifier: str, label: str) -> None:
        self._fields = (seed, identifier.encode(), label.encode())
        self._words: Iterator[int] | None = None

    def below(self, bound: int) -> int:
        """A number from 0 to bound - 1, each equally likely; `bound` is at most 2**63."""
        limit = 2**64 - 2**64 % bound
        while (word := self._word()) >= limit:
            pass
        return word % bound

    def fraction(self) -> float:
        """A float from 0 up to, not including, 1."""
        return (self._word() >> 11) / 2**53

    def _word(self) -> int:
        if self._words is None:  # most items draw nothing
            self._words = _words(self._fields)
        return next(self._words)


def _words(fields: tuple[bytes, ...]) -> Iterator[int]:
    """A longer output of SHAKE-256 begins with the shorter one."""
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in fields)
    state = hashlib.shake_256(ALGORITHM + framed)
    size, start = 256, 0
    while True:
        block = state.digest(size)
        for offset in range(start, size, 8):
            yield int.from_bytes(block[offset : offset + 8], "big")
        start, size = size, 2 * size
