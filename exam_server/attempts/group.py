"""Group commit: the batches of many stations, kept in one transaction.

Only what is plainly next is kept here: a run that follows its attempt's last record, under the
lease in force, in time. All else is left to the rules of `attempts.journal`. The group's attempts
are locked in the order of their ids, so that two groups never wait for each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from exam_server import db
from exam_server.attempts.hot_postgres import tables_of
from exam_server.attempts.hot_tables import AttemptRow, HeadRow, HotTables, MovedRow, RecordRow
from exam_server.attempts.journal import CLOCK_SKEW
from exam_server.attempts.models import Attempt
from exam_server.attempts.preparing import Prepared, Run
from exam_server.attempts.service import form_opened
from exam_server.attempts.time import ledgers_from
from exam_server.contract.api import Acknowledged, AttemptState, LedgerView
from exam_server.contract.ledger import Ledger


@dataclass(slots=True)
class Standing:
    """Where a locked attempt stands; it moves on as the group's batches are laid against it."""

    centre: str
    attempt: str
    epoch: int
    sequence: int
    head: bytes
    state: str
    handed_in: bool
    ledger: Ledger
    ledger_view: LedgerView
    moved: bool = False

    @property
    def writing(self) -> bool:
        """Whether anything may follow."""
        return self.state != AttemptState.SUBMITTED and not self.handed_in

    @property
    def opens(self) -> bool:
        """Whether the group brings the first record of all."""
        return self.moved and self.state == AttemptState.ADMITTED

    @classmethod
    def of(cls, row: AttemptRow, ledger: Ledger, view: LedgerView) -> "Standing":
        return cls(*row[:7], ledger, view)

    def move_on(self, run: Run, now: datetime) -> Acknowledged:
        """Lays `run` behind what is there; what is to be answered once it is committed."""
        if run.links:
            self.sequence, self.head = run.links[-1].sequence, run.links[-1].head
            self.moved = True
        if run.hands_in:
            self.handed_in = True
        return Acknowledged(
            sequence=self.sequence, head=self.head, ledger=self.ledger_view, server_time=now
        )

    @property
    def moved_row(self) -> MovedRow:
        return MovedRow(self.centre, self.attempt, self.sequence, self.head, self.handed_in)


class LedgerBook:
    """Each attempt's ledger as of its last entry; read again only where an entry was added."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._known: dict[tuple[str, int, int], tuple[Ledger, LedgerView]] = {}

    def of(self, tables: HotTables, rows: Sequence[AttemptRow]) -> list[tuple[Ledger, LedgerView]]:
        """The ledger of each row's attempt."""
        if len(self._known) > self._most:
            self._known.clear()
        missing = [row for row in rows if _ledger_key(row) not in self._known]
        if missing:
            self._read(tables, missing)
        return [self._known[_ledger_key(row)] for row in rows]

    def _read(self, tables: HotTables, missing: Sequence[AttemptRow]) -> None:
        allowances = {row.id: row.allowance_seconds for row in missing}
        ledgers = ledgers_from(allowances, tables.entries(list(allowances)))
        for row in missing:
            ledger = ledgers[row.id]
            self._known[_ledger_key(row)] = ledger, LedgerView.of(ledger)


def _ledger_key(row: AttemptRow) -> tuple[str, int, int]:
    return row.id, row.ledger_position, row.allowance_seconds


class GroupCommit:
    """Keeps groups in `engine`'s database, one at a time.

    Where centres lie on machines of their own (`distributed`), each centre's batches are a
    transaction: none spans two machines.
    """

    def __init__(self, engine: Engine, grace: timedelta, *, distributed: bool = False) -> None:
        self._engine = engine
        self._grace = grace
        self._distributed = distributed
        self._ledgers = LedgerBook()

    def keep(self, group: Sequence[Prepared], now: datetime) -> list[Acknowledged | None]:
        """What to answer each batch, once all is committed; None where the rules must judge.

        Raises SQLAlchemyError where something of it was not kept, or nobody can tell.
        """
        answers: list[Acknowledged | None] = [None] * len(group)
        for places in self._transactions(group):
            some = [group[place] for place in places]
            with db.transaction(self._engine) as session:
                kept = self._keep(session, some, now)
            for place, answer in zip(places, kept, strict=True):
                answers[place] = answer
        return answers

    def _transactions(self, group: Sequence[Prepared]) -> Iterable[Sequence[int]]:
        """Places in the group, by the transaction that they go into."""
        if not self._distributed:
            return [range(len(group))]
        centres: dict[str, list[int]] = {}
        for place, one in enumerate(group):
            centres.setdefault(one.lease.centre, []).append(place)
        return centres.values()

    def _keep(
        self, session: Session, group: Sequence[Prepared], now: datetime
    ) -> list[Acknowledged | None]:
        tables = tables_of(session.connection(), {one.lease.centre for one in group})
        centres = {one.lease.attempt: one.lease.centre for one in group}
        rows, writers = tables.read(dict(sorted(centres.items())))
        ledgers = self._ledgers.of(tables, rows)
        standings = {
            row.id: Standing.of(row, *ledger) for row, ledger in zip(rows, ledgers, strict=True)
        }
        records: list[RecordRow] = []
        heads: list[HeadRow] = []
        answers: list[Acknowledged | None] = []
        for one in group:
            standing = standings.get(one.lease.attempt)
            if (
                standing is None
                or one.run is None
                or writers.get(standing.attempt) != one.lease.station
                or not plainly_next(one.run, standing, one.lease.epoch, self._grace, now)
            ):
                answers.append(None)
                continue
            records += _record_rows(one, one.run)
            heads += _head_rows(one, one.run)
            answers.append(standing.move_on(one.run, now))
        _tell_opened(session, [one for one in standings.values() if one.opens])
        if heads:
            tables.write_heads(heads, now)
        if records:
            moved = [standing.moved_row for standing in standings.values() if standing.moved]
            tables.write(records, moved, now)
        return answers


def _tell_opened(session: Session, opened: Sequence[Standing]) -> None:
    """The first record says that the form lies open; as objects, so that pages hear of it."""
    if not opened:
        return
    for attempt in session.exec(
        select(Attempt)
        .where(col(Attempt.centre_id).in_({one.centre for one in opened}))
        .where(col(Attempt.id).in_([one.attempt for one in opened]))
    ):
        form_opened(attempt)
    session.flush()


def _record_rows(one: Prepared, run: Run) -> list[RecordRow]:
    lease = one.lease
    return [
        RecordRow(lease.attempt, link.sequence, lease.centre, lease.epoch, link.head, link.data)
        for link in run.links
    ]


def _head_rows(one: Prepared, run: Run) -> list[HeadRow]:
    lease, signed = one.lease, run.head
    if signed is None:
        return []
    own = (lease.attempt, lease.epoch, signed.sequence, lease.centre)
    return [HeadRow(*own, signed.head, signed.signature)]


def plainly_next(run: Run, standing: Standing, epoch: int, grace: timedelta, now: datetime) -> bool:
    """Whether no rule of `attempts.journal` but the ordinary one applies to this run."""
    if not standing.writing or standing.epoch != epoch:
        return False
    deadline = standing.ledger.deadline(now)
    if deadline is None or run.latest > _milliseconds(now + CLOCK_SKEW):
        return False
    if run.latest_timed and (run.latest_timed > _milliseconds(deadline) or now > deadline + grace):
        return False
    if run.links and (run.links[0].sequence, run.previous) != (
        standing.sequence + 1,
        standing.head,
    ):
        return False
    if run.head is None or run.links:
        return True
    return (run.head.sequence, run.head.head) == (standing.sequence, standing.head)


def _milliseconds(moment: datetime) -> float:
    return moment.timestamp() * 1000
