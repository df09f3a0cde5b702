"""What an item is: a stem, an interaction, a key and the rule that turns answers into marks.

Content (stems, options) is a well-formed XHTML fragment as `question_bank.content` cleans it.
Interactions (`interactions`), keys and scoring rules (`keys`) are tagged unions: a new kind is a
new member. An item whose pieces do not go together cannot be made (`fitting`).
"""

from dataclasses import dataclass, field
from decimal import Decimal

from question_bank import plain
from question_bank.content import sounds_of, value_names
from question_bank.errors import ItemError, MalformedError
from question_bank.fitting import check_interaction, check_stem
from question_bank.interactions import (
    MAX_NUMERIC_TEXT,
    MAX_OPTIONS,
    MAX_WORD,
    Interaction,
    Kind,
    MultipleChoice,
    NumericEntry,
    Option,
    SingleChoice,
    TrueFalseCluster,
    contents_of,
    kind_of,
    options_of,
)
from question_bank.key_fitting import check_key, check_scoring
from question_bank.keys import (
    NATIONAL_2025_CLUSTER,
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    Key,
    MappedChoice,
    NumericKey,
    ResponseProcessing,
    ScoringRule,
)
from question_bank.metadata import LEVELS, MAX_ENEMIES, Bloom, ItemMetadata, Level
from question_bank.qti.program import Program
from question_bank.qti.reading import program_from

__all__ = [
    "LEVELS", "MAX_NUMERIC_TEXT", "MAX_OPTIONS", "MAX_WORD", "NATIONAL_2025_CLUSTER",
    "AllOrNothing", "Bloom", "ChoiceKey", "ClusterKey", "GradedCluster", "Interaction", "Item",
    "ItemMetadata", "Key", "Kind", "Level", "MappedChoice", "Media", "MultipleChoice",
    "NumericEntry", "NumericKey", "Option", "ResponseProcessing", "ScoringRule", "SingleChoice",
    "Stimulus", "TrueFalseCluster", "options_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stimulus:
    """What several items refer to: a reading passage, a table of data. Its id is the same in all
    of them; its pictures are among the media of each."""

    id: str
    content: str


@dataclass(frozen=True, slots=True)
class Media:
    """A picture that content names as `<img src="media:ID">`, or a sound (`<audio …/>`)."""

    id: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the bank in one version. Raises ItemError where its pieces do not fit.

    `explanation` is content for item writers and for after the exam; no candidate is sent it.
    """

    id: str
    stem: str
    interaction: Interaction
    key: Key
    scoring: ScoringRule
    points: Decimal
    metadata: ItemMetadata = field(default_factory=ItemMetadata)
    media: tuple[Media, ...] = ()
    version: int = 1
    stimulus: Stimulus | None = None
    explanation: str = ""

    def __post_init__(self) -> None:
        if self.version < 1:
            raise ItemError(f"item {self.id}: versions count from 1")
        if not self.points.is_finite() or self.points < 0:
            raise ItemError(f"item {self.id}: points must be a number that is not negative")
        self._check_names()
        where = f"item {self.id}"
        check_interaction(where, self.interaction)
        check_stem(where, self.stem, self.interaction)
        check_key(where, self.interaction, self.key, self.scoring)
        check_scoring(where, self.interaction, self.scoring, self.points)
        self._check_values()
        self._check_sounds()

    @property
    def kind(self) -> Kind:
        """The interaction's kind, of DESIGN's closed list."""
        return kind_of(self.interaction)

    @property
    def program(self) -> Program | None:
        """The item's own QTI processing, where it has some."""
        rule = self.scoring
        return program_from(rule.program) if isinstance(rule, ResponseProcessing) else None

    def _check_values(self) -> None:
        """What the texts print is declared as a template variable."""
        if self.stimulus is not None and value_names(self.stimulus.content):
            raise ItemError(f"item {self.id}: a stimulus cannot print a template variable")
        program = self.program
        declared = {} if program is None else program.declarations
        for fragment in (self.stem, *contents_of(self.interaction)):
            for name in value_names(fragment):
                if name not in declared or declared[name].kind != "template":
                    raise ItemError(f"item {self.id}: there is no template variable {name[:60]}")

    def _check_sounds(self) -> None:
        """Sounds are heard in the stem and the stimulus; each has one number of plays."""
        if any(sounds_of(fragment) for fragment in contents_of(self.interaction)):
            raise ItemError(f"item {self.id}: a sound stands in the stem or the stimulus")
        stimulus = self.stimulus.content if self.stimulus else ""
        plays = {*sounds_of(self.stem), *sounds_of(stimulus)}
        if len({name for name, _ in plays}) != len(plays):
            raise ItemError(f"item {self.id}: a sound has two numbers of plays")

    def _check_names(self) -> None:
        try:
            plain.identifier(self.id, "item")
            if self.stimulus is not None:
                plain.identifier(self.stimulus.id, f"item {self.id}, stimulus")
            for enemy in self.metadata.enemies:
                plain.identifier(enemy, f"item {self.id}, enemy")
        except MalformedError as error:
            raise ItemError(str(error)) from None
        if self.id in self.metadata.enemies:
            raise ItemError(f"item {self.id}: it cannot be its own enemy")
        if len(self.metadata.enemies) > MAX_ENEMIES:
            raise ItemError(f"item {self.id}: more than {MAX_ENEMIES} enemies")
