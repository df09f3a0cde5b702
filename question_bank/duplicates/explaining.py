"""What differs between two items that are alike, as a person reads it.

Options are told apart by what they say, not by their letters: a shuffled copy differs in nothing
but their order, and a key only where another answer is right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from question_bank.content import plain_text
from question_bank.difference import Change, Mark, Part, Piece, compare
from question_bank.duplicates.sketch import sketch_of
from question_bank.duplicates.spelling import Words, words
from question_bank.interactions import Area, Composite, Interaction, pieces_of
from question_bank.item import Item
from question_bank.item_summary import key_summary
from question_bank.keys import ChoiceKey, ClusterKey, CompositeKey, Key, OrderKey, PairsKey

#: Options that are less alike than this are two options, not one that was changed.
_SAME_OPTION = 0.5
#: Of more options than these, only equal ones are paired.
_MOST_COMPARED = 40


@dataclass(frozen=True, slots=True)
class Explanation:
    """`changes`: every part that differs, in the order of reading; `reordered`: whether options
    stand in another order."""

    changes: tuple[Change, ...]
    reordered: bool

    @property
    def other_key(self) -> bool:
        """Whether another answer is right."""
        return any(change.part is Part.KEY for change in self.changes)


@dataclass(frozen=True, slots=True)
class _Option:
    id: str
    text: str
    normal: Words


def explain(old: Item, new: Item) -> Explanation:
    """What is otherwise in `new` than in `old`."""
    before, after = _options(old.interaction), _options(new.interaction)
    pairs = _paired(before, after)
    changes = (
        *_text(Part.STIMULUS, _stimulus(old), _stimulus(new)),
        *_text(Part.STEM, plain_text(old.stem), plain_text(new.stem), labelled=True),
        *_option_changes(before, after, pairs),
        *_text(Part.KEY, _key(old), _key(new)),
        *_text(Part.INTERACTION, old.kind, new.kind),
        *_media(old, new),
    )
    order = [place for _, place in pairs]
    return Explanation(changes, order != sorted(order))


def _stimulus(item: Item) -> str:
    return plain_text(item.stimulus.content) if item.stimulus else ""


def _text(part: Part, old: str, new: str, *, labelled: bool = False) -> Iterator[Change]:
    if words(old, labelled=labelled) != words(new, labelled=labelled):
        yield Change(part, "", tuple(compare(old, new)))


def _media(old: Item, new: Item) -> Iterator[Change]:
    if sketch_of(old).media != sketch_of(new).media:
        yield Change(Part.MEDIA, "", ())


def _options(interaction: Interaction) -> list[_Option]:
    if isinstance(interaction, Composite):
        return [one for part in interaction.parts for one in _options(part.interaction)]
    found = []
    for piece in pieces_of(interaction):
        text = piece.label if isinstance(piece, Area) else plain_text(piece.content)
        found.append(_Option(piece.id, text, words(text)))
    return found


def _paired(before: Sequence[_Option], after: Sequence[_Option]) -> list[tuple[int, int]]:
    """(place before, place after) of what is one option: the same words, else the most alike."""
    pairs: dict[int, int] = {}
    places: dict[Words, list[int]] = {}
    for j, new in reversed(list(enumerate(after))):
        places.setdefault(new.normal, []).append(j)
    for i, old in enumerate(before):
        if places.get(old.normal):
            pairs[i] = places[old.normal].pop()
    left = [i for i in range(len(before)) if i not in pairs][:_MOST_COMPARED]
    free = [j for j in range(len(after)) if j not in pairs.values()][:_MOST_COMPARED]
    alike = [(_alike(before[i], after[j]), i, j) for i in left for j in free]
    for likeness, i, j in sorted(alike, key=lambda one: (-one[0], abs(one[1] - one[2]), one[1])):
        if likeness >= _SAME_OPTION and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return sorted(pairs.items())


def _alike(old: _Option, new: _Option) -> float:
    return SequenceMatcher(None, old.normal, new.normal, autojunk=False).ratio()


def _option_changes(
    before: Sequence[_Option], after: Sequence[_Option], pairs: Sequence[tuple[int, int]]
) -> Iterator[Change]:
    to = {j: i for i, j in pairs}
    for j, new in enumerate(after):
        if j not in to:
            yield Change(Part.OPTION, new.id, (Piece(Mark.ADDED, new.text),))
        elif before[to[j]].normal != new.normal:
            old = before[to[j]]
            yield Change(Part.OPTION, new.id, tuple(compare(old.text, new.text)))
    kept = set(to.values())
    for i, old in enumerate(before):
        if i not in kept:
            yield Change(Part.OPTION, old.id, (Piece(Mark.REMOVED, old.text),))


def _key(item: Item) -> str:
    """What is right, in the words of the options."""
    return "; ".join(_right(item.key, item.interaction))


def _right(key: Key, interaction: Interaction) -> list[str]:
    said = {one.id: one.text or one.id for one in _options(interaction)}
    match key:
        case ChoiceKey(options=options):
            return sorted(said.get(one, one) for one in options)
        case OrderKey(order=order):
            return [" → ".join(said.get(one, one) for one in order)]
        case ClusterKey(values=values):
            return sorted(
                f"{said.get(one, one)} {'✓' if truth else '✗'}" for one, truth in values.items()
            )
        case PairsKey(pairs=pairs):
            return sorted(f"{said.get(a, a)} – {said.get(b, b)}" for a, b in pairs)
        case CompositeKey(parts=parts) if isinstance(interaction, Composite):
            of = {part.id: part.interaction for part in interaction.parts}
            return [one for name, part in parts.items() for one in _right(part, of[name])]
        case _:
            summary = key_summary(key)
            return [str(one) for one in summary] if isinstance(summary, list) else [str(summary)]
