"""What an item is: a stem, an interaction, a key and the rule that turns answers into marks.

Content (stems, options) is a well-formed XHTML fragment as `question_bank.content` cleans it.
Interactions, keys and scoring rules are tagged unions: a new kind is a new member.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Literal, get_args

from question_bank import plain
from question_bank.errors import ItemError, MalformedError

MAX_OPTIONS = 26
MAX_NUMERIC_TEXT = 32
MAX_WORD = 64


# DESIGN's closed list of kinds, as far as this version can present and score them.
Kind = Literal["single", "multiple", "tf_cluster", "numeric"]
# Cognitive level: Nhận biết, Thông hiểu, Vận dụng, vận dụng Cao.
Level = Literal["N", "H", "V", "C"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a choice or one statement of a cluster. `fixed` keeps its printed place."""

    id: str
    content: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class SingleChoice:
    """Choose one option."""

    kind: ClassVar[Kind] = "single"
    options: tuple[Option, ...]
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class MultipleChoice:
    """Choose any number of options."""

    kind: ClassVar[Kind] = "multiple"
    options: tuple[Option, ...]
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class TrueFalseCluster:
    """Judge every statement true or false."""

    kind: ClassVar[Kind] = "tf_cluster"
    statements: tuple[Option, ...]
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class NumericEntry:
    """Enter a number: at most `max_length` characters out of `allowed`.

    `tolerance` is the largest accepted distance from the key; 0 means exactly equal.
    """

    kind: ClassVar[Kind] = "numeric"
    max_length: int = 4
    allowed: str = "0123456789,-"
    tolerance: Decimal = Decimal(0)
    unit: str = ""


Interaction = SingleChoice | MultipleChoice | TrueFalseCluster | NumericEntry


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


Key = ChoiceKey | ClusterKey | NumericKey


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


ScoringRule = AllOrNothing | GradedCluster | MappedChoice

# The Ministry's rule since 2025 for a cluster of four statements: 0.1 / 0.25 / 0.5 / 1.0.
NATIONAL_2025_CLUSTER = GradedCluster(
    (Decimal(0), Decimal("0.1"), Decimal("0.25"), Decimal("0.5"), Decimal(1))
)


@dataclass(frozen=True, slots=True)
class ItemMetadata:
    """What the bank knows about an item; a candidate is shown none of it."""

    subject: str = ""
    grade: str = ""
    topic: str = ""
    level: Level | None = None
    code: str = ""
    language: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture that content names as `<img src="media:ID">`."""

    id: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the bank in one version. Raises ItemError where its pieces do not fit."""

    id: str
    stem: str
    interaction: Interaction
    key: Key
    scoring: ScoringRule
    points: Decimal
    metadata: ItemMetadata = field(default_factory=ItemMetadata)
    media: tuple[Media, ...] = ()
    version: int = 1

    def __post_init__(self) -> None:
        if self.version < 1:
            raise ItemError(f"item {self.id}: versions count from 1")
        if not self.points.is_finite() or self.points < 0:
            raise ItemError(f"item {self.id}: points must be a number that is not negative")
        _check_ids(self)
        _check_options(self)
        _check_key(self)
        _check_scoring(self)

    @property
    def kind(self) -> Kind:
        """The interaction's kind, of DESIGN's closed list."""
        return self.interaction.kind


def options_of(interaction: Interaction) -> tuple[Option, ...]:
    """The options of a choice, the statements of a cluster, nothing of a numeric entry."""
    match interaction:
        case SingleChoice(options=options) | MultipleChoice(options=options):
            return options
        case TrueFalseCluster(statements=statements):
            return statements
        case NumericEntry():
            return ()


def _check_ids(item: Item) -> None:
    try:
        for name in (item.id, *(option.id for option in options_of(item.interaction))):
            plain.identifier(name, "item" if name == item.id else f"item {item.id}, option")
    except MalformedError as error:
        raise ItemError(str(error)) from None


def _check_options(item: Item) -> None:
    options = options_of(item.interaction)
    if isinstance(item.interaction, NumericEntry):
        _check_entry(item, item.interaction)
    elif not 1 <= len(options) <= MAX_OPTIONS:
        raise ItemError(f"item {item.id}: 1 to {MAX_OPTIONS} options are possible")
    if len({option.id for option in options}) != len(options):
        raise ItemError(f"item {item.id}: two options have the same id")


def _check_entry(item: Item, entry: NumericEntry) -> None:
    if not 1 <= entry.max_length <= MAX_NUMERIC_TEXT:
        raise ItemError(f"item {item.id}: 1 to {MAX_NUMERIC_TEXT} characters can be entered")
    if not 1 <= len(entry.allowed) <= MAX_WORD or len(entry.unit) > MAX_WORD:
        raise ItemError(f"item {item.id}: its characters or its unit are missing or too many")
    if not entry.tolerance.is_finite() or entry.tolerance < 0:
        raise ItemError(f"item {item.id}: the tolerance must not be negative")


def _check_key(item: Item) -> None:
    ids = {option.id for option in options_of(item.interaction)}
    match item.interaction, item.key:
        case SingleChoice(), ChoiceKey(options=right):
            fits = len(right) == 1 and set(right) <= ids
        case MultipleChoice(), ChoiceKey(options=right):
            fits = len(set(right)) == len(right) and set(right) <= ids
        case TrueFalseCluster(), ClusterKey(values=values):
            fits = set(values) == ids
        case NumericEntry(), NumericKey(value=value):
            fits = value.is_finite()
        case _:
            fits = False
    if not fits:
        raise ItemError(f"item {item.id}: the key does not fit its {item.kind} interaction")


def _check_scoring(item: Item) -> None:
    match item.scoring:
        case AllOrNothing():
            fits = True
        case GradedCluster(table=table):
            statements = len(options_of(item.interaction))
            fits = (
                isinstance(item.interaction, TrueFalseCluster)
                and len(table) == statements + 1
                and table[-1] == item.points == max(table)
            )
        case MappedChoice(worth=worth):
            ids = {option.id for option in options_of(item.interaction)}
            fits = isinstance(item.interaction, SingleChoice | MultipleChoice) and set(worth) <= ids
    if not fits:
        raise ItemError(f"item {item.id}: the scoring rule {item.scoring.name} does not fit it")
