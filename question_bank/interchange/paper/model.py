"""A paper as people read it on a sheet: sections, passages, numbered questions, and the key.

Content is XHTML as everywhere; what is answered on a sheet is a block of its own. The writers of
Word and PDF put the same paper on their pages.
"""

from dataclasses import dataclass, field

from question_bank.interactions import Area, Picture
from question_bank.item import Item, Stimulus


@dataclass(frozen=True, slots=True)
class Labelled:
    """What stands under a label: "A." and an option, "a)" and a statement."""

    label: str
    content: str


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a choice, each under its letter."""

    options: tuple[Labelled, ...]


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements, each to be judged true or false."""

    statements: tuple[Labelled, ...]


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """A line to write a few words or a number on; `hint` says what, `unit` stands after it."""

    hint: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class RuledLines:
    """Lines to write a text on."""

    count: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Two sets to pair, side by side."""

    left: tuple[Labelled, ...]
    right: tuple[Labelled, ...]


@dataclass(frozen=True, slots=True)
class Bank:
    """Pieces to be put into gaps."""

    pieces: tuple[Labelled, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """More of the question's text."""

    content: str


@dataclass(frozen=True, slots=True)
class Figure:
    """The picture that is answered on, with its areas under letters."""

    picture: Picture
    areas: tuple[tuple[str, Area], ...]


Block = Options | Statements | AnswerLine | RuledLines | Columns | Bank | Passage | Figure


@dataclass(frozen=True, slots=True)
class Question:
    """One item on a sheet: "Câu 3." and its texts. `key` is the right answer in a few words by the
    sheet's own labels; empty where people mark the answer."""

    item: Item
    number: int
    label: str
    stem: str
    blocks: tuple[Block, ...]
    key: str


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that stand together; what they refer to, and the line that says for which."""

    questions: tuple[Question, ...]
    stimulus: Stimulus | None = None
    passage: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the paper; `title` is plain text, `number` its place, 0 where there is but one."""

    groups: tuple[Group, ...]
    title: str = ""
    number: int = 0
    instructions: str = ""

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions, in order."""
        return tuple(question for group in self.groups for question in group.questions)


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole paper."""

    title: str
    subject: str
    minutes: int | None
    language: str
    sections: tuple[Section, ...] = field(default_factory=tuple)

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions, in order."""
        return tuple(question for section in self.sections for question in section.questions)
