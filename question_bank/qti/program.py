"""The internal form of an item's or a test's declarations and processing.

One vocabulary for QTI 2.0 to 3.0: names of elements and attributes in lower case without hyphens
and without `qti-` ("mapResponsePoint" and "qti-map-response-point" are `mapresponsepoint`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from question_bank.qti.values import BaseType, Cardinality, Single, Value

Kind = Literal["response", "outcome", "template"]


@dataclass(frozen=True, slots=True)
class MapEntry:
    """What one value is worth; texts of a case-insensitive entry are compared folded."""

    key: Single
    worth: float
    case_sensitive: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest result of a mapping."""

    lower: float | None
    upper: float | None

    def kept(self, total: float) -> float:
        """`total`, within the bounds."""
        if self.lower is not None:
            total = max(total, self.lower)
        return total if self.upper is None else min(total, self.upper)


@dataclass(frozen=True, slots=True)
class ValueMapping:
    """`mapping`: what values are worth."""

    entries: tuple[MapEntry, ...]
    default: float
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Shape:
    """A region of a picture: circle x,y,r; rect x1,y1,x2,y2; ellipse x,y,h,v; poly x,y,…;
    default (everywhere)."""

    name: Literal["circle", "rect", "ellipse", "poly", "default"]
    coords: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AreaMapping:
    """`areaMapping`: what points in areas are worth, in order."""

    areas: tuple[tuple[Shape, float], ...]
    default: float
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class MatchTable:
    """Whole numbers and what each becomes."""

    entries: Mapping[int, Value | None]
    default: Value | None


@dataclass(frozen=True, slots=True)
class InterpolationTable:
    """(lower end, whether the end belongs to it, what it becomes), in the file's order."""

    entries: tuple[tuple[float, bool, Value | None], ...]
    default: Value | None


Table = MatchTable | InterpolationTable


@dataclass(frozen=True, slots=True)
class Declaration:
    """A variable: its type and what is declared with it."""

    identifier: str
    kind: Kind
    cardinality: Cardinality
    base_type: BaseType | None
    default: Value | None = None
    correct: Value | None = None
    mapping: ValueMapping | None = None
    areas: AreaMapping | None = None
    table: Table | None = None
    normal_maximum: float | None = None
    normal_minimum: float | None = None
    external_scored: str = ""


@dataclass(frozen=True, slots=True)
class Expression:
    """An operator with its attributes and operands; `value` of a baseValue, `table` of a
    lookupTable."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    operands: tuple["Expression", ...] = ()
    value: Value | None = None
    table: Table | None = None
    line: int | None = None


Target = Literal["outcome", "response", "template", "default", "correct"]


@dataclass(frozen=True, slots=True)
class SetValue:
    """Gives a variable (or its default or correct value) the value of an expression; without an
    expression (setDefaultValue in response processing): its declared default."""

    target: Target
    identifier: str
    expression: Expression | None


@dataclass(frozen=True, slots=True)
class LookUp:
    """lookupOutcomeValue: the outcome becomes what its table says."""

    identifier: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Branch:
    """Rules, and the condition they stand under; None in an else."""

    condition: Expression | None
    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """If, else if, else: the first branch whose condition is true."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """templateConstraint: unless true, the template variables are drawn again."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Exit:
    """exitResponse, exitTemplate, exitTest: the rest is not run."""


Rule = SetValue | LookUp | Condition | Constraint | Exit


@dataclass(frozen=True, slots=True)
class Program:
    """What an item or a test declares and processes.

    `unsupported` names what the engine cannot do (custom operators, unknown elements): their
    values are NULL, and marks must not be given by such a program unseen.
    """

    identifier: str
    adaptive: bool
    declarations: Mapping[str, Declaration]
    template_rules: tuple[Rule, ...] = ()
    response_rules: tuple[Rule, ...] = ()
    outcome_rules: tuple[Rule, ...] = ()
    unsupported: tuple[str, ...] = ()
    is_test: bool = False
