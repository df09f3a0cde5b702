"""Gaps to fill: "Điền vào chỗ trống: Thủ đô là …… của nước ta", with as many answers as gaps."""

import re
from dataclasses import dataclass

from question_bank.interactions import MAX_GAP_TEXT, Composite, Part, TextEntry
from question_bank.interchange.word.model import Place, Strip, joined
from question_bank.interchange.word.phrases import pattern
from question_bank.keys import CompositeKey, TextKey

_ASKED = pattern(r"điền|chỗ\s+(?:trống|chấm)|fill\s+in|complete")
_GAP = re.compile(r"(?:\(\d{1,2}\)\s*)?(?:[.…]*…[.…]*|\.{4,}|_{3,})")
_KEY = pattern(r"(?:^|\n)\W*(?:đáp\s*án|trả\s+lời|key|answers?)\s*[:.]\s*(?P<key>[^\n]+)\s*$")
_NUMBERED = re.compile(r"\(?(\d{1,2})\s*[).:\-–]\s*")
MAX_GAPS = 20


@dataclass(frozen=True, slots=True)
class Gaps:
    """A stem with a place for every gap, what may be typed there, and what is right."""

    stem: Strip
    interaction: Composite
    key: CompositeKey


def gaps_of(body: Strip, solution: Strip) -> Gaps | None:
    """The gaps of a question that asks to fill them; None where the answers are not as many as
    they are, or anything else is open."""
    stem, told = body, _KEY.search(body.text)
    if told is not None:
        stem = body.cut(0, told.start())
    else:
        told = _KEY.search(solution.text.split("\n")[0])
    found = list(_GAP.finditer(stem.text))
    if told is None or not found or len(found) > MAX_GAPS or not _ASKED.search(stem.text):
        return None
    answers = _answers(told["key"], len(found))
    if answers is None:
        return None
    names = [f"g{number}" for number in range(1, len(found) + 1)]
    pieces, at = [], 0
    for name, gap in zip(names, found, strict=True):
        number = re.match(r"\(\d{1,2}\)\s*", gap[0])
        start = gap.start() + (number.end() if number else 0)
        pieces += [stem.cut(at, start), Strip((Place(name),))]
        at = gap.end()
    parts = tuple(Part(name, TextEntry()) for name in names)
    keys = {name: TextKey(answer) for name, answer in zip(names, answers, strict=True)}
    whole = joined([*pieces, stem.cut(at)], "").trimmed()
    return Gaps(whole, Composite(parts), CompositeKey(keys))


def _answers(key: str, count: int) -> list[tuple[str, ...]] | None:
    """What each gap takes: "(1) a; (2) b", or as many parted by semicolons; one gap takes all.
    Spellings are parted by a stroke."""
    marks = list(_NUMBERED.finditer(key))
    if count > 1 and [mark[1] for mark in marks] == [str(n) for n in range(1, count + 1)]:
        ends = [*(mark.start() for mark in marks[1:]), len(key)]
        told = [key[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    else:
        told = key.split(";") if count > 1 else [key]
    answers = [tuple(filter(None, map(_bare, one.split("/")))) for one in told]
    sound = all(answers) and max(len(text) for one in answers for text in one) <= MAX_GAP_TEXT
    return answers if len(answers) == count and sound else None


def _bare(text: str) -> str:
    return text.strip(" \t.,;:\"“”'")
