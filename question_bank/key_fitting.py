"""Which keys and scoring rules go with which interaction.

Every function raises ItemError with one line that begins with `where`, the item or its part.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeGuard

from question_bank import content
from question_bank.errors import FileRefusedError, ItemError
from question_bank.fitting import check_shape
from question_bank.interactions import (
    MAX_COORDINATE,
    MAX_PIECES,
    MAX_POINTS,
    Area,
    Associate,
    Composite,
    ExtendedText,
    GapMatch,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    HotText,
    InlineChoice,
    Interaction,
    Match,
    MultipleChoice,
    NumericEntry,
    Order,
    Part,
    Piece,
    SelectPoint,
    SingleChoice,
    Slider,
    TextEntry,
    TrueFalseCluster,
    ids_of,
)
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
    ScoringRule,
    SumOfParts,
    TextKey,
)
from question_bank.qti.program import Program
from question_bank.qti.reading import program_from


def check_key(where: str, interaction: Interaction, key: Key, rule: ScoringRule) -> None:
    """The key names only what is there, in the way of the interaction."""
    if isinstance(interaction, Composite) and isinstance(key, CompositeKey):
        if set(key.parts) != {part.id for part in interaction.parts}:
            raise ItemError(f"{where}: the key must have every part")
        for part in interaction.parts:
            own = rule.parts[part.id].rule if _sums(rule, part.id) else rule
            check_key(f"{where}, part {part.id}", part.interaction, key.parts[part.id], own)
        return
    if not _key_fits(interaction, key, rule):
        raise ItemError(f"{where}: the key does not fit its {interaction.kind} interaction")


def _sums(rule: ScoringRule, part: str) -> TypeGuard[SumOfParts]:
    return isinstance(rule, SumOfParts) and part in rule.parts


def _key_fits(interaction: Interaction, key: Key, rule: ScoringRule) -> bool:
    ids = set(ids_of(interaction))
    match interaction, key:
        case _, NoKey():
            return isinstance(rule, External | ResponseProcessing | MappedPoints)
        case SingleChoice() | InlineChoice(), ChoiceKey(options=right):
            return len(right) == 1 and set(right) <= ids
        case (
            (
                MultipleChoice(max_choices=most)
                | HotText(max_choices=most)
                | Hotspot(max_choices=most)
            ),
            ChoiceKey(options=right),
        ):
            return _distinct(right) and set(right) <= ids and (not most or len(right) <= most)
        case TrueFalseCluster(), ClusterKey(values=values):
            return set(values) == ids
        case NumericEntry() | Slider(), NumericKey(value=value):
            return value.is_finite()
        case TextEntry() | ExtendedText(), TextKey(accepted=accepted):
            return 1 <= len(accepted) <= MAX_PIECES and all(text.strip() for text in accepted)
        case Order() | GraphicOrder(), OrderKey(order=order):
            return _distinct(order) and set(order) == ids
        case _, PairsKey(pairs=pairs):
            return _distinct(pairs) and all(pair_fits(interaction, *pair) for pair in pairs)
        case SelectPoint(), PointsKey(points=points):
            return len(points) <= MAX_POINTS and all(
                abs(number) <= MAX_COORDINATE for point in points for number in point
            )
        case _:
            return False


def pair_fits(interaction: Interaction, first: str, second: str) -> bool:
    """Whether the interaction's pieces can make this pair."""
    match interaction:
        case Match(sources=sources, targets=targets):
            return _has(sources, first) and _has(targets, second)
        case Associate(options=options):
            return first != second and _has(options, first) and _has(options, second)
        case GapMatch(text=text, pieces=pieces):
            return _has(pieces, first) and second in content.part_ids(text)
        case GraphicGapMatch(areas=areas, pieces=pieces):
            return _has(pieces, first) and _has(areas, second)
        case _:
            return False


def _has(pieces: Iterable[Piece | Area], name: str) -> bool:
    return any(piece.id == name for piece in pieces)


def _distinct(values: Sequence[object]) -> bool:
    return len(set(values)) == len(values)


def check_scoring(where: str, interaction: Interaction, rule: ScoringRule, points: Decimal) -> None:
    """The rule can mark answers to the interaction, with `points` at most."""
    match interaction, rule:
        case Composite(parts=parts), SumOfParts():
            _check_sum(where, parts, rule.parts, points)
            fits = True
        case _, ResponseProcessing():
            program = _checked_program(where, interaction, rule)
            fits = _columns_fit(interaction, rule) and program is not None
        case Composite(), _:
            fits = isinstance(rule, AllOrNothing | External)
        case _, AllOrNothing():
            fits = not isinstance(interaction, SelectPoint | ExtendedText)
        case TrueFalseCluster(statements=statements), GradedCluster(table=table):
            fits = len(table) == len(statements) + 1 and table[-1] == points == max(table)
        case _, MappedChoice(worth=worth):
            choices = SingleChoice | MultipleChoice | InlineChoice | HotText | Hotspot
            fits = isinstance(interaction, choices) and set(worth) <= set(ids_of(interaction))
        case _, MappedPairs(worth=pairs):
            fits = all(pair_fits(interaction, *pair) for pair in pairs) and bool(pairs)
        case TextEntry(), MappedText(spellings=spellings):
            fits = 1 <= len(spellings) <= MAX_PIECES
        case SelectPoint(), MappedPoints(areas=areas):
            fits = 1 <= len(areas) <= MAX_PIECES
            for shape, _ in areas:
                check_shape(where, shape)
        case _, External():
            fits = True
        case _:
            fits = False
    if not fits:
        raise ItemError(f"{where}: the scoring rule {rule.name} does not fit it")


def _check_sum(
    where: str, parts: Sequence[Part], marks: Mapping[str, PartMarks], points: Decimal
) -> None:
    if set(marks) != {part.id for part in parts}:
        raise ItemError(f"{where}: every part needs its marks")
    for part in parts:
        own = marks[part.id]
        if not own.points.is_finite() or own.points < 0:
            raise ItemError(f"{where}, part {part.id}: points must not be negative")
        check_scoring(f"{where}, part {part.id}", part.interaction, own.rule, own.points)
    if sum(own.points for own in marks.values()) != points:
        raise ItemError(f"{where}: the parts' points do not add up to the item's")


def _columns_fit(interaction: Interaction, rule: ResponseProcessing) -> bool:
    if isinstance(interaction, TrueFalseCluster):
        return bool(rule.true and rule.false and rule.true != rule.false)
    return not (rule.true or rule.false)


def _checked_program(where: str, interaction: Interaction, rule: ResponseProcessing) -> Program:
    """Raises ItemError unless all of the program can be run and gives a SCORE for a response."""
    try:
        program = program_from(rule.program)
    except FileRefusedError as error:
        raise ItemError(f"{where}: {error}") from None
    if program.unsupported:
        raise ItemError(f"{where}: {program.unsupported[0]} is not supported")
    for name in _variables(where, interaction, rule):
        response = program.declarations.get(name)
        if response is None or response.kind != "response":
            raise ItemError(f"{where}: its processing declares no response {name!r}")
    score = program.declarations.get("SCORE")
    if score is None or score.kind != "outcome" or score.base_type not in ("integer", "float"):
        raise ItemError(f"{where}: its processing declares no number SCORE")
    return program


def _variables(where: str, interaction: Interaction, rule: ResponseProcessing) -> Sequence[str]:
    if not isinstance(interaction, Composite):
        return (rule.response,)
    if any(isinstance(part.interaction, TrueFalseCluster) for part in interaction.parts):
        raise ItemError(f"{where}: a cluster that an item's own processing marks is a match")
    return ids_of(interaction)
