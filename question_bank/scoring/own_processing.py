"""Marks of items that say themselves what a response is worth: their QTI processing.

Inside, numbers are what QTI says (doubles); where SCORE becomes a mark it is rounded to six
decimal places, half away from zero. A SCORE that is NULL or infinite is no mark: 0.
"""

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from question_bank.interactions import Composite
from question_bank.item import Item, ResponseProcessing
from question_bank.qti.processing import processed
from question_bank.qti.reading import program_from
from question_bank.qti.values import NUMERIC, Single, Value
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

PLACES = Decimal("0.000001")
# Beyond any paper's marks; a processing that gives more is at fault.
MAX_MARK = 10**6


def marks(
    item: Item, rule: ResponseProcessing, response: Response | None, draw: str = ""
) -> Mapping[str, Decimal]:
    """The numeric outcomes, as decimals, SCORE among them; raises ScoringError where the
    processing exceeds a bound. Random numbers follow `draw`, else the item's id and version."""
    seed = (draw or f"{item.id}/{item.version}").encode()
    if isinstance(item.interaction, Composite):
        given = response.parts if isinstance(response, CompositeResponse) else {}
        names = [part.id for part in item.interaction.parts]
        raw = {name: _raw(rule, given.get(name)) for name in names}
    else:
        raw = {rule.response: _raw(rule, response)}
    result = processed(program_from(rule.program), raw, seed=seed)
    outcomes = {name: _decimal(value) for name, value in result.outcomes.items()}
    numeric = {name: value for name, value in outcomes.items() if value is not None}
    return {"SCORE": Decimal(0)} | numeric


def _raw(rule: ResponseProcessing, response: Response | None) -> object:
    match response:
        case ChoiceResponse(options=options) | OrderResponse(options=options):
            return list(options)
        case ClusterResponse(values=values):
            return [f"{name} {rule.true if said else rule.false}" for name, said in values.items()]
        case PairsResponse(pairs=pairs):
            return [" ".join(pair) for pair in pairs]
        case PointsResponse(points=points):
            return [f"{x} {y}" for x, y in points]
        case NumericResponse(text=text) | TextResponse(text=text) | SliderResponse(text=text):
            return text
        case _:
            return None


def _decimal(value: Value | None) -> Decimal | None:
    if not isinstance(value, Single) or value.base_type not in NUMERIC:
        return None
    data = value.data
    if not isinstance(data, int | float) or not math.isfinite(data) or abs(data) > MAX_MARK:
        return None
    return Decimal(repr(data)).quantize(PLACES, rounding=ROUND_HALF_UP).normalize() + 0
