"""A record's moment, held against the paper's time: the deadline, a sequential paper's sections."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from exam_server import audit
from exam_server.attempts import time
from exam_server.attempts.models import Attempt
from exam_server.attempts.opening import TIMED
from exam_server.attempts.sections import sections_of
from exam_server.checkin import conditions
from exam_server.contract.errors import ContractError
from exam_server.contract.records import Body, Left


def last_moment(session: Session, attempt: Attempt, body: Body, now: datetime) -> datetime | None:
    """Until when `body` may be written, None where nothing bounds it; ContractError for an answer
    in a section that has not begun."""
    ledger = time.ledger_of(session, attempt)
    deadline = ledger.deadline(now)
    if not isinstance(body, TIMED) or deadline is None:
        return None
    sections = sections_of(session, attempt)
    if sections is None:
        return deadline
    own = sections.answerable_until(attempt, ledger, body.item, now)
    if own is None:
        raise ContractError("an answer in a section that has not begun")
    return min(own, deadline)


def leave_section(
    session: Session, attempt: Attempt, left: Left, at: datetime, now: datetime
) -> None:
    """Notes that a section ended; ContractError where it cannot have ended so: none ends later than
    it is written down, nor out of turn."""
    sections = sections_of(session, attempt)
    if sections is None or left.at > round(at.timestamp() * 1000):
        raise ContractError("a section is left that this paper has not, or later than now")
    sections.leave(attempt, time.ledger_of(session, attempt), left, now)


def allowed(
    session: Session,
    attempt: Attempt,
    written: Sequence[tuple[Body, datetime]],
    now: datetime,
    *,
    left_before: Sequence[Left] | None = None,
) -> int:
    """How many of these records, from the first on, the paper's time allows. Notes nothing.

    `left_before`: the sections that had ended then; None: those that the attempt has left by now.
    """
    noted = attempt.sections_left
    with session.no_autoflush:
        if left_before is not None:
            attempt.sections_left = [[one.section, one.at, one.by] for one in left_before] or None
        try:
            for place, (body, at) in enumerate(written):
                if not _allows(session, attempt, body, at, now):
                    return place
        finally:
            attempt.sections_left = noted
    return len(written)


def _allows(session: Session, attempt: Attempt, body: Body, at: datetime, now: datetime) -> bool:
    try:
        if isinstance(body, Left):
            leave_section(session, attempt, body, at, now)
        end = last_moment(session, attempt, body, now)
    except ContractError:
        return False
    return end is None or at <= end


def flag_late(
    session: Session, attempt: Attempt, station: str, sequence: int, now: datetime
) -> None:
    """That record `sequence`, which came so late, was sealed in time is the station's word alone:
    the exam office looks at it."""
    if attempt.arrived_late:
        return
    attempt.arrived_late = True
    conditions.raise_for_attempt(session, attempt.centre_id, attempt.placement_id)
    audit.record(
        session,
        actor=f"station:{station}",
        action="records_arrived_late",
        subject=f"attempt:{attempt.id}",
        details={"sequence": sequence},
        now=now,
    )
