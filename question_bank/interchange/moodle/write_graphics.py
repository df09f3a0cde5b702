"""Kinds that are answered on a picture, as Moodle's types: pieces onto it, places in it."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from lxml import etree

from question_bank.interactions import GraphicGapMatch, Picture, Piece, SelectPoint, Shape
from question_bank.interchange.moodle.write_html import Texts, made
from question_bank.interchange.moodle.write_types import CannotError, Told, alike, pays_otherwise
from question_bank.interchange.pictures import pixels_of
from question_bank.item import Item
from question_bank.keys import MappedPoints, Pair

#: What is dragged to a place that is pointed at.
MARKER = "●"
_ONLY_IMAGE = re.compile(
    r'(?:<p>)?<img(?: alt="([^"]*)")?[^>]* src="media:([^"]+)"[^>]*/>(?:</p>)?'
)


def onto_picture(item: Item, shown: GraphicGapMatch, pairs: Sequence[Pair], texts: Texts) -> Told:
    """Pieces that are dragged onto a picture (ddimageortext), which says where places begin."""
    pieces = {area: piece for piece, area in pairs}
    if len(pairs) != len(shown.areas) or sorted(pieces) != sorted(a.id for a in shown.areas):
        raise CannotError("Moodle has one right piece for every area")
    if any(area.shape.name != "rect" for area in shown.areas):
        raise CannotError("Moodle drags pieces onto rectangles alone")
    if not {piece.most for piece in shown.pieces} <= {0, 1}:
        raise CannotError("Moodle's pieces can be used once, or as often as one likes")
    otherwise = pays_otherwise(item, pairs, texts)
    texts.warn("drop", "Moodle makes the areas of a picture as large as its pieces")
    numbers = {piece.id: str(place) for place, piece in enumerate(shown.pieces, 1)}
    drags = [_drag(piece, numbers[piece.id], texts) for piece in shown.pieces]
    drops = [
        made(
            "drop", made("text", area.label), made("no", str(place)),
            made("choice", numbers[pieces[area.id]]),
            made("xleft", str(area.shape.coords[0])), made("ytop", str(area.shape.coords[1])),
        )
        for place, area in enumerate(shown.areas, 1)
    ]  # fmt: skip
    shuffle = [made("shuffleanswers")] if shown.shuffle else [made("shuffleanswers", "0")]
    background = _background(item, shown.picture, texts)
    return Told("ddimageortext", [*shuffle, background, *drags, *drops], marked_otherwise=otherwise)


def _drag(piece: Piece, number: str, texts: Texts) -> etree._Element:
    drag = made("drag", made("no", number))
    image = _ONLY_IMAGE.fullmatch(piece.content)
    words = image[1] or "" if image else texts.plain("drag", piece.content)
    drag.append(made("text", words))
    drag.append(made("draggroup", "1"))
    if piece.most == 0:
        drag.append(made("infinite"))
    if image:
        drag.append(texts.file(image[2]))
    return drag


def _background(item: Item, picture: Picture, texts: Texts) -> etree._Element:
    media = {one.id: one for one in item.media}.get(picture.media)
    if media is None:
        raise CannotError("its picture is missing")
    if pixels_of(media) != (picture.width, picture.height):
        raise CannotError("its picture is shown larger or smaller than it is")
    if picture.alt:
        texts.warn("file", "Moodle has no words for the picture that is answered on")
    return texts.file(media.id)


def places(item: Item, shown: SelectPoint, texts: Texts) -> Told:
    """Places that are pointed at, as markers that are dragged there (ddmarker)."""
    rule = item.scoring
    if not isinstance(rule, MappedPoints) or rule.default or rule.lower not in (None, Decimal(0)):
        raise CannotError(f"Moodle cannot mark it by its own {rule.name}")
    worths = [worth for _, worth in rule.areas]
    each = item.points / len(worths)
    if not alike(worths, each, item.points) or shown.max_points != len(worths):
        raise CannotError("Moodle pays every place alike, and asks for all of them")
    marker = made(
        "drag", made("no", "1"), made("text", MARKER), made("noofdrags", str(len(worths)))
    )
    drops = [
        made(
            "drop", made("no", str(place)), made("shape", _SHAPES[shape.name]),
            made("coords", _coords(shape)), made("choice", "1"),
        )
        for place, (shape, _) in enumerate(rule.areas, 1)
        if _is_known(shape)
    ]  # fmt: skip
    return Told("ddmarker", [_background(item, shown.picture, texts), marker, *drops])


_SHAPES: Mapping[str, str] = {"circle": "circle", "rect": "rectangle", "poly": "polygon"}


def _is_known(shape: Shape) -> bool:
    if shape.name not in _SHAPES:
        raise CannotError(f"Moodle knows no {shape.name}")
    return True


def _coords(shape: Shape) -> str:
    """As Moodle writes a shape: `x,y;r`, `x,y;w,h`, `x,y;x,y;…`."""
    numbers = shape.coords
    if shape.name == "circle":
        return f"{numbers[0]},{numbers[1]};{numbers[2]}"
    if shape.name == "rect":
        left, top, right, bottom = numbers
        return f"{left},{top};{right - left},{bottom - top}"
    points = zip(numbers[::2], numbers[1::2], strict=True)
    return ";".join(f"{x},{y}" for x, y in points)
