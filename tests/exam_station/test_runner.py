"""The runner: a change that is not on disk is never shown."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from pytestqt.qtbot import QtBot
from station_papers import placement
from station_server import ATTEMPT, StationServer

from card_reader.errors import CardReason, ReaderError
from card_reader.pcsc import CardEvent, CardEventKind
from card_reader.transport import Transport
from exam_server.contract import api
from exam_station import devices
from exam_station.flow import events
from exam_station.flow.codes import NoticeCode, Problem
from exam_station.flow.screens import Notice, OutOfOrder, Writing
from exam_station.flow.states import Devices, State
from exam_station.readers import ReaderWatch
from exam_station.runner import Runner
from exam_station.settings import Settings
from exam_station.vault import Vault
from question_bank.response import ChoiceResponse

pytestmark = pytest.mark.slow


class NoReaders:
    def watch(self, callback: Callable[[CardEvent], None]) -> Callable[[], None]:
        callback(CardEvent(CardEventKind.SERVICE_LOST))
        return lambda: None

    def connect(self, reader: str) -> Transport:
        raise ReaderError("there is none", CardReason.NO_READER)


@pytest.fixture
def runner(qtbot: QtBot, vault: Vault, data: Path):
    settings = Settings(data=data, camera="/nowhere", models=data)
    made = Runner(settings, vault, readers=NoReaders(), version="test")
    made.shown: list[State] = []
    made.state_changed.connect(made.shown.append)
    yield made
    made.stop()


def test_a_kiosk_without_devices_names_them_all(qtbot: QtBot, runner: Runner) -> None:
    runner.start()
    qtbot.waitUntil(lambda: isinstance(runner.state.screen, OutOfOrder), timeout=30_000)
    assert set(runner.state.screen.problems) >= {
        Problem.NO_CARD_SERVICE,
        Problem.NO_CAMERA,
        Problem.NO_FACE_MODEL,
    }


def test_what_could_not_be_written_is_not_shown_and_comes_back_from_the_journal(
    qtbot: QtBot, runner: Runner, server: StationServer
) -> None:
    server.placement = placement(
        checkin="c1", attempt=ATTEMPT, attempt_state=api.AttemptState.WRITING
    )
    runner.start()
    qtbot.waitUntil(lambda: isinstance(runner.state.screen, Writing), timeout=30_000)
    runner.accept(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert runner.state.screen.sitting.counts.answered == 1
    # The disk goes: the journal's file is closed under the desk.
    runner._work._desk._open.journal.close()
    shown = len(runner.shown)
    runner.accept(events.UserAnswered("a", ChoiceResponse(("o2",))))
    assert isinstance(runner.state.screen, Notice)
    assert runner.state.screen.code is NoticeCode.DISK_FAILED
    chosen = [
        state.screen.sitting.response("a")
        for state in runner.shown[shown:]
        if isinstance(state.screen, Writing)
    ]
    assert ChoiceResponse(("o2",)) not in chosen


def test_a_look_at_the_devices_that_fails_is_followed_by_the_next(
    qtbot: QtBot, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, failures = devices.look, []

    def look(*arguments: object) -> Devices:
        if not failures:
            failures.append(1)
            raise KeyError("nobody foresaw this")
        return sound(*arguments)

    monkeypatch.setattr(devices, "look", look)
    monkeypatch.setattr("exam_station.runner.DEVICES_SECONDS", 0.1)
    runner.start()
    qtbot.waitUntil(lambda: runner.state.devices is not None, timeout=30_000)
    assert failures


def test_the_watch_knows_readers_by_a_part_of_their_name() -> None:
    posted: list[events.Event] = []
    changes: list[int] = []
    watch = ReaderWatch("PCD 01", posted.append, lambda: changes.append(1))
    assert watch.problems == (Problem.NO_READER,)
    watch.on_event(CardEvent(CardEventKind.READER_ADDED, "Virtual PCD 00"))
    watch.on_event(CardEvent(CardEventKind.INSERTED, "Virtual PCD 00", b"atr"))
    assert (watch.problems, watch.occupied, posted) == ((Problem.NO_READER,), None, [])
    watch.on_event(CardEvent(CardEventKind.READER_ADDED, "Virtual PCD 01"))
    watch.on_event(CardEvent(CardEventKind.INSERTED, "Virtual PCD 01", b"atr"))
    assert (watch.problems, watch.occupied) == ((), "Virtual PCD 01")
    watch.on_event(CardEvent(CardEventKind.REMOVED, "Virtual PCD 01"))
    assert posted == [events.CardInserted(), events.CardRemoved()]
    watch.on_event(CardEvent(CardEventKind.SERVICE_LOST))
    assert watch.problems == (Problem.NO_CARD_SERVICE,)
    watch.on_event(CardEvent(CardEventKind.SERVICE_FOUND))
    watch.on_event(CardEvent(CardEventKind.READER_REMOVED, "Virtual PCD 01"))
    assert (watch.problems, len(changes)) == ((Problem.NO_READER,), 4)
