"""QTI interactions in texts and pictures → ours: gaps, hot words, areas, points."""

import copy
import re
from decimal import Decimal

from lxml import etree

from question_bank.interactions import (
    Area,
    GapMatch,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    HotText,
    SelectPoint,
    Shape,
)
from question_bank.interchange.markup import (
    attribute,
    children,
    name_of,
)
from question_bank.interchange.qti3_body import mark_place, remove
from question_bank.interchange.qti3_scoring import UnrecognisedError
from question_bank.interchange.qti3_source import (
    Read,
    Source,
    choice_key,
    order_key,
    pairs_key,
    pieces_in,
    whole_number,
)
from question_bank.keys import PointsKey

_WHOLE = re.compile(r"\s*-?\d{1,5}(?:\.0+)?\s*", re.ASCII)


def gap_match(source: Source) -> Read:
    """Pieces and a text with gaps."""
    pieces = pieces_in(source, source.element, "qti-gap-text", "qti-gap-img")
    text = copy.deepcopy(source.element)
    for node in list(children(text, "qti-prompt", "qti-gap-text", "qti-gap-img")):
        remove(node)
    for gap in [node for node in text.iter() if name_of(node) == "qti-gap"]:
        mark_place(gap, attribute(gap, "identifier"))
    fragment = source.content.fragment(text)
    return GapMatch(fragment, pieces, source.shuffle), pairs_key(source), "", ""


def hot_text(source: Source) -> Read:
    """A text with words to choose."""
    text = copy.deepcopy(source.element)
    for prompt in list(children(text, "qti-prompt")):
        remove(prompt)
    words = []
    for word in [node for node in text.iter() if name_of(node) == "qti-hottext"]:
        words.append(attribute(word, "identifier"))
        mark_place(word, words[-1])
    key = choice_key(source.correct(), words)
    most = source.whole("max-choices", 1)
    return HotText(source.content.fragment(text), most), key, "", ""


def hotspot(source: Source) -> Read:
    """Areas to choose."""
    areas = _areas(source, "qti-hotspot-choice")
    key = choice_key(source.correct(), [area.id for area in areas])
    picture = source.content.picture(source.element)
    return Hotspot(picture, areas, source.whole("max-choices", 1)), key, "", ""


def graphic_order(source: Source) -> Read:
    """Areas to order."""
    areas = _areas(source, "qti-hotspot-choice")
    picture = source.content.picture(source.element)
    return GraphicOrder(picture, areas), order_key(source), "", ""


def graphic_gap_match(source: Source) -> Read:
    """Pieces for areas."""
    pieces = pieces_in(source, source.element, "qti-gap-text", "qti-gap-img")
    areas = _areas(source, "qti-associable-hotspot")
    picture = source.content.picture(source.element)
    return GraphicGapMatch(picture, areas, pieces, source.shuffle), pairs_key(source), "", ""


def _areas(source: Source, name: str) -> tuple[Area, ...]:
    return tuple(
        Area(
            attribute(area, "identifier"),
            shape_of(area),
            attribute(area, "hotspot-label"),
            whole_number(area, "match-max", 1),
        )
        for area in children(source.element, name)
    )


def shape_of(element: etree._Element) -> Shape:
    """The region of `shape` and `coords`; raises UnrecognisedError for others than whole pixels."""
    words = attribute(element, "coords").replace(",", " ").split()
    if not all(_WHOLE.fullmatch(word) for word in words) or not words:
        raise UnrecognisedError(element, "coords that are no whole pixels are not supported")
    coords = tuple(int(Decimal(word)) for word in words)
    match attribute(element, "shape"):
        case ("circle" | "rect" | "ellipse" | "poly") as name:
            return Shape(name, coords)
        case name:
            raise UnrecognisedError(element, f"the shape {name[:20]!r} is not supported")


def select_point(source: Source) -> Read:
    """Points of a picture."""
    picture = source.content.picture(source.element)
    points = []
    for value in source.correct():
        words = value.split()
        if len(words) != 2 or not all(_WHOLE.fullmatch(word) for word in words):
            raise UnrecognisedError(source.declaration, f"{value[:30]!r} is no point")
        points.append((int(Decimal(words[0])), int(Decimal(words[1]))))
    key = PointsKey(tuple(points)) if points else None
    return SelectPoint(picture, source.whole("max-choices", 1)), key, "", ""
