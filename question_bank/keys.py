"""What is right, and the rule that turns answers into marks. Server only.

Keys and rules are tagged unions, as interactions are; `question_bank.fitting` says which go
together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from question_bank.interactions import Shape

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ChoiceKey:
    """The options that are right, in printed order."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterKey:
    """The truth of every statement, by its id."""

    values: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class NumericKey:
    """The number asked for."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class TextKey:
    """The spellings that are right, the usual one first."""

    accepted: tuple[str, ...]
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class OrderKey:
    """All options or areas in the right order."""

    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairsKey:
    """The right pairs: source and target, piece and gap; of an associate without direction."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class PointsKey:
    """Where a right answer points, in pixels; what a place is worth is the rule's to say."""

    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class NoKey:
    """Nothing is right by itself: people mark the answer, or the item's own processing does."""


SimpleKey = ChoiceKey | ClusterKey | NumericKey | TextKey | OrderKey | PairsKey | PointsKey | NoKey


@dataclass(frozen=True, slots=True)
class CompositeKey:
    """The key of every part, by its id."""

    parts: Mapping[str, SimpleKey]


Key = SimpleKey | CompositeKey


@dataclass(frozen=True, slots=True)
class AllOrNothing:
    """The item's points where the answer is entirely right, else 0 (QTI match_correct)."""

    name: ClassVar[str] = "all_or_nothing"


@dataclass(frozen=True, slots=True)
class GradedCluster:
    """Marks by the number of statements judged rightly: `table[n]` for n right ones."""

    name: ClassVar[str] = "graded_cluster"
    table: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class MappedChoice:
    """The sum of what each chosen option is worth, kept within bounds (QTI map_response)."""

    name: ClassVar[str] = "mapped_choice"
    worth: Mapping[str, Decimal]
    default: Decimal = Decimal(0)
    lower: Decimal | None = None
    upper: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MappedPairs:
    """The sum of what each pair made is worth, kept within bounds."""

    name: ClassVar[str] = "mapped_pairs"
    worth: Mapping[Pair, Decimal]
    default: Decimal = Decimal(0)
    lower: Decimal | None = None
    upper: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Spelling:
    """A text, and what it is worth."""

    text: str
    worth: Decimal
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class MappedText:
    """What the first spelling is worth that the text agrees with, kept within bounds."""

    name: ClassVar[str] = "mapped_text"
    spellings: tuple[Spelling, ...]
    default: Decimal = Decimal(0)
    lower: Decimal | None = None
    upper: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MappedPoints:
    """The sum of what the areas pointed at are worth, each once (QTI map_response_point)."""

    name: ClassVar[str] = "mapped_points"
    areas: tuple[tuple[Shape, Decimal], ...]
    default: Decimal = Decimal(0)
    lower: Decimal | None = None
    upper: Decimal | None = None


@dataclass(frozen=True, slots=True)
class External:
    """People mark the answer: nothing here gives it a mark."""

    name: ClassVar[str] = "external"


@dataclass(frozen=True, slots=True)
class ResponseProcessing:
    """What the item's own QTI processing says; the server alone runs it.

    `program`: XML of the declarations and the processing (`question_bank.qti` reads it);
    `response`: the variable that holds the answer, nothing where the item is composite, whose
    parts have their variables' names; `true`, `false`: a cluster's columns in it.
    """

    name: ClassVar[str] = "response_processing"
    program: str
    response: str
    true: str = ""
    false: str = ""


PartRule = (
    AllOrNothing | GradedCluster | MappedChoice | MappedPairs | MappedText | MappedPoints | External
)


@dataclass(frozen=True, slots=True)
class PartMarks:
    """How a part is marked, and its points."""

    rule: PartRule
    points: Decimal


@dataclass(frozen=True, slots=True)
class SumOfParts:
    """The marks of all parts added up, by part id; together the item's points."""

    name: ClassVar[str] = "sum_of_parts"
    parts: Mapping[str, PartMarks]


ScoringRule = PartRule | ResponseProcessing | SumOfParts

# The Ministry's rule since 2025 for a cluster of four statements: 0.1 / 0.25 / 0.5 / 1.0.
NATIONAL_2025_CLUSTER = GradedCluster(
    (Decimal(0), Decimal("0.1"), Decimal("0.25"), Decimal("0.5"), Decimal(1))
)
