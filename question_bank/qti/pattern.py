"""Regular expressions of XML Schema (part 2, appendix F), matched in linear time.

A pattern always matches the whole text. It becomes an automaton whose states are advanced
together, so no pattern can make matching explode; patterns and work are bounded besides.

Beyond XML Schema, because authors write it: a `^` at the start together with a `$` at the end may
also be anchors, as elsewhere, `(?:…)`, and a backslash before any other mark.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from question_bank.errors import ScoringError

MAX_PATTERN = 1000
MAX_STATES = 2000
MAX_DEPTH = 50
MAX_REPEAT = 1000

Test = Callable[[str], bool]


class PatternError(ValueError):
    """A text that is no regular expression of XML Schema."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A state: with `test`, consumes one character; leads to `following`."""

    test: Test | None
    following: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: states, the last being the accepting one."""

    states: tuple[_Step, ...]
    case_sensitive: bool

    def matches(self, text: str) -> bool:
        """Whether the whole text matches; in time of its length times that of `states`."""
        current = self._closure((0,))
        for character in text:
            spellings = self._spellings(character)
            moved = [
                following
                for state in current
                if (step := self.states[state]).test is not None
                and any(step.test(spelling) for spelling in spellings)
                for following in step.following
            ]
            current = self._closure(moved)
            if not current:
                return False
        return len(self.states) - 1 in current

    def _spellings(self, character: str) -> tuple[str, ...]:
        if self.case_sensitive:
            return (character,)
        variants = (character, character.lower(), character.upper())
        return tuple({variant for variant in variants if len(variant) == 1})

    def _closure(self, states: Iterable[int]) -> list[int]:
        """All states reachable without a character."""
        pending, reached = list(states), dict[int, None]()
        while pending:
            state = pending.pop()
            if state in reached:
                continue
            reached[state] = None
            if self.states[state].test is None:
                pending.extend(self.states[state].following)
        return list(reached)


@lru_cache(maxsize=512)
def compiled(text: str, *, case_sensitive: bool = True) -> Pattern:
    """The pattern that `text` spells; raises PatternError, and ScoringError where it is too big."""
    if len(text) > MAX_PATTERN:
        raise ScoringError(f"a pattern of more than {MAX_PATTERN} characters")
    if text.startswith("^") and text.endswith("$") and not text.endswith("\\$"):
        text = f"{text}|({text[1:-1]})"
    tree = _Parser(text).whole()
    builder = _Builder()
    end = builder.state(None)
    start = builder.build(tree, end)
    return builder.finished(start, end, case_sensitive)


# A pattern as a tree: a test of one character, a sequence, alternatives, or a repetition.


@dataclass(frozen=True, slots=True)
class _One:
    test: Test


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple["_Tree", ...]


@dataclass(frozen=True, slots=True)
class _Either:
    branches: tuple["_Tree", ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: "_Tree"
    least: int
    most: int | None


_Tree = _One | _Sequence | _Either | _Repeat


class _Builder:
    """Makes states, from the last to the first."""

    def __init__(self) -> None:
        self._states: list[_Step] = []
        self._built = 0

    def state(self, test: Test | None, *following: int) -> int:
        if len(self._states) >= MAX_STATES:
            raise ScoringError("a pattern that is too big")
        self._states.append(_Step(test, following))
        return len(self._states) - 1

    def build(self, tree: _Tree, following: int) -> int:
        """The first state of `tree`, which leads to `following`."""
        self._built += 1
        if self._built > 10 * MAX_STATES:  # repetitions of nothing make no states
            raise ScoringError("a pattern that is too big")
        match tree:
            case _One(test=test):
                return self.state(test, following)
            case _Sequence(parts=parts):
                for part in reversed(parts):
                    following = self.build(part, following)
                return following
            case _Either(branches=branches):
                return self.state(None, *(self.build(branch, following) for branch in branches))
            case _Repeat(part=part, least=least, most=most):
                return self._repeat(part, least, most, following)

    def _repeat(self, part: _Tree, least: int, most: int | None, following: int) -> int:
        if most is None:
            loop = self.state(None)
            self._states[loop] = _Step(None, (self.build(part, loop), following))
            following = loop
        else:
            skip = following
            for _ in range(most - least):
                following = self.state(None, self.build(part, following), skip)
        for _ in range(least):
            following = self.build(part, following)
        return following

    def finished(self, start: int, end: int, case_sensitive: bool) -> Pattern:
        """The start becomes state 0 and the end the last one."""
        states = [_Step(None, (start + 1,))]
        states += [
            _Step(step.test, tuple(state + 1 for state in step.following)) for step in self._states
        ]
        states[end + 1] = _Step(None, (len(states),))
        return Pattern((*states, _Step(None, ())), case_sensitive)


class _Parser:
    """Recursive descent over the grammar of appendix F."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> _Tree:
        tree = self._either()
        if self._at < len(self._text):
            raise PatternError(f"an unmatched {self._text[self._at]!r}")
        return tree

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        character = self._peek()
        if not character:
            raise PatternError("it ends too early")
        self._at += 1
        return character

    def _taken(self, text: str) -> bool:
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _either(self) -> _Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ScoringError(f"a pattern nested deeper than {MAX_DEPTH}")
        branches = [self._sequence()]
        while self._taken("|"):
            branches.append(self._sequence())
        self._depth -= 1
        return branches[0] if len(branches) == 1 else _Either(tuple(branches))

    def _sequence(self) -> _Tree:
        parts: list[_Tree] = []
        while self._peek() and self._peek() not in "|)":
            parts.append(self._quantified(self._atom()))
        return _Sequence(tuple(parts))

    def _quantified(self, part: _Tree) -> _Tree:
        if self._taken("?"):
            return _Repeat(part, 0, 1)
        if self._taken("*"):
            return _Repeat(part, 0, None)
        if self._taken("+"):
            return _Repeat(part, 1, None)
        if not self._taken("{"):
            return part
        inside, closed, _ = self._text[self._at :].partition("}")
        least, comma, most = inside.partition(",")
        if not closed or not least.isdecimal() or (most and not most.isdecimal()):
            raise PatternError("a quantifier that is not {n}, {n,} or {n,m}")
        self._at += len(inside) + 1
        low = int(least[:6])
        high = int(most[:6]) if most else (None if comma else low)
        if max(low, high or 0) > MAX_REPEAT:
            raise ScoringError(f"a pattern that repeats more than {MAX_REPEAT} times")
        if high is not None and high < low:
            raise PatternError("a quantifier whose bounds are the wrong way round")
        return _Repeat(part, low, high)

    def _atom(self) -> _Tree:
        character = self._next()
        match character:
            case "(":
                if self._taken("?") and not self._taken(":"):
                    raise PatternError("(?… is unknown to XML Schema")
                tree = self._either()
                if not self._taken(")"):
                    raise PatternError("a ( without )")
                return tree
            case "[":
                return _One(self._class())
            case ".":
                return _One(lambda c: c not in "\n\r")
            case "\\":
                return _One(self._escape())
            case "?" | "*" | "+" | "{" | "}" | "]":
                raise PatternError(f"a {character} that repeats or closes nothing")
            case _:
                return _One(_exactly(character))

    def _class(self) -> Test:
        """A class in brackets, behind its `[`."""
        negative = self._taken("^")
        tests: list[Test] = []
        subtracted: Test | None = None
        while not self._taken("]"):
            if tests and self._taken("-["):
                subtracted = self._class()
                if not self._taken("]"):
                    raise PatternError("a subtraction that does not end its class")
                break
            tests.append(self._range())
        if not tests:
            raise PatternError("an empty class")
        return _class_test(tuple(tests), negative, subtracted)

    def _range(self) -> Test:
        first = self._next()
        if first == "\\":
            if self._peek() in _CLASSES or self._peek() in "pP":
                return self._escape()
            first = self._single_escape()
        following = self._text[self._at : self._at + 2]
        if not following.startswith("-") or following in ("-]", "-["):
            return _exactly(first)
        self._at += 1
        last = self._next()
        if last == "\\":
            last = self._single_escape()
        if last < first:
            raise PatternError(f"a range from {first!r} down to {last!r}")
        return lambda c: first <= c <= last

    def _escape(self) -> Test:
        letter = self._peek()
        if letter in _CLASSES and letter:
            self._at += 1
            return _CLASSES[letter]
        if letter and letter in "pP":
            self._at += 1
            return self._property(negative=letter == "P")
        return _exactly(self._single_escape())

    def _single_escape(self) -> str:
        character = self._next()
        if character in "nrt":
            return {"n": "\n", "r": "\r", "t": "\t"}[character]
        if character.isalnum():
            raise PatternError(f"\\{character} is unknown to XML Schema")
        return character

    def _property(self, *, negative: bool) -> Test:
        inside, closed, _ = self._text[self._at :].partition("}")
        if not inside.startswith("{") or not closed:
            raise PatternError("\\p without {…}")
        self._at += len(inside) + 1
        test = _property_test(inside[1:])
        return (lambda c: not test(c)) if negative else test


def _exactly(character: str) -> Test:
    return lambda c: c == character


def _class_test(tests: tuple[Test, ...], negative: bool, subtracted: Test | None) -> Test:
    def within(character: str) -> bool:
        inside = any(test(character) for test in tests) is not negative
        return inside and not (subtracted is not None and subtracted(character))

    return within


_CATEGORIES = {
    "L": "ultmo", "M": "nce", "N": "dlo", "P": "cdseifo", "Z": "slp", "S": "mcko", "C": "cfon",
}  # fmt: skip
_BLOCKS = {
    "BasicLatin": (0x0000, 0x007F), "Latin-1Supplement": (0x0080, 0x00FF),
    "LatinExtended-A": (0x0100, 0x017F), "LatinExtended-B": (0x0180, 0x024F),
    "IPAExtensions": (0x0250, 0x02AF), "CombiningDiacriticalMarks": (0x0300, 0x036F),
    "Greek": (0x0370, 0x03FF), "GreekandCoptic": (0x0370, 0x03FF), "Cyrillic": (0x0400, 0x04FF),
    "Hebrew": (0x0590, 0x05FF), "Arabic": (0x0600, 0x06FF), "Thai": (0x0E00, 0x0E7F),
    "LatinExtendedAdditional": (0x1E00, 0x1EFF), "GeneralPunctuation": (0x2000, 0x206F),
    "SuperscriptsandSubscripts": (0x2070, 0x209F), "CurrencySymbols": (0x20A0, 0x20CF),
    "Arrows": (0x2190, 0x21FF), "MathematicalOperators": (0x2200, 0x22FF),
    "Hiragana": (0x3040, 0x309F), "Katakana": (0x30A0, 0x30FF),
    "CJKUnifiedIdeographs": (0x4E00, 0x9FFF), "HangulSyllables": (0xAC00, 0xD7A3),
}  # fmt: skip


def _property_test(name: str) -> Test:
    if name.startswith("Is") and name[2:] in _BLOCKS:
        first, last = _BLOCKS[name[2:]]
        return lambda c: first <= ord(c) <= last
    if name[:1] not in _CATEGORIES or name[1:] not in ("", *_CATEGORIES[name[:1]]):
        raise PatternError(f"\\p{{{name[:30]}}} is no category and no known block")
    return lambda c: unicodedata.category(c).startswith(name)


def _is_name_start(character: str) -> bool:
    return character in "_:" or unicodedata.category(character) in ("Ll", "Lu", "Lo", "Lt", "Nl")


def _is_name(character: str) -> bool:
    return (
        _is_name_start(character)
        or character in "-."
        or unicodedata.category(character) in ("Mc", "Me", "Mn", "Lm", "Nd")
    )


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] not in "PZC"


def _not(test: Test) -> Test:
    return lambda c: not test(c)


_POSITIVE: dict[str, Test] = {
    "s": lambda c: c in " \t\n\r",
    "i": _is_name_start,
    "c": _is_name,
    "d": lambda c: unicodedata.category(c) == "Nd",
    "w": _is_word,
}
_CLASSES: dict[str, Test] = _POSITIVE | {
    letter.upper(): _not(test) for letter, test in _POSITIVE.items()
}
