"""The time of a whole room or shift, and a candidate's own extra time."""

from datetime import timedelta
from enum import StrEnum

from fastapi.responses import Response
from sqlmodel import Session
from starlette.exceptions import HTTPException

from exam_server.access import Permission
from exam_server.attempts import restarts, room_time
from exam_server.attempts import service as attempts
from exam_server.attempts.room_time import Whom
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring.pages import (
    candidate_with_errors,
    room_with_errors,
    sound_minutes,
)
from exam_server.web.visit import Pages, Visit, Visiting

pages = Pages()


class Change(StrEnum):
    """What can be done to the time."""

    EXTEND = "extend"
    PAUSE = "pause"
    RESUME = "resume"


class Scope(StrEnum):
    """Whose time."""

    ROOM = "room"
    SHIFT = "shift"


@pages.post("/rooms/{shift}/{room}/time", Permission.KEEP_TIME)
def keep_room_time(visit: Visiting, shift: str, room: str) -> Response:
    change, scope = visit.choice("change", Change), visit.choice("scope", Scope)
    errors = {}
    if change is None:
        errors["room_change"] = "missing"
    if change is Change.EXTEND and not sound_minutes(visit.field("minutes")):
        errors["room_minutes"] = "minutes"
    if not visit.field("reason"):
        errors["room_reason"] = "missing"
    if scope is Scope.SHIFT and not visit.may(Permission.ARRANGE_TIME):
        raise HTTPException(403)
    if errors or change is None:
        return room_with_errors(visit, shift, room, errors)
    whom = Whom(shift, None if scope is Scope.SHIFT else room)
    try:
        with visit.server.transaction() as session:
            _change(visit, session, whom, change)
    except NotPossibleError as error:
        return room_with_errors(visit, shift, room, {"room_change": error.objection.value})
    return visit.go(f"/rooms/{shift}/{room}", done=f"room_time_{change}")


def _change(visit: Visit, session: Session, whom: Whom, change: Change) -> None:
    officer, reason, now = visit.signed_in, visit.field("reason"), visit.now()
    match change:
        case Change.EXTEND:
            by = timedelta(minutes=int(visit.field("minutes")))
            room_time.extend(session, whom, officer=officer, by=by, reason=reason, now=now)
        case Change.PAUSE:
            room_time.pause(session, whom, officer=officer, reason=reason, now=now)
        case Change.RESUME:
            room_time.resume(session, whom, officer=officer, reason=reason, now=now)


@pages.post("/placements/{placement}/restart", Permission.KEEP_TIME)
def give_nothing(visit: Visiting, placement: str) -> Response:
    reason = visit.field("restart_reason")
    if not reason:
        return candidate_with_errors(visit, placement, {"restart_reason": "missing"})
    with visit.server.transaction() as session:
        attempt = attempts.attempt_anywhere(session, placement)
        if attempt is None:
            raise NotPossibleError(Objection.WRONG_STATE, "nobody is admitted here yet")
        restarts.give_nothing(
            session, attempt, officer=visit.signed_in, reason=reason, now=visit.now()
        )
    return visit.go(f"/placements/{placement}", done="restart_settled")


@pages.post("/placements/{placement}/extra-time", Permission.ARRANGE_TIME)
def set_extra_time(visit: Visiting, placement: str) -> Response:
    percent, reason = visit.field("percent"), visit.field("extra_reason")
    errors = {}
    if not (percent.isascii() and percent.isdigit() and len(percent) <= 3):
        errors["percent"] = "bad_value"
    if not reason:
        errors["extra_reason"] = "missing"
    if not errors:
        try:
            with visit.server.transaction() as session:
                attempts.set_extra_time(
                    session,
                    placement,
                    percent=int(percent),
                    officer=visit.signed_in,
                    reason=reason,
                    now=visit.now(),
                )
        except NotPossibleError as error:
            errors["percent"] = error.objection.value
    if errors:
        return candidate_with_errors(visit, placement, errors)
    return visit.go(f"/placements/{placement}", done="extra_time_set")
