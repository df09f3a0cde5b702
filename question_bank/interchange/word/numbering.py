"""The labels of automatic lists, which stand in no run: "Câu 1.", "A." (§17.9)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from question_bank.interchange.markup import child, children
from question_bank.interchange.word.names import child_value, is_on, value

MAX_LEVEL = 8
ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
         (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_PLACE = re.compile(r"%([1-9])")


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a list."""

    start: int
    form: str
    text: str
    properties: etree._Element | None
    legal: bool


@dataclass(slots=True)
class _List:
    levels: dict[int, Level]
    counters: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Label:
    """A paragraph's label with the properties of its look."""

    text: str
    properties: etree._Element | None


class Numbering:
    """Counts the lists of a document, paragraph by paragraph in order."""

    def __init__(self, root: etree._Element | None) -> None:
        self._lists: dict[str, _List] = {}
        self._numbers: dict[str, tuple[str, dict[int, Level], dict[int, int]]] = {}
        self._restarted: set[tuple[str, int]] = set()
        if root is None:
            return
        for abstract in children(root, "abstractNum"):
            levels = dict(_level(lvl) for lvl in children(abstract, "lvl"))
            self._lists[value(abstract, "abstractNumId")] = _List(levels)
        for number in children(root, "num"):
            self._numbers[value(number, "numId")] = _number(number)

    def label(self, numbering: etree._Element | None) -> Label | None:
        """The next label of the list that a paragraph's `w:numPr` names; None if it has none."""
        number = child_value(numbering, "numId")
        abstract, overrides, starts = self._numbers.get(number, ("", {}, {}))
        listed = self._lists.get(abstract)
        place = _whole(child_value(numbering, "ilvl"), 0)
        if listed is None or not 0 <= place <= MAX_LEVEL:
            return None
        levels = listed.levels | overrides
        level = levels.get(place)
        if level is None:
            return None
        self._count(number, listed, place, level, starts)
        if level.form in ("bullet", "none"):
            return None

        def numbered(found: re.Match[str]) -> str:
            at = int(found[1]) - 1
            shown = levels.get(at, level)
            count = listed.counters.get(at, shown.start)
            return _spelled(count, "decimal" if level.legal else shown.form)

        return Label(_PLACE.sub(numbered, level.text), level.properties)

    def _count(
        self, number: str, listed: _List, place: int, level: Level, starts: dict[int, int]
    ) -> None:
        if place in starts and (number, place) not in self._restarted:
            self._restarted.add((number, place))
            listed.counters[place] = starts[place]
        else:
            listed.counters[place] = listed.counters.get(place, level.start - 1) + 1
        for deeper in [at for at in listed.counters if at > place]:
            del listed.counters[deeper]


def _level(element: etree._Element) -> tuple[int, Level]:
    return _whole(value(element, "ilvl"), 0), Level(
        _whole(child_value(element, "start"), 1),
        child_value(element, "numFmt") or "decimal",
        child_value(element, "lvlText")[:80],
        child(element, "rPr"),
        bool(is_on(child(element, "isLgl"))),
    )


def _number(element: etree._Element) -> tuple[str, dict[int, Level], dict[int, int]]:
    levels: dict[int, Level] = {}
    starts: dict[int, int] = {}
    for override in children(element, "lvlOverride"):
        place = _whole(value(override, "ilvl"), 0)
        if child(override, "startOverride") is not None:
            starts[place] = _whole(child_value(override, "startOverride"), 1)
        levels.update(_level(lvl) for lvl in children(override, "lvl"))
    return child_value(element, "abstractNumId"), levels, starts


def _whole(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and len(text) <= 6 else default


def _letters(count: int) -> str:
    """a … z, aa, bb, … (§17.18.59)."""
    return chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 8)


def _roman(count: int) -> str:
    spelled = ""
    for worth, sign in ROMAN:
        times, count = divmod(count, worth)
        spelled += sign * times
    return spelled


_FORMS: dict[str, Callable[[int], str]] = {
    "upperLetter": lambda count: _letters(count).upper(),
    "lowerLetter": _letters,
    "upperRoman": lambda count: _roman(count).upper(),
    "lowerRoman": _roman,
    "decimalZero": lambda count: f"{count:02}",
}


def _spelled(count: int, form: str) -> str:
    speak = _FORMS.get(form)
    return speak(count) if speak is not None and 0 < count < 4000 else str(count)
