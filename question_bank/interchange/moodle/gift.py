"""GIFT: `::name:: text {answers} text`, one question between empty lines."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from question_bank.errors import ContentError
from question_bank.interchange.languages import language_of
from question_bank.interchange.moodle.choices import choice, essay, numeric, short, true_false
from question_bank.interchange.moodle.html import content_of, plain
from question_bank.interchange.moodle.pairing import matching
from question_bank.interchange.moodle.questions import (
    FULL,
    Answer,
    Question,
    UnsupportedError,
    identifier_of,
    number_of,
    picture_reporter,
    text_of,
)
from question_bank.interchange.moodle.tags import metadata_of, topic_of
from question_bank.interchange.problems import Imported, ProblemLog
from question_bank.item import Item

_TRUTHS = {"T": True, "TRUE": True, "F": False, "FALSE": False}
_NAME = re.compile(r"\s*::(.*?)(?<!\\)::", re.DOTALL)
_FORMAT = re.compile(r"\s*\[(html|moodle|plain|markdown)\]")
_PERCENT = re.compile(r"\s*%(-?\d{1,3}(?:\.\d+)?)%")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_MARK = re.compile(r"\\.|[=~]", re.DOTALL)
_COMMENT = re.compile(r"\\.|#", re.DOTALL)
_ARROW = re.compile(r"(?<!\\)->")
_ESCAPED = re.compile(r"\\([~=#{}:\\n])")
_NOTE = re.compile(r"\[(id|tag):((?:\\.|[^\]\\])*)\]")
_MARKDOWN = re.compile(r"[*_`#\[]")
_BLANK = "_____"


@dataclass(frozen=True, slots=True)
class _Block:
    """A question's text, the line it begins with, and the notes of the comment above it."""

    line: int
    text: str
    notes: tuple[tuple[str, str], ...]


def is_gift(text: str) -> bool:
    """Whether a text has answers in braces as GIFT has them."""
    return bool(re.search(r"(?<!\\)\{(?:\s*[=~#]|\s*(?:T|F|TRUE|FALSE)\b|\s*\})", text))


def read_gift(data: bytes, file: str) -> Imported:
    """The questions of a GIFT file; raises FileRefusedError where it is no text."""
    log = ProblemLog(file)
    items: list[Item] = []
    lines: dict[str, int] = {}
    topic = ""
    number = 0
    whole = text_of(data, file, log)
    language = language_of(whole)
    for block in _blocks(whole):
        line, text = block.line, block.text
        if text.startswith("$CATEGORY:"):
            first, _, text = text.partition("\n")
            topic = topic_of(_written(first.removeprefix("$CATEGORY:")))
            if not text.strip():
                continue
            line += 1
        number += 1
        name = f"{identifier_of(file)}-{number}"
        lines[name] = line
        before = len(log.problems)
        try:
            item = _Reader(log, line, block.notes, topic, language).read(text, name)
        except (UnsupportedError, ContentError) as error:
            del log.problems[before:]
            log.error(line, "question", f"{error}: {' '.join(text.split())[:80]!r}")
            continue
        items.append(item)
    if not number:
        log.error(None, "file", "holds no question")
    return Imported(tuple(items), problems=tuple(log.problems), lines=lines)


def _blocks(text: str) -> Iterator[_Block]:
    """The questions: they end at an empty line outside of braces. One whose brace is never closed
    ends there, too, and takes none of those after it."""
    lines: list[str] = []
    notes: list[tuple[str, str]] = []
    depth = began = 0
    written = (*text.split("\n"), "")
    following = _next_braces(written)
    for number, line in enumerate(written, 1):
        if line.lstrip().startswith("//"):
            notes += [] if lines else _NOTE.findall(line)
            continue
        if not line.strip() and (depth <= 0 or following[number - 1] != "}"):
            if lines:
                yield _Block(began, "\n".join(lines), tuple(notes))
            lines, notes, depth = [], [], 0
            continue
        began = began if lines else number
        lines.append(line)
        depth += sum({"{": 1, "}": -1}.get(found, 0) for found in _BRACE.findall(line))
    if lines:
        yield _Block(began, "\n".join(lines), tuple(notes))


def _next_braces(lines: Sequence[str]) -> list[str]:
    """The first brace in each line or those below it; empty where there is none."""
    found, brace = [], ""
    for line in reversed(lines):
        if not line.lstrip().startswith("//"):
            brace = next((b for b in _BRACE.findall(line) if b in "{}"), brace)
        found.append(brace)
    return found[::-1]


def _written(text: str) -> str:
    """Without what protects signs of the format, `\\n` as a line break."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text).strip()


@dataclass(slots=True)
class _Reader:
    """Reads one question; `form` is the format of its texts."""

    log: ProblemLog
    line: int
    notes: Sequence[tuple[str, str]]
    topic: str
    language: str
    form: str = "moodle"

    def read(self, block: str, item_id: str) -> Item:
        """The item; raises UnsupportedError or ContentError."""
        name = _NAME.match(block)
        rest = block[name.end() :] if name else block
        written = _FORMAT.match(rest)
        self.form = written[1] if written else "moodle"
        before, answers, after = _parted(rest[written.end() :] if written else rest)
        # Moodle's own examples end questions so; it is no part of them.
        after = after.strip().removesuffix('";') if after.strip() != '";' else ""
        stem = before + after.strip(" .")
        if after.strip(" ."):
            stem = f"{before.rstrip()} {_BLANK} {after}"
        answers, _, general = answers.partition("####")
        code = next((_written(value) for key, value in self.notes if key == "id"), "")
        code = code or (_written(name[1]) if name else "")
        tags = [_written(value) for key, value in self.notes if key == "tag"]
        metadata, left = metadata_of(self.topic, code, tags)
        for tag in left:
            self.log.warning(self.line, "tag", f"no field of the metadata takes it: {tag[:60]!r}")
        question = Question(
            item_id, self.line, self.content(stem), metadata, self.content(general),
            around=self.language,
        )  # fmt: skip
        if not question.stem:
            raise UnsupportedError("it has no text")
        return self._answered(question, answers.strip())

    def content(self, text: str) -> str:
        """A text as content, in the format that it names or the question's."""
        form = self.form
        own = _FORMAT.match(text)
        if own:
            text, form = text[own.end() :], own[1]
        text = _written(text)
        if form == "markdown" and _MARKDOWN.search(text):
            self.log.warning(self.line, "markdown", f"its signs were kept: {text[:40]!r}")
        if form in ("plain", "markdown"):
            return plain(text)
        return content_of(text, picture_reporter(self.log, self.line), lambda _: None)

    def _answered(self, question: Question, answers: str) -> Item:
        if not answers:
            return essay(question)
        if answers.startswith("#"):
            return numeric(question, list(self._numbers(answers[1:])))
        bare, comments = _commented(answers)
        if bare.strip().upper() in _TRUTHS:
            self._tell(comments)
            return true_false(question, truth=_TRUTHS[bare.strip().upper()])
        parts = _marked(answers)
        if not parts:
            raise UnsupportedError("its answers are not marked by = or ~")
        if any(_ARROW.search(text) for _, text in parts):
            return matching(question, list(map(self._pair, parts)))
        words = all(mark == "=" for mark, _ in parts)
        made = [self._answer(mark, text, _written if words else self.content)
                for mark, text in parts]  # fmt: skip
        if words:
            return short(question, made)
        return choice(question, made, single=any(mark == "=" for mark, _ in parts))

    def _answer(self, mark: str, text: str, content: Callable[[str], str]) -> Answer:
        bare, comment = _commented(text)
        self._tell(comment)
        percent = _PERCENT.match(bare)
        worth = Decimal(percent[1]) if percent else FULL if mark == "=" else Decimal(0)
        return Answer(content(bare[percent.end() :] if percent else bare), worth)

    def _pair(self, part: tuple[str, str]) -> tuple[str, str]:
        mark, text = part
        text, comment = _commented(text)
        self._tell(comment)
        sides = _ARROW.split(text)
        if mark != "=" or len(sides) != 2:
            raise UnsupportedError("one of its pairs is not written as =this -> that")
        return self.content(sides[0]), self.content(sides[1])

    def _numbers(self, answers: str) -> Iterator[Answer]:
        """One number, or several behind `=`; what stands behind `~` is feedback to all others."""
        parts = _marked(answers)
        if not parts:
            alone, _, other = answers.partition("~")
            self._tell(_commented(other)[1])
            parts = [("=", alone)]
        for mark, text in parts:
            bare, comment = _commented(text)
            self._tell(comment)
            if mark == "=":
                yield _number(bare)
            elif bare.strip():
                raise UnsupportedError(f"{bare.strip()[:40]!r} among its numbers is marked by ~")

    def _tell(self, comment: str) -> None:
        if comment:
            shown = " ".join(comment.split())[:60]
            message = f"is kept for no single answer and was left out: {shown!r}"
            self.log.warning(self.line, "feedback", message)


def _parted(text: str) -> tuple[str, str, str]:
    places = [match for match in _BRACE.finditer(text) if match[0] in "{}"]
    if not places:
        raise UnsupportedError("a description asks nothing and cannot be taken")
    if [match[0] for match in places] != ["{", "}"]:
        raise UnsupportedError("its braces do not fit together")
    opened, closed = places
    return text[: opened.start()], text[opened.end() : closed.start()], text[closed.end() :]


def _marked(answers: str) -> list[tuple[str, str]]:
    places = [match for match in _MARK.finditer(answers) if match[0] in "=~"]
    if not places or answers[: places[0].start()].strip():
        return []
    ends = [match.start() for match in places[1:]] + [len(answers)]
    return [(m[0], answers[m.end() : end]) for m, end in zip(places, ends, strict=True)]


def _commented(text: str) -> tuple[str, str]:
    for match in _COMMENT.finditer(text):
        if match[0] == "#":
            return text[: match.start()], text[match.end() :].strip()
    return text, ""


def _number(text: str) -> Answer:
    percent = _PERCENT.match(text)
    worth = Decimal(percent[1]) if percent else FULL
    bare = text[percent.end() :] if percent else text
    if ".." in bare:
        low, _, high = bare.partition("..")
        least, most = number_of(low), number_of(high)
        return Answer(format((least + most) / 2, "f"), worth, abs(most - least) / 2)
    value, _, tolerance = bare.partition(":")
    return Answer(value, worth, number_of(tolerance) if tolerance.strip() else Decimal(0))
