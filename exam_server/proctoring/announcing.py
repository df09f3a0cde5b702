"""Which rooms have changed, for those who watch them."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session, and_, col, select

from exam_server.announcing import announce
from exam_server.attempts.models import Attempt, KioskRestart, LedgerEntry
from exam_server.centres.models import Seat
from exam_server.checkin.models import CheckIn
from exam_server.proctoring.events import EVERYWHERE, LiveEvents
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Assignment, Station, StationStatus
from exam_server.stations.service import SILENCE

#: What of a station's heartbeat is worth a redraw; the moment alone is not.
TELLING = (
    "state",
    "reader_ready",
    "camera_ready",
    "program_version",
    "staged",
    "disk_low",
    "sound_failed",
    "kit",
    "ledger_seen",
)


def announce_commits(engine: Engine, hub: LiveEvents) -> Callable[[], None]:
    """Tells `hub` of every committed change to a room in `engine`'s database. Call to stop."""
    return announce(engine, _rooms_of, hub.publish)


def _rooms_of(session: Session, row: object) -> tuple[str, ...]:
    return (_room_of(session, row),) if _telling(row) else ()


def _telling(row: object) -> bool:
    if isinstance(row, StationStatus):
        return _back_from_silence(row) or _changed(row, TELLING)
    if isinstance(row, Attempt):
        # Its journal grows with every answer, which nobody watches.
        return _changed(row, ("state", "epoch", "submitted_at", "sections_left"))
    return isinstance(
        row, CheckIn | LedgerEntry | KioskRestart | Placement | Shift | Assignment | Station
    )


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
            query = select(Placement.room_id).where(
                Placement.centre_id == row.centre_id, Placement.id == row.placement_id
            )
        case LedgerEntry() | KioskRestart():
            query = (
                select(Placement.room_id)
                .join(
                    Attempt,
                    and_(
                        Attempt.centre_id == Placement.centre_id,
                        Attempt.placement_id == Placement.id,
                    ),
                )
                .where(Attempt.centre_id == row.centre_id, Attempt.id == row.attempt_id)
            )
        case Assignment():
            query = select(Seat.room_id).where(Seat.id == row.seat_id)
        case StationStatus():
            query = (
                select(Seat.room_id)
                .join(Assignment, col(Assignment.seat_id) == Seat.id)
                .where(Assignment.centre_id == row.centre_id)
                .where(Assignment.station_id == row.station_id, col(Assignment.until).is_(None))
            )
        case _:
            return EVERYWHERE
    with session.no_autoflush:
        return session.connection().scalars(query).first() or EVERYWHERE
