"""A kiosk that began again in the middle of a paper: told once, shown until somebody decides."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from kiosk import Kiosk
from server_world import FIRST, World

from exam_server.attempts import restarts, service
from exam_server.attempts.models import Attempt, KioskRestart
from exam_server.audit import AuditEntry
from exam_server.contract.api import LedgerSeen, RestartView, StationState
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring import service as rooms
from exam_server.proctoring.views import SeatView, Trouble
from tests.databases import row_of


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    world.start_shift()
    attempt = kiosk.heartbeat().placement.attempt
    kiosk.lease(attempt)
    kiosk.open_form(attempt)
    world.clock.pass_by(minutes=10)
    return kiosk


def attempt_of(world: World) -> Attempt:
    with world.server.reading() as session:
        return session.scalars(sa.select(Attempt)).one()


def tell(world: World, kiosk: Kiosk, away: float | None, **changes: object) -> None:
    attempt = attempt_of(world).id
    fields = {
        "attempt": attempt,
        "since": world.clock.now - timedelta(minutes=5),
        "estimated": away is None,
        "away": None if away is None else timedelta(seconds=away),
        **changes,
    }
    kiosk.heartbeat(
        state=StationState.WRITING,
        ledger_seen=LedgerSeen(attempt=attempt, position=9),
        restart=RestartView(**fields),
    )


def seat(world: World) -> SeatView:
    with world.server.reading() as session:
        return rooms.seat_of(session, attempt_of(world).placement_id, world.clock.now)[1]


def entries(world: World, action: str) -> int:
    with world.server.reading() as session:
        query = sa.select(sa.func.count()).where(AuditEntry.action == action)
        return session.scalar(query) or 0


def test_a_restart_is_kept_once_however_often_it_is_told(world: World, kiosk: Kiosk) -> None:
    for _ in range(3):
        tell(world, kiosk, 252)
    (line,) = seat(world).seated.restarts
    assert (line.seconds, line.settled) == (252, False)
    assert seat(world).trouble is Trouble.RESTARTED
    assert entries(world, "kiosk_restarted") == 1


def test_how_long_the_machine_was_off_is_added_when_it_knows(world: World, kiosk: Kiosk) -> None:
    since = world.clock.now - timedelta(minutes=7)
    tell(world, kiosk, None, since=since)
    assert seat(world).seated.restarts[0].away is None
    tell(world, kiosk, 180, since=since, estimated=True)
    tell(world, kiosk, 9, since=since, estimated=True)
    assert [line.seconds for line in seat(world).seated.restarts] == [180]


def test_more_time_settles_it(world: World, kiosk: Kiosk) -> None:
    tell(world, kiosk, 252)
    with world.server.transaction() as session:
        by = timedelta(minutes=5)
        fields = {"officer": FIRST, "by": by, "reason": "máy tắt", "now": world.clock.now}
        service.extend(session, attempt_of(world).id, **fields)
    assert seat(world).trouble is None and seat(world).seated.restarts[0].settled


def test_no_time_needs_a_reason_and_is_said_once(world: World, kiosk: Kiosk) -> None:
    tell(world, kiosk, 3)

    def refuse(reason: str) -> None:
        with world.server.transaction() as session:
            attempt = row_of(session, Attempt, attempt_of(world).id)
            fields = {"officer": FIRST, "reason": reason, "now": world.clock.now}
            restarts.give_nothing(session, attempt, **fields)

    for reason, objection in ((" ", Objection.REASON_MISSING), ("3 giây", None)):
        if objection is None:
            refuse(reason)
            continue
        with pytest.raises(NotPossibleError) as objected:
            refuse(reason)
        assert objected.value.objection is objection
    assert seat(world).trouble is None
    with pytest.raises(NotPossibleError) as objected:
        refuse("lần nữa")
    assert objected.value.objection is Objection.NOTHING_TO_DO
    assert entries(world, "restart_not_refunded") == 1


def test_a_station_tells_of_its_own_attempts_only(world: World, kiosk: Kiosk) -> None:
    stranger = world.kiosk("02")
    tell(world, stranger, 60)
    tell(world, kiosk, 60, attempt="0" * 32)
    with world.server.reading() as session:
        assert session.scalars(sa.select(KioskRestart)).all() == []
