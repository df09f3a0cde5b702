"""What makes a result conditional, and who was let in by what. The one place that knows.

An attempt that was admitted goes on: nobody is thrown out by a stray tap. A later check-in that
fails is shown to the proctor and makes the result conditional until the exam office clears it.
"""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from exam_server.checkin.judgement import CheckInReason
from exam_server.checkin.models import CheckIn, Condition
from exam_server.contract.api import CheckInState

ADMITTING = (CheckInState.ADMITTED, CheckInState.CONDITIONAL)


def checkins_of(session: Session, centre_id: str, placement_id: str) -> list[CheckIn]:
    """All check-ins of a placement, the first one first."""
    return list(
        session.exec(
            select(CheckIn)
            .where(CheckIn.centre_id == centre_id, CheckIn.placement_id == placement_id)
            .order_by(col(CheckIn.number))
        )
    )


def chip_was_refused(session: Session, centre_id: str, placement_id: str) -> bool:
    """Whether any check-in of this placement found a false chip; later ones do not undo it."""
    refused = select(CheckIn.id).where(
        CheckIn.centre_id == centre_id,
        CheckIn.placement_id == placement_id,
        col(CheckIn.chip_refused),
    )
    return session.exec(refused.limit(1)).first() is not None


def admitting(checkins: Iterable[CheckIn]) -> CheckIn | None:
    """The check-in by which the candidate came in: the first that admitted."""
    return next((checkin for checkin in checkins if checkin.state in ADMITTING), None)


def is_of_another_seat(checkin: CheckIn) -> bool:
    """Whether a station told it of a candidate who was not expected at its seat."""
    return CheckInReason.OTHER_SEAT in checkin.reasons


def standing(checkins: Iterable[CheckIn]) -> CheckIn | None:
    """The check-in whose condition is still to be cleared, None where there is none."""
    return next((checkin for checkin in checkins if carries_condition(checkin)), None)


def carries_condition(checkin: CheckIn) -> bool:
    return checkin.condition is not None and checkin.cleared_at is None


def raise_for_attempt(
    session: Session,
    centre_id: str,
    placement_id: str,
    condition: Condition = Condition.ARRIVED_LATE,
) -> None:
    """The check-in that admitted carries the condition from here on."""
    checkin = admitting(checkins_of(session, centre_id, placement_id))
    if checkin is None or carries_condition(checkin):
        return
    checkin.condition = condition
    # Whoever cleared another condition before has not seen this one; the log keeps that.
    checkin.cleared_by = checkin.cleared_at = checkin.clearing_reason = None
