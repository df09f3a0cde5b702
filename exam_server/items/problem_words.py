"""What the readers of foreign files say, in the language of who looks at it.

The readers speak English. `web/locale/problems.toml` has each of their sentences with places for
what they name, and the Vietnamese; a sentence that is not there is shown as it is, and marked as
English. Where a place holds a code of one of our closed lists, the Vietnamese says which list:
``{b:item_kind}``.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from exam_server.web.texts import LOCALE, Language, known, word
from question_bank.interchange.problems import Problem

CATALOGUE = LOCALE / "problems.toml"
MAX_DEPTH = 3
_PLACE = re.compile(r"\{([a-d])(?::([a-z_]+))?\}")
_NAME = re.compile(r"\{([a-d])\}")
KIND = "item_kind"
_QUOTED = re.compile(r": (?=['\"])")


@dataclass(frozen=True, slots=True)
class Said:
    """A problem in words; `language` is that of the message."""

    element: str
    message: str
    language: Language


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence with places, and what it is in Vietnamese."""

    pattern: re.Pattern[str]
    literals: tuple[str, ...]
    vietnamese: str

    @property
    def weight(self) -> int:
        """The more of it is fixed, the better it fits."""
        return sum(map(len, self.literals))


def said(language: Language, problem: Problem) -> Said:
    """The problem in `language`, as far as there are words for it."""
    if known(language, f"{KIND}.{problem.element}"):
        problem = replace(problem, element=word(language, KIND, problem.element))
    if language is Language.ENGLISH:
        return Said(problem.element, problem.message, language)
    message = translated(problem.message)
    element = _told("elements", problem.element) or problem.element
    spoken = language if message is not None else Language.ENGLISH
    return Said(element, message or problem.message, spoken)


@lru_cache(maxsize=4096)
def translated(message: str) -> str | None:
    """A reader's message in Vietnamese, None where there are no words for it."""
    return _translated(message, 0)


def _translated(message: str, depth: int) -> str | None:
    if depth > MAX_DEPTH:
        return None
    whole = _told("messages", message, depth)
    if whole is not None:
        return whole
    # What a question says stands quoted behind the reason why it was not taken.
    quoted = _QUOTED.search(message)
    head = None if quoted is None else _told("messages", message[: quoted.start()], depth)
    return None if quoted is None or head is None else head + message[quoted.start() :]


def _told(table: str, message: str, depth: int = 0) -> str | None:
    for sentence in catalogue()[table]:
        if not all(literal in message for literal in sentence.literals):
            continue
        found = sentence.pattern.fullmatch(message)
        if found is not None:
            return _filled(sentence.vietnamese, found.groupdict(), depth)
    return None


def _filled(vietnamese: str, named: Mapping[str, str], depth: int) -> str:
    def filled(place: re.Match[str]) -> str:
        text, family = named[place[1]], place[2]
        return word(Language.VIETNAMESE, family, text).lower() if family else _inside(text, depth)

    return _PLACE.sub(filled, vietnamese)


def _inside(text: str, depth: int) -> str:
    """What a message names: a reason of its own is translated, the file's words are not."""
    if text[:1] in "'\"":
        return text
    return _translated(text, depth + 1) or text


@cache
def catalogue() -> Mapping[str, tuple[_Sentence, ...]]:
    """All sentences by table, those that say most first."""
    with CATALOGUE.open("rb") as file:
        tables = tomllib.load(file)
    return {
        name: tuple(sorted((_sentence(*pair) for pair in table.items()), key=lambda s: -s.weight))
        for name, table in tables.items()
    }


def _sentence(english: str, vietnamese: str) -> _Sentence:
    parts = _NAME.split(english)  # literal, place, literal, …
    pattern = "".join(
        re.escape(part) if place % 2 == 0 else f"(?P<{part}>.+?)"
        for place, part in enumerate(parts)
    )
    literals = tuple(part for part in parts[::2] if part)
    return _Sentence(re.compile(pattern, re.DOTALL), literals, vietnamese)
