"""A paper that was opened by the start code, told once there is a network again.

The proof shows that the room's start secret was known to the station, never when: the moment is
its own word. So it moves the candidate's deadline, because the kiosk counted by it, and where it
is far from everybody else's start, before anybody may start, or later than records that are kept,
the officers look at it.
"""

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session

from exam_server import audit
from exam_server.attempts import claims, time
from exam_server.attempts.granting import latest_lease
from exam_server.attempts.journal import CLOCK_SKEW
from exam_server.attempts.models import Attempt, LedgerKind
from exam_server.attempts.rivals import rival_of
from exam_server.checkin import conditions
from exam_server.checkin.models import Condition
from exam_server.contract.api import LedgerView, StartedByCode
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.offline import check_start
from exam_server.errors import RefusedError
from exam_server.keys import ServerKeys
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.shifts.service import is_early
from exam_server.stations.models import Station
from exam_server.stations.service import seat_of

#: Starts that lie so close together are one start.
SAME_START = timedelta(seconds=1)


def take(
    session: Session,
    attempt_id: str,
    told: StartedByCode,
    *,
    station: Station,
    keys: ServerKeys,
    late_limit: timedelta,
    now: datetime,
) -> LedgerView:
    """The attempt's ledger with the start that the station tells. The same again changes nothing.

    Where the shift was started on the server too, a later start by code is the same deadline by an
    extension; an earlier one changes nothing.
    """
    attempt = session.get(Attempt, (station.centre_id, attempt_id), with_for_update=True)
    if attempt is None:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no such attempt here")
    shift = session.get_one(Shift, (attempt.centre_id, attempt.shift_id))
    placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
    seat = seat_of(session, station)
    # Opened where the station stands, though the candidate may have been moved meanwhile.
    rooms = {placement.room_id, seat.room_id if seat is not None else placement.room_id}
    _check(attempt, told, shift, rooms, station, keys)
    if seat is not None and seat.id == placement.seat_id:
        claims.claim_first(session, attempt, station, proven=False, now=now)
    if rival_of(session, attempt.centre_id, attempt.id, station.id) is not None:
        return LedgerView.of(time.ledger_of(session, attempt))  # the time is the other side's
    latest_lease(session, attempt, station)
    if told.started_at > now + CLOCK_SKEW:
        raise RefusedError(ErrorCode.BAD_REQUEST, "this start is yet to come")
    if not attempt.started_by_code:
        attempt.started_by_code = True
        _enter(session, attempt, told, shift, station, late_limit, now)
    return LedgerView.of(time.ledger_of(session, attempt))


def _check(
    attempt: Attempt,
    told: StartedByCode,
    shift: Shift,
    rooms: Iterable[str],
    station: Station,
    keys: ServerKeys,
) -> None:
    """Refused unless one of the rooms' start secrets was known to the station."""
    release = ShiftRelease(shift, keys.sealing)
    for room in rooms:
        with contextlib.suppress(ContractError):
            check_start(
                told.proof,
                release.start_secret(room),
                attempt=attempt.id,
                station=station.id,
                at=told.started_at,
            )
            return
    raise RefusedError(ErrorCode.BAD_SIGNATURE, "the start code was not known to whoever says so")


def _enter(
    session: Session,
    attempt: Attempt,
    told: StartedByCode,
    shift: Shift,
    station: Station,
    late_limit: timedelta,
    now: datetime,
) -> None:
    started = time.ledger_of(session, attempt).started
    later = told.started_at - started if started is not None else timedelta(0)
    if started is None:
        time.start(session, attempt, told.started_at)
    elif later > SAME_START:
        seconds = round(later.total_seconds())
        time.enter(session, attempt, LedgerKind.EXTEND, at=now, seconds=seconds)
    common = started or shift.starts_at
    written_before = attempt.sequence > 0 and later > SAME_START
    # Earlier than anybody may start, unless the exam office had a reason to.
    too_early = is_early(shift.starts_at, told.started_at) and told.started_at < common - SAME_START
    if written_before or too_early or abs(told.started_at - common) > late_limit:
        conditions.raise_for_attempt(
            session, attempt.centre_id, attempt.placement_id, Condition.STARTED_APART
        )
    audit.record(
        session,
        actor=f"station:{station.id}",
        action="started_by_code",
        subject=f"attempt:{attempt.id}",
        details={"at": told.started_at.isoformat(), "later": round(later.total_seconds())},
        now=now,
    )
