"""Responses as they arrive (JSON), as values of their declarations.

What is no value of the declared type is NULL, with a notice: it is no response, and must not stop
a marking. Numbers may have a decimal comma, as Vietnamese candidates write.
"""

import math
import re
from collections.abc import Callable
from decimal import Decimal

from question_bank.errors import MalformedError
from question_bank.qti.program import Declaration
from question_bank.qti.values import (
    MAX_INTEGER,
    MAX_MEMBERS,
    BaseType,
    Record,
    Single,
    Value,
    boolean,
    container,
    number,
    parsed,
)

_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)
# The fields of a numeric response with record cardinality (textEntryInteraction).
RECORD_FIELDS: dict[str, BaseType] = {
    "stringValue": "string",
    "floatValue": "float",
    "integerValue": "integer",
    "leftDigits": "integer",
    "rightDigits": "integer",
    "ndp": "integer",
    "nsf": "integer",
    "exponent": "integer",
}


def value_of(declaration: Declaration, raw: object, notice: Callable[[str], None]) -> Value | None:
    """The value that `raw` (text, number, truth, list, map or null) is for the variable."""
    match declaration.cardinality, declaration.base_type:
        case "record", _:
            return _record(raw, declaration.identifier, notice)
        case _, None:
            return None
        case "single", base_type:
            members = _members(raw, base_type, declaration.identifier, notice)
            if len(members) > 1:
                notice(f"{declaration.identifier}: several values for one; it is NULL")
            return members[0] if len(members) == 1 else None
        case ("multiple" | "ordered") as cardinality, base_type:
            members = _members(raw, base_type, declaration.identifier, notice)
            return container(cardinality, members)


def _members(
    raw: object, base_type: BaseType, where: str, notice: Callable[[str], None]
) -> list[Single]:
    entries = raw if isinstance(raw, list) else [raw]
    if len(entries) > MAX_MEMBERS:
        raise MalformedError(f"{where}: more than {MAX_MEMBERS} values")
    members = []
    for entry in entries:
        try:
            value = _single(entry, base_type)
        except ValueError as error:
            notice(f"{where}: {error}; it is NULL")
            continue
        if value is not None:
            members.append(value)
    return members


def _single(raw: object, base_type: BaseType) -> Single | None:
    match raw:
        case None:
            return None
        case bool():
            return boolean(raw) if base_type == "boolean" else _of_text(str(raw).lower(), base_type)
        case int() | float():
            return _of_number(raw, base_type)
        case str():
            return _of_text(raw, base_type)
        case _:
            raise ValueError(f"a {type(raw).__name__} is no {base_type}")


def _of_number(raw: float, base_type: BaseType) -> Single | None:
    if abs(raw) > MAX_INTEGER or math.isnan(raw):
        raise ValueError("a number out of range")
    if base_type == "integer" and raw == int(raw):
        return number(int(raw))
    if base_type == "float":
        return number(float(raw))
    return parsed(base_type, format(Decimal(repr(raw)), "f"))


def _of_text(raw: str, base_type: BaseType) -> Single | None:
    if base_type in ("integer", "float"):
        raw = raw.strip().replace("\u2212", "-")
        if _COMMA.fullmatch(raw):
            raw = raw.replace(",", ".")
    return parsed(base_type, raw)


def _record(raw: object, where: str, notice: Callable[[str], None]) -> Record | None:
    """A map field by field; a text or number as the record of what was typed."""
    match raw:
        case str() | int() | float() if not isinstance(raw, bool):
            return numeric_record(str(raw))
        case dict() if raw:
            fields: dict[str, Value | None] = {}
            for name, entry in raw.items():
                members = _members(entry, _field_type(name, entry), where, notice)
                fields[str(name)] = members[0] if members else None
            return Record(fields)
        case None | {} | []:
            return None
        case _:
            notice(f"{where}: no map of fields; it is NULL")
            return None


def _field_type(name: str, entry: object) -> BaseType:
    match entry:
        case _ if name in RECORD_FIELDS:
            return RECORD_FIELDS[name]
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "float"
        case _:
            return "string"


_TYPED = re.compile(r"([+-]?)([0-9]*)(?:[.,]([0-9]*))?(?:[eE]([+-]?[0-9]{1,4}))?", re.ASCII)


def numeric_record(text: str) -> Record | None:
    """What the standard says a numeric text entry is with record cardinality: the text, its
    value, and how it was written (digits left and right of the point, decimal places and
    significant figures, exponent)."""
    if not text.strip():
        return None
    fields: dict[str, Value | None] = {"stringValue": parsed("string", text)}
    found = _TYPED.fullmatch(text.strip().replace("\u2212", "-"))
    if found is None or not (found[2] or found[3]):
        return Record(fields)
    sign, left, right, exponent = found.groups()
    right = right or ""
    fields["floatValue"] = parsed("float", f"{sign}{left or '0'}.{right or '0'}e{exponent or '0'}")
    if found[3] is None and exponent is None:
        fields["integerValue"] = number(int(f"{sign}{left}"))
    significant = (left + right).lstrip("0") if right else left.lstrip("0").rstrip("0")
    fields["leftDigits"] = number(len(left))
    fields["rightDigits"] = number(len(right))
    fields["ndp"] = number(len(right))
    fields["nsf"] = number(len(significant))
    fields["exponent"] = None if exponent is None else number(int(exponent))
    return Record(fields)
