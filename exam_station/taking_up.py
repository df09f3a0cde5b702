"""Takes up the journal that is to be written on, or only sent, under a lease."""

from collections.abc import Sequence
from dataclasses import dataclass

from exam_server.contract import api
from exam_server.contract.errors import ContractError
from exam_server.contract.journal_file import Header
from exam_server.contract.records import Record, WritingKeys
from exam_server.contract.wrapping import Purpose, wrap
from exam_station.attempt_folder import AttemptFolder
from exam_station.client import Client
from exam_station.continuing import Taken, continues, take
from exam_station.flow.codes import NoticeCode
from exam_station.journal import Journal, JournalError
from exam_station.stopping import StoppedError, asked, stopped_by
from exam_station.uploader import leave_as_evidence
from exam_station.vault import Vault


@dataclass(frozen=True, slots=True)
class TakingUp:
    """Raises ClientError where trying again may help, StoppedError where a person must."""

    client: Client
    vault: Vault
    folder: AttemptFolder
    lease: api.LeaseView
    keys: WritingKeys

    def journal(self, *, writing: bool) -> Journal:
        """The attempt's journal. Where another station has written since, it begins with what the
        server holds; what this one had written besides is sent as evidence and put by. One that a
        move token ends is only sent, never written on under that lease."""
        before: Sequence[Record] = ()
        try:
            journal = Journal.open(self.folder.journal)
            moved = journal.moved.token.epoch if journal.moved else 0
            if moved >= self.lease.epoch and writing:
                journal.close()
                raise StoppedError(
                    NoticeCode.CARRIED_AWAY, "this attempt was carried to another station"
                )
            if moved >= self.lease.epoch or (not moved and continues(journal.records, self.lease)):
                return journal
            before = journal.records
            journal.close()
        except FileNotFoundError:
            pass
        except JournalError as error:
            raise stopped_by(error) from error
        return self._begun_anew(before)

    def _begun_anew(self, before: Sequence[Record]) -> Journal:
        try:
            taken = self._taken(before)
        except StoppedError:
            # Without the server's records it cannot be told which of these it lacks: all are sent.
            leave_as_evidence(self.client, self.keys, before)
            raise
        if before:
            leave_as_evidence(self.client, self.keys, taken.own)
            self._put_by()
            taken = self._taken(())  # some of them may count, after all
        try:
            return Journal.create(self.folder.journal, self._header(), taken.records)
        except JournalError as error:
            raise stopped_by(error) from error

    def _taken(self, before: Sequence[Record]) -> Taken:
        lease = self.lease
        if lease.next_sequence == 1 and not before:
            return Taken((), ())
        try:
            return take(
                lease,
                self.keys,
                before,
                lambda after: asked(lambda: self.client.history(lease.attempt, after)),
            )
        except ContractError as error:
            raise StoppedError(NoticeCode.SERVER_REFUSES, str(error)) from error

    def _put_by(self) -> None:
        try:
            self.folder.put_journal_by(self.lease.epoch)
        except OSError as error:
            raise StoppedError(NoticeCode.DISK_FULL, "the journal cannot be put by") from error

    def _header(self) -> Header:
        """The attempt's key for this station, and for the server's recovery key."""
        attempt, key = self.lease.attempt, self.keys.attempt_key
        recovery = wrap(key, self.vault.recovery, Purpose.ATTEMPT_KEY, attempt)
        return Header(attempt, self.lease.attempt_key, recovery)
