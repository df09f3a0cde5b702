"""Attempts of which a station may still hold answers: what officers must know before they close.

Whoever handed in has nothing left to send: the hand-in is the last record of a chain without a
gap. Of all others the server cannot know; it tells what it last heard, and of whom. Nor can it know
whether somebody whom it never heard of was checked in without network, where the seat's station was
silent while people came. And a station that is heard may hold what the server refuses: it is named
by what it says itself.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, and_, col, or_, select

from exam_server.attempts import time
from exam_server.attempts.fencing_models import LeaseConflict, RivalLease
from exam_server.attempts.keys import attempt_id_of
from exam_server.attempts.models import Attempt, Lease
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Room, Seat
from exam_server.contract.ledger import Ledger
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Assignment, Station, StationStatus
from exam_server.stations.service import SILENCE


class MayHold(StrEnum):
    """Why a station may hold answers that the server has not got."""

    NOT_HANDED_IN = "not_handed_in"
    NOT_HEARD = "not_heard"
    UNSENT = "unsent"
    FORMER_NOT_HEARD = "former_not_heard"
    FORMER_UNSENT = "former_unsent"
    RIVAL_NOT_HEARD = "rival_not_heard"
    RIVAL_UNSENT = "rival_unsent"
    UNKNOWN_UNSENT = "unknown_unsent"
    LEFT_BEHIND = "left_behind"
    MAY_HAVE_COME = "may_have_come"


#: A station that is heard so long after the start has told by then of whoever came to its seat.
COMES_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Outstanding:
    """An attempt of which answers may be outstanding; `heard_at` is None where its station never
    reported, `unsent` the number of records it spoke of then. With `MAY_HAVE_COME` `attempt` is the
    one that the placement would have."""

    attempt: str
    room: str
    seat: str
    candidate: str
    registration_number: str
    station: str
    heard_at: datetime | None
    unsent: int
    why: tuple[MayHold, ...]


@dataclass(frozen=True, slots=True)
class _Machine:
    """A station with what it last said; None where it never did."""

    station: Station
    said: StationStatus | None

    def heard_since(self, moment: datetime) -> bool:
        return self.said is not None and self.said.seen_at >= moment

    def unsent_of(self, attempt: str) -> int:
        """As far as is known."""
        if self.said is None or self.said.ledger_attempt not in (None, attempt):
            return 0
        return self.said.unsent_records


@dataclass(frozen=True, slots=True)
class _Hold(_Machine):
    """A station that has, or had, a lease of an attempt."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class _Rival(_Machine):
    """A station whose lease lies aside in a conflict."""

    conflict: LeaseConflict


@dataclass(frozen=True, slots=True)
class _Machines:
    """What is known of a shift's machines, by attempt; `stood` by seat. `left_behind` and
    `speaking` are what stations say themselves, whatever the server knows of their leases."""

    holds: dict[str, list[_Hold]]
    rivals: dict[str, list[_Rival]]
    stood: dict[str, list[_Machine]]
    left_behind: dict[str, _Machine]
    speaking: dict[str, list[_Machine]]


_Reasons = tuple[tuple[MayHold, ...], _Machine | None]


def outstanding(session: Session, shift: Shift, now: datetime) -> list[Outstanding]:
    """The attempts of the shift of which answers may be outstanding, by room and seat; once it is
    closed, those of which no station has said since that it holds nothing."""
    rows = session.execute(
        sa.select(Placement, Attempt, Room, Seat, Candidate, Registration)
        .outerjoin(
            Attempt,
            and_(
                col(Attempt.centre_id) == Placement.centre_id,
                col(Attempt.placement_id) == Placement.id,
            ),
        )
        .join(Room, col(Room.id) == Placement.room_id)
        .join(Seat, col(Seat.id) == Placement.seat_id)
        .join(Registration, col(Registration.id) == Placement.registration_id)
        .join(Candidate, col(Candidate.id) == Registration.candidate_id)
        .where(col(Placement.centre_id) == shift.centre_id, col(Placement.shift_id) == shift.id)
        .order_by(col(Room.name), col(Seat.row), col(Seat.column))
    ).all()
    ledgers = time.ledgers_of(session, [row[1] for row in rows if row[1] is not None])
    machines = _machines(session, shift, now)
    found = []
    for placement, attempt, room, seat, candidate, registration in rows:
        name = attempt_id_of(placement.id)
        why, who = _all_reasons(shift, seat, name, attempt, machines, ledgers.get(name), now)
        if why:
            said = who.said if who else None
            found.append(
                Outstanding(
                    attempt=name,
                    room=room.name,
                    seat=seat.name,
                    candidate=candidate.name,
                    registration_number=registration.registration_number,
                    station=who.station.name if who else "",
                    heard_at=said.seen_at if said else None,
                    unsent=who.unsent_of(name) if who else 0,
                    why=why,
                )
            )
    return found


def _machines(session: Session, shift: Shift, now: datetime) -> _Machines:
    told = _told(session, shift.centre_id)
    speaking: dict[str, list[_Machine]] = defaultdict(list)
    for one in told:
        if one.said and one.said.ledger_attempt and one.said.unsent_records:
            speaking[one.said.ledger_attempt].append(one)
    return _Machines(
        holds=_holds(session, shift),
        rivals=_rivals(session, shift),
        stood=_stood(session, shift, now),
        left_behind={owed: one for one in told if one.said for owed in one.said.owed},
        speaking=speaking,
    )


def _holds(session: Session, shift: Shift) -> dict[str, list[_Hold]]:
    """The leases of every attempt of the shift, the first one first."""
    rows = session.exec(
        select(Lease, Station, StationStatus)
        .join(Attempt, and_(Attempt.centre_id == Lease.centre_id, Attempt.id == Lease.attempt_id))
        .join(Station, col(Station.id) == Lease.station_id)
        .outerjoin(
            StationStatus,
            and_(
                StationStatus.centre_id == Lease.centre_id,
                StationStatus.station_id == Lease.station_id,
            ),
        )
        .where(Attempt.centre_id == shift.centre_id, Attempt.shift_id == shift.id)
        .order_by(col(Lease.epoch))
    )
    found: dict[str, list[_Hold]] = defaultdict(list)
    for lease, station, said in rows:
        found[lease.attempt_id].append(_Hold(station, said, lease))
    return found


def _stood(session: Session, shift: Shift, now: datetime) -> dict[str, list[_Machine]]:
    """The stations that stood at each seat of the shift's while it was open, the present one last:
    a machine that was taken away may hold what the one in its place does not."""
    ended: sa.ColumnElement[bool] = col(Assignment.until).is_(None)
    if shift.opened_at is not None:
        ended = or_(ended, col(Assignment.until) >= shift.opened_at)
    rows = session.exec(
        select(Assignment.seat_id, Station, StationStatus)
        .join(Station, col(Station.id) == Assignment.station_id)
        .outerjoin(
            StationStatus,
            and_(
                StationStatus.centre_id == Assignment.centre_id,
                StationStatus.station_id == Assignment.station_id,
            ),
        )
        .where(
            Assignment.centre_id == shift.centre_id,
            Assignment.since <= (shift.closed_at or now),
            ended,
            col(Assignment.seat_id).in_(
                select(Placement.seat_id).where(
                    Placement.centre_id == shift.centre_id, Placement.shift_id == shift.id
                )
            ),
        )
        .order_by(col(Assignment.since))
    )
    found: dict[str, list[_Machine]] = defaultdict(list)
    for seat, station, said in rows:
        found[seat].append(_Machine(station, said))
    return found


def _rivals(session: Session, shift: Shift) -> dict[str, list[_Rival]]:
    """The leases that lie aside in conflicts of the shift's attempts."""
    rows = session.exec(
        select(RivalLease, LeaseConflict, Station, StationStatus)
        .join(
            LeaseConflict,
            and_(
                LeaseConflict.centre_id == RivalLease.centre_id,
                LeaseConflict.id == RivalLease.conflict_id,
            ),
        )
        .join(
            Attempt,
            and_(Attempt.centre_id == RivalLease.centre_id, Attempt.id == RivalLease.attempt_id),
        )
        .join(Station, col(Station.id) == RivalLease.station_id)
        .outerjoin(
            StationStatus,
            and_(
                StationStatus.centre_id == RivalLease.centre_id,
                StationStatus.station_id == RivalLease.station_id,
            ),
        )
        .where(Attempt.centre_id == shift.centre_id, Attempt.shift_id == shift.id)
        .order_by(col(LeaseConflict.claimed_at), col(RivalLease.epoch))
    )
    found: dict[str, list[_Rival]] = defaultdict(list)
    for lease, conflict, station, said in rows:
        found[lease.attempt_id].append(_Rival(station, said, conflict))
    return found


def _told(session: Session, centre_id: str) -> list[_Machine]:
    """The centre's stations that ever said anything."""
    rows = session.exec(
        select(Station, StationStatus)
        .join(
            StationStatus,
            and_(
                StationStatus.centre_id == Station.centre_id,
                StationStatus.station_id == Station.id,
            ),
        )
        .where(StationStatus.centre_id == centre_id)
        .order_by(col(Station.id))
    )
    return [_Machine(station, said) for station, said in rows]


def _all_reasons(
    shift: Shift,
    seat: Seat,
    name: str,
    attempt: Attempt | None,
    machines: _Machines,
    ledger: Ledger | None,
    now: datetime,
) -> _Reasons:
    """Every reason, and the station of the last one."""
    holds, rivals = machines.holds.get(name, []), machines.rivals.get(name, [])
    if attempt is None:
        found = [_may_have_come(shift, machines.stood.get(seat.id, []), now)]
    else:
        found = [_why(shift, attempt, holds, ledger, now)]
    found.extend(_rival(one, _quiet_since(shift, ledger, now), name) for one in rivals)
    judged = {one.station.id for one in (*holds, *rivals)}
    for one in machines.speaking.get(name, []):
        if one.station.id not in judged:
            found.append(((MayHold.UNKNOWN_UNSENT,), one))
    if name in machines.left_behind:
        found.append(((MayHold.LEFT_BEHIND,), machines.left_behind[name]))
    why = dict.fromkeys(reason for reasons, _ in found for reason in reasons)
    return tuple(why), next((one for _, one in reversed(found) if one is not None), None)


def _quiet_since(shift: Shift, ledger: Ledger | None, now: datetime) -> datetime:
    """The moment since which a station must have been heard that may write."""
    deadline = ledger.deadline(now) if ledger is not None else None
    return shift.closed_at or max(now - SILENCE, deadline or now - SILENCE)


def _rival(rival: _Rival, since: datetime, attempt: str) -> _Reasons:
    """Of a station that writes beside the one that counts, until an officer settles which does."""
    if rival.conflict.settled_at is not None or rival.conflict.aside_handed_in:
        return (), None
    if rival.unsent_of(attempt):
        return (MayHold.RIVAL_UNSENT,), rival
    return ((), None) if rival.heard_since(since) else ((MayHold.RIVAL_NOT_HEARD,), rival)


def _may_have_come(shift: Shift, stood: list[_Machine], now: datetime) -> _Reasons:
    """Whether the placement's candidate, of whom nothing is known, may sit before a silent kiosk.

    Where no station stood there was nobody to be checked in.
    """
    nobody_comes = (shift.started_at or shift.starts_at) + COMES_WITHIN
    since = min(nobody_comes, now - SILENCE)
    silent = next((one for one in stood if not one.heard_since(since)), None)
    return ((MayHold.MAY_HAVE_COME,), silent) if silent is not None else ((), None)


def _why(
    shift: Shift, attempt: Attempt, holds: list[_Hold], ledger: Ledger | None, now: datetime
) -> _Reasons:
    """Why, and which station it is about: the present one, else a former one."""
    last = holds[-1] if holds else None
    if not attempt.handed_in:
        why = [MayHold.NOT_HANDED_IN]
        if last is None or not last.heard_since(_quiet_since(shift, ledger, now)):
            why.append(MayHold.NOT_HEARD)
        if last is not None and last.unsent_of(attempt.id):
            why.append(MayHold.UNSENT)
        if shift.closed_at is None or len(why) > 1:
            return tuple(why), last
        # Nobody hands in any more, and the station has said since that it holds nothing.
    return next(_former(attempt, holds), ((), None))


def _former(attempt: Attempt, holds: list[_Hold]) -> Iterator[_Reasons]:
    """The former stations that were not heard since the takeover, or speak of unsent records."""
    for hold, after in itertools.pairwise(holds):
        if hold.station.id == holds[-1].station.id:
            continue
        if not hold.heard_since(after.lease.granted_at):
            yield (MayHold.FORMER_NOT_HEARD,), hold
        elif hold.unsent_of(attempt.id):
            yield (MayHold.FORMER_UNSENT,), hold
