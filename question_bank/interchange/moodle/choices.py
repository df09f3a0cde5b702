"""Choices, numbers, words and essays of Moodle as items."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from question_bank.interactions import MAX_ESSAY, MAX_GAP_TEXT, ExtendedText, TextEntry
from question_bank.interchange.moodle.processing import (
    Band,
    numbers_program,
    pattern_of,
    patterns_program,
)
from question_bank.interchange.moodle.questions import (
    FULL,
    MAX_ANSWERS,
    Answer,
    Question,
    UnsupportedError,
    number_of,
    worths_of,
)
from question_bank.interchange.problems import ProblemLog
from question_bank.item import (
    MAX_NUMERIC_TEXT,
    AllOrNothing,
    ChoiceKey,
    Item,
    MappedChoice,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    Option,
    ResponseProcessing,
    SingleChoice,
)
from question_bank.keys import External, MappedText, NoKey, PartRule, Spelling, TextKey
from question_bank.qti.pattern import MAX_PATTERN

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ANY = "*"
_WILD = re.compile(r"(?<!\\)\*")
_TRUTHS = {"vi": ("Đúng", "Sai")}
_ALLOWED = "0123456789,.-"


def choice(
    question: Question, answers: Sequence[Answer], *, single: bool, shuffle: bool = True
) -> Item:
    """A choice; answers worth a part of the marks make it a mapped one."""
    options, key, rule = chosen(answers, question.points, single=single)
    interaction = SingleChoice(options, shuffle) if single else MultipleChoice(options, shuffle)
    return question.item(interaction, key, rule)


def chosen(
    answers: Sequence[Answer], points: Decimal, *, single: bool
) -> tuple[tuple[Option, ...], ChoiceKey, PartRule]:
    """Options, key and rule of a choice of one or of several."""
    if not 2 <= len(answers) <= len(LETTERS):
        raise UnsupportedError(f"it has {len(answers)} answers")
    options = tuple(
        Option(letter, answer.content) for letter, answer in zip(LETTERS, answers, strict=False)
    )
    percents = [answer.percent for answer in answers]
    worths = worths_of(percents, points, together=not single)
    worth = {option.id: each for option, each in zip(options, worths, strict=True)}
    if single:
        right = tuple(o.id for o, a in zip(options, answers, strict=True) if a.percent == FULL)
        if len(right) != 1:
            raise UnsupportedError(f"{len(right)} of its answers are worth all marks")
        plain = all(percent in (0, FULL) for percent in percents)
        return options, ChoiceKey(right), AllOrNothing() if plain else MappedChoice(worth)
    right = tuple(o.id for o, a in zip(options, answers, strict=True) if a.percent > 0)
    if not right:
        raise UnsupportedError("none of its answers is right")
    return options, ChoiceKey(right), MappedChoice(worth, lower=Decimal(0), upper=points)


def true_false(question: Question, *, truth: bool) -> Item:
    """A choice between true and false, in this order, in the question's language."""
    words = _TRUTHS.get(question.language, ("True", "False"))
    answers = [
        Answer(word, FULL if right == truth else Decimal(0))
        for word, right in zip(words, (True, False), strict=True)
    ]
    return choice(question, answers, single=True, shuffle=False)


def numeric(question: Question, answers: Sequence[Answer], unit: str = "") -> Item:
    """A number with its tolerance. Several numbers, or numbers worth a part of the marks, are a
    processing of the item's own: the first of them that agrees counts."""
    given = [answer for answer in answers if answer.percent or answer.content.strip() != ANY]
    full = _full_number(given)
    entry = number_entry(full, unit)
    key = NumericKey(number_of(full.content))
    if all(answer is full or not answer.percent for answer in given) and given[0] is full:
        return question.item(entry, key, AllOrNothing())
    worths = worths_of([answer.percent for answer in given], question.points, together=False)
    bands = [
        Band(
            None if answer.content.strip() == ANY else number_of(answer.content),
            answer.tolerance,
            worth,
        )
        for answer, worth in zip(given, worths, strict=True)
    ]
    program = numbers_program(question.id, bands, question.points, key.value)
    entry = replace(entry, tolerance=Decimal(0))  # the processing has them all
    return question.item(entry, key, ResponseProcessing(program, "RESPONSE"))


def number_part(
    answers: Sequence[Answer], line: int | None, log: ProblemLog
) -> tuple[NumericEntry, NumericKey]:
    """A number among others in a text: one is right, what is worth a part is left out and said."""
    given = [answer for answer in answers if answer.percent]
    full = _full_number(given)
    if len(given) > 1:
        log.warning(line, "answer", "a gap takes one number; the others were left out")
    return number_entry(full), NumericKey(number_of(full.content))


def _full_number(answers: Sequence[Answer]) -> Answer:
    full = [a for a in answers if a.percent == FULL and a.content.strip() != ANY]
    if len(answers) > MAX_ANSWERS:
        raise UnsupportedError(f"it has {len(answers)} answers")
    if not full:
        raise UnsupportedError("none of its numbers is worth all marks")
    return full[0]


def number_entry(answer: Answer, unit: str = "") -> NumericEntry:
    """The field for a number, wide enough for it."""
    value = number_of(answer.content)
    longest = min(max(len(format(value, "f")) + 2, 8), MAX_NUMERIC_TEXT)
    return NumericEntry(longest, _ALLOWED, answer.tolerance, unit)


def short(question: Question, answers: Sequence[Answer], *, case_sensitive: bool = False) -> Item:
    """A word or a few, compared with the answers; those in which `*` stands for any letters are
    patterns, and their processing the item's own."""
    given = [answer for answer in answers if answer.percent or answer.content.strip() != ANY]
    if any(_WILD.search(answer.content) for answer in given):
        return _by_patterns(question, given, case_sensitive=case_sensitive)
    entry, key, rule = word(answers, question.points, case_sensitive=case_sensitive)
    return question.item(entry, key, rule)


def _by_patterns(question: Question, answers: Sequence[Answer], *, case_sensitive: bool) -> Item:
    patterns = [pattern_of(answer.content) for answer in answers]
    if len(answers) > MAX_ANSWERS or max(map(len, patterns)) > MAX_PATTERN:
        raise UnsupportedError("its answers are too many or too long to be patterns")
    if not any(answer.percent == FULL for answer in answers):
        raise UnsupportedError("none of its answers is worth all marks, or one is empty")
    worths = worths_of([answer.percent for answer in answers], question.points, together=False)
    # What is left of a right pattern without its stars is one of the texts that it takes.
    bare = (_WILD.sub("", a.content).replace(r"\*", "*") for a in answers if a.percent == FULL)
    accepted = tuple(text for text in (" ".join(one.split()) for one in bare) if text)
    key = TextKey(accepted[:1], case_sensitive) if accepted else NoKey()
    program = patterns_program(
        question.id, list(zip(patterns, worths, strict=True)), question.points,
        "".join(accepted[:1]), case_sensitive=case_sensitive,
    )  # fmt: skip
    return question.item(TextEntry(MAX_GAP_TEXT), key, ResponseProcessing(program, "RESPONSE"))


def word(
    answers: Sequence[Answer], points: Decimal, *, case_sensitive: bool
) -> tuple[TextEntry, TextKey, PartRule]:
    """A gap for words. Answers are plain text; `*` in them stands for any letters, which our rules
    have not: such an answer is refused, unless it only comments on all that is wrong."""
    given = [a for a in answers if a.percent or not _WILD.search(a.content)]
    if any(_WILD.search(answer.content) for answer in given):
        raise UnsupportedError("an answer in which * stands for any letters cannot be taken")
    texts = [" ".join(answer.content.replace(r"\*", "*").split()) for answer in given]
    accepted = tuple(text for text, a in zip(texts, given, strict=True) if a.percent == FULL)
    if not accepted or not all(texts):
        raise UnsupportedError("none of its answers is worth all marks, or one is empty")
    longest = max(map(len, texts))
    if longest > MAX_GAP_TEXT:
        raise UnsupportedError(f"an answer of more than {MAX_GAP_TEXT} characters")
    entry = TextEntry(min(max(50, 2 * longest), MAX_GAP_TEXT))
    key = TextKey(accepted, case_sensitive)
    if all(answer.percent in (0, FULL) for answer in given):
        return entry, key, AllOrNothing()
    worths = worths_of([answer.percent for answer in given], points, together=False)
    spellings = tuple(
        Spelling(text, worth, case_sensitive) for text, worth in zip(texts, worths, strict=True)
    )
    return entry, key, MappedText(spellings)


def essay(question: Question, lines: int = 0) -> Item:
    """A text that people mark."""
    shown = min(max(lines, 1), 200) if lines else ExtendedText().lines
    return question.item(ExtendedText(min(10_000, MAX_ESSAY), shown), NoKey(), External())
