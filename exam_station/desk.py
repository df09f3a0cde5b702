"""The attempt's desk at this station: lease, sealed package, journal, uploader, receipt.

Everything of one attempt that touches disk and network, without a screen. What the server gave is
kept in the attempt's folder as it came, wrapped for this station's key, so that a restart goes on
under the same lease at the same item.
"""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from exam_server.contract import api, records, sealed_package
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import SignedHead, WritingKeys
from exam_server.contract.wrapping import Purpose, unwrap
from exam_station import durable
from exam_station.client import Client, ServerRefusedError
from exam_station.clock import ServerClock
from exam_station.flow.states import NoticeCode
from exam_station.journal import (
    Header,
    Journal,
    JournalDamagedError,
    JournalError,
    JournalFullError,
    JournalInUseError,
)
from exam_station.sitting import Sitting, SittingError
from exam_station.staging import Packages
from exam_station.uploader import FINAL, Outbox, Progress, StoppedError, Uploader, head_view
from exam_station.vault import Vault
from question_bank import package as packages
from question_bank.errors import MalformedError
from question_bank.package import PresentedForm

log = logging.getLogger("exam_station")

ATTEMPTS = "attempts"
LEASE, JOURNAL, RECEIPT = "lease.json", "journal", "receipt.json"

View = TypeVar("View", bound=BaseModel)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class OpenedForm:
    """The paper as the journal left it, and the ledger as of `server_time`."""

    sitting: Sitting
    ledger: Ledger
    server_time: datetime


@dataclass(slots=True)
class _Open:
    """What lies on the desk while a paper is open; `opened` is None where only the rest is sent."""

    keys: WritingKeys
    journal: Journal
    outbox: Outbox
    uploader: Uploader
    opened: OpenedForm | None = None


class Desk:
    """One attempt at a time. Methods but `write` belong on a worker.

    They raise ClientError where trying again may help, StoppedError where a person must.
    """

    def __init__(
        self,
        data: Path,
        *,
        client: Client,
        vault: Vault,
        clock: ServerClock,
        packages: Packages,
        told: Callable[[str, Progress], None],
        stopped: Callable[[str, StoppedError], None],
        rng: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._data = data
        self._client = client
        self._vault = vault
        self._clock = clock
        self._packages = packages
        self._told = told
        self._stopped = stopped
        self._rng = rng
        self._lock = threading.RLock()
        self._open: _Open | None = None

    def take_lease(self, attempt: str) -> api.LeaseView:
        """The right to write, as kept on disk, else from the server."""
        with self._lock:
            folder = self._folder(attempt)
            kept = _load(folder / LEASE, api.LeaseView)
            if kept is not None:
                return kept
            lease = self._ask(lambda: self._client.lease(attempt))
            if lease.attempt != attempt:
                raise StoppedError(NoticeCode.SERVER_REFUSES, "a lease of another attempt")
            _keep(folder / LEASE, lease)
            return lease

    def open(self, attempt: str) -> OpenedForm:
        """Opens package and journal and starts uploading; after a restart, where it was left.

        A paper that lies open already stays open: what was written into it is told again.
        """
        with self._lock:
            desk = self._open
            if desk is not None and desk.opened is not None and desk.journal.attempt == attempt:
                form = desk.opened.sitting.form
                return replace(desk.opened, sitting=self._replay(form, desk))
            self.close()
            lease, opening = self._opening(attempt)
            form, keys = self._form(lease, opening), self._keys(lease)
            with ExitStack() as opened:
                desk = self._lay_out(keys, self._journal(lease))
                opened.callback(desk.journal.close)
                self._told(attempt, self._ask(desk.outbox.push))
                sitting = self._replay(form, desk)
                opened.pop_all()  # it stays open
            desk.opened = OpenedForm(sitting, opening.ledger.ledger(), opening.server_time)
            self._open = desk
            desk.uploader.start()
            return desk.opened

    def write(self, body: records.Body, latest: datetime | None = None) -> None:
        """`body` is on disk when this returns; else StoppedError, and it is not.

        The record tells the present moment, or `latest` where that is earlier.
        """
        desk = self._at_desk()
        self._append(desk, body, latest)
        desk.uploader.wake()

    def flush(self, attempt: str) -> None:
        """Sends the rest and asks whether the attempt is still this station's."""
        with self._lock:
            desk = self._open
            if desk is not None and desk.journal.attempt == attempt:
                self._told(attempt, self._ask(desk.outbox.push_all))

    def fix_head(self) -> SignedHead | None:
        """Signs the chain as it stands, keeps the signature and lets it be sent."""
        desk = self._open
        if desk is None or desk.journal.sequence == 0:
            return None
        signed = desk.journal.signed
        if signed is None or signed.sequence != desk.journal.sequence:
            signed = self._sign(desk)
        desk.uploader.wake()
        return signed

    def last_head(self, attempt: str) -> SignedHead:
        """The signed head over the whole journal of a paper that was handed in."""
        with self._lock:
            if self._open is None:
                self._reopen_for_receipt(attempt)
            if self._open is None or self._open.journal.attempt != attempt:
                raise StoppedError(NoticeCode.ALREADY_SUBMITTED, "no journal of this attempt here")
            signed = self.fix_head()
            if signed is None:
                raise StoppedError(NoticeCode.JOURNAL_DAMAGED, "an empty journal")
            return signed

    def submit(self, attempt: str) -> Receipt:
        """Sends the rest and hands in; the receipt is the server's and speaks of this journal.

        It counts also where the disk has no room for it: the server gives it again.
        """
        with self._lock:
            signed = self.last_head(attempt)
            desk = self._at_desk()
            path = self._folder(attempt) / RECEIPT
            kept = _load(path, api.ReceiptView)
            if kept is None:
                self._told(attempt, self._ask(desk.outbox.push_all))
                submission = api.Submission(head=head_view(signed))
                kept = self._ask(lambda: self._client.submit(attempt, submission))
            receipt = self._checked(kept, signed)
            try:
                _keep(path, kept)
            except StoppedError as error:
                log.warning("the receipt is shown but not kept: %s", error)
            return receipt

    def close(self) -> None:
        """Ends uploader and journal and forgets the keys. Nothing is deleted."""
        with self._lock:
            desk, self._open = self._open, None
            if desk is not None:
                desk.uploader.close()
                desk.journal.close()

    def _at_desk(self) -> _Open:
        if self._open is None:
            raise StoppedError(NoticeCode.JOURNAL_DAMAGED, "no paper is open")
        return self._open

    def _folder(self, attempt: str) -> Path:
        return self._data / ATTEMPTS / durable.plain_name(attempt)

    def _ask(self, call: Callable[[], Result]) -> Result:
        try:
            return call()
        except ServerRefusedError as refusal:
            raise self._judged(refusal) from refusal

    def _judged(self, refusal: ServerRefusedError) -> Exception:
        code = FINAL.get(refusal.code)
        return refusal if code is None else StoppedError(code, str(refusal))

    def _opening(self, attempt: str) -> tuple[api.LeaseView, api.OpenView]:
        """Lease and content key. A lease that was taken over meanwhile is asked for anew: the
        server gives it only to the station at the candidate's seat."""
        lease = self.take_lease(attempt)
        try:
            return lease, self._client.open(attempt)
        except ServerRefusedError as refusal:
            if refusal.code is not ErrorCode.LEASE_SUPERSEDED:
                raise self._judged(refusal) from refusal
        (self._folder(attempt) / LEASE).unlink()
        return self.take_lease(attempt), self._ask(lambda: self._client.open(attempt))

    def _form(self, lease: api.LeaseView, opening: api.OpenView) -> PresentedForm:
        try:
            return self._unsealed(lease, opening)
        except (ContractError, MalformedError) as error:
            self._packages.discard(opening.package)
            raise StoppedError(NoticeCode.PACKAGE_DAMAGED, str(error)) from error

    def _unsealed(self, lease: api.LeaseView, opening: api.OpenView) -> PresentedForm:
        key = unwrap(
            opening.content_key,
            self._vault.wrapping,
            Purpose.CONTENT_KEY,
            opening.package,
            self._vault.station,
        )
        sealed = self._packages.sealed(opening.package)
        header, plain = sealed_package.unseal(sealed, key, self._vault.server)
        form = packages.decode(plain)
        expected = (opening.package, self._vault.realm, lease.code)
        if (header.package, header.realm, form.code) != expected:
            raise ContractError("the package is another one")
        return form

    def _keys(self, lease: api.LeaseView) -> WritingKeys:
        wrapping, attempt = self._vault.wrapping, lease.attempt
        try:
            lease_key = unwrap(
                lease.lease_key, wrapping, Purpose.LEASE_KEY, attempt, str(lease.epoch)
            )
            attempt_key = unwrap(lease.attempt_key, wrapping, Purpose.ATTEMPT_KEY, attempt)
        except ContractError as error:
            raise StoppedError(NoticeCode.SERVER_REFUSES, str(error)) from error
        return WritingKeys(attempt, lease.epoch, lease_key, attempt_key)

    def _journal(self, lease: api.LeaseView) -> Journal:
        """The attempt's journal; a new one only where the server holds no record either."""
        path = self._folder(lease.attempt) / JOURNAL
        try:
            return Journal.open(path)
        except FileNotFoundError:
            if lease.next_sequence != 1:
                raise StoppedError(
                    NoticeCode.ANSWERS_ELSEWHERE, "the answers so far lie on another station"
                ) from None
        except JournalError as error:
            raise _stopped_by(error) from error
        try:
            return Journal.create(path, Header(lease.attempt, lease.attempt_key, lease.recovery))
        except JournalError as error:
            raise _stopped_by(error) from error

    def _replay(self, form: PresentedForm, desk: _Open) -> Sitting:
        """The paper as the journal tells it; the first opening is the journal's first record."""
        try:
            key = desk.keys.attempt_key
            bodies = [record.open(key)[0] for record in desk.journal.records]
            if not bodies:
                sitting, opened = Sitting.begin(form)
                self._append(desk, opened)
                return sitting
            return Sitting.replay(form, bodies)
        except (ContractError, SittingError) as error:
            raise StoppedError(NoticeCode.JOURNAL_DAMAGED, str(error)) from error

    def _lay_out(self, keys: WritingKeys, journal: Journal) -> _Open:
        attempt = journal.attempt
        outbox = Outbox(self._client, journal)
        uploader = Uploader(
            outbox,
            told=lambda progress: self._told(attempt, progress),
            stopped=lambda error: self._stopped(attempt, error),
            sign=self._sign_if_written,
            elapsed=lambda: self._clock.elapsed,
        )
        return _Open(keys, journal, outbox, uploader)

    def _reopen_for_receipt(self, attempt: str) -> None:
        """After a restart: journal and keys without the paper, to hand in or show the receipt."""
        lease = _load(self._folder(attempt) / LEASE, api.LeaseView)
        if lease is None or not (self._folder(attempt) / JOURNAL).exists():
            return
        self._open = self._lay_out(self._keys(lease), self._journal(lease))
        self._open.uploader.start()

    def _append(self, desk: _Open, body: records.Body, latest: datetime | None = None) -> None:
        now = self._clock.now()
        if now is None:
            raise StoppedError(NoticeCode.SERVER_REFUSES, "the server's time is not known")
        record = desk.keys.seal(
            body,
            sequence=desk.journal.sequence + 1,
            previous=desk.journal.head,
            acknowledged=desk.outbox.acknowledged,
            at=int(min(now, latest or now).timestamp() * 1000),
            rng=self._rng,
        )
        try:
            desk.journal.append(record)
        except JournalError as error:
            raise _stopped_by(error) from error

    def _sign(self, desk: _Open) -> SignedHead:
        sequence = desk.journal.sequence
        signed = SignedHead.sign(
            self._vault.signing,
            attempt=desk.keys.attempt,
            epoch=desk.keys.epoch,
            sequence=sequence,
            head=desk.journal.head_at(sequence),
        )
        try:
            desk.journal.append_head(signed)
        except JournalError as error:
            raise _stopped_by(error) from error
        return signed

    def _sign_if_written(self) -> None:
        self.fix_head()

    def _checked(self, view: api.ReceiptView, signed: SignedHead) -> Receipt:
        try:
            receipt = Receipt.from_bytes(view.receipt)
            receipt.check(view.signature, self._vault.server)
        except ContractError as error:
            raise StoppedError(NoticeCode.SERVER_REFUSES, str(error)) from error
        if (receipt.attempt, receipt.sequence, receipt.head) != (
            signed.attempt,
            signed.sequence,
            signed.head,
        ):
            raise StoppedError(NoticeCode.SERVER_REFUSES, "the receipt is of other records")
        return receipt


def _stopped_by(error: JournalError) -> StoppedError:
    codes = {
        JournalFullError: NoticeCode.DISK_FULL,
        JournalInUseError: NoticeCode.JOURNAL_IN_USE,
        JournalDamagedError: NoticeCode.JOURNAL_DAMAGED,
    }
    return StoppedError(codes.get(type(error), NoticeCode.JOURNAL_DAMAGED), str(error))


def _keep(path: Path, view: BaseModel) -> None:
    try:
        durable.write_file(path, view.model_dump_json().encode())
    except OSError as error:
        raise StoppedError(NoticeCode.DISK_FULL, f"{path.name} cannot be written") from error


def _load(path: Path, kind: type[View]) -> View | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
