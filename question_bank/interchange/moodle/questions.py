"""A question as all formats of Moodle tell it, and the item that it becomes."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from question_bank.content import Report, is_loss, plain_text
from question_bank.errors import ContentError, FileRefusedError, ItemError
from question_bank.interactions import Interaction
from question_bank.interchange.encodings import decoded
from question_bank.interchange.languages import language_of
from question_bank.interchange.problems import ProblemLog
from question_bank.item import Item, ItemMetadata, Media, Stimulus
from question_bank.keys import Key, ScoringRule

FULL = Decimal(100)
MAX_TEXT = 16 * 1024 * 1024
MAX_DIGITS = 50
MAX_EXPONENT = 25
MAX_POINTS = 10_000
MAX_ANSWERS = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARKS = Decimal("0.000001")
# A fraction of Moodle has so many decimals; three thirds are 99.99999.
_ROUNDED = Decimal("0.0001")


class UnsupportedError(Exception):
    """A question that cannot be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its content, what it is worth in percent, how far a number may be from it."""

    content: str
    percent: Decimal
    tolerance: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Question:
    """One question, cleaned; `line` is where it begins, `around` the language of its file."""

    id: str
    line: int | None
    stem: str
    metadata: ItemMetadata = field(default_factory=ItemMetadata)
    explanation: str = ""
    points: Decimal = Decimal(1)
    media: tuple[Media, ...] = ()
    stimulus: Stimulus | None = None
    around: str = ""

    @property
    def language(self) -> str:
        """The language of the metadata, else of the stem's letters, else of the file's."""
        return self.metadata.language or language_of(plain_text(self.stem), self.around)

    def item(
        self, interaction: Interaction, key: Key, rule: ScoringRule, stem: str | None = None
    ) -> Item:
        """The item that it becomes; raises UnsupportedError where its pieces do not fit."""
        try:
            return Item(
                id=self.id,
                stem=self.stem if stem is None else stem,
                interaction=interaction,
                key=key,
                scoring=rule,
                points=self.points,
                metadata=replace(self.metadata, language=self.language),
                media=self.media,
                stimulus=self.stimulus,
                explanation=self.explanation,
            )
        except (ItemError, ContentError) as error:
            raise UnsupportedError(str(error)) from None


def text_of(data: bytes, file: str, log: ProblemLog) -> str:
    """The text of a GIFT or Aiken file; raises FileRefusedError where it cannot be read."""
    if len(data) > MAX_TEXT:
        raise FileRefusedError(f"{file}: more than {MAX_TEXT} bytes of text")
    text = decoded(data, file, log).replace("\r\n", "\n").replace("\r", "\n")
    if odd := _CONTROL.search(text):
        message = "control characters, which no content may have, became blanks"
        log.warning(text.count("\n", 0, odd.start()) + 1, "text", message)
    return _CONTROL.sub(" ", text)


def identifier_of(file: str) -> str:
    """A file's name without its ending, in letters that every format takes for an identifier."""
    stem = file.rpartition("/")[2].partition(".")[0].replace("đ", "d").replace("Đ", "D")
    plain = unicodedata.normalize("NFD", stem)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:80] or "moodle"


def picture_reporter(log: ProblemLog, line: int) -> Report:
    """Tells the problems of content in a format that holds no pictures: one that it names is an
    error, since without it the question is another one."""

    def report(element: str, message: str) -> None:
        missing = element in ("img", "audio") and message.endswith("which is not in the file")
        lost = missing or is_loss(element, message)
        (log.error if lost else log.warning)(line, element, message)

    return report


def number_of(text: str) -> Decimal:
    """A number as Moodle writes it; raises UnsupportedError."""
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise UnsupportedError(f"{text.strip()[:40]!r} is no number") from None
    if not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT or len(text) > MAX_DIGITS:
        raise UnsupportedError(f"{text.strip()[:40]!r} is no number that can be asked for")
    return Decimal(int(value)) if value == value.to_integral_value() else value


def points_of(text: str) -> Decimal:
    """The marks of a question, 1 where nothing is said; raises UnsupportedError."""
    points = number_of(text or "1")
    if not 0 <= points <= MAX_POINTS:
        raise UnsupportedError(f"{text[:20]} marks are out of range")
    return points


def worths_of(percents: Sequence[Decimal], points: Decimal, *, together: bool) -> list[Decimal]:
    """What answers of these percents are worth. `together`: those above 0 make up all marks where
    only the rounding of their fractions stands between (33.33333 three times)."""
    worths = [percent / FULL * points for percent in percents]
    right = [place for place, worth in enumerate(worths) if worth > 0]
    missing = points - sum(worths[place] for place in right)
    if together and right and 0 < abs(missing) <= _ROUNDED * points:
        for place, share in zip(right, shares(points, len(right)), strict=True):
            equal = abs(worths[place] - share) <= _ROUNDED * points
            worths[place] = share if equal else worths[place]
        worths[right[-1]] += points - sum(worths[place] for place in right)
    return worths


def shares(points: Decimal, count: int) -> list[Decimal]:
    """The points in equal parts; where they do not go, the last one has what is over."""
    part = (points / count).quantize(_MARKS).normalize() + 0
    return [part] * (count - 1) + [points - part * (count - 1)]
