"""Which column of a question table is what: by its header, else by what the cells hold."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from question_bank.interchange.word.keys import Letters, stated_key
from question_bank.interchange.word.model import OBJECT, Strip
from question_bank.interchange.word.options import choices_in, statements_in
from question_bank.interchange.word.phrases import QUESTION, pattern

MOST = 0.8
_ID = re.compile(r"[A-Za-z][\w.-]*[_.-]\d+")
SHORT = 64


class Role(Enum):
    """What a column holds."""

    ID = auto()
    NUMBER = auto()
    QUESTION = auto()
    OPTIONS = auto()
    OPTION = auto()
    KEY = auto()
    SOLUTION = auto()
    PICTURE = auto()
    SOLUTION_PICTURE = auto()
    LEVEL = auto()
    OTHER = auto()


HEADERS = {
    role: pattern(rf"[\W_]*(?:{words})[\W_]*")
    for role, words in {
        Role.NUMBER: r"stt|tt|câu|câu\s+số|số|số\s+câu|no|n[o°]|number|#",
        Role.ID: r"id|mã|mã\s+câu(?:\s+hỏi)?|code",
        Role.QUESTION: r"câu\s+hỏi|nội\s+dung(?:\s+câu\s+hỏi)?|đề\s+bài|questions?|stem|content",
        Role.OPTIONS: r"(?:các\s+)?phương\s+án(?:\s+(?:trả\s+lời|lựa\s+chọn))?"
        r"|(?:các\s+)?lựa\s+chọn|options|choices",
        Role.OPTION: r"(?:phương\s+án|đáp\s+án|lựa\s+chọn|option|answer)?\s*[A-F]",
        Role.KEY: r"đáp\s+án(?:\s+đúng)?|đ/?a|key|choice|answer|correct(?:\s+answer)?"
        r"|phương\s+án\s+đúng|kq",
        Role.SOLUTION: r"lời\s+giải(?:\s+chi\s+tiết)?|giải\s+thích|hướng\s+dẫn(?:\s+giải)?|hdg"
        r"|explanation|solution",
        Role.PICTURE: r"hình(?:\s+(?:ảnh|vẽ|minh\s+họa))?|ảnh|figure|picture"
        r"|image(?:[_\s]+question)?",
        Role.SOLUTION_PICTURE: r"image[_\s]+answer|hình\s+(?:lời\s+giải|đáp\s+án)",
        Role.LEVEL: r"mức\s+độ(?:\s+(?:nhận\s+thức|tư\s+duy))?|cấp\s+độ|level|mđ",
    }.items()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Roles:
    """A question table's columns, and its first row that is no header."""

    columns: tuple[Role, ...]
    first: int


def roles_of(grid: Sequence[Sequence[Strip]]) -> Roles | None:
    """The roles of the columns; None for what is no table of questions."""
    width = max((len(row) for row in grid), default=0)
    if width < 2:
        return None
    return _by_header(grid) or _by_content(grid, width)


def _by_header(grid: Sequence[Sequence[Strip]]) -> Roles | None:
    named = []
    for strip in grid[0]:
        text = strip.text.strip()
        named.append(
            next((role for role, words in HEADERS.items() if words.fullmatch(text)), Role.OTHER)
        )
    has_question = Role.QUESTION in named
    answered = {Role.KEY, Role.OPTIONS, Role.OPTION, Role.SOLUTION} & set(named)
    if not has_question or not answered or len(grid) < 2:
        return None
    if named.count(Role.PICTURE) > 1 and Role.KEY in named:
        last = len(named) - 1 - named[::-1].index(Role.PICTURE)
        named[last] = Role.SOLUTION_PICTURE
    return Roles(tuple(named), 1)


def _by_content(grid: Sequence[Sequence[Strip]], width: int) -> Roles | None:
    rows = [row for row in grid if len(row) == width and not all(s.is_blank for s in row)]
    if not rows or any(_questions(strip) > 1 for row in rows for strip in row):
        return None
    asking = [sum(_asks(row[at]) for row in rows) for at in range(width)]
    question: int | None = asking.index(max(asking))
    if max(asking) * 2 < len(rows) or not max(asking):
        question = _beside_ids(rows, width)
    if question is None:
        return None
    roles = [Role.OTHER] * width
    roles[question] = Role.QUESTION
    key = _key_column(rows, question, width)
    if key is not None:
        roles[key] = Role.KEY
    for at in range(width):
        if roles[at] is Role.OTHER:
            roles[at] = _other(rows, at, question, key)
    if key is None and width == 2 and roles[1 - question] is Role.SOLUTION and len(rows) < 2:
        return None  # two columns of text with no key: an arrangement
    return Roles(tuple(roles), 0)


def _beside_ids(rows: Sequence[Sequence[Strip]], width: int) -> int | None:
    """The first column of text beside a column of ids, in a table whose texts ask nothing."""
    ids = [row[0].text.strip() for row in rows]
    if width < 3 or len(set(ids)) < len(rows) or not all(map(_ID.fullmatch, ids)):
        return None
    for at in range(1, width):
        texts = [row[at].text.strip() for row in rows]
        if sum(len(text) > SHORT for text in texts) * 2 >= len(rows):
            return at
    return None


def _questions(strip: Strip) -> int:
    return sum(1 for line in strip.lines() if _labelled(line))


def _labelled(line: Strip) -> bool:
    found = QUESTION.match(line.text)
    return found is not None and bool(found["end"])


def _asks(strip: Strip) -> bool:
    if _questions(strip) or len(choices_in(strip)) > 2:
        return len(strip.text.strip()) > 10
    return len(statements_in(strip)) > 2 and len(strip.text) > SHORT


def _most(rows: Sequence[Sequence[Strip]], at: int, test: Callable[[str], bool]) -> bool:
    texts = [row[at].text.strip() for row in rows if not row[at].is_blank]
    return bool(texts) and sum(map(test, texts)) >= MOST * len(texts)


def _key_column(rows: Sequence[Sequence[Strip]], question: int, width: int) -> int | None:
    order: list[int] = [*range(question + 1, width), *reversed(range(question))]
    for at in order:
        if _most(rows, at, lambda text: isinstance(stated_key(text), Letters)):
            return at
    for at in range(question + 1, width):
        if _most(rows, at, lambda text: stated_key(text) is not None):
            return at
    return None


def _other(rows: Sequence[Sequence[Strip]], at: int, question: int, key: int | None) -> Role:
    after = at > question if key is None else at > key > question or at > question > key
    pictures = any(True for row in rows for _ in row[at].pictures())
    if pictures and _most(rows, at, lambda text: not text.strip(f"{OBJECT};, \n")):
        return Role.SOLUTION_PICTURE if after and key is not None else Role.PICTURE
    if at < question:
        one_word = _most(rows, at, lambda text: len(text) <= SHORT and " " not in text)
        if one_word:
            numbers = _most(rows, at, lambda text: text.rstrip(".:)").isdecimal())
            return Role.NUMBER if numbers else Role.ID
        return Role.QUESTION
    return Role.SOLUTION
