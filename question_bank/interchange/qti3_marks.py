"""From recognised response processing to the bank's rule, for one interaction."""

from dataclasses import dataclass, replace
from decimal import Decimal

from question_bank.interactions import (
    Associate,
    ExtendedText,
    GapMatch,
    GraphicGapMatch,
    InlineChoice,
    Match,
    NumericEntry,
    SelectPoint,
    Simple,
    SingleChoice,
    TextEntry,
    TrueFalseCluster,
)
from question_bank.interchange.markup import attribute, child, children
from question_bank.interchange.qti3_graphics import shape_of
from question_bank.interchange.qti3_interactions import ReadInteraction
from question_bank.interchange.qti3_scoring import (
    GradedLookup,
    KeyMissingError,
    Mapping3,
    MapPoints,
    MapResponse,
    MatchCorrect,
    Processing,
    UnrecognisedError,
    bounds_of,
    mapping_of,
    number,
)
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    GradedCluster,
    MappedChoice,
    MappedPairs,
    MappedPoints,
    MappedText,
    NoKey,
    Pair,
    PairsKey,
    PartRule,
    SimpleKey,
    TextKey,
)


@dataclass(frozen=True, slots=True)
class Marked:
    """An interaction with its key, its rule and its points."""

    interaction: Simple
    key: SimpleKey
    rule: PartRule
    points: Decimal


def marked(read: ReadInteraction, processing: Processing, maximum: Decimal | None) -> Marked:
    """What the processing says of the interaction; `maximum`: the declared one of its score.

    Raises UnrecognisedError where it is none of the bank's rules.
    """
    match processing:
        case MatchCorrect():
            return _matched(read, processing)
        case GradedLookup(table=table):
            mapping = mapping_of(read.declaration)
            _check_pairs(read, mapping, Decimal(1))
            return Marked(read.interaction, _key(read), GradedCluster(table), table[-1])
        case MapPoints():
            return _pointed(read, maximum)
        case MapResponse():
            return _mapped(read, maximum)


def _key(read: ReadInteraction) -> SimpleKey:
    if read.key is None:
        raise KeyMissingError(read.element, "has no correct response")
    return read.key


def _matched(read: ReadInteraction, processing: MatchCorrect) -> Marked:
    interaction = read.interaction
    if isinstance(interaction, NumericEntry):
        interaction = replace(interaction, tolerance=processing.tolerance)
    elif processing.tolerance or isinstance(interaction, SelectPoint | ExtendedText):
        raise UnrecognisedError(read.element, "an exact match of this is not a known rule")
    return Marked(interaction, _key(read), AllOrNothing(), processing.points)


def _check_pairs(read: ReadInteraction, mapping: Mapping3 | None, each: Decimal) -> None:
    """Every right pair is worth `each` and nothing else anything: the sum counts right ones."""
    interaction = read.interaction
    statements = len(interaction.statements) if isinstance(interaction, TrueFalseCluster) else 0
    plain_sum = mapping is not None and mapping.default == 0
    bounded = mapping is not None and (mapping.lower or mapping.upper is not None)
    worth = [] if mapping is None else [value for value in mapping.worth.values() if value != 0]
    if not plain_sum or bounded or worth != [each] * statements:
        raise UnrecognisedError(read.element, "the mapping must give every right pair the same")


def _mapped(read: ReadInteraction, maximum: Decimal | None) -> Marked:
    mapping = mapping_of(read.declaration)
    if mapping is None:
        raise UnrecognisedError(read.element, "map_response without a mapping")
    interaction = read.interaction
    match interaction:
        case TrueFalseCluster():
            return _mapped_cluster(read, mapping)
        case TextEntry():
            return _mapped_text(read, mapping, maximum)
        case Match() | Associate() | GapMatch() | GraphicGapMatch():
            return _mapped_pairs(read, mapping, maximum)
        case _ if isinstance(read.key, ChoiceKey) or mapping_names_choices(read):
            return _mapped_choice(read, mapping, maximum)
        case _:
            raise UnrecognisedError(read.element, "map_response is not supported for this")


def mapping_names_choices(read: ReadInteraction) -> bool:
    """Whether the response is made of identifiers in no order."""
    declared = attribute(read.declaration, "base-type"), attribute(read.declaration, "cardinality")
    return declared in (("identifier", "single"), ("identifier", "multiple"))


def _mapped_cluster(read: ReadInteraction, mapping: Mapping3) -> Marked:
    each = next(iter(mapping.worth.values()), Decimal(0))
    _check_pairs(read, mapping, each)
    count = len(mapping.worth)
    table = tuple(each * right for right in range(count + 1))
    return Marked(read.interaction, _key(read), GradedCluster(table), each * count)


def _mapped_choice(read: ReadInteraction, mapping: Mapping3, maximum: Decimal | None) -> Marked:
    rule = MappedChoice(mapping.worth, mapping.default, mapping.lower, mapping.upper)
    positive = {name: worth for name, worth in mapping.worth.items() if worth > 0}
    if not positive:
        raise KeyMissingError(read.element, "has no correct response")
    single = isinstance(read.interaction, SingleChoice | InlineChoice)
    highest = max(positive.values())
    best = highest if single else sum(positive.values(), Decimal(0))
    right = [n for n, worth in positive.items() if worth == highest][:1] if single else positive
    key = read.key or ChoiceKey(tuple(right))
    return Marked(read.interaction, key, rule, _points(maximum, mapping.upper, best))


def _mapped_pairs(read: ReadInteraction, mapping: Mapping3, maximum: Decimal | None) -> Marked:
    worth: dict[Pair, Decimal] = {}
    for key, each in mapping.worth.items():
        first, _, second = key.partition(" ")
        worth[first, second] = each
    rule = MappedPairs(worth, mapping.default, mapping.lower, mapping.upper)
    positive = {pair: each for pair, each in worth.items() if each > 0}
    best = sum(positive.values(), Decimal(0))
    pairs = read.key or PairsKey(tuple(positive))
    return Marked(read.interaction, pairs, rule, _points(maximum, mapping.upper, best))


def _mapped_text(read: ReadInteraction, mapping: Mapping3, maximum: Decimal | None) -> Marked:
    spellings = mapping.spellings
    if not spellings:
        raise UnrecognisedError(read.element, "a mapping without entries")
    key = _accepted(read, mapping)
    if key is not None:
        return Marked(read.interaction, key, AllOrNothing(), spellings[0].worth)
    rule = MappedText(spellings, mapping.default, mapping.lower, mapping.upper)
    best = max(spelling.worth for spelling in spellings)
    usual = next(spelling for spelling in spellings if spelling.worth == best)
    text: SimpleKey = TextKey((usual.text,), usual.case_sensitive)
    if isinstance(read.key, TextKey):  # a response has no case of its own: its spelling has
        same = next((s for s in spellings if s.text == read.key.accepted[0]), usual)
        text = replace(read.key, case_sensitive=same.case_sensitive)
    return Marked(
        read.interaction, text, rule, _points(maximum, mapping.upper, max(best, Decimal(0)))
    )


def _accepted(read: ReadInteraction, mapping: Mapping3) -> TextKey | None:
    """The key of a text that is right in any of its spellings and worth nothing otherwise."""
    spellings = mapping.spellings
    worths, cases = {s.worth for s in spellings}, {s.case_sensitive for s in spellings}
    bounded = mapping.default or mapping.lower is not None or mapping.upper is not None
    first = read.key.accepted[0] if isinstance(read.key, TextKey) else spellings[0].text
    same = len(worths) == len(cases) == 1 and spellings[0].worth > 0
    if bounded or not same or first != spellings[0].text:
        return None
    return TextKey(tuple(spelling.text for spelling in spellings), cases.pop())


def _pointed(read: ReadInteraction, maximum: Decimal | None) -> Marked:
    element = child(read.declaration, "qti-area-mapping")
    if element is None or not isinstance(read.interaction, SelectPoint):
        raise UnrecognisedError(read.element, "map_response_point without areas")
    areas = tuple(
        (shape_of(entry), number(entry, attribute(entry, "mapped-value")))
        for entry in children(element, "qti-area-map-entry")
    )
    default, lower, upper = bounds_of(element)
    positive = sorted((worth for _, worth in areas if worth > 0), reverse=True)
    limit = read.interaction.max_points or len(positive)
    best = sum(positive[:limit], Decimal(0))
    rule = MappedPoints(areas, default, lower, upper)
    return Marked(read.interaction, read.key or NoKey(), rule, _points(maximum, upper, best))


def _points(maximum: Decimal | None, upper: Decimal | None, best: Decimal) -> Decimal:
    """The declared maximum, else the best that can be had."""
    if maximum is not None:
        return maximum
    return best if upper is None else min(best, upper)
