"""The sheets with a room's codes, one for each: asked for by a button, since every look is
written to the log."""

from fastapi.responses import Response

from exam_server.access import Permission
from exam_server.proctoring import service as rooms
from exam_server.shifts import codes
from exam_server.shifts.codes import Code
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visiting

pages = Pages()


@pages.get("/rooms/{shift}/{room}/codes", Permission.SEE_CODES)
def ask(visit: Visiting, shift: str, room: str) -> Response:
    with visit.server.reading() as session:
        view = rooms.room_of(session, shift, room, visit.now())
    early = visit.may(Permission.SEE_START_CODE_EARLY)
    offered = [code for code in Code if codes.may_be_seen(code, view.shift.state, early=early)]
    return page(visit, "codes.html", room=view, shift=view.shift, offered=offered, all=list(Code))


@pages.post("/rooms/{shift}/{room}/codes/{code}", Permission.SEE_CODES)
def show(visit: Visiting, shift: str, room: str, code: Code) -> Response:
    with visit.server.transaction() as session:
        view = rooms.room_of(session, shift, room, visit.now())
        shown = codes.show(
            session,
            shift,
            room,
            code,
            early=visit.may(Permission.SEE_START_CODE_EARLY),
            officer=visit.signed_in,
            keys=visit.server.keys,
            now=visit.now(),
        )
    return page(
        visit,
        f"code_{code}.html",
        room=view,
        shift=view.shift,
        code=shown,
        printed_at=visit.now(),
    )
