"""A database as a file that no database made: every row of one moment, for any kind to take in.

A sequence of CBOR values: the schema's version, then pieces of tables, parents before children. A
piece is ``[table, [column…], [[value…]…]]``; moments are in UTC.
"""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import cbor2
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from exam_server import db, migrations
from exam_server.errors import InputError

FORMAT = "truong-thi/dump/1"
#: Rows of a piece. Some hold a whole sealed package.
ROWS = 100
VERSIONS = "alembic_version"


def dump(engine: Engine, target: Path) -> None:
    """Writes everything that `engine`'s database holds now; others may go on writing."""
    with db.reading(engine) as session, target.open("xb") as sink:
        connection = session.connection()
        cbor2.dump([FORMAT, migrations.revision_of(connection)], sink)
        for table in _tables(connection).sorted_tables:
            names = [column.name for column in table.columns]
            for rows in _pieces(connection, table):
                cbor2.dump([table.name, names, rows], sink)


def _tables(connection: Connection) -> sa.MetaData:
    """The tables as they are, whatever version the schema has."""
    found = sa.MetaData()
    found.reflect(connection, only=lambda name, _: name != VERSIONS)
    return found


def _pieces(connection: Connection, table: sa.Table) -> Iterator[list[list[Any]]]:
    result = connection.execution_options(yield_per=ROWS).execute(sa.select(table))
    for rows in result.partitions():
        yield [[_plain(value) for value in row] for row in rows]


def _plain(value: Any) -> Any:
    # SQLite gives moments back naive; they went in as UTC.
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def restore(engine: Engine, source: Path) -> None:
    """Fills `engine`'s empty database with what `source` holds, at the dump's version and then up.

    InputError where the database is not empty or `source` is no dump; then it is left empty.
    """
    if migrations.current(engine) is not None:
        raise InputError("the database to restore into holds a server already; name an empty one")
    try:
        with source.open("rb") as opened:
            migrations.upgrade(engine, _head_of(opened))
            with engine.begin() as connection:
                _fill(connection, opened)
        migrations.upgrade(engine)
    except Exception:  # whatever stopped it: the database is empty again, nothing half-done
        migrations.downgrade(engine, "base")
        raise


def _head_of(source: IO[bytes]) -> str:
    head = _next(source)
    if not isinstance(head, list) or len(head) != 2 or head[0] != FORMAT:
        raise InputError("the backup holds no database that this version knows")
    return str(head[1])


def _fill(connection: Connection, source: IO[bytes]) -> None:
    tables = _tables(connection).tables
    for name, columns, rows in iter(lambda: _next(source), None):
        # What is left out becomes NULL, also where JSON has a null of its own.
        given = [
            {column: value for column, value in zip(columns, row, strict=True) if value is not None}
            for row in rows
        ]
        for _, alike in itertools.groupby(given, key=tuple):
            connection.execute(sa.insert(tables[name]), list(alike))


def _next(source: IO[bytes]) -> Any:
    """The next value, None at the end."""
    if not source.read(1):
        return None
    source.seek(-1, 1)
    try:
        return cbor2.load(source)
    except (cbor2.CBORDecodeError, ValueError) as error:
        raise InputError("the backup is damaged; use another one") from error
