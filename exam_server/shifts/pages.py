"""Opening, starting and closing a shift, each with a page that asks once more."""

from enum import StrEnum

from fastapi.responses import Response
from sqlmodel import Session

from exam_server import audit
from exam_server.access import Permission
from exam_server.attempts.outstanding import Outstanding, outstanding
from exam_server.contract.api import ShiftState
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring import service as rooms
from exam_server.proctoring.views import Counts
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Shift
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting, member

pages = Pages()


class Step(StrEnum):
    """What an officer can do with a shift."""

    OPEN = "open"
    START = "start"
    CLOSE = "close"


def _step(name: str) -> Step:
    step = member(Step, name)
    if step is None:
        raise NotPossibleError(Objection.NOT_FOUND, "a shift is opened, started or closed")
    return step


@pages.get("/shifts/{shift}/{step}", Permission.RUN_SHIFTS)
def confirm(visit: Visiting, shift: str, step: str) -> Response:
    return _confirm(visit, shift, _step(step))


def _confirm(visit: Visit, shift: str, step: Step, *, problem: str = "") -> Response:
    with visit.server.reading() as session:
        head = rooms.shift_head(session, shift)
        views = rooms.rooms_of(session, head, visit.now())
        lacking: list[Outstanding] = []
        if step is Step.CLOSE and head.state is ShiftState.STARTED:
            row = session.get_one(Shift, (head.centre_id, head.id))
            lacking = outstanding(session, row, visit.now())
    seats = [seat for view in views for seat in view.seats]
    return page(
        visit,
        "shift_confirm.html",
        status=409 if problem else 200,
        shift=head,
        step=step.value,
        early=step is Step.START and shifts.is_early(head.starts_at, visit.now()),
        totals=Counts.of(seats, sum(len(view.troubled) for view in views)),
        lacking=lacking,
        problem=problem,
    )


@pages.post("/shifts/{shift}/{step}", Permission.RUN_SHIFTS)
def do_step(visit: Visiting, shift: str, step: str) -> Response:
    wanted = _step(step)
    try:
        with visit.server.transaction() as session:
            _do(visit, session, shift, wanted)
    except NotPossibleError as error:
        if error.objection is Objection.NOT_FOUND:
            raise
        problem = visit.word("shift_step_problem", wanted)
        if error.objection in (Objection.TOO_EARLY, Objection.MAY_LACK_ANSWERS):
            problem = visit.word("objection", error.objection)
        return _confirm(visit, shift, wanted, problem=problem)
    return visit.go("/", done=f"shift_{wanted}")


def _do(visit: Visit, session: Session, shift: str, step: Step) -> None:
    officer, now, server = visit.signed_in, visit.now(), visit.server
    match step:
        case Step.OPEN:
            shifts.open_shift(session, shift, officer=officer, now=now)
        case Step.START:
            # A reason from anybody but the exam office counts for nothing.
            reason = visit.field("reason") if visit.may(Permission.START_EARLY) else ""
            shifts.start_shift(session, shift, officer=officer, now=now, early_reason=reason)
        case Step.CLOSE:
            grace = server.settings.grace
            shifts.close_shift(
                session,
                shift,
                officer=officer,
                keys=server.keys,
                grace=grace,
                now=now,
                reason=visit.field("reason"),
            )
    audit.seal(session, server.keys.signing, now=now)
