"""What is kept of an attempt, read: its records in order, and the answers that count."""

from collections.abc import Iterator

from sqlmodel import Session, and_, col, select

from exam_server.attempts.fencing_models import LateDecision
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import Attempt, EvidenceRecord, JournalRecord
from exam_server.attempts.sections import sections_of
from exam_server.contract.answers import responses_of
from exam_server.contract.errors import ContractError
from exam_server.contract.records import Left, Record, genesis
from exam_server.keys import ServerKeys
from question_bank.response import Response


def records_of(session: Session, attempt: Attempt) -> Iterator[Record]:
    """The records kept, in order, the chain checked on the way; ContractError where it breaks."""
    head = genesis(attempt.id)
    for kept in session.exec(
        select(JournalRecord)
        .where(JournalRecord.centre_id == attempt.centre_id, JournalRecord.attempt_id == attempt.id)
        .order_by(col(JournalRecord.sequence))
    ):
        record = Record.from_bytes(kept.data)
        if record.previous != head or record.sequence != kept.sequence:
            raise ContractError(f"the chain breaks at record {kept.sequence}")
        head = record.head
        yield record
    if head != attempt.head:
        raise ContractError(f"records after {attempt.sequence} are missing or changed")


def adopted_records(session: Session, attempt: Attempt) -> list[Record]:
    """The adopted records of an attempt, in no order."""
    rows = session.exec(
        select(EvidenceRecord.data)
        .join(
            LateDecision,
            and_(
                col(LateDecision.centre_id) == EvidenceRecord.centre_id,
                col(LateDecision.evidence_id) == EvidenceRecord.id,
            ),
        )
        .where(
            LateDecision.centre_id == attempt.centre_id,
            LateDecision.attempt_id == attempt.id,
            col(LateDecision.adopted),
        )
    )
    return [Record.from_bytes(data) for data in rows]


def read_sections_again(session: Session, attempt: Attempt, keys: ServerKeys) -> None:
    """What the records now kept say of a sequential paper's sections: they were exchanged."""
    if sections_of(session, attempt) is None:
        return
    key = attempt_key_of(keys, attempt.id)
    bodies = (record.open(key)[0] for record in records_of(session, attempt))
    left = [[one.section, one.at, one.by] for one in bodies if isinstance(one, Left)]
    attempt.sections_left = left or None


def final_responses(session: Session, attempt: Attempt, keys: ServerKeys) -> dict[str, Response]:
    """Presented item id → the last response that was not cleared, by epoch and number among the
    records kept and the late ones adopted."""
    counted = [*records_of(session, attempt), *adopted_records(session, attempt)]
    return responses_of(counted, attempt_key_of(keys, attempt.id))
