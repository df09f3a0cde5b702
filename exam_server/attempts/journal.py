"""The server's end of the journal: records come in, are proven, kept, and answered for."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, select

from exam_server.attempts import evidence, heads, moments, time
from exam_server.attempts.granting import lease_key
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import Attempt, JournalRecord, Lease, SetAside
from exam_server.attempts.opening import opened
from exam_server.attempts.service import attempt_here, form_opened
from exam_server.contract.api import Acknowledged, AttemptState, LedgerView, ShiftState
from exam_server.contract.batches import Batch
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.records import Answered, Body, Left, Record, Submitted
from exam_server.errors import RefusedError
from exam_server.keys import ServerKeys
from exam_server.shifts.models import Shift
from exam_server.stations.models import Station
from question_bank.errors import MalformedError

#: How far a station's clock may run ahead of the server's; what is further is to be sent then.
CLOCK_SKEW = timedelta(seconds=5)
#: A station that is asked to come again is asked for no more seconds than these.
LONGEST_WAIT = 30.0


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


def _after_the_end(message: str) -> _Bar:
    return _Bar(SetAside.AFTER_THE_END, RefusedError(ErrorCode.ATTEMPT_CLOSED, message))


_SUPERSEDED = "another station has taken this attempt over"
_HANDED_IN = _after_the_end("this attempt has been handed in")


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
            self._set_aside(record, self.bar.reason)
            raise self.bar.refusal
        self._append(record, data)
        if isinstance(body, Submitted):
            self.attempt.handed_in, self.bar = True, _HANDED_IN

    def keep_as_evidence(self, data: bytes) -> None:
        """Sets one record aside for the standing reason; what is not genuine is passed over."""
        with contextlib.suppress(RefusedError):
            self.take(data)

    def _bar_of(self, record: Record, held: Lease) -> _Bar | None:
        if not may_write(self.session, self.attempt, held):
            refusal = RefusedError(ErrorCode.LEASE_SUPERSEDED, _SUPERSEDED)
            return _Bar(SetAside.SUPERSEDED_LEASE, refusal)
        if self.bar is None and record.sequence <= self.attempt.sequence:
            message = f"record {record.sequence} is kept with other content"
            return _Bar(SetAside.FORK, RefusedError(ErrorCode.RECORD_REJECTED, message))
        return self.bar

    def _bar_of_moment(self, body: Body, at: datetime) -> _Bar | None:
        """The deadline is that of the moment at which the station sealed the record."""
        if at > self.now + CLOCK_SKEW:
            raise _too_early(at - self.now)
        try:
            if isinstance(body, Left):
                moments.leave_section(self.session, self.attempt, body, at, self.now)
            end = moments.last_moment(self.session, self.attempt, body, self.now)
        except ContractError as error:
            raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error
        if end is None:
            return None
        if at > end:
            return _after_the_end("the time was up")
        if self.now > end + self.grace:
            self._flag_late()
        return None

    def _look_at_late(self, record: Record, reason: SetAside) -> None:
        """An answer sealed in time that came after the closing makes the result conditional."""
        if reason is not SetAside.AFTER_THE_END or self.attempt.handed_in:
            return
        with contextlib.suppress(RefusedError):
            body, at = self._opened(record)
            deadline = time.ledger_of(self.session, self.attempt).deadline(self.now)
            if isinstance(body, Answered) and (deadline is None or at <= deadline):
                self._flag_late()

    def _flag_late(self) -> None:
        sequence = self.attempt.sequence + 1
        moments.flag_late(self.session, self.attempt, self.station.id, sequence, self.now)

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
        kept = self.session.get(
            JournalRecord, (self.attempt.centre_id, self.attempt.id, record.sequence)
        )
        return kept is not None and kept.data == data

    def _authenticated(self, record: Record) -> Lease:
        held = self.session.get(Lease, (self.attempt.centre_id, self.attempt.id, record.epoch))
        if held is None or held.station_id != self.station.id:
            raise RefusedError(ErrorCode.RECORD_REJECTED, "this station has no such lease")
        try:
            record.check_mac(lease_key(held, self.attempt, self.keys))
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
        if self.attempt.state is AttemptState.ADMITTED:
            form_opened(self.attempt)
        self.session.flush()

    def _set_aside(self, record: Record, reason: SetAside) -> None:
        new = evidence.set_aside(
            self.session, self.attempt, record, self.station.id, reason, self.now
        )
        if new:
            self._look_at_late(record, reason)


def _too_early(by: timedelta) -> RefusedError:
    """A record from the future. A station follows this server's clock, so this clock was set back:
    no reason to stop a candidate. The record is genuine, and is taken once its moment has come."""
    wait = min(by.total_seconds(), LONGEST_WAIT)
    message = "the record's moment is yet to come; this server's clock was set back"
    return RefusedError(ErrorCode.TOO_BUSY, message, retry_after=wait)


def append(
    session: Session,
    attempt_id: str,
    batch: Batch,
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
    attempt = attempt_here(session, attempt_id, station)
    attempt_key = attempt_key_of(keys, attempt.id)
    desk = _Desk(
        session=session,
        attempt=attempt,
        station=station,
        keys=keys,
        grace=grace,
        now=now,
        bar=_end(session, attempt),
        attempt_key=attempt_key,
    )
    before = attempt.sequence
    refusal = _take_all(desk, batch)
    if attempt.sequence > before:
        evidence.forget_what_counts(session, attempt)
    if refusal is None and batch.epoch != attempt.epoch:
        refusal = RefusedError(ErrorCode.LEASE_SUPERSEDED, _SUPERSEDED)
    ledger = LedgerView.of(time.ledger_of(session, attempt))
    acknowledged = Acknowledged(
        sequence=attempt.sequence, head=attempt.head, ledger=ledger, server_time=now
    )
    return Appended(acknowledged, refusal)


def set_aside_unplaced(
    session: Session,
    attempt: Attempt,
    batch: Batch,
    *,
    station: Station,
    keys: ServerKeys,
    grace: timedelta,
    now: datetime,
) -> None:
    """Keeps as evidence what no rule could place, because records before it are lost for good.

    Records that are held already, and those that are not genuine, are passed over.
    """
    refusal = RefusedError(ErrorCode.RECORD_GAP, "records before it are missing")
    desk = _Desk(
        session=session,
        attempt=attempt,
        station=station,
        keys=keys,
        grace=grace,
        now=now,
        bar=_Bar(SetAside.UNPLACED, refusal),
        attempt_key=attempt_key_of(keys, attempt.id),
    )
    for data in batch.records:
        desk.keep_as_evidence(data)


def _take_all(desk: _Desk, batch: Batch) -> RefusedError | None:
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
        heads.keep(desk.session, desk.attempt, batch.head, desk.station, desk.now)
    except RefusedError as error:
        return error
    return None


def _end(session: Session, attempt: Attempt) -> _Bar | None:
    """What has ended the attempt for good, None while it is being written."""
    if time.ledger_of(session, attempt).started is None:
        raise RefusedError(ErrorCode.NOT_STARTED, "the shift has not been started")
    shift = session.get_one(Shift, (attempt.centre_id, attempt.shift_id))
    # Who wrote without network, and was heard of after the closing only, is not shut out by it.
    told_since = shift.closed_at is not None and attempt.admitted_at > shift.closed_at
    if shift.state is ShiftState.CLOSED and not told_since:
        return _after_the_end("the shift is closed")
    if attempt.state is AttemptState.SUBMITTED or attempt.handed_in:
        return _HANDED_IN
    return None


def may_write(session: Session, attempt: Attempt, held: Lease) -> bool:
    """Whether the lease is in force, or every one since is of the same station and nothing was kept
    under them: a conflict was settled for it, and it has not heard of its new epoch yet."""
    if held.epoch == attempt.epoch:
        return True
    last = session.get(JournalRecord, (attempt.centre_id, attempt.id, attempt.sequence))
    if last is not None and last.epoch > held.epoch:
        return False
    since = session.exec(
        select(Lease.station_id).where(
            Lease.centre_id == attempt.centre_id,
            Lease.attempt_id == attempt.id,
            Lease.epoch > held.epoch,
        )
    ).all()
    return bool(since) and set(since) == {held.station_id}
