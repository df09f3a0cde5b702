"""Results for the exam office: grading, the list, clearing of conditions, the slip on A4."""

from fastapi.responses import Response

from exam_server.access import Permission
from exam_server.attempts import late_records
from exam_server.checkin import service as checkins
from exam_server.checkin.models import CheckIn
from exam_server.contract.api import ShiftState
from exam_server.errors import NotPossibleError, Objection
from exam_server.grading.service import GradeReport, grade_shift
from exam_server.proctoring import service as rooms
from exam_server.proctoring.service import seat_of
from exam_server.results import publication, service
from exam_server.shards import anywhere
from exam_server.shifts.models import Shift
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting

pages = Pages()


@pages.get("/results", Permission.SEE_RESULTS)
def shifts(visit: Visiting) -> Response:
    with visit.server.reading() as session:
        heads = [
            head
            for head in rooms.shift_heads(session)
            if head.state in (ShiftState.STARTED, ShiftState.CLOSED)
        ]
    return page(visit, "results_shifts.html", shifts=heads)


@pages.get("/results/{shift}", Permission.SEE_RESULTS)
def results(visit: Visiting, shift: str) -> Response:
    return _results(visit, shift, report=None)


def _results(visit: Visit, shift: str, *, report: GradeReport | None) -> Response:
    with visit.server.reading() as session:
        head = rooms.shift_head(session, shift)
        rows = service.results_of_shift(session, head.centre_id, head.id)
        late = service.with_late_records(session, head.centre_id, head.id)
        undecided = late_records.undecided(
            session, late.values(), keys=visit.server.keys, now=visit.now()
        )
        published = publication.published_at(session, head.centre_id, head.id)
    return page(
        visit,
        "results.html",
        shift=head,
        rows=rows,
        report=report,
        published=published,
        unpublished=sum(1 for row in rows if row.attempt_id and row.published_at is None),
        graded=sum(1 for row in rows if row.total is not None),
        conditional=sum(1 for row in rows if row.conditional),
        undecided=undecided,
        awaiting=sum(1 for row in rows if row.awaiting),
        absent=sum(1 for row in rows if row.attempt_id is None and not row.refused),
    )


@pages.post("/results/{shift}/grade", Permission.GRADE)
def grade(visit: Visiting, shift: str) -> Response:
    server = visit.server
    with server.transaction() as session:
        report = grade_shift(
            session,
            shift,
            officer=visit.signed_in,
            keys=server.keys,
            grace=server.settings.grace,
            now=visit.now(),
        )
    return _results(visit, shift, report=report)


@pages.post("/results/{shift}/publish", Permission.PUBLISH_RESULTS)
def publish(visit: Visiting, shift: str) -> Response:
    reason = visit.field("reason")
    try:
        with visit.server.transaction() as session:
            publication.publish(
                session,
                shift,
                officer=visit.signed_in,
                keys=visit.server.keys,
                now=visit.now(),
                reason=reason,
            )
    except NotPossibleError as error:
        if error.objection not in (Objection.REASON_MISSING, Objection.MAY_LACK_ANSWERS):
            raise
        return _publishing(visit, shift, problem=error.objection)
    return visit.go(f"/results/{shift}", done="published")


@pages.get("/results/{shift}/publish", Permission.PUBLISH_RESULTS)
def publishing(visit: Visiting, shift: str) -> Response:
    return _publishing(visit, shift)


def _publishing(visit: Visit, shift: str, *, problem: Objection | None = None) -> Response:
    """Asks once more, and for a reason where one is needed."""
    with visit.server.reading() as session:
        head = rooms.shift_head(session, shift)
        rows = service.results_of_shift(session, head.centre_id, head.id)
        published = publication.published_at(session, head.centre_id, head.id)
        row = session.get_one(Shift, (head.centre_id, head.id))
        lacking = publication.lacking(session, row, visit.now())
    return page(
        visit,
        "publish.html",
        status=409 if problem else 200,
        shift=head,
        published=published,
        count=sum(1 for row in rows if row.attempt_id and row.published_at is None),
        lacking=lacking,
        problem=visit.word("objection", problem) if problem else "",
    )


@pages.get("/results/slips/{attempt}", Permission.SEE_RESULTS)
def slip(visit: Visiting, attempt: str) -> Response:
    with visit.server.reading() as session:
        made = service.slip(session, attempt, keys=visit.server.keys, now=visit.now())
    return page(visit, "slip.html", slip=made, printed_at=visit.now())


@pages.get("/results/conditions/{checkin}", Permission.CLEAR_RESULTS)
def condition(visit: Visiting, checkin: str) -> Response:
    return _condition(visit, checkin)


def _condition(
    visit: Visit, checkin: str, *, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    with visit.server.reading() as session:
        row = anywhere(session, CheckIn, checkin)
        if row is None:
            raise NotPossibleError(Objection.NOT_FOUND, "there is no such check-in")
        room, seat = seat_of(session, row.placement_id, visit.now())
        basis, reason, why = row.basis, row.decision_reason, row.condition
    return page(
        visit,
        "condition.html",
        status=status,
        checkin=checkin,
        basis=basis,
        condition=why,
        decision_reason=reason or "",
        room=room,
        seated=seat.seated,
        errors=errors or {},
    )


@pages.post("/results/conditions/{checkin}", Permission.CLEAR_RESULTS)
def clear(visit: Visiting, checkin: str) -> Response:
    reason = visit.field("reason")
    if not reason:
        return _condition(visit, checkin, status=422, errors={"reason": "missing"})
    with visit.server.transaction() as session:
        row = checkins.clear(
            session, checkin, officer=visit.signed_in, reason=reason, now=visit.now()
        )
        room, _ = seat_of(session, row.placement_id, visit.now())
    return visit.go(f"/results/{room.shift.id}", done="cleared")
