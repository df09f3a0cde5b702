"""Every text of every screen, by key, from one catalogue per language (`locale/*.toml`)."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from exam_station.flow.codes import Language

LOCALE = Path(__file__).with_name("locale")


class Texts:
    """`texts("common.minutes", count=90)`: the text of a key with its values put in."""

    def __init__(self, language: Language = Language.VI) -> None:
        self.language = Language(language)
        self._entries = catalogue(self.language)

    def __call__(self, key: str, **values: object) -> str:
        text = self._entries[key]
        return text.format_map(values) if values else text

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def of(self, group: str, code: str) -> str:
        """The text of a code that a newer server may have invented; then the code itself."""
        key = f"{group}.{code}"
        return self._entries.get(key, self("common.unknown_code", code=code))

    @property
    def known(self) -> frozenset[str]:
        """All keys of the catalogue."""
        return frozenset(self._entries)


def catalogue(language: Language) -> dict[str, str]:
    """The catalogue of a language, flat: table and key joined by a dot."""
    tables = tomllib.loads((LOCALE / f"{language}.toml").read_text(encoding="utf-8"))
    return dict(_flat(tables, ""))


def _flat(table: Mapping[str, object], prefix: str) -> list[tuple[str, str]]:
    entries: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            entries += _flat(value, f"{prefix}{name}.")
        else:
            entries.append((f"{prefix}{name}", str(value)))
    return entries
