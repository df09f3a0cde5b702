"""The server's end of the journal: records come in, are proven, kept, and answered for."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import time
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    HeadSignature,
    JournalRecord,
    Lease,
    SetAside,
)
from exam_server.attempts.service import latest_lease, lease_key
from exam_server.checkin import conditions
from exam_server.contract.api import (
    Acknowledged,
    AttemptState,
    HeadView,
    LedgerView,
    RecordBatch,
    ShiftState,
)
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.records import (
    Answered,
    Body,
    Flagged,
    Record,
    SignedHead,
    Submitted,
    genesis,
)
from exam_server.errors import RefusedError
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealed
from exam_server.shifts.models import Shift
from exam_server.stations.models import Station
from question_bank.errors import MalformedError
from question_bank.response import Response, from_plain

#: How far a station's clock may run ahead of the server's.
CLOCK_SKEW = timedelta(seconds=5)
#: What must be sealed by the deadline. A hand-in, and where the candidate looked, may come later.
_TIMED = (Answered, Flagged)


@dataclass(frozen=True, slots=True)
class Appended:
    """What is kept after a batch. `refusal` is to be raised once the transaction is committed."""

    acknowledged: Acknowledged
    refusal: RefusedError | None


@dataclass(frozen=True, slots=True)
class _Bar:
    """Why nothing more is kept: what evidence is then called, and what the station is told."""

    reason: SetAside
    refusal: RefusedError


_SUPERSEDED = "another station has taken this attempt over"


@dataclass(slots=True)
class _Desk:
    """One batch on its way in. Once `bar` is set, all that follows is evidence only."""

    session: Session
    attempt: Attempt
    station: Station
    keys: ServerKeys
    grace: timedelta
    now: datetime
    bar: _Bar | None
    attempt_key: bytes

    def take(self, data: bytes) -> None:
        """Keeps one record; RefusedError where it cannot follow."""
        record = self._parsed(data)
        if record.sequence <= self.attempt.sequence and self._known(record, data):
            return
        held = self._authenticated(record)
        self.bar = self._bar_of(record, held)
        if self.bar is None:
            self._check_place(record)
            body, at = self._opened(record)
            self.bar = self._bar_of_moment(body, at)
        if self.bar is not None:
            self._set_aside(record, data, self.bar.reason)
            raise self.bar.refusal
        self._append(record, data)

    def keep_as_evidence(self, data: bytes) -> None:
        """Sets one record aside for the standing reason; what is not genuine is passed over."""
        with contextlib.suppress(RefusedError):
            self.take(data)

    def _bar_of(self, record: Record, held: Lease) -> _Bar | None:
        if held.epoch != self.attempt.epoch:
            refusal = RefusedError(ErrorCode.LEASE_SUPERSEDED, _SUPERSEDED)
            return _Bar(SetAside.SUPERSEDED_LEASE, refusal)
        if self.bar is None and record.sequence <= self.attempt.sequence:
            message = f"record {record.sequence} is kept with other content"
            return _Bar(SetAside.FORK, RefusedError(ErrorCode.RECORD_REJECTED, message))
        return self.bar

    def _bar_of_moment(self, body: Body, at: datetime) -> _Bar | None:
        """The deadline is that of the moment at which the station sealed the record."""
        if at > self.now + CLOCK_SKEW:
            raise RefusedError(ErrorCode.RECORD_REJECTED, "the record's moment is yet to come")
        deadline = time.ledger_of(self.session, self.attempt).deadline(self.now)
        if not isinstance(body, _TIMED) or deadline is None:
            return None
        if at > deadline:
            refusal = RefusedError(ErrorCode.ATTEMPT_CLOSED, "the time was up")
            return _Bar(SetAside.AFTER_THE_END, refusal)
        if self.now > deadline + self.grace:
            self._flag_late()
        return None

    def _flag_late(self) -> None:
        """That it was sealed in time is the station's word alone: the exam office looks at it."""
        if self.attempt.arrived_late:
            return
        self.attempt.arrived_late = True
        conditions.raise_for_attempt(self.session, self.attempt.placement_id)
        audit.record(
            self.session,
            actor=f"station:{self.station.id}",
            action="records_arrived_late",
            subject=f"attempt:{self.attempt.id}",
            details={"sequence": self.attempt.sequence + 1},
            now=self.now,
        )

    def _check_place(self, record: Record) -> None:
        if record.sequence > self.attempt.sequence + 1:
            raise RefusedError(
                ErrorCode.RECORD_GAP, f"record {self.attempt.sequence + 1} is missing"
            )
        if record.previous != self.attempt.head:
            raise RefusedError(
                ErrorCode.RECORD_REJECTED, f"record {record.sequence} does not follow the last one"
            )
        if record.acknowledged > self.attempt.sequence:
            raise RefusedError(
                ErrorCode.RECORD_REJECTED, "the record names an acknowledgement never given"
            )

    def _opened(self, record: Record) -> tuple[Body, datetime]:
        try:
            body, at = opened(record, self.attempt_key)
            return body, datetime.fromtimestamp(at / 1000, UTC)
        except (ContractError, MalformedError, ValueError, OverflowError, OSError) as error:
            raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error

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

    Sending the same bytes again changes nothing. Genuine records that cannot count (after the
    end, from a lease taken over, or beside one that is kept) go into `evidence_record`, and all
    that come after them with them.
    """
    attempt = session.get(Attempt, attempt_id, with_for_update=True)
    if attempt is None or attempt.centre_id != station.centre_id:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no such attempt here")
    lease = latest_lease(session, attempt, station)
    attempt_key = keys.sealing.unseal(Sealed.ATTEMPT_KEY, attempt.id, attempt.key)
    desk = _Desk(
        session=session,
        attempt=attempt,
        station=station,
        keys=keys,
        grace=grace,
        now=now,
        bar=_end(session, attempt, attempt_key),
        attempt_key=attempt_key,
    )
    refusal = _take_all(desk, batch)
    if refusal is None and lease.epoch != attempt.epoch:
        refusal = RefusedError(ErrorCode.LEASE_SUPERSEDED, _SUPERSEDED)
    ledger = LedgerView.of(time.ledger_of(session, attempt))
    acknowledged = Acknowledged(
        sequence=attempt.sequence, head=attempt.head, ledger=ledger, server_time=now
    )
    return Appended(acknowledged, refusal)


def _take_all(desk: _Desk, batch: RecordBatch) -> RefusedError | None:
    """The first refusal, None where everything is kept."""
    for place, data in enumerate(batch.records):
        try:
            desk.take(data)
        except RefusedError as error:
            if desk.bar is not None:
                for rest in batch.records[place + 1 :]:
                    desk.keep_as_evidence(rest)
            return error
    if batch.head is None:
        return None
    try:
        keep_head(desk.session, desk.attempt, batch.head, desk.station, desk.now)
    except RefusedError as error:
        return error
    return None


def _end(session: Session, attempt: Attempt, attempt_key: bytes) -> _Bar | None:
    """What has ended the attempt for good, None while it is being written."""
    if time.ledger_of(session, attempt).started is None:
        raise RefusedError(ErrorCode.NOT_STARTED, "the shift has not been started")
    if session.get_one(Shift, attempt.shift_id).state is ShiftState.CLOSED:
        message = "the shift is closed"
    elif attempt.state is AttemptState.SUBMITTED or _handed_in(session, attempt, attempt_key):
        message = "this attempt has been handed in"
    else:
        return None
    return _Bar(SetAside.AFTER_THE_END, RefusedError(ErrorCode.ATTEMPT_CLOSED, message))


def _handed_in(session: Session, attempt: Attempt, attempt_key: bytes) -> bool:
    """Whether the last record kept is the hand-in; nothing is ever kept after one."""
    last = session.get(JournalRecord, (attempt.id, attempt.sequence))
    if last is None:
        return False
    return isinstance(Record.from_bytes(last.data).open(attempt_key)[0], Submitted)


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
