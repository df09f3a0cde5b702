"""The side of a conflict that does not count: whether a station is on it, and what it is told."""

from collections.abc import Iterable

from sqlmodel import Session, and_, col, select

from exam_server.attempts.fencing_models import LeaseConflict, RivalLease, Side
from exam_server.attempts.models import Attempt, Lease
from exam_server.contract.errors import ErrorCode
from exam_server.errors import RefusedError
from exam_server.shifts.models import Placement
from exam_server.stations.models import Station


def in_conflict(session: Session, attempts: Iterable[Attempt]) -> set[str]:
    """Which of the attempts have a conflict that nobody has settled yet."""
    attempts = list(attempts)
    query = select(LeaseConflict.attempt_id).where(
        col(LeaseConflict.centre_id).in_({one.centre_id for one in attempts}),
        col(LeaseConflict.attempt_id).in_([one.id for one in attempts]),
        col(LeaseConflict.settled_at).is_(None),
    )
    return set(session.exec(query))


def rival_of(
    session: Session, centre_id: str, attempt_id: str, station_id: str
) -> tuple[LeaseConflict, RivalLease] | None:
    """The last lease of `station_id` that lies aside, with its conflict."""
    return session.exec(
        select(LeaseConflict, RivalLease)
        .join(
            RivalLease,
            and_(
                RivalLease.centre_id == LeaseConflict.centre_id,
                RivalLease.conflict_id == LeaseConflict.id,
            ),
        )
        .where(
            LeaseConflict.centre_id == centre_id,
            LeaseConflict.attempt_id == attempt_id,
            RivalLease.station_id == station_id,
        )
        .order_by(col(RivalLease.epoch).desc())
    ).first()


def claims_openly(session: Session, attempt: Attempt, station_id: str) -> bool:
    """Whether the station's lease lies aside and nobody has settled that yet."""
    found = rival_of(session, attempt.centre_id, attempt.id, station_id)
    return found is not None and found[0].settled_at is None


def seat_claimed(session: Session, centre_id: str, shift_id: str, station_id: str) -> str | None:
    """The seat of the candidate whose attempt the station claims in an open conflict: of the last
    one, if any."""
    return session.exec(
        select(Placement.seat_id)
        .join(
            Attempt,
            and_(Attempt.centre_id == Placement.centre_id, Attempt.placement_id == Placement.id),
        )
        .join(
            LeaseConflict,
            and_(
                LeaseConflict.centre_id == Attempt.centre_id,
                LeaseConflict.attempt_id == Attempt.id,
            ),
        )
        .where(
            Attempt.centre_id == centre_id,
            Attempt.shift_id == shift_id,
            LeaseConflict.claimant_id == station_id,
            LeaseConflict.counts == Side.SERVER,
            col(LeaseConflict.settled_at).is_(None),
        )
        .order_by(col(LeaseConflict.claimed_at).desc())
    ).first()


def refuse_open_rival(session: Session, centre_id: str, attempt_id: str, station_id: str) -> None:
    """RefusedError where the station's lease lies aside and nobody has settled that yet."""
    found = rival_of(session, centre_id, attempt_id, station_id)
    if found is not None and found[0].settled_at is None:
        raise RefusedError(
            ErrorCode.LEASE_CONFLICT, "another station writes this too; an officer settles it"
        )


def refuse_rival(session: Session, centre_id: str, attempt_id: str, station_id: str) -> None:
    """RefusedError where the station's lease lies aside: what it is to be told."""
    refuse_open_rival(session, centre_id, attempt_id, station_id)
    if rival_of(session, centre_id, attempt_id, station_id) is None:
        return
    raise RefusedError(ErrorCode.LEASE_SUPERSEDED, "another station's journal was chosen")


def stations_of(session: Session, conflict: LeaseConflict) -> tuple[list[str], str]:
    """The names of the stations on the server's side, and of the claimant."""
    where = Lease.centre_id == conflict.centre_id, Lease.attempt_id == conflict.attempt_id
    counting = session.exec(select(Lease.station_id).where(*where, Lease.epoch >= conflict.epoch))
    aside = session.exec(
        select(RivalLease.station_id).where(
            RivalLease.centre_id == conflict.centre_id, RivalLease.conflict_id == conflict.id
        )
    )
    sides = (set(counting), set(aside))
    servers = sides[0] if conflict.counts is Side.SERVER else sides[1]
    if not servers:  # nobody had taken it over: the station that made the token
        former = session.get(Lease, (conflict.centre_id, conflict.attempt_id, conflict.epoch - 1))
        servers = {former.station_id} if former else set()
    names = sorted(session.get_one(Station, one).name for one in servers)
    return names, session.get_one(Station, conflict.claimant_id).name
