"""Variable declarations, their mappings and their lookup tables, from XML."""

from typing import TypeVar

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.qti.names import attributes_of, elements, is_version_2, line, name_of, text_of
from question_bank.qti.operators.mappings import shape_of
from question_bank.qti.program import (
    AreaMapping,
    Bounds,
    Declaration,
    InterpolationTable,
    Kind,
    MapEntry,
    MatchTable,
    Shape,
    Table,
    ValueMapping,
)
from question_bank.qti.values import (
    BASE_TYPES,
    CARDINALITIES,
    BaseType,
    Cardinality,
    Record,
    Single,
    Value,
    container,
    parsed,
)

_KINDS: dict[str, Kind] = {
    "responsedeclaration": "response",
    "outcomedeclaration": "outcome",
    "templatedeclaration": "template",
}
_Known = TypeVar("_Known", bound=str)


def declaration_of(element: etree._Element, file: str) -> Declaration:
    """The variable that an element declares; raises FileRefusedError with the line."""
    attributes = attributes_of(element)
    identifier = attributes.get("identifier", "").strip()
    if not identifier:
        raise _refused(element, file, f"{name_of(element)} without an identifier")
    cardinality = _one_of(CARDINALITIES, attributes.get("cardinality", "single"))
    base_type = _one_of(BASE_TYPES, attributes.get("basetype", ""))
    if cardinality is None or (base_type is None and cardinality != "record"):
        raise _refused(element, file, f"{identifier[:60]}: no known cardinality and base type")
    parts = {name_of(part): part for part in elements(element)}

    def values(name: str) -> Value | None:
        part = parts.get(name)
        return None if part is None else _values(part, cardinality, base_type, file)

    table = parts.get("matchtable", parts.get("interpolationtable"))
    default = values("defaultvalue")
    if "defaultvalue" in attributes and base_type is not None:  # beyond the standard
        default = _value(base_type, attributes["defaultvalue"], element, file)
    return Declaration(
        identifier,
        _KINDS[name_of(element)],
        cardinality,
        base_type,
        default,
        values("correctresponse"),
        _mapping(parts.get("mapping"), base_type, file),
        _areas(parts.get("areamapping"), file),
        None if table is None else table_of(table, cardinality, base_type, file),
        _optional_number(element, "normalmaximum", file),
        _optional_number(element, "normalminimum", file),
        attributes.get("externalscored", ""),
    )


def table_of(
    element: etree._Element, cardinality: Cardinality, base_type: BaseType | None, file: str
) -> Table:
    """A matchTable or an interpolationTable; raises FileRefusedError."""
    if base_type is None or cardinality == "record":
        raise _refused(element, file, "a lookup table of records")

    def target(text: str) -> Value | None:
        value = _value(base_type, text, element, file)
        if (cardinality == "multiple" or cardinality == "ordered") and value is not None:
            return container(cardinality, [value])
        return value

    usual = attributes_of(element).get("defaultvalue")
    default = None if usual is None else target(usual)
    if name_of(element) == "matchtable":
        entries: dict[int, Value | None] = {}
        for entry in elements(element):
            attributes = attributes_of(entry)
            source = _number(entry, attributes.get("sourcevalue", ""), file)
            if source != int(source):
                raise _refused(entry, file, "matchTable: a source value that is no whole number")
            entries.setdefault(int(source), target(attributes.get("targetvalue", "")))
        return MatchTable(entries, default)
    if name_of(element) != "interpolationtable":
        raise _refused(element, file, f"{name_of(element)} is no lookup table")
    steps = []
    for entry in elements(element):
        attributes = attributes_of(entry)
        lower = _number(entry, attributes.get("sourcevalue", ""), file)
        includes = attributes.get("includeboundary", "true") in ("true", "1")
        steps.append((lower, includes, target(attributes.get("targetvalue", ""))))
    return InterpolationTable(tuple(steps), default)


def _values(
    element: etree._Element, cardinality: Cardinality, base_type: BaseType | None, file: str
) -> Value | None:
    """The value that `value` elements spell; of a record each names its field and base type."""
    found: list[Single] = []
    fields: dict[str, Value | None] = {}
    for part in elements(element):
        attributes = attributes_of(part)
        kind = base_type or _one_of(BASE_TYPES, attributes.get("basetype", ""))
        if name_of(part) != "value" or kind is None:
            raise _refused(part, file, f"{name_of(part)} is no value with a base type")
        value = _value(kind, text_of(part), part, file)
        if cardinality == "record":
            fields[attributes.get("fieldidentifier", "")] = value
        elif value is not None:
            found.append(value)
    match cardinality:
        case "record":
            return Record(fields) if fields else None
        case "single":
            return found[0] if found else None
        case "multiple" | "ordered":
            return container(cardinality, found)


def _mapping(
    element: etree._Element | None, base_type: BaseType | None, file: str
) -> ValueMapping | None:
    if element is None or base_type is None:
        return None
    attributes = attributes_of(element)
    # mapEntry's caseSensitive is true unless said otherwise in QTI 2.x, and false in 3.0. On the
    # mapping itself the attribute is beyond the standard.
    usual = attributes.get("casesensitive", "true" if is_version_2(element) else "false")
    entries = []
    for entry in elements(element):
        described = attributes_of(entry)
        key = _value(base_type, described.get("mapkey", ""), entry, file)
        worth = _number(entry, described.get("mappedvalue", ""), file)
        if key is not None:
            sensitive = described.get("casesensitive", usual) in ("true", "1")
            entries.append(MapEntry(key, worth, sensitive))
    default = _number(element, attributes.get("defaultvalue", "0"), file)
    return ValueMapping(tuple(entries), default, _bounds(element, file))


def _areas(element: etree._Element | None, file: str) -> AreaMapping | None:
    if element is None:
        return None
    areas: list[tuple[Shape, float]] = []
    for entry in elements(element):
        attributes = attributes_of(entry)
        shape = shape_of(attributes.get("shape", ""), attributes.get("coords", ""))
        if shape is None:
            raise _refused(entry, file, "areaMapEntry: its shape and coords describe no area")
        areas.append((shape, _number(entry, attributes.get("mappedvalue", ""), file)))
    default = _number(element, attributes_of(element).get("defaultvalue", "0"), file)
    return AreaMapping(tuple(areas), default, _bounds(element, file))


def _bounds(element: etree._Element, file: str) -> Bounds:
    lower, upper = (_optional_number(element, name, file) for name in ("lowerbound", "upperbound"))
    return Bounds(lower, upper)


def _optional_number(element: etree._Element, name: str, file: str) -> float | None:
    text = attributes_of(element).get(name)
    return None if text is None else _number(element, text, file)


def _number(element: etree._Element, text: str, file: str) -> float:
    value = _value("float", text, element, file)
    if value is None or not isinstance(value.data, float) or abs(value.data) > 1e300:
        raise _refused(element, file, f"{text[:40]!r} is no number")
    return value.data


def _value(base_type: BaseType, text: str, element: etree._Element, file: str) -> Single | None:
    try:
        return parsed(base_type, text)
    except ValueError as error:
        raise _refused(element, file, str(error)) from None


def _one_of(known: tuple[_Known, ...], word: str) -> _Known | None:
    return next((candidate for candidate in known if candidate == word), None)


def _refused(element: etree._Element, file: str, message: str) -> FileRefusedError:
    return FileRefusedError(f"{file}:{line(element)}: {message}")
