"""What a proctor sees of a room: one row per seat, read in a fixed number of queries.

Nothing here changes anything, and nothing here knows what a candidate answered.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, and_, col, select

from exam_server.centres.models import Centre, Room, Seat
from exam_server.contract.api import ShiftState, StationState
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms.models import Exam, Form, Package
from exam_server.proctoring.seated import seated_of
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
    Trouble,
)
from exam_server.shards import anywhere
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


def shift_head(session: Session, shift: str, centre: str | None = None) -> ShiftHead:
    """The head of that shift; without its `centre` it is looked for in all of them."""
    query = (
        select(Shift, Exam, Centre)
        .join(Exam, col(Exam.id) == Shift.exam_id)
        .join(Centre, col(Centre.id) == Shift.centre_id)
        .where(Shift.id == shift)
    )
    if centre is not None:
        query = query.where(Shift.centre_id == centre)
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
        frozen_at=shift.frozen_at,
        exam=exam.name,
        realm=exam.realm,
        centre_id=centre.id,
        centre=centre.name,
    )


def rooms_of(session: Session, head: ShiftHead, now: datetime) -> list[RoomView]:
    """The rooms in which somebody is expected in this shift, by name."""
    used = select(Placement.room_id).where(
        Placement.centre_id == head.centre_id, Placement.shift_id == head.id
    )
    rooms = session.exec(select(Room).where(col(Room.id).in_(used)).order_by(col(Room.name))).all()
    return _views(session, head, rooms, now)


def room_of(session: Session, shift: str, room: str, now: datetime) -> RoomView:
    row = session.get(Room, room)
    if row is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such room in this shift's centre")
    return _views(session, shift_head(session, shift, row.centre_id), [row], now)[0]


def seat_of(session: Session, placement: str, now: datetime) -> tuple[RoomView, SeatView]:
    """The room and seat of a placement."""
    row = anywhere(session, Placement, placement)
    if row is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such candidate in any shift")
    room = room_of(session, row.shift_id, row.room_id, now)
    return room, next(seat for seat in room.seats if seat.id == row.seat_id)


def free_seats(session: Session, head: ShiftHead, now: datetime) -> list[FreeSeat]:
    """The seats of the shift's centre at which nobody is expected, by room."""
    taken = select(Placement.seat_id).where(
        Placement.centre_id == head.centre_id, Placement.shift_id == head.id
    )
    query = (
        select(Seat.id, Seat.name, Room.name)
        .join(Room, col(Room.id) == Seat.room_id)
        .where(Seat.centre_id == head.centre_id, col(Seat.id).not_in(taken))
        .order_by(col(Room.name), col(Seat.row), col(Seat.column))
    )
    rows = session.exec(query).all()
    stations = _stations(session, head.centre_id, [seat for seat, _, _ in rows], now)
    return [FreeSeat(*row, stations.get(row[0], NO_STATION)) for row in rows]


def _views(
    session: Session, head: ShiftHead, rooms: Iterable[Room], now: datetime
) -> list[RoomView]:
    rooms = list(rooms)
    ids = [room.id for room in rooms]
    seats = session.exec(
        select(Seat).where(col(Seat.room_id).in_(ids)).order_by(col(Seat.row), col(Seat.column))
    ).all()
    stations = _stations(session, head.centre_id, [seat.id for seat in seats], now)
    seated = seated_of(session, head, ids, stations, now)
    programs = session.get_one(Shift, (head.centre_id, head.id)).frozen_programs
    wanted = _wanted(session, head, ids)
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
                lacks=_lacks(
                    stations.get(seat.id, NO_STATION),
                    seated.get(seat.id),
                    programs,
                    wanted.get(seat.room_id, frozenset()),
                ),
            )
        )
    return [RoomView(room.id, room.name, head, tuple(by_room[room.id])) for room in rooms]


def _wanted(session: Session, head: ShiftHead, rooms: list[str]) -> dict[str, frozenset[str]]:
    """The packages that every station of a room should have, by room."""
    query = (
        select(Placement.room_id, Package.id)
        .join(Form, col(Form.paper_id) == Placement.paper_id)
        .join(
            Package,
            sa.and_(col(Package.centre_id) == Placement.centre_id, col(Package.form_id) == Form.id),
        )
        .where(Placement.centre_id == head.centre_id)
        .where(Placement.shift_id == head.id, Package.shift_id == head.id)
        .where(col(Placement.room_id).in_(rooms))
        .distinct()
    )
    found: dict[str, set[str]] = defaultdict(set)
    for room, package in session.exec(query):
        found[room].add(package)
    return {room: frozenset(packages) for room, packages in found.items()}


_WRITTEN = (Sitting.WRITING, Sitting.PAUSED, Sitting.SUBMITTED)


def _lacks(
    station: StationView,
    seated: Seated | None,
    programs: list[str] | None,
    wanted: frozenset[str],
) -> tuple[Trouble, ...]:
    """What a station that answers has not got of what is frozen; of no matter once it is used."""
    if programs is None or station.health in (StationHealth.NONE, StationHealth.SILENT):
        return ()
    if seated is not None and seated.sitting in _WRITTEN:
        return ()
    if station.state in (StationState.WRITING, StationState.SUBMITTED):
        return ()
    found = []
    if station.program_version not in programs:
        found.append(Trouble.WRONG_PROGRAM)
    if wanted - station.staged:
        found.append(Trouble.PACKAGES_MISSING)
    return tuple(found)


def _stations(
    session: Session, centre: str, seats: list[str], now: datetime
) -> dict[str, StationView]:
    query = (
        select(Assignment.seat_id, Station, StationStatus)
        .join(Station, col(Station.id) == Assignment.station_id)
        .outerjoin(
            StationStatus,
            and_(
                StationStatus.centre_id == Assignment.centre_id,
                StationStatus.station_id == Station.id,
            ),
        )
        .where(Assignment.centre_id == centre)
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
        staged=frozenset(said.staged),
        unsent_records=said.unsent_records,
        owed=len(said.owed),
        disk_low=said.disk_low,
        sound_failed=said.sound_failed,
        kit=said.kit is not None,
        shows=None if said.ledger_attempt is None else (said.ledger_attempt, said.ledger_seen or 0),
    )


def _health(said: StationStatus, now: datetime) -> StationHealth:
    if now - said.seen_at > SILENCE:
        return StationHealth.SILENT
    sound = said.reader_ready and said.camera_ready and said.state is not StationState.OUT_OF_ORDER
    return StationHealth.READY if sound else StationHealth.FAULTY
