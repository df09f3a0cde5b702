"""Aiken: a question on lines, options `A) …` or `A. …`, then `ANSWER: A`."""

import re
from decimal import Decimal

from question_bank.interchange.moodle.choices import choice
from question_bank.interchange.moodle.html import plain
from question_bank.interchange.moodle.questions import (
    FULL,
    Answer,
    Question,
    UnsupportedError,
    identifier_of,
    text_of,
)
from question_bank.interchange.problems import Imported, ProblemLog
from question_bank.item import Item

_OPTION = re.compile(r"\s*([A-Z])[.)]\s+(.*)")
_ANSWER = re.compile(r"\s*ANSWER\s*:\s*([A-Za-z])\s*$")


def is_aiken(text: str) -> bool:
    """Whether a text has lines as Aiken has them."""
    lines = text.splitlines()
    return any(map(_ANSWER.match, lines)) and any(map(_OPTION.match, lines))


def read_aiken(data: bytes, file: str) -> Imported:
    """The single choices of an Aiken file; what fits nowhere is an error with its line."""
    log = ProblemLog(file)
    items: list[Item] = []
    lines: dict[str, int] = {}
    stem: list[str] = []
    options: list[tuple[str, str]] = []
    began = number = 0
    for line, text in enumerate(text_of(data, file, log).split("\n"), 1):
        if answer := _ANSWER.match(text):
            number += 1
            question = Question(
                f"{identifier_of(file)}-{number}", began or line, plain("\n".join(stem))
            )
            lines[question.id] = question.line or line
            try:
                items.append(_item(question, options, answer[1].upper()))
            except UnsupportedError as error:
                log.error(question.line, "question", str(error))
            stem, options, began = [], [], 0
        elif (option := _OPTION.match(text)) and stem:
            options.append((option[1], option[2]))
        elif text.strip():
            if options:
                log.error(began, "question", "has no ANSWER line and was left out")
                lines[f"?{began}"] = began
                stem, options = [], []
            began = began if stem else line
            stem.append(text)
    if stem or options:
        lines[f"?{began}"] = began
        log.error(began, "question", "has no ANSWER line and was left out")
    if not items and not log.problems:
        log.error(None, "file", "holds no question")
    return Imported(tuple(items), problems=tuple(log.problems), lines=lines)


def _item(question: Question, options: list[tuple[str, str]], right: str) -> Item:
    if not question.stem:
        raise UnsupportedError("has no text")
    if [letter for letter, _ in options] != [chr(ord("A") + n) for n in range(len(options))]:
        raise UnsupportedError("its options are not A, B, C, … in order")
    if right not in [letter for letter, _ in options]:
        raise UnsupportedError(f"its answer {right} is none of its options")
    answers = [
        Answer(plain(text), FULL if letter == right else Decimal(0)) for letter, text in options
    ]
    return choice(question, answers, single=True)
