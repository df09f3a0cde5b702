"""One process that answers requests."""

import gc
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from exam_server import keys, metrics
from exam_server.app import create_app
from exam_server.context import Server
from exam_server.items import bulk_files
from exam_server.keys import ServerKeys
from exam_server.serving.bus import bus_of
from exam_server.serving.corked import CorkedProtocol
from exam_server.serving.rounds import Rounds
from exam_server.settings import Settings
from exam_server.stations.elsewhere import Elsewhere
from exam_server.trust.source import TrustInForce

#: How long requests may take to finish once the server stops.
FINISH_SECONDS = 5
#: How long what is past its time may lie at most.
REMOVE_EVERY_SECONDS = 60
STATM = Path("/proc/self/statm")


def build(directory: Path, settings: Settings, own: ServerKeys, engine: Engine) -> FastAPI:
    """The application of the server in `directory`, with its end of the bus if there is one."""
    trust = TrustInForce(directory, engine, own=own.signing.public_key(), realm=settings.realm)
    app = create_app(settings, own, engine, trust)
    app.state.bus = bus = bus_of(settings, own.signing.public_key())
    if bus is not None:
        bus.attach("room", app.state.live)
        bus.attach("station", app.state.stations)
        app.state.stations.deaf = lambda: not bus.connected
    return app


class Process(uvicorn.Server):
    """Says when it answers (`started`), and ends live streams before it waits for requests."""

    def __init__(
        self, app: FastAPI, directory: Path, own: ServerKeys, started: Callable[[], None]
    ) -> None:
        super().__init__(_config(app, directory, own))
        self._app, self._announce = app, started
        self._elsewhere = Elsewhere(app.state.server, app.state.stations)
        self._rounds = Rounds()

    def run_until_told(self, listener: socket.socket) -> None:
        """Answers at `listener` until SIGTERM or SIGINT, then stops in order and returns."""
        # uvicorn stops in order and then raises the signal once more: an ordered stop is no death.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop_soon())
        self.run(sockets=[listener])

    def stop_soon(self) -> None:
        """As SIGTERM does."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        spare_the_collector()
        if self._app.state.bus is not None:
            self._app.state.bus.start()
        self._rounds.begin("measuring", self._measure, on_a_thread=False)
        self._rounds.begin("writing presence", self._app.state.presence.write, on_a_thread=True)
        self._rounds.begin("looking elsewhere", self._elsewhere.look, on_a_thread=True)
        self._rounds.begin(
            "removing old files", self._remove_old, on_a_thread=True, seconds=REMOVE_EVERY_SECONDS
        )
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.live.close()
        self._app.state.stations.close()
        await super().shutdown(sockets)
        if self._app.state.bus is not None:
            await self._app.state.bus.stop()
        await self._rounds.end()

    def _remove_old(self) -> None:
        server: Server = self._app.state.server
        with server.transaction() as session:
            bulk_files.remove_old(session, server.now())

    def _measure(self) -> None:
        metrics.process_is(len(self.server_state.connections), resident_bytes())
        self._app.state.committer.sample()
        metrics.streams_are("page", self._app.state.live.streams)
        metrics.streams_are("station", self._app.state.stations.streams)


def spare_the_collector() -> None:
    """Keeps the garbage collector from what was loaded for good, and from looking too often.

    Measured: by its defaults it took a quarter of the answer path's time, since each request makes
    some hundred objects that go by themselves, beside a hundred thousand that stay.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def resident_bytes() -> int:
    """This process's resident memory."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize()


def _config(app: FastAPI, directory: Path, own: ServerKeys) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=CorkedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=FINISH_SECONDS,
        timeout_keep_alive=75,
        ssl_certfile=str(directory / keys.CERTIFICATE_FILE),
        ssl_keyfile=str(directory / keys.TLS_KEY_FILE),
        ssl_keyfile_password=own.tls_passphrase,
    )
