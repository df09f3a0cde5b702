"""Stations that write without pause, and remember what the server has acknowledged."""

import random
import threading
import time
from dataclasses import dataclass, field

import httpx
from kiosk import Desk, RefusalError
from served import PATIENCE, Served
from sqlmodel import select

from exam_server.attempts import records_kept
from exam_server.attempts.models import Attempt
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Record

#: What a station meets while its server is away, and tries again.
AWAY = (httpx.TransportError,)


@dataclass
class Writer:
    """One station's writing. `acknowledged` is what the server said it holds."""

    served: Served
    desk: Desk
    seed: int
    written: list[Record] = field(default_factory=list)
    acknowledged: int = 0
    failure: Exception | None = None

    def begin(self, enough: threading.Event) -> None:
        self._enough = enough
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "a station waits for ever"
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        rng = random.Random(self.seed)
        try:
            while not self._enough.is_set():
                for _ in range(rng.randint(1, 3)):
                    text = str(rng.randint(0, 9999))
                    self.written.append(self.desk.answer("q1", {"kind": "numeric", "text": text}))
                self._send()
        except Exception as error:  # noqa: BLE001 - told to the test by `join`
            self.failure = error

    def _send(self) -> None:
        """Sends what is not acknowledged until it is, or the test has had enough."""
        while self.acknowledged < len(self.written):
            try:
                answer = self.desk.send(*self.written[self.acknowledged :])
            except AWAY:
                if self._enough.is_set():
                    return
                time.sleep(0.05)
                self.desk.kiosk.http = self.served.client()
            except RefusalError as refusal:
                if refusal.code is not ErrorCode.TOO_BUSY:
                    raise
                time.sleep(0.05)
            else:
                assert answer.head == self.written[answer.sequence - 1].head
                self.acknowledged = answer.sequence

    def check(self) -> int:
        """Whether the server holds, in order and to the bit, all that it acknowledged.

        How many records it holds.
        """
        with self.served.world.server.reading() as session:
            attempt = session.exec(
                select(Attempt).where(Attempt.id == self.desk.view.attempt)
            ).one()
            kept = list(records_kept.records_of(session, attempt))
        assert [one.to_bytes() for one in kept] == [
            one.to_bytes() for one in self.written[: len(kept)]
        ]
        assert len(kept) >= self.acknowledged, "what was acknowledged is lost"
        return len(kept)


def begin_writing(served: Served, seats: range, enough: threading.Event) -> list[Writer]:
    """A station at each seat that has opened its form and writes until `enough`."""
    writers = []
    for seat in seats:
        kiosk = served.kiosk(seat)
        attempt = served.attempt_at(kiosk)
        desk = kiosk.lease(attempt)
        kiosk.open_form(attempt)
        writers.append(Writer(served, desk, seed=seat))
    for writer in writers:
        writer.begin(enough)
    return writers


def wait_for_more(writers: list[Writer], records: int) -> None:
    """Until every station has that many more records acknowledged."""
    wanted = [writer.acknowledged + records for writer in writers]
    end = time.monotonic() + 2 * PATIENCE
    while any(writer.acknowledged < least for writer, least in zip(writers, wanted, strict=True)):
        stuck = [writer.failure for writer in writers if writer.failure is not None]
        assert not stuck, stuck
        assert time.monotonic() < end, "the stations do not get on"
        time.sleep(0.02)
