"""A paper opened by the start code: what of the station's word counts, and what is flagged."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from kiosk import Kiosk, RefusalError
from moves import Candidate, Issue, writing
from server_world import BACH, World
from sqlmodel import Session

from exam_server.attempts.models import Attempt, LedgerEntry, LedgerKind
from exam_server.audit import AuditEntry
from exam_server.checkin.models import CheckIn, Condition
from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_server.contract.offline import start_proof
from exam_server.contract.records import Opened
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import ShiftRelease


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    return kiosk


def attempt_of(kiosk: Kiosk) -> str:
    placement = kiosk.heartbeat().placement
    assert placement is not None and placement.attempt is not None
    return placement.attempt


def secret_of(world: World, session: Session) -> bytes:
    shift = session.scalars(sa.select(Shift)).one()
    attempt = session.scalars(sa.select(Attempt)).one()
    placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
    return ShiftRelease(shift, world.server.sealing).start_secret(placement.room_id)


def told(
    world: World, kiosk: Kiosk, at: datetime, *, secret: bytes | None = None
) -> api.StartedByCode:
    attempt = attempt_of(kiosk)
    with world.server.reading() as session:
        known = secret or secret_of(world, session)
    proof = start_proof(known, attempt=attempt, station=kiosk.station, at=at)
    return api.StartedByCode(started_at=at, proof=proof)


def tell(kiosk: Kiosk, said: api.StartedByCode) -> api.LedgerView:
    answer = kiosk.call("POST", f"/attempts/{attempt_of(kiosk)}/started", said)
    return api.LedgerView.model_validate_json(answer)


def refused(code: ErrorCode, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(RefusalError) as refusal:
        call(*arguments)
    assert refusal.value.code is code


def test_before_the_servers_own_start_the_code_starts_the_attempt(
    world: World, kiosk: Kiosk
) -> None:
    at = world.clock.now
    world.clock.pass_by(minutes=30)
    assert tell(kiosk, told(world, kiosk, at)).started == at
    desk = kiosk.lease(attempt_of(kiosk))
    assert desk.send(desk.record(Opened(desk.view.code))).sequence == 1


def test_a_later_start_by_code_is_the_same_deadline_by_an_extension(
    world: World, kiosk: Kiosk
) -> None:
    world.start_shift()
    started = world.clock.now
    world.clock.pass_by(minutes=10)
    later = world.clock.now
    ledger = tell(kiosk, told(world, kiosk, later)).ledger()
    assert ledger.started == started
    assert ledger.deadline(later) == later + ledger.allowance


def test_an_earlier_start_by_code_takes_no_time_away_and_gives_none(
    world: World, kiosk: Kiosk
) -> None:
    at = world.clock.now
    world.clock.pass_by(minutes=2)
    world.start_shift()
    ledger = tell(kiosk, told(world, kiosk, at)).ledger()
    assert (ledger.started, ledger.extensions) == (world.clock.now, ())


def test_told_twice_it_counts_once(world: World, kiosk: Kiosk) -> None:
    world.start_shift()
    world.clock.pass_by(minutes=10)
    said = told(world, kiosk, world.clock.now)
    assert tell(kiosk, said) == tell(kiosk, said)
    with world.server.reading() as session:
        kinds = list(session.scalars(sa.select(LedgerEntry.kind)))
        actions = list(session.scalars(sa.select(AuditEntry.action)))
    assert kinds.count(LedgerKind.EXTEND) == 1
    assert actions.count("started_by_code") == 1


def test_who_does_not_know_the_code_starts_nothing(world: World, kiosk: Kiosk) -> None:
    said = told(world, kiosk, world.clock.now, secret=bytes(13))
    refused(ErrorCode.BAD_SIGNATURE, tell, kiosk, said)
    with world.server.reading() as session:
        assert not session.scalars(sa.select(LedgerEntry)).all()


def test_a_start_to_come_is_refused(world: World, kiosk: Kiosk) -> None:
    said = told(world, kiosk, world.clock.now + timedelta(minutes=1))
    refused(ErrorCode.BAD_REQUEST, tell, kiosk, said)


def test_a_start_far_from_the_others_is_for_the_officers(world: World, kiosk: Kiosk) -> None:
    world.start_shift()
    world.clock.pass_by(minutes=40)
    tell(kiosk, told(world, kiosk, world.clock.now))
    with world.server.reading() as session:
        condition = session.scalars(sa.select(CheckIn)).one().condition
    # By two officers already: the first condition stands until it is cleared.
    assert condition in (Condition.BY_TWO_OFFICERS, Condition.STARTED_APART)


def test_the_code_of_the_room_where_it_was_opened_holds_after_a_move(
    world: World, kiosk: Kiosk, issue: Issue
) -> None:
    """Else its records would wait on that kiosk for ever."""
    said, attempt = told(world, kiosk, world.clock.now), attempt_of(kiosk)
    kiosk.lease(attempt)
    placement = kiosk.heartbeat().placement
    assert placement is not None
    Candidate(world, issue(BACH), None, placement.id).move()
    answer = kiosk.call("POST", f"/attempts/{attempt}/started", said)
    assert api.LedgerView.model_validate_json(answer).started == said.started_at


@pytest.mark.parametrize(("minutes", "flagged"), [(10, True), (4, False)])
def test_a_code_that_was_typed_before_anybody_may_start_is_for_the_officers(
    world: World, issue: Issue, minutes: int, flagged: bool
) -> None:
    world.open_shift()
    kiosk = world.kiosk()
    kiosk.check_in(issue(BACH))
    with world.server.reading() as session:
        printed = session.scalars(sa.select(Shift.starts_at)).one()
    world.clock.now = max(world.clock.now, printed)
    tell(kiosk, told(world, kiosk, printed - timedelta(minutes=minutes)))
    with world.server.reading() as session:
        condition = session.scalars(sa.select(CheckIn)).one().condition
    assert (condition is Condition.STARTED_APART) is flagged


def test_a_later_start_of_a_paper_already_written_is_for_the_officers(
    world: World, issue: Issue
) -> None:
    """A station tells its start before any record; a later one only gains time."""
    desk = writing(world, issue).desk
    desk.send(desk.record(Opened(desk.view.code)))
    world.clock.pass_by(minutes=10)
    tell(desk.kiosk, told(world, desk.kiosk, world.clock.now))
    with world.server.reading() as session:
        condition = session.scalars(sa.select(CheckIn)).one().condition
    assert condition is Condition.STARTED_APART


def test_another_station_tells_nothing_of_this_attempt(world: World, kiosk: Kiosk) -> None:
    neighbour, attempt = world.kiosk("02"), attempt_of(kiosk)
    kiosk.lease(attempt)
    said = told(world, kiosk, world.clock.now)
    with pytest.raises(RefusalError) as refusal:
        neighbour.call("POST", f"/attempts/{attempt}/started", said)
    assert refusal.value.code in (ErrorCode.BAD_SIGNATURE, ErrorCode.NOT_FOUND)
