"""Where the options of a question begin: A–D on four lines, on one, in tabs, glued together.

A label is a letter and a mark. How likely one is depends on what stands before it; the options
are the row of labels A, B, C, … of the greatest total likelihood.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from question_bank.interchange.word.model import Strip
from question_bank.interchange.word.phrases import LETTER, letter

MAX_LABELS = 2_000
# Up to here options may stand anywhere; E and F only where they are beyond doubt.
USUAL = "D"
LINE, GAP, STOP, GLUED, WORD, RUN_ON = 4.0, 3.0, 2.0, 1.5, 0.3, 0.1
SURE = 3.0
OTHER_FORM, EMPTY = 2.0, 0.2
LIKELY = 0.8
_CAPITAL = re.compile(
    rf"(?P<star>[*]\s*)?(?P<open>[(\[]?)(?P<letter>{LETTER})(?P<mark>\s?[.):/\]]|\s?\*\s?[.)])"
)
_SMALL = re.compile(r"(?P<star>[*]\s*)?(?P<open>[(\[]?)(?P<letter>[a-f])(?P<mark>\s?[.):\]])")
_BARE = re.compile(
    rf"(?:(?<=\n)|(?<=\t)|\A)[ ]*(?P<star>[*]\s*)?(?P<open>)(?P<letter>{LETTER})(?P<mark>)"
    r"(?=[ \t]+\S)"
)

# "A - một": the dash is the label's where all of them have one, else it is a minus.
_DASHED = re.compile(
    rf"(?:(?<=\n)|(?<=\t)|\A)[ ]*(?P<star>[*]\s*)?(?P<open>)(?P<letter>{LETTER})(?P<mark>[ ]?[-–—])"
    r"(?=[ \t]+\S)"
)
# What is no option: "every (B) day (D)." has its labels behind the words.
_STOPS = " .,;:!?"


@dataclass(frozen=True, slots=True)
class Label:
    """A label's letter and place in the text; `after` is where its option begins."""

    letter: str
    start: int
    after: int
    weight: float
    starred: bool
    form: str  # the signs around the letter: ".", "()"


@dataclass(frozen=True, slots=True)
class Choice:
    """One option: its label and its content's place."""

    label: Label
    stop: int


def choices_in(strip: Strip) -> tuple[Choice, ...]:
    """The options A, B, … of a question; empty where there are none."""
    for form in (_CAPITAL, _DASHED, _BARE):
        found = _best_row(_labels(strip, form), "A")
        if found:
            return _spans(found, len(strip.text))
    return ()


def statements_in(strip: Strip) -> tuple[Choice, ...]:
    """The statements a), b), … of a question; empty where there are none."""
    return _spans(_best_row(_labels(strip, _SMALL), "a"), len(strip.text))


def stand_in_a_sentence(choices: Sequence[Choice]) -> bool:
    """Whether nothing tells if labels like "(A)" stand before their options or behind them."""
    return all(one.label.form == "()" and one.label.weight <= WORD for one in choices)


def holds_labels(option: Strip) -> bool:
    """Whether an option has labels of its own at the beginning of lines or after tabs, or a whole
    row of them: labels out of order ("A, B, D", "A, B, C, C"), or another question's options."""
    inside = (label for label in _labels(option, _CAPITAL) if label.start)
    return any(label.weight >= GAP for label in inside) or len(choices_in(option)) > 2


def _labels(strip: Strip, form: re.Pattern[str]) -> list[Label]:
    text = strip.text
    found: list[Label] = []
    for match in form.finditer(text):
        weight = _weight(strip, match)
        if weight > 0 and len(found) < MAX_LABELS:
            name = match["letter"] if form is _SMALL else letter(match["letter"])
            starred = bool(match["star"]) or "*" in match["mark"]
            signs = (match["open"] + match["mark"].strip()).replace("*", "").replace(" ", "")
            found.append(Label(name, match.start(), match.end(), weight, starred, signs))
    return [
        replace(label, weight=label.weight - EMPTY) if _is_empty(text, label, after) else label
        for label, after in zip_longest(found, found[1:])
    ]


def _is_empty(text: str, label: Label, after: Label | None) -> bool:
    """Whether nothing stands between a label and the next one."""
    return after is not None and not text[label.after : after.start].strip()


def _weight(strip: Strip, match: re.Match[str]) -> float:
    text, start = strip.text, match.start()
    if bool(match["open"]) != (match["mark"].strip() in (")", "]")) and match["open"]:
        return 0
    before = text[max(start - 3, 0) : start]
    follows = text[match.end() : match.end() + 20].split("\n")[0]
    weight = _weight_before(before)
    if match["mark"].strip() in (":", "/") and weight < GAP:
        return 0
    if weight and _differs(strip, match):
        weight += 1
    if weight < GAP and not follows.strip(_STOPS if match["open"] else None):
        return 0  # a sentence that ends with a letter: "anh P và chị B."
    return weight


def _weight_before(before: str) -> float:
    line = before.rstrip(" \u200b")
    if not line or line[-1] == "\n":
        # three blanks hide what stands before them
        return LINE if len(before) < 3 or "\n" in before else GAP
    if line[-1] == "\t" or len(before) - len(line) >= 2:
        return GAP
    if line != before:
        return STOP if line[-1] in ".;,:?!)$\ufffc" else WORD
    if line[-1] in ".;?!)$\ufffc":
        return GLUED
    if line[-1].islower() or line[-1].isdecimal():
        return RUN_ON
    return 0 if line[-1].isalnum() or line[-1] in "\\_^{=+-" else WORD


def _differs(strip: Strip, match: re.Match[str]) -> bool:
    """Whether the label looks other than the character before it: bold, coloured, underlined."""
    if match.start() == 0:
        return False
    at = match.start("letter")
    own = next(strip.marks(at, at + 1), None)
    before = list(strip.marks(max(match.start() - 4, 0), match.start()))
    return bool(before) and own is not None and own != before[-1] and (own.bold or bool(own.colour))


_Row = tuple[float, tuple[Label, ...]]


def _best_row(labels: Sequence[Label], first: str) -> list[Label]:
    """The row first, first + 1, … with the greatest weight; the later of two equal ones."""
    best: dict[str, dict[str, _Row]] = {}
    ends: list[_Row] = []
    for label in labels:
        row = (label.weight, (label,)) if label.letter == first else _longer(best, label)
        if row is None:
            continue
        ends.append(row)
        forms = best.setdefault(label.letter, {})
        if label.form not in forms or row[0] >= forms[label.form][0]:
            forms[label.form] = row
    if not ends:
        return []
    weight, chosen = max(ends, key=lambda row: row[0])
    whole = chosen[-1].letter.upper() >= USUAL
    enough = len(chosen) >= 2 and (whole or weight / len(chosen) >= LIKELY)
    return list(chosen) if enough else []


def _longer(best: Mapping[str, Mapping[str, _Row]], label: Label) -> _Row | None:
    """The best row that ends with this label; None where no row awaits it."""
    if label.letter.upper() > USUAL and label.weight < SURE:
        return None
    rows = [
        (weight + label.weight - (0 if row[-1].form == label.form else OTHER_FORM), (*row, label))
        for weight, row in best.get(chr(ord(label.letter) - 1), {}).values()
    ]
    return max(rows, key=lambda row: row[0], default=None)


def _spans(labels: Sequence[Label], end: int) -> tuple[Choice, ...]:
    stops = [*(label.start for label in labels[1:]), end][: len(labels)]
    return tuple(Choice(label, stop) for label, stop in zip(labels, stops, strict=True))
