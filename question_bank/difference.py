"""What differs between two versions of an item, as a person reads it: field by field, by words."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from question_bank.content import plain_text
from question_bank.item import Item, options_of
from question_bank.records import item_to_plain

_TOKEN = re.compile(r"\$[^$]*\$|\s+|\d+(?:[.,]\d+)*|\w+|[^\w\s$]|\$")
MAX_TOKENS = 4000


class Mark(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


class Part(StrEnum):
    """The parts of an item that a person compares."""

    STIMULUS = "stimulus"
    STEM = "stem"
    OPTION = "option"
    KEY = "key"
    POINTS = "points"
    SCORING = "scoring"
    INTERACTION = "interaction"
    EXPLANATION = "explanation"
    MEDIA = "media"
    SUBJECT = "subject"
    GRADE = "grade"
    TOPIC = "topic"
    LEVEL = "level"
    CODE = "code"
    LANGUAGE = "language"
    AUTHOR = "author"
    BLOOM = "bloom"
    SOURCE = "source"
    ENEMIES = "enemies"


_METADATA = frozenset(part.value for part in Part)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text and what became of it."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A part that differs. `name` is the option's id; no pieces: only its form (bold, a picture's
    bytes, an order) differs, not its words."""

    part: Part
    name: str
    pieces: tuple[Piece, ...]


def differences(old: Item, new: Item) -> tuple[Change, ...]:
    """Every part in which `new` differs from `old`, in the order of reading."""
    before, after = dict(_parts(old)), dict(_parts(new))
    names = [*after, *(name for name in before if name not in after)]
    order = {part: index for index, part in enumerate(Part)}
    names.sort(key=lambda name: order[name[0]])
    changes = []
    for name in names:
        (text, exact), (new_text, new_exact) = before.get(name, ("", "")), after.get(name, ("", ""))
        if text != new_text:
            changes.append(Change(*name, tuple(compare(text, new_text))))
        elif exact != new_exact:
            changes.append(Change(*name, ()))
    return tuple(changes)


def compare(old: str, new: str) -> Iterator[Piece]:
    """The words of both texts, marked; a formula is one word."""
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    if len(a) + len(b) > MAX_TOKENS:
        yield from (Piece(mark, text) for mark, text in ((Mark.REMOVED, old), (Mark.ADDED, new)))
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece(Mark.SAME, "".join(a[i1:i2]))
            continue
        if i2 > i1:
            yield Piece(Mark.REMOVED, "".join(a[i1:i2]))
        if j2 > j1:
            yield Piece(Mark.ADDED, "".join(b[j1:j2]))


def _parts(item: Item) -> Iterator[tuple[tuple[Part, str], tuple[str, object]]]:
    """(part, name) → (its words, its exact form)."""
    plain = item_to_plain(item)
    if item.stimulus is not None:
        content = item.stimulus.content
        yield (Part.STIMULUS, ""), (plain_text(content), content)
    yield (Part.STEM, ""), (plain_text(item.stem), item.stem)
    options = options_of(item.interaction)
    for option in options:
        exact = (option.content, option.fixed)
        yield (Part.OPTION, option.id), (plain_text(option.content), exact)
    yield (Part.KEY, ""), (key_in_words(item), plain["key"])
    yield (Part.POINTS, ""), (format(item.points.normalize(), "f"), "")
    yield (Part.SCORING, ""), (item.scoring.name, plain["scoring"])
    yield (Part.INTERACTION, ""), (item.kind, _form(plain["interaction"]))
    yield (Part.EXPLANATION, ""), (plain_text(item.explanation), item.explanation)
    for media in item.media:
        yield (Part.MEDIA, media.id), (media.id, media.data)
    for name, value in asdict(item.metadata).items():
        if name in _METADATA:
            yield (Part(name), ""), (_line(value), value)


def key_in_words(item: Item) -> str:
    """What is right, in one line."""
    return _line(item_to_plain(item)["key"])


def _line(value: object) -> str:
    """A stored value in one line: a key's options or its number, a list, a text."""
    if isinstance(value, dict):
        shown = {name: one for name, one in value.items() if name != "kind"}
        if len(shown) == 1:
            return _line(next(iter(shown.values())))
        return ", ".join(f"{name} {_line(one)}" for name, one in shown.items())
    if isinstance(value, list | tuple):
        return ", ".join(_line(one) for one in value)
    return "" if value is None else str(value)


def _form(interaction: object) -> object:
    """The interaction without its options, which are compared one by one; their order counts."""
    if not isinstance(interaction, dict):
        return interaction
    ids = [
        [one.get("id") for one in value if isinstance(one, dict)]
        for value in interaction.values()
        if isinstance(value, list)
    ]
    return [{k: v for k, v in interaction.items() if not isinstance(v, list)}, ids]
