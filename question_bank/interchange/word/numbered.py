"""Which numbered lines begin the questions of a paper that only numbers them: "1.", "2)".

Such papers number more than questions: the ideas of a list in a question, the steps of a solution.
A question is told by what follows it: options, statements, or a number as its key. Of the numbered
lines up to there, those that go on from 1 inside a solution are its steps; of the others, the one
with the next number begins the question, and what stands between belongs to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from question_bank.interchange.word.drafts import LOOKED_BACK
from question_bank.interchange.word.keys import keys_in_solution, number_in_solution
from question_bank.interchange.word.lines import Entry, Line
from question_bank.interchange.word.model import Strip, joined
from question_bank.interchange.word.options import choices_in, statements_in
from question_bank.interchange.word.phrases import (
    ANSWERS,
    HEADING,
    NUMBERED,
    PART,
    SOLUTION,
    SOLUTIONS,
)

OPTIONS = 3
STATEMENTS = 2


@dataclass(slots=True)
class _Line:
    """A numbered line: where it stands among the entries, its number, what follows it, and whether
    it stands right below a heading of solutions."""

    place: int
    number: int
    below: bool
    strips: list[Strip]

    def asks(self) -> bool:
        """Whether options or statements follow it."""
        span = joined(self.strips)
        return len(choices_in(span)) >= OPTIONS or len(statements_in(span)) >= STATEMENTS

    @property
    def has_key(self) -> bool:
        """Whether a key is told in what follows it."""
        text = joined(self.strips).text
        return bool(keys_in_solution(text)) or number_in_solution(text) is not None


def starts(entries: Iterable[Entry]) -> frozenset[int]:
    """The places of the entries that begin a question."""
    finder = _Finder()
    for place, entry in enumerate(entries):
        if isinstance(entry, Line) and not entry.strip.is_blank:
            finder.take(place, entry.strip)
    finder.end()
    return frozenset(finder.found)


@dataclass(slots=True)
class _Finder:
    """Goes through the lines once. `run`: the numbered lines since the last question was sure."""

    found: set[int] = field(default_factory=set)
    run: list[_Line] = field(default_factory=list)
    last: int = 0
    in_solution: bool = False
    in_answers: bool = False
    below: bool = False

    def take(self, place: int, strip: Strip) -> None:
        """The next line."""
        text = strip.text
        below, self.below = self.below, bool(SOLUTIONS.fullmatch(text))
        if PART.match(text) or HEADING.match(text) or ANSWERS.fullmatch(text):
            self.end()
            self.below, self.in_answers = below, bool(ANSWERS.fullmatch(text))
            return
        numbered = NUMBERED.match(text)
        if numbered and self.in_answers:
            self.found.add(place)
        elif numbered:
            self._close()
            rest = strip.cut(numbered.end())
            self.run.append(_Line(place, int(numbered["number"]), below, [rest]))
            self._key(rest.text)
        else:
            if self.run and len(self.run[-1].strips) < LOOKED_BACK:
                self.run[-1].strips.append(strip)
            if SOLUTION.match(text):
                self._close()
                self.in_solution = True
            self._key(text)

    def end(self) -> None:
        """A part of the paper ends, or all of it: what is left begins questions, but for steps."""
        self._close()
        rest = self.run
        if self.in_solution and not self._tells_again():
            rest = rest[self._steps() :]
        self.found |= {line.place for line in rest}
        self.run, self.last, self.in_solution = [], 0, False

    def _close(self) -> None:
        """What follows the last numbered line is whole: a question is sure where that asks."""
        if self.run and self.run[-1].asks():
            self._begin()

    def _key(self, text: str) -> None:
        """A key ends the solution that its numbered lines are steps of, or is a question's own."""
        number = number_in_solution(text) is not None
        if not (number or keys_in_solution(text)) or (self.run and self.run[-1].asks()):
            return
        steps = [line.number for line in self.run] == list(range(1, len(self.run) + 1))
        if self.in_solution and steps and not self._may_tell_again():
            self.run, self.in_solution = [], False
        elif number and self.run and not self._may_tell_again():
            self._begin()

    def _begin(self) -> None:
        """The next question begins somewhere in the run."""
        steps = min(self._steps(), len(self.run) - 1) if self.in_solution else 0
        ordered = [*self.run[steps:], *self.run[:steps]]
        begun = next((line for line in ordered if line.number == self.last + 1), ordered[0])
        self.found.add(begun.place)
        self.last, self.run, self.in_solution = begun.number, [], False

    def _steps(self) -> int:
        """How many lines of the run go on from 1, where 1 is not the next question's number."""
        if self.last == 0:
            return 0
        count = 0
        while count < len(self.run) and self.run[count].number == count + 1:
            count += 1
        return count

    def _may_tell_again(self) -> bool:
        """Whether the run begins right below a heading of solutions, and each of its lines has a
        key: the solutions of all questions, each under its number."""
        first = bool(self.run) and self.last > 1 and self.run[0].below
        return first and all(line.has_key for line in self.run)

    def _tells_again(self) -> bool:
        numbers = [line.number for line in self.run]
        return self._may_tell_again() and numbers == list(range(1, self.last + 1))
