"""Where an attempt's conflicts fork, and which of several has to be settled first.

A settling moves everything behind the fork, the forks of other conflicts with it. So a conflict can
change places only while its fork lies among the records that count, and of several that fork at
one record only one may count otherwise than the server knew first.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from exam_server.attempts.fencing_models import LeaseConflict, Side
from exam_server.attempts.models import Attempt, EvidenceRecord, JournalRecord, of_attempt
from exam_server.contract.records import Record, genesis
from exam_server.errors import NotPossibleError, Objection


def conflicts_of(session: Session, attempt: Attempt) -> list[LeaseConflict]:
    """All of an attempt, the first one first."""
    return list(
        session.exec(
            select(LeaseConflict)
            .where(
                LeaseConflict.centre_id == attempt.centre_id,
                LeaseConflict.attempt_id == attempt.id,
            )
            .order_by(col(LeaseConflict.claimed_at), col(LeaseConflict.id))
        )
    )


def first_to_settle(
    session: Session, attempt: Attempt, conflict: LeaseConflict
) -> LeaseConflict | None:
    """The conflict that has to be settled the other way before this one can change places; None
    where it can. NotPossibleError where its fork lies nowhere."""
    others = [one for one in conflicts_of(session, attempt) if one.id != conflict.id]
    if conflict.counts is Side.SERVER:
        for one in others:
            beside = (one.fork_sequence, one.fork_head) == (
                conflict.fork_sequence,
                conflict.fork_head,
            )
            if beside and one.counts is Side.CLAIMANT:
                return one
    if _head_kept(session, attempt, conflict.fork_sequence) == conflict.fork_head:
        return None
    rows = session.exec(select(EvidenceRecord).where(*of_attempt(EvidenceRecord, attempt)))
    aside = {row.head: Record.from_bytes(row.data).previous for row in rows}
    for one in others:
        head = one.tip_head
        while head != conflict.fork_head and head != one.fork_head and head in aside:
            head = aside[head]
        if head == conflict.fork_head:
            return one
    raise NotPossibleError(Objection.WRONG_STATE, "the record at which this forks is missing")


def require_reachable(session: Session, attempt: Attempt, conflict: LeaseConflict) -> None:
    """NotPossibleError where another conflict has to be settled first; it names that one."""
    first = first_to_settle(session, attempt, conflict)
    if first is None:
        return
    raise NotPossibleError(
        Objection.OTHER_CONFLICT_FIRST,
        f"first settle conflict {first.id}, behind record {first.fork_sequence}, "
        f"for the {other_side(first)}'s side",
    )


def other_side(conflict: LeaseConflict) -> Side:
    """The one that does not count now."""
    return Side.SERVER if conflict.counts is Side.CLAIMANT else Side.CLAIMANT


@dataclass(frozen=True, slots=True)
class Branch:
    """The side that lies aside: the last record that counts on either side, and what follows."""

    sequence: int
    head: bytes
    rows: list[EvidenceRecord]


def branch_aside(session: Session, attempt: Attempt, conflict: LeaseConflict) -> Branch:
    """From its tip back to what counts: behind the fork where the other side has got more of its
    records since, from the station that wrote them. NotPossibleError where some are missing."""
    behind = select(EvidenceRecord).where(
        *of_attempt(EvidenceRecord, attempt), EvidenceRecord.sequence > conflict.fork_sequence
    )
    aside = {row.head: row for row in session.exec(behind)}
    kept = session.exec(
        select(JournalRecord.head, JournalRecord.sequence).where(
            *of_attempt(JournalRecord, attempt),
            JournalRecord.sequence > conflict.fork_sequence,
        )
    )
    counting = {conflict.fork_head: conflict.fork_sequence, **dict(kept.all())}
    rows: list[EvidenceRecord] = []
    head = conflict.tip_head
    while head not in counting and head in aside:
        rows.append(aside[head])
        head = Record.from_bytes(aside[head].data).previous
    if head not in counting:
        raise NotPossibleError(
            Objection.WRONG_STATE, "records of this side are missing; let its station send them"
        )
    return Branch(counting[head], head, rows[::-1])


def _head_kept(session: Session, attempt: Attempt, sequence: int) -> bytes | None:
    if sequence == 0:
        return genesis(attempt.id)
    kept = session.get(JournalRecord, (attempt.centre_id, attempt.id, sequence))
    return kept.head if kept else None
