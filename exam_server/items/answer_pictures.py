"""How the kinds that are answered on a picture are edited: areas as shapes and coordinates."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from exam_server.items.answer_fields import (
    MOST_ROWS,
    OPTIONS,
    SPARE,
    Answer,
    Form,
    Group,
    Input,
    Label,
    Legend,
    Row,
    Shown,
    piece,
)
from exam_server.items.answer_kinds import choice_rule, in_order
from exam_server.items.answer_pairs import goes_to, read_pairs, used_enough, with_pairs
from exam_server.items.typed import number_text
from question_bank.errors import ItemError
from question_bank.fitting import check_shape
from question_bank.interactions import (
    MAX_LABEL,
    MAX_PIECES,
    MAX_POINTS,
    Area,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    Picture,
    SelectPoint,
    Shape,
    ShapeName,
)
from question_bank.keys import ChoiceKey, MappedPoints, OrderKey, PointsKey

SHAPES: tuple[ShapeName, ...] = get_args(ShapeName)
_NUMBERS = re.compile(r"-?\d{1,5}")
More = Callable[[int], tuple[Input, ...]]


def area_labels(areas: Sequence[Area]) -> dict[str, str]:
    """The numbers by id under which areas stand beside their picture."""
    return {area.id: str(row + 1) for row, area in enumerate(areas)}


def _area_values(shapes: Sequence[Shape], prefix: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for row, shape in enumerate(shapes):
        values[f"{prefix}shape_{row}"] = shape.name
        values[f"{prefix}coords_{row}"] = ", ".join(map(str, shape.coords))
    return values


def _names(areas: Sequence[Area], prefix: str) -> dict[str, str]:
    return {f"{prefix}name_{row}": area.label for row, area in enumerate(areas)}


def _area_rows(count: int, prefix: str, more: More, *, named: bool = True) -> tuple[Row, ...]:
    rows = []
    for row in range(min(count + SPARE, MOST_ROWS)):
        shape = Input(f"{prefix}shape_{row}", Label.SHAPE, "pick", choices=SHAPES, family="shape")
        coords = Input(f"{prefix}coords_{row}", Label.COORDS)
        name = (Input(f"{prefix}name_{row}", Label.NAME),) if named else ()
        rows.append(Row(str(row + 1), (shape, coords, *name, *more(row))))
    return tuple(rows)


def _shapes(count: int, form: Form) -> dict[int, Shape]:
    """The shapes that the rows hold, by row."""
    found: dict[int, Shape] = {}
    for row in range(min(count + SPARE, MOST_ROWS)):
        text = form.text(f"coords_{row}")
        if not text:
            continue
        words = text.replace(",", " ").replace(";", " ").split()
        name: ShapeName = next((one for one in SHAPES if one == form.text(f"shape_{row}")), "rect")
        if not all(_NUMBERS.fullmatch(word) for word in words):
            form.wrong(f"coords_{row}", "coords")
            continue
        shape = Shape(name, tuple(int(word) for word in words))
        try:
            check_shape("x", shape)
        except ItemError:
            form.wrong(f"coords_{row}", "coords")
        else:
            found[row] = shape
    if not found:
        form.wrong("areas", "no_area")
    return found


def _areas(areas: Sequence[Area], form: Form) -> dict[int, Area]:
    ids = {area.id for area in areas}
    unused = (f"v{number}" for number in range(1, 500) if f"v{number}" not in ids)
    kept: dict[int, Area] = {}
    for row, shape in _shapes(len(areas), form).items():
        label = form.text(f"name_{row}")[:MAX_LABEL]
        known = areas[row] if row < len(areas) else None
        kept[row] = (
            replace(known, shape=shape, label=label) if known else Area(next(unused), shape, label)
        )
    return kept


def _alt(picture: Picture, prefix: str) -> tuple[Row, dict[str, str]]:
    return Row("", (Input(f"{prefix}alt", Label.ALT),)), {f"{prefix}alt": picture.alt}


def _picture(picture: Picture, form: Form) -> Picture:
    return replace(picture, alt=form.text("alt")[:MAX_LABEL])


def _nothing(_row: int) -> tuple[Input, ...]:
    return ()


class Spots:
    """Areas, of which some are right."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        asked = answer.interaction
        if not isinstance(asked, Hotspot):
            return Shown((), {})
        right = answer.key.options if isinstance(answer.key, ChoiceKey) else ()
        alt, values = _alt(asked.picture, prefix)
        values |= _area_values([area.shape for area in asked.areas], prefix)
        values |= _names(asked.areas, prefix) | {f"{prefix}max_choices": str(asked.max_choices)}
        values |= {
            f"{prefix}right_{row}": "true" for row, one in enumerate(asked.areas) if one.id in right
        }
        rows = _area_rows(
            len(asked.areas),
            prefix,
            lambda row: (Input(f"{prefix}right_{row}", Label.RIGHT, "tick"),),
        )
        limit = Row("", (Input(f"{prefix}max_choices", Label.MAX_CHOICES),))
        return Shown((Group(Legend.AREAS, f"{prefix}areas", (alt, *rows, limit)),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, Hotspot):
            return answer
        kept = _areas(asked.areas, form)
        key = ChoiceKey(tuple(one.id for row, one in kept.items() if form.ticked(f"right_{row}")))
        if not key.options:
            form.wrong("areas", "one_right")
        made = Hotspot(
            _picture(asked.picture, form),
            tuple(kept.values()),
            form.whole("max_choices", 0, MAX_PIECES),
        )
        rule = choice_rule(answer, key, form, told="areas")
        return replace(answer, interaction=made, key=key, scoring=rule)


class SpotsInOrder:
    """Areas, and the place of each in the right order."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        asked = answer.interaction
        if not isinstance(asked, GraphicOrder):
            return Shown((), {})
        order = answer.key.order if isinstance(answer.key, OrderKey) else ()
        alt, values = _alt(asked.picture, prefix)
        values |= _area_values([area.shape for area in asked.areas], prefix)
        values |= _names(asked.areas, prefix)
        for row, one in enumerate(asked.areas):
            values[f"{prefix}place_{row}"] = str(order.index(one.id) + 1) if one.id in order else ""
        rows = _area_rows(
            len(asked.areas), prefix, lambda row: (Input(f"{prefix}place_{row}", Label.PLACE),)
        )
        return Shown((Group(Legend.AREAS_IN_ORDER, f"{prefix}areas", (alt, *rows)),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, GraphicOrder):
            return answer
        kept = _areas(asked.areas, form)
        key = OrderKey(in_order({row: one.id for row, one in kept.items()}, form, "areas"))
        made = GraphicOrder(_picture(asked.picture, form), tuple(kept.values()))
        return replace(answer, interaction=made, key=key)


class PiecesOnSpots:
    """Pieces, and the areas where each goes."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        asked = answer.interaction
        if not isinstance(asked, GraphicGapMatch):
            return Shown((), {})
        labels = area_labels(asked.areas)
        alt, values = _alt(asked.picture, prefix)
        values |= _area_values([area.shape for area in asked.areas], prefix)
        values |= _names(asked.areas, prefix) | OPTIONS.values(asked.pieces, prefix)
        for row, one in enumerate(asked.pieces):
            values[f"{prefix}with_{row}"] = goes_to(answer, one.id, labels)
        areas = _area_rows(len(asked.areas), prefix, _nothing)
        pieces = OPTIONS.rows(
            asked.pieces, prefix, lambda row: (Input(f"{prefix}with_{row}", Label.GOES_TO),)
        )
        return Shown(
            (
                Group(Legend.AREAS, f"{prefix}areas", (alt, *areas)),
                Group(Legend.PIECES_FOR_AREAS, f"{prefix}options", pieces),
            ),
            values,
        )

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, GraphicGapMatch):
            return answer
        areas = _areas(asked.areas, form)
        pieces = OPTIONS.read(asked.pieces, form, piece)
        labels: Mapping[str, str] = {str(row + 1): area.id for row, area in areas.items()}
        pairs = read_pairs(pieces, labels, form)
        ends = [second for _, second in pairs]
        held = tuple(
            replace(area, most=max(area.most, ends.count(area.id))) if area.most else area
            for area in areas.values()
        )
        made = replace(
            asked,
            picture=_picture(asked.picture, form),
            areas=held,
            pieces=used_enough(tuple(pieces.values()), [first for first, _ in pairs]),
        )
        return with_pairs(answer, made, pairs, form)


class Points:
    """Places of a picture that are worth something."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        asked, rule = answer.interaction, answer.scoring
        if not isinstance(asked, SelectPoint) or not isinstance(rule, MappedPoints):
            return Shown((), {})
        alt, values = _alt(asked.picture, prefix)
        values |= _area_values([shape for shape, _ in rule.areas], prefix)
        values |= {
            f"{prefix}worth_{row}": number_text(worth) for row, (_, worth) in enumerate(rule.areas)
        }
        values[f"{prefix}max_points"] = str(asked.max_points)
        rows = _area_rows(
            len(rule.areas), prefix, lambda row: (Input(f"{prefix}worth_{row}", Label.WORTH),),
            named=False,
        )  # fmt: skip
        limit = Row("", (Input(f"{prefix}max_points", Label.MAX_POINTS),))
        return Shown((Group(Legend.AREAS_OF_WORTH, f"{prefix}areas", (alt, *rows, limit)),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        asked, rule = answer.interaction, answer.scoring
        if not isinstance(asked, SelectPoint) or not isinstance(rule, MappedPoints):
            return answer
        areas = tuple(
            (shape, form.decimal(f"worth_{row}"))
            for row, shape in _shapes(len(rule.areas), form).items()
        )
        most = form.whole("max_points", 0, MAX_POINTS)
        made = SelectPoint(_picture(asked.picture, form), most)
        key = answer.key
        if areas != rule.areas:
            key = PointsKey(tuple(_middle(shape) for shape, worth in areas if worth > 0))
        return replace(answer, interaction=made, key=key, scoring=replace(rule, areas=areas))


def _middle(shape: Shape) -> tuple[int, int]:
    """A point within the area, as near to its middle as whole pixels go (of a polygon, the mean of
    its corners)."""
    across, down = shape.coords[0::2], shape.coords[1::2]
    if shape.name in ("circle", "ellipse"):
        return shape.coords[0], shape.coords[1]
    return round(sum(across) / len(across)), round(sum(down) / len(down))
