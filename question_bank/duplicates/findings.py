"""The near-duplicates of a whole bank, or of a file's items in a bank, each explained."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from question_bank.duplicates.explaining import Explanation, explain
from question_bank.duplicates.index import Index, Match
from question_bank.duplicates.likeness import RANK, Likeness
from question_bank.duplicates.sketch import sketch_of
from question_bank.interchange.problems import Problem
from question_bank.item import Item

Place = Literal["bank", "file"]

_TOLD = {
    Likeness.IDENTICAL: "asks word for word what {other} asks",
    Likeness.SHUFFLED: "is {other} with its options in another order",
    Likeness.RENUMBERED: "is {other} with other numbers",
    Likeness.REDRAWN: "has the words of {other} and another picture or sound",
    Likeness.PARAPHRASE: "says much the same as {other} ({similarity:.0%} alike)",
    Likeness.SAME_STEM: "has the stem of {other} and other options",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """That `new` is like `old`, an item of the bank or an earlier one of the same file; None where
    that one is secret: it is named, and what differs is not told."""

    match: Match
    place: Place
    old: Item | None
    new: Item

    @property
    def item(self) -> str:
        """The id of the item that is like another."""
        return self.new.id

    @property
    def explanation(self) -> Explanation:
        """What differs. It takes far longer than finding, so only what is told is explained."""
        if self.old is None:
            return Explanation((), reordered=False)
        return explain(self.old, self.new)

    def to_plain(self) -> dict[str, object]:
        """As `question-bank duplicates --json` prints it."""
        explanation = self.explanation
        return {
            "item": self.item,
            "of": self.match.name,
            "in": self.place,
            "likeness": self.match.likeness.value,
            "similarity": round(self.match.similarity, 3),
            "reordered": explanation.reordered,
            "other_key": explanation.other_key,
            "differences": [
                {
                    "part": change.part.value,
                    "name": change.name,
                    "pieces": [{"mark": p.mark.value, "text": p.text} for p in change.pieces],
                }
                for change in explanation.changes
            ],
        }

    def told(self) -> str:
        """In a sentence without its subject."""
        other = f"the item {self.match.name} of the {self.place}"
        said = _TOLD[self.match.likeness].format(other=other, similarity=self.match.similarity)
        return said + ("; another answer is right" if self.explanation.other_key else "")


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings, in the order of the items, the closest first for each. `more`: item → how many
    others are equal to it in something and are not listed."""

    found: tuple[Finding, ...] = ()
    more: Mapping[str, int] = field(default_factory=dict)

    def closest(self) -> dict[str, tuple[Finding, int]]:
        """Item → its closest finding, and how many others there are."""
        of_item: dict[str, list[Finding]] = {}
        for one in self.found:
            of_item.setdefault(one.item, []).append(one)
        return {
            item: (min(found, key=_nearness), len(found) - 1 + self.more.get(item, 0))
            for item, found in of_item.items()
        }


def _nearness(finding: Finding) -> tuple[int, float]:
    return RANK[finding.match.likeness], -finding.match.similarity


class Read(Protocol):
    """What a reader found in a file, as `Imported` tells it."""

    @property
    def items(self) -> Sequence[Item]: ...
    @property
    def lines(self) -> Mapping[str, int]: ...
    @property
    def files(self) -> Mapping[str, str]: ...


def warnings(
    closest: Mapping[str, tuple[Finding, int]], read: Read, file: str
) -> Iterator[Problem]:
    """For each item that is like another one a warning with the closest."""
    for item in read.items:
        if item.id in closest:
            one, others = closest[item.id]
            message = one.told() + (f"; {others} more like it" if others else "")
            name, line = read.files.get(item.id, file), read.lines.get(item.id)
            yield Problem(name, line, item.id, message, "warning")


def within(items: Iterable[Item]) -> Findings:
    """Every two of `items` that are alike, once: the later one with the earlier one."""
    return _found(items, {}, Index(), "bank")


def against(bank: Iterable[Item], items: Iterable[Item]) -> Findings:
    """What each of `items` is like, in the bank and among those before it. What has the same id in
    the bank is an older version of the item and none of its duplicates."""
    known = {item.id: _without_bytes(item) for item in bank}
    index = Index()
    for name, item in known.items():
        index.add(name, sketch_of(item))
    return _found(items, known, index, "file")


def _found(items: Iterable[Item], known: Mapping[str, Item], bank: Index, place: Place) -> Findings:
    found: list[Finding] = []
    more: dict[str, int] = {}
    before, earlier = Index(), dict[str, Item]()
    for item in map(_without_bytes, items):
        sketch = sketch_of(item)
        there = bank.like(sketch, but=(item.id,))
        here = before.like(sketch, but=(item.id,))
        found += [Finding(one, "bank", known[one.name], item) for one in there.listed]
        found += [Finding(one, place, earlier[one.name], item) for one in here.listed]
        if left_out := there.more + here.more:
            more[item.id] = left_out
        if item.id not in earlier:
            before.add(item.id, sketch)
            earlier[item.id] = item
    return Findings(tuple(found), more)


def _without_bytes(item: Item) -> Item:
    """The item with digests for its pictures and sounds: equal where they are, and small. A bank's
    media would fill the memory, and each comparison would hash them anew."""
    if not item.media:
        return item
    media = (replace(one, data=hashlib.sha256(one.data).digest()) for one in item.media)
    return replace(item, media=tuple(media))
