"""The overview, the room page with its live parts, and one candidate's page."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from exam_server import db
from exam_server.access import Permission, allowed
from exam_server.attempts import service as attempts
from exam_server.auth import officer_of
from exam_server.contract.api import ShiftState
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring import service
from exam_server.proctoring.events import LiveEvents
from exam_server.proctoring.history import history_of
from exam_server.proctoring.views import REACH
from exam_server.web.rendering import page
from exam_server.web.visit import SESSION_COOKIE, Pages, Visit, Visiting

pages = Pages()
#: The page hears from the server at least this often; it takes a longer silence for a lost link.
BEAT_SECONDS = 10.0
#: A burst of changes (everyone starts at once) is shown as one.
GATHER_SECONDS = 0.3
LOOK_AGAIN_SECONDS = REACH.total_seconds()
CLOSED_SHOWN = 20
LONGEST_MINUTES = 300


@pages.get("/", Permission.USE_PAGES)
def overview(visit: Visiting) -> Response:
    shifts = []
    if visit.may(Permission.WATCH_ROOMS):
        with visit.server.reading() as session:
            heads = service.shift_heads(session)
            running = [head for head in heads if head.state is not ShiftState.CLOSED]
            closed = [head for head in heads if head.state is ShiftState.CLOSED][-CLOSED_SHOWN:]
            now = visit.now()
            shifts = [
                (head, service.rooms_of(session, head, now))
                for head in (*running, *reversed(closed))
            ]
    return page(visit, "overview.html", shifts=shifts)


def _room_page(
    visit: Visit,
    template: str,
    shift: str,
    room: str,
    *,
    errors: dict[str, str] | None = None,
) -> Response:
    with visit.server.reading() as session:
        view = service.room_of(session, shift, room, visit.now())
    errors = errors or {}
    typed = {name: visit.field(name) for name in ("change", "scope", "minutes", "reason")}
    status = 422 if errors else 200
    return page(
        visit, template, status=status, room=view, shift=view.shift, errors=errors, typed=typed
    )


def room_with_errors(visit: Visit, shift: str, room: str, errors: dict[str, str]) -> Response:
    """The room page again, with what was typed and what is wrong with it."""
    return _room_page(visit, "room.html", shift, room, errors=errors)


@pages.get("/rooms/{shift}/{room}", Permission.WATCH_ROOMS)
def room_page(visit: Visiting, shift: str, room: str) -> Response:
    return _room_page(visit, "room.html", shift, room)


@pages.get("/rooms/{shift}/{room}/head", Permission.WATCH_ROOMS)
def room_head(visit: Visiting, shift: str, room: str) -> Response:
    return _room_page(visit, "parts/room_head.html", shift, room)


@pages.get("/rooms/{shift}/{room}/seats", Permission.WATCH_ROOMS)
def room_seats(visit: Visiting, shift: str, room: str) -> Response:
    return _room_page(visit, "parts/seats.html", shift, room)


@pages.get("/rooms/{shift}/{room}/side", Permission.WATCH_ROOMS)
def room_side(visit: Visiting, shift: str, room: str) -> Response:
    return _room_page(visit, "parts/side.html", shift, room)


@pages.get("/rooms/{shift}/{room}/events", Permission.WATCH_ROOMS)
async def room_events(visit: Visiting, shift: str, room: str) -> Response:
    await run_in_threadpool(_known_room, visit, shift, room)
    return StreamingResponse(_events(visit, room), media_type="text/event-stream")


def _known_room(visit: Visit, shift: str, room: str) -> None:
    with visit.server.reading() as session:
        service.room_of(session, shift, room, visit.now())


async def _events(visit: Visit, room: str) -> AsyncIterator[str]:
    hub: LiveEvents = visit.request.app.state.live
    with hub.watch(room) as watcher:
        yield _event("here")
        pause = BEAT_SECONDS
        while not hub.closed:
            try:
                welcome = await run_in_threadpool(_still_welcome, visit)
            except SQLAlchemyError as error:
                if db.is_away(error):
                    return  # the page comes again
                raise
            if not welcome:
                yield _event("ended")
                return
            changed = await watcher.wait(pause)
            if hub.closed:
                return
            yield _event("changed" if changed else "here")
            # Once more a little later: what has not reached its kiosk by then is shown.
            pause = LOOK_AGAIN_SECONDS if changed else BEAT_SECONDS
            await asyncio.sleep(GATHER_SECONDS)


def _event(name: str) -> str:
    return f"event: {name}\ndata: -\n\n"


def _still_welcome(visit: Visit) -> bool:
    """Whether the session still holds: a stream must not outlive it."""
    token = visit.request.cookies.get(SESSION_COOKIE)
    # A page that is merely open is nobody at work.
    officer = officer_of(visit.server.engine, token, now=visit.now(), acting=False)
    return officer is not None and allowed(officer.role, Permission.WATCH_ROOMS)


@pages.get("/placements/{placement}", Permission.WATCH_ROOMS)
def candidate_page(visit: Visiting, placement: str) -> Response:
    return _candidate_page(visit, placement)


@pages.get("/placements/{placement}/state", Permission.WATCH_ROOMS)
def candidate_state(visit: Visiting, placement: str) -> Response:
    return _candidate_page(visit, placement, template="parts/candidate_state.html")


def _candidate_page(
    visit: Visit,
    placement: str,
    *,
    template: str = "candidate.html",
    status: int = 200,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with visit.server.reading() as session:
        room, seat = service.seat_of(session, placement, visit.now())
        history = history_of(session, room.shift.centre_id, placement)
    return page(
        visit,
        template,
        status=status,
        room=room,
        seat=seat,
        seated=seat.seated,
        history=history,
        errors=errors or {},
        typed=typed or {},
    )


def candidate_with_errors(visit: Visit, placement: str, errors: dict[str, str]) -> Response:
    """The candidate's page again, with what was typed and what is wrong with it."""
    typed = {name: visit.field(name) for name in ("percent", "extra_reason")}
    return _candidate_page(visit, placement, status=422, errors=errors, typed=typed)


@pages.post("/placements/{placement}/time", Permission.KEEP_TIME)
def keep_time(visit: Visiting, placement: str) -> Response:
    typed = {name: visit.field(name) for name in ("change", "minutes", "reason")}
    errors = _time_errors(typed)
    if errors:
        return _candidate_page(visit, placement, status=422, errors=errors, typed=typed)
    officer, reason, now = visit.signed_in, typed["reason"], visit.now()
    with visit.server.transaction() as session:
        attempt = attempts.attempt_anywhere(session, placement)
        if attempt is None:
            raise NotPossibleError(Objection.WRONG_STATE, "nobody is admitted here yet")
        match typed["change"]:
            case "extend":
                by = timedelta(minutes=int(typed["minutes"]))
                attempts.extend(session, attempt.id, officer=officer, by=by, reason=reason, now=now)
            case "pause":
                attempts.pause(session, attempt.id, officer=officer, reason=reason, now=now)
            case _:
                attempts.resume(session, attempt.id, officer=officer, reason=reason, now=now)
    return visit.go(f"/placements/{placement}", done=f"time_{typed['change']}")


def _time_errors(typed: dict[str, str]) -> dict[str, str]:
    """What is wrong with the form, by field."""
    change, minutes = typed["change"], typed["minutes"]
    if change not in ("extend", "pause", "resume"):
        raise NotPossibleError(Objection.BAD_VALUE, "choose extend, pause or resume")
    errors = {}
    if not typed["reason"]:
        errors[f"{change}_reason"] = "missing"
    if change == "extend" and not sound_minutes(minutes):
        errors["minutes"] = "minutes"
    return errors


def sound_minutes(typed: str) -> bool:
    """Whether the text is a number of minutes that an officer may add."""
    return typed.isascii() and typed.isdigit() and 0 < int(typed[:6]) <= LONGEST_MINUTES
