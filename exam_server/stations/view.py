"""What a station needs to know of its place: `contract.api.SeatView`."""

from datetime import datetime

from sqlmodel import Session, col, select

from exam_server.attempts import time
from exam_server.attempts.models import Attempt
from exam_server.attempts.service import allowance_seconds
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Centre, Room, Seat
from exam_server.checkin.models import CheckIn
from exam_server.contract.api import (
    LedgerView,
    PackageView,
    PlacementView,
    SeatView,
    ShiftState,
    ShiftView,
)
from exam_server.forms.models import Exam, Form, Package, Paper
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Station
from exam_server.stations.service import seat_of

_URGENCY = {ShiftState.STARTED: 0, ShiftState.OPEN: 1, ShiftState.PLANNED: 2}


def seat_view(session: Session, station: Station, *, now: datetime) -> SeatView:
    """The station's seat, its shift, who is expected there, and what is to be staged."""
    seat = seat_of(session, station)
    if seat is None:
        return SeatView(server_time=now, realm=station.realm.value)
    shift = _shift_of(session, seat)
    placement = _placement_at(session, seat, shift)
    attempt = _attempt(session, placement)
    return SeatView(
        server_time=now,
        realm=station.realm.value,
        centre=session.get_one(Centre, seat.centre_id).name,
        room=session.get_one(Room, seat.room_id).name,
        seat=seat.name,
        shift=None if shift is None else _shift_view(session, shift),
        placement=None if placement is None else _placement_view(session, placement, attempt),
        packages=[] if shift is None else _packages(session, seat, shift),
        ledger=None if attempt is None else LedgerView.of(time.ledger_of(session, attempt)),
    )


def _shift_of(session: Session, seat: Seat) -> Shift | None:
    """The room's shift that matters now: started, else open, else next, else the last one."""
    shifts = session.exec(
        select(Shift)
        .where(
            col(Shift.id).in_(
                select(Placement.shift_id).where(
                    Placement.centre_id == seat.centre_id, Placement.room_id == seat.room_id
                )
            )
        )
        .order_by(col(Shift.starts_at))
    ).all()
    current = [shift for shift in shifts if shift.state is not ShiftState.CLOSED]
    if not current:
        return shifts[-1] if shifts else None
    return min(current, key=lambda shift: (_URGENCY[shift.state], shift.starts_at))


def _placement_at(session: Session, seat: Seat, shift: Shift | None) -> Placement | None:
    if shift is None:
        return None
    return session.exec(
        select(Placement).where(Placement.shift_id == shift.id, Placement.seat_id == seat.id)
    ).first()


def _attempt(session: Session, placement: Placement | None) -> Attempt | None:
    if placement is None:
        return None
    return session.exec(select(Attempt).where(Attempt.placement_id == placement.id)).first()


def _shift_view(session: Session, shift: Shift) -> ShiftView:
    return ShiftView(
        id=shift.id,
        exam=session.get_one(Exam, shift.exam_id).name,
        name=shift.name,
        starts_at=shift.starts_at,
        state=shift.state,
    )


def _placement_view(
    session: Session, placement: Placement, attempt: Attempt | None
) -> PlacementView:
    registration = session.get_one(Registration, placement.registration_id)
    candidate = session.get_one(Candidate, registration.candidate_id)
    paper = session.get_one(Paper, placement.paper_id)
    checkin = session.exec(
        select(CheckIn.id)
        .where(CheckIn.placement_id == placement.id)
        .order_by(col(CheckIn.number).desc())
        .limit(1)
    ).first()
    return PlacementView(
        id=placement.id,
        registration_number=registration.registration_number,
        candidate_name=candidate.name,
        date_of_birth=candidate.date_of_birth,
        citizen_number=candidate.citizen_number,
        paper=paper.name,
        minutes=allowance_seconds(session, placement) // 60,
        checkin=checkin,
        attempt=attempt.id if attempt else None,
        attempt_state=attempt.state if attempt else None,
    )


def _packages(session: Session, seat: Seat, shift: Shift) -> list[PackageView]:
    """Every form of the room's papers: a candidate may be moved to any of its stations."""
    papers = select(Placement.paper_id).where(
        Placement.shift_id == shift.id, Placement.room_id == seat.room_id
    )
    rows = session.exec(
        select(Package.id, Package.sha256, Package.size)
        .join(Form, col(Form.id) == Package.form_id)
        .where(Package.shift_id == shift.id, col(Form.paper_id).in_(papers))
        .order_by(col(Package.id))
    )
    return [PackageView(id=one, sha256=sha256, size=size) for one, sha256, size in rows]
