"""A room without network from the first tap on: closing, publishing, and what it tells later."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from moves import Issue
from server_world import BACH, OFFICE, World
from test_offline import Apart

from exam_server.attempts.keys import attempt_id_of
from exam_server.attempts.late_records import late_answers
from exam_server.attempts.outstanding import MayHold, Outstanding, outstanding
from exam_server.audit import AuditEntry
from exam_server.contract import api
from exam_server.contract.records import Opened, Submitted
from exam_server.errors import NotPossibleError, Objection
from exam_server.grading.service import grade_shift
from exam_server.results import publication
from exam_server.results.models import PaperResult, Publication
from exam_server.shifts.models import Shift
from exam_server.stations import service as stations

pytestmark = pytest.mark.slow


@pytest.fixture
def apart(world: World) -> Apart:
    """The station of seat 01 was heard before the start, and never since."""
    world.open_shift()
    kiosk = world.kiosk()
    placement = kiosk.heartbeat().placement
    assert placement is not None
    return Apart(world, kiosk, placement)


def lacking(world: World) -> list[Outstanding]:
    with world.server.reading() as session:
        return outstanding(session, session.scalars(sa.select(Shift)).one(), world.clock.now)


def objected(objection: Objection, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(NotPossibleError) as caught:
        call(*arguments)
    assert caught.value.objection is objection


def grade(world: World) -> None:
    with world.server.transaction() as session:
        grade_shift(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys,
            grace=world.server.settings.grace, now=world.clock.now,
        )  # fmt: skip


def publish(world: World, reason: str = "") -> None:
    with world.server.transaction() as session:
        publication.publish(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys,
            now=world.clock.now, reason=reason,
        )  # fmt: skip


def marks(world: World) -> dict[str, PaperResult]:
    with world.server.reading() as session:
        return {one.attempt_id: one for one in session.scalars(sa.select(PaperResult))}


def logged(world: World, action: str) -> list[dict[str, object]]:
    with world.server.reading() as session:
        found = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == action)).all()
    return [json.loads(one.details) for one in found]


def published_without(apart: Apart) -> str:
    """The shift is closed, graded and published; the attempt of seat 02, where the network was."""
    world, other = apart.world, apart.world.kiosk("02")
    world.admit_by_hand(other)
    world.start_shift()
    attempt = other.heartbeat().placement.attempt
    desk = other.lease(attempt)
    desk.send(desk.record(Opened(desk.view.code)), desk.record(Submitted("candidate")))
    desk.submit()
    world.clock.pass_by(hours=3)
    other.heartbeat()
    world.close_shift("mất mạng cả phòng")
    grade(world)
    publish(world, "mất mạng cả phòng")
    return attempt


def told_later(apart: Apart, issue: Issue) -> str:
    """The room has its network again, and its station tells and hands in everything."""
    told = apart.told(issue(BACH), at=apart.world.clock.now - timedelta(hours=3))
    view = apart.tell(told)
    assert view.attempt is not None
    desk = apart.desk(view.attempt)
    desk.send(desk.record(Opened("0101")), desk.record(Submitted("candidate")))
    desk.submit()
    return view.attempt


def test_a_shift_is_not_closed_over_a_room_that_was_never_heard_without_a_reason(
    apart: Apart,
) -> None:
    world, heard = apart.world, apart.world.clock.now
    world.start_shift()
    world.clock.pass_by(hours=3)
    (one,) = lacking(world)
    assert one.why == (MayHold.MAY_HAVE_COME,) and one.heard_at == heard
    assert (one.room, one.seat, one.candidate) == ("P.101", "01", "Nguyễn Hoàng Bách")
    assert one.attempt == attempt_id_of(apart.placement.id)
    objected(Objection.MAY_LACK_ANSWERS, world.close_shift, " ")
    world.close_shift("mất mạng cả phòng")
    (details,) = logged(world, "shift_closed")
    assert details["lacking"] == {one.attempt: ["may_have_come"]}


def test_a_station_that_was_there_until_nobody_could_come_any_more_holds_nothing(
    apart: Apart,
) -> None:
    world = apart.world
    world.start_shift()
    world.clock.pass_by(minutes=1)
    apart.kiosk.heartbeat()
    world.clock.pass_by(hours=3)
    assert [one.why for one in lacking(world)] == [(MayHold.MAY_HAVE_COME,)]  # one came late
    apart.kiosk.heartbeat()
    assert lacking(world) == []
    world.close_shift("")
    world.clock.pass_by(days=1)
    assert lacking(world) == []


def test_who_stood_at_the_seat_when_the_shift_began_may_hold_what_the_new_machine_does_not(
    apart: Apart,
) -> None:
    world = apart.world
    world.start_shift()
    world.clock.pass_by(hours=3)
    new = world.kiosk("02")
    with world.server.transaction() as session:
        seat = stations.seat_of(session, session.get(stations.Station, apart.kiosk.station)).id
        stations.assign(session, new.station, seat_id=seat, officer=OFFICE, now=world.clock.now)
    new.heartbeat()
    (one,) = (one for one in lacking(world) if one.seat == "01")
    assert one.why == (MayHold.MAY_HAVE_COME,) and one.station == "máy 1"


def test_results_are_not_published_over_it_without_a_reason(apart: Apart) -> None:
    world = apart.world
    world.start_shift()
    world.clock.pass_by(hours=3)
    world.close_shift("mất mạng cả phòng")
    grade(world)
    objected(Objection.MAY_LACK_ANSWERS, publish, world)
    publish(world, "đã lập biên bản")
    (details,) = logged(world, "results_published")
    missing = attempt_id_of(apart.placement.id)
    assert details == {"reason": "đã lập biên bản", "lacking": {missing: ["may_have_come"]}}


def test_what_is_told_after_the_publication_is_graded_and_published_as_a_supplement(
    apart: Apart, issue: Issue
) -> None:
    world = apart.world
    known = published_without(apart)
    before = marks(world)[known]
    objected(Objection.PUBLISHED, grade, world)
    objected(Objection.PUBLISHED, publish, world, "lần nữa")
    world.clock.pass_by(hours=1)
    late = told_later(apart, issue)
    objected(Objection.WRONG_STATE, publish, world, "kết quả bổ sung")  # not graded yet
    grade(world)
    objected(Objection.REASON_MISSING, publish, world, " ")
    publish(world, "kết quả bổ sung, biên bản số 7")
    after = marks(world)
    assert after[known].model_dump() == before.model_dump()  # untouched
    assert before.published_at is not None and after[late].published_at == world.clock.now
    assert logged(world, "results_supplemented") == [
        {"reason": "kết quả bổ sung, biên bản số 7", "attempts": [late]}
    ]
    with world.server.reading() as session:
        first = session.scalars(sa.select(Publication)).one()
    assert first.published_at == before.published_at
    objected(Objection.PUBLISHED, grade, world)


def test_a_supplement_names_what_may_be_out_of_its_own_attempts(apart: Apart, issue: Issue) -> None:
    world = apart.world
    published_without(apart)
    world.clock.pass_by(hours=1)
    view = apart.tell(apart.told(issue(BACH), at=world.clock.now - timedelta(hours=3)))
    assert view.attempt is not None
    desk = apart.desk(view.attempt)
    desk.send(desk.record(Opened("0101")))
    seen = api.LedgerSeen(attempt=view.attempt, position=1)
    apart.kiosk.heartbeat(unsent_records=7, ledger_seen=seen)
    grade(world)
    objected(Objection.REASON_MISSING, publish, world, " ")
    publish(world, "biên bản số 7")
    assert logged(world, "results_supplemented") == [
        {
            "reason": "biên bản số 7",
            "attempts": [view.attempt],
            "lacking": {view.attempt: ["not_handed_in", "unsent"]},
        }
    ]


def test_until_the_supplement_marks_may_be_made_anew_and_never_those_published(
    apart: Apart, issue: Issue
) -> None:
    world = apart.world
    known = published_without(apart)
    world.clock.pass_by(hours=1)
    late = told_later(apart, issue)
    grade(world)
    withdraw = publication.withdraw_marks
    with world.server.transaction() as session:
        attempts = {one.id: one for one in session.scalars(sa.select(publication.Attempt))}
        withdraw(session, attempts[late], officer=OFFICE, now=world.clock.now)
        with pytest.raises(NotPossibleError) as caught:
            withdraw(session, attempts[known], officer=OFFICE, now=world.clock.now)
    assert caught.value.objection is Objection.PUBLISHED
    assert set(marks(world)) == {known}
    grade(world)
    assert set(marks(world)) == {known, late}
    with world.server.reading() as session:
        attempt = session.scalars(
            sa.select(publication.Attempt).where(publication.Attempt.id == late)
        ).one()
        keys, now = world.server.keys, world.clock.now
        assert late_answers(session, attempt, keys=keys, now=now) == []
