"""One request for a page: who asks, in which language, and what may be answered.

Every page is declared through `Pages`, with its permission. The check runs before anything of the
page; a page cannot be declared without one. A POST also needs the form's CSRF token.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from exam_server import auth
from exam_server.access import Permission, allowed
from exam_server.auth import Officer
from exam_server.context import Server, server_of
from exam_server.web import texts
from exam_server.web.texts import Language

# __Host-: the browser takes it over TLS only, from this host only, for the whole host.
SESSION_COOKIE = "__Host-session"
VISITOR_COOKIE = "__Host-visitor"
LANGUAGE_COOKIE = "__Host-language"
#: Sent by the pages' own script when it asks for a part of a page again.
PART_HEADER = "x-part"
MAX_FORM_BYTES = 8 * 1024 * 1024
MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS = 40
LANGUAGE_LIFE = 365 * 24 * 3600


Choice = TypeVar("Choice", bound=StrEnum)


def member(kind: type[Choice], value: str) -> Choice | None:
    """The member of `kind` with this value, None where there is none."""
    return next((one for one in kind if one.value == value), None)


class SignInNeeded(Exception):  # noqa: N818 - no error: the way to the sign-in page
    """Nobody is signed in, and the page is not for everybody."""


@dataclass(frozen=True, slots=True)
class Visit:
    """`form` is empty for a GET; its files are uploads, all else is text."""

    request: Request
    server: Server
    language: Language
    officer: Officer | None
    visitor: str
    form: FormData

    @property
    def signed_in(self) -> Officer:
        if self.officer is None:
            raise SignInNeeded
        return self.officer

    @property
    def csrf_token(self) -> str:
        return self.officer.csrf_token if self.officer else self.visitor

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client else "unknown"

    def now(self) -> datetime:
        return self.server.now()

    def may(self, permission: Permission) -> bool:
        return allowed(self.officer.role if self.officer else None, permission)

    def word(self, family: str, code: object) -> str:
        return texts.word(self.language, family, code)

    def field(self, name: str) -> str:
        """A typed field without surrounding space; "" where it is missing or no text."""
        value = self.form.get(name, "")
        # Nobody types NUL, and not every database keeps it.
        return value.replace("\0", "").strip() if isinstance(value, str) else ""

    def choice(self, name: str, kind: type[Choice]) -> Choice | None:
        """The member of `kind` that was chosen; None where none of them was."""
        return member(kind, self.field(name))

    def secret(self, name: str) -> str:
        """A typed password, exactly as typed."""
        value = self.form.get(name, "")
        return value if isinstance(value, str) else ""

    def upload(self, name: str) -> UploadFile | None:
        value = self.form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def go(self, path: str, *, done: str = "") -> Response:
        """To another page of ours; `done` names what was done, for its first line."""
        query = ("&" if "?" in path else "?") + urlencode({"done": done}) if done else ""
        return RedirectResponse(path + query, status_code=303)


def keep(response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """Sets one of our cookies; for this browser session unless `seconds` are given."""
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


def inside(path: str) -> str:
    """`path` where it leads to a page of ours, the overview otherwise."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if plain and path.isprintable() and len(path) < 500 else "/"


def sign_in_path(request: Request) -> str:
    wanted = inside(request.url.path) if request.method == "GET" else "/"
    return "/login" if wanted == "/" else f"/login?next={quote(wanted)}"


async def visit_of(request: Request) -> Visit:
    """The visit that `Needs` let in; without one a page is never answered."""
    visit = getattr(request.state, "visit", None)
    if not isinstance(visit, Visit):
        raise HTTPException(403)
    return visit


Visiting = Annotated[Visit, Depends(visit_of)]


async def begin(request: Request, form: FormData | None = None) -> Visit:
    """Who is asking. Trusts nothing but the session's cookie."""
    server = server_of(request)
    token = request.cookies.get(SESSION_COOKIE)
    officer = await run_in_threadpool(auth.officer_of, server.engine, token, now=server.now())
    return by(officer, request, form)


def by(officer: Officer | None, request: Request, form: FormData | None = None) -> Visit:
    """The visit of `officer`, None for somebody of whom nothing is known."""
    visitor = request.cookies.get(VISITOR_COOKIE, "")
    return Visit(
        request=request,
        server=server_of(request),
        language=texts.chosen(request.cookies.get(LANGUAGE_COOKIE)),
        officer=officer,
        visitor=visitor if len(visitor) == 64 else os.urandom(32).hex(),
        form=form or FormData(),
    )


@dataclass(frozen=True, slots=True)
class Needs:
    """The gate before a page. `fields`: how many its form may have, `field_bytes`: each of them."""

    permission: Permission
    fields: int = MAX_FIELDS
    field_bytes: int = MAX_FIELD_BYTES

    async def __call__(self, request: Request) -> None:
        writing = request.method not in ("GET", "HEAD")
        visit = await begin(request, await self._form(request) if writing else None)
        role = visit.officer.role if visit.officer else None
        if not allowed(role, self.permission):
            if visit.officer is None:
                raise SignInNeeded
            raise HTTPException(403)
        if writing:
            _check_origin(visit)
        request.state.visit = visit

    async def _form(self, request: Request) -> FormData:
        length = request.headers.get("content-length", "")
        if not length.isascii() or not length.isdigit():
            raise HTTPException(411)
        if int(length) > MAX_FORM_BYTES:
            raise HTTPException(413)
        return await request.form(
            max_files=2, max_fields=self.fields, max_part_size=self.field_bytes
        )


def _check_origin(visit: Visit) -> None:
    """The form must be one of ours: it carries the session's (or visitor's) own token."""
    sent = visit.field("csrf")
    expected = visit.csrf_token if visit.officer else visit.request.cookies.get(VISITOR_COOKIE, "")
    site = visit.request.headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none") or not auth.same_token(sent, expected):
        raise HTTPException(403, detail="csrf")


Endpoint = Callable[..., Any]


class Pages:
    """A feature's pages. There is no way to add one without its permission."""

    def __init__(self) -> None:
        self.router = APIRouter(include_in_schema=False)

    def get(self, path: str, permission: Permission) -> Callable[[Endpoint], Endpoint]:
        return self._add("GET", path, Needs(permission))

    def post(
        self,
        path: str,
        permission: Permission,
        *,
        fields: int = MAX_FIELDS,
        field_bytes: int = MAX_FIELD_BYTES,
    ) -> Callable[[Endpoint], Endpoint]:
        return self._add("POST", path, Needs(permission, fields, field_bytes))

    def _add(self, method: str, path: str, needs: Needs) -> Callable[[Endpoint], Endpoint]:
        return self.router.api_route(
            path,
            methods=[method],
            dependencies=[Depends(needs)],
            response_class=HTMLResponse,
            response_model=None,
        )
