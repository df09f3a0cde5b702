r"""`\match{…}{…} \with[2]{…}[1]{…}{…}`: two columns of ideas to match, as ex_test 3 has them.

Each idea of the first column has a number: its place, or what stands in brackets before it. An
idea of the second column has in brackets the number that it goes with; without one it goes with
none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from question_bank.interactions import MAX_OPTIONS, Match, Piece
from question_bank.interchange.ex_test.rendering import written
from question_bank.interchange.ex_test.source import TexError
from question_bank.interchange.ex_test.tree import Command, Cursor, Node
from question_bank.keys import PairsKey

MATCH, WITH = "match", "with"
Render = Callable[[Sequence[Node]], str]


@dataclass(frozen=True, slots=True)
class Idea:
    """An idea of a column: what stands in brackets before it, if anything does, and its text."""

    number: str | None
    nodes: Sequence[Node]


def ideas(cursor: Cursor) -> list[Idea]:
    """All ideas that follow a `\\match` or a `\\with`."""
    found: list[Idea] = []
    while len(found) <= MAX_OPTIONS:
        at = cursor.at
        number = cursor.optional()
        group = cursor.group()
        if group is None:
            cursor.at = at
            break
        found.append(Idea(None if number is None else written(number).strip(), group.children))
    return found


def matched(
    command: Command, left: Sequence[Idea], right: Sequence[Idea], render: Render
) -> tuple[Match, PairsKey]:
    """The interaction and its key; raises TexError where any idea is left without its like."""
    at = command.at
    if min(len(left), len(right)) < 2:
        raise TexError(at, "\\match has no two ideas, or no \\with of two behind it")
    if max(len(left), len(right)) > MAX_OPTIONS:
        raise TexError(at, f"\\match has more than {MAX_OPTIONS} ideas in a column")
    sources: dict[int, Piece] = {}
    for place, idea in enumerate(left, 1):
        number = place if idea.number is None else _number(idea.number, at)
        if number == 0 or number in sources:
            raise TexError(at, f"\\match gives {number} to an idea; each has a number of its own")
        sources[number] = Piece(f"s{place}", render(idea.nodes))
    targets: list[Piece] = []
    pairs: dict[int, str] = {}
    for place, idea in enumerate(right):
        number = _number(idea.number or "0", at)
        if number and number not in sources:
            raise TexError(at, f"no idea of \\match has the number {number}")
        if number in pairs:
            raise TexError(at, f"two ideas of \\with have the number {number}")
        targets.append(Piece(f"t{chr(ord('a') + place)}", render(idea.nodes), most=0))
        if number:
            pairs[number] = targets[-1].id
    if missing := [str(number) for number in sources if number not in pairs]:
        raise TexError(at, f"\\with has nothing that goes with {', '.join(missing)}")
    key = PairsKey(tuple((piece.id, pairs[number]) for number, piece in sources.items()))
    return Match(tuple(sources.values()), tuple(targets), len(sources)), key


def _number(text: str, at: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 4):
        raise TexError(at, f"{text[:40]!r} is not the number of an idea to match")
    return int(text)
