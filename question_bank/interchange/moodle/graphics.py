"""Questions that are answered on a picture: pieces dragged onto it, places pointed at."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from question_bank.content import media_ids, plain_text
from question_bank.interactions import (
    MAX_LABEL,
    Area,
    Composite,
    GraphicGapMatch,
    Part,
    Picture,
    Piece,
    SelectPoint,
    Shape,
)
from question_bank.interchange.moodle.html import part
from question_bank.interchange.moodle.pairing import mapped, replace_stem
from question_bank.interchange.moodle.questions import Question, UnsupportedError, shares
from question_bank.interchange.pictures import pixels_of
from question_bank.interchange.problems import ProblemLog
from question_bank.item import Item, Media
from question_bank.keys import (
    CompositeKey,
    MappedPoints,
    PairsKey,
    PartMarks,
    PointsKey,
    SumOfParts,
)

# What Moodle draws for a word that is dragged, about.
_LETTER_WIDTH, _LINE_HEIGHT, _PADDING = 8, 24, 12
_NUMBERS = re.compile(r"-?\d{1,5}(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Drag:
    """A piece: its number in the file, its content, its group, how often it may be used (0: as
    often as one likes)."""

    number: str
    content: str
    group: str = "1"
    most: int = 1


@dataclass(frozen=True, slots=True)
class Drop:
    """A place: the number of the piece that is right there, its shape, its label."""

    choice: str
    shape: Shape
    label: str = ""


def shape_of(name: str, coords: str) -> Shape:
    """A shape as Moodle writes it: `x,y;r`, `x,y;w,h`, `x,y;x,y;…`; raises UnsupportedError."""
    numbers = [round(float(number)) for number in _NUMBERS.findall(coords)]
    match name, numbers:
        case "circle", [x, y, radius]:
            return Shape("circle", (x, y, radius))
        case "rectangle", [x, y, width, height]:
            return Shape("rect", (x, y, x + width, y + height))
        case (("polygon" | "poly"), [*points]) if len(points) >= 6 and len(points) % 2 == 0:
            return Shape("poly", tuple(points))
        case _:
            raise UnsupportedError(f"the place {name[:20]} {coords[:40]!r} is no shape")


def zone_at(x: int, y: int, drags: Sequence[Drag], media: Mapping[str, Media]) -> Shape:
    """The place that begins at x, y: as large as the largest piece of its group."""
    sizes = [_size(drag, media) for drag in drags] or [(_PADDING, _LINE_HEIGHT)]
    width, height = (max(size[axis] for size in sizes) for axis in (0, 1))
    return Shape("rect", (x, y, x + width, y + height))


def _size(drag: Drag, media: Mapping[str, Media]) -> tuple[int, int]:
    shown = [pixels_of(media[name]) for name in media_ids(drag.content) if name in media]
    if shown:
        return max(width for width, _ in shown), max(height for _, height in shown)
    return _LETTER_WIDTH * len(plain_text(drag.content)) + _PADDING, _LINE_HEIGHT


def background(media: Media | None) -> Picture:
    """The picture that is answered on; raises UnsupportedError where there is none."""
    if media is None:
        raise UnsupportedError("it has no picture to answer on")
    width, height = pixels_of(media)
    if not width or not height:
        raise UnsupportedError("its picture does not say how large it is")
    return Picture(media.id, width, height)


def dragged_onto(
    question: Question,
    picture: Picture,
    drags: Sequence[Drag],
    drops: Sequence[Drop],
    *,
    shuffle: bool,
) -> Item:
    """Pieces onto a picture; every place that has its piece is worth the same."""
    _check(drags, drops)
    used = Counter(drop.choice for drop in drops)
    pieces = tuple(
        Piece(f"p{drag.number}", drag.content, most=drag.most and max(drag.most, used[drag.number]))
        for drag in drags
    )
    areas = tuple(
        Area(f"a{n}", drop.shape, drop.label[:MAX_LABEL]) for n, drop in enumerate(drops, 1)
    )
    right = [(f"p{drop.choice}", area.id) for drop, area in zip(drops, areas, strict=True)]
    interaction = GraphicGapMatch(picture, areas, pieces, shuffle)
    return question.item(interaction, PairsKey(tuple(right)), mapped(right, question.points))


def pointed_at(
    question: Question,
    picture: Picture,
    drags: Sequence[Drag],
    drops: Sequence[Drop],
    log: ProblemLog,
) -> Item:
    """Places of a picture that one points at; with several markers, a part for each of them."""
    _check(drags, drops)
    wanted = [drag for drag in drags if any(drop.choice == drag.number for drop in drops)]
    for drag in drags:
        if drag not in wanted:
            words = plain_text(drag.content)[:40]
            log.warning(question.line, "drag", f"{words!r} belongs nowhere and was left out")
    worths = shares(question.points, len(drops))
    parts, keys, marks = [], {}, {}
    for place, drag in enumerate(wanted, 1):
        own = [(d.shape, w) for d, w in zip(drops, worths, strict=True) if d.choice == drag.number]
        rule = MappedPoints(tuple(own), lower=Decimal(0))
        interaction = SelectPoint(picture, len(own))
        key = PointsKey(tuple(_middle(shape) for shape, _ in own))
        if len(wanted) == 1:
            named = any(map(str.isalnum, plain_text(drag.content)))
            stem = f"{question.stem}<p>{drag.content}</p>" if named else question.stem
            return replace_stem(question, stem).item(interaction, key, rule)
        parts.append(Part(f"p{place}", interaction))
        keys[f"p{place}"] = key
        marks[f"p{place}"] = PartMarks(rule, sum((worth for _, worth in own), Decimal(0)))
    places = (
        f"<p>{drag.content}</p>{part(one.id, block=True)}"
        for drag, one in zip(wanted, parts, strict=True)
    )
    composed = replace_stem(question, question.stem + "".join(places))
    return composed.item(Composite(tuple(parts)), CompositeKey(keys), SumOfParts(marks))


def _check(drags: Sequence[Drag], drops: Sequence[Drop]) -> None:
    numbers = {drag.number for drag in drags}
    if not drops or not {drop.choice for drop in drops} <= numbers:
        raise UnsupportedError("it has no places, or one for a piece that is not there")


def _middle(shape: Shape) -> tuple[int, int]:
    """A point inside, for those who look at the key."""
    if shape.name == "rect":
        left, top, right, bottom = shape.coords
        return (left + right) // 2, (top + bottom) // 2
    if shape.name == "poly":
        across, down = shape.coords[::2], shape.coords[1::2]
        return sum(across) // len(across), sum(down) // len(down)
    return shape.coords[0], shape.coords[1]
