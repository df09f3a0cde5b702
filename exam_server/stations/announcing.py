"""Which stations a change concerns: those of a seat, of a room, of a shift, or one alone."""

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session, and_, col, select

from exam_server.announcing import announce
from exam_server.attempts.models import Attempt, LedgerEntry
from exam_server.centres.models import Seat
from exam_server.checkin.models import CheckIn
from exam_server.forms.models import Package
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.events import Concern, StationEvents
from exam_server.stations.models import Assignment, Station


def announce_to_stations(engine: Engine, hub: StationEvents) -> Callable[[], None]:
    """Tells `hub` of every commit in `engine`'s database that a station should hear of."""
    return announce(engine, _concerned, hub.publish)


def _concerned(session: Session, row: object) -> Iterator[str]:
    match row:
        case Shift():
            yield Concern.SHIFT.key(f"{row.centre_id}.{row.id}")
        case Package():
            yield Concern.SHIFT.key(f"{row.centre_id}.{row.shift_id}")
        case Placement():
            # Everybody's kit changes; where somebody moves away, that of the former room too.
            history = sa.inspect(row).attrs.room_id.history
            for room in {row.room_id, *(history.deleted or ())}:
                yield Concern.ROOM.key(room)
        case CheckIn():
            query = select(Placement).where(Placement.id == row.placement_id)
            yield from _seat(session, query.where(Placement.centre_id == row.centre_id))
        case LedgerEntry():
            attempt = and_(
                Attempt.centre_id == Placement.centre_id, Attempt.placement_id == Placement.id
            )
            query = select(Placement).join(Attempt, attempt).where(Attempt.id == row.attempt_id)
            yield from _seat(session, query.where(Attempt.centre_id == row.centre_id))
        case Assignment():
            yield Concern.STATION.key(row.station_id)
            yield from _rooms(session, select(Seat.room_id).where(Seat.id == row.seat_id))
        case Station():
            if sa.inspect(row).attrs.revoked_at.history.has_changes():
                yield Concern.STATION.key(row.id)
                yield from _rooms(session, _stood_in(row))


def _stood_in(station: Station) -> sa.Select[Any]:
    return (
        select(Seat.room_id)
        .join(Assignment, col(Assignment.seat_id) == Seat.id)
        .where(Assignment.centre_id == station.centre_id, Assignment.station_id == station.id)
        .distinct()
    )


def _rooms(session: Session, query: sa.Select[Any]) -> Iterator[str]:
    """The kits of a room name its stations."""
    with session.no_autoflush:
        rooms = session.connection().scalars(query).all()
    for room in rooms:
        yield Concern.ROOM.key(room)


def _seat(session: Session, placement: sa.Select[Any]) -> Iterator[str]:
    with session.no_autoflush:
        seat = session.connection().scalar(placement.with_only_columns(col(Placement.seat_id)))
    if seat is not None:
        yield Concern.SEAT.key(seat)
