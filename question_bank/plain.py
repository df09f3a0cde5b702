"""Strict reading of plain values, as they come out of CBOR or JSON.

Each function takes a value and `where` (its place, for the message) and gives the value back with
its type proven, or raises MalformedError. Unknown keys are refused, lengths are capped.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from question_bank.errors import MalformedError

MAX_IDENTIFIER = 128
MAX_DECIMAL = 40


def record(
    value: object, names: Sequence[str], where: str, *, optional: Sequence[str] = ()
) -> Mapping[str, object]:
    """A map with exactly the keys `names`, and such of `optional` as it has."""
    if not isinstance(value, dict):
        raise MalformedError(f"{where}: a map is expected, not {type(value).__name__}")
    missing = [name for name in names if name not in value]
    unknown = [str(name) for name in value if name not in (*names, *optional)]
    if missing:
        raise MalformedError(f"{where}: {', '.join(missing)} missing")
    if unknown:
        raise MalformedError(f"{where}: unknown key {', '.join(unknown)[:80]!r}")
    return value


def mapping(value: object, where: str, *, most: int) -> Mapping[str, object]:
    """A map from identifiers to anything, with at most `most` entries."""
    if not isinstance(value, dict) or len(value) > most:
        raise MalformedError(f"{where}: a map of at most {most} entries is expected")
    for key in value:
        identifier(key, where)
    return value


def array(value: object, where: str, *, most: int, least: int = 0) -> Sequence[object]:
    """A list of `least` to `most` entries."""
    if not isinstance(value, list | tuple):
        raise MalformedError(f"{where}: a list is expected, not {type(value).__name__}")
    if not least <= len(value) <= most:
        raise MalformedError(f"{where}: {least} to {most} entries are expected, not {len(value)}")
    return value


def text(value: object, where: str, *, most: int) -> str:
    """A string of at most `most` characters."""
    if not isinstance(value, str):
        raise MalformedError(f"{where}: a text is expected, not {type(value).__name__}")
    if len(value) > most:
        raise MalformedError(f"{where}: a text of at most {most} characters is expected")
    return value


def identifier(value: object, where: str) -> str:
    """A string of 1 to 128 printable characters without spaces."""
    name = text(value, where, most=MAX_IDENTIFIER)
    if not name or not name.isprintable() or " " in name:
        raise MalformedError(f"{where}: an identifier is expected, not {name[:20]!r}")
    return name


def integer(value: object, where: str, *, least: int, most: int) -> int:
    """An integer from `least` to `most`; no boolean."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise MalformedError(f"{where}: an integer from {least} to {most} is expected")
    return value


def boolean(value: object, where: str) -> bool:
    """True or false, nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise MalformedError(f"{where}: true or false is expected, not {type(value).__name__}")
    return value


def octets(value: object, where: str, *, most: int) -> bytes:
    """A byte string of at most `most` bytes."""
    if not isinstance(value, bytes) or len(value) > most:
        raise MalformedError(f"{where}: at most {most} bytes are expected")
    return value


def decimal(value: object, where: str) -> Decimal:
    """A finite decimal written as text; never a float, which would have lost its digits."""
    try:
        number = Decimal(text(value, where, most=MAX_DECIMAL))
    except InvalidOperation:
        raise MalformedError(f"{where}: a decimal number is expected") from None
    if not number.is_finite():
        raise MalformedError(f"{where}: a finite number is expected")
    return number
