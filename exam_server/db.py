"""The database: types, base class, engine and transactions. SQLite by default, PostgreSQL too.

Nothing in here or in a service is written in one database's own SQL; what SQLite needs to be
durable (WAL, synchronous=FULL) is set where a connection opens.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import declared_attr, deferred, registry
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session, SQLModel

from exam_server import postgres

BUSY_TIMEOUT_MS = 10_000
READ_ONLY = "exam_server_read_only"
#: A reading transaction of SQLite sees one moment by itself.
_STILL = {"postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}}
#: PostgreSQL's states in which a transaction goes no further: it has become a standby's, or was
#: ended for having been idle or at work for too long. Others of their class are faults of ours.
_ENDED = frozenset({"25006", "25P03", "25P04"})
# Fixed, so that migrations can name them.
CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, kept in UTC; a naive one is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # SQLite gives moments back naive; they went in as UTC.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactDecimal(sa.types.TypeDecorator[Decimal]):
    """A decimal kept as its own text: no database rounds a mark."""

    impl = sa.String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, _dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def by_value(kind: type[StrEnum]) -> sa.Enum:
    """The column type of an enumeration: its members' values as text."""
    return sa.Enum(kind, native_enum=False, length=32, values_callable=_values)


def _values(kind: type[StrEnum]) -> list[str]:
    return [member.value for member in kind]


class Base(SQLModel, registry=registry(metadata=sa.MetaData(naming_convention=CONSTRAINT_NAMES))):
    """Of every table. A row equals itself only, and shows none of its fields in a log.

    Moments, marks and enumerations name their column type (`sa_type`): `UtcDateTime`,
    `ExactDecimal`, `by_value`. So does JSON, with ``none_as_null`` where there may be none.
    """

    __deferred__: ClassVar[tuple[str, ...]] = ()
    """The large columns, read only when they are asked for."""

    def __init__(self, **fields: Any) -> None:
        # SQLModel lets a row of a table be made with fields missing or misspelt.
        known = type(self).model_fields
        required = {name for name, field in known.items() if field.is_required()}
        if wrong := (fields.keys() - known.keys()) | (required - fields.keys()):
            raise TypeError(f"{type(self).__name__}: missing or unknown: {sorted(wrong)}")
        super().__init__(**fields)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - declared_attr gives the class
        return {"properties": {name: deferred(getattr(cls, name)) for name in cls.__deferred__}}

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr_args__(self) -> Sequence[tuple[str | None, Any]]:
        return ()


def new_id() -> str:
    """An opaque id: 32 hexadecimal characters, random."""
    return uuid.uuid4().hex


def create_engine(url: str) -> Engine:
    """The engine for `url`, e.g. ``sqlite:////srv/exam/server.db`` or ``postgresql+psycopg://…``.

    Connecting to a PostgreSQL that would lose what it has committed raises InputError.
    """
    on_postgres = sa.make_url(url).get_backend_name() == "postgresql"
    # Parameters are people's data: no log and no message shows them.
    engine = sa.create_engine(
        url, hide_parameters=True, **postgres.options() if on_postgres else {}
    )
    if on_postgres:
        postgres.refuse_unless_durable(engine)
    else:
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself; `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "trusted_schema=OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its turn at the start: a lock asked for in mid-transaction is refused at once
    # where another writer came first, whatever the busy timeout.
    reading = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session whose work is committed as a whole when the block ends, or not at all."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session for looking only, at one moment of the database: nothing of it is kept.

    It waits for no writer, and no writer waits for it.
    """
    still = engine.execution_options(**{READ_ONLY: True}, **_STILL.get(engine.dialect.name, {}))
    with Session(still, autoflush=False) as session:
        yield session


def is_away(error: Exception) -> bool:
    """Whether the database cannot be had at the moment: locked, full, stopping, gone, read-only
    until another takes its place, or no connection to it is free.

    Nothing was kept, or nobody can tell.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeoutError)
    if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, InternalError) and getattr(error.orig, "sqlstate", None) in _ENDED


def is_worth_repeating(error: Exception) -> bool:
    """Whether the same transaction may succeed a little later: the database is away, or two
    writers met."""
    return is_away(error) or isinstance(error, IntegrityError | StaleDataError)
