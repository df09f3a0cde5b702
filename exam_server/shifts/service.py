"""Shifts: made, opened for check-in, started, closed; who gets which form; moves."""

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import handing_in, noting
from exam_server.attempts.models import Attempt
from exam_server.attempts.outstanding import outstanding
from exam_server.attempts.service import Officer, attempt_of, start_all
from exam_server.audit import Actor
from exam_server.centres.models import Seat
from exam_server.contract.api import AttemptState, ShiftState
from exam_server.db import new_id
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms.models import Form, Package
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealing
from exam_server.shards import anywhere
from exam_server.shifts.freezing import freeze_the_rest
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import new_release_key

#: The start signal may come so long before the printed time, and no earlier.
EARLIEST_START = timedelta(minutes=5)


def new_shift(
    session: Session,
    *,
    exam_id: str,
    centre_id: str,
    name: str,
    starts_at: datetime,
    sealing: Sealing,
    rng: Callable[[int], bytes] = os.urandom,
) -> Shift:
    """A planned shift with a release key of its own."""
    shift_id = new_id()
    public, private = new_release_key(shift_id, sealing, rng)
    shift = Shift(
        id=shift_id,
        centre_id=centre_id,
        exam_id=exam_id,
        name=name,
        starts_at=starts_at,
        release_public=public,
        release_private=private,
    )
    session.add(shift)
    session.flush()
    return shift


def form_index(row: int, column: int, forms: int, offset: int) -> int:
    """Which of `forms` forms a seat gets: neighbours in all eight directions differ from four on.

    With f(r, c) = c + 2r, neighbours differ by 1, 2 or 3, none a multiple of four or more. With
    three forms one diagonal is alike, with two (c + r) both are; left, right, front, back differ.
    """
    return (column + row * (1 if forms == 2 else 2) + offset) % forms


def assign_forms(session: Session, shift: Shift) -> None:
    """Gives a form to every placement of `shift` that has none yet."""
    waiting = session.exec(
        select(Placement, Seat)
        .join(Seat, col(Seat.id) == Placement.seat_id)
        .where(Placement.centre_id == shift.centre_id, Placement.shift_id == shift.id)
        .where(col(Placement.form_id).is_(None))
    ).all()
    forms: dict[str, Sequence[str]] = {}
    for placement, seat in waiting:
        if placement.paper_id not in forms:
            forms[placement.paper_id] = _packed_forms(session, shift, placement.paper_id)
        choice = forms[placement.paper_id]
        place = f"{shift.id}/{seat.room_id}/{placement.paper_id}".encode()
        offset = int.from_bytes(hashlib.sha256(place).digest()[:4], "big")
        placement.form_id = choice[form_index(seat.row, seat.column, len(choice), offset)]
    session.flush()


def _packed_forms(session: Session, shift: Shift, paper_id: str) -> Sequence[str]:
    found = session.exec(
        select(Form.id)
        .join(Package, col(Package.form_id) == Form.id)
        .where(Package.centre_id == shift.centre_id, Package.shift_id == shift.id)
        .where(Form.paper_id == paper_id)
        .order_by(col(Form.code))
    ).all()
    if not found:
        raise NotPossibleError(
            Objection.WRONG_STATE, "a paper of this shift has no forms; load the paper first"
        )
    return found


def _shift(session: Session, shift_id: str, *, lock: bool = False) -> Shift:
    shift = anywhere(session, Shift, shift_id, lock=lock)
    if shift is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such shift")
    return shift


def open_shift(session: Session, shift_id: str, *, officer: Actor, now: datetime) -> Shift:
    """Lets candidates check in; every placement has its form from here on."""
    shift = _shift(session, shift_id)
    if shift.state is not ShiftState.PLANNED:
        raise NotPossibleError(Objection.WRONG_STATE, "only a planned shift can be opened")
    assign_forms(session, shift)
    freeze_the_rest(session, shift, officer=officer, now=now)
    shift.state, shift.opened_at = ShiftState.OPEN, now
    _log(session, officer, "shift_opened", shift, now)
    return shift


def is_early(starts_at: datetime, now: datetime) -> bool:
    """Whether the start signal would come before the printed time allows it."""
    return now < starts_at - EARLIEST_START


def start_shift(
    session: Session, shift_id: str, *, officer: Actor, now: datetime, early_reason: str = ""
) -> Shift:
    """Gives the start signal: keys may be released, the time of those present runs.

    `early_reason` is why it comes before its time; the caller sees to it that only the exam
    office may give one.
    """
    shift = _shift(session, shift_id, lock=True)
    if shift.state is not ShiftState.OPEN:
        raise NotPossibleError(Objection.WRONG_STATE, "only an open shift can be started")
    early = is_early(shift.starts_at, now)
    if early and not early_reason.strip():
        raise NotPossibleError(
            Objection.TOO_EARLY,
            f"the shift starts at {shift.starts_at.isoformat()}; the exam office may give a reason"
            " to start it now (shift start --reason)",
        )
    shift.state, shift.started_at = ShiftState.STARTED, now
    present = start_all(session, shift, now)
    reason = {"reason": early_reason.strip()} if early else {}
    _log(session, officer, "shift_started", shift, now, present=present, **reason)
    return shift


def close_shift(
    session: Session,
    shift_id: str,
    *,
    officer: Actor,
    keys: ServerKeys,
    grace: timedelta,
    now: datetime,
    reason: str = "",
) -> Shift:
    """Ends a shift; attempts whose time was up are closed with what the server holds.

    Where stations may still hold answers (`attempts.outstanding`) it wants a `reason`: what they
    send afterwards counts by an officer's word only.
    """
    shift = _shift(session, shift_id, lock=True)
    if shift.state is not ShiftState.STARTED:
        raise NotPossibleError(Objection.WRONG_STATE, "only a started shift can be closed")
    left = handing_in.close_overdue(session, shift, keys=keys, grace=grace, now=now)
    if left:
        raise NotPossibleError(Objection.WRONG_STATE, f"{left} candidates still have time left")
    lacking = outstanding(session, shift, now)
    if lacking and not reason.strip():
        raise NotPossibleError(
            Objection.MAY_LACK_ANSWERS,
            f"{len(lacking)} attempts may have answers that were not sent yet: let their stations"
            " send them, or give a reason to close (shift close --reason)",
        )
    shift.state, shift.closed_at = ShiftState.CLOSED, now
    details = {"reason": reason.strip(), "lacking": {one.attempt: list(one.why) for one in lacking}}
    _log(session, officer, "shift_closed", shift, now, **(details if lacking else {}))
    return shift


def move_placement(
    session: Session,
    placement_id: str,
    *,
    seat_id: str,
    officer: Officer,
    reason: str,
    now: datetime,
    head_code: str = "",
) -> Placement:
    """Puts a candidate at another free seat of the centre; the station there may take over.

    `head_code` is what the former kiosk shows of its journal's head: it fixes what was written
    there before (`attempts.late_records`).
    """
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    placement = anywhere(session, Placement, placement_id, lock=True)
    seat = session.get(Seat, seat_id)
    if placement is None or seat is None or seat.centre_id != placement.centre_id:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such placement or seat here")
    if _shift(session, placement.shift_id).state is ShiftState.CLOSED:
        raise NotPossibleError(Objection.WRONG_STATE, "the shift is closed")
    attempt = attempt_of(session, placement.centre_id, placement.id)
    if attempt is not None and attempt.state is AttemptState.SUBMITTED:
        raise NotPossibleError(Objection.WRONG_STATE, "this attempt has been handed in")
    if head_code.strip():
        _note(session, attempt, head_code, officer=officer, reason=reason, now=now)
    taken = select(Placement.id).where(
        Placement.centre_id == placement.centre_id,
        Placement.shift_id == placement.shift_id,
        Placement.seat_id == seat.id,
    )
    if session.scalar(taken) is not None:
        raise NotPossibleError(Objection.SEAT_TAKEN, f"seat {seat.name} is taken")
    before = placement.seat_id
    placement.seat_id, placement.room_id = seat.id, seat.room_id
    audit.record(
        session,
        actor=officer.actor,
        action="candidate_moved",
        subject=f"placement:{placement.id}",
        details={"from": before, "to": seat.id, "reason": reason.strip()},
        now=now,
    )
    return placement


def _note(
    session: Session,
    attempt: Attempt | None,
    head_code: str,
    *,
    officer: Officer,
    reason: str,
    now: datetime,
) -> None:
    if attempt is None:
        raise NotPossibleError(Objection.WRONG_STATE, "nothing was written by this candidate yet")
    epoch = attempt.epoch
    noting.note(session, attempt, head_code, epoch=epoch, officer=officer, reason=reason, now=now)


def _log(
    session: Session, officer: Actor, action: str, shift: Shift, now: datetime, **details: object
) -> None:
    audit.record(
        session,
        actor=officer.actor,
        action=action,
        subject=f"shift:{shift.id}",
        details=details,
        now=now,
    )
