"""Keys as item writers write them: "C", "A, D", "ĐSĐS", "a) Đúng b) Sai", "1,5"."""

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from question_bank.interchange.numbers import written_number
from question_bank.interchange.word.phrases import (
    DENIED,
    KEY_IN_SOLUTION,
    LETTER,
    NUMBER,
    NUMBER_IN_SOLUTION,
    letter,
    pattern,
)

_LETTERS = re.compile(rf"\W*(?P<all>{LETTER}(?:\s*(?:[,;&/]|và|and)?\s*{LETTER})*)\W*")
_SMALL_LETTER = re.compile(r"\W*([a-f])\W*")
_PREFIX = pattern(
    r"\W*(?:(?:đáp\s*án|chọn|key|answer|đ/?a|câu|phương\s*án)(?:[\s:=)\]]|\.(?!\d)|(?<=\w)\.)+)*(?:đúng[\s.:=]+)?"
    r"(?:là[\s.:=]+)?"
)
_TRUE = r"đúng|đ|true|t"
_FALSE = r"sai|s|false|f"
_NAMED = pattern(rf"(?<!\w)(?P<name>[a-h])\s*[).:\-–]?\s*[(\[]?(?P<truth>{_TRUE}|{_FALSE})(?!\w)")
_TRUTHS = pattern(rf"\W*(?:(?:{_TRUE}|{_FALSE})[\s,;:.\-–|/]*){{2,8}}")
_TRUTH = pattern(rf"{_TRUE}|{_FALSE}")
# What stands before a number is no part of it; a root, a comma or a sign of order would be.
_NUMBER = re.compile(
    rf"[\s(\[{{\"'“”‘’$*:;=]*(?P<number>{NUMBER})"
    r"(?:\s*[.,;:%°$*)\]}\"'“”‘’]+)*\s*"
)


@dataclass(frozen=True, slots=True)
class Letters:
    """The options that are right."""

    letters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truths:
    """The truth of each statement, in order."""

    truths: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A short answer, as it is written and what it is worth; `is_doubtful` as WrittenNumber."""

    text: str
    value: Decimal
    is_doubtful: bool = False


StatedKey = Letters | Truths | Number


def stated_key(text: str) -> StatedKey | None:
    """The key that a text is, if it is nothing else."""
    plain = " ".join(text.split())
    if not plain or len(plain) > 120:
        return None
    prefix = _PREFIX.match(plain)
    named = prefix is not None and any(map(str.isalpha, prefix[0]))
    rest = plain[prefix.end() :] if prefix is not None and named else plain
    for candidate in (plain, rest):
        found = _letters(candidate) or _truths(candidate) or _number(candidate)
        if found is not None:
            return found
    return None


def _letters(text: str) -> Letters | None:
    if small := _SMALL_LETTER.fullmatch(text):
        return Letters((small[1].upper(),))
    found = _LETTERS.fullmatch(text)
    if found is None:
        return None
    letters = [letter(c) for c in re.findall(LETTER, found["all"])]
    ordered = all(a < b for a, b in pairwise(letters))
    return Letters(tuple(letters)) if ordered else None


def _truths(text: str) -> Truths | None:
    named = list(_NAMED.finditer(text))
    if len(named) >= 2:
        names = [found["name"].lower() for found in named]
        if names == [chr(ord("a") + place) for place in range(len(names))]:
            return Truths(tuple(is_true(found["truth"]) for found in named))
    if _TRUTHS.fullmatch(text):
        return Truths(tuple(is_true(word) for word in _TRUTH.findall(text)))
    return None


def is_true(word: str) -> bool:
    """Whether a word of truth says true."""
    return unicodedata.normalize("NFC", word).lower() in ("đúng", "đ", "true", "t")


def _number(text: str) -> Number | None:
    found = _NUMBER.fullmatch(text)
    return None if found is None else number_of(found["number"])


def number_of(text: str) -> Number | None:
    """A number as numbers.written_number reads it, with no unit."""
    found = written_number(re.sub(r"[{}]", "", text))
    return (
        None if found is None or found.unit else Number(found.text, found.value, found.is_doubtful)
    )


def keys_in_solution(text: str) -> tuple[Letters, ...]:
    """The options that a solution says are right, the one to take first: a line that says nothing
    else, or the last "Chọn C"; then what it says elsewhere, which should be the same."""
    matches = KEY_IN_SOLUTION.finditer(text)
    found = [
        Letters((letter(match["key"]),))
        for match in matches
        if not match["not"] and not DENIED.match(text, match.end())
    ]
    lines = (stated_key(line) for line in text.split("\n") if len(line.split()) > 1)
    whole = [stated for stated in lines if isinstance(stated, Letters)]
    return tuple(dict.fromkeys(whole or reversed(found)))


def number_in_solution(text: str) -> Number | None:
    """The number that a solution says is the answer."""
    found = NUMBER_IN_SOLUTION.search(text)
    number = None if found is None else number_of(found["number"])
    if found is None or number is None:
        return None
    before = text[found.start() : found.start("number")]
    dashed = before.rstrip().endswith(("-", "–")) and not before.endswith(("-", "–"))
    return replace(number, is_doubtful=number.is_doubtful or dashed)


def truths_in_solution(text: str, count: int) -> Truths | None:
    """The truths that a solution tells one statement after the other: "a) Đúng. … b) Sai. …"."""
    told: dict[str, bool] = {}
    for found in _NAMED.finditer(text):
        told.setdefault(found["name"].lower(), is_true(found["truth"]))
    names = [chr(ord("a") + place) for place in range(count)]
    if count and all(name in told for name in names):
        return Truths(tuple(told[name] for name in names))
    whole = _TRUTHS.search(text)
    words = [] if whole is None else _TRUTH.findall(whole[0])
    return Truths(tuple(map(is_true, words))) if words and len(words) == count else None
