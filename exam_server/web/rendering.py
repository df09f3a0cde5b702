"""Templates: autoescaped, every word through the catalogues, every moment in the exam's zone."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from exam_server.access import Permission
from exam_server.web import texts
from exam_server.web.texts import Language
from exam_server.web.visit import VISITOR_COOKIE, Visit, keep

FOLDER = Path(__file__).parent / "templates"
#: Vietnam's time, the same all year; screens show no other.
ZONE = timezone(timedelta(hours=7), "ICT")

MENU = (
    ("/", "nav.overview", Permission.USE_PAGES),
    ("/bank", "nav.bank", Permission.SEE_ITEMS),
    ("/marking", "nav.marking", Permission.MARK_ANSWERS),
    ("/stations", "nav.stations", Permission.SEE_STATIONS),
    ("/results", "nav.results", Permission.SEE_RESULTS),
    ("/trust", "nav.trust", Permission.SEE_TRUST),
    ("/audit", "nav.audit", Permission.SEE_AUDIT),
)

_environment = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(visit: Visit, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """The template, filled; never kept by any cache."""
    html = _environment.get_template(template).render({**_frame(visit), **context})
    response = HTMLResponse(html, status_code=status)
    if visit.officer is None and visit.request.cookies.get(VISITOR_COOKIE) != visit.visitor:
        keep(response, VISITOR_COOKIE, visit.visitor)
    return response


def _frame(visit: Visit) -> dict[str, Any]:
    language = visit.language
    done = visit.request.query_params.get("done", "")
    return {
        "t": partial(texts.text, language),
        "word": partial(texts.word, language),
        "csrf": partial(_csrf_field, visit.csrf_token),
        "language": language,
        "officer": visit.officer,
        "may": visit.may,
        "navigation": _menu(visit),
        "realm": visit.server.settings.realm.value,
        "here": visit.request.url.path if visit.request.method == "GET" else "/",
        # Only what we can say ourselves: the address must not put words into our mouth.
        "done": done if texts.known(language, f"done.{done}") else "",
        "clock": clock,
        "moment": moment,
        "day": day,
        "mark": partial(mark, language),
        "time_left": time_left,
    }


def _menu(visit: Visit) -> list[Mapping[str, object]]:
    path = visit.request.url.path
    return [
        {"path": target, "key": key, "current": _within(path, target)}
        for target, key, permission in MENU
        if visit.may(permission)
    ]


def _within(path: str, target: str) -> bool:
    if target == "/":
        return path == "/" or path.startswith(("/rooms/", "/shifts/", "/placements/", "/checkins/"))
    return path == target or path.startswith(f"{target}/")


def _csrf_field(token: str) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def clock(at: datetime) -> str:
    """14:05:09"""
    return at.astimezone(ZONE).strftime("%H:%M:%S")


def moment(at: datetime) -> str:
    """09/06/2027 14:05"""
    return at.astimezone(ZONE).strftime("%d/%m/%Y %H:%M")


def day(of: date) -> str:
    return of.strftime("%d/%m/%Y")


def time_left(seconds: int) -> str:
    """1:29:59, or 29:59 below an hour."""
    hours, rest = divmod(max(seconds, 0), 3600)
    tail = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{tail}" if hours else tail


def mark(language: Language, value: Decimal) -> str:
    """A mark as it stands, with the language's own decimal sign."""
    plain = f"{value:f}"
    return plain.replace(".", ",") if language is Language.VIETNAMESE else plain
