"""Who sits in a room and how far they are: placements, check-ins, attempts and their time, read in
a fixed number of queries."""

from collections import defaultdict
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, and_, col, select

from exam_server.attempts import arrival, time
from exam_server.attempts.evidence import kept_since
from exam_server.attempts.late_records import LATE
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    KioskRestart,
    Lease,
)
from exam_server.attempts.rivals import in_conflict
from exam_server.attempts.sections import leavings_of, plan_of
from exam_server.candidates.models import Candidate, Registration
from exam_server.checkin import conditions
from exam_server.checkin.models import CheckIn, Condition
from exam_server.contract.api import AttemptState, CheckInState, StationState
from exam_server.contract.ledger import Ledger
from exam_server.forms.models import Form, Paper
from exam_server.proctoring.views import (
    NO_STATION,
    REACH,
    RestartLine,
    Seated,
    SectionTime,
    ShiftHead,
    Sitting,
    StationView,
)
from exam_server.shifts.models import Placement


def seated_of(
    session: Session,
    head: ShiftHead,
    rooms: list[str],
    stations: dict[str, StationView],
    now: datetime,
) -> dict[str, Seated]:
    """Who is expected where, by seat; `stations` are those of the seats."""
    query = (
        sa.select(Placement, Registration, Candidate, Paper, Form, Attempt)
        .join(Registration, col(Registration.id) == Placement.registration_id)
        .join(Candidate, col(Candidate.id) == Registration.candidate_id)
        .join(Paper, col(Paper.id) == Placement.paper_id)
        .outerjoin(Form, col(Form.id) == Placement.form_id)
        .outerjoin(
            Attempt,
            and_(Attempt.centre_id == Placement.centre_id, Attempt.placement_id == Placement.id),
        )
        .where(col(Placement.centre_id) == head.centre_id, col(Placement.shift_id) == head.id)
        .where(col(Placement.room_id).in_(rooms))
    )
    rows = session.execute(query).all()
    checkins = _checkins(session, head.centre_id, [row[0].id for row in rows])
    written = [row[5] for row in rows if row[5] is not None]
    ledgers, leases = time.ledgers_of(session, written), _leases(session, written)
    restarts = _restarts(session, written)
    late, disputed = _late_records(session, written), in_conflict(session, written)
    seated = {}
    for placement, registration, candidate, paper, form, attempt in rows:
        own = checkins[placement.id]
        checkin, standing = own[-1] if own else None, conditions.standing(own)
        ledger = ledgers.get(attempt.id) if attempt else None
        station = stations.get(placement.seat_id, NO_STATION)
        held = leases.get(attempt.id) if attempt else None
        awaited = _is_awaited(attempt, held, own, station)
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
            sitting=_sitting(
                None if awaited and _waits(checkin) else attempt, ledger, checkin, station
            ),
            awaited=awaited,
            late_records=late.get(attempt.id, 0) if attempt else 0,
            conflict=attempt is not None and attempt.id in disputed,
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
            not_reached=attempt is not None and _not_reached(attempt, ledger, station, now),
            section=_section(form, paper, attempt, ledger, now),
            restarts=tuple(restarts[attempt.id]) if attempt else (),
        )
    return seated


def _section(
    form: Form | None,
    paper: Paper,
    attempt: Attempt | None,
    ledger: Ledger | None,
    now: datetime,
) -> SectionTime | None:
    if attempt is None or ledger is None or form is None or form.sections is None:
        return None
    return SectionTime.of(plan_of(form.sections, paper.minutes), ledger, leavings_of(attempt), now)


def _checkins(session: Session, centre: str, placements: list[str]) -> dict[str, list[CheckIn]]:
    query = (
        select(CheckIn)
        .where(CheckIn.centre_id == centre, col(CheckIn.placement_id).in_(placements))
        .order_by(col(CheckIn.number))
    )
    found: dict[str, list[CheckIn]] = defaultdict(list)
    for checkin in session.exec(query):
        found[checkin.placement_id].append(checkin)
    return found


def _restarts(session: Session, attempts: list[Attempt]) -> dict[str, list[RestartLine]]:
    query = (
        select(KioskRestart)
        .where(col(KioskRestart.centre_id).in_({one.centre_id for one in attempts}))
        .where(col(KioskRestart.attempt_id).in_([one.id for one in attempts]))
        .order_by(col(KioskRestart.since))
    )
    found: dict[str, list[RestartLine]] = defaultdict(list)
    for one in session.exec(query):
        away = None if one.away_seconds is None else timedelta(seconds=one.away_seconds)
        line = RestartLine(one.since, away, one.settled_at is not None)
        found[one.attempt_id].append(line)
    return found


def _not_reached(
    attempt: Attempt, ledger: Ledger | None, station: StationView, now: datetime
) -> bool:
    """Whether the last change of the time should be on the kiosk's screen by now and is not."""
    if ledger is None or attempt.state is AttemptState.SUBMITTED or ledger.moved_at is None:
        return False
    if now - max(ledger.moved_at, attempt.admitted_at) <= REACH:
        return False
    whose, position = station.shows or ("", 0)
    return whose != attempt.id or position < ledger.position


def _leases(session: Session, attempts: list[Attempt]) -> dict[str, Lease]:
    """The lease in force, by attempt."""
    query = (
        select(Lease)
        .join(
            Attempt,
            and_(
                Attempt.centre_id == Lease.centre_id,
                Attempt.id == Lease.attempt_id,
                Attempt.epoch == Lease.epoch,
            ),
        )
        .where(col(Lease.centre_id).in_({one.centre_id for one in attempts}))
        .where(col(Lease.attempt_id).in_([one.id for one in attempts]))
    )
    return {lease.attempt_id: lease for lease in session.exec(query)}


def _late_records(session: Session, attempts: list[Attempt]) -> dict[str, int]:
    """How many records came too late to be kept, by attempt."""
    query = (
        select(EvidenceRecord.attempt_id, sa.func.count())
        .where(
            col(EvidenceRecord.centre_id).in_({one.centre_id for one in attempts}),
            col(EvidenceRecord.attempt_id).in_([one.id for one in attempts]),
            col(EvidenceRecord.reason).in_(LATE),
            ~kept_since(),
        )
        .group_by(col(EvidenceRecord.attempt_id))
    )
    return dict(session.exec(query).all())


def _is_awaited(
    attempt: Attempt | None, held: Lease | None, own: list[CheckIn], station: StationView
) -> bool:
    """Whether the candidate was moved and has still to tap at the station of the new seat."""
    if attempt is None or attempt.state is AttemptState.SUBMITTED or station is NO_STATION:
        return False
    return not arrival.is_here(held, own, station.id)


def _waits(checkin: CheckIn | None) -> bool:
    return checkin is not None and checkin.state is CheckInState.REFERRED


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
