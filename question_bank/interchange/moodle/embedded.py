"""Cloze: answers embedded in a text, `{1:SHORTANSWER:=Paris~%50%Lyon#near}`."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from question_bank.interactions import (
    Composite,
    InlineChoice,
    MultipleChoice,
    Part,
    SingleChoice,
)
from question_bank.interchange.moodle.choices import chosen, number_part, word
from question_bank.interchange.moodle.html import mark, markable, part
from question_bank.interchange.moodle.questions import (
    FULL,
    Answer,
    Question,
    UnsupportedError,
    number_of,
)
from question_bank.interchange.problems import ProblemLog
from question_bank.item import AllOrNothing, Item
from question_bank.keys import CompositeKey, PartMarks, PartRule, SimpleKey, SumOfParts

_TYPES = {
    "SHORTANSWER": "word", "SA": "word", "MW": "word", "SHORTANSWER_C": "word-case",
    "SAC": "word-case", "MWC": "word-case", "NUMERICAL": "number", "NM": "number",
    "MULTICHOICE": "list", "MC": "list", "MULTICHOICE_S": "list-shuffled", "MCS": "list-shuffled",
    "MULTICHOICE_V": "one", "MCV": "one", "MULTICHOICE_H": "one", "MCH": "one",
    "MULTICHOICE_VS": "one-shuffled", "MCVS": "one-shuffled", "MULTICHOICE_HS": "one-shuffled",
    "MCHS": "one-shuffled", "MULTIRESPONSE": "several", "MR": "several",
    "MULTIRESPONSE_H": "several", "MRH": "several", "MULTIRESPONSE_S": "several-shuffled",
    "MRS": "several-shuffled", "MULTIRESPONSE_HS": "several-shuffled", "MRHS": "several-shuffled",
}  # fmt: skip
_BLOCKS = ("one", "one-shuffled", "several", "several-shuffled")
# The longest name first: MULTICHOICE is the beginning of others.
_NAMES = "|".join(sorted(_TYPES, key=len, reverse=True))
_EMBEDDED = re.compile(rf"\{{(\d{{0,3}}):({_NAMES}):((?:\\.|[^\\{{}}])*)\}}", re.DOTALL)
_ANY = re.compile(r"\{\d*:[A-Z_]+:")
_SPLIT = re.compile(r"\\.|~", re.DOTALL)
_COMMENT = re.compile(r"\\.|#(?!\d{1,5};)", re.DOTALL)
_ESCAPED = re.compile(r"\\([~#}=/\"\\{])")
_WORTH = re.compile(r"\s*(?:=|%(-?\d{1,3}(?:\.\d+)?)%)")
_TAGS = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Embedded:
    """One embedded answer: its place, what it is (of `_TYPES`), its weight and its answers, whose
    contents are HTML; `comments` are its feedback."""

    name: str
    kind: str
    weight: Decimal
    answers: tuple[Answer, ...]
    comments: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where it stands, as content."""
        return part(self.name, block=self.kind in _BLOCKS)


def is_cloze(text: str) -> bool:
    """Whether a text has embedded answers."""
    return bool(_ANY.search(text))


def embedded_in(source: str) -> tuple[str, list[Embedded]]:
    """HTML with a mark for every embedded answer, and these; raises UnsupportedError for one that
    is not understood."""
    found: list[Embedded] = []

    def marked(match: re.Match[str]) -> str:
        kind = _TYPES[match[2]]
        name = f"p{len(found) + 1}"
        answers, comments = _answers(match[3])
        found.append(Embedded(name, kind, Decimal(match[1] or 1), answers, comments))
        return mark(name, block=kind in _BLOCKS)

    marked_source = _EMBEDDED.sub(marked, markable(source))
    if left := _ANY.search(marked_source):
        shown = marked_source[left.start() : left.start() + 40]
        raise UnsupportedError(f"the embedded answer {shown!r} is not understood")
    if not found:
        raise UnsupportedError("its text has no embedded answer")
    return marked_source, found


def _answers(source: str) -> tuple[tuple[Answer, ...], tuple[str, ...]]:
    answers: list[Answer] = []
    comments: list[str] = []
    for piece in _pieces(source, _SPLIT, "~"):
        told, *comment = _pieces(piece, _COMMENT, "#", most=1)
        worth = _WORTH.match(told)
        percent = Decimal(worth[1]) if worth and worth[1] else FULL if worth else Decimal(0)
        text = told[worth.end() :] if worth else told
        if not answers and not text.strip() and not worth:
            continue  # `{1:MC:~a~=b}`: the first ~ begins the first answer
        answers.append(Answer(_ESCAPED.sub(r"\1", text).strip(), percent))
        comments += [one.strip() for one in comment if one.strip()]
    return tuple(answers), tuple(comments)


def _pieces(source: str, pattern: re.Pattern[str], sign: str, most: int = 10_000) -> list[str]:
    pieces: list[str] = []
    at = 0
    for match in pattern.finditer(source):
        if match[0] == sign and len(pieces) < most:
            pieces.append(source[at : match.start()])
            at = match.end()
    return [*pieces, source[at:]]


def embedded_item(
    question: Question,
    found: Sequence[Embedded],
    content: Callable[[str], str],
    log: ProblemLog,
) -> Item:
    """The composite; a part is worth its weight, and the item what they are worth together.
    `content` makes content of an answer's HTML."""
    parts: list[Part] = []
    keys: dict[str, SimpleKey] = {}
    marks: dict[str, PartMarks] = {}
    for one in found:
        for comment in one.comments:
            shown = " ".join(comment.split())[:60]
            log.warning(
                question.line, "feedback",
                f"is kept for no single answer and was left out: {shown!r}",
            )  # fmt: skip
        made, key, rule = _part(question, one, content, log)
        parts.append(made)
        keys[one.name] = key
        marks[one.name] = PartMarks(rule, one.weight)
    return question.item(Composite(tuple(parts)), CompositeKey(keys), SumOfParts(marks))


def _part(
    question: Question, one: Embedded, content: Callable[[str], str], log: ProblemLog
) -> tuple[Part, SimpleKey, PartRule]:
    kind, _, shuffled = one.kind.partition("-")
    if kind == "word":
        texts = [Answer(_plain(a.content), a.percent) for a in one.answers]
        entry, text_key, rule = word(texts, one.weight, case_sensitive=shuffled == "case")
        return Part(one.name, entry), text_key, rule
    if kind == "number":
        numbers = [_number(answer) for answer in one.answers]
        field, number_key = number_part(numbers, question.line, log)
        return Part(one.name, field), number_key, AllOrNothing()
    answers = [Answer(content(a.content), a.percent) for a in one.answers]
    options, key, rule = chosen(answers, one.weight, single=kind != "several")
    shuffle = shuffled == "shuffled"
    if kind == "list":
        return Part(one.name, InlineChoice(options, shuffle)), key, rule
    if kind == "one":
        return Part(one.name, SingleChoice(options, shuffle)), key, rule
    return Part(one.name, MultipleChoice(options, shuffle)), key, rule


def _number(answer: Answer) -> Answer:
    value, _, tolerance = _plain(answer.content).partition(":")
    return Answer(value, answer.percent, number_of(tolerance) if tolerance.strip() else Decimal(0))


def _plain(source: str) -> str:
    return html.unescape(_TAGS.sub(" ", source)).strip()
