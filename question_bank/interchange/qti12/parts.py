"""Several responses of one item: what each is worth alone, or that only all together count."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from question_bank.interchange.qti12.conditions import NotTakenError, Program
from question_bank.interchange.qti12.marks import Marked, scaled
from question_bank.interchange.qti12.presentation import Response
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    CompositeKey,
    External,
    NumericKey,
    OrderKey,
    PairsKey,
    PartMarks,
    ScoringRule,
    SimpleKey,
    SumOfParts,
    TextKey,
)

Given = Mapping[str, tuple[str, ...]]
#: Marks one response while the others are answered so.
MarkPart = Callable[[Response, Given], Marked]
Warn = Callable[[Response, str], None]


_FOR_PEOPLE = "no marks are told for it; people mark it, for what is left of the maximum"
_FOR_NOTHING = "no marks are told for it; it is asked for and earns nothing"


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts by their idents; `alone`: each has marks of its own."""

    marks: Mapping[str, Marked]
    alone: bool
    worth: Decimal

    def key(self) -> CompositeKey:
        return CompositeKey({name: one.key for name, one in self.marks.items()})

    def scaled(
        self, factor: Decimal, full: Decimal
    ) -> tuple[Mapping[str, Marked], ScoringRule, Decimal]:
        """The parts with everything worth `factor` times as much, together `full`."""
        if not self.alone:
            return self.marks, AllOrNothing(), full
        marks = {name: scaled(one, factor) for name, one in self.marks.items()}
        points = {name: one.worth for name, one in marks.items()}
        last = next((n for n in reversed(marks) if isinstance(marks[n].rule, AllOrNothing)), None)
        rest = full - sum(points.values(), Decimal(0))
        if last is not None:
            points[last] += rest
        rule = SumOfParts({n: PartMarks(one.rule, points[n]) for n, one in marks.items()})
        return marks, rule, sum(points.values(), Decimal(0))


def composite(
    responses: Sequence[Response], program: Program | None, mark: MarkPart, warn: Warn
) -> Parts:
    """All responses marked; raises NotTakenError where the sum is not what the file says."""
    if program is None or not any(any(program.tests(one.id)) for one in responses):
        marks = {one.id: mark(one, {}) for one in responses}  # texts for people, or refused
        return Parts(marks, True, sum((one.worth for one in marks.values()), Decimal(0)))
    right = {one.id: _told(one, program) for one in responses}
    if (
        program.score(right) > 0
        and all(program.score({n: v for n, v in right.items() if n != left}) == 0 for left in right)
        and len(responses) > 1
    ):
        marks = {
            one.id: mark(one, {n: v for n, v in right.items() if n != one.id}) for one in responses
        }
        return Parts(marks, False, program.score(right))
    marks = {one.id: mark(one, {}) for one in responses}
    total = sum((m.worth for m in marks.values() if not isinstance(m.rule, External)), Decimal(0))
    answers = {name: one.answer or answer_of(one.key) for name, one in marks.items()}
    highest = program.score({name: values for name, values in answers.items() if values})
    if highest != total + program.start:
        raise NotTakenError(responses[0].element, "its responses' marks are no sum of their own")
    unscored = [one for one in responses if not any(program.tests(one.id))]
    rest = max((program.most or total) - total, Decimal(0))
    for one in unscored:
        marks[one.id] = replace(marks[one.id], worth=rest / len(unscored))
        warn(one, _FOR_PEOPLE if rest else _FOR_NOTHING)
    return Parts(marks, True, sum((one.worth for one in marks.values()), Decimal(0)))


def _told(response: Response, program: Program) -> tuple[str, ...]:
    """The values that the processing names for a response."""
    told = list(
        dict.fromkeys(t.value for t, denied in program.tests(response.id) if not denied and t.value)
    )
    several = response.kind in ("lid", "grp") and response.cardinality != "single"
    return tuple(told) if several else tuple(told[:1])


def answer_of(key: SimpleKey) -> tuple[str, ...]:
    """The right answer as values of a response."""
    match key:
        case ChoiceKey(options=names) | OrderKey(order=names):
            return names
        case TextKey(accepted=accepted):
            return accepted[:1]
        case NumericKey(value=value):
            return (format(value, "f"),)
        case PairsKey(pairs=pairs):
            return tuple(",".join(pair) for pair in pairs)
        case _:
            return ()
