"""A pulse over the stream keeps a station from being shown as silent, and says nothing more."""

import asyncio
from datetime import datetime, timedelta

import pytest
from kiosk import Kiosk
from server_world import FIRST, START, World
from sqlmodel import select
from test_station_events import act, listening, run

from exam_server.body_limit import MAX_BODY
from exam_server.contract.api import PULSE, StationState
from exam_server.proctoring.service import station_view
from exam_server.proctoring.views import StationHealth, StationView
from exam_server.settings import Settings
from exam_server.stations import presence, service
from exam_server.stations.events import CHANGED, KEEP_ALIVE
from exam_server.stations.models import Station, StationStatus
from exam_server.stations.presence import Presence
from exam_server.stations.service import SILENCE


def said(world: World, kiosk: Kiosk) -> StationStatus | None:
    with world.server.reading() as session:
        return session.get(StationStatus, (world.centre_id, kiosk.station))


def shown(world: World, kiosk: Kiosk) -> StationView:
    with world.server.reading() as session:
        station = session.get_one(Station, kiosk.station)
        return station_view(station, said(world, kiosk), world.clock.now)


def seen_at(world: World, kiosk: Kiosk) -> datetime:
    status = said(world, kiosk)
    assert status is not None
    return status.seen_at


def written(world: World) -> None:
    world.app.state.presence.write()


def test_pulses_keep_a_station_alive_and_their_end_is_told_in_time(world: World) -> None:
    kiosk = world.kiosk()
    kiosk.heartbeat(state=StationState.WAITING)
    beats = int(SILENCE.total_seconds()) // 8 + 3

    async def test() -> None:
        async with listening(world, kiosk) as here:
            for _ in range(beats):
                world.clock.pass_by(seconds=8)
                await act(lambda: written(world))
                await here.send(PULSE)
                assert await here.body() == KEEP_ALIVE
                await act(lambda: written(world))
                view = await asyncio.to_thread(shown, world, kiosk)
                assert (view.health, view.state) == (StationHealth.READY, StationState.WAITING)

    run(test)
    last = seen_at(world, kiosk)
    world.clock.now = last + SILENCE + timedelta(seconds=1)
    written(world)
    assert shown(world, kiosk).health is StationHealth.SILENT


def test_nobody_is_said_to_have_been_heard_later_than_it_was(world: World) -> None:
    kiosk = world.kiosk()
    kiosk.heartbeat()
    world.clock.pass_by(seconds=10)
    written(world)
    round_began = world.clock.now
    world.app.state.presence.heard(world.centre_id, kiosk.station)
    world.clock.pass_by(seconds=30)  # the database was busy
    written(world)
    assert seen_at(world, kiosk) == round_began


def test_each_station_was_heard_when_its_own_last_pulse_came(world: World) -> None:
    """However long the database kept what came before waiting."""
    kiosk, silent = world.kiosk(), world.kiosk(seat="02")
    for one in (kiosk, silent):
        one.heartbeat()
        world.app.state.presence.heard(world.centre_id, one.station)
    world.clock.pass_by(seconds=15)
    world.app.state.presence.heard(world.centre_id, kiosk.station)
    world.clock.pass_by(seconds=3)
    written(world)
    assert seen_at(world, kiosk) == START + timedelta(seconds=15)
    assert seen_at(world, silent) == START


def test_a_heartbeat_is_not_set_back(world: World) -> None:
    kiosk = world.kiosk()
    kiosk.heartbeat()
    world.app.state.presence.heard(world.centre_id, kiosk.station)
    world.clock.pass_by(seconds=5)
    kiosk.heartbeat()
    written(world)
    assert seen_at(world, kiosk) == world.clock.now


def test_a_pulse_is_written_once_and_for_its_own_station(world: World) -> None:
    kiosk, other = world.kiosk(), world.kiosk(seat="02")
    for one in (kiosk, other):
        one.heartbeat()
    world.clock.pass_by(seconds=4)
    written(world)
    world.app.state.presence.heard(world.centre_id, kiosk.station)
    written(world)
    assert (seen_at(world, kiosk), seen_at(world, other)) == (world.clock.now, START)
    world.clock.pass_by(seconds=4)
    written(world)
    assert seen_at(world, kiosk) == START + timedelta(seconds=4)


def test_who_never_told_of_itself_is_not_made_up(world: World) -> None:
    world.app.state.presence.heard(world.centre_id, "nobody")
    written(world)
    with world.server.reading() as session:
        assert not session.exec(select(StationStatus)).all()


@pytest.mark.parametrize("distributed", [False, True])
def test_many_are_written_together(
    world: World, monkeypatch: pytest.MonkeyPatch, distributed: bool
) -> None:
    monkeypatch.setattr(presence, "MOST_NAMED", 2)
    settings = Settings(realm=world.server.settings.realm, distributed=distributed)
    server = type(world.server)(
        settings, world.server.keys, world.server.engine, lambda: world.server.trust, world.clock
    )
    kiosks = [world.kiosk(seat=f"{number:02d}") for number in range(1, 6)]
    for kiosk in kiosks:
        kiosk.heartbeat()
    world.clock.pass_by(seconds=4)
    heard = Presence(server)
    for kiosk in kiosks:
        heard.heard(world.centre_id, kiosk.station)
        heard.heard("another centre", kiosk.station)
    heard.write()
    assert {seen_at(world, kiosk) for kiosk in kiosks} == {world.clock.now}


def test_who_may_have_missed_something_is_told_to_ask(world: World) -> None:
    kiosk = world.kiosk()
    world.app.state.stations.deaf = lambda: True

    async def test() -> None:
        async with listening(world, kiosk) as here:
            await here.send(PULSE)
            assert await here.body() == CHANGED

    run(test)


def test_a_revoked_station_gives_no_pulse_any_more(world: World) -> None:
    kiosk = world.kiosk()
    kiosk.heartbeat()

    def revoke() -> None:
        with world.server.transaction() as session:
            service.revoke(
                session, kiosk.station, officer=FIRST, reason="mất máy", now=world.clock.now
            )

    async def test() -> None:
        async with listening(world, kiosk) as here:
            world.clock.pass_by(seconds=4)
            await act(lambda: written(world))
            await act(revoke)
            await here.ended()
            await here.send(PULSE)
            await asyncio.sleep(0.1)  # whoever still listened would have heard it by now
            assert here.unheard == 1

    run(test)
    world.clock.pass_by(seconds=4)
    written(world)
    assert seen_at(world, kiosk) == START


def test_a_body_without_end_ends_the_stream(world: World) -> None:
    kiosk = world.kiosk()

    async def test() -> None:
        async with listening(world, kiosk) as here:
            await here.send(bytes(MAX_BODY + 1))
            assert await here.body() == b""

    run(test)
