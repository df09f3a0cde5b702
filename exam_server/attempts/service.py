"""Attempts: admission, leases, opening, officers' changes of time."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import time
from exam_server.attempts.models import Attempt, Lease, LedgerKind
from exam_server.candidates.models import Registration
from exam_server.contract.api import AttemptState, LeaseView, LedgerView, OpenView, ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.ledger import Ledger
from exam_server.contract.records import genesis
from exam_server.contract.wrapping import Purpose, wrap
from exam_server.db import new_id
from exam_server.errors import NotPossibleError, Objection, RefusedError
from exam_server.forms.models import Form, Package, Paper
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealed
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import release_content_key
from exam_server.stations.models import Station
from exam_server.stations.service import seat_of

KEY_BYTES = 32
LONGEST_EXTENSION = timedelta(hours=5)


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
    keys: ServerKeys,
    now: datetime,
    rng: Callable[[int], bytes] = os.urandom,
) -> Attempt:
    """The attempt of a placement whose candidate was admitted; the one there is, or a new one."""
    known = attempt_of(session, placement.id)
    if known is not None:
        return known
    if placement.form_id is None:
        raise RefusedError(ErrorCode.NOT_ADMITTED, "no form is assigned; open the shift first")
    attempt_id, key = new_id(), rng(KEY_BYTES)
    recovery = wrap(key, keys.recovery.public_key(), Purpose.ATTEMPT_KEY, attempt_id)
    attempt = Attempt(
        id=attempt_id,
        centre_id=placement.centre_id,
        shift_id=placement.shift_id,
        placement_id=placement.id,
        form_id=placement.form_id,
        admitted_at=now,
        allowance_seconds=allowance_seconds(session, placement),
        key=keys.sealing.seal(Sealed.ATTEMPT_KEY, attempt_id, key),
        recovery=recovery,
        head=genesis(attempt_id),
    )
    session.add(attempt)
    session.flush()
    shift = session.get_one(Shift, placement.shift_id)
    if shift.started_at is not None:
        # Who comes late has the time that is left; an officer may add to it.
        time.start(session, attempt, shift.started_at)
    return attempt


def allowance_seconds(session: Session, placement: Placement) -> int:
    """The paper's time with the candidate's own extra time."""
    minutes = session.get_one(Paper, placement.paper_id).minutes
    percent = session.get_one(Registration, placement.registration_id).extra_time_percent
    return minutes * 60 * (100 + percent) // 100


def attempt_of(session: Session, placement_id: str) -> Attempt | None:
    """The attempt of a placement, None before admission."""
    return session.exec(select(Attempt).where(Attempt.placement_id == placement_id)).first()


def station_attempt(session: Session, attempt_id: str, station: Station) -> Attempt:
    """The attempt, if `station` stands at the seat where it is to be written."""
    attempt = session.get(Attempt, attempt_id, with_for_update=True)
    if attempt is None or attempt.centre_id != station.centre_id:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no such attempt here")
    seat = seat_of(session, station)
    placement = session.get_one(Placement, attempt.placement_id)
    if seat is None or seat.id != placement.seat_id:
        raise RefusedError(ErrorCode.PLACEMENT_ELSEWHERE, "this attempt is written at another seat")
    return attempt


def lease(
    session: Session,
    attempt_id: str,
    *,
    station: Station,
    keys: ServerKeys,
    now: datetime,
    rng: Callable[[int], bytes] = os.urandom,
) -> LeaseView:
    """The right to write, for the station at the attempt's seat.

    The station that has it gets it again under the same epoch; another one, which an officer must
    have put at that seat (or the candidate before it), takes over by the next epoch.
    """
    attempt = station_attempt(session, attempt_id, station)
    if attempt.state is AttemptState.SUBMITTED:
        raise RefusedError(ErrorCode.ATTEMPT_CLOSED, "this attempt has been handed in")
    held = session.get(Lease, (attempt.id, attempt.epoch)) if attempt.epoch else None
    if held is None or held.station_id != station.id:
        held = _take_over(session, attempt, station, keys=keys, now=now, rng=rng)
    form = session.get_one(Form, attempt.form_id)
    package = _package(session, attempt)
    holder = X25519PublicKey.from_public_bytes(station.wrapping_key)
    lease_key = keys.sealing.unseal(Sealed.LEASE_KEY, _lease_row(held), held.key)
    attempt_key = keys.sealing.unseal(Sealed.ATTEMPT_KEY, attempt.id, attempt.key)
    return LeaseView(
        attempt=attempt.id,
        epoch=held.epoch,
        lease_key=wrap(lease_key, holder, Purpose.LEASE_KEY, attempt.id, str(held.epoch)),
        attempt_key=wrap(attempt_key, holder, Purpose.ATTEMPT_KEY, attempt.id),
        recovery=attempt.recovery,
        next_sequence=attempt.sequence + 1,
        head=attempt.head,
        package=package.id,
        code=form.code,
        ledger=LedgerView.of(time.ledger_of(session, attempt)),
        server_time=now,
    )


def _lease_row(held: Lease) -> str:
    return f"{held.attempt_id}/{held.epoch}"


def lease_key(held: Lease, keys: ServerKeys) -> bytes:
    """The key under which the lease's holder authenticates records."""
    return keys.sealing.unseal(Sealed.LEASE_KEY, _lease_row(held), held.key)


def _take_over(
    session: Session,
    attempt: Attempt,
    station: Station,
    *,
    keys: ServerKeys,
    now: datetime,
    rng: Callable[[int], bytes],
) -> Lease:
    attempt.epoch += 1
    taken = Lease(
        attempt_id=attempt.id,
        epoch=attempt.epoch,
        centre_id=attempt.centre_id,
        station_id=station.id,
        key=b"",
        granted_at=now,
    )
    taken.key = keys.sealing.seal(Sealed.LEASE_KEY, _lease_row(taken), rng(KEY_BYTES))
    session.add(taken)
    session.flush()
    audit.record(
        session,
        actor=f"station:{station.id}",
        action="lease_taken",
        subject=f"attempt:{attempt.id}",
        details={"epoch": taken.epoch},
        now=now,
    )
    return taken


def _package(session: Session, attempt: Attempt) -> Package:
    found = session.exec(
        select(Package).where(
            Package.shift_id == attempt.shift_id, Package.form_id == attempt.form_id
        )
    ).first()
    if found is None:
        raise RefusedError(ErrorCode.NOT_FOUND, "the form has no package for this shift")
    return found


def current_lease(session: Session, attempt: Attempt, station: Station) -> Lease:
    """The lease in force, if it is `station`'s; refused with lease_superseded otherwise."""
    held = session.get(Lease, (attempt.id, attempt.epoch)) if attempt.epoch else None
    if held is None or held.station_id != station.id:
        raise RefusedError(
            ErrorCode.LEASE_SUPERSEDED, "another station has taken this attempt over"
        )
    return held


def latest_lease(session: Session, attempt: Attempt, station: Station) -> Lease:
    """The last lease that `station` had of the attempt, in force or not; refused without one."""
    held = session.exec(
        select(Lease)
        .where(Lease.attempt_id == attempt.id, Lease.station_id == station.id)
        .order_by(col(Lease.epoch).desc())
        .limit(1)
    ).first()
    if held is None:
        raise RefusedError(ErrorCode.NOT_FOUND, "this station never wrote this attempt")
    return held


def open_form(
    session: Session, attempt_id: str, *, station: Station, keys: ServerKeys, now: datetime
) -> OpenView:
    """The content key for the station that holds the lease, once the shift was started."""
    attempt = station_attempt(session, attempt_id, station)
    if attempt.state is AttemptState.SUBMITTED:
        raise RefusedError(ErrorCode.ATTEMPT_CLOSED, "this attempt has been handed in")
    current_lease(session, attempt, station)
    shift = session.get_one(Shift, attempt.shift_id)
    if shift.state is ShiftState.CLOSED:
        raise RefusedError(ErrorCode.SHIFT_CLOSED, "the shift is closed")
    package = _package(session, attempt)
    content_key = release_content_key(
        package,
        shift,
        keys.sealing,
        station_id=station.id,
        station_key=station.wrapping_key,
    )
    if attempt.state is AttemptState.ADMITTED:
        attempt.state = AttemptState.WRITING
        audit.record(
            session,
            actor=f"station:{station.id}",
            action="form_opened",
            subject=f"attempt:{attempt.id}",
            details={"package": package.id},
            now=now,
        )
    return OpenView(
        package=package.id,
        content_key=content_key,
        ledger=LedgerView.of(time.ledger_of(session, attempt)),
        server_time=now,
    )


def start_all(session: Session, shift: Shift, at: datetime) -> int:
    """Starts the time of everyone admitted to `shift`; how many they are."""
    present = session.exec(select(Attempt).where(Attempt.shift_id == shift.id)).all()
    for attempt in present:
        time.start(session, attempt, at)
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
    seconds = round(by.total_seconds())
    if not 0 < seconds <= LONGEST_EXTENSION.total_seconds():
        raise NotPossibleError(Objection.BAD_VALUE, "an extension lasts 1 second to 5 hours")
    time.enter(session, attempt, LedgerKind.EXTEND, at=now, seconds=seconds, officer=officer.id)
    return _changed(session, attempt, officer, "time_extended", reason, now, seconds=seconds)


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
    attempt = session.get(Attempt, attempt_id, with_for_update=True)
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
