"""The few statements of the answer path, on tables rather than objects. Nothing here judges.

`HotTables` speaks what every database understands. PostgreSQL is also spoken to in its own way
(`attempts.hot_postgres`), since there each statement and each turn of a conversation counts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exam_server.attempts.models import LedgerKind
from exam_server.contract.api import ShiftState
from exam_server.schema import METADATA

ATTEMPT = METADATA.tables["attempt"]
FORM = METADATA.tables["form"]
JOURNAL_RECORD = METADATA.tables["journal_record"]
HEAD_SIGNATURE = METADATA.tables["head_signature"]
LEASE = METADATA.tables["lease"]
LEDGER_ENTRY = METADATA.tables["ledger_entry"]
SHIFT = METADATA.tables["shift"]
STATION = METADATA.tables["station"]


SAME_ATTEMPT = (LEASE.c.centre_id == ATTEMPT.c.centre_id) & (LEASE.c.attempt_id == ATTEMPT.c.id)
SAME_SHIFT = (SHIFT.c.centre_id == ATTEMPT.c.centre_id) & (SHIFT.c.id == ATTEMPT.c.shift_id)


class AttemptRow(NamedTuple):
    """What can change of an attempt, as it is while its row is locked."""

    centre_id: str
    id: str
    epoch: int
    sequence: int
    head: bytes
    state: str
    handed_in: bool
    ledger_position: int
    allowance_seconds: int


class MovedRow(NamedTuple):
    """Where an attempt stands after a group."""

    centre_id: str
    id: str
    sequence: int
    head: bytes
    handed_in: bool


_MOVED_PARAMETERS = ("of_centre", "of_id", "last", "last_head", "ended")


class RecordRow(NamedTuple):
    """A row of `journal_record` but for the moment, which is the group's."""

    attempt_id: str
    sequence: int
    centre_id: str
    epoch: int
    head: bytes
    data: bytes


class HeadRow(NamedTuple):
    """A row of `head_signature` but for the moment, which is the group's."""

    attempt_id: str
    epoch: int
    sequence: int
    centre_id: str
    head: bytes
    signature: bytes


class EntryRow(NamedTuple):
    """One entry of an attempt's time ledger."""

    attempt_id: str
    position: int
    kind: LedgerKind
    at: datetime
    seconds: int


class HotTables:
    """One transaction's view of some centres' rows; `connection` is in it.

    Every statement names the centres, so that where rows are distributed by them it goes to those
    machines alone: to one, where there is one centre.
    """

    def __init__(self, connection: Connection, centres: Collection[str]) -> None:
        self._connection = connection
        self._centres = list(centres)

    def read(self, attempts: Mapping[str, str]) -> tuple[list[AttemptRow], dict[str, str]]:
        """The attempts, locked in the order of their ids; and by attempt the station that may
        write it now: which holds the lease in force, was not revoked, and whose shift is open.

        `attempts` are their centres by attempt, in the order of attempts' ids.
        """
        columns = [ATTEMPT.c[name] for name in AttemptRow._fields]
        chosen = ATTEMPT.c.centre_id.in_(self._centres), ATTEMPT.c.id.in_(list(attempts))
        locked = sa.select(*columns).where(*chosen).order_by(ATTEMPT.c.id).with_for_update()
        rows = [AttemptRow(*row) for row in self._connection.execute(locked)]
        # Asked once the rows are locked, and so as it stands now.
        writers = (
            sa.select(ATTEMPT.c.id, LEASE.c.station_id)
            .join_from(ATTEMPT, LEASE, SAME_ATTEMPT & (LEASE.c.epoch == ATTEMPT.c.epoch))
            .join(STATION, STATION.c.id == LEASE.c.station_id)
            .join(SHIFT, SAME_SHIFT)
            .where(*chosen, STATION.c.revoked_at.is_(None), SHIFT.c.state != ShiftState.CLOSED)
        )
        return rows, {row[0]: row[1] for row in self._connection.execute(writers)}

    def entries(self, attempts: Sequence[str]) -> list[EntryRow]:
        """The ledgers' entries, by attempt and position."""
        rows = self._connection.execute(
            sa.select(*[LEDGER_ENTRY.c[name] for name in EntryRow._fields])
            .where(LEDGER_ENTRY.c.centre_id.in_(self._centres))
            .where(LEDGER_ENTRY.c.attempt_id.in_(attempts))
            .order_by(LEDGER_ENTRY.c.attempt_id, LEDGER_ENTRY.c.position)
        )
        return [EntryRow(*row) for row in rows]

    def write(
        self, records: Sequence[RecordRow], moved: Sequence[MovedRow], received_at: datetime
    ) -> None:
        """Adds the records and moves their attempts on."""
        self._connection.execute(
            sa.insert(JOURNAL_RECORD),
            [{**record._asdict(), "received_at": received_at} for record in records],
        )
        self._connection.execute(
            sa.update(ATTEMPT)
            .where(
                ATTEMPT.c.centre_id == sa.bindparam("of_centre"),
                ATTEMPT.c.id == sa.bindparam("of_id"),
            )
            .values(
                sequence=sa.bindparam("last"),
                head=sa.bindparam("last_head"),
                handed_in=sa.bindparam("ended"),
            ),
            [dict(zip(_MOVED_PARAMETERS, row, strict=True)) for row in moved],
        )

    def write_heads(self, heads: Iterable[HeadRow], received_at: datetime) -> None:
        """Adds the signed heads that are not kept yet: one comes again if its answer was lost."""
        wanted = {(head.attempt_id, head.epoch, head.sequence): head for head in heads}
        table = HEAD_SIGNATURE.c
        key = sa.tuple_(table.attempt_id, table.epoch, table.sequence)
        for known in self._connection.execute(
            sa.select(table.attempt_id, table.epoch, table.sequence)
            .where(table.centre_id.in_(self._centres))
            .where(key.in_(list(wanted)))
        ):
            del wanted[known.attempt_id, known.epoch, known.sequence]
        if wanted:
            self._connection.execute(
                sa.insert(HEAD_SIGNATURE),
                [{**head._asdict(), "received_at": received_at} for head in wanted.values()],
            )
