"""An attempt's ledger in the database: entries in, `contract.ledger.Ledger` out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.attempts.models import Attempt, LedgerEntry, LedgerKind, RoomAct
from exam_server.contract.ledger import Ledger
from exam_server.db import UtcDateTime, by_value
from exam_server.shifts.models import Shift


class Entry(Protocol):
    """A `LedgerEntry`, or a row with its columns."""

    @property
    def attempt_id(self) -> str: ...

    @property
    def position(self) -> int: ...

    @property
    def kind(self) -> LedgerKind: ...

    @property
    def at(self) -> datetime: ...

    @property
    def seconds(self) -> int: ...


def ledger_of(session: Session, attempt: Attempt) -> Ledger:
    """The ledger that the attempt's entries say."""
    return ledgers_of(session, [attempt])[attempt.id]


def ledgers_of(session: Session, attempts: Sequence[Attempt]) -> dict[str, Ledger]:
    """The ledgers of `attempts` by attempt id, in one query."""
    allowances = {one.id: one.allowance_seconds for one in attempts}
    entries = session.exec(
        select(LedgerEntry)
        .where(col(LedgerEntry.centre_id).in_({one.centre_id for one in attempts}))
        .where(col(LedgerEntry.attempt_id).in_(list(allowances)))
        .order_by(col(LedgerEntry.attempt_id), col(LedgerEntry.position))
    )
    return ledgers_from(allowances, entries)


def ledgers_from(allowances: Mapping[str, int], entries: Iterable[Entry]) -> dict[str, Ledger]:
    """The ledgers by attempt id. `allowances` are in seconds, `entries` in order of position."""
    ledgers = {
        attempt: Ledger(timedelta(seconds=seconds)) for attempt, seconds in allowances.items()
    }
    for entry in entries:
        after = _after(ledgers[entry.attempt_id], entry)
        ledgers[entry.attempt_id] = replace(after, position=entry.position)
    return ledgers


def _after(ledger: Ledger, entry: Entry) -> Ledger:
    match entry.kind:
        case LedgerKind.ALLOW:
            return ledger.allow(timedelta(seconds=entry.seconds))
        case LedgerKind.START:
            return ledger.start(entry.at)
        case LedgerKind.EXTEND:
            return ledger.extend(timedelta(seconds=entry.seconds), entry.at)
        case LedgerKind.PAUSE:
            return ledger.pause(entry.at)
        case LedgerKind.RESUME:
            return ledger.resume(entry.at)


def enter(
    session: Session,
    attempt: Attempt,
    kind: LedgerKind,
    *,
    at: datetime,
    seconds: int = 0,
    officer: str | None = None,
) -> None:
    """Adds an entry at the end. Two at once collide on their position, and one is told to retry."""
    attempt.ledger_position += 1
    session.add(
        LedgerEntry(
            attempt_id=attempt.id,
            centre_id=attempt.centre_id,
            position=attempt.ledger_position,
            kind=kind,
            at=at,
            seconds=seconds,
            officer=officer,
        )
    )
    session.flush()


def acts_on(session: Session, centre_id: str, shift_id: str) -> Sequence[RoomAct]:
    """What officers did to the time of whole rooms in a shift, in order."""
    query = select(RoomAct).where(RoomAct.centre_id == centre_id, RoomAct.shift_id == shift_id)
    return session.exec(query.order_by(col(RoomAct.at), col(RoomAct.id))).all()


def of_room(acts: Iterable[RoomAct], room_id: str) -> list[RoomAct]:
    """Those of `acts` that concern a room: its own, and those on the whole shift."""
    return [act for act in acts if act.room_id in (None, room_id)]


def concerns(kind: LedgerKind, ledger: Ledger, acts: Iterable[RoomAct]) -> bool:
    """Whether an act of this kind on a room, after `acts`, moves `ledger`.

    Who was paused alone stays paused when the room goes on: that had a reason of its own.
    """
    match kind:
        case LedgerKind.EXTEND:
            return True
        case LedgerKind.PAUSE:
            return ledger.started is not None and not ledger.paused
        case LedgerKind.RESUME:
            pauses = {act.at for act in acts if act.kind is LedgerKind.PAUSE}
            return ledger.paused and ledger.pauses[-1].since in pauses
    return False


def join_room(session: Session, attempt: Attempt, room_id: str) -> None:
    """Gives an attempt that has just begun what its room was given before it came."""
    acts = of_room(acts_on(session, attempt.centre_id, attempt.shift_id), room_id)
    for place, act in enumerate(acts):
        if concerns(act.kind, ledger_of(session, attempt), acts[:place]):
            enter(session, attempt, act.kind, at=act.at, seconds=act.seconds, officer=act.officer)


def start(session: Session, attempt: Attempt, at: datetime) -> None:
    """Writes the start, where it is not written yet; the first one counts."""
    if ledger_of(session, attempt).started is None:
        enter(session, attempt, LedgerKind.START, at=at)


def start_all(session: Session, shift: Shift, at: datetime) -> None:
    """Writes the start of everyone in a shift, as `start` does, in two statements: thousands wait
    for it. The caller has locked their attempts."""
    concerned = (col(Attempt.centre_id) == shift.centre_id, col(Attempt.shift_id) == shift.id)
    own = (
        col(LedgerEntry.centre_id) == Attempt.centre_id,
        col(LedgerEntry.attempt_id) == Attempt.id,
    )
    started = sa.exists().where(*own, col(LedgerEntry.kind) == LedgerKind.START)
    following = col(Attempt.ledger_position) + 1
    starts = sa.select(
        *(col(Attempt.id), col(Attempt.centre_id), following),
        *(sa.literal(LedgerKind.START, by_value(LedgerKind)), sa.literal(at, UtcDateTime)),
        sa.literal(0),
    ).where(*concerned, ~started)
    columns = ["attempt_id", "centre_id", "position", "kind", "at", "seconds"]
    session.execute(sa.insert(LedgerEntry).from_select(columns, starts))
    written = sa.exists().where(*own, col(LedgerEntry.position) == following)
    session.execute(
        sa.update(Attempt)
        .where(*concerned, written)
        .values(ledger_position=following)
        .execution_options(synchronize_session=False)
    )
