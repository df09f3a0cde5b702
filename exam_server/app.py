"""The application, put together from its parts; nothing else happens here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from functools import partial

from fastapi import FastAPI
from sqlalchemy.engine import Engine

from card_reader.trust.store import TrustStore
from exam_server import web
from exam_server.attempts.answer_path import AnswerPath, committer_of
from exam_server.attempts.committer import Committer
from exam_server.attempts.routes import router as attempts
from exam_server.body_limit import BodyLimit
from exam_server.checkin.routes import router as checkin
from exam_server.context import Server, utc_now
from exam_server.items import apart
from exam_server.keys import ServerKeys
from exam_server.serving.ending import Ending
from exam_server.serving.health import router as health
from exam_server.serving.request_log import RequestLog
from exam_server.settings import Settings
from exam_server.stations.announcing import announce_to_stations
from exam_server.stations.events import StationEvents
from exam_server.stations.presence import Presence
from exam_server.stations.routes import enrolling
from exam_server.stations.routes import router as stations
from exam_server.stations.stream import events_route, signal_of


def create_app(
    settings: Settings,
    keys: ServerKeys,
    engine: Engine,
    trust: TrustStore | Callable[[], TrustStore],
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The server's ASGI application. `trust` may be what changes while it serves."""
    # No generated documentation: every page there is asks for a session.
    source = trust if callable(trust) else lambda: trust
    server = Server(settings, keys, engine, source, clock)
    committer = committer_of(server)
    app = FastAPI(
        title="Trường Thi",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # Measured: looking for providers of telemetry cost a sixth of each request's time. And
        # what it records of a failed validation may be anybody's data.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_closing(committer),
    )
    app.state.server = server
    app.state.committer = committer
    for router in (enrolling, stations, checkin, attempts):
        app.include_router(router)
    app.include_router(health)
    _open_streams(app)
    web.mount(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(AnswerPath, server=server, committer=committer)
    app.add_middleware(Ending, now=server.now)
    app.add_middleware(RequestLog)
    return app


def _closing(committer: Committer) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        apart.begin()
        yield
        apart.stop()
        committer.close()

    return lifespan


def _open_streams(app: FastAPI) -> None:
    """What the stations listen to, told by every commit, and where their pulses are noted."""
    server: Server = app.state.server
    app.state.stations = StationEvents(partial(signal_of, server))
    app.state.stop_announcing_to_stations = announce_to_stations(server.engine, app.state.stations)
    app.state.presence = Presence(server)
    app.router.routes.append(events_route(app.state.stations, app.state.presence))
