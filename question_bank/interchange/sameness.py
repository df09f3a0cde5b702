"""Whether two items are the same for whoever answers and marks them.

Formats name options, parts and pictures in their own ways; so names are made alike before items
are compared, and orders, whose options are shuffled anyway, are put into their right order.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from question_bank.content import clean, media_ids, rename_parts
from question_bank.errors import ContentError
from question_bank.interactions import (
    Area,
    Associate,
    Composite,
    GapMatch,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    HotText,
    InlineChoice,
    Match,
    MultipleChoice,
    Option,
    Order,
    Part,
    Piece,
    Simple,
    SingleChoice,
    TrueFalseCluster,
    ids_of,
    media_of,
)
from question_bank.item import Item
from question_bank.keys import (
    ChoiceKey,
    ClusterKey,
    CompositeKey,
    MappedChoice,
    MappedPairs,
    OrderKey,
    PairsKey,
    SimpleKey,
    SumOfParts,
)
from question_bank.records import item_to_plain

Names = Mapping[str, str]
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:E[+-]?\d{1,3})?")
_SOURCE = re.compile(r'(?<=src="media:)[^"]+(?=")')
_Named = TypeVar("_Named", Option, Piece, Area)
_Rule = TypeVar("_Rule")


def unlike(item: Item, other: Item) -> tuple[str, ...]:
    """The fields in which two items differ but for their names; nothing where they are the same."""
    before, after = _plain(item), _plain(other)
    return tuple(
        name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)
    )


def _plain(item: Item) -> dict[str, object]:
    """The item's record, pictures called by their content, content in its canonical spelling."""
    digests = {media.id: hashlib.sha256(media.data).hexdigest() for media in item.media}
    record = item_to_plain(alike(item))
    record["media"] = sorted(digests[name] for name in pictures_of(item) if name in digests)
    del record["version"]
    return {
        name: _spelled(value, digests, numbers=name in ("points", "scoring", "key"))
        for name, value in record.items()
    }


def pictures_of(item: Item) -> set[str]:
    """The ids of all pictures that an item shows."""
    stimulus = item.stimulus.content if item.stimulus else ""
    texts = (item.stem, item.explanation, stimulus)
    return {n for text in texts for n in media_ids(text)} | set(media_of(item.interaction))


def _spelled(value: object, digests: Mapping[str, str], *, numbers: bool) -> object:
    """`numbers`: a text that is a number is that number, however it is written."""
    match value:
        case dict():
            return {name: _spelled(one, digests, numbers=numbers) for name, one in value.items()}
        case list() | tuple():
            return [_spelled(one, digests, numbers=numbers) for one in value]
        case str() if value in digests:
            return digests[value]
        case str() if "<" in value:
            return _canonical(_SOURCE.sub(lambda found: digests.get(found[0], found[0]), value))
        case str() if numbers and _NUMBER.fullmatch(value):
            return Decimal(value)
        case _:
            return value


def _canonical(text: str) -> str:
    """Content in its canonical spelling; any other text as it is."""
    try:
        return clean(text, lambda _element, _message: None)
    except ContentError:
        return text


def alike(item: Item) -> Item:
    """The item under names that depend on nothing but order."""
    if isinstance(item.interaction, Composite) and isinstance(item.key, CompositeKey):
        return _composite(item, item.interaction, item.key)
    if isinstance(item.interaction, Composite) or isinstance(item.key, CompositeKey):
        return item
    shown, key = _in_order(item.interaction, item.key)
    names = _names(shown)
    return replace(
        item, interaction=_shown(shown, names), key=_key(key, names),
        scoring=_rule(item.scoring, names),
    )  # fmt: skip


def _composite(item: Item, shown: Composite, key: CompositeKey) -> Item:
    parts, keys, marks = [], {}, {}
    new = {part.id: f"p{place}" for place, part in enumerate(shown.parts)}
    for part in shown.parts:
        ordered, own = _in_order(part.interaction, key.parts[part.id])
        names = _names(ordered)
        parts.append(Part(new[part.id], _shown(ordered, names)))
        keys[new[part.id]] = _key(own, names)
        if isinstance(item.scoring, SumOfParts):
            told = item.scoring.parts[part.id]
            marks[new[part.id]] = replace(told, rule=_rule(told.rule, names))
    return replace(
        item, stem=rename_parts(item.stem, new.__getitem__), interaction=Composite(tuple(parts)),
        key=CompositeKey(keys), scoring=SumOfParts(marks) if marks else item.scoring,
    )  # fmt: skip


def _in_order(shown: Simple, key: SimpleKey) -> tuple[Simple, SimpleKey]:
    """An order's options as they are right, where they are shuffled for everyone."""
    if not isinstance(shown, Order) or not isinstance(key, OrderKey) or not shown.shuffle:
        return shown, key
    place = {name: at for at, name in enumerate(key.order)}
    return replace(shown, options=tuple(sorted(shown.options, key=lambda o: place[o.id]))), key


def _names(shown: Simple) -> Names:
    return {name: f"n{place}" for place, name in enumerate(ids_of(shown))}


def _renamed(pieces: Sequence[_Named], names: Names) -> tuple[_Named, ...]:
    return tuple(replace(piece, id=names[piece.id]) for piece in pieces)


def _shown(shown: Simple, names: Names) -> Simple:
    match shown:
        case SingleChoice() | MultipleChoice() | InlineChoice() | Order():
            return replace(shown, options=_renamed(shown.options, names))
        case TrueFalseCluster(statements=statements):
            return replace(shown, statements=_renamed(statements, names))
        case Match(sources=sources, targets=targets):
            # One pair for each source is as many as they allow.
            most = 0 if shown.max_pairs == sum(piece.most for piece in sources) else shown.max_pairs
            pieces = _renamed(sources, names), _renamed(targets, names)
            return replace(shown, sources=pieces[0], targets=pieces[1], max_pairs=most)
        case Associate(options=options):
            return replace(shown, options=_renamed(options, names))
        case GapMatch(text=text, pieces=held):
            text = rename_parts(text, names.__getitem__)
            return replace(shown, text=text, pieces=_renamed(held, names))
        case HotText(text=text):
            return replace(shown, text=rename_parts(text, names.__getitem__))
        case Hotspot(areas=areas) | GraphicOrder(areas=areas):
            return replace(shown, areas=_renamed(areas, names))
        case GraphicGapMatch(areas=areas, pieces=held):
            return replace(shown, areas=_renamed(areas, names), pieces=_renamed(held, names))
        case _:
            return shown


def _key(key: SimpleKey, names: Names) -> SimpleKey:
    match key:
        case ChoiceKey(options=options):
            return ChoiceKey(tuple(sorted(names[name] for name in options)))
        case ClusterKey(values=values):
            return ClusterKey({names[name]: truth for name, truth in values.items()})
        case OrderKey(order=order):
            return OrderKey(tuple(names[name] for name in order))
        case PairsKey(pairs=pairs):
            return PairsKey(tuple(sorted((names[a], names[b]) for a, b in pairs)))
        case _:
            return key


def _rule(rule: _Rule, names: Names) -> _Rule:
    if isinstance(rule, MappedChoice):
        return replace(rule, worth={names[name]: marks for name, marks in rule.worth.items()})
    if isinstance(rule, MappedPairs):
        worth = {(names[a], names[b]): marks for (a, b), marks in rule.worth.items()}
        return replace(rule, worth=worth)
    return rule
