"""Whether a response is one that an interaction can be given."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from question_bank.interactions import (
    Area,
    Associate,
    Composite,
    ExtendedText,
    GapMatch,
    GraphicOrder,
    Hotspot,
    HotText,
    InlineChoice,
    Interaction,
    Match,
    MultipleChoice,
    NumericEntry,
    Order,
    Piece,
    SelectPoint,
    SingleChoice,
    Slider,
    TextEntry,
    TrueFalseCluster,
    ids_of,
    pieces_of,
)
from question_bank.key_fitting import pair_fits
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


def belongs(interaction: Interaction, response: Response) -> bool:
    """Whether the response names only what is there, no more often than is allowed."""
    match interaction, response:
        case Composite(parts=parts), CompositeResponse(parts=given):
            known = {part.id: part.interaction for part in parts}
            return all(name in known and belongs(known[name], one) for name, one in given.items())
        case TrueFalseCluster(), ClusterResponse(values=values):
            return set(values) <= set(ids_of(interaction))
        case NumericEntry(), NumericResponse():
            return True
        case TextEntry(max_length=most) | ExtendedText(max_length=most), TextResponse(text=text):
            return response.kind == interaction.kind and len(text) <= most
        case _, ChoiceResponse(options=chosen):
            return set(chosen) <= set(ids_of(interaction)) and _may_choose(interaction, response)
        case Order() | GraphicOrder(), OrderResponse(options=order):
            return response.kind == interaction.kind and set(order) <= set(ids_of(interaction))
        case _, PairsResponse():
            return response.kind == interaction.kind and _may_pair(interaction, response.pairs)
        case SelectPoint(max_points=limit), PointsResponse(points=points):
            return not limit or len(points) <= limit
        case Slider(), SliderResponse(text=text):
            return not text or _is_on(interaction, Decimal(text))
        case _:
            return False


def _may_choose(interaction: Interaction, response: ChoiceResponse) -> bool:
    match interaction:
        case SingleChoice() | InlineChoice():
            return len(response.options) <= 1
        case MultipleChoice(max_choices=most):
            return not most or len(response.options) <= most
        case HotText(max_choices=most) | Hotspot(max_choices=most):
            return response.kind == interaction.kind and (not most or len(response.options) <= most)
        case _:
            return False


def _may_pair(interaction: Interaction, pairs: tuple[tuple[str, str], ...]) -> bool:
    if not all(pair_fits(interaction, *pair) for pair in pairs):
        return False
    used = Counter(name for pair in pairs for name in pair)
    if any(most and used[name] > most for name, most in _limits(interaction)):
        return False
    match interaction:
        case Match(max_pairs=most) | Associate(max_pairs=most):
            return not most or len(pairs) <= most
        case _:
            return True


def _limits(interaction: Interaction) -> Iterable[tuple[str, int]]:
    for piece in pieces_of(interaction):
        if isinstance(piece, Piece | Area):
            yield piece.id, piece.most
    if isinstance(interaction, GapMatch):
        pieces = {piece.id for piece in interaction.pieces}
        yield from ((gap, 1) for gap in ids_of(interaction) if gap not in pieces)


def _is_on(slider: Slider, value: Decimal) -> bool:
    return slider.lower <= value <= slider.upper and (value - slider.lower) % slider.step == 0
