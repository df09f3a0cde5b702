"""Signing in and out, and the choice of language."""

import os

from fastapi.responses import Response

from exam_server import auth
from exam_server.access import Permission
from exam_server.auth import LoginProblem, NotLetInError
from exam_server.web.rendering import page
from exam_server.web.texts import Language
from exam_server.web.visit import (
    LANGUAGE_COOKIE,
    LANGUAGE_LIFE,
    SESSION_COOKIE,
    VISITOR_COOKIE,
    Pages,
    Visiting,
    inside,
    keep,
)

pages = Pages()
STATUS = {LoginProblem.WRONG: 401, LoginProblem.RESTING: 429, LoginProblem.DISABLED: 403}


@pages.get("/login", Permission.SIGN_IN)
def login_form(visit: Visiting) -> Response:
    wanted = inside(visit.request.query_params.get("next", "/"))
    if visit.officer is not None:
        return visit.go(wanted)
    return page(visit, "login.html", problem=None, typed="", next=wanted)


@pages.post("/login", Permission.SIGN_IN)
def login(visit: Visiting) -> Response:
    wanted = inside(visit.field("next"))
    username = visit.field("login")
    server, now = visit.server, visit.now()
    try:
        officer = auth.check_officer(
            server.engine,
            visit.request.app.state.throttle,
            username=username,
            password=visit.secret("password"),
            address=visit.address,
            now=now,
        )
    except NotLetInError as error:
        status = STATUS[error.problem]
        return page(
            visit, "login.html", status=status, problem=error.problem, typed=username, next=wanted
        )
    token = auth.open_session(server.engine, officer, now=now, rng=os.urandom)
    answer = visit.go(wanted)
    keep(answer, SESSION_COOKIE, token)
    answer.delete_cookie(VISITOR_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@pages.post("/logout", Permission.USE_PAGES)
def logout(visit: Visiting) -> Response:
    token = visit.request.cookies.get(SESSION_COOKIE, "")
    auth.close_session(visit.server.engine, token, visit.signed_in, now=visit.now())
    answer = visit.go("/login")
    answer.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@pages.post("/language", Permission.SIGN_IN)
def choose_language(visit: Visiting) -> Response:
    chosen = visit.choice("language", Language)
    answer = visit.go(inside(visit.field("back")))
    if chosen is not None:
        keep(answer, LANGUAGE_COOKIE, chosen.value, seconds=LANGUAGE_LIFE)
    return answer
