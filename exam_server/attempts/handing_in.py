"""Handing in: by the candidate, or by the server once the time was up. Both give a receipt."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from exam_server import audit
from exam_server.attempts import journal, time
from exam_server.attempts.models import Attempt, IssuedReceipt
from exam_server.attempts.service import current_lease, latest_lease
from exam_server.candidates.models import Registration
from exam_server.contract.api import AttemptState, ReceiptView, Submission
from exam_server.contract.errors import ErrorCode
from exam_server.contract.receipt import Receipt
from exam_server.errors import RefusedError
from exam_server.forms.models import Exam, Form, Paper
from exam_server.keys import ServerKeys
from exam_server.shifts.models import Placement
from exam_server.stations.models import Station


def submit(
    session: Session,
    attempt_id: str,
    submission: Submission,
    *,
    station: Station,
    keys: ServerKeys,
    now: datetime,
) -> ReceiptView:
    """Closes the attempt at the head that the station signed, and gives the receipt.

    A hand-in is never too late: what the server holds by then is what counts. Handing in again
    gives the same receipt, to whoever held a lease.
    """
    attempt = session.get(Attempt, attempt_id, with_for_update=True)
    if attempt is None or attempt.centre_id != station.centre_id:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no such attempt here")
    latest_lease(session, attempt, station)
    issued = session.get(IssuedReceipt, attempt.id)
    if issued is None:
        current_lease(session, attempt, station)
        if submission.head.epoch != attempt.epoch:
            raise RefusedError(ErrorCode.LEASE_SUPERSEDED, "the head is of an older lease")
        if attempt.state is AttemptState.ADMITTED:
            raise RefusedError(ErrorCode.NOT_STARTED, "the form was never opened")
        if submission.head.sequence != attempt.sequence:
            raise RefusedError(
                ErrorCode.RECORD_GAP, f"the server holds {attempt.sequence} records; send the rest"
            )
        journal.keep_head(session, attempt, submission.head, station, now)
        issued = _close(session, attempt, keys=keys, actor=f"station:{station.id}", now=now)
    elif submission.head.head != attempt.head:
        raise RefusedError(ErrorCode.ATTEMPT_CLOSED, "this attempt was closed at another head")
    return ReceiptView(
        receipt=issued.body,
        signature=issued.signature,
        short_code=issued.short_code,
        server_time=now,
    )


def _close(
    session: Session, attempt: Attempt, *, keys: ServerKeys, actor: str, now: datetime
) -> IssuedReceipt:
    placement = session.get_one(Placement, attempt.placement_id)
    registration = session.get_one(Registration, placement.registration_id)
    paper = session.get_one(Paper, placement.paper_id)
    receipt = Receipt(
        attempt=attempt.id,
        realm=session.get_one(Exam, paper.exam_id).realm.value,
        registration_number=registration.registration_number,
        paper=paper.name,
        code=session.get_one(Form, attempt.form_id).code,
        sequence=attempt.sequence,
        head=attempt.head,
        answered=len(journal.final_responses(session, attempt, keys)),
        submitted_at=now,
    )
    issued = IssuedReceipt(
        attempt_id=attempt.id,
        centre_id=attempt.centre_id,
        body=receipt.to_bytes(),
        signature=receipt.sign(keys.signing),
        short_code=receipt.short_code,
        issued_at=now,
    )
    session.add(issued)
    attempt.state, attempt.submitted_at = AttemptState.SUBMITTED, now
    audit.record(
        session,
        actor=actor,
        action="attempt_submitted",
        subject=f"attempt:{attempt.id}",
        details={"sequence": attempt.sequence, "head": attempt.head.hex()},
        now=now,
    )
    return issued


def close_overdue(
    session: Session, shift_id: str, *, keys: ServerKeys, grace: timedelta, now: datetime
) -> int:
    """Closes, with what the server holds, every attempt whose time was up; how many are left."""
    left = 0
    for attempt in session.exec(
        select(Attempt).where(Attempt.shift_id == shift_id, Attempt.state != AttemptState.SUBMITTED)
    ):
        deadline = time.ledger_of(session, attempt).deadline(now)
        if deadline is not None and now > deadline + grace:
            _close(session, attempt, keys=keys, actor="server", now=now)
        else:
            left += 1
    return left
