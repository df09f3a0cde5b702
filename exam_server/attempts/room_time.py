"""One officer's act on the time of everybody in a room, or in the whole shift.

The act is kept beside the ledgers that it moved, so that who is admitted later has the room's time
too. Who was paused alone stays paused when the room goes on: an officer paused them for a reason
of their own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, and_, col, select

from exam_server import audit
from exam_server.attempts import time
from exam_server.attempts.models import Attempt, LedgerKind, RoomAct
from exam_server.attempts.service import Officer, extension_seconds
from exam_server.contract.api import AttemptState, ShiftState
from exam_server.errors import NotPossibleError, Objection
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement, Shift

_ACTIONS = {
    LedgerKind.EXTEND: "time_extended",
    LedgerKind.PAUSE: "time_paused",
    LedgerKind.RESUME: "time_resumed",
}


@dataclass(frozen=True, slots=True)
class Whom:
    """Everybody in `room` in this shift; in the whole shift where `room` is None."""

    shift: str
    room: str | None = None

    @property
    def subject(self) -> str:
        return f"room:{self.room}" if self.room else f"shift:{self.shift}"


def extend(
    session: Session, whom: Whom, *, officer: Officer, by: timedelta, reason: str, now: datetime
) -> int:
    """More time for everybody who has not handed in; how many they are."""
    seconds = extension_seconds(by)
    return _act(session, whom, LedgerKind.EXTEND, officer, reason, now, seconds)


def pause(session: Session, whom: Whom, *, officer: Officer, reason: str, now: datetime) -> int:
    """Stops every clock that runs; how many they are."""
    return _act(session, whom, LedgerKind.PAUSE, officer, reason, now)


def resume(session: Session, whom: Whom, *, officer: Officer, reason: str, now: datetime) -> int:
    """Lets the clocks that were stopped together run again; how many they are."""
    return _act(session, whom, LedgerKind.RESUME, officer, reason, now)


def _act(
    session: Session,
    whom: Whom,
    kind: LedgerKind,
    officer: Officer,
    reason: str,
    now: datetime,
    seconds: int = 0,
) -> int:
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    # Whoever is being admitted meanwhile waits, and then finds this act.
    shift = anywhere(session, Shift, whom.shift, lock=True)
    if shift is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such shift")
    if shift.state is not ShiftState.STARTED:
        raise NotPossibleError(Objection.WRONG_STATE, "only a started shift's time can be changed")
    concerned = _concerned(session, shift, whom, kind)
    if not concerned:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "this would change nobody's time")
    act = RoomAct(
        centre_id=shift.centre_id,
        shift_id=shift.id,
        room_id=whom.room,
        kind=kind,
        at=now,
        seconds=seconds,
        officer=officer.id,
    )
    session.add(act)
    for attempt in concerned:
        time.enter(session, attempt, kind, at=now, seconds=seconds, officer=officer.id)
        _log(session, officer, f"attempt:{attempt.id}", kind, reason, now, seconds)
    _log(session, officer, whom.subject, kind, reason, now, seconds, count=len(concerned))
    return len(concerned)


def _concerned(session: Session, shift: Shift, whom: Whom, kind: LedgerKind) -> list[Attempt]:
    query = (
        select(Attempt, Placement)
        .join(
            Placement,
            and_(Placement.centre_id == Attempt.centre_id, Placement.id == Attempt.placement_id),
        )
        .where(Attempt.centre_id == shift.centre_id, Attempt.shift_id == shift.id)
        .where(Attempt.state != AttemptState.SUBMITTED)
        .order_by(col(Attempt.id))
        .with_for_update(of=Attempt)
    )
    if whom.room is not None:
        query = query.where(Placement.room_id == whom.room)
    rows = session.exec(query).all()
    ledgers = time.ledgers_of(session, [attempt for attempt, _ in rows])
    acts = time.acts_on(session, shift.centre_id, shift.id)
    return [
        attempt
        for attempt, placement in rows
        if time.concerns(kind, ledgers[attempt.id], time.of_room(acts, placement.room_id))
    ]


def _log(
    session: Session,
    officer: Officer,
    subject: str,
    kind: LedgerKind,
    reason: str,
    now: datetime,
    seconds: int,
    **details: int,
) -> None:
    given = {"seconds": seconds} if seconds else {}
    audit.record(
        session,
        actor=officer.actor,
        action=_ACTIONS[kind],
        subject=subject,
        details={"reason": reason.strip(), **given, **details},
        now=now,
    )
