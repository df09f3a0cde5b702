"""Calculated questions: numbers that are drawn, as template variables of the item.

Moodle draws one row of a question's data, and every variable has its value of that row. So does
the item: `row` is drawn, each variable is looked up.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from xml.sax.saxutils import quoteattr

from question_bank.interchange.moodle.arithmetic import expression_of
from question_bank.interchange.moodle.choices import LETTERS
from question_bank.interchange.moodle.html import mark, markable
from question_bank.interchange.moodle.processing import (
    SPARE,
    first_of,
    floating,
    program,
    response,
    response_declared,
    variable,
)
from question_bank.interchange.moodle.questions import (
    FULL,
    MAX_ANSWERS,
    Answer,
    Question,
    UnsupportedError,
    number_of,
    worths_of,
)
from question_bank.item import Item, NumericEntry, Option, ResponseProcessing, SingleChoice
from question_bank.keys import ChoiceKey, NoKey

MAX_ROWS = 1000
MAX_VARIABLES = 30
MAX_VALUES = 50
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")
_PLACE = re.compile(r"\{=([^{}]*(?:\{[^{}]+\}[^{}]*)*)\}|\{([^{}=]+)\}")
_ENTRY = NumericEntry(20, "0123456789,.-")


@dataclass(frozen=True, slots=True)
class Formula:
    """One right answer: a formula, its worth in percent, its tolerance and how that is meant."""

    text: str
    percent: Decimal
    tolerance: Decimal
    kind: str


@dataclass(slots=True)
class Data:
    """A question's variables with their values, row by row; `printed` collects what its texts
    print beyond them, by the name of a template variable."""

    rows: Mapping[str, Sequence[Decimal]]
    printed: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [name for name in self.rows if not _NAME.fullmatch(name)]
        if names:
            raise UnsupportedError(f"a variable of the name {names[0][:40]!r} cannot be taken")
        lengths = {len(values) for values in self.rows.values()}
        if len(self.rows) > MAX_VARIABLES or lengths - {0} != lengths or not lengths:
            raise UnsupportedError("its variables have no values in the file, or are too many")
        if max(lengths) > MAX_ROWS:
            raise UnsupportedError(f"its variables have more than {MAX_ROWS} values")

    @property
    def names(self) -> Mapping[str, str]:
        """The template variable of each variable."""
        return {name: f"v_{name}" for name in self.rows}

    def marked(self, source: str) -> str:
        """HTML with a mark wherever it prints `{a}` or `{={a}+1}`."""
        return _PLACE.sub(self._mark, markable(source))

    def _mark(self, found: re.Match[str]) -> str:
        if found[1] is None:
            name = self.names.get(found[2].strip())
            if name is None:
                return found[0]
        else:
            if len(self.printed) >= MAX_VALUES:
                raise UnsupportedError(f"it prints more than {MAX_VALUES} formulas")
            name = f"value_{len(self.printed) + 1}"
            self.printed[name] = expression_of(found[1], self.names)
        self.places[name] = f"<span data-value={quoteattr(name)}></span>"
        return mark(name)

    def declarations(self, extra: Sequence[str] = ()) -> str:
        """All template variables, declared."""
        names = [*self.names.values(), *self.printed, *extra]
        return _declared("row", "integer") + "".join(_declared(name, "float") for name in names)

    def drawing(self) -> str:
        """Their template processing."""
        count = min(map(len, self.rows.values()))
        row = f'<qti-random-integer min="1" max="{count}"/>'
        parts = [_set("row", row)]
        for name, values in self.rows.items():
            column = "".join(floating(value) for value in values[:count])
            looked_up = f'<qti-index n="row"><qti-ordered>{column}</qti-ordered></qti-index>'
            parts.append(_set(self.names[name], looked_up))
        return "".join([*parts, *(_set(name, text) for name, text in self.printed.items())])


def calculated(question: Question, data: Data, formulas: Sequence[Formula], unit: str) -> Item:
    """A number that a formula gives; the first formula that agrees counts."""
    if len(formulas) > MAX_ANSWERS:
        raise UnsupportedError(f"it has {len(formulas)} answers")
    if not any(formula.percent == FULL for formula in formulas):
        raise UnsupportedError("none of its formulas is worth all marks")
    answers = [f"answer_{place + 1}" for place in range(len(formulas))]
    drawing = data.drawing() + "".join(
        _set(name, expression_of(formula.text, data.names))
        for name, formula in zip(answers, formulas, strict=True)
    )
    right = next(n for n, f in zip(answers, formulas, strict=True) if f.percent == FULL)
    drawing += (
        '<qti-set-correct-response identifier="RESPONSE">'
        f"{variable(right)}</qti-set-correct-response>"
    )
    worths = worths_of([formula.percent for formula in formulas], question.points, together=False)
    branches = [
        (_within(name, formula), worth)
        for name, formula, worth in zip(answers, formulas, worths, strict=True)
    ]
    declared = response_declared("float") + data.declarations(answers)
    text = program(question.id, question.points, declared, drawing, first_of(branches))
    entry = NumericEntry(_ENTRY.max_length, _ENTRY.allowed, unit=unit)
    return question.item(entry, NoKey(), ResponseProcessing(text, "RESPONSE"))


def calculated_choice(
    question: Question, data: Data, answers: Sequence[Answer], *, shuffle: bool
) -> Item:
    """A choice of one whose options print what was drawn."""
    right = [place for place, answer in enumerate(answers) if answer.percent == FULL]
    if not 2 <= len(answers) <= len(LETTERS) or len(right) != 1:
        raise UnsupportedError("it is no choice with one answer that is worth all marks")
    options = tuple(Option(name, a.content) for name, a in zip(LETTERS, answers, strict=False))
    worths = worths_of([answer.percent for answer in answers], question.points, together=False)
    entries = "".join(
        f'<qti-map-entry map-key="{name}" mapped-value="{float(worth)!r}"/>'
        for name, worth in zip(LETTERS, worths, strict=False)
    )
    key = LETTERS[right[0]]
    declared = (
        '<qti-response-declaration identifier="RESPONSE" cardinality="single" '
        f'base-type="identifier"><qti-correct-response><qti-value>{key}</qti-value>'
        f'</qti-correct-response><qti-mapping default-value="0">{entries}</qti-mapping>'
        "</qti-response-declaration>"
    ) + data.declarations()
    marks = (
        '<qti-set-outcome-value identifier="SCORE"><qti-map-response identifier="RESPONSE"/>'
        "</qti-set-outcome-value>"
    )
    text = program(question.id, question.points, declared, data.drawing(), marks)
    rule = ResponseProcessing(text, "RESPONSE")
    return question.item(SingleChoice(options, shuffle), ChoiceKey((key,)), rule)


def _declared(name: str, base_type: str) -> str:
    return (
        f'<qti-template-declaration identifier={quoteattr(name)} cardinality="single" '
        f'base-type="{base_type}"/>'
    )


def _set(name: str, expression: str) -> str:
    return (
        f"<qti-set-template-value identifier={quoteattr(name)}>{expression}"
        "</qti-set-template-value>"
    )


def _within(name: str, formula: Formula) -> str:
    """Whether the number that was answered is near enough to the formula's."""
    value, tolerance = variable(name), floating(formula.tolerance)
    size = f'<qti-math-operator name="abs">{value}</qti-math-operator>'
    spare = f"<qti-product>{floating(SPARE)}<qti-max>{tolerance}{size}</qti-max></qti-product>"
    distance = (
        f'<qti-math-operator name="abs"><qti-subtract>{response()}{value}</qti-subtract>'
        "</qti-math-operator>"
    )
    near = f"<qti-sum>{tolerance}{spare}</qti-sum>"
    match formula.kind:
        case "2" | "nominal":
            return f"<qti-lte>{distance}{near}</qti-lte>"
        case "3" | "geometric":
            factor = f"<qti-sum>{floating(Decimal(1))}{near}</qti-sum>"
            ends = (
                f"<qti-divide>{value}{factor}</qti-divide>",
                f"<qti-product>{value}{factor}</qti-product>",
            )
            return (
                f"<qti-and><qti-gte>{response()}<qti-min>{''.join(ends)}</qti-min></qti-gte>"
                f"<qti-lte>{response()}<qti-max>{''.join(ends)}</qti-max></qti-lte></qti-and>"
            )
        case "1" | "relative" | "":
            return f"<qti-lte>{distance}<qti-product>{size}{near}</qti-product></qti-lte>"
        case other:
            raise UnsupportedError(f"a tolerance of the type {other[:20]!r} is not known")


def data_of(definitions: Mapping[str, Mapping[int, str]]) -> Data:
    """The data of the variables' values by their numbers; rows that all of them have."""
    columns = [set(values) for values in definitions.values()]
    numbers = sorted(set.intersection(*columns)) if columns else []
    return Data(
        {
            name: [number_of(values[number]) for number in numbers]
            for name, values in definitions.items()
        }
    )
