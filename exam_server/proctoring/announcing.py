"""From commits to live events: what was written tells which rooms have changed.

Services need not remember to tell anybody; a change that is rolled back is never announced.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import UOWTransaction
from sqlmodel import Session, col, select

from exam_server.attempts.models import Attempt, LedgerEntry
from exam_server.centres.models import Seat
from exam_server.checkin.models import CheckIn
from exam_server.proctoring.events import LiveEvents
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Assignment, Station, StationStatus
from exam_server.stations.service import SILENCE

#: What of a station's heartbeat is worth a redraw; the moment alone is not.
TELLING = ("state", "reader_ready", "camera_ready", "program_version", "staged")
EVERYWHERE = ""


def announce_commits(engine: Engine, hub: LiveEvents) -> Callable[[], None]:
    """Tells `hub` of every committed change to a room in `engine`'s database. Call to stop."""
    changed = object()  # where a session keeps its rooms for this hub

    def collect(session: Session, _context: UOWTransaction) -> None:
        if _database(session) is not engine.pool:
            return
        written = [one for one in (*session.new, *session.dirty) if _telling(one)]
        rooms = {_room_of(session, one) for one in written}
        session.info.setdefault(changed, set()).update(rooms)

    def publish(session: Session) -> None:
        for room in session.info.pop(changed, ()):
            if room == EVERYWHERE:
                hub.publish_all()
            else:
                hub.publish(room)

    def forget(session: Session) -> None:
        session.info.pop(changed, None)

    listeners: list[tuple[str, Any]] = [
        ("after_flush", collect),
        ("after_commit", publish),
        ("after_rollback", forget),
    ]
    for name, listener in listeners:
        event.listen(Session, name, listener)

    def stop() -> None:
        for name, listener in listeners:
            event.remove(Session, name, listener)

    return stop


def _database(session: Session) -> object:
    bind = session.get_bind()
    return bind.engine.pool


def _telling(row: object) -> bool:
    if isinstance(row, StationStatus):
        return _back_from_silence(row) or _changed(row, TELLING)
    if isinstance(row, Attempt):
        # Its journal grows with every answer, which nobody watches.
        return _changed(row, ("state", "epoch", "submitted_at"))
    return isinstance(row, CheckIn | LedgerEntry | Placement | Shift | Assignment | Station)


def _changed(row: object, names: tuple[str, ...]) -> bool:
    state = sa.inspect(row)
    return state.pending or any(state.attrs[name].history.has_changes() for name in names)


def _back_from_silence(row: StationStatus) -> bool:
    before: datetime | None = next(iter(sa.inspect(row).attrs.seen_at.history.deleted or ()), None)
    return before is not None and row.seen_at - before > SILENCE


def _room_of(session: Session, row: object) -> str:
    query: sa.Select[str]
    match row:
        case Placement():
            # Who moves away is missed in another room.
            return EVERYWHERE if sa.inspect(row).attrs.room_id.history.deleted else row.room_id
        case CheckIn() | Attempt():
            query = select(Placement.room_id).where(Placement.id == row.placement_id)
        case LedgerEntry():
            query = (
                select(Placement.room_id)
                .join(Attempt, col(Attempt.placement_id) == Placement.id)
                .where(Attempt.id == row.attempt_id)
            )
        case Assignment():
            query = select(Seat.room_id).where(Seat.id == row.seat_id)
        case StationStatus():
            query = (
                select(Seat.room_id)
                .join(Assignment, col(Assignment.seat_id) == Seat.id)
                .where(Assignment.station_id == row.station_id, col(Assignment.until).is_(None))
            )
        case _:
            return EVERYWHERE
    with session.no_autoflush:
        return session.connection().scalars(query).first() or EVERYWHERE
