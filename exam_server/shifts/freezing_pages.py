"""Where the exam office freezes a shift's program and packages, and makes exceptions."""

from enum import StrEnum

from fastapi.responses import Response
from sqlmodel import Session, and_, col, select

from exam_server.access import Permission
from exam_server.centres.models import Seat
from exam_server.contract.program import program_version
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring import service as rooms
from exam_server.proctoring.views import ShiftHead
from exam_server.shifts import freezing
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Assignment, StationStatus
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting

pages = Pages()


class Act(StrEnum):
    """What can be done about what is frozen."""

    FREEZE = "freeze"
    ALLOW = "allow"
    THAW = "thaw"


@pages.get("/shifts/{shift}/program", Permission.FREEZE_PROGRAM)
def program_page(visit: Visiting, shift: str) -> Response:
    return _page(visit, shift)


def _page(visit: Visit, shift: str, *, problem: str = "") -> Response:
    with visit.server.reading() as session:
        head = rooms.shift_head(session, shift)
        views = rooms.rooms_of(session, head, visit.now())
        row = session.get_one(Shift, (head.centre_id, head.id))
        versions = freezing.versions_of(_statuses(session, head))
    own = program_version()
    return page(
        visit,
        "shift_program.html",
        status=409 if problem else 200,
        shift=head,
        frozen=row,
        own=own,
        versions=versions if own in versions else {**versions, own: 0},
        unready=[(view, seat) for view in views for seat in view.unready],
        problem=problem,
    )


def _statuses(session: Session, head: ShiftHead) -> list[StationStatus]:
    used = select(Placement.room_id).where(
        Placement.centre_id == head.centre_id, Placement.shift_id == head.id
    )
    query = (
        select(StationStatus)
        .join(
            Assignment,
            and_(
                col(Assignment.centre_id) == StationStatus.centre_id,
                col(Assignment.station_id) == StationStatus.station_id,
            ),
        )
        .join(Seat, col(Seat.id) == Assignment.seat_id)
        .where(col(Assignment.until).is_(None), col(Seat.room_id).in_(used))
    )
    return list(session.exec(query))


@pages.post("/shifts/{shift}/program", Permission.FREEZE_PROGRAM)
def change(visit: Visiting, shift: str) -> Response:
    act = visit.choice("act", Act)
    if act is None:
        raise NotPossibleError(Objection.BAD_VALUE, "freeze, allow or thaw")
    try:
        with visit.server.transaction() as session:
            _do(visit, session, shift, act)
    except NotPossibleError as error:
        if error.objection is Objection.NOT_FOUND:
            raise
        return _page(visit, shift, problem=visit.word("objection", error.objection))
    return visit.go(f"/shifts/{shift}/program", done=f"program_{act}")


def _do(visit: Visit, session: Session, shift: str, act: Act) -> None:
    officer, now = visit.signed_in, visit.now()
    program, reason = visit.field("program"), visit.field("reason")
    match act:
        case Act.FREEZE:
            freezing.freeze(session, shift, program=program, officer=officer, now=now)
        case Act.ALLOW:
            freezing.allow(session, shift, program=program, officer=officer, reason=reason, now=now)
        case Act.THAW:
            freezing.thaw(session, shift, officer=officer, reason=reason, now=now)
