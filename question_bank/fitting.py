"""What an interaction must be to be shown at all, and what a stem must hold for it.

Every function raises ItemError with one line that begins with `where`, the item or its part.
"""

from collections.abc import Iterable

from question_bank import content, plain
from question_bank.errors import ContentError, ItemError, MalformedError
from question_bank.interactions import (
    MAX_COORDINATE,
    MAX_COORDS,
    MAX_ESSAY,
    MAX_GAP_TEXT,
    MAX_LABEL,
    MAX_LINES,
    MAX_NUMERIC_TEXT,
    MAX_OPTIONS,
    MAX_PAIRS,
    MAX_PARTS,
    MAX_PIECES,
    MAX_POINTS,
    MAX_WORD,
    Area,
    Associate,
    Composite,
    ExtendedText,
    GapMatch,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    HotText,
    Interaction,
    Match,
    MultipleChoice,
    NumericEntry,
    Piece,
    SelectPoint,
    Shape,
    Slider,
    TextEntry,
    ids_of,
    options_of,
    picture_of,
    pieces_of,
)

_COORDS = {"circle": 3, "rect": 4, "ellipse": 4}


def check_interaction(where: str, interaction: Interaction) -> None:
    """Ids, sizes and limits within the interaction."""
    if isinstance(interaction, Composite):
        _check_parts(where, interaction)
        return
    _check_ids(where, interaction)
    match interaction:
        case NumericEntry():
            _check_entry(where, interaction)
        case TextEntry(max_length=length):
            _within(where, "characters", length, 1, MAX_GAP_TEXT)
        case ExtendedText(max_length=length, lines=lines):
            _within(where, "characters", length, 1, MAX_ESSAY)
            _within(where, "lines", lines, 1, MAX_LINES)
        case Match(max_pairs=most) | Associate(max_pairs=most):
            _within(where, "pairs", most, 0, MAX_PAIRS)
        case (
            MultipleChoice(max_choices=most) | HotText(max_choices=most) | Hotspot(max_choices=most)
        ):
            _within(where, "choices", most, 0, MAX_PIECES)
        case SelectPoint(max_points=most):
            _within(where, "points", most, 0, MAX_POINTS)
        case Slider():
            _check_slider(where, interaction)
        case _:
            pass
    _check_picture(where, interaction)


def _check_ids(where: str, interaction: Interaction) -> None:
    try:
        ids = ids_of(interaction)
        for name in ids:
            plain.identifier(name, f"{where}, option")
    except (MalformedError, ContentError) as error:
        raise ItemError(
            f"{where}: {error}" if isinstance(error, ContentError) else str(error)
        ) from None
    if len(set(ids)) != len(ids):
        raise ItemError(f"{where}: two options have the same id")
    for group, most in _groups(interaction):
        if not 1 <= group <= most:
            raise ItemError(f"{where}: 1 to {most} options are possible")
    for piece in pieces_of(interaction):
        if isinstance(piece, Piece | Area):
            _within(where, "uses of an option", piece.most, 0, MAX_PIECES)


def _groups(interaction: Interaction) -> Iterable[tuple[int, int]]:
    """How many options there are in each group that must not be empty, and how many at most."""
    match interaction:
        case Match(sources=sources, targets=targets):
            return ((len(sources), MAX_PIECES), (len(targets), MAX_PIECES))
        case GapMatch(text=text, pieces=pieces):
            return ((len(pieces), MAX_PIECES), (len(content.part_ids(text)), MAX_PIECES))
        case HotText(text=text):
            return ((len(content.part_ids(text)), MAX_PIECES),)
        case GraphicGapMatch(areas=areas, pieces=pieces):
            return ((len(areas), MAX_PIECES), (len(pieces), MAX_PIECES))
        case Associate() | Hotspot() | GraphicOrder():
            return ((len(pieces_of(interaction)), MAX_PIECES),)
        case NumericEntry() | TextEntry() | ExtendedText() | SelectPoint() | Slider():
            return ()
        case _:
            return ((len(options_of(interaction)), MAX_OPTIONS),)


def _check_parts(where: str, composite: Composite) -> None:
    _within(where, "parts", len(composite.parts), 1, MAX_PARTS)
    if len({part.id for part in composite.parts}) != len(composite.parts):
        raise ItemError(f"{where}: two parts have the same id")
    for part in composite.parts:
        try:
            plain.identifier(part.id, f"{where}, part")
        except MalformedError as error:
            raise ItemError(str(error)) from None
        check_interaction(f"{where}, part {part.id}", part.interaction)


def _check_entry(where: str, entry: NumericEntry) -> None:
    _within(where, "characters", entry.max_length, 1, MAX_NUMERIC_TEXT)
    if not 1 <= len(entry.allowed) <= MAX_WORD or len(entry.unit) > MAX_WORD:
        raise ItemError(f"{where}: its characters or its unit are missing or too many")
    if not entry.tolerance.is_finite() or entry.tolerance < 0:
        raise ItemError(f"{where}: the tolerance must not be negative")


def _check_slider(where: str, slider: Slider) -> None:
    numbers = (slider.lower, slider.upper, slider.step)
    if not all(number.is_finite() and abs(number.adjusted()) < 10 for number in numbers):
        raise ItemError(f"{where}: the slider's numbers are out of range")
    if slider.step <= 0 or slider.upper <= slider.lower:
        raise ItemError(f"{where}: a slider runs upwards in steps greater than 0")
    if (slider.upper - slider.lower) / slider.step > MAX_COORDINATE:
        raise ItemError(f"{where}: a slider has at most {MAX_COORDINATE} steps")


def _check_picture(where: str, interaction: Interaction) -> None:
    picture = picture_of(interaction)
    if picture is None:
        return
    _within(where, "pixels", picture.width, 1, MAX_COORDINATE)
    _within(where, "pixels", picture.height, 1, MAX_COORDINATE)
    labels = [picture.alt]
    for area in pieces_of(interaction):
        if isinstance(area, Area):
            check_shape(where, area.shape)
            labels.append(area.label)
    if max(map(len, labels)) > MAX_LABEL:
        raise ItemError(f"{where}: a picture or an area is described in more than {MAX_LABEL}")


def check_shape(where: str, shape: Shape) -> None:
    """As many coordinates as the shape needs, all of them in a picture."""
    count = len(shape.coords)
    fits = count == _COORDS[shape.name] if shape.name in _COORDS else count >= 6 and count % 2 == 0
    in_picture = all(abs(number) <= MAX_COORDINATE for number in shape.coords)
    if not fits or count > MAX_COORDS or not in_picture:
        raise ItemError(f"{where}: the coordinates describe no {shape.name}")


def _within(where: str, what: str, number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        raise ItemError(f"{where}: {least} to {most} {what} are possible")


def check_stem(where: str, stem: str, interaction: Interaction) -> None:
    """A composite's stem has one place for each part, in their order; others have none."""
    places = content.part_ids(stem)
    wanted = ids_of(interaction) if isinstance(interaction, Composite) else ()
    if places != wanted:
        raise ItemError(f"{where}: the stem must have a place for each part, in their order")
