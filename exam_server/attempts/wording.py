"""A response as people read it: the letters and signs of the printed paper."""

from question_bank.content import plain_text, texts_of_parts
from question_bank.interactions import Area, GapMatch, HotText, pieces_of
from question_bank.package import (
    PresentedChoice,
    PresentedCluster,
    PresentedComposite,
    PresentedInteraction,
    PresentedItem,
    PresentedNumeric,
)
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

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def in_words(item: PresentedItem, response: Response, *, true: str, false: str) -> str:
    """ "B", "A, C", "a) Đ  b) S", the characters typed, or the words of what was chosen, ordered
    and paired; a composite's parts after each other. `true` and `false` are the signs to use.

    What does not belong to the item is shown as it came, in brackets.
    """
    return _said(item.interaction, response, true, false)


def _said(interaction: PresentedInteraction, response: Response, true: str, false: str) -> str:
    match interaction, response:
        case PresentedComposite(parts), CompositeResponse(given):
            known = {part.id: part.interaction for part in parts if part.id in given}
            said = [_said(one, given[name], true, false) for name, one in known.items()]
            return "; ".join([*said, *(f"[{name}]" for name in given if name not in known)])
        case PresentedChoice(options=options), ChoiceResponse(chosen):
            letters = {option.id: letter for option, letter in zip(options, LETTERS, strict=False)}
            return ", ".join(sorted(letters.get(one, f"[{one}]") for one in chosen))
        case PresentedCluster(statements), ClusterResponse(values):
            letters = {one.id: sign.lower() for one, sign in zip(statements, LETTERS, strict=False)}
            judged = sorted((letters.get(one, f"[{one}]"), value) for one, value in values.items())
            return "  ".join(f"{sign}) {true if value else false}" for sign, value in judged)
        case _, NumericResponse(text) | TextResponse(text) | SliderResponse(text):
            return text
        case _, PointsResponse(points=points):
            return ", ".join(f"({x}, {y})" for x, y in points)
        case _, ChoiceResponse(options=ids) | OrderResponse(options=ids):
            names = _names(interaction)
            join = " → " if isinstance(response, OrderResponse) else ", "
            return join.join(names.get(one, f"[{one}]") for one in ids)
        case _, PairsResponse(pairs=pairs):
            names = _names(interaction)
            said = [" – ".join(names.get(one, f"[{one}]") for one in pair) for pair in pairs]
            return ", ".join(said)
    return f"[{response.to_plain()}]"


def _names(interaction: PresentedInteraction) -> dict[str, str]:
    """The words of everything that can be chosen, ordered or paired; gaps by their place."""
    match interaction:
        case PresentedChoice() | PresentedCluster() | PresentedNumeric() | PresentedComposite():
            return {}
        case HotText(text=text):
            return dict(texts_of_parts(text))
        case _:
            pass
    names = {
        piece.id: (piece.label if isinstance(piece, Area) else plain_text(piece.content))
        for piece in pieces_of(interaction)
    }
    if isinstance(interaction, GapMatch):
        gaps = texts_of_parts(interaction.text)
        names |= {name: f"({place})" for place, (name, _) in enumerate(gaps, 1)}
    return {name: words or f"[{name}]" for name, words in names.items()}
