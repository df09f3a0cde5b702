"""A database with rows in every table, made from the tables themselves."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlmodel import AutoString

from exam_server import db
from exam_server.schema import METADATA

NOON = datetime(2026, 12, 5, 12, tzinfo=UTC)
ROWS = 2

Rows = dict[str, list[dict[str, Any]]]


def fill(engine: Engine) -> None:
    """Two rows in every table; row 1 refers to rows 1, row 2 to rows 2."""
    made: Rows = {}
    with engine.begin() as connection:
        for table in METADATA.sorted_tables:
            made[table.name] = [_row(table, number, made) for number in range(ROWS)]
            connection.execute(sa.insert(table), made[table.name])


def _row(table: sa.Table, number: int, made: Rows) -> dict[str, Any]:
    row = {column.name: _value(column, number) for column in table.columns}
    for constraint in table.foreign_key_constraints:
        for element in constraint.elements:
            parent = made[element.column.table.name][number]
            row[element.parent.name] = parent[element.column.name]
    return row


def _value(column: sa.Column[Any], number: int) -> Any:
    kind = column.type
    if isinstance(kind, sa.Enum):
        return next(iter(kind.enum_class or kind.enums))
    if isinstance(kind, sa.JSON):
        return [f"{column.name} đ {number}"]
    if isinstance(kind, db.UtcDateTime):
        return NOON + timedelta(hours=number, microseconds=123_456)
    if isinstance(kind, db.ExactDecimal):
        return Decimal(f"{number}.50")
    if isinstance(kind, AutoString | sa.String):
        return f"{column.table.name} {column.name} ư {number}"
    match kind.python_type:
        case t if t is bytes:
            return f"{column.name}\0{number}".encode()
        case t if t is bool:
            return True
        case t if t is int:
            return number + 1
        case t if t is date:
            return date(2008, 3, 14 + number)
    raise TypeError(f"{column} is of a type that no row was ever made for")


def held(connection: Connection) -> Rows:
    """Every row as the database holds it now, whatever version its schema has."""
    found = sa.MetaData()
    found.reflect(connection, only=lambda name, _: name != "alembic_version")
    return {
        table.name: sorted(
            (dict(row._mapping) for row in connection.execute(sa.select(table))), key=repr
        )
        for table in found.sorted_tables
    }


def common(before: Rows, after: Rows) -> tuple[Rows, Rows]:
    """What both can hold: the tables and columns that are in either."""
    return _kept(before, after), _kept(after, before)


def _kept(rows: Rows, other: Rows) -> Rows:
    return {
        table: sorted(
            ({name: row[name] for name in row if name in other[table][0]} for row in rows[table]),
            key=repr,
        )
        for table in rows
        if table in other
    }
