"""Whether the candidate sits at the station that wants to go on with an attempt.

Whoever was admitted by a chip taps the card again at another station, before that one may take the
attempt over. Whoever was admitted without a chip has nothing to tap: there the officer who moved
the candidate has seen to it. So has the officer who decides or admits at the new seat.
What a station of another seat says of a candidate opens nothing at the candidate's own.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, and_, col, select

from exam_server.attempts.models import Attempt, Lease
from exam_server.checkin import conditions
from exam_server.checkin.models import Basis, CheckIn
from exam_server.shifts.models import Placement
from exam_server.stations.models import Assignment, Station


def is_here(held: Lease | None, checkins: Iterable[CheckIn], station: str) -> bool:
    """Whether `station` may go on: it writes already, or somebody was admitted at it since.

    `held` is the lease in force, `checkins` are all of the placement, the first one first.
    """
    if held is not None and held.station_id == station:
        return True
    checkins = list(checkins)
    since = None if held is None else held.granted_at
    if any(one.state in conditions.ADMITTING for one in _made_here(checkins, station, since)):
        return True
    admitted = conditions.admitting(
        one for one in checkins if not conditions.is_of_another_seat(one)
    )
    if admitted is None:
        return conditions.admitting(checkins) is None
    return admitted.basis is not Basis.CHIP


def last_here(held: Lease | None, checkins: Iterable[CheckIn], station: str) -> CheckIn | None:
    """The last check-in at `station` since another one took the lease, None before the tap."""
    since = None if held is None else held.granted_at
    return next(iter(reversed(_made_here(checkins, station, since))), None)


def _made_here(checkins: Iterable[CheckIn], station: str, since: datetime | None) -> list[CheckIn]:
    """By hand counts wherever the candidate sits: the officers stood there."""
    return [
        one
        for one in checkins
        if one.station_id in (station, None) and (since is None or one.created_at >= since)
    ]


def lease_in_force(session: Session, attempt: Attempt) -> Lease | None:
    """None before the first one."""
    if not attempt.epoch:
        return None
    return session.get(Lease, (attempt.centre_id, attempt.id, attempt.epoch))


def has_arrived(session: Session, attempt: Attempt, station: str) -> bool:
    """`is_here`, read from the database."""
    held = lease_in_force(session, attempt)
    if held is not None and held.station_id == station:
        return True
    checkins = conditions.checkins_of(session, attempt.centre_id, attempt.placement_id)
    return is_here(held, checkins, station)


def is_awaited(session: Session, attempt: Attempt) -> bool:
    """Whether the candidate was moved and has not tapped at the new seat's station yet."""
    station = session.exec(
        select(Station.id)
        .join(Assignment, col(Assignment.station_id) == Station.id)
        .join(
            Placement,
            and_(
                Placement.centre_id == Assignment.centre_id,
                Placement.seat_id == Assignment.seat_id,
            ),
        )
        .where(Placement.centre_id == attempt.centre_id, Placement.id == attempt.placement_id)
        .where(col(Assignment.until).is_(None))
    ).first()
    return station is not None and not has_arrived(session, attempt, station)
