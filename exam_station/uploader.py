"""Brings the journal to the server: in order, in batches, again until it is acknowledged.

The server's word alone decides where to go on: its sequence is asked for at the start and after
every gap, so that a restart on either side loses and doubles nothing. A server that takes
no more of the attempt gets the rest once, as evidence: whether it counts, people decide.
"""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import SignedHead
from exam_station.client import Client, ClientError, ServerRefusedError
from exam_station.flow.states import NoticeCode
from exam_station.journal import Journal

log = logging.getLogger("exam_station")

BATCH = 200
BACK_OFF_FIRST, BACK_OFF_MOST = 0.5, 15.0
LONGEST_ASKED = 60.0
SIGN_EVERY = 30.0

#: Refusals that no repetition changes.
FINAL = {
    ErrorCode.LEASE_SUPERSEDED: NoticeCode.TAKEN_OVER,
    ErrorCode.PLACEMENT_ELSEWHERE: NoticeCode.TAKEN_OVER,
    ErrorCode.ATTEMPT_CLOSED: NoticeCode.ATTEMPT_CLOSED,
    ErrorCode.SHIFT_CLOSED: NoticeCode.ATTEMPT_CLOSED,
    ErrorCode.RECORD_REJECTED: NoticeCode.SERVER_REFUSES,
    ErrorCode.NOT_ADMITTED: NoticeCode.SERVER_REFUSES,
    ErrorCode.NOT_FOUND: NoticeCode.SERVER_REFUSES,
}


#: Refusals of what is genuine but too late: the server sets such batches aside as evidence.
TOO_LATE = (ErrorCode.LEASE_SUPERSEDED, ErrorCode.ATTEMPT_CLOSED, ErrorCode.SHIFT_CLOSED)


class StoppedError(Exception):
    """A person must help; `code` is what the kiosk shows."""

    def __init__(self, code: NoticeCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Progress:
    """`unsent` records are not acknowledged; `answer` is the server's last, if one came."""

    unsent: int
    answer: api.Acknowledged | None = None


def head_view(signed: SignedHead) -> api.HeadView:
    return api.HeadView(
        epoch=signed.epoch,
        sequence=signed.sequence,
        head=signed.head,
        signature=signed.signature,
    )


class Outbox:
    """The journal seen from the server: what is acknowledged, and the next batch."""

    def __init__(self, client: Client, journal: Journal) -> None:
        self._client = client
        self._journal = journal
        self._pushing = threading.Lock()
        self._known = False
        self._head_sent = 0
        self.acknowledged = 0

    @property
    def unsent(self) -> int:
        return self._journal.sequence - self.acknowledged

    def push(self) -> Progress:
        """One exchange with the server: a question where it stands, or the next batch.

        Raises ClientError where it is worth trying again, StoppedError where it is not.
        """
        with self._pushing:
            records = self._journal.after(self.acknowledged, BATCH) if self._known else []
            last = records[-1].sequence if records else self.acknowledged
            batch = api.RecordBatch(
                records=[record.to_bytes() for record in records], head=self._head_for(last)
            )
            try:
                answer = self._client.send_records(self._journal.attempt, batch)
            except ServerRefusedError as refusal:
                if refusal.code in TOO_LATE:
                    self._leave_as_evidence(last)
                raise self._judged(refusal) from refusal
            self._accept(answer)
            if batch.head is not None:
                self._head_sent = batch.head.sequence
            return Progress(self.unsent, answer)

    def push_all(self) -> Progress:
        """Exchanges until the server has acknowledged everything; raises as `push` does."""
        progress = self.push()
        for _ in range(progress.unsent // BATCH + 2):
            if progress.unsent == 0:
                return progress
            progress = self.push()
        return progress

    def _leave_as_evidence(self, sent: int) -> None:
        """Sends what is behind record `sent`, once; the server's no to it is known already."""
        while records := self._journal.after(sent, BATCH):
            batch = api.RecordBatch(records=[record.to_bytes() for record in records])
            try:
                self._client.send_records(self._journal.attempt, batch)
            except ServerRefusedError as refusal:
                log.info("records from %d on are set aside: %s", sent + 1, refusal.code)
            except ClientError:
                log.warning("records from %d on did not reach the server", sent + 1)
                return
            sent = records[-1].sequence

    @property
    def has_work(self) -> bool:
        return not self._known or self.unsent > 0 or self._head_for(self.acknowledged) is not None

    def _head_for(self, last: int) -> api.HeadView | None:
        signed = self._journal.signed
        if not self._known or signed is None:
            return None
        due = self._head_sent < signed.sequence == last
        return head_view(signed) if due else None

    def _accept(self, answer: api.Acknowledged) -> None:
        """Believes the server only where it holds this journal's own chain."""
        if answer.sequence > self._journal.sequence:
            raise StoppedError(
                NoticeCode.ANSWERS_ELSEWHERE, "the server holds records that this journal lacks"
            )
        if answer.head != self._journal.head_at(answer.sequence):
            raise StoppedError(
                NoticeCode.ANSWERS_ELSEWHERE, "the server holds other records than this journal"
            )
        self.acknowledged = answer.sequence
        self._known = True

    def _judged(self, refusal: ServerRefusedError) -> Exception:
        if refusal.code in FINAL:
            return StoppedError(FINAL[refusal.code], str(refusal))
        if refusal.code is ErrorCode.RECORD_GAP:
            self._known = False  # ask where the server stands
        return refusal


class Uploader:
    """Pushes the outbox on a thread of its own until closed, whatever else may fail.

    `told` gets every Progress, `stopped` one StoppedError; both on the uploader's thread.
    `sign` is called every `SIGN_EVERY` seconds in which something was written.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        told: Callable[[Progress], None],
        stopped: Callable[[StoppedError], None],
        sign: Callable[[], None],
        elapsed: Callable[[], float],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._told = told
        self._stopped = stopped
        self._sign = sign
        self._elapsed = elapsed
        self._jitter = jitter
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._sign_at = 0.0
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was written."""
        self._wake.set()

    def close(self) -> None:
        """Ends after the exchange under way; may be called on any thread."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout=15)

    def _run(self) -> None:
        failures = 0
        self._sign_at = self._elapsed() + SIGN_EVERY
        while not self._closing.is_set():
            try:
                self._round()
                failures = 0
            except StoppedError as error:
                self._stopped(error)
                return
            except ClientError as error:
                self._rest(failures, asked_by(error))
                failures += 1
            except Exception:  # nobody foresaw it; the journal must go on being sent
                log.exception("the uploader failed and begins again")
                self._rest(failures, None)
                failures += 1

    def _round(self) -> None:
        if self._elapsed() >= self._sign_at:
            self._sign()
            self._sign_at = self._elapsed() + SIGN_EVERY
        if self._outbox.has_work:
            self._told(self._outbox.push())
            return
        self._wake.wait(timeout=1.0)
        self._wake.clear()

    def _rest(self, failures: int, asked: float | None) -> None:
        self._told(Progress(self._outbox.unsent))
        jitter = self._jitter()
        self._closing.wait(back_off(failures, jitter) if asked is None else spread(asked, jitter))


def back_off(failures: int, jitter: float) -> float:
    """Seconds to wait after `failures` earlier ones: doubling, capped, and 50 to 100 % of it.

    `jitter` in [0, 1) keeps a room's stations from coming back in step.
    """
    longest = min(BACK_OFF_FIRST * 2 ** min(failures, 10), BACK_OFF_MOST)
    return float(longest * (0.5 + jitter / 2))


def asked_by(error: ClientError) -> float | None:
    """The seconds that a busy server asked to be left alone, None where it did not."""
    asked = error.retry_after if isinstance(error, ServerRefusedError) else None
    return min(asked, LONGEST_ASKED) if asked else None


def spread(seconds: float, jitter: float) -> float:
    """`seconds` and up to half as much again; `jitter` in [0, 1)."""
    return seconds * (1 + jitter / 2)
