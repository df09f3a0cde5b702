"""Officers' words on late answers, when the sides of a conflict change places.

A word belongs to the side on which it was said: what is late, and what may be adopted, is another
thing on the other one. So all of an attempt's lie aside with the side that goes, and come back with
it as they were. A side that never counted begins with those that hold on it, too.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, select

from exam_server.attempts.fencing_models import LateDecision, LeaseConflict, RivalDecision
from exam_server.attempts.late_records import MAY_BE_ADOPTED, late_answers
from exam_server.attempts.models import Attempt, EvidenceRecord, of_attempt
from exam_server.keys import ServerKeys


def lay_aside(session: Session, attempt: Attempt, conflict: LeaseConflict) -> list[RivalDecision]:
    """Takes the words off the side that goes. They are to be given to `bring_in`, which keeps
    them, once that side's records are evidence."""
    heads = {row.id: row.head for row in _evidence(session, attempt)}
    going = session.exec(
        select(LateDecision).where(
            LateDecision.centre_id == attempt.centre_id, LateDecision.attempt_id == attempt.id
        )
    ).all()
    for word in going:
        session.delete(word)
    session.flush()
    return [
        RivalDecision(
            centre_id=attempt.centre_id,
            conflict_id=conflict.id,
            head=heads[word.evidence_id],
            adopted=word.adopted,
            reason=word.reason,
            decided_by=word.decided_by,
            decided_at=word.decided_at,
        )
        for word in going
    ]


def bring_in(
    session: Session,
    attempt: Attempt,
    conflict: LeaseConflict,
    gone: Sequence[RivalDecision],
    *,
    keys: ServerKeys,
    now: datetime,
) -> None:
    """Gives the side that counts now its own words, and keeps those of the other one."""
    coming = session.exec(
        select(RivalDecision).where(
            RivalDecision.centre_id == conflict.centre_id,
            RivalDecision.conflict_id == conflict.id,
        )
    ).all()
    _say(session, attempt, coming if conflict.exchanged else gone)
    for word in coming:
        session.delete(word)
    session.flush()
    session.add_all(gone)
    if not conflict.exchanged:
        _unsay_what_does_not_hold(session, attempt, keys, now)
    conflict.exchanged = True
    session.flush()


def _say(session: Session, attempt: Attempt, words: Iterable[RivalDecision]) -> None:
    """Of the records that are evidence now."""
    rows = {row.head: row.id for row in _evidence(session, attempt)}
    for word in words:
        if word.head in rows:
            session.add(
                LateDecision(
                    centre_id=attempt.centre_id,
                    evidence_id=rows[word.head],
                    attempt_id=attempt.id,
                    adopted=word.adopted,
                    reason=word.reason,
                    decided_by=word.decided_by,
                    decided_at=word.decided_at,
                )
            )
    session.flush()


def _unsay_what_does_not_hold(
    session: Session, attempt: Attempt, keys: ServerKeys, now: datetime
) -> None:
    """What was adopted on the other side, and may not be on this one."""
    holding = {
        answer.evidence
        for answer in late_answers(session, attempt, keys=keys, now=now)
        if answer.standing in MAY_BE_ADOPTED
    }
    adopted = select(LateDecision).where(
        LateDecision.centre_id == attempt.centre_id, LateDecision.attempt_id == attempt.id
    )
    for word in session.exec(adopted).all():
        if word.adopted and word.evidence_id not in holding:
            session.delete(word)
    session.flush()


def _evidence(session: Session, attempt: Attempt) -> Sequence[EvidenceRecord]:
    return session.exec(select(EvidenceRecord).where(*of_attempt(EvidenceRecord, attempt))).all()
