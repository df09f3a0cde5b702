"""Live events: committed changes reach those who watch the room, and nobody else."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError
from staff_browser import Browser
from staff_world import SettableClock, World, copy_world, end_world, make_world

from exam_server.attempts.models import Attempt
from exam_server.contract.api import StationState
from exam_server.proctoring import pages
from exam_server.proctoring.events import LiveEvents
from exam_server.shifts import service as shifts
from tests.databases import Databases, row_of


@pytest.fixture(scope="module")
def quiet(databases: Databases) -> World:
    """An exam before its beginning; made once, copied for every test."""
    return make_world(databases, SettableClock())


@pytest.fixture
def world(quiet: World, databases: Databases, clock: SettableClock) -> Iterator[World]:
    copy = copy_world(quiet, databases, clock)
    yield copy
    end_world(copy, databases)


def _told(world: World, room: str, change: Callable[[], object]) -> bool:
    """Whether a watcher of `room` hears of what `change` does in another thread."""
    hub: LiveEvents = world.app.state.live

    async def watch() -> bool:
        with hub.watch(room) as watcher:
            await asyncio.to_thread(change)
            return await watcher.wait(0.3)

    return asyncio.run(watch())


def test_a_check_in_reaches_its_room_and_no_other(world: World) -> None:
    world.beat(3, StationState.IDLE)
    proctor, server = world.officer("giamthi1"), world.server
    with server.transaction() as session:
        shifts.open_shift(session, world.shift, officer=proctor, now=server.now())
    assert _told(world, world.room, lambda: world.refer(3))
    assert not _told(world, world.second_room, lambda: world.refer(4))
    assert _told(world, world.second_room, lambda: world.admit(16))
    attempt = world.admit(5)
    with server.transaction() as session:
        shifts.start_shift(session, world.shift, officer=proctor, now=server.now())
    assert _told(world, world.room, lambda: world.write(5, attempt, answers=1, submit=False))
    assert not _told(world, world.room, lambda: world.write(5, attempt, answers=1, submit=False))
    assert _told(world, world.room, lambda: _section_left(world, attempt))
    assert _told(world, world.room, lambda: world.write(5, attempt, answers=1, submit=True))


def _section_left(world: World, attempt: str) -> None:
    with world.server.transaction() as session:
        row_of(session, Attempt, attempt).sections_left = [[0, 0, "candidate"]]


def test_a_heartbeat_is_told_when_it_says_something_new(world: World, clock: SettableClock) -> None:
    assert _told(world, world.room, lambda: world.beat(0, StationState.IDLE))
    clock.pass_by(timedelta(seconds=5))
    assert not _told(world, world.room, lambda: world.beat(0, StationState.IDLE))
    assert _told(world, world.room, lambda: world.beat(0, StationState.READING))
    assert _told(world, world.room, lambda: world.beat(0, StationState.READING, disk_low=True))
    clock.pass_by(timedelta(minutes=1))
    assert _told(world, world.room, lambda: world.beat(0, StationState.READING))


def test_a_shift_reaches_every_room(world: World) -> None:
    def opening() -> None:
        officer, server = world.officer("giamthi1"), world.server
        with server.transaction() as session:
            shifts.open_shift(session, world.shift, officer=officer, now=server.now())

    assert _told(world, world.second_room, opening)


def test_what_is_rolled_back_is_never_told(world: World) -> None:
    def failing() -> None:
        officer, server = world.officer("giamthi1"), world.server
        with pytest.raises(ZeroDivisionError), server.transaction() as session:
            shifts.open_shift(session, world.shift, officer=officer, now=server.now())
            session.flush()
            raise ZeroDivisionError

    assert not _told(world, world.room, failing)


def test_another_servers_changes_are_not_ours(
    world: World, quiet: World, databases: Databases, clock: SettableClock
) -> None:
    other = copy_world(quiet, databases, clock)
    assert not _told(world, world.room, lambda: other.beat(0, StationState.READING))
    assert _told(other, other.room, lambda: other.beat(1, StationState.READING))
    other.app.state.stop_announcing()


def test_a_watcher_that_leaves_is_forgotten(world: World) -> None:
    hub: LiveEvents = world.app.state.live

    async def come_and_go() -> None:
        with hub.watch(world.room):
            assert hub.watching(world.room) == 1

    asyncio.run(come_and_go())
    assert hub.watching(world.room) == 0
    hub.publish(world.room)


def test_a_stream_ends_with_its_session(
    world: World, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(pages, "GATHER_SECONDS", 0.0)
    browser = Browser(world)
    browser.sign_in("giamthi1")
    path = f"/rooms/{world.shift}/{world.room}/events"
    ended = []

    def advance() -> bool:
        ended.append(1)
        if len(ended) == 3:
            clock.pass_by(timedelta(hours=13))
        return pages_still_welcome(*arguments)

    pages_still_welcome, arguments = pages._still_welcome, []

    def welcome(visit: object) -> bool:
        arguments[:] = [visit]
        return advance()

    monkeypatch.setattr(pages, "_still_welcome", welcome)
    text = browser.get(path).text
    assert text.startswith("event: here\n")
    assert text.endswith("event: ended\ndata: -\n\n")
    assert browser.get("/rooms/x/y/events").headers["location"].startswith("/login")


def test_a_stream_whose_database_is_away_ends_and_its_page_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(world)
    browser.sign_in("giamthi1")

    def away(_visit: object) -> bool:
        raise OperationalError("who is this", None, ConnectionError("gone"))

    monkeypatch.setattr(pages, "_still_welcome", away)
    answer = browser.get(f"/rooms/{world.shift}/{world.room}/events")
    assert answer.text == "event: here\ndata: -\n\n"  # not "ended": the page is not loaded anew


def test_a_stopping_server_ends_its_streams(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(world)
    browser.sign_in("giamthi1")
    world.app.state.live.close()
    monkeypatch.setattr(pages, "BEAT_SECONDS", 3600.0)  # nor waits where one begins behind its end
    answer = browser.get(f"/rooms/{world.shift}/{world.room}/events")
    assert answer.text == "event: here\ndata: -\n\n"
    assert answer.headers["content-type"].startswith("text/event-stream")
