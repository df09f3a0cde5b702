"""Items for the benchmarks of near-duplicates: those written by hand, and a bank made of them."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from pathlib import Path

from question_bank.content import plain_text
from question_bank.item import (
    AllOrNothing,
    ChoiceKey,
    Item,
    ItemMetadata,
    NumericEntry,
    NumericKey,
    Option,
    SingleChoice,
    options_of,
)

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "fixtures" / "duplicates"
SUBJECT = "Toán"
#: Whose stems all begin so, as a good part of English papers do.
INSTRUCTION = (
    "Mark the letter A, B, C, or D on your answer sheet to indicate the correct answer to the "
    "following question:"
)
#: How a copy is made.
WAYS = ("shuffled", "renumbered", "reworded")
Told = tuple[str, tuple[str, ...]]


def by_hand(file: str, kind: str) -> list[tuple[Item, Item]]:
    """Pairs of items written by hand: `paraphrases`, or `others` that are only near."""
    pairs = json.loads((FOLDER / file).read_text(encoding="utf-8"))[kind]
    return [
        (made(f"{n}-a", stem, tuple(options)), made(f"{n}-b", other, tuple(others)))
        for n, ((stem, options), (other, others)) in enumerate(pairs)
    ]


def made(name: str, stem: str, options: tuple[str, ...]) -> Item:
    """A choice of plain texts with A right; a number where there are no options."""
    about, text = ItemMetadata(subject=SUBJECT), f"<p>{escape(stem, quote=False)}</p>"
    if not options:
        return Item(
            name, text, NumericEntry(), NumericKey(Decimal(1)), AllOrNothing(), Decimal(1), about
        )  # fmt: skip
    shown = tuple(
        Option(letter, escape(option, quote=False))
        for letter, option in zip("ABCD", options, strict=False)
    )
    rule = AllOrNothing()
    return Item(name, text, SingleChoice(shown), ChoiceKey(("A",)), rule, Decimal(1), about)


def text_of(item: Item) -> str:
    """What a peer compares: all words of an item in a row."""
    options = (plain_text(one.content) for one in options_of(item.interaction))
    return " ".join((plain_text(item.stem), *options)).lower()


@dataclass(frozen=True, slots=True)
class Copy:
    """A new item that is a copy of the bank's item `of`, made in the way `how`."""

    how: str
    of: str
    item: Item


class Writer:
    """Writes a bank in the manner of the items by hand: their beginnings, their words."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        told: list[Told] = []
        for file in ("pairs.json", "held_out.json"):
            for pairs in json.loads((FOLDER / file).read_text(encoding="utf-8")).values():
                told += [(stem, tuple(options)) for pair in pairs for stem, options in pair]
        self._stems = [stem.split() for stem, _ in told]
        self._words = [word for stem in self._stems for word in stem]

    def bank(self, count: int) -> Iterator[tuple[str, Told]]:
        """(name, what it says); of ten one is English with the instruction, two are of numbers."""
        for number in range(count):
            stem = self._stem(INSTRUCTION.split() if number % 10 == 0 else None)
            options = self._numbers() if number % 10 in (1, 2) else self._phrases()
            yield f"cau-{number:05d}", (stem, options)

    def _stem(self, begin: list[str] | None) -> str:
        frame = list(begin or self._chance.choice(self._stems))
        kept = len(frame) if begin else max(3, len(frame) // 2)
        more = self._chance.choices(self._words, k=self._chance.randint(8, 30))
        number = str(self._chance.randint(2, 999))
        return " ".join([*frame[:kept], *more[:-4], number, *more[-4:]])

    def _numbers(self) -> tuple[str, ...]:
        return tuple(str(one) for one in self._chance.sample(range(2, 400), 4))

    def _phrases(self) -> tuple[str, ...]:
        return tuple(
            " ".join(self._chance.choices(self._words, k=self._chance.randint(2, 8)))
            for _ in range(4)
        )

    def copy(self, how: str, name: str, told: Told) -> Item:
        """A copy of what `told` says: shuffled, renumbered, or reworded (one word of six)."""
        stem, options = told
        shuffled = list(options)
        self._chance.shuffle(shuffled)
        if how == "renumbered":
            stem = " ".join(
                str(int(word) + 7) if word.isdecimal() else word for word in stem.split()
            )
        if how == "reworded":
            stem = " ".join(
                self._chance.choice(self._words) if self._chance.random() < 1 / 6 else word
                for word in stem.split()
            )
        return made(name, stem, tuple(shuffled))
