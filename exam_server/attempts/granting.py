"""The right to write an attempt: given, taken over, and what its holder may ask for."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import arrival, time
from exam_server.attempts.keys import attempt_key_of, lease_key_of
from exam_server.attempts.models import Attempt, Lease
from exam_server.attempts.rivals import refuse_open_rival, refuse_rival
from exam_server.attempts.service import station_attempt
from exam_server.contract.api import AttemptState, LeaseView, LedgerView, OpenView, ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.wrapping import Purpose, wrap
from exam_server.errors import RefusedError
from exam_server.forms.models import Form, Package
from exam_server.keys import ServerKeys
from exam_server.shifts.freezing import check_program
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.stations.models import Station


def lease(
    session: Session,
    attempt_id: str,
    *,
    station: Station,
    keys: ServerKeys,
    now: datetime,
) -> LeaseView:
    """The right to write, for the station at the attempt's seat.

    The station that has it gets it again under the same epoch; another one, which an officer must
    have put at that seat (or the candidate before it), takes over by the next epoch, once the
    candidate is known to sit there (`arrival`).
    """
    refuse_open_rival(session, station.centre_id, attempt_id, station.id)
    attempt = station_attempt(session, attempt_id, station)
    if attempt.state is AttemptState.SUBMITTED:
        raise RefusedError(ErrorCode.ATTEMPT_CLOSED, "this attempt has been handed in")
    shift = session.get_one(Shift, (attempt.centre_id, attempt.shift_id))
    check_program(session, shift, station)
    held = arrival.lease_in_force(session, attempt)
    if held is None or held.station_id != station.id:
        if not arrival.has_arrived(session, attempt, station.id):
            raise RefusedError(ErrorCode.TAP_NEEDED, "the candidate taps the card here first")
        held = take_over(session, attempt, station, now=now)
    form = session.get_one(Form, attempt.form_id)
    package = _package(session, attempt)
    holder = X25519PublicKey.from_public_bytes(station.wrapping_key)
    attempt_key, context = attempt_key_of(keys, attempt.id), (attempt.id, str(held.epoch))
    return LeaseView(
        attempt=attempt.id,
        epoch=held.epoch,
        lease_key=wrap(lease_key(held, attempt, keys), holder, Purpose.LEASE_KEY, *context),
        attempt_key=wrap(attempt_key, holder, Purpose.ATTEMPT_KEY, attempt.id),
        next_sequence=attempt.sequence + 1,
        head=attempt.head,
        package=package.id,
        code=form.code,
        ledger=LedgerView.of(time.ledger_of(session, attempt)),
        server_time=now,
    )


def lease_key(held: Lease, attempt: Attempt, keys: ServerKeys) -> bytes:
    """The key under which the lease's holder authenticates records."""
    return lease_key_of(
        keys,
        shift=attempt.shift_id,
        station=held.station_id,
        attempt=attempt.id,
        epoch=held.epoch,
    )


def take_over(session: Session, attempt: Attempt, station: Station, *, now: datetime) -> Lease:
    """Gives the next epoch to `station`; whoever had the one before is fenced."""
    attempt.epoch += 1
    taken = Lease(
        attempt_id=attempt.id,
        epoch=attempt.epoch,
        centre_id=attempt.centre_id,
        station_id=station.id,
        granted_at=now,
    )
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
            Package.centre_id == attempt.centre_id,
            Package.shift_id == attempt.shift_id,
            Package.form_id == attempt.form_id,
        )
    ).first()
    if found is None:
        raise RefusedError(ErrorCode.NOT_FOUND, "the form has no package for this shift")
    return found


def current_lease(session: Session, attempt: Attempt, station: Station) -> Lease:
    """The lease in force, if it is `station`'s; refused with lease_superseded otherwise."""
    held = arrival.lease_in_force(session, attempt)
    if held is None or held.station_id != station.id:
        raise RefusedError(
            ErrorCode.LEASE_SUPERSEDED, "another station has taken this attempt over"
        )
    return held


def latest_lease(session: Session, attempt: Attempt, station: Station) -> Lease:
    """The last lease that `station` had of the attempt, in force or not; refused without one."""
    held = session.exec(
        select(Lease)
        .where(
            Lease.centre_id == attempt.centre_id,
            Lease.attempt_id == attempt.id,
            Lease.station_id == station.id,
        )
        .order_by(col(Lease.epoch).desc())
        .limit(1)
    ).first()
    if held is None:
        refuse_rival(session, attempt.centre_id, attempt.id, station.id)
        raise RefusedError(ErrorCode.NOT_FOUND, "this station never wrote this attempt")
    return held


def open_form(
    session: Session, attempt_id: str, *, station: Station, keys: ServerKeys, now: datetime
) -> OpenView:
    """The start secret for the station that holds the lease, once the shift was started.

    The way of stations that did not hear the start signal. Whether the form is opened, its first
    record tells.
    """
    refuse_open_rival(session, station.centre_id, attempt_id, station.id)
    attempt = station_attempt(session, attempt_id, station)
    if attempt.state is AttemptState.SUBMITTED:
        raise RefusedError(ErrorCode.ATTEMPT_CLOSED, "this attempt has been handed in")
    current_lease(session, attempt, station)
    shift = session.get_one(Shift, (attempt.centre_id, attempt.shift_id))
    if shift.state is ShiftState.CLOSED:
        raise RefusedError(ErrorCode.SHIFT_CLOSED, "the shift is closed")
    check_program(session, shift, station)
    room = session.get_one(Placement, (attempt.centre_id, attempt.placement_id)).room_id
    secret = ShiftRelease(shift, keys.sealing).released_start_secret(room)
    holder = X25519PublicKey.from_public_bytes(station.wrapping_key)
    return OpenView(
        shift=shift.id,
        start_secret=wrap(secret, holder, Purpose.START_SECRET, shift.id, station.id),
        ledger=LedgerView.of(time.ledger_of(session, attempt)),
        server_time=now,
    )
