"""What the readers of interactions share: where they read, and options, pieces and keys."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from question_bank.interactions import (
    Option,
    Piece,
    Simple,
)
from question_bank.interchange.markup import (
    attribute,
    child,
    children,
    text_of,
)
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3_body import ContentReader
from question_bank.interchange.qti3_scoring import UnrecognisedError
from question_bank.keys import (
    ChoiceKey,
    OrderKey,
    PairsKey,
    SimpleKey,
)

#: The interaction, its key, a cluster's columns true and false.
Read = tuple[Simple, SimpleKey | None, str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """What a reader of an interaction is given."""

    element: etree._Element
    declaration: etree._Element
    content: ContentReader
    log: ProblemLog
    columns: bool

    @property
    def cardinality(self) -> str:
        return attribute(self.declaration, "cardinality")

    @property
    def shuffle(self) -> bool:
        return attribute(self.element, "shuffle", "false") == "true"

    def refused(self, message: str) -> UnrecognisedError:
        return UnrecognisedError(self.element, message)

    def correct(self) -> list[str]:
        """The correct values, white space collapsed."""
        correct = child(self.declaration, "qti-correct-response")
        return [] if correct is None else [text_of(v) for v in children(correct, "qti-value")]

    def whole(self, name: str, usual: int) -> int:
        """A whole number of an attribute; `usual` where it is missing."""
        return whole_number(self.element, name, usual)


def whole_number(element: etree._Element, name: str, usual: int) -> int:
    """A whole number of an attribute, `usual` where it is missing; raises UnrecognisedError."""
    text = attribute(element, name).strip()
    if not text:
        return usual
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII):
        raise UnrecognisedError(element, f"{name} {text[:20]!r} is no whole number")
    return int(text)


def options_in(source: Source, elements: Iterable[etree._Element]) -> tuple[Option, ...]:
    """The options that elements are."""
    return tuple(
        Option(
            attribute(choice, "identifier"),
            source.content.fragment(choice),
            attribute(choice, "fixed", "false") == "true",
        )
        for choice in elements
    )


def pieces_in(source: Source, parent: etree._Element, *names: str) -> tuple[Piece, ...]:
    """The pieces below an element."""
    return tuple(
        Piece(
            attribute(choice, "identifier"),
            source.content.fragment(choice),
            attribute(choice, "fixed", "false") == "true",
            whole_number(choice, "match-max", 1),
        )
        for choice in children(parent, *names)
    )


def choice_key(correct: list[str], printed: list[str]) -> ChoiceKey | None:
    """The correct values in printed order; an unknown one stays and is refused with the item."""
    places = {name: place for place, name in enumerate(printed)}
    right = sorted(correct, key=lambda name: places.get(name, len(places)))
    return ChoiceKey(tuple(right)) if right else None


def order_key(source: Source) -> OrderKey | None:
    """The correct order."""
    correct = source.correct()
    return OrderKey(tuple(correct)) if correct else None


def pairs_key(source: Source) -> PairsKey | None:
    """The correct pairs."""
    pairs = []
    for value in source.correct():
        first, _, second = value.partition(" ")
        pairs.append((first, second))
    return PairsKey(tuple(pairs)) if pairs else None
