"""What two items are compared by: their words in normal form, pictures and sounds; and traits.

Items that are alike have traits in common. So whoever keeps the traits of all of them finds
the few items worth comparing without opening the others.
"""

import hashlib
import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from question_bank.content import media_ids, plain_text
from question_bank.duplicates.spelling import Words, fold, masked, words
from question_bank.interactions import (
    Area,
    Composite,
    GapMatch,
    HotText,
    Interaction,
    Slider,
    media_of,
    pieces_of,
)
from question_bank.item import Item

#: So many pairs of words of the stem, and of the pieces, are an item's traits.
SAMPLE = 16
TRAIT_BYTES = 8


@dataclass(frozen=True)
class Sketch:
    """An item as it is compared. `pieces`: options, statements, whatever is arranged, in printed
    order; `media`: digests of the pictures that are shown and the sounds that are played."""

    stimulus: Words
    stem: Words
    pieces: tuple[Words, ...]
    media: tuple[str, ...]

    @cached_property
    def question(self) -> tuple[Words, Words, tuple[Words, ...]]:
        """All that is asked, however it is arranged."""
        return self.stimulus, self.stem, tuple(sorted(self.pieces))

    @cached_property
    def frame(self) -> tuple[Words, Words, tuple[Words, ...]]:
        """The same without its numbers."""
        pieces = tuple(sorted(masked(piece) for piece in self.pieces))
        return masked(self.stimulus), masked(self.stem), pieces

    @cached_property
    def speaks(self) -> bool:
        """Whether there are words in it, not numbers and signs alone."""
        stimulus, stem, pieces = self.frame
        return any(word.isalpha() for text in (stimulus, stem, *pieces) for word in text)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Every number, as often as it stands there."""
        texts = (self.stimulus, self.stem, *self.pieces)
        return tuple(sorted(word for text in texts for word in text if word[0].isdigit()))

    @cached_property
    def said(self) -> "Shingles":
        return Shingles.of(*self.question)

    @cached_property
    def framed(self) -> "Shingles":
        return Shingles.of(*self.frame)


@dataclass(frozen=True, slots=True)
class Shingles:
    """Words and pairs of neighbouring words, without diacritics."""

    stimulus: frozenset[str]
    stem: frozenset[str]
    pieces: frozenset[str]

    @classmethod
    def of(cls, stimulus: Words, stem: Words, pieces: Iterable[Words]) -> "Shingles":
        inside = frozenset(itertools.chain.from_iterable(map(_shingles, pieces)))
        return cls(frozenset(_shingles(stimulus)), frozenset(_shingles(stem)), inside)


class Facet(StrEnum):
    """What items may be equal in: all that is asked, the same without its numbers, the stem."""

    QUESTION = "question"
    FRAME = "frame"
    STEM = "stem"


@dataclass(frozen=True, slots=True)
class Traits:
    """`exact`: each is shared by items that are equal in that facet and by no others. `stem` (with
    its passage) and `pieces` are samples of the pairs of words: of two items' samples that part is
    shared, more or less, that is shared of all their pairs. (Single words stand in half of a
    bank.)"""

    exact: Mapping[Facet, bytes]
    stem: frozenset[bytes]
    pieces: frozenset[bytes]

    @property
    def all(self) -> frozenset[bytes]:
        return self.stem | self.pieces | set(self.exact.values())


def sketch_of(item: Item) -> Sketch:
    """What there is to compare of an item: stem, stimulus and interaction, not its key."""
    stimulus = item.stimulus.content if item.stimulus else ""
    texts, pieces = _texts(item.interaction)
    stem = words(plain_text(item.stem), labelled=True)
    shown = {*media_ids(item.stem), *media_ids(stimulus), *media_of(item.interaction)}
    digests = sorted(
        hashlib.sha256(media.data).hexdigest()[:16] for media in item.media if media.id in shown
    )
    return Sketch(
        words(plain_text(stimulus)),
        stem + tuple(word for text in texts for word in words(text)),
        tuple(words(piece) for piece in pieces),
        tuple(digests),
    )


def _texts(interaction: Interaction) -> tuple[list[str], list[str]]:
    """The plain texts of an interaction that are read on from the stem, and those of its pieces."""
    match interaction:
        case Composite(parts=parts):
            inside = [_texts(part.interaction) for part in parts]
            return [t for texts, _ in inside for t in texts], [p for _, ps in inside for p in ps]
        case Slider(lower=lower, upper=upper, step=step):
            return [], [f"{lower} {upper} {step}"]
        case GapMatch(text=text) | HotText(text=text):
            texts = [plain_text(text)]
        case _:
            texts = []
    pieces = pieces_of(interaction)
    return texts, [p.label if isinstance(p, Area) else plain_text(p.content) for p in pieces]


def traits_of(sketch: Sketch) -> Traits:
    """The traits under which an item is found by those like it."""
    exact = {Facet.QUESTION: _trait("question", repr(sketch.question))}
    if sketch.speaks:
        exact[Facet.FRAME] = _trait("frame", repr(sketch.frame))
    if sketch.stem:
        exact[Facet.STEM] = _trait("stem", repr(sketch.stem))
    stimulus, stem, pieces = sketch.frame
    return Traits(exact, _sample("in stem", [stimulus, stem]), _sample("in pieces", pieces))


def _sample(kind: str, texts: Iterable[Words]) -> frozenset[bytes]:
    """The same few of the same pairs, whatever others there are: those with the least hashes."""
    pairs = set(itertools.chain.from_iterable(map(_pairs, texts)))
    return frozenset(heapq.nsmallest(SAMPLE, (_trait(kind, one) for one in pairs)))


def _trait(kind: str, text: str) -> bytes:
    data = text.encode(errors="surrogatepass")
    return hashlib.blake2b(data, digest_size=TRAIT_BYTES, person=kind.encode()).digest()


def _shingles(text: Words) -> Iterator[str]:
    yield from map(fold, text)
    yield from _pairs(text)


def _pairs(text: Words) -> Iterator[str]:
    """A text of one word is its own pair."""
    folded = [fold(word) for word in text]
    if len(folded) == 1:
        yield folded[0]
    yield from (f"{a} {b}" for a, b in itertools.pairwise(folded))
