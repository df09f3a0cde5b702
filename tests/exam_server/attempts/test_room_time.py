"""The time of a whole room: one act for everybody, also for who comes later; and what was seen."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from kiosk import Kiosk
from server_world import FIRST, OFFICE, World

from exam_server.attempts import room_time, service, time
from exam_server.attempts.models import Attempt
from exam_server.attempts.room_time import Whom
from exam_server.audit import AuditEntry
from exam_server.contract.api import LedgerSeen, StationState
from exam_server.contract.ledger import Ledger
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring import service as rooms
from exam_server.proctoring.views import Seated
from exam_server.shifts.models import Placement
from tests.databases import row_of

MINUTE = timedelta(minutes=1)


def placed(kiosk: Kiosk) -> str:
    placement = kiosk.heartbeat().placement
    assert placement is not None
    return placement.id


def ledger(world: World, kiosk: Kiosk) -> Ledger:
    with world.server.reading() as session:
        attempt = service.attempt_of(session, world.centre_id, placed(kiosk))
        assert attempt is not None
        return time.ledger_of(session, attempt)


def room_of(world: World, kiosk: Kiosk) -> Whom:
    with world.server.reading() as session:
        return Whom(world.shift_id, row_of(session, Placement, placed(kiosk)).room_id)


def act(world: World, name: str, whom: Whom, **fields: object) -> int:
    with world.server.transaction() as session:
        fields = {"officer": FIRST, "reason": "báo cháy", "now": world.clock.now, **fields}
        return getattr(room_time, name)(session, whom, **fields)


def alone(world: World, name: str, kiosk: Kiosk) -> None:
    with world.server.transaction() as session:
        attempt = service.attempt_of(session, world.centre_id, placed(kiosk))
        fields = {"officer": FIRST, "reason": "ốm", "now": world.clock.now}
        getattr(service, name)(session, attempt.id, **fields)


@pytest.fixture
def writing(world: World) -> list[Kiosk]:
    """Two candidates at work in one room."""
    world.open_shift()
    kiosks = [world.kiosk("01"), world.kiosk("02")]
    for kiosk in kiosks:
        world.admit_by_hand(kiosk)
    world.start_shift()
    for kiosk in kiosks:
        attempt = kiosk.heartbeat().placement.attempt
        kiosk.lease(attempt)
        kiosk.open_form(attempt)
    return kiosks


def test_one_act_stops_everybodys_time_and_one_lets_it_run(
    world: World, writing: list[Kiosk]
) -> None:
    room = room_of(world, writing[0])
    world.clock.pass_by(minutes=10)
    assert act(world, "pause", room) == 2
    assert all(ledger(world, kiosk).paused for kiosk in writing)
    world.clock.pass_by(minutes=7)
    assert act(world, "resume", room) == 2
    for kiosk in writing:
        assert ledger(world, kiosk).remaining(world.clock.now) == 80 * MINUTE
    assert act(world, "extend", room, by=5 * MINUTE) == 2
    assert ledger(world, writing[1]).remaining(world.clock.now) == 85 * MINUTE
    with world.server.reading() as session:
        told = session.execute(sa.select(AuditEntry.action, AuditEntry.subject)).all()
    assert told.count(("time_paused", room.subject)) == 1
    assert sum(1 for action, _ in told if action == "time_paused") == 3


def test_who_was_paused_alone_stays_paused_when_the_room_goes_on(
    world: World, writing: list[Kiosk]
) -> None:
    room = room_of(world, writing[0])
    alone(world, "pause", writing[0])
    world.clock.pass_by(minutes=1)
    assert act(world, "pause", room) == 1
    world.clock.pass_by(minutes=1)
    assert act(world, "resume", room) == 1
    assert ledger(world, writing[0]).paused and not ledger(world, writing[1]).paused
    with pytest.raises(NotPossibleError) as objected:
        act(world, "resume", room)
    assert objected.value.objection is Objection.NOTHING_TO_DO


def test_who_comes_late_has_the_time_that_the_room_has(world: World, writing: list[Kiosk]) -> None:
    room = room_of(world, writing[0])
    world.clock.pass_by(minutes=2)
    act(world, "pause", room)
    world.clock.pass_by(minutes=3)
    during = world.kiosk("03")
    world.admit_by_hand(during)
    assert ledger(world, during).paused
    act(world, "resume", Whom(room.shift))
    act(world, "extend", Whom(room.shift), by=5 * MINUTE, officer=OFFICE)
    world.clock.pass_by(minutes=2)
    afterwards = world.kiosk("04")
    world.admit_by_hand(afterwards)
    ledgers = [ledger(world, one) for one in (*writing, during, afterwards)]
    # What remains beyond each one's own time is the same for all.
    assert len({one.deadline(world.clock.now) - one.allowance for one in ledgers}) == 1


def test_the_late_limit_is_the_rule_also_with_a_paused_room(
    world: World, writing: list[Kiosk]
) -> None:
    act(world, "pause", room_of(world, writing[0]))
    world.clock.pass_by(minutes=15)
    world.admit_by_hand(world.kiosk("03"))
    world.clock.pass_by(seconds=1)
    with pytest.raises(NotPossibleError) as objected:
        world.admit_by_hand(world.kiosk("04"))
    assert objected.value.objection is Objection.TOO_LATE


def test_only_a_started_shift_has_a_time_to_change_and_every_act_a_reason(world: World) -> None:
    world.open_shift()
    for fields, objection in (
        ({}, Objection.WRONG_STATE),
        ({"reason": " "}, Objection.REASON_MISSING),
    ):
        with pytest.raises(NotPossibleError) as objected:
            act(world, "pause", Whom(world.shift_id), **fields)
        assert objected.value.objection is objection
    with pytest.raises(NotPossibleError) as objected:
        act(world, "extend", Whom(world.shift_id), by=timedelta(hours=6))
    assert objected.value.objection is Objection.BAD_VALUE


# --- a candidate's own extra time ---------------------------------------------------------------


def extra_time(world: World, kiosk: Kiosk, percent: int) -> None:
    with world.server.transaction() as session:
        service.set_extra_time(
            session,
            placed(kiosk),
            percent=percent,
            officer=OFFICE,
            reason="khuyết tật vận động",
            now=world.clock.now,
        )


def test_extra_time_may_be_set_until_the_start_also_for_who_is_in_the_room_already(
    world: World,
) -> None:
    world.open_shift()
    before, after = world.kiosk("01"), world.kiosk("02")
    extra_time(world, before, 20)
    world.admit_by_hand(before)
    world.admit_by_hand(after)
    extra_time(world, after, 50)
    assert after.heartbeat().placement.minutes == 135
    world.start_shift()
    assert ledger(world, before).remaining(world.clock.now) == 108 * MINUTE
    assert ledger(world, after).remaining(world.clock.now) == 135 * MINUTE
    with pytest.raises(NotPossibleError) as objected:
        extra_time(world, before, 30)
    assert objected.value.objection is Objection.WRONG_STATE
    for wrong in (-1, 101):
        with pytest.raises(NotPossibleError):
            extra_time(world, before, wrong)


# --- what has reached the kiosk -----------------------------------------------------------------


def only_seated(world: World) -> Seated:
    """Who is admitted; asked without a heartbeat of the kiosk."""
    with world.server.reading() as session:
        placement = session.scalars(sa.select(Attempt.placement_id)).one()
        _, seat = rooms.seat_of(session, placement, world.clock.now)
    assert seat.seated is not None
    return seat.seated


def test_a_change_that_a_kiosk_does_not_show_is_flagged_after_two_seconds_until_it_does(
    world: World,
) -> None:
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    attempt = kiosk.heartbeat().placement.attempt
    world.start_shift()
    assert not only_seated(world).not_reached
    world.clock.pass_by(seconds=2.1)
    assert only_seated(world).not_reached  # the start itself

    def shows(position: int) -> None:
        kiosk.heartbeat(
            state=StationState.WRITING,
            ledger_seen=LedgerSeen(attempt=attempt, position=position),
        )

    shows(1)
    assert not only_seated(world).not_reached
    alone(world, "pause", kiosk)
    shows(1)
    assert not only_seated(world).not_reached
    world.clock.pass_by(seconds=2.1)
    assert only_seated(world).not_reached
    shows(2)
    assert not only_seated(world).not_reached
    kiosk.heartbeat(
        state=StationState.WRITING, ledger_seen=LedgerSeen(attempt="0" * 32, position=9)
    )
    assert only_seated(world).not_reached  # somebody else's ledger
