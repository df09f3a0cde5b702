"""Statistics of items that were counted elsewhere, from a CSV file."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlmodel import Session, select

from exam_server.errors import InputError
from exam_server.items import statistics
from exam_server.items.models import Item as StoredItem
from exam_server.items.models import ItemVersion
from question_bank.psychometrics.classical import ItemStatistics

COLUMNS = ("item", "version", "answers", "difficulty", "discrimination")
MAX_SOURCE = 100
MAX_ANSWERS = 10**9


@dataclass(frozen=True, slots=True)
class Row:
    """A line: what is told of a version of the item of that name."""

    line: int
    item: str
    version: int
    told: ItemStatistics


def read_statistics(data: bytes, file: str) -> list[Row]:
    """The rows; InputError names the line of the first that is none. Numbers have a point or a
    comma; discrimination may be empty."""
    try:
        lines = data.decode("utf-8-sig").splitlines()
        table = list(csv.reader(lines, delimiter=";" if lines and ";" in lines[0] else ","))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: no CSV in UTF-8: {error}") from None
    if not table or tuple(name.strip().lower() for name in table[0]) != COLUMNS:
        raise InputError(f"{file}: the first line must be {','.join(COLUMNS)}")
    rows = enumerate(table[1:], start=2)
    return [_row(fields, number, file) for number, fields in rows if any(fields)]


def _row(fields: Sequence[str], line: int, file: str) -> Row:
    try:
        item, version, answers, difficulty, discrimination = (one.strip() for one in fields)
        told = ItemStatistics(
            answers=_whole(answers),
            difficulty=_number(difficulty, least=0),
            discrimination=_number(discrimination, least=-1) if discrimination else None,
        )
        return Row(line, item, _whole(version), told)
    except (ValueError, InvalidOperation):
        raise InputError(
            f"{file}, line {line}: write a name, two whole numbers from 1, a difficulty from 0 to "
            "1, and a discrimination from -1 to 1 or nothing"
        ) from None


def _whole(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else 0
    if not 1 <= value <= MAX_ANSWERS:
        raise ValueError(text)
    return value


def _number(text: str, *, least: int) -> Decimal:
    value = Decimal(text.replace(",", "."))
    if not (value.is_finite() and least <= value <= 1):
        raise ValueError(text)
    return value


def keep_all(
    session: Session, rows: Sequence[Row], source: str, *, now: datetime
) -> tuple[int, list[Row]]:
    """Keeps them under `import:SOURCE`; (how many, the rows of which there is no such version)."""
    if not 1 <= len(source.strip()) <= MAX_SOURCE:
        raise InputError(f"--source: write 1 to {MAX_SOURCE} characters")
    unknown = []
    for row in rows:
        version = session.exec(
            select(ItemVersion.id)
            .join(StoredItem)
            .where(StoredItem.name == row.item, ItemVersion.version == row.version)
        ).first()
        if version is None:
            unknown.append(row)
        else:
            statistics.keep(session, version, f"import:{source.strip()}", row.told, now=now)
    return len(rows) - len(unknown), unknown
