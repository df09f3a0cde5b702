"""Which of the bank's rules a QTI 1.2 `resprocessing` is, found by running it.

A rule is taken where it gives the same marks as the file's own processing for every answer that is
asked for: all of them where they are few, else those next to the right one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations, pairwise

from question_bank.content import plain_text
from question_bank.errors import ItemError
from question_bank.interactions import (
    MAX_GAP_TEXT,
    MAX_NUMERIC_TEXT,
    Area,
    ExtendedText,
    Hotspot,
    InlineChoice,
    MultipleChoice,
    NumericEntry,
    Option,
    Order,
    Picture,
    SelectPoint,
    Simple,
    SingleChoice,
    TextEntry,
)
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti12.conditions import (
    Answers,
    NotTakenError,
    Program,
    Test,
    number_of,
)
from question_bank.interchange.qti12.presentation import Response, shape_of
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    External,
    MappedChoice,
    MappedPairs,
    MappedPoints,
    MappedText,
    NoKey,
    NumericKey,
    OrderKey,
    PartRule,
    SimpleKey,
    Spelling,
    TextKey,
)

#: So many comparisons are made at most to try every set of options of one item.
MAX_TRIED = 50_000
#: More points than this are a slip of the file.
MOST = Decimal(10) ** 12
_NOBODY_TYPES = "\ufffd"


@dataclass(frozen=True, slots=True)
class Marked:
    """An interaction with its key and its rule; what it is worth, in the file's units.

    `answer`: the right values as the file has them.
    """

    interaction: Simple
    key: SimpleKey
    rule: PartRule
    worth: Decimal
    answer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """Asks a program what answers to one response are worth while all others are `given`."""

    program: Program
    response: Response
    log: ProblemLog
    given: Answers

    def worth(self, *values: str) -> Decimal:
        """What these values add to what the other answers earn."""
        return self._score(values) - self._score(())

    def _score(self, values: Sequence[str]) -> Decimal:
        answers = {**self.given, self.response.id: tuple(values)} if values else self.given
        return self.program.score(answers)

    def tests(self) -> Iterator[Test]:
        """The comparisons with the response that are not under a `not`."""
        return (test for test, denied in self.program.tests(self.response.id) if not denied)

    def refused(self, message: str) -> NotTakenError:
        return NotTakenError(self.response.element, message)

    # --- choices

    def single(self, *, in_line: bool = False) -> Marked:
        """One of the labels."""
        options = self._options()
        worth = {option.id: self.worth(option.id) for option in options}
        best = max(worth.values())
        if best <= 0:
            raise self.refused("has no right answer")
        right = [name for name, each in worth.items() if each == best]
        plain = len(right) == 1 and sorted(worth.values())[:-1] == [0] * (len(worth) - 1)
        made = InlineChoice if in_line else SingleChoice
        interaction = made(options, self.response.shuffle)
        rule = AllOrNothing() if plain else MappedChoice(worth)
        return Marked(interaction, ChoiceKey(tuple(right[:1])), rule, best)

    def multiple(self) -> Marked:
        """Any of the labels."""
        options = self._options()
        key, rule, best = self._chosen([option.id for option in options])
        interaction = MultipleChoice(options, self.response.shuffle, self._most(key))
        return Marked(interaction, key, rule, best)

    def _most(self, key: ChoiceKey) -> int:
        """How many may be chosen, 0 where the file does not say less than all."""
        text = str(self.response.render.get("maxnumber", ""))
        most = int(text) if text.isdecimal() and text.isascii() and len(text) < 4 else 0
        return most if len(key.options) <= most < len(self.response.labels) else 0

    def _chosen(self, names: list[str]) -> tuple[ChoiceKey, PartRule, Decimal]:
        """The rule for a set of names: a sum, or all or nothing."""
        alone = {name: self.worth(name) for name in names}
        positive = [name for name in names if alone[name] > 0]
        told = dict.fromkeys(test.value for test in self.tests() if test.operator == "varequal")
        for key in (positive, [name for name in names if name in told]):
            best = self.worth(*key)
            if not key or best <= 0:
                continue
            whole = ChoiceKey(tuple(key))
            tried = list(self._sets(names, key))
            if all(self.worth(*chosen) == (best if set(chosen) == set(key) else 0)
                   for chosen in tried):  # fmt: skip
                return whole, AllOrNothing(), best
            total = sum((alone[name] for name in key), Decimal(0))
            low, high = self.program.least, self.program.most
            bounds = MappedChoice(alone, lower=low, upper=None if high is None else high)
            if best == total and all(self.worth(*c) == _mapped(bounds, c) for c in tried):
                return whole, bounds, best
        raise self.refused(
            "has no right answer, or marks that are neither a sum nor all or nothing"
        )

    def _sets(self, names: Sequence[str], key: Sequence[str]) -> Iterable[tuple[str, ...]]:
        """All sets of names; of many, those of few names and those that are nearly the key."""
        if 2 ** len(names) * max(self.program.size, 1) <= MAX_TRIED:
            return (s for n in range(1, len(names) + 1) for s in combinations(names, n))
        return self._near(names, key)

    def _near(self, names: Sequence[str], key: Sequence[str]) -> Iterator[tuple[str, ...]]:
        right = set(key)
        for count in (0, 1, 2):
            for changed in combinations(names, count):
                chosen = right.symmetric_difference(changed)
                if chosen:
                    yield tuple(name for name in names if name in chosen)
                if changed:
                    yield changed
        yield tuple(names)

    def _options(self) -> tuple[Option, ...]:
        return tuple(Option(one.id, one.content, one.fixed) for one in self.response.labels)

    def order(self) -> Marked:
        """All labels in their order."""
        names = [label.id for label in self.response.labels]
        by_place = {test.index: test.value for test in self.tests() if test.index}
        told = [by_place[place] for place in sorted(by_place)]
        listed = [test.value for test in self.tests() if test.operator in ("varequal", "varsubset")]
        if not told:
            told = listed[0].split(",") if len(listed) == 1 else list(dict.fromkeys(listed))
        if sorted(told) != sorted(names):
            raise self.refused("has no order of all its labels that is right")
        best = self.worth(*told)
        wrong = [(*told[1:], told[0]), *_swapped(told)]
        if best <= 0 or any(self.worth(*order) for order in wrong if list(order) != told):
            raise self.refused("gives marks for an order that is partly right")
        return Marked(
            Order(self._options(), self.response.shuffle), OrderKey(tuple(told)), AllOrNothing(),
            best,
        )  # fmt: skip

    # --- what is typed

    def number(self) -> Marked:
        """A number within bounds: one interval, worth the same everywhere."""
        known = {number_of(test.value): test for test in self.tests()}
        bounds = sorted(value for value in known if value is not None)
        right = [value for value in bounds if self._earns(value)]
        between = [(a + b) / 2 for a, b in pairwise(bounds)]
        inside = sorted([*right, *(value for value in between if self._earns(value))])
        if not inside:
            raise self.refused("has no number that is right")
        low, high, best = self._interval(bounds, inside)
        centre = (low + high) / 2
        told = [v for v in bounds if known[v].operator == "varequal" and 2 * v == low + high]
        value = told[0] if told else centre
        places = max(len(format(value, "f")) + 2, 8)
        entry = NumericEntry(min(places, MAX_NUMERIC_TEXT), "0123456789,.-", (high - low) / 2)
        return Marked(entry, NumericKey(value), AllOrNothing(), best)

    def _earns(self, value: Decimal) -> bool:
        return self.worth(format(value, "f")) > 0

    def _interval(
        self, bounds: Sequence[Decimal], inside: Sequence[Decimal]
    ) -> tuple[Decimal, Decimal, Decimal]:
        low = max((v for v in bounds if v <= inside[0]), default=inside[0])
        high = min((v for v in bounds if v >= inside[-1]), default=inside[-1])
        worths = {self.worth(format(value, "f")) for value in inside}
        between = [(a + b) / 2 for a, b in pairwise(bounds)]
        gaps = [v for v in (*bounds, *between) if low < v < high and not self._earns(v)]
        far = (bounds[0] - 1, bounds[-1] + 1)
        if len(worths) > 1 or gaps or any(map(self._earns, far)):
            raise self.refused("gives marks for numbers that are no one interval")
        if low not in inside or high not in inside:
            message = "an end of the interval is right in the bank, and is not in the file"
            self.log.warning(self.response.element.sourceline, "vargt", message)
        return low, high, worths.pop()

    def text(self) -> Marked:
        """A word: the spellings that earn something."""
        told: dict[str, Test] = {}
        for test in self.tests():
            if test.operator != "varequal":
                raise self.refused(f"{test.operator} of a text is not supported")
            told.setdefault(test.value, test)
        spellings = [
            Spelling(text, self.worth(text), test.case_sensitive)
            for text, test in told.items()
            if text.strip() and self.worth(text) > 0
        ]
        if not spellings:
            raise self.refused("has no text that is right")
        if self.worth(_NOBODY_TYPES):
            raise self.refused("gives marks for any text")
        best = max(one.worth for one in spellings)
        usual = [one.text for one in spellings if one.worth == best]
        cases = {one.case_sensitive for one in spellings}
        length = min(max([20, *(2 * len(one.text) for one in spellings)]), MAX_GAP_TEXT)
        key = TextKey(tuple(usual), case_sensitive=True in cases)
        plain = len(usual) == len(spellings) and len(cases) == 1
        rule = AllOrNothing() if plain else MappedText(tuple(spellings))
        return Marked(TextEntry(length), key, rule, best)

    def blank(self) -> Marked:
        """A word whose labels are the spellings that are right (Canvas)."""
        texts = [plain_text(label.content) for label in self.response.labels]
        worth = {label.id: self.worth(label.id) for label in self.response.labels}
        right = max(worth, key=lambda name: worth[name], default="")
        best = worth.get(right, Decimal(0))
        if best <= 0 or not all(texts):
            raise self.refused("has no text that is right")
        length = min(max([20, *(2 * len(text) for text in texts)]), MAX_GAP_TEXT)
        key = TextKey(tuple(dict.fromkeys(texts)))
        return Marked(TextEntry(length), key, AllOrNothing(), best, (right,))

    # --- pictures

    def hotspot(self, picture: Picture, areas: tuple[Area, ...]) -> Marked:
        """Areas to choose."""
        names = [area.id for area in areas]
        if self.response.cardinality == "multiple":
            key, rule, best = self._chosen(names)
            return Marked(Hotspot(picture, areas, self._most(key)), key, rule, best)
        one = self.single()
        return Marked(Hotspot(picture, areas, 1), one.key, one.rule, one.worth)

    def points(self, picture: Picture) -> Marked:
        """Places to point at: each area of a `varinside` and what it is worth."""
        told = {test.value: test for test in self.tests() if test.operator == "varinside"}
        areas = tuple(
            (shape_of(self.response.element, test.area, value), self.worth(value))
            for value, test in told.items()
        )
        best = sum((worth for _, worth in areas if worth > 0), Decimal(0))
        if self.response.cardinality == "single":
            best = max((worth for _, worth in areas), default=Decimal(0))
        if best <= 0:
            raise self.refused("has no place that is right")
        most = 1 if self.response.cardinality == "single" else len(areas)
        return Marked(SelectPoint(picture, most), NoKey(), MappedPoints(areas), best)


def by_people(response: Response, length: int = 10_000) -> Marked:
    """A text that people mark."""
    rows = str(response.render.get("rows", ""))
    lines = int(rows) if rows.isdecimal() and rows.isascii() and len(rows) < 4 else 8
    most = min(max(lines, 1), 100)
    return Marked(ExtendedText(length, most), NoKey(), External(), Decimal(1))


def _swapped(order: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for at in range(len(order) - 1):
        yield (*order[:at], order[at + 1], order[at], *order[at + 2 :])


def _mapped(rule: MappedChoice, chosen: Iterable[str]) -> Decimal:
    total = sum((rule.worth.get(name, Decimal(0)) for name in chosen), Decimal(0))
    if rule.lower is not None:
        total = max(total, rule.lower)
    return total if rule.upper is None else min(total, rule.upper)


def scaled(marks: Marked, factor: Decimal) -> Marked:
    """The same with everything worth `factor` times as much."""
    rule = marks.rule
    if isinstance(rule, MappedChoice):
        low, high = _times(rule.lower, factor), _times(rule.upper, factor)
        worth = {name: tidy(each * factor) for name, each in rule.worth.items()}
        rule = MappedChoice(worth, lower=low, upper=high)
    elif isinstance(rule, MappedPairs):
        rule = _scaled_pairs(rule, factor)
    elif isinstance(rule, MappedText):
        spellings = (replace(one, worth=tidy(one.worth * factor)) for one in rule.spellings)
        rule = MappedText(tuple(spellings))
    elif isinstance(rule, MappedPoints):
        rule = MappedPoints(tuple((shape, tidy(each * factor)) for shape, each in rule.areas))
    return replace(marks, rule=rule, worth=tidy(marks.worth * factor))


def with_rest(marks: Marked, rest: Decimal) -> PartRule:
    """The rule with what rounding took away given to the last right pair or option again."""
    rule = marks.rule
    if rest == 0:
        return rule
    if isinstance(rule, MappedPairs):
        last = max(rule.worth, key=lambda pair: rule.worth[pair])
        return replace(rule, worth={**rule.worth, last: rule.worth[last] + rest})
    if isinstance(rule, MappedChoice) and isinstance(marks.interaction, MultipleChoice):
        name = max(rule.worth, key=lambda one: rule.worth[one])
        return replace(rule, worth={**rule.worth, name: rule.worth[name] + rest})
    return rule


def _scaled_pairs(rule: MappedPairs, factor: Decimal) -> MappedPairs:
    worth = {pair: tidy(each * factor) for pair, each in rule.worth.items()}
    return MappedPairs(worth, lower=_times(rule.lower, factor), upper=_times(rule.upper, factor))


def _times(value: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if value is None else tidy(value * factor)


def tidy(value: Decimal) -> Decimal:
    """At most six places, none of them needless. Raises ItemError for what no points can be."""
    if abs(value) > MOST:
        raise ItemError(f"marks of {value:.3g} are too large")
    value = round(value, 6)
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()
