"""The marks of a composite: processing that adds up its parts, or asks for all of them.

Recognised are, and written (`qti3_processing`):
1. for each part, in order, a rule that adds to SCORE: `match` or `equal` with the correct response
   and a number of points; `map-response` unless there is no response; the graded lookup into an
   outcome SCORE_PART and its sum. A part whose outcome SCORE_PART people give has no rule;
2. one condition: `and` over all parts, then the points, else 0. A text that is right in several
   spellings is so where its mapping gives more than 0.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from lxml import etree

from question_bank.interchange.markup import attribute, child, children, name_of, text_of
from question_bank.interchange.qti3_interactions import ReadInteraction
from question_bank.interchange.qti3_marks import Marked, marked
from question_bank.interchange.qti3_scoring import (
    MapPoints,
    MapResponse,
    MatchCorrect,
    Processing,
    UnrecognisedError,
    comparison,
    graded_lookup,
    is_external,
    maximum_of,
    number,
    shape,
)
from question_bank.interchange.qti3_terms import PART_SCORE
from question_bank.keys import AllOrNothing, External, NoKey, PartMarks, ScoringRule, SumOfParts

Parts = Mapping[str, ReadInteraction]


def composite_marks(
    item: etree._Element, parts: Parts
) -> tuple[Mapping[str, Marked], ScoringRule, Decimal]:
    """Each part as it is marked, the composite's rule and its points.

    Raises UnrecognisedError for other processing.
    """
    processing = child(item, "qti-response-processing")
    rules = [] if processing is None else list(processing)
    if len(rules) == 1 and _is_all(rules[0]):
        return _all_parts(rules[0], parts)
    found = _added(item, rules, parts)
    marks: dict[str, Marked] = {}
    for name, read in parts.items():
        maximum = maximum_of(item, PART_SCORE + name)
        if name in found:
            marks[name] = marked(read, found[name], maximum)
        elif is_external(item, PART_SCORE + name) and maximum is not None:
            marks[name] = Marked(read.interaction, read.key or NoKey(), External(), maximum)
        else:
            raise UnrecognisedError(read.element, "nothing in the processing marks it")
    points = sum((one.points for one in marks.values()), Decimal(0))
    rule = SumOfParts({name: PartMarks(one.rule, one.points) for name, one in marks.items()})
    return marks, rule, points


def _is_all(rule: etree._Element) -> bool:
    return any(name_of(inner) == "qti-and" for branch in rule for inner in branch)


def _all_parts(
    rule: etree._Element, parts: Parts
) -> tuple[Mapping[str, Marked], ScoringRule, Decimal]:
    names = [name_of(branch) for branch in rule]
    if names != ["qti-response-if", "qti-response-else"] or len(rule[0]) != 2 or len(rule[1]) != 1:
        raise UnrecognisedError(rule, "a condition other than if … else is not a known shape")
    asked: dict[str, Processing] = dict(map(_asked, rule[0][0]))
    if set(asked) != set(parts) or len(rule[0][0]) != len(parts) or _set(rule[1][0]) != 0:
        raise UnrecognisedError(rule, "only a condition on all parts is known")
    marks = {name: marked(read, asked[name], None) for name, read in parts.items()}
    if not all(isinstance(one.rule, AllOrNothing) for one in marks.values()):
        raise UnrecognisedError(rule, "a part that has marks of its own is not a known shape")
    return marks, AllOrNothing(), _set(rule[0][1])


def _asked(element: etree._Element) -> tuple[str, Processing]:
    if name_of(element) == "qti-gt" and len(element) == 2:
        response = attribute(element[0], "identifier")
        if name_of(element[0]) == "qti-map-response" and text_of(element[1]) == "0":
            return response, MapResponse()
    response, tolerance = comparison(element)
    return response, MatchCorrect(Decimal(1), tolerance)


def _set(element: etree._Element) -> Decimal:
    if shape(element) != [("qti-set-outcome-value", "SCORE"), ("qti-base-value", "")]:
        raise UnrecognisedError(element, "only a constant SCORE is a known shape")
    return number(element, text_of(element[0]))


def _added(
    item: etree._Element, rules: Sequence[etree._Element], parts: Parts
) -> dict[str, Processing]:
    """Part → what is added for it."""
    found: dict[str, Processing] = {}
    left = list(rules)
    while left:
        rule = left.pop(0)
        if name_of(rule) == "qti-lookup-outcome-value":
            response = attribute(rule, "identifier").removeprefix(PART_SCORE)
            outcome = PART_SCORE + response
            processing: Processing = graded_lookup(item, rule, response, outcome)
            adding = left.pop(0) if left else rule
            if _addend(adding) != [("qti-variable", outcome)]:
                raise UnrecognisedError(adding, "a lookup that is not added is not a known shape")
        else:
            response, processing = _conditional(rule)
        if response in found or response not in parts:
            raise UnrecognisedError(rule, "a part that is marked twice is not a known shape")
        found[response] = processing
    return found


def _conditional(rule: etree._Element) -> tuple[str, Processing]:
    if name_of(rule) != "qti-response-condition" or len(rule) != 1 or len(rule[0]) != 2:
        raise UnrecognisedError(rule, "only conditions that add to SCORE are known")
    condition, consequence = rule[0]
    addend = _addend(consequence)
    inner = shape(condition)
    if [name for name, _ in inner] == ["qti-not", "qti-is-null", "qti-variable"]:
        response = inner[-1][1]
        if addend == [("qti-map-response", response)]:
            return response, MapResponse()
        if addend == [("qti-map-response-point", response)]:
            return response, MapPoints()
        raise UnrecognisedError(consequence, "only a mapping is a known shape here")
    response, tolerance = comparison(condition)
    if addend != [("qti-base-value", "")]:
        raise UnrecognisedError(consequence, "only a number of points is a known shape here")
    value = next(children(consequence[0], "qti-base-value"))
    return response, MatchCorrect(number(value, text_of(value)), tolerance)


def _addend(element: etree._Element) -> list[tuple[str, str]]:
    """What is added to SCORE: (name, identifier) of all of it."""
    found = shape(element)
    known = [("qti-set-outcome-value", "SCORE"), ("qti-sum", ""), ("qti-variable", "SCORE")]
    if found[:3] != known:
        raise UnrecognisedError(element, "only what is added to SCORE is a known shape")
    return found[3:]
