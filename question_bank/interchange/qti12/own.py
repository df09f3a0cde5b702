"""Marks that are none of the bank's rules, as a QTI 3 processing of the item's own.

The translation is not trusted: it is run, too, and taken where it gives what the file's own
processing gives, for every set of options or every number that the file tells apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, pairwise
from xml.sax.saxutils import escape

from question_bank.interactions import MAX_NUMERIC_TEXT, MultipleChoice, NumericEntry, Option
from question_bank.interchange.moodle.processing import floating, program, variable
from question_bank.interchange.qti12.conditions import (
    Group,
    NotTakenError,
    Program,
    Rule,
    Test,
    number_of,
)
from question_bank.interchange.qti12.marks import MAX_TRIED, tidy
from question_bank.interchange.qti12.presentation import Response
from question_bank.keys import ChoiceKey, NumericKey, ResponseProcessing
from question_bank.qti import processed
from question_bank.qti.reading import program_from
from question_bank.qti.values import Single

NAME = "RESPONSE"
#: Points for one of the file's units, where the best answer earns so much.
Factor = Callable[[Decimal], Decimal]
#: So many answers are tried with the engine.
MAX_ANSWERS = 1_024
_COMPARISONS = {"varequal": "equal", "varlt": "lt", "varlte": "lte", "vargt": "gt",
                "vargte": "gte"}  # fmt: skip
_STOP, _MATCHED = "STOP", "MATCHED"


@dataclass(frozen=True, slots=True)
class Own:
    """An interaction with its key, its processing and its points."""

    interaction: MultipleChoice | NumericEntry
    key: ChoiceKey | NumericKey
    rule: ResponseProcessing
    points: Decimal


@dataclass(frozen=True, slots=True)
class Translator:
    """Translates the processing of one response."""

    name: str
    response: Response
    program: Program

    def multiple(self, factor_of: Factor) -> Own | None:
        """Any marks for any set of options; None where there are too many sets to know."""
        names = [label.id for label in self.response.labels]
        if 2 ** len(names) > MAX_ANSWERS or 2 ** len(names) * self.program.size > MAX_TRIED:
            return None
        sets = [s for n in range(1, len(names) + 1) for s in combinations(names, n)]
        best = max(sets, key=self._earned)
        options = tuple(Option(o.id, o.content, o.fixed) for o in self.response.labels)
        interaction = MultipleChoice(options, self.response.shuffle)
        rule, points = self._rule(sets, self._earned(best), factor_of)
        return Own(interaction, ChoiceKey(best), rule, points) if rule else None

    def number(self, factor_of: Factor) -> Own | None:
        """Any marks for any number."""
        tests = [test for test, _ in self.program.tests(self.response.id)]
        bounds = sorted({n for test in tests if (n := number_of(test.value)) is not None})
        if not bounds or len(bounds) > MAX_ANSWERS // 4:
            return None
        between = [(a + b) / 2 for a, b in pairwise(bounds)]
        told = [bounds[0] - 1, *bounds, *between, bounds[-1] + 1]
        answers = [(format(value, "f"),) for value in told]
        best = max(answers, key=self._earned)
        value = Decimal(best[0])
        length = min(max(len(best[0]) + 2, 8), MAX_NUMERIC_TEXT)
        rule, points = self._rule(answers, self._earned(best), factor_of)
        entry = NumericEntry(length, "0123456789,.-")
        return Own(entry, NumericKey(value), rule, points) if rule else None

    def _earned(self, values: Sequence[str]) -> Decimal:
        return self.program.score({self.response.id: tuple(values)})

    def _rule(
        self, answers: Sequence[tuple[str, ...]], best: Decimal, factor_of: Factor
    ) -> tuple[ResponseProcessing | None, Decimal]:
        if best <= 0:
            return None, Decimal(0)
        factor = factor_of(best)
        points = tidy(best * factor)
        text = program(self.name, points, self._declarations(), "", self._processing(factor))
        made = program_from(text)
        for values in ((), *answers):
            given = list(values) if self.response.kind == "lid" else (values[0] if values else None)
            score = processed(made, {NAME: given}, seed=b"").outcomes.get("SCORE")
            wanted = self.program.score({self.response.id: values} if values else {}) * factor
            earned = score.data if isinstance(score, Single) else None
            if not isinstance(earned, int | float) or abs(float(wanted) - earned) > 1e-6:
                return None, points
        return ResponseProcessing(text, NAME), points

    def _declarations(self) -> str:
        types = ("multiple", "identifier") if self.response.kind == "lid" else ("single", "float")
        state = "".join(
            f'<qti-outcome-declaration identifier="{name}" cardinality="single" '
            'base-type="float"><qti-default-value><qti-value>0</qti-value></qti-default-value>'
            "</qti-outcome-declaration>"
            for name in (_STOP, _MATCHED)
        )
        return (
            f'<qti-response-declaration identifier="{NAME}" cardinality="{types[0]}" '
            f'base-type="{types[1]}"/>{state}'
        )

    def _processing(self, factor: Decimal) -> str:
        begun = _set("SCORE", floating(self.program.start))
        rules = "".join(self._rule_of(rule) for rule in self.program.rules)
        score = variable("SCORE")
        if self.program.least is not None:
            score = f"<qti-max>{score}{floating(self.program.least)}</qti-max>"
        if self.program.most is not None:
            score = f"<qti-min>{score}{floating(self.program.most)}</qti-min>"
        scaled = _set("SCORE", f"<qti-product>{score}{floating(factor)}</qti-product>")
        return begun + rules + scaled

    def _rule_of(self, rule: Rule) -> str:
        """One condition: asked unless one before has ended it."""
        changes = "".join(_set("SCORE", _changed(*change)) for change in rule.changes)
        ended = "" if rule.continues else _set(_STOP, floating(Decimal(1)))
        return (
            "<qti-response-condition><qti-response-if><qti-and>"
            f"{_is_zero(_STOP)}{self._group(rule.condition)}</qti-and>{changes}"
            f"{_set(_MATCHED, floating(Decimal(1)))}{ended}</qti-response-if>"
            "</qti-response-condition>"
        )

    def _group(self, group: Group) -> str:
        if group.operator == "other":
            return _is_zero(_MATCHED)
        parts = "".join(
            self._test(part) if isinstance(part, Test) else self._group(part)
            for part in group.parts
        )
        if group.operator == "not":
            return f"<qti-not><qti-and>{parts}</qti-and></qti-not>"
        if not parts:
            truth = "false" if group.operator == "or" else "true"
            return f'<qti-base-value base-type="boolean">{truth}</qti-base-value>'
        return f"<qti-{group.operator}>{parts}</qti-{group.operator}>"

    def _test(self, test: Test) -> str:
        """A comparison; of nothing it is false, and not NULL as QTI 3 has it."""
        is_null = f"<qti-is-null>{variable(NAME)}</qti-is-null>"
        if test.operator == "unanswered":
            return is_null
        return f"<qti-and><qti-not>{is_null}</qti-not>{self._compared(test)}</qti-and>"

    def _compared(self, test: Test) -> str:
        if self.response.kind == "lid":
            values = test.value.split(",") if test.operator == "varsubset" else [test.value]
            if test.operator not in ("varequal", "varsubset") or test.index:
                raise NotTakenError(self.response.element, f"{test.operator} is not supported")
            found = "".join(
                f'<qti-member><qti-base-value base-type="identifier">{escape(value)}'
                f"</qti-base-value>{variable(NAME)}</qti-member>"
                for value in values
            )
            return f"<qti-and>{found}</qti-and>"
        number = number_of(test.value)
        if number is None or test.operator not in _COMPARISONS:
            raise NotTakenError(self.response.element, f"{test.value[:40]!r} is no number")
        name = _COMPARISONS[test.operator]
        mode = ' tolerance-mode="exact"' if name == "equal" else ""
        return f"<qti-{name}{mode}>{variable(NAME)}{floating(number)}</qti-{name}>"


def _set(name: str, expression: str) -> str:
    return f'<qti-set-outcome-value identifier="{name}">{expression}</qti-set-outcome-value>'


def _is_zero(name: str) -> str:
    return f'<qti-equal tolerance-mode="exact">{variable(name)}{floating(Decimal(0))}</qti-equal>'


def _changed(action: str, amount: Decimal) -> str:
    score, other = variable("SCORE"), floating(amount)
    match action:
        case "set":
            return other
        case "add":
            return f"<qti-sum>{score}{other}</qti-sum>"
        case "subtract":
            return f"<qti-subtract>{score}{other}</qti-subtract>"
        case "multiply":
            return f"<qti-product>{score}{other}</qti-product>"
        case _:
            return f"<qti-divide>{score}{other}</qti-divide>"
