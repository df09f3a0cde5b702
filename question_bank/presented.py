"""A form as a candidate is shown it: what these types do not have cannot leave the server.

Ids are opaque and per form, options arranged, keys nowhere. The kinds that came after the first
four are the types of `question_bank.interactions`, which hold no key; `shuffle` and `fixed` are
never set in them.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from question_bank.content import sounds_of
from question_bank.errors import MalformedError
from question_bank.interaction_records import Later
from question_bank.item import Media

#: Schema 2 has sections one after the other, each with its time; a free paper has schema 1.
#: Schemas 3 (free) and 4 (sequential) add stimuli and the kinds after the first four, and are
#: taken only where a form has some: what could be said in an older schema still is.
SCHEMAS = (1, 2, 3, 4)
FREE, SEQUENTIAL, FREE_3, SEQUENTIAL_4 = SCHEMAS
MAX_FORM_ITEMS = 500


@dataclass(frozen=True, slots=True)
class PresentedOption:
    """An option or a statement: an opaque id and its content."""

    id: str
    content: str


@dataclass(frozen=True, slots=True)
class PresentedChoice:
    """Options in the order in which they stand on the screen; of several, at most `max_choices`
    may be chosen (0: any)."""

    kind: Literal["single", "multiple"]
    options: tuple[PresentedOption, ...]
    max_choices: int = 0


@dataclass(frozen=True, slots=True)
class PresentedCluster:
    """Statements in the order in which they stand on the screen."""

    kind: ClassVar[Literal["tf_cluster"]] = "tf_cluster"
    statements: tuple[PresentedOption, ...]


@dataclass(frozen=True, slots=True)
class PresentedNumeric:
    """A field for at most `max_length` characters out of `allowed`, with a unit behind it."""

    kind: ClassVar[Literal["numeric"]] = "numeric"
    max_length: int
    allowed: str
    unit: str


PresentedSimple = PresentedChoice | PresentedCluster | PresentedNumeric | Later


@dataclass(frozen=True, slots=True)
class PresentedItemPart:
    """One interaction of several; the stem has its place, `data-part` with this id."""

    id: str
    interaction: PresentedSimple


@dataclass(frozen=True, slots=True)
class PresentedComposite:
    """Several interactions in one text, in the order of their places."""

    kind: ClassVar[Literal["composite"]] = "composite"
    parts: tuple[PresentedItemPart, ...]


PresentedInteraction = PresentedSimple | PresentedComposite


@dataclass(frozen=True, slots=True)
class PresentedStimulus:
    """What the items that name it stand under: a passage, a table of data (content)."""

    id: str
    content: str


@dataclass(frozen=True, slots=True)
class PresentedItem:
    """An item under its number (from 1, through the whole form); `stimulus` by its id."""

    id: str
    number: int
    stem: str
    interaction: PresentedInteraction
    stimulus: str | None = None


@dataclass(frozen=True, slots=True)
class PresentedPart:
    """A part of the paper: a title (plain text), instructions (content) and its items.

    `minutes` is its own time in a sequential paper, None where only the paper's counts.
    """

    title: str
    instructions: str
    items: tuple[PresentedItem, ...]
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class PresentedForm:
    """A form: exam, paper (its title), code (mã đề), time allowed in minutes, parts, pictures.

    Its schema says whether it is `sequential`: parts one after the other, none returned to.
    """

    exam: str
    paper: str
    code: str
    minutes: int
    parts: tuple[PresentedPart, ...]
    media: tuple[Media, ...] = ()
    schema: int = FREE
    stimuli: tuple[PresentedStimulus, ...] = ()

    @property
    def sequential(self) -> bool:
        return self.schema in (SEQUENTIAL, SEQUENTIAL_4)

    @property
    def items(self) -> tuple[PresentedItem, ...]:
        """All items in the order of their numbers."""
        return tuple(item for part in self.parts for item in part.items)


@dataclass(frozen=True, slots=True)
class PresentedSound:
    """A sound of a form: heard at most `plays` times (0: any), under each of `items` (by id)."""

    id: str
    plays: int
    items: frozenset[str]


def sounds_in(form: PresentedForm) -> dict[str, PresentedSound]:
    """The sounds of a form by their id. MalformedError where one has two numbers of plays."""
    stimuli = {stimulus.id: stimulus.content for stimulus in form.stimuli}
    found: dict[str, PresentedSound] = {}
    for item in form.items:
        for fragment in (item.stem, stimuli.get(item.stimulus or "", "")):
            for name, plays in sounds_of(fragment):
                known = found.get(name, PresentedSound(name, plays, frozenset()))
                if known.plays != plays:
                    raise MalformedError(f"form: sound {name!r} has two numbers of plays")
                found[name] = PresentedSound(name, plays, known.items | {item.id})
    return found


def schema_of(
    parts: tuple[PresentedPart, ...], stimuli: tuple[PresentedStimulus, ...], *, sequential: bool
) -> int:
    """The lowest schema that can say it."""
    later = any(_is_later(item.interaction) for part in parts for item in part.items)
    schema = SEQUENTIAL if sequential else FREE
    return schema + 2 if later or stimuli else schema


def _is_later(interaction: PresentedInteraction) -> bool:
    """Whether schemas 1 and 2 cannot say it."""
    match interaction:
        case PresentedChoice(max_choices=most):
            return most > 0
        case PresentedCluster() | PresentedNumeric():
            return False
        case _:
            return True
