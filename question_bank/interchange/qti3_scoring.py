"""Recognising QTI 3 response processing that is one of our scoring rules.

Only exact shapes are recognised; anything else is refused rather than guessed:
1. the standard template match_correct, or its text with another number of points;
2. the standard template map_response;
3. `equal` with absolute tolerance against the correct response;
4. the graded rule: `lookup-outcome-value` of the truncated `map-response`, with a match table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from question_bank.interchange.markup import attribute, child, children, name_of, text_of
from question_bank.interchange.qti3_terms import MAP_RESPONSE, MATCH_CORRECT


class UnrecognisedError(Exception):
    """The element is none of the shapes; `element` says which, for the problem's line."""

    def __init__(self, element: etree._Element, message: str) -> None:
        super().__init__(message)
        self.element = element


@dataclass(frozen=True, slots=True)
class MatchCorrect:
    """`points` where the response is the correct one (numbers: within `tolerance`)."""

    points: Decimal
    tolerance: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class MapResponse:
    """What the response's mapping says."""


@dataclass(frozen=True, slots=True)
class GradedLookup:
    """Marks by the number of right pairs."""

    table: tuple[Decimal, ...]


Processing = MatchCorrect | MapResponse | GradedLookup


@dataclass(frozen=True, slots=True)
class Mapping3:
    """A `qti-mapping`: what each value is worth, and the bounds of the sum."""

    worth: Mapping[str, Decimal]
    default: Decimal
    lower: Decimal | None
    upper: Decimal | None


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
    worth = {}
    for entry in children(element, "qti-map-entry"):
        key = " ".join(attribute(entry, "map-key").split())
        worth[key] = number(entry, attribute(entry, "mapped-value"))
    return Mapping3(
        worth,
        number(element, attribute(element, "default-value", "0")),
        _bound(element, "lower-bound"),
        _bound(element, "upper-bound"),
    )


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


def _template(element: etree._Element, template: str, response: str) -> Processing:
    if response != "RESPONSE":
        raise UnrecognisedError(element, "a standard template needs a response named RESPONSE")
    name = template.rpartition("/")[2].removesuffix(".xml")
    if name == MATCH_CORRECT.rpartition("/")[2].removesuffix(".xml"):
        return MatchCorrect(Decimal(1))
    if name == MAP_RESPONSE.rpartition("/")[2].removesuffix(".xml"):
        return MapResponse()
    raise UnrecognisedError(element, f"the template {template[:80]} is not supported yet")


def _condition(rule: etree._Element, response: str) -> MatchCorrect:
    names = [name_of(branch) for branch in rule]
    if names not in (["qti-response-if"], ["qti-response-if", "qti-response-else"]):
        raise UnrecognisedError(rule, "a condition other than if … else is not a known shape")
    then = rule[0]
    if len(then) != 2:
        raise UnrecognisedError(then, "a condition with several consequences is not a known shape")
    tolerance = _comparison(then[0], response)
    if len(names) == 2 and (len(rule[1]) != 1 or _set_score(rule[1][0]) != 0):
        raise UnrecognisedError(rule[1], "marks for a wrong answer are not a known shape")
    return MatchCorrect(_set_score(then[1]), tolerance)


def _comparison(element: etree._Element, response: str) -> Decimal:
    operands = [(name_of(operand), attribute(operand, "identifier")) for operand in element]
    if operands != [("qti-variable", response), ("qti-correct", response)]:
        raise UnrecognisedError(element, "only a comparison with the correct response is known")
    if name_of(element) == "qti-match":
        return Decimal(0)
    if name_of(element) != "qti-equal":
        raise UnrecognisedError(element, f"{name_of(element)} is not a known comparison")
    if attribute(element, "tolerance-mode", "exact") == "exact":
        return Decimal(0)
    bounds = {number(element, bound) for bound in attribute(element, "tolerance").split()}
    inclusive = all(
        attribute(element, side, "true") == "true"
        for side in ("include-lower-bound", "include-upper-bound")
    )
    if attribute(element, "tolerance-mode") != "absolute" or len(bounds) != 1 or not inclusive:
        raise UnrecognisedError(element, "only one absolute, inclusive tolerance is known")
    return bounds.pop()


def _set_score(element: etree._Element) -> Decimal:
    values = list(children(element, "qti-base-value"))
    named = attribute(element, "identifier") == "SCORE"
    if name_of(element) != "qti-set-outcome-value" or not named or len(values) != len(element):
        raise UnrecognisedError(element, "only a constant SCORE is a known shape")
    return number(element, text_of(values[0]) if values else "")


def _lookup(item: etree._Element, rule: etree._Element, response: str) -> GradedLookup:
    shape = [(name_of(e), attribute(e, "identifier")) for e in rule.iter()]
    known = [
        ("qti-lookup-outcome-value", "SCORE"),
        ("qti-truncate", ""),
        ("qti-map-response", response),
    ]
    if shape != known:
        raise UnrecognisedError(rule, "only a lookup by the number of right pairs is known")
    for outcome in children(item, "qti-outcome-declaration"):
        table = child(outcome, "qti-match-table")
        if attribute(outcome, "identifier") == "SCORE" and table is not None:
            return GradedLookup(_match_table(table))
    raise UnrecognisedError(rule, "SCORE has no match table")


def _match_table(table: etree._Element) -> tuple[Decimal, ...]:
    entries = {}
    for entry in children(table, "qti-match-table-entry"):
        source = number(entry, attribute(entry, "source-value"))
        entries[source] = number(entry, attribute(entry, "target-value"))
    if sorted(entries) != list(range(len(entries))):
        raise UnrecognisedError(table, "the match table does not run from 0 in steps of 1")
    return tuple(entries[source] for source in sorted(entries))
