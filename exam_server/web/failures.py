"""What people see when something cannot be done: one proper page, one thing to do, no traceback."""

import logging
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from exam_server import db
from exam_server.errors import NotPossibleError, Objection
from exam_server.web import texts
from exam_server.web.headers import HEADERS
from exam_server.web.rendering import page
from exam_server.web.visit import (
    LANGUAGE_COOKIE,
    PART_HEADER,
    SignInNeeded,
    Visit,
    begin,
    by,
    sign_in_path,
)

log = logging.getLogger(__name__)
STATION_PATHS = "/api/"
#: Statuses that have a page of their own; any other client error reads as 400.
PAGES = frozenset({400, 403, 404, 405, 409, 411, 413, 422, 500, 503})
STATUS = {Objection.NOT_FOUND: 404, Objection.ROLE_MISSING: 403, Objection.SAME_OFFICER: 403}

Handler = Callable[[Request, Exception], Response | Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Adds the handlers of pages; what the stations' interface has stays as it is."""
    handlers: dict[type[Exception], Handler] = {
        HTTPException: _status,
        SignInNeeded: _sign_in,
        NotPossibleError: _not_possible,
        RequestValidationError: _unusable,
        ClientDisconnect: _unusable,  # nobody is left to see it
        DataError: _unusable,
        SQLAlchemyError: _database,
        Exception: _broken,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, _beside(app.exception_handlers.get(kind), handler))


def _beside(before: object, handler: Handler) -> Handler:
    async def choose(request: Request, error: Exception) -> Response:
        for_station = request.url.path.startswith(STATION_PATHS)
        chosen = before if for_station and callable(before) else handler
        answer = chosen(request, error)
        return await answer if isinstance(answer, Awaitable) else answer

    return choose


async def failure_page(request: Request, status: int, detail: str = "") -> Response:
    shown = status if status in PAGES else (500 if status >= 500 else 400)
    try:
        visit = await _visit_of(request)
        answer = page(visit, "error.html", status=status, frame_status=shown, detail=detail)
        # What answers a 500 lies outside the middleware that sets these.
        answer.headers.update(HEADERS | {"cache-control": "no-store"})
        return answer
    except Exception:
        log.exception("the error page could not be shown")
        language = texts.DEFAULT
        words = (f"error_title.{shown}", f"error_remedy.{shown}")
        lines = "\n".join(texts.text(language, key) for key in words)
        return PlainTextResponse(lines, status_code=status)


async def _visit_of(request: Request) -> Visit:
    """Who was let in, without asking again; nobody where the database is away that would know."""
    known = getattr(request.state, "visit", None)
    if isinstance(known, Visit):
        return known
    try:
        return await begin(request)
    except SQLAlchemyError as error:
        if not db.is_away(error):
            raise
        return by(None, request)


async def _status(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    if detail == "csrf":
        language = texts.chosen(request.cookies.get(LANGUAGE_COOKIE))
        return await failure_page(request, status, texts.text(language, "error.csrf"))
    return await failure_page(request, status)


async def _sign_in(request: Request, _error: Exception) -> Response:
    if PART_HEADER in request.headers:
        return PlainTextResponse("", status_code=401)
    return RedirectResponse(sign_in_path(request), status_code=303)


async def _not_possible(request: Request, error: Exception) -> Response:
    objection = error.objection if isinstance(error, NotPossibleError) else Objection.WRONG_STATE
    language = texts.chosen(request.cookies.get(LANGUAGE_COOKIE))
    detail = texts.word(language, "objection", objection)
    return await failure_page(request, STATUS.get(objection, 409), detail)


async def _unusable(request: Request, _error: Exception) -> Response:
    return await failure_page(request, 422)


async def _database(request: Request, error: Exception) -> Response:
    """Where it is away, or two writers met, nothing was kept, and trying again is safe."""
    if not db.is_worth_repeating(error):
        return await _broken(request, error)
    log.warning("a page found the database busy: %s %s", request.method, request.url.path)
    return await failure_page(request, 503)


async def _broken(request: Request, error: Exception) -> Response:
    log.error("a page failed: %s %s", request.method, request.url.path, exc_info=error)
    return await failure_page(request, 500)
