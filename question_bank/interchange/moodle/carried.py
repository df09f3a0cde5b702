"""What Moodle has no place for and its tags carry: ways of marking, points, limits of entry.

A tag is `Cách chấm: all_or_nothing`; those of the metadata are read by `tags`. An item's id is the
question's id number. Two kinds go out as types of which Moodle makes more: a cluster as pairs with
"Đúng" and "Sai", a list as the only gap of a text.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from lxml import etree

from question_bank import plain
from question_bank.errors import ItemError, MalformedError
from question_bank.interactions import (
    Composite,
    InlineChoice,
    Match,
    NumericEntry,
    Option,
    TextEntry,
    TrueFalseCluster,
)
from question_bank.interchange.markup import child, text_of
from question_bank.item import AllOrNothing, ClusterKey, GradedCluster, Item
from question_bank.keys import CompositeKey, PairsKey, SumOfParts
from question_bank.metadata import MAX_ENEMIES, Bloom

#: The metadata's tags by field, as people read them; `tags` knows more names for them.
METADATA = {
    "subject": "Môn", "grade": "Lớp", "level": "Mức độ", "code": "Mã", "language": "Ngôn ngữ",
    "author": "Tác giả",
}  # fmt: skip
BLOOM, SOURCE, ENEMY = "Bloom", "Nguồn", "Không cùng đề với"
MARKING, TABLE, ENTRY, POINTS = "Cách chấm", "Thang điểm", "Ô nhập", "Điểm"
OWN = frozenset((BLOOM, SOURCE, ENEMY, MARKING, TABLE, ENTRY, POINTS))
UNSORTED = "Chưa phân loại"
UNKNOWN = "und"  # ISO 639: a language that nobody has told
TRUE, FALSE = "Đúng", "Sai"
MAX_TAG = 50
_TRUTHS = {"đúng": True, "sai": False, "true": True, "false": False}
_ALONE = re.compile(r'<p><span data-part="[^"]*"></span></p>$')
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def tags_of(item: Item, *, marked_here: bool, worth: Decimal) -> Iterator[tuple[str, str]]:
    """(label, value) of everything of an item that its question has no element for.
    `marked_here`: Moodle marks the question in another way than the item says; `worth`: what
    Moodle says that it is worth."""
    for field, label in METADATA.items():
        value = getattr(item.metadata, field) or (UNKNOWN if field == "language" else "")
        if value:
            yield label, str(value)
    if item.metadata.bloom is not None:
        yield BLOOM, item.metadata.bloom.value
    if item.metadata.source:
        yield SOURCE, item.metadata.source
    for enemy in item.metadata.enemies:
        yield ENEMY, enemy
    if marked_here and isinstance(item.scoring, GradedCluster):
        yield TABLE, " ".join(format(marks, "f") for marks in item.scoring.table)
    elif marked_here:
        yield MARKING, item.scoring.name
    if worth != item.points:
        yield POINTS, format(item.points, "f")
    entry = item.interaction
    if isinstance(entry, NumericEntry):
        yield ENTRY, f"{entry.max_length} {entry.allowed}"
    elif isinstance(entry, TextEntry):
        yield ENTRY, str(entry.max_length)


def is_foreign(tag: str) -> bool:
    """Whether a tag is none of those that `carried` takes."""
    return _label(tag)[0] not in OWN


def carried(item: Item, node: etree._Element, warn: Callable[[str, str], None]) -> Item:
    """The item with what its question's tags and id number say of it."""
    told = [_label(text_of(tag)) for tag in node.iterfind("tags/tag")]
    tags = dict(told)
    number = text_of(child(node, "idnumber"))
    metadata = item.metadata
    if metadata.language == UNKNOWN:
        metadata = replace(metadata, language="")
    if metadata.topic == UNSORTED:
        metadata = replace(metadata, topic="")
    if metadata.code == number == text_of(child(node, "name")) and METADATA["code"] not in tags:
        metadata = replace(metadata, code="")
    name = number if _is_identifier(number) else item.id
    metadata = replace(
        metadata,
        bloom=next((one for one in Bloom if one == tags.get(BLOOM)), metadata.bloom),
        source=tags.get(SOURCE, metadata.source),
        enemies=_enemies(name, [v for label, v in told if label == ENEMY], warn),
    )
    item = replace(item, id=name, metadata=metadata)
    item = _as_list(_as_cluster(item))
    return _entered(_marked(_worth(item, tags.get(POINTS, "")), tags), tags.get(ENTRY, ""))


def _enemies(name: str, told: Sequence[str], warn: Callable[[str, str], None]) -> tuple[str, ...]:
    kept: list[str] = []
    for enemy in dict.fromkeys(told):
        if enemy == name:
            warn("tag", "the item names itself as one that must not stand with it; left out")
        elif _is_identifier(enemy) and len(kept) < MAX_ENEMIES:
            kept.append(enemy)
        else:
            warn(
                "tag", f"{enemy[:60]!r} is no name of an item that must not stand with it; left out"
            )
    return tuple(kept)


def _label(tag: str) -> tuple[str, str]:
    label, _, value = unicodedata.normalize("NFC", tag).partition(":")
    return label.strip(), value.strip()


def _is_identifier(text: str) -> bool:
    try:
        plain.identifier(text, "item")
    except MalformedError:
        return False
    return True


def _worth(item: Item, told: str) -> Item:
    """The item at those points, its parts in proportion."""
    try:
        points = Decimal(told)
        if not isinstance(item.scoring, SumOfParts) or not item.points or not points.is_finite():
            return item
        parts = {
            name: replace(marks, points=marks.points * points / item.points)
            for name, marks in item.scoring.parts.items()
        }
        return replace(item, points=points, scoring=SumOfParts(parts))
    except (ItemError, InvalidOperation):
        return item


def _entered(item: Item, told: str) -> Item:
    length, _, allowed = told.partition(" ")
    if not (length.isascii() and length.isdigit()):
        return item
    entry = item.interaction
    try:
        if isinstance(entry, NumericEntry) and allowed:
            entry = replace(entry, max_length=int(length), allowed=allowed)
        elif isinstance(entry, TextEntry):
            entry = replace(entry, max_length=int(length))
        return replace(item, interaction=entry)
    except (ItemError, ValueError):
        return item


def _marked(item: Item, tags: Mapping[str, str]) -> Item:
    try:
        if TABLE in tags and isinstance(item.interaction, TrueFalseCluster):
            table = tuple(Decimal(marks) for marks in tags[TABLE].split())
            return replace(item, scoring=GradedCluster(table))
        if tags.get(MARKING) == AllOrNothing.name:
            return replace(item, scoring=AllOrNothing())
    except (ItemError, InvalidOperation):
        return item
    return item


def _as_list(item: Item) -> Item:
    """A text whose only gap is a list that stands alone at its end is that list."""
    shown, key = item.interaction, item.key
    if not isinstance(shown, Composite) or not isinstance(key, CompositeKey):
        return item
    (first, *others) = shown.parts
    found = _ALONE.search(item.stem)
    if others or found is None or not isinstance(first.interaction, InlineChoice):
        return item
    return replace(
        item, stem=item.stem[: found.start()], interaction=first.interaction,
        key=key.parts[first.id], scoring=AllOrNothing(),
    )  # fmt: skip


def _as_cluster(item: Item) -> Item:
    """Pairs with "true" and "false" are statements to be judged."""
    shown, key = item.interaction, item.key
    if not isinstance(shown, Match) or not isinstance(key, PairsKey):
        return item
    truths = {piece.id: _TRUTHS.get(piece.content.strip().lower()) for piece in shown.targets}
    judged = dict(key.pairs)
    if sorted(truths.values(), key=str) != [False, True] or len(shown.sources) > len(_LETTERS):
        return item
    statements = tuple(
        Option(letter, piece.content)
        for letter, piece in zip(_LETTERS, shown.sources, strict=False)
    )
    values = {
        option.id: bool(truths[judged[piece.id]])
        for option, piece in zip(statements, shown.sources, strict=True)
    }
    count = len(statements)
    table = (*(item.points * n / count for n in range(count)), item.points)
    return replace(
        item, interaction=TrueFalseCluster(statements, shown.shuffle), key=ClusterKey(values),
        scoring=GradedCluster(table),
    )  # fmt: skip
