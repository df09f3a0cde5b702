"""How wide pieces are in a line, by which options stand in one, two or four columns."""

from collections.abc import Iterable

from lxml import etree

from question_bank.interchange.word.model import (
    Formula,
    Grid,
    Picture,
    Piece,
    Place,
    Strip,
    Text,
)

# How many letters stand in a quarter and in half of a line.
QUARTER, HALF = 17, 40
PICTURE_WIDTH = 24


def columns_for(options: Iterable[Strip]) -> int:
    """How many of the options have room in one line."""
    widest = max(map(_width, options), default=0)
    return 4 if widest <= QUARTER else 2 if widest <= HALF else 1


def _width(strip: Strip) -> float:
    """About how many letters wide a strip is; more than a line where it has several."""
    if len(strip.lines()) > 1:
        return HALF + 1
    return sum(map(_wide, strip.pieces))


def _wide(piece: Piece) -> int:
    match piece:
        case Text(text=text):
            return len(text)
        case Formula(mathml=mathml):
            return len("".join(map(str, etree.fromstring(mathml).itertext()))) + 2
        case Picture():
            return PICTURE_WIDTH
        case Grid() | Place():
            return HALF + 1
