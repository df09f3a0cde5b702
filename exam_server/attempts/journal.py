"""The server's end of the journal: records come in, are proven, kept, and answered for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel import Session, col, select

from exam_server.attempts import time
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    HeadSignature,
    JournalRecord,
    Lease,
    SetAside,
)
from exam_server.attempts.service import lease_key
from exam_server.contract.api import Acknowledged, AttemptState, HeadView, LedgerView, RecordBatch
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.records import Answered, Body, Record, SignedHead, genesis
from exam_server.errors import RefusedError
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealed
from exam_server.stations.models import Station
from question_bank.errors import MalformedError
from question_bank.response import Response, from_plain


@dataclass(frozen=True, slots=True)
class Appended:
    """What is kept after a batch. `refusal` is to be raised once the transaction is committed."""

    acknowledged: Acknowledged
    refusal: RefusedError | None


@dataclass(slots=True)
class _Desk:
    """One batch on its way in."""

    session: Session
    attempt: Attempt
    station: Station
    keys: ServerKeys
    now: datetime
    closed: RefusedError | None
    attempt_key: bytes

    def take(self, data: bytes) -> None:
        """Keeps one record; RefusedError where it cannot follow."""
        record = self._parsed(data)
        if record.sequence <= self.attempt.sequence and self._known(record, data):
            return
        held = self._authenticated(record)
        if held.epoch != self.attempt.epoch:
            self._set_aside(record, data, SetAside.SUPERSEDED_LEASE)
            raise RefusedError(
                ErrorCode.LEASE_SUPERSEDED, "another station has taken this attempt over"
            )
        if self.closed is not None:
            self._set_aside(record, data, SetAside.AFTER_THE_END)
            raise self.closed
        if record.sequence <= self.attempt.sequence:
            self._set_aside(record, data, SetAside.FORK)
            raise RefusedError(
                ErrorCode.RECORD_REJECTED, f"record {record.sequence} is kept with other content"
            )
        if record.sequence > self.attempt.sequence + 1:
            raise RefusedError(
                ErrorCode.RECORD_GAP, f"record {self.attempt.sequence + 1} is missing"
            )
        self._append(record, data)

    def _parsed(self, data: bytes) -> Record:
        try:
            record = Record.from_bytes(data)
        except ContractError as error:
            raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error
        if record.attempt != self.attempt.id:
            raise RefusedError(ErrorCode.RECORD_REJECTED, "a record of another attempt")
        return record

    def _known(self, record: Record, data: bytes) -> bool:
        kept = self.session.get(JournalRecord, (self.attempt.id, record.sequence))
        return kept is not None and kept.data == data

    def _authenticated(self, record: Record) -> Lease:
        held = self.session.get(Lease, (self.attempt.id, record.epoch))
        if held is None or held.station_id != self.station.id:
            raise RefusedError(ErrorCode.RECORD_REJECTED, "this station has no such lease")
        try:
            record.check_mac(lease_key(held, self.keys))
        except ContractError as error:
            raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error
        return held

    def _append(self, record: Record, data: bytes) -> None:
        if record.previous != self.attempt.head:
            raise RefusedError(
                ErrorCode.RECORD_REJECTED, f"record {record.sequence} does not follow the last one"
            )
        if record.acknowledged > self.attempt.sequence:
            raise RefusedError(
                ErrorCode.RECORD_REJECTED, "the record names an acknowledgement never given"
            )
        try:
            opened(record, self.attempt_key)
        except (ContractError, MalformedError) as error:
            raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error
        self.session.add(
            JournalRecord(
                attempt_id=self.attempt.id,
                sequence=record.sequence,
                centre_id=self.attempt.centre_id,
                epoch=record.epoch,
                head=record.head,
                data=data,
                received_at=self.now,
            )
        )
        self.attempt.sequence, self.attempt.head = record.sequence, record.head
        self.session.flush()

    def _set_aside(self, record: Record, data: bytes, reason: SetAside) -> None:
        known = select(EvidenceRecord.id).where(
            EvidenceRecord.attempt_id == self.attempt.id, EvidenceRecord.head == record.head
        )
        if self.session.scalar(known) is not None:
            return
        self.session.add(
            EvidenceRecord(
                centre_id=self.attempt.centre_id,
                attempt_id=self.attempt.id,
                station_id=self.station.id,
                epoch=record.epoch,
                sequence=record.sequence,
                head=record.head,
                data=data,
                reason=reason,
                received_at=self.now,
            )
        )
        self.session.flush()


def append(
    session: Session,
    attempt_id: str,
    batch: RecordBatch,
    *,
    station: Station,
    keys: ServerKeys,
    grace: timedelta,
    now: datetime,
) -> Appended:
    """Keeps every record that follows; the first that does not ends the batch.

    Sending the same bytes again changes nothing. Genuine records that come too late (after the
    end, from a lease taken over, or beside one that is kept) go into `evidence_record`.
    """
    attempt = session.get(Attempt, attempt_id, with_for_update=True)
    if attempt is None or attempt.centre_id != station.centre_id:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no such attempt here")
    desk = _Desk(
        session=session,
        attempt=attempt,
        station=station,
        keys=keys,
        now=now,
        closed=_closed(session, attempt, grace, now),
        attempt_key=keys.sealing.unseal(Sealed.ATTEMPT_KEY, attempt.id, attempt.key),
    )
    refusal = None
    try:
        for data in batch.records:
            desk.take(data)
        if batch.head is not None:
            keep_head(session, attempt, batch.head, station, now)
    except RefusedError as error:
        refusal = error
    ledger = LedgerView.of(time.ledger_of(session, attempt))
    acknowledged = Acknowledged(
        sequence=attempt.sequence, head=attempt.head, ledger=ledger, server_time=now
    )
    return Appended(acknowledged, refusal)


def _closed(
    session: Session, attempt: Attempt, grace: timedelta, now: datetime
) -> RefusedError | None:
    if attempt.state is AttemptState.SUBMITTED:
        return RefusedError(ErrorCode.ATTEMPT_CLOSED, "this attempt has been handed in")
    deadline = time.ledger_of(session, attempt).deadline(now)
    if deadline is None:
        return RefusedError(ErrorCode.NOT_STARTED, "the shift has not been started")
    if now > deadline + grace:
        return RefusedError(ErrorCode.ATTEMPT_CLOSED, "the time was up")
    return None


def keep_head(
    session: Session, attempt: Attempt, view: HeadView, station: Station, now: datetime
) -> None:
    """Keeps a station's signature over the chain; refused unless it is over what is kept."""
    held = session.get(Lease, (attempt.id, view.epoch))
    if held is None or held.station_id != station.id:
        raise RefusedError(ErrorCode.RECORD_REJECTED, "this station has no such lease")
    if view.sequence > attempt.sequence:
        raise RefusedError(ErrorCode.RECORD_GAP, f"record {attempt.sequence + 1} is missing")
    if view.head != _head_at(session, attempt, view.sequence):
        raise RefusedError(ErrorCode.RECORD_REJECTED, "the head is not that of the records kept")
    signed = SignedHead(attempt.id, view.epoch, view.sequence, view.head, view.signature)
    try:
        signed.check(Ed25519PublicKey.from_public_bytes(station.signing_key))
    except ContractError as error:
        raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error
    if session.get(HeadSignature, (attempt.id, view.epoch, view.sequence)) is None:
        session.add(
            HeadSignature(
                attempt_id=attempt.id,
                epoch=view.epoch,
                sequence=view.sequence,
                centre_id=attempt.centre_id,
                head=view.head,
                signature=view.signature,
                received_at=now,
            )
        )
        session.flush()


def _head_at(session: Session, attempt: Attempt, sequence: int) -> bytes | None:
    if sequence == attempt.sequence:
        return attempt.head
    kept = session.get(JournalRecord, (attempt.id, sequence))
    return kept.head if kept else genesis(attempt.id) if sequence == 0 else None


def opened(record: Record, attempt_key: bytes) -> tuple[Body, int]:
    """Body and moment of a record whose response, if it has one, is well-formed."""
    body, at = record.open(attempt_key)
    if isinstance(body, Answered) and body.response is not None:
        from_plain(body.response)
    return body, at


def records_of(session: Session, attempt: Attempt) -> Iterator[Record]:
    """The records kept, in order, the chain checked on the way; ContractError where it breaks."""
    head = genesis(attempt.id)
    for kept in session.exec(
        select(JournalRecord)
        .where(JournalRecord.attempt_id == attempt.id)
        .order_by(col(JournalRecord.sequence))
    ):
        record = Record.from_bytes(kept.data)
        if record.previous != head or record.sequence != kept.sequence:
            raise ContractError(f"the chain breaks at record {kept.sequence}")
        head = record.head
        yield record
    if head != attempt.head:
        raise ContractError(f"records after {attempt.sequence} are missing or changed")


def final_responses(session: Session, attempt: Attempt, keys: ServerKeys) -> dict[str, Response]:
    """Presented item id → the last response that was not cleared."""
    attempt_key = keys.sealing.unseal(Sealed.ATTEMPT_KEY, attempt.id, attempt.key)
    responses: dict[str, Response] = {}
    for record in records_of(session, attempt):
        body, _at = record.open(attempt_key)
        if not isinstance(body, Answered):
            continue
        response = None if body.response is None else from_plain(body.response)
        if response is None or response.is_empty:
            responses.pop(body.item, None)
        else:
            responses[body.item] = response
    return responses
