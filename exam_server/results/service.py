"""Results of a shift, and the slip that a candidate takes home."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa
from sqlmodel import Session, and_, col, select

from exam_server.attempts.evidence import kept_since
from exam_server.attempts.late_records import LATE, undecided
from exam_server.attempts.models import Attempt, EvidenceRecord, IssuedReceipt
from exam_server.attempts.rivals import in_conflict
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Room, Seat
from exam_server.checkin import conditions
from exam_server.checkin.models import CheckIn
from exam_server.contract.api import CheckInState
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms import service as forms
from exam_server.forms.models import Exam, Form, Paper
from exam_server.grading.models import ItemScore
from exam_server.keys import ServerKeys
from exam_server.results.models import PaperResult
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement, Shift

HUNDREDTH, ZERO = Decimal("0.01"), Decimal(0)


def two_decimals(mark: Decimal) -> Decimal:
    """A mark as it is published. Half a hundredth goes up; marks themselves are never rounded."""
    return mark.quantize(HUNDREDTH, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One placement of a shift. Without an attempt the candidate was refused, or absent."""

    placement_id: str
    attempt_id: str | None
    checkin_id: str | None
    registration_number: str
    name: str
    room: str
    seat: str
    paper: str
    code: str | None
    submitted_at: datetime | None
    total: Decimal | None
    maximum: Decimal | None
    awaiting: Decimal
    published_at: datetime | None
    conditional: bool
    refused: bool
    arrived_late: bool
    late_records: bool
    conflict: bool
    short_code: str | None


@dataclass(frozen=True, slots=True)
class PartMarks:
    """The marks of one part of a paper."""

    title: str
    marks: Decimal
    maximum: Decimal
    awaiting: Decimal


@dataclass(frozen=True, slots=True)
class Slip:
    """A result slip; marks have two decimals."""

    exam: str
    shift: str
    name: str
    registration_number: str
    paper: str
    code: str
    parts: tuple[PartMarks, ...]
    total: Decimal
    maximum: Decimal
    awaiting: Decimal
    conditional: bool
    submitted_at: datetime
    short_code: str
    scorer_version: str


def conditional_checkin(session: Session, centre_id: str, placement_id: str) -> CheckIn | None:
    """The check-in whose condition still stands, None where there is none."""
    return conditions.standing(conditions.checkins_of(session, centre_id, placement_id))


def results_of_shift(session: Session, centre_id: str, shift_id: str) -> Sequence[ResultRow]:
    """Every placement of the shift, by số báo danh."""
    rows = session.execute(
        sa.select(
            Placement, Registration, Candidate, Room, Seat, Paper, Attempt, Form, PaperResult,
            IssuedReceipt,
        )
        .join(Registration, col(Registration.id) == Placement.registration_id)
        .join(Candidate, col(Candidate.id) == Registration.candidate_id)
        .join(Room, col(Room.id) == Placement.room_id)
        .join(Seat, col(Seat.id) == Placement.seat_id)
        .join(Paper, col(Paper.id) == Placement.paper_id)
        .outerjoin(
            Attempt,
            and_(
                Attempt.centre_id == Placement.centre_id, Attempt.placement_id == Placement.id
            ),
        )
        .outerjoin(Form, col(Form.id) == Attempt.form_id)
        .outerjoin(
            PaperResult,
            and_(
                PaperResult.centre_id == Attempt.centre_id, PaperResult.attempt_id == Attempt.id
            ),
        )
        .outerjoin(
            IssuedReceipt,
            and_(
                IssuedReceipt.centre_id == Attempt.centre_id,
                IssuedReceipt.attempt_id == Attempt.id,
            ),
        )
        .where(
            col(Placement.centre_id) == centre_id, col(Placement.shift_id) == shift_id
        )
        .order_by(col(Registration.registration_number))
    )  # fmt: skip
    results = []
    late = with_late_records(session, centre_id, shift_id)
    for placement, registration, candidate, room, seat, paper, attempt, form, marks, issued in rows:
        disputed = attempt is not None and bool(in_conflict(session, [attempt]))
        condition = conditional_checkin(session, placement.centre_id, placement.id)
        results.append(
            ResultRow(
                placement_id=placement.id,
                attempt_id=attempt.id if attempt else None,
                checkin_id=condition.id if condition else None,
                registration_number=registration.registration_number,
                name=candidate.name,
                room=room.name,
                seat=seat.name,
                paper=paper.name,
                code=form.code if form else None,
                submitted_at=attempt.submitted_at if attempt else None,
                total=two_decimals(marks.total) if marks else None,
                maximum=two_decimals(marks.maximum) if marks else None,
                awaiting=two_decimals(marks.awaiting) if marks else ZERO,
                published_at=marks.published_at if marks else None,
                conditional=condition is not None or disputed,
                conflict=disputed,
                refused=attempt is None and _was_refused(session, placement),
                arrived_late=attempt is not None and attempt.arrived_late,
                late_records=attempt is not None and attempt.id in late,
                short_code=issued.short_code if issued else None,
            )
        )
    return results


def with_late_records(session: Session, centre_id: str, shift_id: str) -> dict[str, Attempt]:
    """The shift's attempts of which records arrived too late to be kept."""
    late = select(EvidenceRecord.attempt_id).where(
        EvidenceRecord.centre_id == centre_id,
        col(EvidenceRecord.reason).in_(LATE),
        ~kept_since(),
    )
    query = select(Attempt).where(
        Attempt.centre_id == centre_id, Attempt.shift_id == shift_id, col(Attempt.id).in_(late)
    )
    return {attempt.id: attempt for attempt in session.exec(query)}


def _was_refused(session: Session, placement: Placement) -> bool:
    checkins = conditions.checkins_of(session, placement.centre_id, placement.id)
    return any(checkin.state is CheckInState.REFUSED for checkin in checkins)


def slip(session: Session, attempt_id: str, *, keys: ServerKeys, now: datetime) -> Slip:
    """The slip of a graded attempt."""
    attempt = anywhere(session, Attempt, attempt_id)
    if attempt is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such attempt")
    marks = session.get(PaperResult, (attempt.centre_id, attempt.id))
    issued = session.get(IssuedReceipt, (attempt.centre_id, attempt.id))
    if marks is None or issued is None:
        raise NotPossibleError(Objection.NOT_FOUND, "this attempt has not been graded")
    placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
    registration = session.get_one(Registration, placement.registration_id)
    form = session.get_one(Form, attempt.form_id)
    return Slip(
        exam=session.get_one(Exam, registration.exam_id).name,
        shift=session.get_one(Shift, (attempt.centre_id, attempt.shift_id)).name,
        name=session.get_one(Candidate, registration.candidate_id).name,
        registration_number=registration.registration_number,
        paper=session.get_one(Paper, placement.paper_id).name,
        code=form.code,
        parts=_parts(session, attempt, form, keys),
        total=two_decimals(marks.total),
        maximum=two_decimals(marks.maximum),
        awaiting=two_decimals(marks.awaiting),
        conditional=conditional_checkin(session, placement.centre_id, placement.id) is not None
        or bool(in_conflict(session, [attempt]))
        or bool(undecided(session, [attempt], keys=keys, now=now)),
        submitted_at=attempt.submitted_at or issued.issued_at,
        short_code=issued.short_code,
        scorer_version=marks.scorer_version,
    )


def _parts(
    session: Session, attempt: Attempt, form: Form, keys: ServerKeys
) -> tuple[PartMarks, ...]:
    scores = session.exec(
        select(ItemScore).where(
            ItemScore.centre_id == attempt.centre_id, ItemScore.attempt_id == attempt.id
        )
    ).all()
    titles = [part.title for part in forms.presented(form, keys.sealing).parts]
    return tuple(
        _part_marks(title, [score for score in scores if score.part == number])
        for number, title in enumerate(titles, start=1)
    )


def _part_marks(title: str, scores: Sequence[ItemScore]) -> PartMarks:
    return PartMarks(
        title=title,
        marks=two_decimals(sum((score.raw for score in scores), ZERO)),
        maximum=two_decimals(sum((score.maximum for score in scores), ZERO)),
        awaiting=two_decimals(sum((score.awaiting for score in scores), ZERO)),
    )
