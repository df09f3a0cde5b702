"""The answer path's statements as PostgreSQL takes them best.

Measured with groups of 64 batches of two records: a row of `unnest` costs PostgreSQL half of what
a row sent by itself costs, and the client a third; COPY is no quicker, and cannot share a turn of
the conversation with other statements. Statements that need no answer of one another go together
(pipeline mode), because at every turn the committer must have Python's lock again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from exam_server.attempts.hot_tables import AttemptRow, HotTables, MovedRow, RecordRow
from exam_server.attempts.postgres_arrays import booleans, byte_strings, integers, texts

#: Row by row by its key, in the order given: subqueries that lock, or that are limited, are never
#: turned into a join. As one, a planner without fresh statistics read every attempt of the centres
#: (measured: 2.5 ms for 128 of 10,000, and ever more with the table).
_ATTEMPTS = """
    SELECT locked.*
    FROM unnest(%(own)b::varchar[], %(attempts)b::varchar[]) AS wanted(centre_id, id)
    CROSS JOIN LATERAL (
        SELECT centre_id, id, epoch, sequence, head, state, handed_in, ledger_position,
            allowance_seconds
        FROM attempt
        WHERE {attempt} attempt.centre_id = wanted.centre_id AND attempt.id = wanted.id
        FOR UPDATE
    ) AS locked"""
_WRITERS = """
    SELECT wanted.id, held.station_id
    FROM unnest(%(own)b::varchar[], %(attempts)b::varchar[]) AS wanted(centre_id, id)
    CROSS JOIN LATERAL (
        SELECT lease.station_id FROM attempt
        JOIN lease ON {lease} lease.centre_id = attempt.centre_id
            AND lease.attempt_id = attempt.id AND lease.epoch = attempt.epoch
        JOIN station ON station.id = lease.station_id
        JOIN shift ON {shift} shift.centre_id = attempt.centre_id AND shift.id = attempt.shift_id
        WHERE {attempt} attempt.centre_id = wanted.centre_id AND attempt.id = wanted.id
            AND station.revoked_at IS NULL AND shift.state <> 'closed'
        LIMIT 1
    ) AS held"""
_RECORDS = """
    INSERT INTO journal_record (attempt_id, sequence, centre_id, epoch, head, data, received_at)
    SELECT new.*, %b::timestamptz FROM unnest(
        %b::varchar[], %b::int[], %b::varchar[], %b::int[], %b::bytea[], %b::bytea[]) AS new"""
_MOVED = """
    UPDATE attempt
    SET sequence = moved.sequence, head = moved.head, handed_in = moved.handed_in
    FROM unnest(%(own)b::varchar[], %(attempts)b::varchar[], %(sequences)b::int[],
            %(heads)b::bytea[], %(ended)b::bool[])
        AS moved(centre_id, id, sequence, head, handed_in)
    WHERE {attempt} attempt.centre_id = moved.centre_id AND attempt.id = moved.id"""

#: Each statement reaches its rows by their keys, however many there are: planned once, not for each
#: group. Without the second setting a plan made while a table was small would read all of it later.
#: Where the centre is named, planning for its value is what spares a distributed engine the others.
_PLANNED_ONCE = """
    SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
        set_config('enable_seqscan', 'off', true)"""

#: Where a transaction is of one centre, each table is told it: a planner draws no conclusion from
#: one table to the next. With many the keys are named by `wanted` alone: each name of a centre
#: would be looked for with each attempt.
_NAMED = {
    table: f"{table}.centre_id = ANY(%(centres)s) AND" for table in ("attempt", "lease", "shift")
}
_UNNAMED = dict.fromkeys(_NAMED, "")


@dataclass(frozen=True, slots=True)
class _Statements:
    """What is said to the database for one centre, or for many."""

    attempts: str
    writers: str
    moved: str

    @classmethod
    def naming(cls, names: Mapping[str, str]) -> "_Statements":
        return cls(*(text.format_map(names) for text in (_ATTEMPTS, _WRITERS, _MOVED)))


_OF_ONE, _OF_MANY = _Statements.naming(_NAMED), _Statements.naming(_UNNAMED)


class PostgresTables(HotTables):
    """As `HotTables`. What the driver raises comes out as SQLAlchemy's error of the same name."""

    def __init__(self, connection: Connection, centres: Collection[str]) -> None:
        super().__init__(connection, centres)
        driver = connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise TypeError("PostgreSQL is spoken to with psycopg")
        self._driver: psycopg.Connection[Any] = driver
        self._say = _OF_ONE if len(self._centres) == 1 else _OF_MANY

    def read(self, attempts: Mapping[str, str]) -> tuple[list[AttemptRow], dict[str, str]]:
        chosen = {
            "centres": self._centres,
            "attempts": texts(attempts),
            "own": texts(attempts.values()),
        }
        try:
            with (
                self._driver.cursor(binary=True) as locked,
                self._driver.cursor() as writers,
                self._driver.pipeline(),
            ):
                if self._say is _OF_MANY:
                    writers.execute(_PLANNED_ONCE)
                locked.execute(self._say.attempts, chosen)
                writers.execute(self._say.writers, chosen)
                rows = [AttemptRow(*row) for row in locked.fetchall()]
                return rows, dict(writers.fetchall())
        except psycopg.Error as error:
            raise self._named(error) from error

    def write(
        self, records: Sequence[RecordRow], moved: Sequence[MovedRow], received_at: datetime
    ) -> None:
        of, numbers, centres, epochs, values, data = zip(*records, strict=True)
        added = (
            *(texts(of), integers(numbers), texts(centres), integers(epochs)),
            *(byte_strings(values), byte_strings(data)),
        )
        own, attempts, sequences, heads, ended = zip(*moved, strict=True)
        changes = {
            "centres": self._centres,
            "own": texts(own),
            "attempts": texts(attempts),
            "sequences": integers(sequences),
            "heads": byte_strings(heads),
            "ended": booleans(ended),
        }
        try:
            with self._driver.cursor() as cursor, self._driver.pipeline():
                cursor.execute(_RECORDS, (received_at, *added))
                cursor.execute(self._say.moved, changes)
                # Committed in the same turn; the engine's own commit then finds nothing to do.
                self._driver.commit()
        except psycopg.Error as error:
            raise self._named(error) from error

    def _named(self, error: psycopg.Error) -> BaseException:
        gone = self._driver.closed
        return DBAPIError.instance(None, None, error, psycopg.Error, connection_invalidated=gone)


def tables_of(connection: Connection, centres: Collection[str]) -> HotTables:
    """The rows of these centres, as `connection`'s database is best spoken to."""
    kind = PostgresTables if connection.dialect.name == "postgresql" else HotTables
    return kind(connection, centres)
