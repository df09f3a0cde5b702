"""What a proctor sees of a room: one row per seat, read in a fixed number of queries.

Nothing here changes anything, and nothing here knows what a candidate answered.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.attempts.models import Attempt, LedgerEntry, LedgerKind
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Centre, Room, Seat
from exam_server.checkin import conditions
from exam_server.checkin.models import CheckIn, Condition
from exam_server.contract.api import AttemptState, CheckInState, ShiftState, StationState
from exam_server.contract.ledger import Ledger
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms.models import Exam, Form, Paper
from exam_server.proctoring.views import (
    NO_STATION,
    FreeSeat,
    RoomView,
    Seated,
    SeatView,
    ShiftHead,
    Sitting,
    StationHealth,
    StationView,
)
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Assignment, Station, StationStatus
from exam_server.stations.service import SILENCE


def shift_heads(session: Session) -> list[ShiftHead]:
    """All shifts, those still to come or running first, then the latest."""
    query = (
        select(Shift, Exam, Centre)
        .join(Exam, col(Exam.id) == Shift.exam_id)
        .join(Centre, col(Centre.id) == Shift.centre_id)
        .order_by(
            sa.case((col(Shift.state) == ShiftState.CLOSED, 1), else_=0), col(Shift.starts_at)
        )
    )
    return [_head(*row) for row in session.exec(query)]


def shift_head(session: Session, shift: str) -> ShiftHead:
    query = (
        select(Shift, Exam, Centre)
        .join(Exam, col(Exam.id) == Shift.exam_id)
        .join(Centre, col(Centre.id) == Shift.centre_id)
        .where(Shift.id == shift)
    )
    row = session.exec(query).first()
    if row is None:
        raise NotPossibleError(
            Objection.NOT_FOUND, "there is no such shift; go back to the overview"
        )
    return _head(*row)


def _head(shift: Shift, exam: Exam, centre: Centre) -> ShiftHead:
    return ShiftHead(
        id=shift.id,
        name=shift.name,
        state=shift.state,
        starts_at=shift.starts_at,
        opened_at=shift.opened_at,
        started_at=shift.started_at,
        closed_at=shift.closed_at,
        exam=exam.name,
        realm=exam.realm,
        centre_id=centre.id,
        centre=centre.name,
    )


def rooms_of(session: Session, head: ShiftHead, now: datetime) -> list[RoomView]:
    """The rooms in which somebody is expected in this shift, by name."""
    used = select(Placement.room_id).where(Placement.shift_id == head.id)
    rooms = session.exec(select(Room).where(col(Room.id).in_(used)).order_by(col(Room.name))).all()
    return _views(session, head, rooms, now)


def room_of(session: Session, shift: str, room: str, now: datetime) -> RoomView:
    head = shift_head(session, shift)
    row = session.get(Room, room)
    if row is None or row.centre_id != head.centre_id:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such room in this shift's centre")
    return _views(session, head, [row], now)[0]


def seat_of(session: Session, placement: str, now: datetime) -> tuple[RoomView, SeatView]:
    """The room and seat of a placement."""
    row = session.get(Placement, placement)
    if row is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such candidate in any shift")
    room = room_of(session, row.shift_id, row.room_id, now)
    return room, next(seat for seat in room.seats if seat.id == row.seat_id)


def free_seats(session: Session, head: ShiftHead) -> list[FreeSeat]:
    taken = select(Placement.seat_id).where(Placement.shift_id == head.id)
    query = (
        select(Seat.id, Seat.name, Room.name)
        .join(Room, col(Room.id) == Seat.room_id)
        .where(Seat.centre_id == head.centre_id, col(Seat.id).not_in(taken))
        .order_by(col(Room.name), col(Seat.row), col(Seat.column))
    )
    return [FreeSeat(*row) for row in session.exec(query)]


def _views(
    session: Session, head: ShiftHead, rooms: Iterable[Room], now: datetime
) -> list[RoomView]:
    rooms = list(rooms)
    ids = [room.id for room in rooms]
    seats = session.exec(
        select(Seat).where(col(Seat.room_id).in_(ids)).order_by(col(Seat.row), col(Seat.column))
    ).all()
    stations = _stations(session, [seat.id for seat in seats], now)
    seated = _seated(session, head.id, ids, stations, now)
    by_room: dict[str, list[SeatView]] = defaultdict(list)
    for seat in seats:
        by_room[seat.room_id].append(
            SeatView(
                id=seat.id,
                name=seat.name,
                row=seat.row,
                column=seat.column,
                station=stations.get(seat.id, NO_STATION),
                seated=seated.get(seat.id),
            )
        )
    return [RoomView(room.id, room.name, head, tuple(by_room[room.id])) for room in rooms]


def _stations(session: Session, seats: list[str], now: datetime) -> dict[str, StationView]:
    query = (
        select(Assignment.seat_id, Station, StationStatus)
        .join(Station, col(Station.id) == Assignment.station_id)
        .outerjoin(StationStatus, col(StationStatus.station_id) == Station.id)
        .where(col(Assignment.seat_id).in_(seats), col(Assignment.until).is_(None))
        .where(col(Station.revoked_at).is_(None))
    )
    return {seat: station_view(station, said, now) for seat, station, said in session.exec(query)}


def station_view(station: Station, said: StationStatus | None, now: datetime) -> StationView:
    if said is None:
        return StationView(station.id, station.name, StationHealth.SILENT)
    return StationView(
        id=station.id,
        name=station.name,
        health=_health(said, now),
        state=said.state,
        seen_at=said.seen_at,
        program_version=said.program_version,
        reader_ready=said.reader_ready,
        camera_ready=said.camera_ready,
        staged=len(said.staged),
        unsent_records=said.unsent_records,
    )


def _health(said: StationStatus, now: datetime) -> StationHealth:
    if now - said.seen_at > SILENCE:
        return StationHealth.SILENT
    sound = said.reader_ready and said.camera_ready and said.state is not StationState.OUT_OF_ORDER
    return StationHealth.READY if sound else StationHealth.FAULTY


def _seated(
    session: Session, shift: str, rooms: list[str], stations: dict[str, StationView], now: datetime
) -> dict[str, Seated]:
    query = (
        sa.select(Placement, Registration, Candidate, Paper, Form, Attempt)
        .join(Registration, col(Registration.id) == Placement.registration_id)
        .join(Candidate, col(Candidate.id) == Registration.candidate_id)
        .join(Paper, col(Paper.id) == Placement.paper_id)
        .outerjoin(Form, col(Form.id) == Placement.form_id)
        .outerjoin(Attempt, col(Attempt.placement_id) == Placement.id)
        .where(col(Placement.shift_id) == shift, col(Placement.room_id).in_(rooms))
    )
    rows = session.execute(query).all()
    checkins = _checkins(session, [row[0].id for row in rows])
    ledgers = _ledgers(session, [row[5] for row in rows if row[5] is not None])
    seated = {}
    for placement, registration, candidate, paper, form, attempt in rows:
        own = checkins[placement.id]
        checkin, standing = own[-1] if own else None, conditions.standing(own)
        ledger = ledgers.get(attempt.id) if attempt else None
        station = stations.get(placement.seat_id, NO_STATION)
        seated[placement.seat_id] = Seated(
            placement=placement.id,
            candidate_name=candidate.name,
            date_of_birth=candidate.date_of_birth,
            citizen_number=candidate.citizen_number,
            registration_number=registration.registration_number,
            extra_time_percent=registration.extra_time_percent,
            paper=paper.name,
            minutes=paper.minutes,
            form_code=form.code if form else None,
            sitting=_sitting(attempt, ledger, checkin, station),
            condition=standing.condition if standing else None,
            doubted=checkin is not None
            and conditions.carries_condition(checkin)
            and checkin.condition is Condition.DOUBTED_LATER,
            chip_refused=any(one.chip_refused for one in own),
            arrived_late=attempt is not None and attempt.arrived_late,
            basis=checkin.basis if checkin else None,
            checkin=checkin.id if checkin else None,
            checkin_state=checkin.state if checkin else None,
            checkin_at=checkin.created_at if checkin else None,
            attempt=attempt.id if attempt else None,
            submitted_at=attempt.submitted_at if attempt else None,
            ledger=ledger,
            remaining=ledger.remaining(now) if ledger else None,
        )
    return seated


def _checkins(session: Session, placements: list[str]) -> dict[str, list[CheckIn]]:
    query = (
        select(CheckIn)
        .where(col(CheckIn.placement_id).in_(placements))
        .order_by(col(CheckIn.number))
    )
    found: dict[str, list[CheckIn]] = defaultdict(list)
    for checkin in session.exec(query):
        found[checkin.placement_id].append(checkin)
    return found


def _ledgers(session: Session, attempts: list[Attempt]) -> dict[str, Ledger]:
    ledgers = {one.id: Ledger(timedelta(seconds=one.allowance_seconds)) for one in attempts}
    query = (
        select(LedgerEntry)
        .where(col(LedgerEntry.attempt_id).in_(list(ledgers)))
        .order_by(col(LedgerEntry.attempt_id), col(LedgerEntry.position))
    )
    for entry in session.exec(query):
        ledgers[entry.attempt_id] = _moved(ledgers[entry.attempt_id], entry)
    return ledgers


def _moved(ledger: Ledger, entry: LedgerEntry) -> Ledger:
    match entry.kind:
        case LedgerKind.START:
            return ledger.start(entry.at)
        case LedgerKind.EXTEND:
            return ledger.extend(timedelta(seconds=entry.seconds))
        case LedgerKind.PAUSE:
            return ledger.pause(entry.at)
        case LedgerKind.RESUME:
            return ledger.resume(entry.at)


def _sitting(
    attempt: Attempt | None, ledger: Ledger | None, checkin: CheckIn | None, station: StationView
) -> Sitting:
    if attempt is not None:
        if attempt.state is AttemptState.SUBMITTED:
            return Sitting.SUBMITTED
        if ledger is not None and ledger.paused:
            return Sitting.PAUSED
        return Sitting.WRITING if attempt.state is AttemptState.WRITING else Sitting.ADMITTED
    if checkin is not None and checkin.state is CheckInState.REFERRED:
        return Sitting.REFERRED
    if checkin is not None and checkin.state is CheckInState.REFUSED:
        return Sitting.REFUSED
    busy = station.state in (StationState.READING, StationState.IDENTIFYING)
    return Sitting.IDENTIFYING if busy else Sitting.EXPECTED
