"""Questions, passages and answers as a scan of the document finds them."""

from dataclasses import dataclass, field

from question_bank.interchange.word.answers import Answer
from question_bank.interchange.word.model import Strip, joined
from question_bank.interchange.word.phrases import SHARED

LONG_PASSAGE = 300
#: So many lines of a question a line below them looks through for options.
LOOKED_BACK = 100


@dataclass(slots=True)
class Shared:
    """What stands before several questions: what to do, and a passage to do it with."""

    paragraph: int
    lines: list[Strip] = field(default_factory=list)
    last: int | None = None  # the number of the last question it is for, where it says so
    used: bool = False  # whether an item shows it

    def parts(self) -> tuple[Strip, Strip]:
        """(the instruction, the passage); either may be blank."""
        lines = [line for line in self.lines if not line.is_blank]
        if not lines:
            return Strip(), Strip()
        first, rest = lines[0], lines[1:]
        if SHARED.match(first.text):
            return first.trimmed(), joined(rest)
        if not rest and len(first.text) < LONG_PASSAGE:
            return first.trimmed(), Strip()
        return Strip(), joined(lines)


@dataclass(slots=True)
class Draft:
    """A question as it is found, before it is an item."""

    number: int
    paragraph: int
    part: int = 0
    word: str = ""
    remark: str = ""
    id: str = ""
    key: str = ""
    level: str = ""
    essay: bool = False  # its part of the paper, or its label, asks for a written text
    shared: Shared | None = None
    body: list[Strip] = field(default_factory=list)
    solution: list[Strip] = field(default_factory=list)

    def latest(self) -> Strip:
        """The body as far as a line below it looks for what it belongs to."""
        return joined(self.body[-LOOKED_BACK:])


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """An answer that stands apart, with the part of the paper it stands under."""

    part: int
    answer: Answer
    paragraph: int


@dataclass(slots=True)
class Scan:
    """What a document holds."""

    drafts: list[Draft] = field(default_factory=list)
    answers: list[FoundAnswer] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
    subject: str = ""
    kept: dict[tuple[int, str], Strip] = field(default_factory=dict)  # by part and number
