"""The application, put together from its parts; nothing else happens here."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from card_reader.trust.store import TrustStore
from exam_server import web
from exam_server.attempts.routes import router as attempts
from exam_server.body_limit import BodyLimit
from exam_server.checkin.routes import router as checkin
from exam_server.context import Server, utc_now
from exam_server.keys import ServerKeys
from exam_server.settings import Settings
from exam_server.stations.routes import enrolling
from exam_server.stations.routes import router as stations


def create_app(
    settings: Settings,
    keys: ServerKeys,
    engine: Engine,
    trust: TrustStore | Callable[[], TrustStore],
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The server's ASGI application. `trust` may be what changes while it serves."""
    # No generated documentation: every page there is asks for a session.
    app = FastAPI(title="Trường Thi", docs_url=None, redoc_url=None, openapi_url=None)
    source = trust if callable(trust) else lambda: trust
    app.state.server = Server(settings, keys, engine, source, clock)
    for router in (enrolling, stations, checkin, attempts):
        app.include_router(router)
    app.add_api_route("/health", _health(engine), methods=["GET"])
    web.mount(app)
    app.add_middleware(BodyLimit)
    return app


def _health(engine: Engine) -> Callable[[], JSONResponse]:
    def health() -> JSONResponse:
        """Whether the server can work: its database answers."""
        try:
            with engine.connect() as connection:
                connection.execution_options(exam_server_read_only=True).execute(select(1))
        except SQLAlchemyError:
            return JSONResponse({"status": "no_database"}, status_code=503)
        return JSONResponse({"status": "ok"})

    return health
