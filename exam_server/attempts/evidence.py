"""Genuine records that cannot count: kept all the same, once, with the reason."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.attempts.fencing_models import LateDecision
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    JournalRecord,
    SetAside,
    of_attempt,
)
from exam_server.contract.records import Record


def set_aside(
    session: Session,
    attempt: Attempt,
    record: Record,
    station: str,
    reason: SetAside,
    received_at: datetime,
) -> bool:
    """Keeps a genuine record as evidence; False where it is kept already."""
    known = select(EvidenceRecord.id).where(
        EvidenceRecord.centre_id == attempt.centre_id,
        EvidenceRecord.attempt_id == attempt.id,
        EvidenceRecord.head == record.head,
    )
    if session.scalar(known) is not None:
        return False
    session.add(
        EvidenceRecord(
            centre_id=attempt.centre_id,
            attempt_id=attempt.id,
            station_id=station,
            epoch=record.epoch,
            sequence=record.sequence,
            head=record.head,
            data=record.to_bytes(),
            reason=reason,
            received_at=received_at,
        )
    )
    session.flush()
    return True


def kept_since() -> sa.ColumnElement[bool]:
    """Of a row of evidence: the very record was kept after all. Whoever looks for what lies aside
    passes it over: the group commit, which keeps most records, never looks for evidence."""
    return (
        select(JournalRecord.sequence)
        .where(
            JournalRecord.centre_id == EvidenceRecord.centre_id,
            JournalRecord.attempt_id == EvidenceRecord.attempt_id,
            JournalRecord.sequence == EvidenceRecord.sequence,
            JournalRecord.head == EvidenceRecord.head,
        )
        .exists()
    )


def forget_what_counts(session: Session, attempt: Attempt) -> None:
    """A record that was carried elsewhere first, or stood behind a gap, and then came in its place:
    it counts by itself, and needs nobody's word."""
    twice = session.exec(
        select(EvidenceRecord.id).where(*of_attempt(EvidenceRecord, attempt), kept_since())
    ).all()
    if not twice:
        return
    for kind, column in (
        (LateDecision, col(LateDecision.evidence_id)),
        (EvidenceRecord, col(EvidenceRecord.id)),
    ):
        session.exec(
            sa.delete(kind).where(col(kind.centre_id) == attempt.centre_id, column.in_(twice))
        )
    session.flush()
