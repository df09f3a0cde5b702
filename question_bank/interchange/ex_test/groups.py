r"""Questions inside of one `ex`: `chc` environments, below what all of them share.

`\sochc{n}` in front says that they are n questions with numbers of their own (ex_test 3 prints
"Dựa vào thông tin dưới đây để trả lời các câu từ … đến …"); without it they are a), b), … of one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from question_bank.content import plain_text
from question_bank.errors import ContentError
from question_bank.interchange.ex_test.item import ANSWERING, MAX_SOURCE, ItemReader, is_empty
from question_bank.interchange.ex_test.passages import Passage
from question_bank.interchange.ex_test.rendering import Renderer, written
from question_bank.interchange.ex_test.segments import Segment, marks
from question_bank.interchange.ex_test.source import TexError
from question_bank.interchange.ex_test.tree import Command, Cursor, parse
from question_bank.item import Stimulus

QUESTION, COUNT = "chc", "sochc"
_MARKS = marks(QUESTION)
_HEAD = re.compile(r"\s*(?:\[[^\]\n]*\])?\s*%([^\n]*)")


@dataclass(frozen=True, slots=True)
class Group:
    """The questions of one `ex`, what they share, and whether each has a number of its own."""

    questions: tuple[Segment, ...]
    passage: Passage | None
    numbered: bool


@dataclass(slots=True)
class _Shared:
    """The structure of a text that questions share: it has no answer, and may say their count."""

    told: int | None = None
    at: int = 0

    def take(self, name: str, node: Command, cursor: Cursor) -> bool:
        """Takes the count; raises TexError for a way to answer."""
        if name in ANSWERING:
            raise TexError(node.at, f"\\{name} stands outside of its question (chc)")
        if name != COUNT:
            return False
        cursor.optional()
        count = written(cursor.argument() or ()).strip()
        self.told, self.at = int(count) if re.fullmatch(r"[0-9]{1,2}", count) else 0, node.at
        return True


@dataclass(slots=True)
class GroupReader:
    """Takes the `ex` environments apart that hold several questions."""

    reader: ItemReader
    _shared: _Shared = field(default_factory=_Shared)

    def group(self, segment: Segment, name: str) -> Group | None:
        """The questions in an item, None where it holds none. What is wrong with them is in the
        log, and a group whose text cannot be taken has no questions."""
        source, log = self.reader.source, self.reader.log
        self._shared = _Shared()
        try:
            questions = tuple(_questions(source.text, segment))
            if not questions:
                return None
            self._check_size(segment, questions)
            passage = self._passage(segment, questions, name)
        except TexError as error:
            log.error(source.line_at(error.at), segment.name, error.message)
            return Group((), None, numbered=False)
        except ContentError as error:
            log.error(source.line_at(segment.at), segment.name, str(error))
            return Group((), None, numbered=False)
        self._name_rests(segment, questions)
        told = self._shared.told
        if told is not None and told != len(questions):
            message = f"says {told} questions, and {len(questions)} are there"
            log.warning(source.line_at(self._shared.at), f"\\{COUNT}", message)
        return Group(questions, passage, numbered=told is not None)

    def _check_size(self, segment: Segment, questions: Sequence[Segment]) -> None:
        """What stands around the questions is bounded as an item is, and so is each of them."""
        inside = sum(question.end - question.start for question in questions)
        if segment.end - segment.start - inside > MAX_SOURCE:
            raise TexError(segment.at, f"more than {MAX_SOURCE} characters for one item")

    def _renderer(self) -> Renderer:
        reader = self.reader
        return Renderer(
            reader.source, reader.log, reader.pictures, self._shared.take, reader.budget
        )

    def _passage(self, segment: Segment, questions: Sequence[Segment], name: str) -> Passage | None:
        """What stands before the first question, but for the title and the comments there."""
        source, log = self.reader.source, self.reader.log
        nodes = parse(source.text, segment.start, questions[0].at)
        cursor = Cursor(nodes)
        if title := written(cursor.optional() or ()).strip():
            message = f"{title[:80]!r}: no field of the metadata takes it"
            log.warning(source.line_at(segment.at), "note", message)
        renderer = self._renderer()
        content = renderer.blocks(cursor.rest())
        if is_empty(content):
            return None
        media = tuple(renderer.media.values())
        return Passage(Stimulus(f"{name}-passage", content), media, len(questions), segment.at)

    def _name_rests(self, segment: Segment, questions: Sequence[Segment]) -> None:
        """Says what stands behind a question, and belongs to none."""
        source, log = self.reader.source, self.reader.log
        ends = [question.at for question in questions[1:]] + [segment.end]
        for question, end in zip(questions, ends, strict=True):
            start = source.text.index("}", question.end) + 1  # behind its \end{chc}
            try:
                content = self._renderer().blocks(parse(source.text, start, end))
            except (TexError, ContentError) as error:
                message = error.message if isinstance(error, TexError) else str(error)
                log.error(source.line_at(start), "text", message)
                continue
            if not is_empty(content):
                shown = plain_text(content)[:120]
                message = f"stands outside of items and was left out: {shown!r}"
                log.error(source.line_at(start), "text", message)


def _questions(text: str, segment: Segment) -> Iterator[Segment]:
    """The `chc` environments, each with the code of the whole where it has none."""
    code = _code(text, segment)
    opened: re.Match[str] | None = None
    for mark in _MARKS(text, segment.start, segment.end):
        if mark["edge"] == "begin" and opened is None:
            opened = mark
        elif mark["edge"] == "end" and opened is not None:
            yield Segment(QUESTION, opened.start(), opened.end(), mark.start(), code)
            opened = None
        else:
            raise TexError(mark.start(), "a question (chc) begins in another, or ends none")
    if opened is not None:
        raise TexError(opened.start(), rf"\begin{{{QUESTION}}} is never ended")


def _code(text: str, segment: Segment) -> str:
    """The comment that the whole begins with, or the one above it."""
    found = _HEAD.match(text, segment.start, segment.end)
    return found[1] if found else segment.before
