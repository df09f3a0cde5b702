"""An officer settles a conflict: whose journal counts behind the fork. Exact, and reversible.

The two sides change places: records, leases, signed heads, decisions on late answers and the end
of the attempt, whichever lies aside. Every settling gives the side that counts a new epoch, so that
the other one is fenced wherever it may still write. Once the results are published nothing changes
places any more.

Of several conflicts of one attempt those change places whose fork lies among the records that
count (`attempts.forks`); what lies aside is told to wait for the one that laid it there.
"""

from datetime import datetime

from sqlmodel import Session

from exam_server import audit
from exam_server.attempts import evidence, handing_in, records_kept
from exam_server.attempts.exchange import Exchange
from exam_server.attempts.fencing_models import LeaseConflict, Side
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import Attempt, IssuedReceipt
from exam_server.attempts.service import Officer
from exam_server.contract.answers import responses_of
from exam_server.contract.api import ShiftState
from exam_server.contract.records import Record
from exam_server.errors import NotPossibleError, Objection
from exam_server.keys import ServerKeys
from exam_server.results.publication import require_unpublished, withdraw_marks
from exam_server.shards import anywhere
from exam_server.shifts.models import Shift
from question_bank.response import Response


def settle(
    session: Session,
    conflict_id: str,
    *,
    side: Side,
    officer: Officer,
    reason: str,
    keys: ServerKeys,
    now: datetime,
) -> LeaseConflict:
    """Says whose journal counts. It may be said anew until the results are published."""
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    conflict = anywhere(session, LeaseConflict, conflict_id)
    if conflict is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such conflict")
    # The attempt first, as everybody locks it who changes anything of a conflict.
    attempt = session.get_one(
        Attempt, (conflict.centre_id, conflict.attempt_id), with_for_update=True
    )
    session.refresh(conflict)
    require_unpublished(session, attempt)
    if conflict.settled_at is not None and conflict.counts is side:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "this side counts already")
    evidence.forget_what_counts(session, attempt)
    if conflict.counts is not side:
        Exchange(session, attempt, conflict, keys, now).run(officer.actor)
        conflict.counts = side
        withdraw_marks(session, attempt, officer=officer, now=now)
        handing_in.count_again(session, attempt, keys=keys, actor=officer.actor, now=now)
    conflict.settled_by, conflict.settled_at = officer.id, now
    conflict.reason = reason.strip()
    audit.record(
        session,
        actor=officer.actor,
        action="lease_conflict_settled",
        subject=f"attempt:{attempt.id}",
        details={
            "reason": reason.strip(),
            "conflict": conflict.id,
            "counts": side.value,
            "sequence": attempt.sequence,
            "head": attempt.head.hex(),
        },
        now=now,
    )
    session.flush()
    _close_where_over(session, attempt, keys=keys, officer=officer, now=now)
    return conflict


def responses_aside(
    session: Session, attempt: Attempt, conflict: LeaseConflict, *, keys: ServerKeys, now: datetime
) -> dict[str, Response]:
    """What would count if the other side did. NotPossibleError where its records are missing
    or where another conflict has to be settled first."""
    branch = Exchange(session, attempt, conflict, keys, now).aside()
    before = [
        record
        for record in records_kept.records_of(session, attempt)
        if record.sequence <= branch.sequence
    ]
    chain = [Record.from_bytes(row.data) for row in branch.rows]
    return responses_of([*before, *chain], attempt_key_of(keys, attempt.id))


def _close_where_over(
    session: Session, attempt: Attempt, *, keys: ServerKeys, officer: Officer, now: datetime
) -> None:
    """Where nobody can hand in any more, the server closes what counts now."""
    if session.get(IssuedReceipt, (attempt.centre_id, attempt.id)) is not None:
        return
    shift = session.get_one(Shift, (attempt.centre_id, attempt.shift_id))
    if shift.state is ShiftState.CLOSED:
        handing_in.close(session, attempt, keys=keys, actor=officer.actor, now=now)
