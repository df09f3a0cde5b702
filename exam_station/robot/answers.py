"""An answer to any interaction, as one might guess it."""

import random
from collections.abc import Sequence

from question_bank import content
from question_bank.interactions import (
    Area,
    Associate,
    ExtendedText,
    GapMatch,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    HotText,
    InlineChoice,
    Match,
    Order,
    Piece,
    SelectPoint,
    Slider,
    TextEntry,
)
from question_bank.package import (
    PresentedChoice,
    PresentedCluster,
    PresentedComposite,
    PresentedInteraction,
    PresentedNumeric,
)
from question_bank.presented import PresentedSimple
from question_bank.response import (
    ChoiceResponse,
    ClusterResponse,
    CompositeResponse,
    NumericResponse,
    OrderResponse,
    PairsResponse,
    PointsResponse,
    Response,
    SimpleResponse,
    SliderResponse,
    TextResponse,
)

DIGITS = "0123456789"
WORDS = ("một", "hai", "ba", "đúng", "sai")


def response_to(interaction: PresentedInteraction, chance: random.Random) -> Response:
    """A response that the interaction takes."""
    if isinstance(interaction, PresentedComposite):
        parts = {part.id: _simple(part.interaction, chance) for part in interaction.parts}
        return CompositeResponse(parts)
    return _simple(interaction, chance)


def _simple(interaction: PresentedSimple, chance: random.Random) -> SimpleResponse:
    match interaction:
        case PresentedChoice(kind="single", options=options):
            return ChoiceResponse((chance.choice(options).id,))
        case PresentedChoice(options=options, max_choices=most):
            chosen = tuple(one.id for one in options if chance.random() < 0.5)
            return ChoiceResponse(chosen[: most or None], "multiple")
        case PresentedCluster(statements):
            return ClusterResponse({one.id: chance.random() < 0.5 for one in statements})
        case PresentedNumeric(max_length=most, allowed=allowed):
            digits = [sign for sign in DIGITS if sign in allowed] or [*allowed]
            return NumericResponse("".join(chance.choices(digits, k=chance.randint(1, most))))
        case TextEntry(max_length=most):
            return TextResponse(chance.choice(WORDS)[:most])
        case ExtendedText(max_length=most):
            return TextResponse(" ".join(chance.choices(WORDS, k=12))[:most], "extended")
        case InlineChoice(options=options):
            return ChoiceResponse((chance.choice(options).id,), "inline_choice")
        case Order(options=options):
            return OrderResponse(tuple(o.id for o in chance.sample(options, len(options))))
        case GraphicOrder(areas=areas):
            ids = tuple(area.id for area in chance.sample(areas, len(areas)))
            return OrderResponse(ids, "graphic_order")
        case Match(sources=sources, targets=targets, max_pairs=most):
            return PairsResponse(_pairs(sources, targets, chance)[: most or None])
        case Associate(options=options):
            first, second = chance.sample(options, 2) if len(options) > 1 else (*options, *options)
            return PairsResponse(((first.id, second.id),), "associate")
        case GapMatch(text=text, pieces=pieces):
            gaps = [Piece(name, "") for name in content.part_ids(text)]
            return PairsResponse(_pairs(pieces, gaps, chance), "gap_match")
        case GraphicGapMatch(areas=areas, pieces=pieces):
            return PairsResponse(_pairs(pieces, areas, chance), "graphic_gap_match")
        case HotText(text=text):
            return ChoiceResponse((chance.choice(content.part_ids(text)),), "hot_text")
        case Hotspot(areas=areas):
            return ChoiceResponse((chance.choice(areas).id,), "hotspot")
        case SelectPoint(picture=picture):
            point = chance.randrange(picture.width), chance.randrange(picture.height)
            return PointsResponse((point,))
        case Slider(lower=lower, upper=upper, step=step):
            steps = chance.randint(0, int((upper - lower) / step))
            return SliderResponse(format(lower + steps * step, "f"))


def _pairs(
    sources: Sequence[Piece | Area], targets: Sequence[Piece | Area], chance: random.Random
) -> tuple[tuple[str, str], ...]:
    """Each source once, each target once, as far as they go."""
    shuffled = chance.sample(targets, len(targets))
    return tuple((a.id, b.id) for a, b in zip(sources, shuffled, strict=False))
