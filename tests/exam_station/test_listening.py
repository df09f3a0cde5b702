"""Real kiosks at a real server process over TLS: started, changed and revoked over the stream."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from exam_server.contract import api
from exam_station import event_stream
from exam_station.client import ServerUnreachableError
from exam_station.enrolment import enrol
from exam_station.flow import beating
from exam_station.flow.screens import Waiting, Welcome, Writing
from exam_station.kit import KIT
from exam_station.robot.kiosk import CardSlot, RobotKiosk
from exam_station.robot.person import Manner, Person
from exam_station.robot.plan import Part, load_plan
from exam_station.robot.tally import Tally
from exam_station.settings import Settings
from rig.server import Server

pytestmark = pytest.mark.slow

SECRET = b"the unlock secret of a test machine"
IDLE = Manner(think=3600.0, changes=1)


def until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@dataclass
class Room:
    """A server, a shift with two candidates who are admitted, and where their kiosks keep data."""

    server: Server
    folder: Path
    parts: tuple[Part, ...]
    shift: tuple[str, ...]
    kiosks: list[RobotKiosk]
    pool: ThreadPoolExecutor
    ended: threading.Event

    def seat(self, number: int) -> RobotKiosk:
        """A kiosk that is switched on, with somebody before it who does nothing."""
        data = self.folder / f"station-{number}"
        part = self.parts[number]
        vault = enrol(part.token, name=part.seat, data=data, secret=SECRET, version="test")
        person = Person(IDLE, str(number))
        slot = CardSlot(None)
        settings, tally = Settings(data=data), Tally(time.monotonic)
        kiosk = RobotKiosk(settings, vault, person, slot=slot, tally=tally, pool=self.pool)
        self.kiosks.append(kiosk)
        kiosk.start()
        threading.Thread(target=self._tick, args=(kiosk,), daemon=True).start()
        return kiosk

    def _tick(self, kiosk: RobotKiosk) -> None:
        while not self.ended.is_set():
            self.ended.wait(min(kiosk.tick(), 0.1))

    def start(self) -> None:
        """The start signal, from another process than the one that serves."""
        self.server.call("shift", "start", str(self.server.folder), *self.shift)

    def stop(self) -> None:
        self.ended.set()
        for kiosk in self.kiosks:
            kiosk.stop()
        self.pool.shutdown(wait=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("listening") / "server")
    made.make()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def room(server: Server, tmp_path: Path) -> Iterator[Room]:
    """A rehearsal of its own for each test."""
    plan = tmp_path / "plan.json"
    server.call(
        *("rehearsal", str(server.folder), "--candidates", "2", "--admit"),
        *("--url", server.url, "--out", str(plan)),
    )
    said = json.loads(plan.read_text("utf-8"))
    made = Room(
        server,
        tmp_path,
        load_plan(plan, first=0, count=2).parts,
        ("--shift", said["shift"], "--exam", said["exam"]),
        [],
        ThreadPoolExecutor(max_workers=8),
        threading.Event(),
    )
    yield made
    made.stop()


def ready(kiosk: RobotKiosk) -> bool:
    """Waits for the start with all that it takes, and listens."""
    state = kiosk.state
    waits = isinstance(state.screen, Waiting) and state.screen.leased
    return (
        waits and state.listening and state.kit is not None and state.kit.packages <= state.staged
    )


def stream_alone(kiosk: RobotKiosk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No heartbeat comes through any more, and nobody is to ask for a start secret: a heartbeat
    that overtakes the signal would tell of the start, too."""
    asked: list[str] = []

    def lost(_heartbeat: object) -> None:
        raise ServerUnreachableError("no heartbeat in this test")

    monkeypatch.setattr(kiosk._work._client, "heartbeat", lost)
    monkeypatch.setattr(kiosk._work._client, "open", asked.append)
    return asked


def test_the_signal_opens_every_form_by_the_kit_without_asking(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosks = [room.seat(0), room.seat(1)]
    for kiosk in kiosks:
        until(lambda kiosk=kiosk: ready(kiosk))
    asked = [stream_alone(kiosk, monkeypatch) for kiosk in kiosks]
    room.start()
    for kiosk in kiosks:
        until(lambda kiosk=kiosk: isinstance(kiosk.state.screen, Writing))
    assert asked == [[], []]
    until(lambda: all(kiosk.state.status.unsent == 0 for kiosk in kiosks))


def test_who_is_switched_on_after_the_start_asks_the_server(room: Room) -> None:
    kiosk = room.seat(0)
    until(lambda: ready(kiosk))
    room.start()
    until(lambda: isinstance(kiosk.state.screen, Writing))
    late = room.seat(1)
    until(lambda: isinstance(late.state.screen, Writing))


def test_who_missed_the_staging_opens_all_the_same(room: Room) -> None:
    kiosk = room.seat(0)
    until(lambda: ready(kiosk))
    data = room.folder / "station-0"
    (data / KIT).unlink()
    for package in (data / "packages").iterdir():
        package.unlink()
    kiosk._work._kits._kit = None
    room.start()
    until(lambda: isinstance(kiosk.state.screen, Writing))
    assert (data / KIT).exists()


def test_a_revoked_station_hears_nothing_more(room: Room) -> None:
    kiosk, other = room.seat(0), room.seat(1)
    until(lambda: ready(kiosk) and ready(other))
    station = kiosk._work._client._station
    room.server.call(
        *("station", "revoke", str(room.server.folder), "--station", station),
        *("--reason", "stolen"),
    )
    until(lambda: not kiosk.state.listening)
    room.start()
    until(lambda: isinstance(other.state.screen, Writing))
    assert not isinstance(kiosk.state.screen, Writing | Welcome)
    assert kiosk._work._kits.start(other.state.started or "") is None


def seen_at(room: Room, kiosk: RobotKiosk) -> str:
    """When the server last heard of the kiosk, as the office is told."""
    told = room.server.call("station", "list", str(room.server.folder))
    [seen] = [
        one["seen_at"] for one in told["stations"] if one["id"] == kiosk._work._client._station
    ]
    return seen


def count_heartbeats(kiosk: RobotKiosk, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    sent: list[object] = []
    whole = kiosk._work._client.heartbeat

    def counted(heartbeat: api.Heartbeat) -> api.SeatView:
        sent.append(heartbeat)
        return whole(heartbeat)

    monkeypatch.setattr(kiosk._work._client, "heartbeat", counted)
    return sent


def test_pulses_alone_keep_a_kiosk_from_being_silent(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beating, "LISTENING", 0.2)
    kiosk = room.seat(0)
    until(lambda: ready(kiosk))
    until(lambda: not beating._has_to_ask(kiosk.state))
    sent = count_heartbeats(kiosk, monkeypatch)

    def seen_by_pulses_alone() -> bool:
        """A heartbeat with news, a package that has just come, may fall between: then once more."""
        sent.clear()
        moments = {seen_at(room, kiosk)}
        until(lambda: len(moments | {seen_at(room, kiosk)}) > 1)
        return not sent

    until(seen_by_pulses_alone)
    assert kiosk.state.listening


def test_a_server_that_answers_no_pulse_is_given_up_and_heard_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beating, "LISTENING", 0.2)
    monkeypatch.setattr(event_stream, "ECHO_SECONDS", 0.5)
    kiosk = room.seat(0)
    until(lambda: ready(kiosk))
    until(lambda: not beating._has_to_ask(kiosk.state))
    sent = count_heartbeats(kiosk, monkeypatch)
    os.kill(room.server.process.pid, signal.SIGSTOP)
    try:
        until(lambda: not kiosk.state.listening)
    finally:
        os.kill(room.server.process.pid, signal.SIGCONT)
    until(lambda: kiosk.state.listening)
    assert sent  # what pulses cannot tell any more is told again
