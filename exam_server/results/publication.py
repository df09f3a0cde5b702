"""Results made known: nothing that makes a mark changes after that. Marks that no longer fit."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, and_, col, select

from exam_server import audit
from exam_server.attempts.late_records import undecided
from exam_server.attempts.models import Attempt
from exam_server.attempts.outstanding import Outstanding, outstanding
from exam_server.attempts.rivals import in_conflict
from exam_server.audit import Actor
from exam_server.contract.api import ShiftState
from exam_server.errors import NotPossibleError, Objection
from exam_server.grading.models import ItemScore
from exam_server.keys import ServerKeys
from exam_server.results.models import PaperResult, Publication
from exam_server.shards import anywhere
from exam_server.shifts.models import Shift
from exam_server.staff import Staff


def published_at(session: Session, centre_id: str, shift_id: str) -> datetime | None:
    found = session.get(Publication, (centre_id, shift_id))
    return None if found is None else found.published_at


def result_published_at(session: Session, attempt: Attempt) -> datetime | None:
    """When this attempt's own result was made known."""
    marks = session.get(PaperResult, (attempt.centre_id, attempt.id))
    return None if marks is None else marks.published_at


def require_unpublished(session: Session, attempt: Attempt) -> None:
    """NotPossibleError once the attempt's result is known."""
    if result_published_at(session, attempt) is not None:
        raise _published()


def _published() -> NotPossibleError:
    return NotPossibleError(
        Objection.PUBLISHED, "the results of this shift are published; only an appeal is left"
    )


def unpublished(session: Session, shift: Shift) -> list[Attempt]:
    """The attempts whose results are not known yet, locked; NotPossibleError where all are: a
    station that was without network may tell of an attempt after the publication."""
    found = session.exec(
        select(Attempt)
        .outerjoin(
            PaperResult,
            and_(
                col(PaperResult.centre_id) == Attempt.centre_id,
                col(PaperResult.attempt_id) == Attempt.id,
            ),
        )
        .where(
            Attempt.centre_id == shift.centre_id,
            Attempt.shift_id == shift.id,
            col(PaperResult.published_at).is_(None),
        )
        .order_by(col(Attempt.id))
        .with_for_update(of=Attempt)
    ).all()
    if not found and published_at(session, shift.centre_id, shift.id) is not None:
        raise _published()
    return list(found)


def lacking(session: Session, shift: Shift, now: datetime) -> list[Outstanding]:
    """What may be outstanding of the attempts whose results are not known yet."""
    known = select(PaperResult.attempt_id).where(
        PaperResult.centre_id == shift.centre_id,
        col(PaperResult.published_at).is_not(None),
    )
    done = set(session.exec(known))
    return [one for one in outstanding(session, shift, now) if one.attempt not in done]


def publish(
    session: Session,
    shift_id: str,
    *,
    officer: Actor,
    keys: ServerKeys,
    now: datetime,
    reason: str = "",
) -> Publication:
    """Makes the results of a closed and wholly graded shift known, once nothing in it waits for
    an officer's word: no conflict of two stations, no answer that arrived late, no answer that only
    people can mark.

    Where stations may still hold answers (`lacking`) it wants a `reason`, and the log holds both.
    Done again, it is a supplement, always with a reason: of the attempts that were told of since;
    those published before stay as they are.
    """
    shift = anywhere(session, Shift, shift_id, lock=True)
    if shift is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such shift")
    attempts = unpublished(session, shift)
    if shift.state is not ShiftState.CLOSED:
        raise NotPossibleError(Objection.WRONG_STATE, "only a closed shift's results are published")
    results = _graded(session, attempts)
    if in_conflict(session, attempts):
        raise NotPossibleError(Objection.WRONG_STATE, "a conflict of two stations is not settled")
    unmarked = sum(1 for one in results if one.awaiting)
    if unmarked:
        raise NotPossibleError(
            Objection.AWAITING_MARKS, f"{unmarked} attempts wait for marks that people give"
        )
    waiting = undecided(session, attempts, keys=keys, now=now)
    if waiting:
        raise NotPossibleError(
            Objection.LATE_ANSWERS,
            f"late answers of {len(waiting)} attempts wait: adopt them or set them aside",
        )
    published = session.get(Publication, (shift.centre_id, shift.id))
    if published is None:
        published = _first(session, shift, officer=officer, reason=reason.strip(), now=now)
    else:
        _supplement(session, shift, attempts, officer=officer, reason=reason.strip(), now=now)
    for result in results:
        result.published_at = now
    return published


def _graded(session: Session, attempts: Sequence[Attempt]) -> list[PaperResult]:
    found = [session.get(PaperResult, (one.centre_id, one.id)) for one in attempts]
    results = [one for one in found if one is not None]
    ungraded = len(found) - len(results)
    if ungraded:
        raise NotPossibleError(Objection.WRONG_STATE, f"{ungraded} attempts are not graded yet")
    return results


def _first(
    session: Session, shift: Shift, *, officer: Actor, reason: str, now: datetime
) -> Publication:
    missing = lacking(session, shift, now)
    if missing and not reason:
        raise NotPossibleError(
            Objection.MAY_LACK_ANSWERS,
            f"{len(missing)} attempts may have answers that were not sent yet: let their stations"
            " send them, or give a reason to publish",
        )
    published = Publication(
        shift_id=shift.id,
        centre_id=shift.centre_id,
        published_by=_staff(session, officer),
        published_at=now,
    )
    session.add(published)
    details = {"reason": reason, "lacking": _why(missing)}
    _log(session, officer, "results_published", shift, now, **(details if missing else {}))
    return published


def _supplement(
    session: Session,
    shift: Shift,
    attempts: Sequence[Attempt],
    *,
    officer: Actor,
    reason: str,
    now: datetime,
) -> None:
    if not reason:
        raise NotPossibleError(Objection.REASON_MISSING, "a supplement needs a reason")
    _staff(session, officer)
    told = [one.id for one in attempts]
    missing = _why(lacking(session, shift, now))
    details = {"reason": reason, "attempts": told, **({"lacking": missing} if missing else {})}
    _log(session, officer, "results_supplemented", shift, now, **details)


def _why(missing: Sequence[Outstanding]) -> dict[str, list[str]]:
    return {one.attempt: list(one.why) for one in missing}


def _log(
    session: Session, officer: Actor, action: str, shift: Shift, now: datetime, **details: object
) -> None:
    audit.record(
        session,
        actor=officer.actor,
        action=action,
        subject=f"shift:{shift.id}",
        details=details,
        now=now,
    )


def _staff(session: Session, officer: Actor) -> str:
    """Whose act it is; only a member of staff publishes."""
    found = session.get(Staff, officer.actor.removeprefix("staff:"))
    if found is None:
        raise NotPossibleError(Objection.ROLE_MISSING, "an officer publishes, signed in")
    return found.id


def withdraw_marks(session: Session, attempt: Attempt, *, officer: Actor, now: datetime) -> None:
    """Takes back marks that what was decided has made untrue; grading makes them anew."""
    require_unpublished(session, attempt)
    marks = session.get(PaperResult, (attempt.centre_id, attempt.id))
    if marks is None:
        return
    session.exec(
        sa.delete(ItemScore).where(
            col(ItemScore.centre_id) == attempt.centre_id,
            col(ItemScore.attempt_id) == attempt.id,
        )
    )
    session.delete(marks)
    session.flush()
    audit.record(
        session,
        actor=officer.actor,
        action="marks_withdrawn",
        subject=f"attempt:{attempt.id}",
        details={"before": str(marks.total)},
        now=now,
    )
