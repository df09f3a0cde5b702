"""The start code: a room's start secret for people, typed from paper or read from a QR code.

104 random bits and a version in 22 symbols of 5 bits, with 6 check symbols of a Reed-Solomon code
over GF(32): seven groups of four. Up to six wrong symbols are always noticed, and where the wrong
ones stand in one group, that group is named. A code is never corrected: who typed it looks again.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from exam_server.contract.errors import ContractError

START_SECRET_BYTES = 13
GROUP, GROUPS = 4, 7
#: Crockford's base 32: without I, L, O and U, which are taken for 1, 1, 0 and V.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FORGIVEN = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V"})
QR_PREFIX = "TRUONG-THI:"

_CHECKS = 6
_SYMBOLS = GROUP * GROUPS
_DATA = _SYMBOLS - _CHECKS
_VERSION = 1
#: x^5 + x^2 + 1, primitive over GF(2); α = 2 generates all 31 elements but zero.
_FIELD = 0b100101


class StartCodeFault(StrEnum):
    """What is wrong with a code as it was typed."""

    LENGTH = "length"
    CHARACTER = "character"
    TYPING = "typing"
    VERSION = "version"


class StartCodeError(ContractError):
    """`groups` (from 1) are where to look; empty where that cannot be told."""

    def __init__(self, fault: StartCodeFault, message: str, groups: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.fault = fault
        self.groups = groups


def _powers() -> tuple[int, ...]:
    value, powers = 1, []
    for _ in range(31):
        powers.append(value)
        value <<= 1
        value ^= _FIELD if value & 32 else 0
    return tuple(powers)


_POWER = _powers()
_LOG = {value: place for place, value in enumerate(_POWER)}


def _times(left: int, right: int) -> int:
    return _POWER[(_LOG[left] + _LOG[right]) % 31] if left and right else 0


def _with_roots(exponents: Iterable[int]) -> list[int]:
    """The monic polynomial whose roots are α to each of `exponents`; highest power first."""
    polynomial = [1]
    for exponent in exponents:
        shifted = [*polynomial, 0]
        for place, factor in enumerate(polynomial):
            shifted[place + 1] ^= _times(factor, _POWER[exponent % 31])
        polynomial = shifted
    return polynomial


_GENERATOR = _with_roots(range(_CHECKS))


def _checks(data: Sequence[int]) -> list[int]:
    """The check symbols that make `data` a multiple of the generator."""
    rest = [*data, *([0] * _CHECKS)]
    for place in range(len(data)):
        for step, factor in enumerate(_GENERATOR):
            rest[place + step] ^= _times(factor, rest[place]) if step else 0
    return rest[len(data) :]


def _syndromes(symbols: Sequence[int]) -> list[int]:
    """The word's values at the generator's roots: all zero where nothing is wrong."""
    found = []
    for root in _POWER[:_CHECKS]:
        value = 0
        for symbol in symbols:
            value = _times(value, root) ^ symbol
        found.append(value)
    return found


def _wrong_groups(syndromes: Sequence[int]) -> tuple[int, ...]:
    """The groups of which one alone, if wrong, explains the syndromes; hardly ever two.

    Errors at known places X give syndromes S_j = Σ e·X^j: a sequence that obeys the recurrence
    whose characteristic polynomial has those places as roots.
    """
    return tuple(group + 1 for group in range(GROUPS) if _explains(group, syndromes))


def _explains(group: int, syndromes: Sequence[int]) -> bool:
    last = _SYMBOLS - 1 - group * GROUP
    recurrence = _with_roots(range(last - GROUP + 1, last + 1))[::-1]
    for start in range(_CHECKS - GROUP):
        value = 0
        for step, factor in enumerate(recurrence):
            value ^= _times(factor, syndromes[start + step])
        if value:
            return False
    return True


def encode(secret: bytes) -> str:
    """`secret` (13 bytes) as seven groups of four, e.g. ``0K3F-…``."""
    if len(secret) != START_SECRET_BYTES:
        raise ValueError(f"a start secret has {START_SECRET_BYTES} bytes")
    number = _VERSION << 8 * START_SECRET_BYTES | int.from_bytes(secret, "big")
    data = [number >> 5 * place & 31 for place in reversed(range(_DATA))]
    text = "".join(ALPHABET[symbol] for symbol in (*data, *_checks(data)))
    return "-".join(text[start : start + GROUP] for start in range(0, _SYMBOLS, GROUP))


def decode(text: str) -> bytes:
    """The start secret of a code as typed or scanned; StartCodeError says where to look.

    Case, spaces, hyphens and look-alikes do not matter.
    """
    symbols = _symbols(_plain(text))
    syndromes = _syndromes(symbols)
    if any(syndromes):
        groups = _wrong_groups(syndromes)
        where = f"group {groups[0]}" if groups else "every group"
        raise StartCodeError(
            StartCodeFault.TYPING, f"the start code is mistyped; look at {where} again", groups
        )
    number = 0
    for symbol in symbols[:_DATA]:
        number = number << 5 | symbol
    if number >> 8 * START_SECRET_BYTES != _VERSION:
        raise StartCodeError(
            StartCodeFault.VERSION, "a start code of another version; update this program"
        )
    return (number & (1 << 8 * START_SECRET_BYTES) - 1).to_bytes(START_SECRET_BYTES, "big")


def _plain(text: str) -> str:
    upper = text.strip().upper().removeprefix(QR_PREFIX)
    return "".join(upper.replace("-", " ").split()).translate(FORGIVEN)


def _symbols(plain: str) -> list[int]:
    if len(plain) != _SYMBOLS:
        raise StartCodeError(
            StartCodeFault.LENGTH,
            f"a start code has {GROUPS} groups of {GROUP} characters; {len(plain)} were given",
        )
    wrong = {place // GROUP + 1 for place, one in enumerate(plain) if one not in ALPHABET}
    if wrong:
        groups = tuple(sorted(wrong))
        raise StartCodeError(
            StartCodeFault.CHARACTER,
            f"no start code holds such a character; look at group {groups[0]} again",
            groups,
        )
    return [ALPHABET.index(one) for one in plain]


def qr_text(secret: bytes) -> str:
    """What the QR code says; `decode` takes it as it is. Only QR's alphanumeric characters."""
    return QR_PREFIX + encode(secret)
