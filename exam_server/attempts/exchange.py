"""The two sides of a conflict change places, exactly: records, leases, heads, receipt,
and what officers said of late answers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import decisions_aside, evidence, forks, moments, records_kept
from exam_server.attempts.conflicts import reason_aside
from exam_server.attempts.fencing_models import LeaseConflict, RivalHead, RivalLease
from exam_server.attempts.forks import Branch
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    HeadSignature,
    IssuedReceipt,
    JournalRecord,
    Lease,
)
from exam_server.attempts.opening import opened
from exam_server.centres.models import Seat
from exam_server.contract.records import Left, Record, Submitted, genesis
from exam_server.keys import ServerKeys
from exam_server.shifts.models import Placement
from exam_server.stations.models import Assignment

#: What a row keeps when its side changes; only whose it is differs.
_HEAD = ("centre_id", "epoch", "sequence", "head", "signature", "received_at")
_LEASE = ("centre_id", "epoch", "attempt_id", "station_id", "granted_at")


def _fields(row: HeadSignature | RivalHead | Lease, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


@dataclass(slots=True)
class Exchange:
    """The side that counts and the one that lies aside, changing places."""

    session: Session
    attempt: Attempt
    conflict: LeaseConflict
    keys: ServerKeys
    now: datetime

    def run(self, actor: str) -> None:
        """`actor` is who settles it, for the log."""
        branch = self.aside()
        fork, coming = branch.sequence, branch.rows
        self.conflict.fork_sequence, self.conflict.fork_head = branch.sequence, branch.head
        going = self._kept_behind(fork)
        holders = {lease.epoch: lease.station_id for lease in self._leases()}
        tip = self.attempt.sequence, self.attempt.head
        words = decisions_aside.lay_aside(self.session, self.attempt, self.conflict)
        for row in going:
            self.session.delete(row)
        self.session.flush()
        for row in going:
            station = holders.get(row.epoch, self._former_holder(row.epoch))
            reason = reason_aside(self.conflict, row.epoch)
            record = Record.from_bytes(row.data)
            evidence.set_aside(self.session, self.attempt, record, station, reason, row.received_at)
        self._bring_in(coming)
        self._exchange_heads(fork)
        self._exchange_leases(actor)
        self._exchange_ends()
        self.conflict.tip_sequence, self.conflict.tip_head = tip
        self.session.flush()
        decisions_aside.bring_in(
            self.session, self.attempt, self.conflict, words, keys=self.keys, now=self.now
        )

    def aside(self) -> Branch:
        """The side that lies aside, as far as it may count: what was sealed after the deadline
        stays evidence, and so does all behind it."""
        forks.require_reachable(self.session, self.attempt, self.conflict)
        branch = forks.branch_aside(self.session, self.attempt, self.conflict)
        return replace(branch, rows=branch.rows[: self._in_time(branch)])

    def _in_time(self, branch: Branch) -> int:
        key = attempt_key_of(self.keys, self.attempt.id)
        written = [opened(Record.from_bytes(row.data), key) for row in branch.rows]
        kept = records_kept.records_of(self.session, self.attempt)
        before = [one.open(key)[0] for one in kept if one.sequence <= branch.sequence]
        return moments.allowed(
            self.session,
            self.attempt,
            [(body, datetime.fromtimestamp(at / 1000, UTC)) for body, at in written],
            self.now,
            left_before=[body for body in before if isinstance(body, Left)],
        )

    def _kept_behind(self, fork: int) -> list[JournalRecord]:
        return list(
            self.session.exec(
                select(JournalRecord)
                .where(
                    JournalRecord.centre_id == self.attempt.centre_id,
                    JournalRecord.attempt_id == self.attempt.id,
                    JournalRecord.sequence > fork,
                )
                .order_by(col(JournalRecord.sequence))
            )
        )

    def _leases(self) -> list[Lease]:
        """Those of the side that counts."""
        return list(
            self.session.exec(
                select(Lease).where(
                    Lease.centre_id == self.attempt.centre_id,
                    Lease.attempt_id == self.attempt.id,
                    Lease.epoch >= self.conflict.epoch,
                )
            )
        )

    def _rival_leases(self) -> list[RivalLease]:
        return list(
            self.session.exec(
                select(RivalLease).where(
                    RivalLease.centre_id == self.attempt.centre_id,
                    RivalLease.conflict_id == self.conflict.id,
                )
            )
        )

    def _former_holder(self, epoch: int) -> str:
        key = (self.attempt.centre_id, self.attempt.id, epoch)
        return self.session.get_one(Lease, key).station_id

    def _bring_in(self, coming: list[EvidenceRecord]) -> None:
        sequence, head = self.conflict.fork_sequence, self.conflict.fork_head
        handed_in = False
        for row in coming:
            record = Record.from_bytes(row.data)
            self.session.add(
                JournalRecord(
                    centre_id=row.centre_id,
                    attempt_id=row.attempt_id,
                    sequence=row.sequence,
                    epoch=row.epoch,
                    head=row.head,
                    data=row.data,
                    received_at=row.received_at,
                )
            )
            body, _at = record.open(attempt_key_of(self.keys, self.attempt.id))
            handed_in = isinstance(body, Submitted)
            sequence, head = row.sequence, row.head
            self.session.delete(row)
        self.attempt.sequence, self.attempt.head = sequence, head
        self.conflict.aside_handed_in, self.attempt.handed_in = self.attempt.handed_in, handed_in
        self.session.flush()
        records_kept.read_sections_again(self.session, self.attempt, self.keys)

    def _exchange_heads(self, fork: int) -> None:
        """Of records behind the fork, and of the leases that change hands, signed at it."""
        going = self.session.exec(
            select(HeadSignature).where(
                HeadSignature.centre_id == self.attempt.centre_id,
                HeadSignature.attempt_id == self.attempt.id,
                (col(HeadSignature.sequence) > fork)
                | (col(HeadSignature.epoch) >= self.conflict.epoch),
            )
        ).all()
        aside = self.session.exec(
            select(RivalHead).where(
                RivalHead.centre_id == self.attempt.centre_id,
                RivalHead.conflict_id == self.conflict.id,
            )
        ).all()
        coming = [row for row in aside if row.head in self._heads_kept()]
        for row in (*going, *coming):
            self.session.delete(row)
        self.session.flush()
        for row in coming:
            self.session.add(HeadSignature(attempt_id=self.attempt.id, **_fields(row, _HEAD)))
        for gone in going:
            self.session.add(RivalHead(conflict_id=self.conflict.id, **_fields(gone, _HEAD)))
        self.session.flush()

    def _heads_kept(self) -> set[bytes]:
        kept = set(
            self.session.exec(
                select(JournalRecord.head).where(
                    JournalRecord.centre_id == self.attempt.centre_id,
                    JournalRecord.attempt_id == self.attempt.id,
                )
            )
        )
        return kept | {genesis(self.attempt.id)}

    def _exchange_leases(self, actor: str) -> None:
        """And a new epoch for whoever counts now: nobody knows its key but its station."""
        going, coming = self._leases(), self._rival_leases()
        for row in (*going, *coming):
            self.session.delete(row)
        self.session.flush()
        for lease in going:
            self.session.add(RivalLease(conflict_id=self.conflict.id, **_fields(lease, _LEASE)))
        self.attempt.epoch = max([self.attempt.epoch, *(rival.epoch for rival in coming)]) + 1
        for rival in coming:
            self._add_lease(rival.epoch, rival.station_id, rival.granted_at)
        holder = max(coming, key=lambda rival: rival.epoch).station_id if coming else None
        if holder is not None:
            self._add_lease(self.attempt.epoch, holder, self.now)
            self._follow(holder, actor)
        self.session.flush()

    def _add_lease(self, epoch: int, station: str, granted_at: datetime) -> None:
        self.session.add(
            Lease(
                centre_id=self.attempt.centre_id,
                attempt_id=self.attempt.id,
                epoch=epoch,
                station_id=station,
                granted_at=granted_at,
            )
        )

    def _follow(self, station: str, actor: str) -> None:
        """The placement goes to the seat of whoever counts, where that seat is free."""
        session, attempt = self.session, self.attempt
        seat = session.scalar(
            select(Assignment.seat_id).where(
                Assignment.centre_id == attempt.centre_id,
                Assignment.station_id == station,
                col(Assignment.until).is_(None),
            )
        )
        placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
        if seat is None or seat == placement.seat_id:
            return
        taken = select(Placement.id).where(
            Placement.centre_id == placement.centre_id,
            Placement.shift_id == placement.shift_id,
            Placement.seat_id == seat,
        )
        if session.scalar(taken) is not None:
            return
        before = placement.seat_id
        placement.seat_id = seat
        placement.room_id = session.get_one(Seat, seat).room_id
        audit.record(
            session,
            actor=actor,
            action="candidate_moved",
            subject=f"placement:{placement.id}",
            details={"from": before, "to": seat, "reason": "conflict settled"},
            now=self.now,
        )

    def _exchange_ends(self) -> None:
        session, attempt, conflict = self.session, self.attempt, self.conflict
        issued = session.get(IssuedReceipt, (attempt.centre_id, attempt.id))
        if issued is not None:
            session.delete(issued)
            session.flush()
        if conflict.aside_receipt is not None:
            session.add(
                IssuedReceipt(
                    centre_id=attempt.centre_id,
                    attempt_id=attempt.id,
                    body=conflict.aside_receipt,
                    signature=conflict.aside_receipt_signature or b"",
                    short_code=conflict.aside_receipt_code or "",
                    issued_at=conflict.aside_receipt_at or self.now,
                )
            )
        conflict.aside_receipt = issued.body if issued else None
        conflict.aside_receipt_signature = issued.signature if issued else None
        conflict.aside_receipt_at = issued.issued_at if issued else None
        conflict.aside_receipt_code = issued.short_code if issued else None
        attempt.state, conflict.aside_state = conflict.aside_state, attempt.state
        attempt.submitted_at, conflict.aside_submitted_at = (
            conflict.aside_submitted_at,
            attempt.submitted_at,
        )
