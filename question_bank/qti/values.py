"""QTI values: base types, cardinalities, NULL, and their lexical forms.

NULL is Python's None. Empty texts and empty containers are NULL (QTI 2.2 information model,
"Expressions"), so no value here is ever empty; NaN is NULL too.
"""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

BaseType = Literal[
    "boolean", "integer", "float", "string", "identifier", "uri", "file", "intOrIdentifier",
    "point", "pair", "directedPair", "duration",
]  # fmt: skip
Cardinality = Literal["single", "multiple", "ordered", "record"]
Scalar = bool | int | float | str | tuple[str, str] | tuple[float, float]

BASE_TYPES: tuple[BaseType, ...] = get_args(BaseType)
CARDINALITIES: tuple[Cardinality, ...] = get_args(Cardinality)
NUMERIC = ("integer", "float")
TEXTUAL = ("string", "identifier", "uri", "file", "intOrIdentifier")
# Integers beyond these are NULL, as out of the base type's range.
MAX_INTEGER = 2**63 - 1
MAX_MEMBERS = 10_000
MAX_COORDINATE = 10**9
MAX_TEXT = 100_000

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
_DURATION = re.compile(
    r"P(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9}(?:\.[0-9]+)?)S)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Single:
    """One value. `data` by base type: bool, int, float, text; (a, b) for pairs and points;
    seconds for durations."""

    base_type: BaseType
    data: Scalar


@dataclass(frozen=True, slots=True)
class Container:
    """At least one value, ordered or as a bag (multiple).

    `nulls`: how many NULL members were left out when it was built; statsOperator asks.
    """

    cardinality: Literal["multiple", "ordered"]
    members: tuple[Single, ...]
    nulls: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Record:
    """Named values; a field may be NULL."""

    fields: Mapping[str, "Value | None"]


Value = Single | Container | Record
TRUE, FALSE = Single("boolean", True), Single("boolean", False)


def boolean(truth: bool) -> Single:
    """The value of a truth."""
    return TRUE if truth else FALSE


def number(value: float) -> Single | None:
    """An integer or a float by `value`'s type; NULL for NaN and integers out of range."""
    if isinstance(value, int):
        return Single("integer", value) if abs(value) <= MAX_INTEGER else None
    return None if math.isnan(value) else Single("float", value)


def container(
    cardinality: Literal["multiple", "ordered"], members: Sequence[Single], nulls: int = 0
) -> Container | None:
    """A container; NULL where it would be empty."""
    return Container(cardinality, tuple(members), nulls) if members else None


def members_of(value: Value | None) -> tuple[Single, ...]:
    """The single values in `value`: itself, its members, or none."""
    match value:
        case Single():
            return (value,)
        case Container(members=members):
            return members
        case _:
            return ()


def identity(value: Single) -> tuple[str, object]:
    """What makes two single values the same: numbers by value, texts by their characters, pairs
    in any order, directed pairs in theirs."""
    kind = value.base_type
    if kind in NUMERIC:
        return "number", value.data
    if kind in TEXTUAL:
        return "text", value.data
    if kind == "pair":
        return kind, frozenset(cast("tuple[str, str]", value.data))
    return kind, value.data


def parsed(base_type: BaseType, text: str) -> Single | None:
    """The value that `text` spells in QTI's lexical form, or NULL where it is empty.

    Raises ValueError where `text` is no value of that type.
    """
    if base_type in ("string", "file"):
        if len(text) > MAX_TEXT:
            raise ValueError(f"a text of more than {MAX_TEXT} characters")
        return Single(base_type, unicodedata.normalize("NFC", text)) if text else None
    text = text.strip()
    if not text:
        return None
    return _parsed_word(base_type, text[:MAX_TEXT])


def _parsed_word(base_type: BaseType, text: str) -> Single | None:
    match base_type:
        case "boolean" if text in ("true", "1", "false", "0"):
            return boolean(text in ("true", "1"))
        case "integer" if _INTEGER.fullmatch(text):
            return number(int(text))
        case "float":
            return number(_float(text))
        case "duration":
            return Single("duration", _seconds(text))
        case "pair" | "directedPair" if len(words := text.split()) == 2:
            return Single(base_type, (words[0], words[1]))
        case "point" if len(words := text.split()) == 2:
            return Single("point", (_coordinate(words[0]), _coordinate(words[1])))
        case "identifier" | "uri" | "intOrIdentifier":
            return Single(base_type, text)
        case _:
            raise ValueError(f"{text[:40]!r} is no {base_type}")


def _float(text: str) -> float:
    special = {"INF": math.inf, "+INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
    if text in special:
        return special[text]
    if not _FLOAT.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no float")
    return float(text)


def _coordinate(text: str) -> float:
    """Whole coordinates stay integers, so that their lexical form does."""
    value = _float(text)
    if not abs(value) <= MAX_COORDINATE:
        raise ValueError(f"{text[:40]!r} is no coordinate")
    return int(value) if value == int(value) else value


def _seconds(text: str) -> float:
    found = _DURATION.fullmatch(text)
    if found and any(found.groups()):
        days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    value = _float(text)
    if not 0 <= value < math.inf:
        raise ValueError(f"{text[:40]!r} is no duration")
    return value


def lexical(value: Single) -> str:
    """The characters that `parsed` reads as this value."""
    match value.base_type, value.data:
        case _, bool() as truth:
            return "true" if truth else "false"
        case _, (first, second):
            return f"{first} {second}"
        case _, float() as real:
            return str(to_plain_number(real)) if math.isinf(real) else repr(real)
        case _, data:
            return str(data)


def to_plain_number(real: float) -> float | str:
    """JSON has no infinity: it is spelt as XML Schema spells it."""
    return real if math.isfinite(real) else ("INF" if real > 0 else "-INF")


def to_plain(value: Value | None) -> object:
    """A JSON-able form: numbers and booleans as such, pairs and points "A B", durations in
    seconds, containers as lists, records as maps, NULL as null."""
    match value:
        case None:
            return None
        case Container(members=members):
            return [to_plain(member) for member in members]
        case Record(fields=fields):
            return {name: to_plain(part) for name, part in fields.items()}
        case Single(data=tuple()):
            return lexical(value)
        case Single(data=float() as real):
            return to_plain_number(real)
        case Single(data=data):
            return data
