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
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from exam_server.contract import api, records
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import SignedHead
from exam_station.attempt_folder import AttemptFolder
from exam_station.client import Client, ClientError, ServerRefusedError
from exam_station.clock import ServerClock
from exam_station.flow.codes import NoticeCode
from exam_station.introduction import introduce
from exam_station.kept_time import Restart
from exam_station.kit import Kits
from exam_station.leases import Leases, goes_on
from exam_station.open_paper import OpenedForm, OpenPaper
from exam_station.opening import Opener, Opening
from exam_station.sitting import Sitting
from exam_station.staging import Packages
from exam_station.stopping import StoppedError, asked, judged
from exam_station.taking_up import TakingUp
from exam_station.uploader import Progress, head_view
from exam_station.vault import Vault

log = logging.getLogger("exam_station")


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
        kits: Kits,
        told: Callable[[str, Progress], None],
        stopped: Callable[[str, StoppedError], None],
        restart: Callable[[], Restart | None] = lambda: None,
        kept_ledger: Callable[[str], Ledger | None] = lambda _attempt: None,
        rng: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._data = data
        self._client = client
        self._vault = vault
        self._clock = clock
        self._leases = Leases(data, client, vault)
        self._opener = Opener(client, vault=vault, packages=packages, kits=kits)
        self._told = told
        self._stopped = stopped
        self._restart = restart
        self._kept_ledger = kept_ledger
        self._restart_noted = False
        self._rng = rng
        self._lock = threading.RLock()
        self._open: OpenPaper | None = None

    def take_lease(self, attempt: str) -> api.LeaseView:
        """The right to write, as kept on disk, else from the server."""
        with self._lock:
            return self._leases.take(attempt)

    def renew_lease(self, attempt: str, *, lost: bool = False) -> api.LeaseView:
        """The right to write as it is now, where the server can be reached and is not `lost`."""
        with self._lock:
            return self._leases.renew(attempt, lost=lost)

    def open(self, attempt: str, *, lost: bool = False) -> OpenedForm:
        """Opens package and journal and starts uploading; after a restart, where it was left.
        `lost`: the server has been of no use for a while.

        A paper that lies open already stays open: what was written into it is told again.
        """
        with self._lock:
            paper = self._open
            if paper is not None and paper.opened is not None and paper.attempt == attempt:
                form = paper.opened.sitting.form
                return replace(paper.opened, sitting=paper.replay(form))
            self.close()
            lease, opening = self._opening(attempt, lost=lost)
            form = self._opener.form(lease, opening)
            with ExitStack() as opened:
                paper = self._lay_out(lease, writing=True)
                opened.callback(paper.journal.close)
                if not opening.at_the_signal:
                    self._told(attempt, asked(paper.outbox.push))
                sitting = paper.replay(form)
                self._note_restart(paper, sitting)
                opened.pop_all()  # it stays open
            paper.opened = OpenedForm(sitting, opening.ledger, opening.server_time)
            self._open = paper
            paper.uploader.start()
            return paper.opened

    def write(self, body: records.Body, latest: datetime | None = None) -> None:
        """`body` is on disk when this returns; else StoppedError, and it is not.

        The record tells the present moment, or `latest` where that is earlier.
        """
        paper = self._at_desk()
        paper.append(body, latest)
        paper.uploader.wake()

    @property
    def last_record(self) -> records.Record | None:
        """The last record of the open paper's journal."""
        paper = self._open
        return None if paper is None else paper.last_record

    def server_heard(self) -> None:
        """The server answered another call: what waits to be sent goes now."""
        paper = self._open
        if paper is not None:
            paper.uploader.heard()

    def flush(self, attempt: str) -> None:
        """Sends the rest and asks whether the attempt is still this station's."""
        with self._lock:
            paper = self._open
            if paper is not None and paper.attempt == attempt:
                self._told(attempt, asked(paper.outbox.push_all))
                # The holder is given the very same lease again, while the candidate sits here.
                self._leases.confirm(attempt)

    def head(self, attempt: str) -> bytes | None:
        """The chain's value after the last record; None where nothing of `attempt` lies open."""
        paper = self._open
        if paper is None or paper.attempt != attempt or paper.journal.sequence == 0:
            return None
        return paper.journal.head

    def fix_head(self) -> SignedHead | None:
        """Signs the chain as it stands, keeps the signature and lets it be sent."""
        paper = self._open
        return None if paper is None else paper.fix_head()

    def last_head(self, attempt: str) -> SignedHead:
        """The signed head over the whole journal of a paper that was handed in."""
        with self._lock:
            if self._open is None:
                self._reopen_for_receipt(attempt)
            if self._open is None or self._open.attempt != attempt:
                raise StoppedError(NoticeCode.ALREADY_SUBMITTED, "no journal of this attempt here")
            signed = self._open.fix_head()
            if signed is None:
                raise StoppedError(NoticeCode.JOURNAL_DAMAGED, "an empty journal")
            return signed

    def submit(self, attempt: str) -> Receipt:
        """Sends the rest and hands in; the receipt is the server's and speaks of this journal.

        It counts also where the disk has no room for it: the server gives it again.
        """
        with self._lock:
            signed = self.last_head(attempt)
            paper, folder = self._at_desk(), self._folder(attempt)
            kept = folder.receipt()
            if kept is None:
                self._told(attempt, asked(paper.outbox.push_all))
                submission = api.Submission(head=head_view(signed))
                kept = asked(lambda: self._client.submit(attempt, submission))
            receipt = _checked(kept, signed, self._vault.server)
            try:
                folder.keep_receipt(kept)
            except OSError as error:
                log.warning("the receipt is shown but not kept: %s", error.strerror)
            paper.journal.release()
            return receipt

    def holds(self, attempt: str) -> bool:
        """Whether this attempt's journal is open here."""
        paper = self._open
        return paper is not None and paper.attempt == attempt

    def settle(self, attempt: str) -> None:
        """Sends what an attempt that nobody writes here any more still owes the server: what took
        place without it, the records, and the hand-in where there was one."""
        with self._lock:
            self.close()
            try:
                self._settle(attempt)
            finally:
                self.close()

    def _settle(self, attempt: str) -> None:
        folder = self._folder(attempt)
        lease = folder.lease()
        if lease is None:
            return
        attempt_key = self._leases.keys(lease).attempt_key
        introduce(self._client, folder, attempt_key)
        if not folder.journal.exists():
            return
        self._open = self._lay_out(lease)
        asked(self._open.outbox.push_all)
        if folder.is_handed_in(attempt_key):
            self.submit(attempt)

    def close(self) -> None:
        """Ends uploader and journal and forgets the keys. Nothing is deleted."""
        with self._lock:
            paper, self._open = self._open, None
            if paper is not None:
                paper.close()

    def _at_desk(self) -> OpenPaper:
        if self._open is None:
            raise StoppedError(NoticeCode.JOURNAL_DAMAGED, "no paper is open")
        return self._open

    def _folder(self, attempt: str) -> AttemptFolder:
        return AttemptFolder(self._data, attempt)

    def _opening(self, attempt: str, *, lost: bool) -> tuple[api.LeaseView, Opening]:
        """Lease, content key and ledger. Who opens for the first time, having heard the start
        signal, asks nobody, nor does who was carried here; nor who began by the start code and has
        no server now that can answer, or meets one that has not started the shift, or whose
        journal is one of two. A lease that was taken over meanwhile is asked for anew: the server
        gives it only to the station at the candidate's seat."""
        lease = self._leases.take(attempt)
        folder = self._folder(attempt)
        begins = lease.next_sequence == 1 and not folder.journal.exists()
        if begins or folder.came_by_token:
            at_the_signal = self._known_here(lease)
            if at_the_signal is not None:
                return lease, at_the_signal
        try:
            introduce(self._client, folder, self._leases.keys(lease).attempt_key)
            return lease, self._opener.released(lease)
        except ClientError as error:
            known = self._known_here(lease) if _goes_on(error, lost=lost) else None
            if known is not None:
                return lease, known
            if not isinstance(error, ServerRefusedError):
                raise
            if error.code is not ErrorCode.LEASE_SUPERSEDED:
                raise judged(error) from error
        lease = self._leases.ask(attempt)
        return lease, asked(lambda: self._opener.released(lease))

    def _known_here(self, lease: api.LeaseView) -> Opening | None:
        """What this station knows of the start, and the ledger as it was last kept."""
        ledger = self._kept_ledger(lease.attempt)
        return self._opener.at_the_signal(lease, self._clock.now(), ledger)

    def _lay_out(self, lease: api.LeaseView, *, writing: bool = False) -> OpenPaper:
        folder, keys = self._folder(lease.attempt), self._leases.keys(lease)
        taking_up = TakingUp(self._client, self._vault, folder, lease, keys)
        return OpenPaper(
            folder,
            keys,
            taking_up.journal(writing=writing),
            client=self._client,
            vault=self._vault,
            clock=self._clock,
            told=lambda progress: self._told(folder.attempt, progress),
            stopped=lambda error: self._stop(folder, error),
            rng=self._rng,
        )

    def _stop(self, folder: AttemptFolder, error: StoppedError) -> None:
        """A lease that was taken over is worth nothing: whoever may go on here asks for another."""
        if error.code is NoticeCode.TAKEN_OVER:
            folder.forget_lease()
        self._stopped(folder.attempt, error)

    def _note_restart(self, paper: OpenPaper, sitting: Sitting) -> None:
        """Writes down, once, that the program began again with this paper."""
        restart = self._restart()
        if restart is None or restart.attempt != paper.attempt or self._restart_noted:
            return
        if sitting.submitted is None:
            paper.append(restart.record())
        self._restart_noted = True

    def _reopen_for_receipt(self, attempt: str) -> None:
        """After a restart: journal and keys without the paper, to hand in or show the receipt."""
        folder = self._folder(attempt)
        lease = folder.lease()
        if lease is None or not folder.journal.exists():
            return
        self._open = self._lay_out(lease)
        self._open.uploader.start()


def _goes_on(error: ClientError, *, lost: bool) -> bool:
    """Whether what this station knows of the start holds though the server gave no form's key."""
    if isinstance(error, ServerRefusedError) and error.code is ErrorCode.NOT_STARTED:
        return True
    return goes_on(error, lost=lost)


def _checked(view: api.ReceiptView, signed: SignedHead, server: Ed25519PublicKey) -> Receipt:
    """The receipt, where the server signed it over the very records that `signed` ends."""
    try:
        receipt = Receipt.from_bytes(view.receipt)
        receipt.check(view.signature, server)
    except ContractError as error:
        raise StoppedError(NoticeCode.SERVER_REFUSES, str(error)) from error
    if (receipt.attempt, receipt.sequence, receipt.head) != (
        signed.attempt,
        signed.sequence,
        signed.head,
    ):
        raise StoppedError(NoticeCode.SERVER_REFUSES, "the receipt is of other records")
    return receipt
