"""What a station needs to know of its place: `contract.api.SeatView`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.attempts import arrival, time
from exam_server.attempts.models import Attempt
from exam_server.attempts.rivals import claims_openly, seat_claimed
from exam_server.attempts.service import with_extra_time
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Centre, Room, Seat
from exam_server.checkin import conditions
from exam_server.contract.api import (
    AttemptState,
    LedgerView,
    PackageView,
    PlacementView,
    SeatView,
    ShiftState,
    ShiftView,
)
from exam_server.forms.models import Exam, Form, Paper
from exam_server.shifts import room_kit
from exam_server.shifts.freezing import frozen_view, sha256_of
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Station
from exam_server.stations.service import seat_of

_URGENCY = {ShiftState.STARTED: 0, ShiftState.OPEN: 1, ShiftState.PLANNED: 2}


def seat_view(
    session: Session, station: Station, *, late_limit: timedelta, now: datetime
) -> SeatView:
    """The station's seat, its shift, who is expected there, and what is to be staged."""
    seat = seat_of(session, station)
    if seat is None:
        return SeatView(server_time=now, realm=station.realm.value)
    shift = shift_of(session, seat)
    if shift is None:
        return SeatView(
            server_time=now,
            realm=station.realm.value,
            centre=session.get_one(Centre, seat.centre_id).name,
            room=session.get_one(Room, seat.room_id).name,
            seat=seat.name,
        )
    # Asked for together, and held while the kit's version is reckoned from the same rows.
    centre, room, exam = session.exec(_PLACE, params=_place_of(seat, shift)).one()
    expected = _expected(session, shift, seat.id) or _claimed(session, shift, station)
    packages = room_kit.packages_of_room(session, shift, seat.room_id)
    attempt = None if expected is None else expected.attempt
    return SeatView(
        server_time=now,
        realm=station.realm.value,
        centre=centre.name,
        room=room.name,
        seat=seat.name,
        shift=_shift_view(shift, exam),
        placement=None if expected is None else _placement_view(session, expected, station),
        packages=[
            PackageView(id=one.id, sha256=sha256_of(shift, one.id, one.sha256), size=one.size)
            for one in packages
        ],
        kit=room_kit.version_of(session, station, seat, shift, packages, late_limit=late_limit),
        frozen=frozen_view(shift),
        ledger=None if attempt is None else LedgerView.of(time.ledger_of(session, attempt)),
    )


#: Written once: at every heartbeat, building a statement costs as much as executing it.
_PLACE = (
    select(Centre, Room, Exam)
    .join(Room, col(Room.centre_id) == Centre.id)
    .join(Exam, col(Exam.id) == sa.bindparam("exam"))
    .where(col(Room.id) == sa.bindparam("room"))
)


def _place_of(seat: Seat, shift: Shift) -> dict[str, str]:
    return {"room": seat.room_id, "exam": shift.exam_id}


#: Shift by shift whether anybody is placed in the room: a centre may have thousands of placements.
_SHIFTS = (
    select(Shift)
    .where(
        col(Shift.centre_id) == sa.bindparam("centre"),
        sa.exists()
        .where(
            col(Placement.centre_id) == sa.bindparam("centre"),
            col(Placement.shift_id) == Shift.id,
            col(Placement.room_id) == sa.bindparam("room"),
        )
        .correlate(Shift),
    )
    .order_by(col(Shift.starts_at))
)


def shift_of(session: Session, seat: Seat) -> Shift | None:
    """The room's shift that matters now: started, else open, else next, else the last one."""
    named = {"centre": seat.centre_id, "room": seat.room_id}
    shifts = session.exec(_SHIFTS, params=named).all()
    current = [shift for shift in shifts if shift.state is not ShiftState.CLOSED]
    if not current:
        return shifts[-1] if shifts else None
    return min(current, key=lambda shift: (_URGENCY[shift.state], shift.starts_at))


@dataclass(frozen=True, slots=True)
class _Expected:
    """Who is expected at a seat, for what, and the attempt if there is one."""

    placement: Placement
    registration: Registration
    candidate: Candidate
    paper: Paper
    attempt: Attempt | None
    sequential: bool


_EXPECTED = (
    sa.select(Placement, Registration, Candidate, Paper, Attempt, col(Form.sections).is_not(None))
    .outerjoin(Form, col(Form.id) == Placement.form_id)
    .join(Registration, col(Registration.id) == Placement.registration_id)
    .join(Candidate, col(Candidate.id) == Registration.candidate_id)
    .join(Paper, col(Paper.id) == Placement.paper_id)
    .outerjoin(
        Attempt,
        sa.and_(
            col(Attempt.centre_id) == Placement.centre_id,
            col(Attempt.placement_id) == Placement.id,
        ),
    )
    .where(
        col(Placement.centre_id) == sa.bindparam("centre"),
        col(Placement.shift_id) == sa.bindparam("shift"),
        col(Placement.seat_id) == sa.bindparam("seat"),
    )
)


def _expected(session: Session, shift: Shift, seat: str) -> _Expected | None:
    named = {"centre": shift.centre_id, "shift": shift.id, "seat": seat}
    found = session.execute(_EXPECTED, named).first()
    return None if found is None else _Expected(*found)


def _claimed(session: Session, shift: Shift, station: Station) -> _Expected | None:
    """Whose attempt the station writes beside another one: until an officer has settled that, it
    goes on, also after a restart."""
    seat = seat_claimed(session, shift.centre_id, shift.id, station.id)
    return None if seat is None else _expected(session, shift, seat)


def _shift_view(shift: Shift, exam: Exam) -> ShiftView:
    return ShiftView(
        id=shift.id,
        exam=exam.name,
        name=shift.name,
        starts_at=shift.starts_at,
        state=shift.state,
    )


def _placement_view(session: Session, expected: _Expected, station: Station) -> PlacementView:
    placement, attempt = expected.placement, expected.attempt
    registration, candidate, paper = expected.registration, expected.candidate, expected.paper
    checkins = conditions.checkins_of(session, placement.centre_id, placement.id)
    latest = checkins[-1] if checkins else None
    held = None if attempt is None else arrival.lease_in_force(session, attempt)
    written = attempt is not None and attempt.state is not AttemptState.SUBMITTED
    tap_first = written and not arrival.is_here(held, checkins, station.id)
    if tap_first and attempt is not None and claims_openly(session, attempt, station.id):
        tap_first = False
    if tap_first:
        latest = arrival.last_here(held, checkins, station.id)
    return PlacementView(
        id=placement.id,
        registration_number=registration.registration_number,
        candidate_name=candidate.name,
        date_of_birth=candidate.date_of_birth,
        citizen_number=candidate.citizen_number,
        paper=paper.name,
        minutes=with_extra_time(paper.minutes, registration.extra_time_percent) // 60,
        checkin=latest.id if latest else None,
        attempt=attempt.id if attempt else None,
        attempt_state=attempt.state if attempt else None,
        tap_first=tap_first,
        agreed=any(one.consent for one in checkins if one.state in conditions.ADMITTING),
        sequential=expected.sequential,
    )
