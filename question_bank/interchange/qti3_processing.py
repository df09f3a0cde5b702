"""Our keys and rules → QTI declarations and response processing, in the shapes that
`qti3_scoring` and `qti3_parts` know."""

from collections.abc import Iterable
from decimal import Decimal

from lxml import etree

from question_bank.interactions import Composite, NumericEntry, Simple
from question_bank.interchange.qti3_made import made, text_of_number, text_of_truth
from question_bank.interchange.qti3_own import Binding
from question_bank.interchange.qti3_terms import (
    MAP_RESPONSE,
    MAP_RESPONSE_POINT,
    MATCH_CORRECT,
    PART_SCORE,
)
from question_bank.interchange.qti3_write_interactions import types_of
from question_bank.item import Item
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    CompositeKey,
    External,
    GradedCluster,
    Key,
    MappedChoice,
    MappedPairs,
    MappedPoints,
    MappedText,
    NoKey,
    NumericKey,
    OrderKey,
    PairsKey,
    PartMarks,
    PointsKey,
    ResponseProcessing,
    SimpleKey,
    Spelling,
    SumOfParts,
    TextKey,
)

NAMES = Binding("RESPONSE", "T", "F")
_Mapped = MappedChoice | MappedPairs | MappedText | MappedPoints


def declarations(item: Item) -> list[etree._Element]:
    """The response and outcome declarations of an item with one of the bank's rules."""
    parts = _parts(item)
    outcomes = []
    for name, (_, _, marks) in parts.items():
        outcome = _part_outcome(name, marks) if isinstance(item.scoring, SumOfParts) else None
        if outcome is not None:
            outcomes.append(outcome)
    responses = [
        _response(name, interaction, key, marks)
        for name, (interaction, key, marks) in parts.items()
    ]
    rule = item.scoring
    return [*responses, _outcome("SCORE", item.points, None if _sums(rule) else rule), *outcomes]


def _sums(rule: object) -> bool:
    return isinstance(rule, SumOfParts)


def _parts(item: Item) -> dict[str, tuple[Simple, SimpleKey, PartMarks]]:
    """Response → interaction, key and marks; one of a simple item."""
    interaction, key, rule = item.interaction, item.key, item.scoring
    if isinstance(interaction, Composite) and isinstance(key, CompositeKey):
        whole = rule if isinstance(rule, External | AllOrNothing) else AllOrNothing()
        own = rule.parts if isinstance(rule, SumOfParts) else {}
        usual = PartMarks(whole, Decimal(1))
        return {
            part.id: (part.interaction, key.parts[part.id], own.get(part.id, usual))
            for part in interaction.parts
        }
    if isinstance(interaction, Composite) or isinstance(key, CompositeKey):
        raise TypeError(f"item {item.id} is half a composite")
    if isinstance(rule, ResponseProcessing | SumOfParts):
        raise TypeError(f"item {item.id} has processing of its own")
    return {NAMES.response: (interaction, key, PartMarks(rule, item.points))}


def _response(name: str, interaction: Simple, key: SimpleKey, marks: PartMarks) -> etree._Element:
    cardinality, base_type = types_of(interaction)
    element = made("qti-response-declaration", identifier=name, cardinality=cardinality)
    element.set("base-type", base_type)
    values = _correct(key)
    if values:
        inside = (made("qti-value", value) for value in values)
        element.append(made("qti-correct-response", *inside))
    mapping = _mapping_of(key, marks)
    if mapping is not None:
        element.append(mapping)
    return element


def _correct(key: Key) -> list[str]:
    match key:
        case ChoiceKey(options=names) | OrderKey(order=names):
            return list(names)
        case ClusterKey(values=truths):
            return [f"{n} {NAMES.true if truth else NAMES.false}" for n, truth in truths.items()]
        case NumericKey(value=value):
            return [text_of_number(value)]
        case TextKey(accepted=accepted):
            return [accepted[0]]
        case PairsKey(pairs=pairs):
            return [" ".join(pair) for pair in pairs]
        case PointsKey(points=points):
            return [f"{x} {y}" for x, y in points]
        case NoKey() | CompositeKey():
            return []


def _mapping_of(key: Key, marks: PartMarks) -> etree._Element | None:
    match marks.rule:
        case GradedCluster():
            return _mapping((Spelling(pair, Decimal(1)) for pair in _correct(key)), None)
        case MappedChoice(worth=worth):
            return _mapping((Spelling(name, each) for name, each in worth.items()), marks.rule)
        case MappedPairs(worth=pairs):
            entries = (Spelling(" ".join(pair), each) for pair, each in pairs.items())
            return _mapping(entries, marks.rule)
        case MappedText(spellings=spellings):
            return _mapping(spellings, marks.rule, texts=True)
        case MappedPoints():
            return _area_mapping(marks.rule)
        case AllOrNothing() if isinstance(key, TextKey) and is_mapped(key):
            entries = (Spelling(t, marks.points, key.case_sensitive) for t in key.accepted)
            return _mapping(entries, None, texts=True)
        case _:
            return None


def is_mapped(key: Key) -> bool:
    """Whether a text's key needs a mapping: several spellings, or no matter which case."""
    return isinstance(key, TextKey) and not (len(key.accepted) == 1 and key.case_sensitive)


def _mapping(
    entries: Iterable[Spelling], rule: _Mapped | None, *, texts: bool = False
) -> etree._Element:
    mapping = _bounded("qti-mapping", rule)
    for spelling in entries:
        entry = made("qti-map-entry", map_key=spelling.text)
        entry.set("mapped-value", text_of_number(spelling.worth))
        if texts:
            entry.set("case-sensitive", text_of_truth(spelling.case_sensitive))
        mapping.append(entry)
    return mapping


def _area_mapping(rule: MappedPoints) -> etree._Element:
    mapping = _bounded("qti-area-mapping", rule)
    for shape, worth in rule.areas:
        entry = made("qti-area-map-entry", shape=shape.name)
        entry.set("coords", ",".join(map(str, shape.coords)))
        entry.set("mapped-value", text_of_number(worth))
        mapping.append(entry)
    return mapping


def _bounded(name: str, rule: _Mapped | None) -> etree._Element:
    mapping = made(name, default_value=text_of_number(rule.default if rule else Decimal(0)))
    if rule and rule.lower is not None:
        mapping.set("lower-bound", text_of_number(rule.lower))
    if rule and rule.upper is not None:
        mapping.set("upper-bound", text_of_number(rule.upper))
    return mapping


def _outcome(name: str, points: Decimal, rule: object) -> etree._Element:
    outcome = made("qti-outcome-declaration", identifier=name, cardinality="single")
    outcome.set("base-type", "float")
    outcome.set("normal-maximum", text_of_number(points))
    if isinstance(rule, External):
        outcome.set("external-scored", "human")
    if isinstance(rule, GradedCluster):
        table = made("qti-match-table")
        for right, marks in enumerate(rule.table):
            entry = made("qti-match-table-entry", source_value=str(right))
            entry.set("target-value", text_of_number(marks))
            table.append(entry)
        outcome.append(table)
    return outcome


def _part_outcome(name: str, marks: PartMarks) -> etree._Element | None:
    """A part's own outcome, where its marks are not in the processing itself."""
    if isinstance(marks.rule, AllOrNothing):
        return None
    return _outcome(PART_SCORE + name, marks.points, marks.rule)


def processing(item: Item) -> etree._Element | None:
    """The response processing; None where people mark all of it."""
    rule = item.scoring
    if isinstance(rule, External):
        return None
    if isinstance(item.interaction, Composite):
        rules = _all_parts(item) if isinstance(rule, AllOrNothing) else _sum(item)
        return made("qti-response-processing", *rules)
    match rule:
        case GradedCluster():
            return made("qti-response-processing", _lookup(NAMES.response, "SCORE"))
        case MappedChoice() | MappedPairs() | MappedText():
            return made("qti-response-processing", template=MAP_RESPONSE)
        case MappedPoints():
            return made("qti-response-processing", template=MAP_RESPONSE_POINT)
        case _:
            return _all_or_nothing(item)


def _all_or_nothing(item: Item) -> etree._Element:
    if is_mapped(item.key):
        return made("qti-response-processing", template=MAP_RESPONSE)
    tolerance = item.interaction.tolerance if isinstance(item.interaction, NumericEntry) else 0
    if item.points == 1 and not tolerance:
        return made("qti-response-processing", template=MATCH_CORRECT)
    compared = _comparison(NAMES.response, tolerance)
    return made("qti-response-processing", _if_else(compared, item.points))


def _all_parts(item: Item) -> list[etree._Element]:
    asked = []
    for name, (interaction, key, _) in _parts(item).items():
        if is_mapped(key):
            nothing = made("qti-base-value", "0", base_type="float")
            asked.append(made("qti-gt", made("qti-map-response", identifier=name), nothing))
        else:
            tolerance = interaction.tolerance if isinstance(interaction, NumericEntry) else 0
            asked.append(_comparison(name, tolerance))
    return [_if_else(made("qti-and", *asked), item.points)]


def _sum(item: Item) -> list[etree._Element]:
    rules = []
    for name, (interaction, key, marks) in _parts(item).items():
        rules += _addition(name, interaction, key, marks)
    return rules


def _addition(
    name: str, interaction: Simple, key: SimpleKey, marks: PartMarks
) -> list[etree._Element]:
    """The rules that add a part's marks to SCORE."""
    match marks.rule:
        case External():
            return []
        case GradedCluster():
            outcome = PART_SCORE + name
            return [_lookup(name, outcome), _add(made("qti-variable", identifier=outcome))]
        case MappedPoints():
            return [_mapped(name, "qti-map-response-point")]
        case AllOrNothing() if not is_mapped(key):
            tolerance = interaction.tolerance if isinstance(interaction, NumericEntry) else 0
            added = _add(made("qti-base-value", text_of_number(marks.points), base_type="float"))
            then = made("qti-response-if", _comparison(name, tolerance), added)
            return [made("qti-response-condition", then)]
        case _:
            return [_mapped(name, "qti-map-response")]


def _mapped(name: str, operator: str) -> etree._Element:
    given = made("qti-not", made("qti-is-null", made("qti-variable", identifier=name)))
    then = made("qti-response-if", given, _add(made(operator, identifier=name)))
    return made("qti-response-condition", then)


def _add(addend: etree._Element) -> etree._Element:
    total = made("qti-sum", made("qti-variable", identifier="SCORE"), addend)
    return made("qti-set-outcome-value", total, identifier="SCORE")


def _lookup(response: str, outcome: str) -> etree._Element:
    right = made("qti-truncate", made("qti-map-response", identifier=response))
    return made("qti-lookup-outcome-value", right, identifier=outcome)


def _comparison(response: str, tolerance: Decimal | int) -> etree._Element:
    comparison = made("qti-equal" if tolerance else "qti-match")
    if tolerance:
        width = text_of_number(tolerance)
        comparison.set("tolerance-mode", "absolute")
        comparison.set("tolerance", f"{width} {width}")
    comparison.append(made("qti-variable", identifier=response))
    comparison.append(made("qti-correct", identifier=response))
    return comparison


def _if_else(condition: etree._Element, points: Decimal) -> etree._Element:
    return made(
        "qti-response-condition",
        made("qti-response-if", condition, _set_score(points)),
        made("qti-response-else", _set_score(Decimal(0))),
    )


def _set_score(points: Decimal) -> etree._Element:
    value = made("qti-base-value", text_of_number(points), base_type="float")
    return made("qti-set-outcome-value", value, identifier="SCORE")
