"""Whether this process lives (`/health`), and whether it can do its work (`/ready`)."""

import time
from collections.abc import Callable
from enum import StrEnum

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from exam_server import db, migrations
from exam_server.context import Server, server_of
from exam_server.errors import ServerError
from exam_server.serving.bus import EventBus

router = APIRouter()
#: Asked by whoever likes, so the database is asked no more often than this.
FRESH_SECONDS = 1.0


class Readiness(StrEnum):
    """What `/ready` says of each thing that the server needs. A closed list."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    NOT_AT_HEAD = "not_at_head"
    UNUSABLE = "unusable"
    DISCONNECTED = "disconnected"
    NOT_USED = "not_used"


_GOOD = frozenset({Readiness.OK, Readiness.NOT_USED})
#: Without these no request can be done. Without trust nobody is let in by chip, and without NATS
#: pages follow their own beat, but answers are kept: no reason to send the stations away.
_NEEDED = ("database", "migrations")


@router.get("/health")
async def health() -> JSONResponse:
    """Liveness: the process answers. A database that is away is no reason to kill it."""
    return JSONResponse({"status": "ok"})


@router.get("/ready")
def ready(request: Request) -> JSONResponse:
    """Readiness: 200 (ready, degraded) where requests can be sent here, 503 where they cannot."""
    found = _fresh(request)
    status = _status(found)
    shown = {name: state.value for name, state in found.items()}
    code = 503 if status == "not_ready" else 200
    return JSONResponse({"status": status, **shown}, status_code=code)


def _status(found: dict[str, Readiness]) -> str:
    if any(found[name] not in _GOOD for name in _NEEDED):
        return "not_ready"
    return "ready" if _GOOD.issuperset(found.values()) else "degraded"


def _fresh(request: Request) -> dict[str, Readiness]:
    state, now = request.app.state, time.monotonic()
    asked_at, found = getattr(state, "readiness", (0.0, None))
    if found is None or now - asked_at > FRESH_SECONDS:
        found = readiness(server_of(request), getattr(state, "bus", None))
        state.readiness = (now, found)
    return dict(found)


def readiness(server: Server, bus: EventBus | None) -> dict[str, Readiness]:
    """database, migrations, trust, nats."""
    checks: dict[str, Callable[[Server], Readiness]] = {
        "database": _database,
        "migrations": _migrations,
        "trust": _trust,
    }
    found = {name: _checked(check, server) for name, check in checks.items()}
    return {**found, "nats": _nats(bus)}


def _checked(check: Callable[[Server], Readiness], server: Server) -> Readiness:
    try:
        return check(server)
    except SQLAlchemyError:
        return Readiness.UNREACHABLE


def _database(server: Server) -> Readiness:
    with server.reading() as session:
        session.execute(select(1))
    return Readiness.OK


def _migrations(server: Server) -> Readiness:
    looking = server.engine.execution_options(**{db.READ_ONLY: True})
    at_head = migrations.current(looking) == migrations.head()
    return Readiness.OK if at_head else Readiness.NOT_AT_HEAD


def _trust(server: Server) -> Readiness:
    try:
        _ = server.trust
    except ServerError:
        return Readiness.UNUSABLE
    return Readiness.OK


def _nats(bus: EventBus | None) -> Readiness:
    if bus is None:
        return Readiness.NOT_USED
    return Readiness.OK if bus.connected else Readiness.DISCONNECTED
