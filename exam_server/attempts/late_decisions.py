"""Officers' words on late answers (`attempts.late_records`): adopted or set aside, and revocable.

Marks that were given before are withdrawn, and a receipt that counted the answers is given anew.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from exam_server import audit
from exam_server.attempts import handing_in
from exam_server.attempts.fencing_models import LateDecision
from exam_server.attempts.late_records import MAY_BE_ADOPTED, LateAnswer, Standing, late_answers
from exam_server.attempts.models import Attempt
from exam_server.attempts.service import Officer
from exam_server.errors import NotPossibleError, Objection
from exam_server.keys import ServerKeys
from exam_server.results.publication import require_unpublished, withdraw_marks
from exam_server.shards import anywhere


def decide(
    session: Session,
    attempt_id: str,
    evidence: Iterable[str] | None,
    *,
    adopt: bool,
    officer: Officer,
    reason: str,
    keys: ServerKeys,
    now: datetime,
) -> None:
    """An officer's word on the late answers of these rows; all of it or nothing. It may be changed
    until the results are published.

    None is all that wait for a word: of those that can be adopted (what lies behind a gap is
    adopted by choice alone), or of any, where they are set aside.
    """
    attempt = _to_be_decided(session, attempt_id, reason)
    answers = late_answers(session, attempt, keys=keys, now=now)
    chosen = _waiting(answers, adopt) if evidence is None else _named(answers, evidence)
    changes = any(adopt is not one.counts for one in chosen)
    for answer in chosen:
        if adopt and answer.standing not in MAY_BE_ADOPTED:
            raise NotPossibleError(
                Objection.NOT_ADOPTABLE, f"this answer cannot be adopted: {answer.standing}"
            )
        _write_down(session, attempt, answer, adopt, officer=officer, reason=reason, now=now)
    session.flush()
    if changes:
        withdraw_marks(session, attempt, officer=officer, now=now)
        handing_in.count_again(session, attempt, keys=keys, actor=officer.actor, now=now)


def _waiting(answers: Iterable[LateAnswer], adopt: bool) -> list[LateAnswer]:
    found = [one for one in answers if one.waits]
    if adopt:
        found = [one for one in found if one.standing is Standing.ADOPTABLE]
    if not found:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "no late answer waits for that")
    return found


def _named(answers: Iterable[LateAnswer], evidence: Iterable[str]) -> list[LateAnswer]:
    by_row = {one.evidence: one for one in answers}
    wanted = list(evidence)
    if not set(wanted) <= set(by_row):
        raise NotPossibleError(Objection.NOT_FOUND, "no such answer arrived late")
    return [by_row[one] for one in wanted]


def _to_be_decided(session: Session, attempt_id: str, reason: str) -> Attempt:
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    attempt = anywhere(session, Attempt, attempt_id, lock=True)
    if attempt is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such attempt")
    require_unpublished(session, attempt)
    return attempt


def _write_down(
    session: Session,
    attempt: Attempt,
    answer: LateAnswer,
    adopt: bool,
    *,
    officer: Officer,
    reason: str,
    now: datetime,
) -> None:
    decision = answer.decision or LateDecision(
        evidence_id=answer.evidence,
        attempt_id=attempt.id,
        centre_id=attempt.centre_id,
        adopted=adopt,
        reason=reason.strip(),
        decided_by=officer.id,
        decided_at=now,
    )
    decision.adopted, decision.reason = adopt, reason.strip()
    decision.decided_by, decision.decided_at = officer.id, now
    session.add(decision)
    audit.record(
        session,
        actor=officer.actor,
        action="late_answer_adopted" if adopt else "late_answer_set_aside",
        subject=f"attempt:{attempt.id}",
        details={
            "reason": reason.strip(),
            "item": answer.item,
            "epoch": answer.epoch,
            "sequence": answer.sequence,
            "evidence": answer.evidence,
        },
        now=now,
    )
