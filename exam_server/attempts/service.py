"""Attempts: admission, leases, opening, officers' changes of time."""

from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session, and_, col, select

from exam_server import audit
from exam_server.attempts import restarts, time
from exam_server.attempts.keys import attempt_id_of
from exam_server.attempts.models import Attempt, LedgerKind
from exam_server.candidates.models import Registration
from exam_server.contract.api import AttemptState, ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.ledger import Ledger
from exam_server.contract.records import genesis
from exam_server.errors import NotPossibleError, Objection, RefusedError
from exam_server.forms.models import Paper
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Station
from exam_server.stations.service import seat_of

LONGEST_EXTENSION = timedelta(hours=5)
MOST_EXTRA_PERCENT = 100


class Officer(Protocol):
    """A member of staff whom `exam_server.auth` has just recognised."""

    @property
    def id(self) -> str: ...

    @property
    def actor(self) -> str: ...


def admit(
    session: Session,
    placement: Placement,
    *,
    now: datetime,
) -> Attempt:
    """The attempt of a placement whose candidate was admitted; the one there is, or a new one."""
    known = attempt_of(session, placement.centre_id, placement.id)
    if known is not None:
        return known
    if placement.form_id is None:
        raise RefusedError(ErrorCode.NOT_ADMITTED, "no form is assigned; open the shift first")
    attempt_id = attempt_id_of(placement.id)
    attempt = Attempt(
        id=attempt_id,
        centre_id=placement.centre_id,
        shift_id=placement.shift_id,
        placement_id=placement.id,
        form_id=placement.form_id,
        admitted_at=now,
        allowance_seconds=allowance_seconds(session, placement),
        head=genesis(attempt_id),
    )
    session.add(attempt)
    session.flush()
    # Whoever starts the shift or changes its time meanwhile finds this attempt, or is found here.
    shift = session.get_one(
        Shift, (placement.centre_id, placement.shift_id), with_for_update={"read": True}
    )
    if shift.started_at is not None:
        # Who comes late has the time that is left, and what the room was given; no more.
        time.start(session, attempt, shift.started_at)
        time.join_room(session, attempt, placement.room_id)
    return attempt


def allowance_seconds(session: Session, placement: Placement) -> int:
    """The paper's time with the candidate's own extra time."""
    minutes = session.get_one(Paper, placement.paper_id).minutes
    percent = session.get_one(Registration, placement.registration_id).extra_time_percent
    return with_extra_time(minutes, percent)


def with_extra_time(minutes: int, percent: int) -> int:
    """Seconds of a paper of `minutes` for whoever has `percent` more."""
    return minutes * 60 * (100 + percent) // 100


def attempt_of(session: Session, centre_id: str, placement_id: str) -> Attempt | None:
    """The attempt of a placement, None before admission."""
    return session.exec(
        select(Attempt).where(Attempt.centre_id == centre_id, Attempt.placement_id == placement_id)
    ).first()


def attempt_anywhere(session: Session, placement_id: str) -> Attempt | None:
    """As `attempt_of`, in whichever centre: for people's pages alone."""
    return session.exec(select(Attempt).where(Attempt.placement_id == placement_id)).first()


def attempt_here(session: Session, attempt_id: str, station: Station) -> Attempt:
    """The attempt, held for this transaction, if it is written in the station's centre."""
    attempt = session.get(Attempt, (station.centre_id, attempt_id), with_for_update=True)
    if attempt is None:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no such attempt here")
    return attempt


def station_attempt(session: Session, attempt_id: str, station: Station) -> Attempt:
    """The attempt, if `station` stands at the seat where it is to be written."""
    attempt = attempt_here(session, attempt_id, station)
    seat = seat_of(session, station)
    placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
    if seat is None or seat.id != placement.seat_id:
        raise RefusedError(ErrorCode.PLACEMENT_ELSEWHERE, "this attempt is written at another seat")
    return attempt


def form_opened(attempt: Attempt) -> None:
    """The first record of an attempt came: its form lies open at the station.

    That record, with its moment, is the word on it. The audit log is one chain, and could not take
    an entry from everybody in the second of the start.
    """
    attempt.state = AttemptState.WRITING


def start_all(session: Session, shift: Shift, at: datetime) -> int:
    """Starts the time of everyone admitted to `shift`; how many they are."""
    query = select(Attempt.id).where(
        Attempt.centre_id == shift.centre_id, Attempt.shift_id == shift.id
    )
    present = session.exec(query.order_by(col(Attempt.id)).with_for_update()).all()
    time.start_all(session, shift, at)
    return len(present)


def extend(
    session: Session,
    attempt_id: str,
    *,
    officer: Officer,
    by: timedelta,
    reason: str,
    now: datetime,
) -> Ledger:
    """Gives more time. The new ledger."""
    attempt = _writable(session, attempt_id, reason)
    seconds = extension_seconds(by)
    time.enter(session, attempt, LedgerKind.EXTEND, at=now, seconds=seconds, officer=officer.id)
    restarts.settle(session, attempt, officer, now)
    return _changed(session, attempt, officer, "time_extended", reason, now, seconds=seconds)


def extension_seconds(by: timedelta) -> int:
    """The seconds of an extension; refused where it is none, or longer than any is."""
    seconds = round(by.total_seconds())
    if not 0 < seconds <= LONGEST_EXTENSION.total_seconds():
        raise NotPossibleError(Objection.BAD_VALUE, "an extension lasts 1 second to 5 hours")
    return seconds


def set_extra_time(
    session: Session,
    placement_id: str,
    *,
    percent: int,
    officer: Officer,
    reason: str,
    now: datetime,
) -> None:
    """The candidate's own extra time, in percent of every paper's. Before the start only."""
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    if not 0 <= percent <= MOST_EXTRA_PERCENT:
        raise NotPossibleError(Objection.BAD_VALUE, "extra time is 0 to 100 percent")
    placement = anywhere(session, Placement, placement_id)
    if placement is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such placement")
    shift = session.get_one(Shift, (placement.centre_id, placement.shift_id), with_for_update=True)
    if shift.state in (ShiftState.STARTED, ShiftState.CLOSED):
        raise NotPossibleError(Objection.WRONG_STATE, "the shift has begun; extend the time")
    registration = session.get_one(Registration, placement.registration_id, with_for_update=True)
    before, registration.extra_time_percent = registration.extra_time_percent, percent
    session.flush()
    for each, attempt in session.exec(
        select(Placement, Attempt)
        .join(
            Attempt,
            and_(Attempt.centre_id == Placement.centre_id, Attempt.placement_id == Placement.id),
        )
        .where(Placement.registration_id == registration.id)
    ):
        if time.ledger_of(session, attempt).started is None:
            seconds = allowance_seconds(session, each)
            kind = LedgerKind.ALLOW
            time.enter(session, attempt, kind, at=now, seconds=seconds, officer=officer.id)
    audit.record(
        session,
        actor=officer.actor,
        action="extra_time_set",
        subject=f"placement:{placement.id}",
        details={"reason": reason.strip(), "before": before, "after": percent},
        now=now,
    )


def pause(
    session: Session, attempt_id: str, *, officer: Officer, reason: str, now: datetime
) -> Ledger:
    """Stops the attempt's clock. The new ledger."""
    attempt = _writable(session, attempt_id, reason)
    ledger = time.ledger_of(session, attempt)
    if ledger.paused or ledger.started is None:
        raise NotPossibleError(Objection.WRONG_STATE, "this attempt's clock is not running")
    time.enter(session, attempt, LedgerKind.PAUSE, at=now, officer=officer.id)
    return _changed(session, attempt, officer, "time_paused", reason, now)


def resume(
    session: Session, attempt_id: str, *, officer: Officer, reason: str, now: datetime
) -> Ledger:
    """Lets the attempt's clock run again. The new ledger."""
    attempt = _writable(session, attempt_id, reason)
    if not time.ledger_of(session, attempt).paused:
        raise NotPossibleError(Objection.WRONG_STATE, "this attempt is not paused")
    time.enter(session, attempt, LedgerKind.RESUME, at=now, officer=officer.id)
    return _changed(session, attempt, officer, "time_resumed", reason, now)


def _writable(session: Session, attempt_id: str, reason: str) -> Attempt:
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    attempt = anywhere(session, Attempt, attempt_id, lock=True)
    if attempt is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such attempt")
    if attempt.state is AttemptState.SUBMITTED:
        raise NotPossibleError(Objection.WRONG_STATE, "this attempt has been handed in")
    return attempt


def _changed(
    session: Session,
    attempt: Attempt,
    officer: Officer,
    action: str,
    reason: str,
    now: datetime,
    **details: int,
) -> Ledger:
    audit.record(
        session,
        actor=officer.actor,
        action=action,
        subject=f"attempt:{attempt.id}",
        details={"reason": reason.strip(), **details},
        now=now,
    )
    return time.ledger_of(session, attempt)
