"""Every word of the staff pages, from `locale/*.toml`; Vietnamese first, English complete."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

LOCALE = Path(__file__).parent / "locale"


class Language(StrEnum):
    VIETNAMESE = "vi"
    ENGLISH = "en"


DEFAULT = Language.VIETNAMESE


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """All texts of a language by dotted key, e.g. ``login.title``."""
    with (LOCALE / f"{language.value}.toml").open("rb") as file:
        return dict(_flat("", tomllib.load(file)))


def _flat(prefix: str, table: dict[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            pairs += _flat(f"{key}.", value)
        else:
            pairs.append((key, str(value)))
    return pairs


def text(language: Language, key: str, **values: object) -> str:
    """The text of `key` with `values` filled in; KeyError where there is no such text."""
    return catalogue(language)[key].format_map(values)


def known(language: Language, key: str) -> bool:
    return key in catalogue(language)


def word(language: Language, family: str, code: object) -> str:
    """The text for one code of a closed list; a code from a newer program is shown as it is."""
    plain = str(code)
    return catalogue(language).get(f"{family}.{plain}", plain)


def chosen(cookie: str | None) -> Language:
    """The language a browser asked for by its cookie, Vietnamese otherwise."""
    try:
        return Language(cookie or DEFAULT)
    except ValueError:
        return DEFAULT
