"""Answers that stand apart from their questions: a table or lines of numbers and keys."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from question_bank.interchange.numbers import written_number
from question_bank.interchange.word.keys import Number, stated_key
from question_bank.interchange.word.phrases import LETTER, pattern

LEAST = 2
#: So many keys are answers though one more cell beside them is none.
CREDIBLE = 3
_NUMBER = pattern(r"\W*(?:câu|question)?\s*(?P<number>\d{1,3})\W*")
_PAIR = pattern(
    r"\W*(?:câu|question)?\s*(?P<number>\d{1,3})\s*[.:)\-–/]?\s*"
    rf"(?P<key>{LETTER}|[ĐS]{{2,8}}|(?<=[.:)\-–/ ])[-−–]?\d+(?:[.,]\d+)?)\W*"
)
_ODD_PAIR = pattern(r"\W*(?:câu|question)?\s*(?P<number>\d{1,3})\s*[.:)\-–/]\s*(?P<key>.+)")
_PAIRS = pattern(
    r"(?:(?:câu|question)\s{0,9})?(?<!\d)(?P<number>\d{1,3})\s{0,9}[.:)\-–/]?\s{0,9}"
    rf"(?P<key>(?-i:{LETTER})|[ĐS]{{3,8}})(?!\w)"
)
_STATEMENT = pattern(r"\W*(?P<name>[a-h])\W*")
_TRUTH = pattern(r"\W*(?:đúng|sai|đ|s|true|false|t|f)\W*")
_HEADING = pattern(
    r"\W*(?:câu|câu\s+hỏi|đáp\s*án|đ/?a|key|answer|question|chọn|đ/?s|lệnh\s+hỏi|ý|stt|no|kết\s+quả"
    r"|đáp\s*án\s*\(?\s*đ(?:úng)?\s*/\s*s(?:ai)?\s*\)?|phương\s+án(?:\s+đúng)?|mã\s+đề.*)\W*"
)

_KEYS = pattern(r"\W*(?:đáp\s*án(?:\s+đúng)?|đ/?a|key|answer|chọn|phương\s+án(?:\s+đúng)?)\W*")


@dataclass(frozen=True, slots=True)
class Answer:
    """The key that a table or line states for a question's number."""

    number: int
    key: str


def answers_in_line(text: str, *, least: int) -> tuple[Answer, ...]:
    """The pairs of a line like "1.A 2.B 3-C"; empty where the line is anything else."""
    pairs = list(_PAIRS.finditer(text))
    covered = sum(len(pair[0].replace(" ", "")) for pair in pairs)
    whole = len(re.sub(r"[\s.,;|:\-–]", "", text))
    numbers = [int(pair["number"]) for pair in pairs]
    rising = all(before < after for before, after in pairwise(numbers))
    if len(pairs) < least or covered < 0.8 * whole or not rising:
        return ()
    return tuple(Answer(int(pair["number"]), pair["key"]) for pair in pairs)


def answers_in_grid(texts: Sequence[Sequence[str]]) -> tuple[Answer, ...]:
    """The answers of a table that holds nothing else; empty for any other table."""
    cells = [" ".join(text.split()) for row in texts for text in row]
    if not cells or max(map(len, cells)) > 60:
        return ()
    rows = [[" ".join(text.split()) for text in row] for row in texts]
    headings = [cell for cell in cells if cell and _HEADING.fullmatch(cell)]
    least = 1 if len(headings) > 1 and any(map(_KEYS.fullmatch, headings)) else LEAST
    if least == 1:
        rows = [[_without_unit(cell) for cell in row] for row in rows]
    for read in (_pairs, _alternating, _statements, _statements_in_rows, _named, _threes, _columns):
        found = tuple(read(rows))
        if len(found) >= least:
            return found
    return ()


def _pairs(rows: Sequence[Sequence[str]]) -> Iterator[Answer]:
    """Every cell a pair: "1.A"."""
    cells = [cell for row in rows for cell in row if cell and not _HEADING.fullmatch(cell)]
    found = [_PAIR.fullmatch(cell) for cell in cells]
    read = sum(pair is not None for pair in found)
    if read >= 0.9 * len(cells) or (read >= CREDIBLE and read == len(cells) - 1):
        odd = (pair or _ODD_PAIR.fullmatch(cell) for pair, cell in zip(found, cells, strict=True))
        yield from (Answer(int(pair["number"]), pair["key"]) for pair in odd if pair)


def _alternating(rows: Sequence[Sequence[str]]) -> Iterator[Answer]:
    """A row of numbers over a row of keys, as often as there is place for."""
    if len(rows) < 2 or len(rows) % 2:
        return
    found = []
    for above, below in zip(rows[::2], rows[1::2], strict=True):
        for number, key in zip(above, below, strict=False):
            match = _NUMBER.fullmatch(number)
            if match and key:
                found.append(Answer(int(match["number"]), key))
            elif (number or key) and not _HEADING.fullmatch(number) and (number and key):
                return
    if _credible(rows, found):
        yield from found


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[Answer]:
    """Columns of numbers, each beside a column of keys."""
    found = []
    if any(len(row) % 2 and row[-1] for row in rows):
        return
    for row in rows:
        for number, key in zip(row[::2], row[1::2], strict=False):
            match = _NUMBER.fullmatch(number)
            if match and key:
                found.append(Answer(int(match["number"]), key))
            elif (number or key) and not match and not _HEADING.fullmatch(number):
                return
    if _credible(rows, sorted(found, key=lambda answer: answer.number)):
        yield from found


def _statements(rows: Sequence[Sequence[str]]) -> Iterator[Answer]:
    """Numbers above, below them a row for each statement: a) Đ S Đ."""
    numbers = [_NUMBER.fullmatch(cell) for cell in rows[0][1:]]
    if len(rows) < 3 or not numbers or not all(numbers):
        return
    told: list[list[str]] = [[] for _ in numbers]
    for place, row in enumerate(rows[1:]):
        name = _STATEMENT.fullmatch(row[0])
        if name is None or name["name"].lower() != chr(ord("a") + place):
            return
        for column, cell in enumerate(row[1 : len(numbers) + 1]):
            clean = cell.split(")")[-1].strip()
            if not _TRUTH.fullmatch(clean):
                return
            told[column].append(clean)
    for match, words in zip(numbers, told, strict=True):
        if match is not None:
            yield Answer(int(match["number"]), " ".join(words))


def _statements_in_rows(rows: Sequence[Sequence[str]]) -> Iterator[Answer]:
    """The same turned over: statements above, below them a row for each number."""
    if len({len(row) for row in rows}) == 1:
        yield from _statements(list(zip(*rows, strict=True)))


def _named(rows: Sequence[Sequence[str]]) -> Iterator[Answer]:
    """Numbers above, below them the statements by name and nothing beside: "a) Đ"."""
    if all(rows) and _NUMBER.fullmatch(rows[0][0]):
        below = ([row[0].partition(")")[0], *row] for row in rows[1:])
        yield from _statements([["", *rows[0]], *below])


def _threes(rows: Sequence[Sequence[str]]) -> Iterator[Answer]:
    """Columns in threes: number (once), statement, truth."""
    told: dict[int, list[str]] = {}
    for start in range(0, max(map(len, rows)), 3):
        number = 0
        for row in rows:
            three = row[start : start + 3]
            if len(three) < 3 or all(_HEADING.fullmatch(cell) for cell in three if cell):
                continue
            match = _NUMBER.fullmatch(three[0])
            number = int(match["number"]) if match else number
            if not number or not _STATEMENT.fullmatch(three[1]) or not _TRUTH.fullmatch(three[2]):
                return
            told.setdefault(number, []).append(three[2])
    yield from (Answer(number, " ".join(words)) for number, words in told.items())


def _without_unit(key: str) -> str:
    """ "12,5 cm" as the number that it is; any other key as it is."""
    number = None if stated_key(key) else written_number(key)
    return key if number is None else key.removesuffix(number.unit).strip()


def _credible(rows: Sequence[Sequence[str]], found: Sequence[Answer]) -> bool:
    """Numbers of questions rise by one, and keys are letters or words of truth: data is neither.
    Short numeric answers are told from data by the heading beside them, and so is a table that
    has one odd cell among its keys."""
    numbers = [answer.number for answer in found]
    rising = all(b == a + 1 for a, b in pairwise(numbers))
    headed = any(cell and _HEADING.fullmatch(cell) for row in rows for cell in row)
    keys = [stated_key(answer.key) for answer in found]
    odd = keys.count(None)
    numeric = all(isinstance(key, Number) for key in keys if key is not None)
    whole = not odd or (odd == 1 and headed and len(found) > CREDIBLE)
    return rising and whole and (headed or not numeric)
