"""What several items share: "Dựa vào thông tin sau để trả lời câu 1 đến câu 3." between items.

Outside of an environment (`groups`) only a text that says which questions it is for is one; its
numbers must be those of the items that follow it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from question_bank.errors import ContentError
from question_bank.interchange.ex_test import commands
from question_bank.interchange.ex_test.rendering import Renderer
from question_bank.interchange.ex_test.segments import Segment
from question_bank.interchange.ex_test.source import Source, TexError
from question_bank.interchange.ex_test.tree import Command, Cursor, parse
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word.phrases import SHARED, SHARED_RANGE
from question_bank.item import Item, Media, Stimulus

MAX_LINE = 1000
_LINE = re.compile(r"[^\n]+")
_COMMANDS = re.compile(r"\\[A-Za-z]+\*?\s*(?:\[[^\]\n]*\])?|[{}~$]|\\.|%.*")
_ENDS = re.compile(
    r"\\(?:" + "|".join(sorted(commands.HEADINGS)) + r"|Closesolutionfile|Opensolutionfile"
    r"|setcounter|newpage)(?![A-Za-z])"
)
_RESET = re.compile(r"\\setcounter\s*\{ex\}\s*\{0\}")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text for `count` items, with its pictures."""

    stimulus: Stimulus
    media: tuple[Media, ...]
    count: int
    at: int


class Passages:
    """Finds passages between items and gives them to the items that follow. `renderer` makes
    content of them."""

    def __init__(self, source: Source, log: ProblemLog, name: str) -> None:
        self._source = source
        self._log = log
        self._name = name
        self._found = 0
        self._open: Passage | None = None
        self._left = 0
        self._used = False
        self._number = self._since = 0

    def taken(self, segment: Segment, renderer: Renderer) -> Iterator[Segment]:
        """The parts of what stands between two items that are no passage."""
        text = self._source.text
        if _RESET.search(text, segment.start, segment.end):
            self._since = 0
        start = self._beginning(segment)
        if start is None:
            yield segment
            return
        end = _ENDS.search(text, start, segment.end)
        stop = end.start() if end else segment.end
        if self._opened(start, stop, renderer):
            yield replace(segment, end=start)
            yield replace(segment, start=stop)
        else:
            yield segment

    def shared(self) -> Passage | None:
        """The passage of the item that comes next, which is counted."""
        self._number += 1
        self._since += 1
        if not self._left:
            return None
        self._left -= 1
        return self._open

    def given(self, item: Item, passage: Passage | None) -> Item:
        """The item with its passage."""
        if passage is None:
            return item
        self._used = True
        media = {one.id: one for one in (*item.media, *passage.media)}
        return replace(item, stimulus=passage.stimulus, media=tuple(media.values()))

    def finish(self) -> None:
        """Says of the last passage what no item took."""
        if self._open is None:
            return
        line = self._source.line_at(self._open.at)
        if not self._used:
            self._log.error(line, "passage", "no item took it; it was left out")
        elif self._left:
            message = f"{self._left} of the questions that it is for did not follow"
            self._log.warning(line, "passage", message)
        self._open, self._left = None, 0

    def _beginning(self, segment: Segment) -> int | None:
        for line in _LINE.finditer(self._source.text, segment.start, segment.end):
            words = _words(line[0])
            if SHARED.match(words) and SHARED_RANGE.search(words):
                return line.start()
        return None

    def _opened(self, start: int, stop: int, renderer: Renderer) -> bool:
        """Whether the text is a passage for the items that follow; what it is not is left to
        whoever reports what stands between items."""
        text = self._source.text
        told = SHARED_RANGE.search(_words(text[start:stop]))
        if told is None:
            return False
        first, last = int(told["first"]), int(told["last"])
        if first > last or first not in (self._number + 1, self._since + 1):
            return False
        try:
            content = renderer.blocks(parse(text, start, stop))
        except (TexError, ContentError):
            return False
        self.finish()
        self._found += 1
        name = f"{self._name}-passage-{self._found}"
        media = tuple(renderer.media.values())
        self._open = Passage(Stimulus(name, content), media, last - first + 1, start)
        self._left, self._used = self._open.count, False
        return True


def _words(latex: str) -> str:
    """The beginning of a text without its commands."""
    return re.sub("--+", "–", _COMMANDS.sub(" ", latex[:MAX_LINE])).strip()


def no_structure(_: str, __: Command, ___: Cursor) -> bool:
    """A passage has no options and no answer."""
    return False
