"""How two items are alike.

The two thresholds were chosen by measurement: `python -m benchmarks.duplicates_found`, told in
docs/duplicates.md.
"""

from dataclasses import dataclass
from enum import StrEnum

from question_bank.duplicates.sketch import Shingles, Sketch

#: From this similarity on, two items say the same in other words.
PARAPHRASE_FROM = 0.45
#: From this similarity on, numbers left out, they are one question with other numbers.
RENUMBERED_FROM = 0.8


class Likeness(StrEnum):
    """In which way an item is like another, the closest first."""

    IDENTICAL = "identical"
    SHUFFLED = "shuffled"
    RENUMBERED = "renumbered"
    REDRAWN = "redrawn"
    PARAPHRASE = "paraphrase"
    SAME_STEM = "same_stem"


RANK = {likeness: rank for rank, likeness in enumerate(Likeness)}


@dataclass(frozen=True, slots=True)
class Alike:
    """`similarity` is between 0 and 1; of what was renumbered, without its numbers."""

    likeness: Likeness
    similarity: float


def compare(a: Sketch, b: Sketch) -> Alike | None:
    """How `a` and `b` are alike, in either order; None where they are two questions."""
    exact = _exactly(a, b)
    if exact is not None:
        return Alike(exact, 1.0)
    same_stem = bool(a.stem) and a.stem == b.stem
    if a.speaks and b.speaks and not (same_stem and bool(a.pieces) != bool(b.pieces)):
        said, framed = _similarity(a.said, b.said), _similarity(a.framed, b.framed)
        if framed >= RENUMBERED_FROM and a.numbers != b.numbers:
            return Alike(Likeness.RENUMBERED, framed)
        if said >= PARAPHRASE_FROM:
            return Alike(Likeness.PARAPHRASE, said)
    if same_stem:
        return Alike(Likeness.SAME_STEM, _similarity(a.said, b.said))
    return None


def _exactly(a: Sketch, b: Sketch) -> Likeness | None:
    if a.question == b.question:
        if a.media == b.media:
            return Likeness.IDENTICAL if a.pieces == b.pieces else Likeness.SHUFFLED
        return Likeness.REDRAWN if a.speaks else None
    return Likeness.RENUMBERED if a.speaks and a.frame == b.frame else None


def _similarity(a: Shingles, b: Shingles) -> float:
    """The likeness of the stems times that of the pieces, times that of the passages.

    Where one item has no pieces they say nothing, so the stem has to say it twice. A passage that
    one item has in its stem and the other beside it is read with the stem.
    """
    if bool(a.stimulus) == bool(b.stimulus):
        stems, passages = _dice(a.stem, b.stem), _dice(a.stimulus, b.stimulus)
    else:
        stems, passages = _dice(a.stimulus | a.stem, b.stimulus | b.stem), 1.0
    pieces = _dice(a.pieces, b.pieces) if a.pieces and b.pieces else stems
    return stems * pieces * passages


def _dice(a: frozenset[str], b: frozenset[str]) -> float:
    """1 where both are the same; 0 where they have nothing in common."""
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0
