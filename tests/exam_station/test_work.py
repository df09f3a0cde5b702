"""Jobs: whatever happens in one, the screen that waits for it gets an answer."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from station_papers import placement
from station_server import ATTEMPT, StationServer

from card_reader.errors import CardReason, ReaderError
from card_reader.pcsc import CardEvent
from card_reader.transport import Transport
from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Visited
from exam_station.client import Client
from exam_station.clock import ServerClock
from exam_station.desk import Desk
from exam_station.flow import effects, events
from exam_station.flow.effects import Effect
from exam_station.flow.states import CardReading, CardTrouble, NoticeCode
from exam_station.identity import Identification
from exam_station.looking import Looking, not_compared
from exam_station.settings import Settings
from exam_station.staging import Packages
from exam_station.vault import Vault
from exam_station.work import Work

BEAT = api.Heartbeat(
    state=api.StationState.IDLE, program_version="test", reader_ready=True, camera_ready=True
)
READING = CardReading("c", b"", b"", b"portrait", "unproven")


class NoReaders:
    def watch(self, callback: Callable[[CardEvent], None]) -> Callable[[], None]:
        return lambda: None

    def connect(self, reader: str) -> Transport:
        raise ReaderError("there is none", CardReason.NO_READER)


class Bench:
    """Work, and what it posted."""

    def __init__(self, data: Path, vault: Vault) -> None:
        self._posted: list[events.Event] = []
        self._came = threading.Condition()
        self.work = Work(
            Settings(data=data, camera="/nowhere", models=data),
            vault,
            readers=NoReaders(),
            clock=ServerClock(),
            post=self._post,
            devices_changed=lambda: None,
            jitter=lambda: 0.0,
        )

    def _post(self, event: events.Event) -> None:
        with self._came:
            self._posted.append(event)
            self._came.notify_all()

    def answer(self, effect: Effect, kind: type = object) -> events.Event:
        """The first event of the kind that the effect's work posted."""
        self._posted.clear()
        self.work.do(effect)
        with self._came:
            assert self._came.wait_for(lambda: bool(self._found(kind)), timeout=8)
            return self._found(kind)[0]

    def _found(self, kind: type) -> list[events.Event]:
        return [event for event in self._posted if isinstance(event, kind)]


@pytest.fixture
def bench(server: StationServer, vault: Vault, data: Path) -> Iterator[Bench]:
    made = Bench(data, vault)
    yield made
    made.work.stop()


def unforeseen(*_: object, **__: object) -> None:
    raise KeyError("nobody foresaw this")


@pytest.mark.parametrize(
    ("owner", "name", "effect", "answer"),
    [
        (Client, "heartbeat", effects.Beat(BEAT), events.BeatFailed(ErrorCode.INTERNAL)),
        (
            Packages,
            "stage",
            effects.StagePackages((), frozenset({"k1"})),
            events.PackagesStaged(frozenset({"k1"})),
        ),
        (
            Identification,
            "read",
            effects.ReadCard(3, placement()),
            events.CardFailed(3, CardTrouble.CHIP_ANSWERED_WRONGLY),
        ),
        (
            Looking,
            "run",
            effects.StartCamera(3, b"portrait"),
            events.FaceDecided(3, not_compared("program_failed")),
        ),
        (
            Client,
            "check_in",
            effects.CheckIn(3, "p1", READING, True, None),
            events.CheckInFailed(3, ErrorCode.INTERNAL),
        ),
        (
            Client,
            "checkin",
            effects.AskCheckIn(3, "c1"),
            events.CheckInFailed(3, ErrorCode.INTERNAL),
        ),
        *(
            (Desk, name, effect(ATTEMPT), events.AttemptStopped(ATTEMPT, NoticeCode.PROGRAM_FAILED))
            for name, effect in (
                ("take_lease", effects.FetchLease),
                ("open", effects.OpenForm),
                ("last_head", effects.Submit),
            )
        ),
    ],
)
def test_what_nobody_foresaw_is_answered_too(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    effect: Effect,
    answer: events.Event,
) -> None:
    monkeypatch.setattr(owner, name, unforeseen)
    assert bench.answer(effect) == answer


def test_a_lease_that_cannot_be_had_has_an_event_of_its_own_and_waits_as_the_server_asked(
    bench: Bench, server: StationServer
) -> None:
    server.refuse["attempts/lease"] = ErrorCode.TOO_BUSY
    server.retry_after = 20.0
    leased = bench.answer(effects.FetchLease(ATTEMPT))
    assert leased == events.LeaseFailed(ATTEMPT, ErrorCode.TOO_BUSY, 20.0)
    opened = bench.answer(effects.OpenForm(ATTEMPT))
    assert opened == events.AttemptFailed(ATTEMPT, ErrorCode.TOO_BUSY, 20.0)
    server.stop()
    assert bench.answer(effects.FetchLease(ATTEMPT)) == events.LeaseFailed(ATTEMPT)


def test_a_record_that_cannot_be_made_is_not_taken_for_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> None:
        raise ValueError("not a record")

    monkeypatch.setattr(Desk, "write", wrong)
    stopped = bench.work.write(effects.WriteRecord(ATTEMPT, Visited("a")))
    assert stopped == events.AttemptStopped(ATTEMPT, NoticeCode.PROGRAM_FAILED)


def test_the_head_at_the_end_is_told_as_a_code(bench: Bench) -> None:
    bench.answer(effects.OpenForm(ATTEMPT), events.FormOpened)
    told = bench.answer(effects.FixHead(ATTEMPT), events.HeadFixed)
    assert isinstance(told, events.HeadFixed)
    assert told.attempt == ATTEMPT and len(told.head_code) >= 8


def test_a_referral_without_comparison_names_no_model(bench: Bench) -> None:
    decided = bench.answer(effects.StartCamera(4, b"portrait"))
    assert isinstance(decided, events.FaceDecided)
    record = decided.result.record
    assert (record.decision, record.fusion, record.model, record.score) == (
        "refer",
        "none",
        "",
        None,
    )
