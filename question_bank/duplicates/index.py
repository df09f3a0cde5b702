"""Finding the items that are like one, among many.

`candidates` says from the traits alone which items are worth comparing, `judged` compares them.
Both are used by `Index`, which holds its items in memory, and by whoever keeps them elsewhere.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from question_bank.duplicates.likeness import RANK, Likeness, compare
from question_bank.duplicates.sketch import Sketch, Traits, traits_of

#: So many items are compared because they are equal in something; the rest is counted.
MOST_EQUAL = 100
#: So many more are compared because they have most in common.
MOST_SIMILAR = 50
#: From this similarity on, as the samples let it seem, an item is worth comparing. Well below the
#: similarities from which a likeness is told: a sample may say too little.
WORTH_COMPARING = 0.15


@dataclass(frozen=True, slots=True)
class Match:
    """An item that is like the one asked about."""

    name: str
    likeness: Likeness
    similarity: float


@dataclass(frozen=True, slots=True)
class Matches:
    """The closest first; `more`: how many further items are equal in something and not listed."""

    listed: tuple[Match, ...]
    more: int = 0

    def __bool__(self) -> bool:
        return bool(self.listed)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The items to compare, and how many equal ones are left out."""

    names: tuple[str, ...]
    more: int


def candidates(
    traits: Traits,
    holders: Mapping[bytes, Collection[str]],
    among: Callable[[str], bool] = lambda _: True,
) -> Candidates:
    """Who may be like the item with `traits`. `holders`: trait → the items that have it;
    none but those `among` which one looks count."""
    equal: Counter[str] = Counter()
    for trait in traits.exact.values():
        equal.update(filter(among, holders.get(trait, ())))
    first = sorted(equal, key=lambda name: (-equal[name], name))
    stems, pieces = _shared(traits.stem, holders), _shared(traits.pieces, holders)
    near = []
    for name, shared in (stems if traits.stem else pieces).items():
        of_stem = _likely(shared if traits.stem else 0, traits.stem)
        if of_stem < WORTH_COMPARING or name in equal:  # most: one pair of words in common
            continue
        likely = of_stem * (_likely(pieces[name], traits.pieces) if traits.pieces else of_stem)
        if likely >= WORTH_COMPARING and among(name):
            near.append((-likely, name))
    beside = (name for _, name in sorted(near)[:MOST_SIMILAR])
    return Candidates((*first[:MOST_EQUAL], *beside), max(0, len(first) - MOST_EQUAL))


def _shared(sample: Collection[bytes], holders: Mapping[bytes, Collection[str]]) -> Counter[str]:
    """How many traits of the sample each item has."""
    shared: Counter[str] = Counter()
    for trait in sample:
        shared.update(holders.get(trait, ()))
    return shared


def _likely(shared: int, sample: Collection[bytes]) -> float:
    """The likely similarity (`likeness`) of what the sample is of."""
    if not sample:
        return 1.0
    part = shared / len(sample)
    return 2 * part / (1 + part)


def judged(sketch: Sketch, others: Iterable[tuple[str, Sketch]], more: int = 0) -> Matches:
    """Which of `others` are like `sketch`, and how."""
    found = [
        Match(name, alike.likeness, alike.similarity)
        for name, other in others
        if (alike := compare(sketch, other)) is not None
    ]
    return Matches(tuple(sorted(found, key=_closest_first)), more)


def _closest_first(match: Match) -> tuple[int, float, str]:
    return RANK[match.likeness], -match.similarity, match.name


class Index:
    """Items to find likenesses among, by name."""

    def __init__(self) -> None:
        self._sketches: dict[str, Sketch] = {}
        self._holders: defaultdict[bytes, list[str]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._sketches)

    def add(self, name: str, sketch: Sketch) -> None:
        """Takes an item in; a name is taken once."""
        if name in self._sketches:
            raise ValueError(f"{name} is in the index already")
        self._sketches[name] = sketch
        for trait in traits_of(sketch).all:
            self._holders[trait].append(name)

    def like(self, sketch: Sketch, but: Collection[str] = ()) -> Matches:
        """The items that are like `sketch`, without those named in `but`."""
        found = candidates(traits_of(sketch), self._holders, lambda name: name not in but)
        return judged(sketch, ((name, self._sketches[name]) for name in found.names), found.more)
