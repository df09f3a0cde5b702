"""What goes into each batch, and when it goes: in order, all that waits, at once."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk_seat import until

from exam_server.contract import api
from exam_server.contract.batches import MAX_BATCH_BYTES, Batch, ReceivedBatch
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Answered, Record, SignedHead, Visited, WritingKeys, genesis
from exam_station.client import ServerRefusedError, ServerUnreachableError
from exam_station.journal import Header, Journal
from exam_station.uploader import Outbox, Progress, Uploader

#: How long is waited for what must happen; nothing is measured by it.
PATIENCE = 60.0

KEYS = WritingKeys("attempt-1", 1, bytes(range(32)), bytes(range(32, 64)))
STATION = Ed25519PrivateKey.generate()
LEDGER = api.LedgerView(allowance=timedelta(minutes=90))


@dataclass
class Kept:
    """The records' call as a server keeps it; `before` may hold it up, or make it fail."""

    before: Callable[[], None] = lambda: None
    head: bytes = genesis(KEYS.attempt)
    sequence: int = 0
    batches: list[Batch] = field(default_factory=list)

    def send_records(self, attempt: str, data: bytes) -> api.Acknowledged:
        received = ReceivedBatch.from_bytes(data)
        received.check_mac(KEYS.lease_key)
        assert attempt == KEYS.attempt and len(data) <= MAX_BATCH_BYTES
        self.before()
        self.batches.append(received.batch)
        for raw in received.batch.records:
            record = Record.from_bytes(raw)
            if record.sequence == self.sequence + 1:
                self.sequence, self.head = record.sequence, record.head
        return api.Acknowledged(
            sequence=self.sequence,
            head=self.head,
            ledger=LEDGER,
            server_time=datetime(2026, 12, 5, tzinfo=UTC),
        )

    def sizes(self) -> list[int]:
        return [len(batch.records) for batch in self.batches]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.create(tmp_path / "journal", Header(KEYS.attempt, bytes(32), bytes(32)))
    yield opened
    opened.close()


def write(journal: Journal, text: str = "") -> None:
    body = Answered("i1", {"kind": "numeric", "text": text}) if text else Visited("i1")
    journal.append(
        KEYS.seal(
            body, sequence=journal.sequence + 1, previous=journal.head, acknowledged=0, at=0,
            rng=os.urandom,
        )
    )  # fmt: skip


def sign(journal: Journal) -> None:
    place = {"attempt": KEYS.attempt, "epoch": 1, "sequence": journal.sequence}
    journal.append_head(SignedHead.sign(STATION, **place, head=journal.head))


def outbox(kept: Kept, journal: Journal) -> Outbox:
    return Outbox(kept, journal, KEYS, lambda: None)  # type: ignore[arg-type] - its one call


def test_it_asks_first_and_then_sends_all_that_waits(journal: Journal) -> None:
    kept = Kept()
    for _ in range(450):
        write(journal)
    progress = outbox(kept, journal).push_all()
    assert kept.sizes() == [0, 200, 200, 50]
    assert (progress.unsent, kept.sequence, kept.head) == (0, 450, journal.head)


def test_a_signed_head_ends_its_batch_whatever_was_written_since(journal: Journal) -> None:
    kept = Kept()
    for number in range(5):
        write(journal)
        if number == 2:
            sign(journal)
    sending = outbox(kept, journal)
    sending.push_all()
    assert kept.sizes() == [0, 3, 2]
    assert [batch.head and batch.head.sequence for batch in kept.batches] == [None, 3, None]
    assert not sending.has_work
    sign(journal)
    assert sending.has_work
    sending.push()
    assert kept.batches[-1].head is not None and kept.sizes()[-1] == 0
    assert not sending.has_work


def test_large_records_go_in_several_batches(journal: Journal) -> None:
    kept = Kept()
    for _ in range(9):
        write(journal, "1" * 200_000)
    assert outbox(kept, journal).push_all().unsent == 0
    assert sum(kept.sizes()) == 9
    assert max(kept.sizes()) < 9


@pytest.fixture
def run(journal: Journal) -> Iterator[Callable[[Kept], Uploader]]:
    """Starts an uploader that lets the longest time pass after each failure."""
    running: list[Uploader] = []

    def start(kept: Kept) -> Uploader:
        uploader = Uploader(
            outbox(kept, journal),
            told=lambda _progress: None,
            stopped=pytest.fail,
            sign=lambda: None,
            elapsed=lambda: 0.0,
            jitter=lambda: 1.0,
        )
        uploader.start()
        running.append(uploader)
        return uploader

    yield start
    for uploader in running:
        uploader.close()


def test_what_is_written_during_an_exchange_goes_together_in_the_next(
    journal: Journal, run: Callable[[Kept], Uploader]
) -> None:
    held, entered = threading.Event(), threading.Event()
    kept = Kept()
    uploader = run(kept)
    until(lambda: kept.sizes() == [0])

    def wait() -> None:
        entered.set()
        assert held.wait(PATIENCE)

    kept.before = wait
    write(journal)
    uploader.wake()
    assert entered.wait(PATIENCE)
    for _ in range(4):
        write(journal)
        uploader.wake()
    held.set()
    until(lambda: kept.sequence == 5)
    assert kept.sizes() == [0, 1, 4]


def test_a_rest_for_want_of_the_server_ends_when_it_is_heard(
    journal: Journal, run: Callable[[Kept], Uploader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exam_station.trying_again.BACK_OFF_FIRST", 3600.0)
    monkeypatch.setattr("exam_station.trying_again.BACK_OFF_MOST", 3600.0)
    failed = threading.Event()
    kept = Kept()

    def gone() -> None:
        failed.set()
        raise ServerUnreachableError("gone")

    kept.before = gone
    write(journal)
    uploader = run(kept)
    assert failed.wait(PATIENCE)
    kept.before = lambda: None

    def sent() -> bool:
        uploader.heard()
        return kept.sequence == 1

    until(sent)


def test_a_busy_server_is_left_alone_even_if_it_is_heard(
    journal: Journal, run: Callable[[Kept], Uploader]
) -> None:
    kept, calls = Kept(), []

    def busy() -> None:
        calls.append(1)
        raise ServerRefusedError(ErrorCode.TOO_BUSY, "busy", retry_after=60.0)

    kept.before = busy
    write(journal)
    uploader = run(kept)
    until(lambda: len(calls) == 1)
    for _ in range(100):
        uploader.heard()
        uploader.wake()
    assert len(calls) == 1


def test_progress_tells_what_is_unsent(journal: Journal) -> None:
    kept = Kept()
    sending = outbox(kept, journal)
    write(journal)
    assert isinstance(sending.push(), Progress)
    assert sending.unsent == 1
    assert sending.push().unsent == 0
