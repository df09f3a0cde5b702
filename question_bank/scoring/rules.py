"""The scoring rules, one policy each."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from question_bank.errors import ScoringError
from question_bank.item import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    Item,
    MappedChoice,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    SingleChoice,
    TrueFalseCluster,
    options_of,
)
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse, Response
from question_bank.scoring.numbers import parse_number

SCORER_VERSION = "1"
ZERO = Decimal(0)
# Digits enough that no difference of two numbers within the caps is rounded.
EXACT = 200


@dataclass(frozen=True, slots=True)
class Score:
    """Marks earned and possible. `outcomes`: SCORE, MAXSCORE, and RIGHT, the number of statements
    judged rightly, for a cluster."""

    raw: Decimal
    maximum: Decimal
    outcomes: Mapping[str, Decimal]
    scorer_version: str = SCORER_VERSION


def score(item: Item, response: Response | None) -> Score:
    """The marks of `response` (bank option ids; None or empty: not answered) to `item`.

    Raises ScoringError where the response is not one to this item.
    """
    _check_belongs(item, response)
    outcomes: dict[str, Decimal] = {}
    match item.scoring:
        case AllOrNothing():
            raw = item.points if _is_right(item, response) else ZERO
        case GradedCluster(table=table):
            right = _statements_right(item, response)
            outcomes["RIGHT"] = Decimal(right)
            raw = table[right]
        case MappedChoice():
            raw = _mapped(item.scoring, response)
    outcomes |= {"SCORE": raw, "MAXSCORE": item.points}
    return Score(raw, item.points, outcomes)


def _check_belongs(item: Item, response: Response | None) -> None:
    ids = {option.id for option in options_of(item.interaction)}
    match item.interaction, response:
        case _, None:
            belongs = True
        case SingleChoice(), ChoiceResponse(options=chosen):
            belongs = set(chosen) <= ids and len(chosen) <= 1
        case MultipleChoice(), ChoiceResponse(options=chosen):
            belongs = set(chosen) <= ids
        case TrueFalseCluster(), ClusterResponse(values=values):
            belongs = set(values) <= ids
        case NumericEntry(), NumericResponse():
            belongs = True
        case _:
            belongs = False
    if not belongs:
        raise ScoringError(f"item {item.id}: the response is not one to this {item.kind} item")


def _is_right(item: Item, response: Response | None) -> bool:
    if response is None or response.is_empty:
        return False
    match item.interaction, item.key, response:
        case _, ChoiceKey(options=right), ChoiceResponse(options=chosen):
            return set(chosen) == set(right)
        case _, ClusterKey(values=right_values), ClusterResponse(values=values):
            return dict(values) == dict(right_values)
        case NumericEntry(tolerance=tolerance), NumericKey(value=value), NumericResponse():
            return _is_close(parse_number(response.text), value, tolerance)
        case _:
            return False


def _is_close(number: Decimal | None, value: Decimal, tolerance: Decimal) -> bool:
    if number is None:
        return False
    with localcontext(prec=EXACT):
        return abs(number - value) <= tolerance


def _statements_right(item: Item, response: Response | None) -> int:
    if not isinstance(item.key, ClusterKey) or not isinstance(response, ClusterResponse):
        return 0
    return sum(response.values.get(name) is truth for name, truth in item.key.values.items())


def _mapped(rule: MappedChoice, response: Response | None) -> Decimal:
    chosen = response.options if isinstance(response, ChoiceResponse) else ()
    total = sum((rule.worth.get(option, rule.default) for option in chosen), ZERO)
    if rule.lower is not None:
        total = max(total, rule.lower)
    if rule.upper is not None:
        total = min(total, rule.upper)
    return total
