"""The scoring rules, one policy each."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from question_bank.errors import ScoringError
from question_bank.interactions import Associate, Composite, Interaction, NumericEntry
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
    NumericKey,
    OrderKey,
    PairsKey,
    PartRule,
    ResponseProcessing,
    ScoringRule,
    SumOfParts,
    TextKey,
)
from question_bank.qti.operators.mappings import is_inside
from question_bank.qti.program import Shape as Region
from question_bank.response import (
    ChoiceResponse,
    ClusterResponse,
    CompositeResponse,
    NumericResponse,
    OrderResponse,
    PairsResponse,
    PointsResponse,
    Response,
    SliderResponse,
    TextResponse,
)
from question_bank.scoring.belonging import belongs
from question_bank.scoring.numbers import parse_number
from question_bank.scoring.own_processing import marks

SCORER_VERSION = "1"
ZERO = Decimal(0)
# Digits enough that no difference of two numbers within the caps is rounded.
EXACT = 200
_Mapped = MappedChoice | MappedPairs | MappedText | MappedPoints


@dataclass(frozen=True, slots=True)
class Score:
    """Marks earned and possible. `outcomes`: SCORE, MAXSCORE, and RIGHT, the number of statements
    judged rightly, for a cluster; all numbers that an item's own processing gives. `external`:
    how much of the maximum is for people to give, who have an answer to read; not in `raw`."""

    raw: Decimal
    maximum: Decimal
    outcomes: Mapping[str, Decimal]
    scorer_version: str = SCORER_VERSION
    external: Decimal = ZERO


def score(item: Item, response: Response | None, *, draw: str = "") -> Score:
    """The marks of `response` (bank option ids; None or empty: not answered) to `item`.

    `draw`: the seed that the form's template variables were drawn from. Raises ScoringError where
    the response is not one to this item.
    """
    if response is not None:
        check_belongs(item, response)
    outcomes: dict[str, Decimal] = {}
    rule = item.scoring
    if isinstance(rule, ResponseProcessing):
        outcomes |= marks(item, rule, response, draw)
        raw = min(outcomes["SCORE"], item.points)
    elif isinstance(rule, SumOfParts):
        raw = _sum(item, rule, response)
    else:
        raw = _earned(item.interaction, item.key, rule, item.points, response)
        if isinstance(rule, GradedCluster):
            outcomes["RIGHT"] = Decimal(_statements_right(item.key, response))
    outcomes |= {"SCORE": raw, "MAXSCORE": item.points}
    return Score(raw, item.points, outcomes, external=_external(rule, item.points, response))


def check_belongs(item: Item, response: Response) -> None:
    """Raises ScoringError where the response (bank option ids) is not one to this item."""
    if not belongs(item.interaction, response):
        raise ScoringError(f"item {item.id}: the response is not one to this {item.kind} item")


def _external(rule: ScoringRule, points: Decimal, response: Response | None) -> Decimal:
    if response is None or response.is_empty:
        return ZERO
    match rule:
        case External():
            return points
        case SumOfParts(parts=parts):
            given = response.parts if isinstance(response, CompositeResponse) else {}
            each = (_external(p.rule, p.points, given.get(name)) for name, p in parts.items())
            return sum(each, ZERO)
        case _:
            return ZERO


def _sum(item: Item, rule: SumOfParts, response: Response | None) -> Decimal:
    if not isinstance(item.interaction, Composite) or not isinstance(item.key, CompositeKey):
        return ZERO
    given = response.parts if isinstance(response, CompositeResponse) else {}
    total = ZERO
    for part in item.interaction.parts:
        own, key = rule.parts[part.id], item.key.parts[part.id]
        total += _earned(part.interaction, key, own.rule, own.points, given.get(part.id))
    return total


def _earned(
    interaction: Interaction, key: Key, rule: PartRule, points: Decimal, response: Response | None
) -> Decimal:
    match rule:
        case AllOrNothing():
            return points if _is_right(interaction, key, response) else ZERO
        case GradedCluster(table=table):
            return table[_statements_right(key, response)]
        case MappedChoice():
            return _mapped_choice(rule, response)
        case MappedPairs():
            return _mapped_pairs(rule, interaction, response)
        case MappedText():
            return _mapped_text(rule, response)
        case MappedPoints():
            return _mapped_points(rule, response)
        case External():
            return ZERO


def _is_right(interaction: Interaction, key: Key, response: Response | None) -> bool:
    if response is None or response.is_empty:
        return False
    match key, response:
        case ChoiceKey(options=right), ChoiceResponse(options=chosen):
            return set(chosen) == set(right)
        case ClusterKey(values=right_values), ClusterResponse(values=values):
            return dict(values) == dict(right_values)
        case NumericKey(value=value), NumericResponse(text=text):
            tolerance = interaction.tolerance if isinstance(interaction, NumericEntry) else ZERO
            return _is_close(parse_number(text), value, tolerance)
        case NumericKey(value=value), SliderResponse(text=text):
            return _is_close(Decimal(text), value, ZERO)
        case TextKey(accepted=accepted, case_sensitive=sensitive), TextResponse(text=text):
            return any(_agree(text, right, case_sensitive=sensitive) for right in accepted)
        case OrderKey(order=order), OrderResponse(options=options):
            return options == order
        case PairsKey(pairs=right_pairs), PairsResponse(pairs=pairs):
            return _canonical(interaction, pairs) == _canonical(interaction, right_pairs)
        case CompositeKey(parts=keys), CompositeResponse(parts=given):
            return isinstance(interaction, Composite) and all(
                _is_right(part.interaction, keys[part.id], given.get(part.id))
                for part in interaction.parts
            )
        case _:
            return False


def _is_close(number: Decimal | None, value: Decimal, tolerance: Decimal) -> bool:
    if number is None:
        return False
    with localcontext(prec=EXACT):
        return abs(number - value) <= tolerance


def _agree(text: str, right: str, *, case_sensitive: bool) -> bool:
    """Whether two texts are the same word: Unicode NFC, white space around and between words of
    no account, small and capital letters the same where case does not count."""
    ours, theirs = (" ".join(unicodedata.normalize("NFC", one).split()) for one in (text, right))
    return ours == theirs or (not case_sensitive and ours.casefold() == theirs.casefold())


def _canonical(interaction: Interaction, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Pairs as a set; the two of a pair without direction in one order."""
    if isinstance(interaction, Associate):
        return {(min(pair), max(pair)) for pair in pairs}
    return set(pairs)


def _statements_right(key: Key, response: Response | None) -> int:
    if not isinstance(key, ClusterKey) or not isinstance(response, ClusterResponse):
        return 0
    return sum(response.values.get(name) is truth for name, truth in key.values.items())


def _mapped_choice(rule: MappedChoice, response: Response | None) -> Decimal:
    chosen = response.options if isinstance(response, ChoiceResponse) else ()
    return _bounded(rule, (rule.worth.get(option, rule.default) for option in chosen))


def _mapped_pairs(
    rule: MappedPairs, interaction: Interaction, response: Response | None
) -> Decimal:
    if not isinstance(response, PairsResponse) or response.is_empty:
        return ZERO
    worth = {_canonical(interaction, (pair,)).pop(): each for pair, each in rule.worth.items()}
    made = _canonical(interaction, response.pairs)
    return _bounded(rule, (worth.get(pair, rule.default) for pair in made))


def _mapped_text(rule: MappedText, response: Response | None) -> Decimal:
    if not isinstance(response, TextResponse) or response.is_empty:
        return ZERO
    for spelling in rule.spellings:
        if _agree(response.text, spelling.text, case_sensitive=spelling.case_sensitive):
            return _bounded(rule, (spelling.worth,))
    return _bounded(rule, (rule.default,))


def _mapped_points(rule: MappedPoints, response: Response | None) -> Decimal:
    """Each area counts once; a point belongs to the first area it is in, and one in none has the
    default's worth."""
    if not isinstance(response, PointsResponse) or response.is_empty:
        return ZERO
    used: set[int] = set()
    worths = []
    for point in response.points:
        place = _area_at(rule, point)
        if place is None:
            worths.append(rule.default)
        elif place not in used:
            used.add(place)
            worths.append(rule.areas[place][1])
    return _bounded(rule, worths)


def _area_at(rule: MappedPoints, point: tuple[int, int]) -> int | None:
    for place, (shape, _) in enumerate(rule.areas):
        if is_inside(Region(shape.name, tuple(map(float, shape.coords))), point):
            return place
    return None


def _bounded(rule: _Mapped, worths: Iterable[Decimal]) -> Decimal:
    total = sum(worths, ZERO)
    if rule.lower is not None:
        total = max(total, rule.lower)
    return total if rule.upper is None else min(total, rule.upper)
