"""Recognising QTI response processing that is one of our scoring rules.

Only exact shapes are recognised; anything else is refused rather than guessed:
1. the standard template match_correct, or its text with another number of points;
2. the standard templates map_response and map_response_point;
3. `equal` with absolute tolerance against the correct response;
4. the graded rule: `lookup-outcome-value` of the truncated `map-response`, with a match table.

`qti3_parts` recognises the same of each part of a composite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from question_bank.interchange.markup import attribute, child, children, name_of, text_of
from question_bank.keys import Spelling


class UnrecognisedError(Exception):
    """The element is none of the shapes; `element` says which, for the problem's line."""

    def __init__(self, element: etree._Element, message: str) -> None:
        super().__init__(message)
        self.element = element


class KeyMissingError(UnrecognisedError):
    """Nothing is right: no processing could give a mark for it."""


@dataclass(frozen=True, slots=True)
class MatchCorrect:
    """`points` where the response is the correct one (numbers: within `tolerance`)."""

    points: Decimal
    tolerance: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class MapResponse:
    """What the response's mapping says."""


@dataclass(frozen=True, slots=True)
class MapPoints:
    """What the response's area mapping says."""


@dataclass(frozen=True, slots=True)
class GradedLookup:
    """Marks by the number of right pairs."""

    table: tuple[Decimal, ...]


Processing = MatchCorrect | MapResponse | MapPoints | GradedLookup


@dataclass(frozen=True, slots=True)
class Mapping3:
    """A `qti-mapping`: what each value is worth, and the bounds of the sum."""

    worth: Mapping[str, Decimal]
    default: Decimal
    lower: Decimal | None
    upper: Decimal | None
    spellings: tuple[Spelling, ...] = ()


def processing_of(item: etree._Element, response: str) -> Processing | None:
    """The rule of the item's response processing for `response`; None where it has none."""
    element = child(item, "qti-response-processing")
    if element is None:
        return None
    template = attribute(element, "template") or attribute(element, "template-location")
    if template and len(element) == 0:
        return _template(element, template, response)
    if len(element) != 1:
        raise UnrecognisedError(element, "more than one rule; the shape is not a known one")
    rule = element[0]
    match name_of(rule):
        case "qti-response-condition":
            return _condition(rule, response)
        case "qti-lookup-outcome-value":
            return _lookup(item, rule, response)
        case name:
            raise UnrecognisedError(rule, f"response processing with {name} is not a known shape")


def mapping_of(declaration: etree._Element) -> Mapping3 | None:
    """The `qti-mapping` of a response declaration."""
    element = child(declaration, "qti-mapping")
    if element is None:
        return None
    worth, spellings = {}, []
    for entry in children(element, "qti-map-entry"):
        key = " ".join(attribute(entry, "map-key").split())
        worth[key] = number(entry, attribute(entry, "mapped-value"))
        sensitive = attribute(entry, "case-sensitive", "false") in ("true", "1")
        spellings.append(Spelling(key, worth[key], sensitive))
    return Mapping3(worth, *bounds_of(element), tuple(spellings))


def bounds_of(element: etree._Element) -> tuple[Decimal, Decimal | None, Decimal | None]:
    """The default value and the bounds of a mapping."""
    default = number(element, attribute(element, "default-value", "0"))
    return default, _bound(element, "lower-bound"), _bound(element, "upper-bound")


def number(element: etree._Element, text: str) -> Decimal:
    """A finite decimal; raises UnrecognisedError."""
    try:
        value = Decimal(text.strip()[:40])
    except InvalidOperation:
        raise UnrecognisedError(element, f"{text[:40]!r} is no number") from None
    if not value.is_finite() or abs(value.adjusted()) > 20:
        raise UnrecognisedError(element, f"{text[:40]!r} is out of range")
    return value


def _bound(element: etree._Element, name: str) -> Decimal | None:
    text = element.get(name)
    return None if text is None else number(element, str(text))


_TEMPLATES: dict[str, Processing] = {
    "match_correct": MatchCorrect(Decimal(1)),
    "map_response": MapResponse(),
    "map_response_point": MapPoints(),
}
_MAPS: dict[str, Processing] = {
    "qti-map-response": MapResponse(),
    "qti-map-response-point": MapPoints(),
}


def _template(element: etree._Element, template: str, response: str) -> Processing:
    if response != "RESPONSE":
        raise UnrecognisedError(element, "a standard template needs a response named RESPONSE")
    name = template.rpartition("/")[2].removesuffix(".xml")
    if name in _TEMPLATES:
        return _TEMPLATES[name]
    raise UnrecognisedError(element, f"the template {template[:80]} is not supported yet")


def _condition(rule: etree._Element, response: str) -> Processing:
    names = [name_of(branch) for branch in rule]
    if names not in (["qti-response-if"], ["qti-response-if", "qti-response-else"]):
        raise UnrecognisedError(rule, "a condition other than if … else is not a known shape")
    then = rule[0]
    if len(then) != 2:
        raise UnrecognisedError(then, "a condition with several consequences is not a known shape")
    if shape(then[0]) == [("qti-is-null", ""), ("qti-variable", response)]:
        return _mapped_unless_null(rule, response)
    compared = comparison(then[0])
    if compared != (response, compared[1]):
        raise UnrecognisedError(then[0], "only a comparison of the response is known")
    if len(names) == 2 and (len(rule[1]) != 1 or _set_score(rule[1][0]) != 0):
        raise UnrecognisedError(rule[1], "marks for a wrong answer are not a known shape")
    return MatchCorrect(_set_score(then[1]), compared[1])


def _mapped_unless_null(rule: etree._Element, response: str) -> Processing:
    """0 for no response, else what the mapping says: the standard templates spelled out."""
    otherwise = rule[1] if len(rule) == 2 else rule[0]
    if len(rule) == 2 and len(otherwise) == 1 and _set_score(rule[0][1]) == 0:
        for name, processing in _MAPS.items():
            if shape(otherwise[0]) == [("qti-set-outcome-value", "SCORE"), (name, response)]:
                return processing
    raise UnrecognisedError(rule, "marks for no answer are not a known shape")


def shape(element: etree._Element) -> list[tuple[str, str]]:
    """(name, identifier) of an element and all inside."""
    return [(name_of(inner), attribute(inner, "identifier")) for inner in element.iter()]


def comparison(element: etree._Element) -> tuple[str, Decimal]:
    """(response, tolerance) of a comparison of a response with what is correct for it."""
    operands = [(name_of(operand), attribute(operand, "identifier")) for operand in element]
    response = operands[0][1] if operands else ""
    if operands != [("qti-variable", response), ("qti-correct", response)]:
        raise UnrecognisedError(element, "only a comparison with the correct response is known")
    if name_of(element) == "qti-match":
        return response, Decimal(0)
    if name_of(element) != "qti-equal":
        raise UnrecognisedError(element, f"{name_of(element)} is not a known comparison")
    if attribute(element, "tolerance-mode", "exact") == "exact":
        return response, Decimal(0)
    bounds = {number(element, bound) for bound in attribute(element, "tolerance").split()}
    inclusive = all(
        attribute(element, side, "true") == "true"
        for side in ("include-lower-bound", "include-upper-bound")
    )
    if attribute(element, "tolerance-mode") != "absolute" or len(bounds) != 1 or not inclusive:
        raise UnrecognisedError(element, "only one absolute, inclusive tolerance is known")
    return response, bounds.pop()


def _set_score(element: etree._Element) -> Decimal:
    values = list(children(element, "qti-base-value"))
    named = attribute(element, "identifier") == "SCORE"
    if name_of(element) != "qti-set-outcome-value" or not named or len(values) != len(element):
        raise UnrecognisedError(element, "only a constant SCORE is a known shape")
    return number(element, text_of(values[0]) if values else "")


def _lookup(item: etree._Element, rule: etree._Element, response: str) -> GradedLookup:
    return graded_lookup(item, rule, response, "SCORE")


def graded_lookup(
    item: etree._Element, rule: etree._Element, response: str, outcome: str
) -> GradedLookup:
    """The graded rule, whose marks are the match table of `outcome`."""
    known = [
        ("qti-lookup-outcome-value", outcome),
        ("qti-truncate", ""),
        ("qti-map-response", response),
    ]
    if shape(rule) != known:
        raise UnrecognisedError(rule, "only a lookup by the number of right pairs is known")
    declared = outcome_of(item, outcome)
    table = None if declared is None else child(declared, "qti-match-table")
    if table is None:
        raise UnrecognisedError(rule, f"{outcome} has no match table")
    return GradedLookup(_match_table(table))


def outcome_of(item: etree._Element, name: str) -> etree._Element | None:
    """The declaration of an outcome."""
    outcomes = children(item, "qti-outcome-declaration")
    return next((one for one in outcomes if attribute(one, "identifier") == name), None)


def maximum_of(item: etree._Element, name: str) -> Decimal | None:
    """The declared maximum of an outcome."""
    outcome = outcome_of(item, name)
    text = "" if outcome is None else attribute(outcome, "normal-maximum")
    return number(item, text) if text else None


def is_external(item: etree._Element, name: str) -> bool:
    """Whether people give an outcome its value."""
    outcome = outcome_of(item, name)
    return outcome is not None and attribute(outcome, "external-scored") == "human"


def _match_table(table: etree._Element) -> tuple[Decimal, ...]:
    entries = {}
    for entry in children(table, "qti-match-table-entry"):
        source = number(entry, attribute(entry, "source-value"))
        entries[source] = number(entry, attribute(entry, "target-value"))
    if sorted(entries) != list(range(len(entries))):
        raise UnrecognisedError(table, "the match table does not run from 0 in steps of 1")
    return tuple(entries[source] for source in sorted(entries))
