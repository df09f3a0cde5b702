"""Another seat: what will happen, which seats are free, and the move itself."""

from fastapi.responses import Response

from exam_server.access import Permission
from exam_server.attempts.models import Attempt
from exam_server.attempts.noting import clean_code
from exam_server.contract.api import ShiftState
from exam_server.contract.receipt import head_code
from exam_server.proctoring import service
from exam_server.proctoring.views import FreeSeat, RoomView
from exam_server.shifts.service import move_placement
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting

pages = Pages()
FIELDS = ("seat", "reason", "head_code")


@pages.get("/placements/{placement}/move", Permission.MOVE_CANDIDATES)
def move_page(visit: Visiting, placement: str) -> Response:
    return _move_page(visit, placement)


def _move_page(
    visit: Visit,
    placement: str,
    *,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with visit.server.reading() as session:
        room, seat = service.seat_of(session, placement, visit.now())
        free = service.free_seats(session, room.shift, visit.now())
        seated = seat.seated
        own = (room.shift.centre_id, seated.attempt) if seated and seated.attempt else None
        attempt = session.get(Attempt, own) if own else None
        held = head_code(attempt.head) if attempt and attempt.sequence else ""
    return page(
        visit,
        "move.html",
        status=422 if errors else 200,
        room=room,
        seat=seat,
        seated=seated,
        written=attempt is not None and attempt.epoch > 0,
        held_code=held,
        free=sorted(free, key=lambda one: (not _usable(one, room), one.room != room.name)),
        usable={one.id for one in free if _usable(one, room)},
        errors=errors or {},
        typed=typed or dict.fromkeys(FIELDS, ""),
    )


def _usable(seat: FreeSeat, room: RoomView) -> bool:
    """While candidates are there, a seat without a ready station is no help."""
    return seat.ready or room.shift.state is ShiftState.PLANNED


@pages.post("/placements/{placement}/seat", Permission.MOVE_CANDIDATES)
def move(visit: Visiting, placement: str) -> Response:
    typed = {name: visit.field(name) for name in FIELDS}
    errors = _errors(visit, placement, typed)
    if errors:
        return _move_page(visit, placement, errors=errors, typed=typed)
    with visit.server.transaction() as session:
        move_placement(
            session,
            placement,
            seat_id=typed["seat"],
            officer=visit.signed_in,
            reason=typed["reason"],
            head_code=typed["head_code"],
            now=visit.now(),
        )
    return visit.go(f"/placements/{placement}", done="moved")


def _errors(visit: Visit, placement: str, typed: dict[str, str]) -> dict[str, str]:
    """What is wrong with the form, by field."""
    errors = {name: "missing" for name in ("seat", "reason") if not typed[name]}
    if typed["head_code"] and clean_code(typed["head_code"]) is None:
        errors["head_code"] = "head_code"
    if typed["seat"]:
        with visit.server.reading() as session:
            room, _ = service.seat_of(session, placement, visit.now())
            free = service.free_seats(session, room.shift, visit.now())
        chosen = next((one for one in free if one.id == typed["seat"]), None)
        if chosen is not None and not _usable(chosen, room):
            errors["seat"] = "not_ready"
    return errors
