"""Brings the journal to the server: in order, in batches, again until it is acknowledged.

The server's word alone decides where to go on: its sequence is asked for at the start and after
every gap, so that a restart on either side loses and doubles nothing. A server that takes
no more of the attempt gets the rest once, as evidence: whether it counts, people decide.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exam_server.contract import api
from exam_server.contract.batches import Batch, fitting
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Record, SignedHead, WritingKeys
from exam_station.client import Client, ClientError, ServerRefusedError
from exam_station.flow.codes import NoticeCode
from exam_station.journal import Journal
from exam_station.stopping import FINAL, TOO_LATE, StoppedError, judged
from exam_station.trying_again import asked_by, back_off, spread

log = logging.getLogger("exam_station")

BATCH = 200
SIGN_EVERY = 30.0


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
    """The journal seen from the server: what is acknowledged, and the next batch.

    `introduce` tells the server what it must have heard before the first of them.
    """

    def __init__(
        self, client: Client, journal: Journal, keys: WritingKeys, introduce: Callable[[], None]
    ) -> None:
        self._client = client
        self._journal = journal
        self._keys = keys
        self._introduce = introduce
        self._pushing = threading.Lock()
        self._known = False
        self._head_sent = 0
        self.acknowledged = 0
        self.ended: StoppedError | None = None

    @property
    def unsent(self) -> int:
        return self._journal.sequence - self.acknowledged

    def push(self) -> Progress:
        """One exchange with the server: a question where it stands, or the next batch.

        Raises ClientError where it is worth trying again, StoppedError where it is not.
        """
        with self._pushing:
            if not self._known:
                self._introduce()
            batch, last = self._next_batch()
            try:
                answer = self._send(batch)
            except ServerRefusedError as refusal:
                if refusal.code in TOO_LATE:
                    # What the candidate wrote until now is among the rest, and nothing comes after.
                    self.ended = StoppedError(FINAL[refusal.code], str(refusal))
                    self._journal.end()
                    rest = self._journal.after(last, self._journal.sequence)
                    leave_as_evidence(self._client, self._keys, rest)
                raise self._judged(refusal) from refusal
            self._accept(answer)
            if batch.head is not None:
                self._head_sent = batch.head.sequence
            return Progress(self.unsent, answer)

    def push_all(self) -> Progress:
        """Exchanges until the server has acknowledged everything; raises as `push` does."""
        progress = self.push()
        while progress.unsent > 0:
            before = self.acknowledged
            progress = self.push()
            if self.acknowledged == before:
                break
        return progress

    @property
    def has_work(self) -> bool:
        if not self._known or self.unsent > 0:
            return True
        signed = self._unsent_head()
        return signed is not None and signed.sequence <= self.acknowledged

    def _next_batch(self) -> tuple[Batch, int]:
        """What to send now, and the number of its last record. A signed head ends its batch."""
        if not self._known:
            return Batch(self._keys.attempt, self._keys.epoch), self.acknowledged
        records = self._journal.after(self.acknowledged, BATCH)
        signed = self._unsent_head()
        if signed is not None and signed.sequence > self.acknowledged:
            records = records[: signed.sequence - self.acknowledged]
        fit = fitting([record.to_bytes() for record in records])
        last = self.acknowledged + len(fit)
        head = signed if signed is not None and signed.sequence <= last else None
        return Batch(self._keys.attempt, self._keys.epoch, tuple(fit), head), last

    def _unsent_head(self) -> SignedHead | None:
        signed = self._journal.signed
        return signed if signed is not None and signed.sequence > self._head_sent else None

    def _send(self, batch: Batch) -> api.Acknowledged:
        return self._client.send_records(batch.attempt, batch.to_bytes(self._keys.lease_key))

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
        if refusal.code is ErrorCode.RECORD_GAP:
            self._known = False  # ask where the server stands
        return judged(refusal)


def leave_as_evidence(client: Client, keys: WritingKeys, records: Sequence[Record]) -> None:
    """Sends `records`, once; the server's no to them is known already, and it keeps them.

    `keys` are of the last lease that this station had. Raises ClientError where they have not
    arrived and it is worth trying again.
    """
    rest = list(records)
    while rest:
        fit = fitting([record.to_bytes() for record in rest[:BATCH]])
        batch = Batch(keys.attempt, keys.epoch, tuple(fit))
        try:
            client.send_records(keys.attempt, batch.to_bytes(keys.lease_key))
        except ServerRefusedError as refusal:
            if refusal.code not in FINAL:
                raise
            log.info("records from %d on are set aside: %s", rest[0].sequence, refusal.code)
        rest = rest[len(fit) :]


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
        self._heard = threading.Event()
        self._sign_at = 0.0
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was written."""
        self._wake.set()

    def heard(self) -> None:
        """The server answered something else: a rest for want of it ends now."""
        self._heard.set()

    def close(self) -> None:
        """Ends after the exchange under way; may be called on any thread."""
        self._closing.set()
        self._wake.set()
        self._heard.set()
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
        if asked is not None:
            self._closing.wait(spread(asked, jitter))  # a busy server is left alone so long
            return
        self._heard.clear()
        if not self._closing.is_set():
            self._heard.wait(back_off(failures, jitter))
