"""The enrolled stations: where they stand and whether they answer."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from fastapi.responses import Response
from sqlmodel import Session, and_, col, select

from exam_server.access import Permission
from exam_server.centres.models import Room, Seat
from exam_server.proctoring.service import station_view
from exam_server.proctoring.views import StationHealth, StationView
from exam_server.stations.models import Assignment, Station, StationStatus
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visiting

pages = Pages()


@dataclass(frozen=True, slots=True)
class RoomStations:
    """The stations of a room by seat; `name` is "" for stations without a place."""

    name: str
    stations: tuple[tuple[str, StationView], ...]

    @property
    def ready(self) -> int:
        return sum(1 for _, station in self.stations if station.health is StationHealth.READY)


@pages.get("/stations", Permission.SEE_STATIONS)
def stations(visit: Visiting) -> Response:
    with visit.server.reading() as session:
        rooms = _rooms(session, visit.now())
    return page(visit, "stations.html", rooms=rooms)


def _rooms(session: Session, now: datetime) -> list[RoomStations]:
    open_assignment = and_(
        Assignment.centre_id == Station.centre_id,
        Assignment.station_id == Station.id,
        col(Assignment.until).is_(None),
    )
    its_status = and_(
        StationStatus.centre_id == Station.centre_id, StationStatus.station_id == Station.id
    )
    query = (
        select(Station, StationStatus, Seat.name, Room.name)
        .outerjoin(StationStatus, its_status)
        .outerjoin(Assignment, open_assignment)
        .outerjoin(Seat, col(Seat.id) == Assignment.seat_id)
        .outerjoin(Room, col(Room.id) == Seat.room_id)
        .where(col(Station.revoked_at).is_(None))
        .order_by(col(Room.name), col(Seat.row), col(Seat.column), col(Station.name))
    )
    by_room: dict[str, list[tuple[str, StationView]]] = defaultdict(list)
    for station, said, seat, room in session.exec(query):
        by_room[room or ""].append((seat or "", station_view(station, said, now)))
    return [RoomStations(name, tuple(found)) for name, found in by_room.items()]
