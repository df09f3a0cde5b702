"""What an item asks a person to do: one type for each interaction, keys in none of them.

A new kind is a new member of `Interaction`. Texts are content (`question_bank.content`); pieces of
an interaction that stand in a text stand there as `<span data-part="ID">`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from question_bank import content

MAX_OPTIONS = 26
MAX_NUMERIC_TEXT = 32
MAX_WORD = 64
MAX_PIECES = 100
MAX_PARTS = 50
MAX_PAIRS = 500
MAX_POINTS = 50
MAX_GAP_TEXT = 200
MAX_ESSAY = 30_000
MAX_LINES = 200
MAX_COORDS = 200
MAX_COORDINATE = 10_000
MAX_LABEL = 500

# DESIGN's closed list of kinds: docs/items.md tells each one's form.
Kind = Literal[
    "single", "multiple", "tf_cluster", "numeric", "gap", "inline_choice", "extended", "order",
    "match", "associate", "gap_match", "hot_text", "hotspot", "graphic_gap_match",
    "graphic_order", "select_point", "slider", "composite",
]  # fmt: skip
ShapeName = Literal["circle", "rect", "ellipse", "poly"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a choice or one statement of a cluster. `fixed` keeps its printed place."""

    id: str
    content: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """An option that pairs are made of, at most `most` of them (0: as many as one likes)."""

    id: str
    content: str
    fixed: bool = False
    most: int = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture that is answered on: `<img src="media:MEDIA">`, `width` × `height` pixels being
    what coordinates count in, and the words that say what it shows."""

    media: str
    width: int
    height: int
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A region, its edge included. `coords` in the picture's pixels: circle x, y, r; rect left,
    top, right, bottom; ellipse x, y, h-radius, v-radius; poly x, y, x, y, …"""

    name: ShapeName
    coords: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """A place of a picture; `label` says it in words, `most` as in Piece."""

    id: str
    shape: Shape
    label: str = ""
    most: int = 1


@dataclass(frozen=True, slots=True)
class SingleChoice:
    """Choose one option."""

    kind: ClassVar[Kind] = "single"
    options: tuple[Option, ...]
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class MultipleChoice:
    """Choose options: at most `max_choices` (0: any)."""

    kind: ClassVar[Kind] = "multiple"
    options: tuple[Option, ...]
    shuffle: bool = True
    max_choices: int = 0


@dataclass(frozen=True, slots=True)
class TrueFalseCluster:
    """Judge every statement true or false."""

    kind: ClassVar[Kind] = "tf_cluster"
    statements: tuple[Option, ...]
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class NumericEntry:
    """Enter a number: at most `max_length` characters out of `allowed`.

    `tolerance` is the largest accepted distance from the key; 0 means exactly equal.
    """

    kind: ClassVar[Kind] = "numeric"
    max_length: int = 4
    allowed: str = "0123456789,-"
    tolerance: Decimal = Decimal(0)
    unit: str = ""


@dataclass(frozen=True, slots=True)
class TextEntry:
    """Enter a word or a few: at most `max_length` characters on one line."""

    kind: ClassVar[Kind] = "gap"
    max_length: int = 50


@dataclass(frozen=True, slots=True)
class InlineChoice:
    """Choose one option from a list that drops down amid a text."""

    kind: ClassVar[Kind] = "inline_choice"
    options: tuple[Option, ...]
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class ExtendedText:
    """Write a text of at most `max_length` characters; `lines` are shown to begin with."""

    kind: ClassVar[Kind] = "extended"
    max_length: int = 10_000
    lines: int = 8


@dataclass(frozen=True, slots=True)
class Order:
    """Put all options into their order."""

    kind: ClassVar[Kind] = "order"
    options: tuple[Option, ...]
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    """Pair sources with targets: at most `max_pairs` pairs (0: as the pieces allow)."""

    kind: ClassVar[Kind] = "match"
    sources: tuple[Piece, ...]
    targets: tuple[Piece, ...]
    max_pairs: int = 0
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class Associate:
    """Pair options with each other; a pair has no direction."""

    kind: ClassVar[Kind] = "associate"
    options: tuple[Piece, ...]
    max_pairs: int = 0
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class GapMatch:
    """Drag pieces into the gaps of `text`, one into each: its empty `data-part` spans."""

    kind: ClassVar[Kind] = "gap_match"
    text: str
    pieces: tuple[Piece, ...]
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class HotText:
    """Choose words of `text`, its filled `data-part` spans: at most `max_choices` (0: any)."""

    kind: ClassVar[Kind] = "hot_text"
    text: str
    max_choices: int = 1


@dataclass(frozen=True, slots=True)
class Hotspot:
    """Choose areas of a picture: at most `max_choices` (0: any)."""

    kind: ClassVar[Kind] = "hotspot"
    picture: Picture
    areas: tuple[Area, ...]
    max_choices: int = 1


@dataclass(frozen=True, slots=True)
class GraphicGapMatch:
    """Drag pieces (words or pictures) onto the areas of a picture."""

    kind: ClassVar[Kind] = "graphic_gap_match"
    picture: Picture
    areas: tuple[Area, ...]
    pieces: tuple[Piece, ...]
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class GraphicOrder:
    """Put all areas of a picture into their order."""

    kind: ClassVar[Kind] = "graphic_order"
    picture: Picture
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class SelectPoint:
    """Point at places of a picture: at most `max_points` (0: any)."""

    kind: ClassVar[Kind] = "select_point"
    picture: Picture
    max_points: int = 1


@dataclass(frozen=True, slots=True)
class Slider:
    """Choose a number from `lower` to `upper`, in steps of `step` from `lower` on."""

    kind: ClassVar[Kind] = "slider"
    lower: Decimal
    upper: Decimal
    step: Decimal = Decimal(1)


Simple = (
    SingleChoice | MultipleChoice | TrueFalseCluster | NumericEntry | TextEntry | InlineChoice
    | ExtendedText | Order | Match | Associate | GapMatch | HotText | Hotspot | GraphicGapMatch
    | GraphicOrder | SelectPoint | Slider
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One interaction of several; it stands where the stem has the placeholder of its id."""

    id: str
    interaction: Simple


@dataclass(frozen=True, slots=True)
class Composite:
    """Several interactions in one text, in the order of their placeholders."""

    kind: ClassVar[Kind] = "composite"
    parts: tuple[Part, ...]


Interaction = Simple | Composite
Identified = Option | Piece | Area

#: What stands in a line of text and not below it.
INLINE_KINDS: frozenset[Kind] = frozenset(("numeric", "gap", "inline_choice"))


def options_of(interaction: Interaction) -> tuple[Option, ...]:
    """The options of a choice or an order, the statements of a cluster; nothing of others."""
    match interaction:
        case SingleChoice() | MultipleChoice() | InlineChoice() | Order():
            return interaction.options
        case TrueFalseCluster(statements=statements):
            return statements
        case _:
            return ()


def pieces_of(interaction: Interaction) -> tuple[Identified, ...]:
    """Everything in an interaction that has an id and is no span of a text."""
    match interaction:
        case Match(sources=sources, targets=targets):
            return (*sources, *targets)
        case Associate(options=pieces) | GapMatch(pieces=pieces):
            return pieces
        case Hotspot(areas=areas) | GraphicOrder(areas=areas):
            return areas
        case GraphicGapMatch(areas=areas, pieces=pieces):
            return (*areas, *pieces)
        case _:
            return options_of(interaction)


def ids_of(interaction: Interaction) -> tuple[str, ...]:
    """All ids inside an interaction: options, pieces, areas, gaps, words; a composite's parts."""
    match interaction:
        case Composite(parts=parts):
            return tuple(part.id for part in parts)
        case GapMatch(text=text) | HotText(text=text):
            return (*(piece.id for piece in pieces_of(interaction)), *content.part_ids(text))
        case _:
            return tuple(piece.id for piece in pieces_of(interaction))


def picture_of(interaction: Interaction) -> Picture | None:
    """The picture that is answered on."""
    match interaction:
        case Hotspot() | GraphicGapMatch() | GraphicOrder() | SelectPoint():
            return interaction.picture
        case _:
            return None


def contents_of(interaction: Interaction) -> Iterator[str]:
    """Every piece of content inside an interaction, those of a composite's parts included."""
    match interaction:
        case Composite(parts=parts):
            for part in parts:
                yield from contents_of(part.interaction)
        case GapMatch(text=text) | HotText(text=text):
            yield text
    for piece in pieces_of(interaction):
        if not isinstance(piece, Area):
            yield piece.content


def media_of(interaction: Interaction) -> Iterator[str]:
    """The ids of all pictures an interaction shows."""
    if isinstance(interaction, Composite):
        for part in interaction.parts:
            yield from media_of(part.interaction)
        return
    for fragment in contents_of(interaction):
        yield from content.media_ids(fragment)
    picture = picture_of(interaction)
    if picture is not None:
        yield picture.media


def kind_of(interaction: Interaction) -> Kind:
    """The kind as people name it: a text whose parts are all gaps, or all lists, is called so."""
    if isinstance(interaction, Composite):
        return _common(part.interaction.kind for part in interaction.parts) or interaction.kind
    return interaction.kind


def _common(kinds: Iterable[Kind]) -> Kind | None:
    found = set(kinds)
    return found.pop() if found in ({"gap"}, {"inline_choice"}) else None
