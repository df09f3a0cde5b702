"""A bank as a folder: one JSON file for each item version and for each base form.

`items/ID/VERSION.json`, `forms/ID.json`. A version is never overwritten: an item that comes again
with other content becomes the next version. Each file appears whole or not at all.
"""

import contextlib
import dataclasses
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from question_bank.assembly import BaseForm
from question_bank.duplicates.findings import Findings, against
from question_bank.errors import FileRefusedError, MalformedError
from question_bank.item import Item
from question_bank.records import (
    base_form_from_plain,
    base_form_to_plain,
    item_from_plain,
    item_to_plain,
)

_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}")


class BankFolder:
    """The bank in a folder, which is made where it does not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add_items(self, items: Iterable[Item]) -> int:
        """Stores what is new or changed; gives how many versions were written."""
        brought = tuple(items)
        for item in brought:  # before anything is written
            _file_name(item.id)
        return sum(self._add_item(item) for item in brought)

    def newer_versions(self, items: Iterable[Item]) -> dict[str, int]:
        """The version that each of `items` would become which is here with other content."""
        folder = self._folder / "items"
        found = ((item, _newest(folder / _file_name(item.id))) for item in items)
        return {
            item.id: newest.version + 1
            for item, newest in found
            if newest is not None and not _is_same(item, newest)
        }

    def add_base_forms(self, forms: Iterable[BaseForm]) -> None:
        """Stores base forms; one with the same id takes the older one's place."""
        for form in forms:
            _write(self._folder / "forms" / f"{_file_name(form.id)}.json", base_form_to_plain(form))

    def items(self) -> tuple[Item, ...]:
        """The newest version of every item, by id."""
        return tuple(self._each())

    def duplicates(self, items: Iterable[Item]) -> Findings:
        """What each of `items` is like, in the bank and among those before it."""
        return against(self._each(), items)

    def _each(self) -> Iterator[Item]:
        """The newest version of every item, one after the other."""
        for folder in sorted((self._folder / "items").glob("*")):
            if (item := _newest(folder)) is not None:
                yield item

    def base_forms(self) -> tuple[BaseForm, ...]:
        """All base forms, by id."""
        files = sorted((self._folder / "forms").glob("*.json"))
        return tuple(base_form_from_plain(_read(file)) for file in files)

    def _add_item(self, item: Item) -> bool:
        folder = self._folder / "items" / _file_name(item.id)
        newest = _newest(folder)
        if newest is not None:
            if _is_same(item, newest):
                return False
            item = dataclasses.replace(item, version=newest.version + 1)
        _write(folder / f"{item.version}.json", item_to_plain(item))
        return True


def _is_same(item: Item, newest: Item) -> bool:
    return dataclasses.replace(item, version=newest.version) == newest


def _file_name(identifier: str) -> str:
    if not _SAFE.fullmatch(identifier):
        raise FileRefusedError(
            f"id {identifier[:40]!r} cannot be a file name; use A-Z a-z 0-9 . _ -"
        )
    return identifier


def _newest(folder: Path) -> Item | None:
    versions = sorted(int(file.stem) for file in folder.glob("*.json") if file.stem.isdecimal())
    return item_from_plain(_read(folder / f"{versions[-1]}.json")) if versions else None


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileRefusedError(f"{file}: {error.strerror or 'cannot be read'}") from None
    except (ValueError, RecursionError):
        raise MalformedError(f"{file}: no JSON") from None


def _write(file: Path, value: object) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(value, stream, ensure_ascii=False, indent=1, sort_keys=True)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(file)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise FileRefusedError(f"{file}: {error.strerror or 'cannot be written'}") from None
