"""An attempt whose journal lies open: records go into it, heads are signed, all of it is sent."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from exam_server.contract import records
from exam_server.contract.errors import ContractError
from exam_server.contract.ledger import Ledger
from exam_server.contract.records import SignedHead, WritingKeys
from exam_station.attempt_folder import AttemptFolder
from exam_station.client import Client
from exam_station.clock import ServerClock
from exam_station.flow.codes import NoticeCode
from exam_station.introduction import introduce
from exam_station.journal import Journal, JournalError
from exam_station.sitting import Sitting, SittingError
from exam_station.stopping import StoppedError, stopped_by
from exam_station.uploader import Outbox, Progress, Uploader
from exam_station.vault import Vault
from question_bank.package import PresentedForm


@dataclass(frozen=True, slots=True)
class OpenedForm:
    """The paper as the journal left it, and the ledger as of `server_time`."""

    sitting: Sitting
    ledger: Ledger
    server_time: datetime


class OpenPaper:
    """What lies on the desk; `opened` is None where only the rest is sent.

    `told` and `stopped` are called on the uploader's thread.
    """

    def __init__(
        self,
        folder: AttemptFolder,
        keys: WritingKeys,
        journal: Journal,
        *,
        client: Client,
        vault: Vault,
        clock: ServerClock,
        told: Callable[[Progress], None],
        stopped: Callable[[StoppedError], None],
        rng: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.keys = keys
        self.journal = journal
        self.opened: OpenedForm | None = None
        self._vault = vault
        self._clock = clock
        self._rng = rng
        self.outbox = Outbox(
            client, journal, keys, lambda: introduce(client, folder, keys.attempt_key)
        )
        self.uploader = Uploader(
            self.outbox,
            told=told,
            stopped=stopped,
            sign=self._sign_if_written,
            elapsed=lambda: clock.elapsed,
        )

    @property
    def attempt(self) -> str:
        return self.journal.attempt

    @property
    def last_record(self) -> records.Record | None:
        return self.journal.records[-1] if self.journal.sequence else None

    def append(self, body: records.Body, latest: datetime | None = None) -> None:
        """`body` is on disk when this returns; else StoppedError, and it is not."""
        now = self._clock.now()
        if now is None:
            raise StoppedError(NoticeCode.SERVER_REFUSES, "the server's time is not known")
        record = self.keys.seal(
            body,
            sequence=self.journal.sequence + 1,
            previous=self.journal.head,
            acknowledged=self.outbox.acknowledged,
            at=int(min(now, latest or now).timestamp() * 1000),
            rng=self._rng,
        )
        try:
            self.journal.append(record)
        except JournalError as error:
            raise self.outbox.ended or stopped_by(error) from error

    def replay(self, form: PresentedForm) -> Sitting:
        """The paper as the journal tells it; the first opening is the journal's first record."""
        try:
            key = self.keys.attempt_key
            written = [record.open(key) for record in self.journal.records]
            if not written:
                sitting, first = Sitting.begin(form)
                self.append(first)
                return sitting
            self._clock.not_before(datetime.fromtimestamp(written[-1][1] / 1000, UTC))
            return Sitting.replay(form, [body for body, _ in written])
        except (ContractError, SittingError) as error:
            raise StoppedError(NoticeCode.JOURNAL_DAMAGED, str(error)) from error

    def fix_head(self) -> SignedHead | None:
        """Signs the chain as it stands, keeps the signature and lets it be sent; None where
        nothing is written."""
        if self.journal.sequence == 0:
            return None
        signed = self.journal.signed
        if signed is None or signed.sequence != self.journal.sequence:
            signed = self._sign()
        self.uploader.wake()
        return signed

    def close(self) -> None:
        self.uploader.close()
        self.journal.close()

    def _sign(self) -> SignedHead:
        sequence = self.journal.sequence
        signed = SignedHead.sign(
            self._vault.signing,
            attempt=self.keys.attempt,
            epoch=self.keys.epoch,
            sequence=sequence,
            head=self.journal.head_at(sequence),
        )
        try:
            self.journal.append_head(signed)
        except JournalError as error:
            raise stopped_by(error) from error
        return signed

    def _sign_if_written(self) -> None:
        self.fix_head()
