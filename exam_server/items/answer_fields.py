"""The fields in which the answer part of an item is edited: what there is to type, and reading it.

Options stand in rows under letters, what they go to under numbers or under the ids of gaps; an
emptied row takes its option away. In a text, `[[id]]` is a place (a gap, a part) and
`[[id|words]]` words to choose.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from html import unescape
from typing import Literal, Protocol, TypeVar
from xml.sax.saxutils import quoteattr

from exam_server.items.typed import Typed
from question_bank.interactions import Interaction, Option, Piece
from question_bank.keys import Key, ScoringRule
from question_bank.writing import text_from

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Empty rows below the options, to add some.
SPARE = 2
MOST_ROWS = 60
_PLACE = re.compile(r"\[\[([^\[\]|\s]{1,64})(?:\|([^\[\]]{1,500}))?\]\]")
_MARKED = re.compile(r'<(span|div) data-part="([^"]+)">((?:(?!<\1\b).)*?)</\1>', re.DOTALL)


class Label(StrEnum):
    """What a field is called."""

    OPTION = "option"
    RIGHT = "right"
    TRUE = "true"
    NUMBER = "number"
    TOLERANCE = "tolerance"
    UNIT = "unit"
    MAX_LENGTH = "max_length"
    MAX_CHOICES = "max_choices"
    MAX_PAIRS = "max_pairs"
    MAX_POINTS = "max_points"
    ACCEPTED = "accepted"
    CASE = "case"
    LINES = "lines"
    PLACE = "place"
    GOES_TO = "goes_to"
    PAIRS = "pairs"
    TEXT = "text"
    WORDS = "words"
    SHAPE = "shape"
    COORDS = "coords"
    NAME = "name"
    WORTH = "worth"
    ALT = "alt"
    LOWER = "lower"
    UPPER = "upper"
    STEP = "step"
    KIND = "kind"
    POINTS = "points"


class Legend(StrEnum):
    """What a group of fields is called; each has a hint."""

    ONE_RIGHT = "one_right"
    SOME_RIGHT = "some_right"
    TRUTHS = "truths"
    NUMBER = "number"
    SPELLINGS = "spellings"
    LONG_TEXT = "long_text"
    ORDER = "order"
    SOURCES = "sources"
    TARGETS = "targets"
    PAIRS = "pairs"
    GAPS = "gaps"
    PIECES = "pieces"
    HOT_WORDS = "hot_words"
    AREAS = "areas"
    AREAS_IN_ORDER = "areas_in_order"
    AREAS_OF_WORTH = "areas_of_worth"
    PIECES_FOR_AREAS = "pieces_for_areas"
    SLIDER = "slider"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Input:
    """One field: a line, a text, a tick, one of a row of radios, or a choice of codes of the
    family `family`."""

    name: str
    label: Label
    kind: Literal["line", "text", "tick", "radio", "pick"] = "line"
    value: str = "true"
    choices: tuple[str, ...] = ()
    family: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Fields of one option, under its letter or number."""

    label: str
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under a legend; `name` is where a fault of the whole is told; `of` names the part."""

    legend: Legend
    name: str
    rows: tuple[Row, ...]
    of: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer part of an item, or of a part of one."""

    interaction: Interaction
    key: Key
    scoring: ScoringRule
    points: Decimal


@dataclass(frozen=True, slots=True)
class Shown:
    """The fields, and what stands in them before anybody types."""

    groups: tuple[Group, ...]
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one answer, whose names begin with `prefix`."""

    typed: Typed
    before: Mapping[str, str]
    prefix: str = ""

    def text(self, name: str) -> str:
        return self.typed.values.get(self.prefix + name, "")

    def is_untouched(self, name: str) -> bool:
        """Whether the field holds what it held before anybody typed."""
        before = self.before.get(self.prefix + name, "")
        return self.text(name).replace("\r\n", "\n").strip() == before.strip()

    def ticked(self, name: str) -> bool:
        return self.text(name) == "true"

    def wrong(self, name: str, error: str, detail: str = "") -> None:
        self.typed.wrong(self.prefix + name, error, detail)

    def content(self, name: str, kept: str) -> str:
        return self.typed.content(self.prefix + name, self.before, kept)

    def decimal(self, name: str, *, least: Decimal | None = None) -> Decimal:
        return self.typed.decimal(self.prefix + name, least=least)

    def whole(self, name: str, least: int, most: int) -> int:
        return self.typed.whole(self.prefix + name, least, most)

    def named(self, name: str, known: Mapping[str, str]) -> list[str]:
        """What a line names, separated by commas or spaces, as the ids that `known` gives."""
        found = []
        for word in self.text(name).replace(",", " ").split():
            if word not in known and word.upper() not in known:
                self.wrong(name, "no_such", word[:40])
            else:
                found.append(known.get(word) or known[word.upper()])
        return list(dict.fromkeys(found))


class AnswerForm(Protocol):
    """How one kind is edited."""

    def show(self, answer: Answer, prefix: str) -> Shown: ...
    def read(self, answer: Answer, form: Form) -> Answer: ...


Held = TypeVar("Held", Option, Piece)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of options that are content: `option_0`, `option_1`, …"""

    name: str = "option"
    labels: Sequence[str] = tuple(LETTERS)

    def count(self, held: Sequence[Option | Piece]) -> int:
        return min(len(held) + SPARE, len(self.labels))

    def values(self, held: Sequence[Option | Piece], prefix: str) -> dict[str, str]:
        return {
            f"{prefix}{self.name}_{row}": text_from(one.content) for row, one in enumerate(held)
        }

    def rows(
        self, held: Sequence[Option | Piece], prefix: str, more: Callable[[int], tuple[Input, ...]]
    ) -> tuple[Row, ...]:
        """`more` are the other fields of a row."""
        return tuple(
            Row(
                self.labels[row],
                (Input(f"{prefix}{self.name}_{row}", Label.OPTION, "text"), *more(row)),
            )
            for row in range(self.count(held))
        )

    def read(
        self, held: Sequence[Held], form: Form, make: Callable[[str, str], Held]
    ) -> dict[int, Held]:
        """What the rows hold, by row; what stood there before keeps its id."""
        ids = {one.id for one in held}
        unused = (name for name in (*LETTERS, *map(str, range(1, 200))) if name not in ids)
        kept: dict[int, Held] = {}
        for row in range(self.count(held)):
            name, known = f"{self.name}_{row}", held[row] if row < len(held) else None
            if not form.text(name):
                continue
            text = form.content(name, known.content if known else "")
            kept[row] = replace(known, content=text) if known else make(next(unused), text)
        if len(kept) < 2:
            form.wrong(self.name + "s", "options")
        return kept

    def by_label(self, kept: Mapping[int, Held]) -> dict[str, str]:
        """The ids by the letters or numbers under which they stand."""
        return {self.labels[row]: one.id for row, one in kept.items()}

    def labels_of(self, held: Sequence[Option | Piece]) -> dict[str, str]:
        """The letters or numbers by id."""
        return {one.id: self.labels[row] for row, one in enumerate(held) if row < len(self.labels)}


NUMBERS = tuple(str(number) for number in range(1, MOST_ROWS + 1))
OPTIONS = Rows()
TARGETS = Rows("target", NUMBERS)


def option(name: str, text: str) -> Option:
    return Option(name, text)


def piece(name: str, text: str) -> Piece:
    return Piece(name, text)


def with_places(text: str, blocks: Collection[str] = ()) -> str:
    """`[[id]]` and `[[id|words]]` as the tags that they stand for; `blocks` are the places that
    stand on lines of their own."""

    def tag(found: re.Match[str]) -> str:
        name = "div" if found[1] in blocks else "span"
        return f"<{name} data-part={quoteattr(found[1])}>{found[2] or ''}</{name}>"

    return _PLACE.sub(tag, text)


def places_as_text(text: str, blocks: Collection[str] = ()) -> str:
    """The other way; a place that would not come back the same stays as its tag."""

    def place(found: re.Match[str]) -> str:
        words = f"|{found[3]}" if found[3] else ""
        written = f"[[{unescape(found[2])}{words}]]"
        return written if with_places(written, blocks) == found[0] else found[0]

    return _MARKED.sub(place, text)


def placed_content(
    typed: Typed,
    name: str,
    before: Mapping[str, str],
    kept: str,
    blocks: Collection[str] = (),
) -> str:
    """Content with places, as `Typed.content`."""
    text = typed.values.get(name, "")
    if text.replace("\r\n", "\n").strip() == before.get(name, "").strip():
        return kept
    if not text.strip():
        return ""
    inner = Typed({name: with_places(text, blocks)})
    made = inner.content(name, {}, kept)
    for wrong, error in inner.errors.items():
        typed.wrong(wrong, error, inner.details.get(wrong, ""))
    return made
