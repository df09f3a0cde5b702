"""Jobs: whatever happens in one, the screen that waits for it gets an answer."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk_seat import until
from station_papers import placement
from station_server import ATTEMPT, StationServer

from card_reader.errors import CardReason, ReaderError
from card_reader.pcsc import CardEvent
from card_reader.transport import Transport
from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Visited
from exam_station import work
from exam_station.client import Client, ClientError
from exam_station.clock import ServerClock
from exam_station.desk import Desk
from exam_station.flow import effects, events
from exam_station.flow.codes import CardTrouble, NoticeCode
from exam_station.flow.effects import Effect
from exam_station.flow.screens import CardReading
from exam_station.identity import Identification
from exam_station.kept_time import TimeKeeper
from exam_station.looking import Looking, not_compared
from exam_station.settings import Settings
from exam_station.staging import Packages
from exam_station.stopping import StoppedError
from exam_station.vault import Vault
from exam_station.work import Work

#: How long is waited for what must happen; nothing is measured by it.
PATIENCE = 60.0

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
            assert self._came.wait_for(lambda: bool(self._found(kind)), timeout=PATIENCE)
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
                ("renew_lease", effects.FetchLease),
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


def test_what_is_left_here_is_sent_but_never_the_paper_of_whoever_sits_here(
    bench: Bench, server: StationServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else both would open its journal at the start signal, and one be told that it is in use."""
    settled: list[str] = []
    done = threading.Event()

    def settle(_desk: Desk, attempt: str) -> None:
        settled.append(attempt)
        if attempt == other.name:  # the last one by name
            done.set()

    monkeypatch.setattr(Desk, "settle", settle)
    server.placement = placement(attempt=ATTEMPT)
    taken = bench.answer(effects.FetchLease(ATTEMPT), events.LeaseTaken)
    assert taken == events.LeaseTaken(ATTEMPT)
    other = data / "attempts" / "of-the-one-before"
    other.mkdir()
    (other / "lease.json").write_bytes((data / "attempts" / ATTEMPT / "lease.json").read_bytes())
    bench.answer(effects.Beat(BEAT), events.BeatAnswered)
    assert done.wait(PATIENCE)
    assert settled == [other.name]


@pytest.mark.parametrize(
    ("trouble", "still_owed"),
    [
        (None, False),
        (ClientError("no network"), True),
        (StoppedError(NoticeCode.JOURNAL_DAMAGED, "for people"), True),
        (StoppedError(NoticeCode.ATTEMPT_CLOSED, "kept as evidence"), False),
    ],
)
def test_the_server_is_told_of_what_was_left_here_until_it_has_it(
    bench: Bench,
    server: StationServer,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Exception | None,
    still_owed: bool,
) -> None:
    may_go, tried = threading.Event(), threading.Event()

    def settle(_desk: Desk, _attempt: str) -> None:
        assert may_go.wait(PATIENCE)
        tried.set()
        if trouble is not None:
            raise trouble

    monkeypatch.setattr(Desk, "settle", settle)
    monkeypatch.setattr(work, "BACKLOG_SECONDS", 0.0)
    server.placement = placement(attempt=ATTEMPT)
    bench.answer(effects.FetchLease(ATTEMPT), events.LeaseTaken)
    bench.answer(effects.Beat(BEAT), events.BeatAnswered)
    left = data / "attempts" / "of-the-one-before"
    left.mkdir()
    (left / "lease.json").write_bytes((data / "attempts" / ATTEMPT / "lease.json").read_bytes())
    bench.answer(effects.Beat(BEAT), events.BeatAnswered)
    assert server.beats[-1].owed == [left.name]
    may_go.set()
    assert tried.wait(PATIENCE)

    def told() -> bool:
        bench.answer(effects.Beat(BEAT), events.BeatAnswered)
        return server.beats[-1].owed == ([left.name] if still_owed else [])

    until(told)
    assert told()


def test_a_pulse_is_a_heartbeat_where_more_was_left_here_than_was_told(
    bench: Bench, server: StationServer, data: Path
) -> None:
    server.placement = placement(attempt=ATTEMPT)
    bench.answer(effects.FetchLease(ATTEMPT), events.LeaseTaken)
    bench.answer(effects.Beat(BEAT), events.BeatAnswered)
    folder = data / "attempts"
    (folder / "of-the-one-before").mkdir()
    lease = (folder / ATTEMPT / "lease.json").read_bytes()
    (folder / "of-the-one-before" / "lease.json").write_bytes(lease)
    assert isinstance(bench.answer(effects.Pulse(), events.ChangeHeard), events.ChangeHeard)


def test_the_time_of_an_open_paper_is_kept_whatever_the_server_knows_of_it(
    bench: Bench, data: Path, vault: Vault
) -> None:
    """The server's seat names no attempt that is written: it has not had the first record yet."""
    bench.answer(effects.OpenForm(ATTEMPT), events.FormOpened)

    def kept() -> bool:
        keeper = TimeKeeper(data, ServerClock(), key=vault.signing)
        restart = keeper.take_up()
        return restart is not None and keeper.ledger(ATTEMPT) is not None

    until(kept)
    writing = BEAT.model_copy(update={"state": api.StationState.WRITING})
    for _ in range(3):
        bench.answer(effects.Beat(writing), events.BeatAnswered)
    assert kept()
