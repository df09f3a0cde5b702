"""Handing in: by the candidate, or by the server once the time was up. Both give a receipt."""

import hashlib
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import evidence, heads, journal, records_kept, time
from exam_server.attempts.granting import current_lease, latest_lease
from exam_server.attempts.models import Attempt, IssuedReceipt, Lease
from exam_server.attempts.sections import end_of
from exam_server.attempts.service import attempt_here
from exam_server.candidates.models import Registration
from exam_server.contract.api import AttemptState, ReceiptView, Submission
from exam_server.contract.errors import ErrorCode
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import SignedHead
from exam_server.errors import RefusedError
from exam_server.forms.models import Exam, Form, Paper
from exam_server.keys import ServerKeys
from exam_server.shifts.models import Placement, Shift
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
    attempt = attempt_here(session, attempt_id, station)
    latest_lease(session, attempt, station)
    issued = session.get(IssuedReceipt, (attempt.centre_id, attempt.id))
    if issued is None:
        current_lease(session, attempt, station)
        held = session.get(Lease, (attempt.centre_id, attempt.id, submission.head.epoch))
        if (
            held is None
            or held.station_id != station.id
            or not journal.may_write(session, attempt, held)
        ):
            raise RefusedError(ErrorCode.LEASE_SUPERSEDED, "the head is of an older lease")
        if submission.head.sequence != attempt.sequence:
            raise RefusedError(
                ErrorCode.RECORD_GAP, f"the server holds {attempt.sequence} records; send the rest"
            )
        if attempt.state is AttemptState.ADMITTED:
            raise RefusedError(ErrorCode.NOT_STARTED, "the form was never opened")
        head = submission.head
        signed = SignedHead(attempt.id, head.epoch, head.sequence, head.head, head.signature)
        heads.keep(session, attempt, signed, station, now)
        issued = close(session, attempt, keys=keys, actor=f"station:{station.id}", now=now)
    elif submission.head.head != attempt.head:
        raise RefusedError(ErrorCode.ATTEMPT_CLOSED, "this attempt was closed at another head")
    return ReceiptView(
        receipt=issued.body,
        signature=issued.signature,
        short_code=issued.short_code,
        server_time=now,
    )


def close(
    session: Session, attempt: Attempt, *, keys: ServerKeys, actor: str, now: datetime
) -> IssuedReceipt:
    """Ends the attempt with what is kept, and issues its receipt."""
    # Here once for all that the group commit kept, which has no time to look.
    evidence.forget_what_counts(session, attempt)
    receipt = _receipt(session, attempt, keys, now)
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


def count_again(
    session: Session, attempt: Attempt, *, keys: ServerKeys, actor: str, now: datetime
) -> None:
    """Gives the receipt anew where it counts other answers than count now; over the same records,
    of the same moment. The log keeps what the former one was."""
    issued = session.get(IssuedReceipt, (attempt.centre_id, attempt.id))
    if issued is None:
        return
    former = Receipt.from_bytes(issued.body)
    receipt = _receipt(session, attempt, keys, former.submitted_at)
    if receipt == former:
        return
    issued.body, issued.signature = receipt.to_bytes(), receipt.sign(keys.signing)
    issued.issued_at = now
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="receipt_reissued",
        subject=f"attempt:{attempt.id}",
        details={
            "before": former.answered,
            "answered": receipt.answered,
            "former": hashlib.sha256(former.to_bytes()).hexdigest(),
        },
        now=now,
    )


def _receipt(
    session: Session, attempt: Attempt, keys: ServerKeys, submitted_at: datetime
) -> Receipt:
    placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
    registration = session.get_one(Registration, placement.registration_id)
    paper = session.get_one(Paper, placement.paper_id)
    return Receipt(
        attempt=attempt.id,
        realm=session.get_one(Exam, paper.exam_id).realm.value,
        registration_number=registration.registration_number,
        paper=paper.name,
        code=session.get_one(Form, attempt.form_id).code,
        sequence=attempt.sequence,
        head=attempt.head,
        answered=len(records_kept.final_responses(session, attempt, keys)),
        submitted_at=submitted_at,
    )


def close_overdue(
    session: Session, shift: Shift, *, keys: ServerKeys, grace: timedelta, now: datetime
) -> int:
    """Closes, with what the server holds, every attempt whose time was up; how many are left."""
    left = 0
    for attempt in session.exec(
        select(Attempt)
        .where(Attempt.centre_id == shift.centre_id, Attempt.shift_id == shift.id)
        .where(Attempt.state != AttemptState.SUBMITTED)
        .order_by(col(Attempt.id))
        .with_for_update()
    ):
        deadline = end_of(session, attempt, time.ledger_of(session, attempt), now)
        if deadline is not None and now > deadline + grace:
            close(session, attempt, keys=keys, actor="server", now=now)
        else:
            left += 1
    return left
