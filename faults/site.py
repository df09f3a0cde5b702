"""The server's side: ``exam-server serve`` over SQLite or PostgreSQL, under the shim."""

import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from sqlalchemy.engine import Engine

from exam_server import db, directory, keys, settings
from exam_server.keys import ServerKeys
from faults.shim import Field, Full, RolledBack, Shim
from rig.nats import NatsServer
from rig.postgres import PostgresCluster
from rig.processes import Process, ProcessFailedError, command
from rig.server import START_SECONDS, Server

#: Seconds for PostgreSQL to recover from whatever it was.
RECOVERY = 60.0
#: Processes of a server that has several; seconds until one that died is replaced, at most.
PROCESSES, REPLACED = 2, 120.0
#: Seconds of silence after which a process is taken to hang.
SILENT = 3.0
SABOTAGED = "faults.sabotage"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a site is made of. `lying`: once all write, the disk of its database does not flush.
    `sabotage`: what the server does wrong (`faults.sabotage`); nothing. `several`: its program
    runs as several processes with NATS between them, which needs PostgreSQL."""

    postgres: bool = False
    several: bool = False
    lying: bool = False
    sabotage: str = ""


class SabotagedServer(Server):
    """The server spoiled by `faults.sabotage`; its commands are the real ones."""

    def __init__(self, folder: Path, sabotage: str, environment: Mapping[str, str]) -> None:
        super().__init__(folder, environment=environment)
        self.sabotage = sabotage

    def start(self) -> None:
        words = ["serve", str(self.folder), "--port", str(self.port), "--json"]
        call = [command("python")[0], "-m", SABOTAGED, self.sabotage, *words]
        self.process = Process("sabotaged exam-server", call, self.environment, self.log)
        said = self.process.wait_for("address", lambda event: "url" in event, START_SECONDS)
        self.url = said["url"]


class Site:
    """Context manager: a server that is made, started, killed, rolled back and started again."""

    def __init__(self, folder: Path, library: Path, conditions: Conditions) -> None:
        self._conditions = conditions
        self._stack = ExitStack()
        self._cluster: PostgresCluster | None = None
        self.nats: NatsServer | None = None
        self.folder = folder / "server"
        # The server's own process: its clock, and its files where they are the database.
        self.shim = Shim(library, folder / "server-power", (self.folder,))
        self.disk = self.shim
        self._library = library
        self.server = Server(self.folder, environment=self.shim.environment)
        if conditions.sabotage:
            self.server = SabotagedServer(self.folder, conditions.sabotage, self.shim.environment)

    def __enter__(self) -> "Site":
        if self._conditions.postgres:
            cluster = self._stack.enter_context(PostgresCluster())
            # Where the user `postgres` may go.
            library = Path(shutil.copy(self._library, cluster.folder))
            self.disk = Shim(library, cluster.folder / "power", (cluster.data,))
            self.server.database = cluster.create_database("exam")
            cluster.stop()
            cluster.environment.update(self.disk.environment)
            cluster.start()
            self._cluster = cluster
        if self._conditions.several:
            self.nats = self._stack.enter_context(NatsServer())
            self.server.workers, self.server.nats = PROCESSES, self.nats.url
        self.server.make()
        if self._conditions.several:
            kept = settings.load(self.folder)
            settings.save(self.folder, kept.model_copy(update={"silent_seconds": SILENT}))
        self.server.start()
        if not self.disk.count(Field.WRITES):
            raise ProcessFailedError("the shim does not see what the database writes")
        return self

    def __exit__(self, *_: object) -> None:
        self.server.kill()
        self._stack.close()

    @property
    def tls_passphrase(self) -> str:
        return self.keys().tls_passphrase

    def keys(self) -> ServerKeys:
        return keys.load(self.folder, self.server.environment["EXAM_SERVER_PASSPHRASE"])

    def engine(self) -> Engine:
        """The database, for whoever judges it."""
        return db.create_engine(directory.database_url(self.folder, settings.load(self.folder)))

    # --- what befalls it ------------------------------------------------------------------------

    def kill(self, rng: random.Random, *, torn: bool) -> RolledBack:
        """The power fails: every process dies, and the disk keeps what was flushed (and, `torn`,
        some of the rest)."""
        if self._cluster is not None:
            self._cluster.kill()
        self.server.kill()
        if self.nats is not None:
            self.nats.kill()
        return self.disk.roll_back(rng, torn=torn)

    def kill_program(self) -> None:
        """The server's program dies; its database does not."""
        self.server.kill()

    def kill_one(self, place: int) -> None:
        """One of the server's processes dies alone; ProcessFailedError where nobody replaces it."""
        self._await_replaced(self.server.kill_worker(place))

    def freeze_one(self, place: int) -> None:
        """One of the server's processes hangs; ProcessFailedError where nobody replaces it."""
        self._await_replaced(self.server.freeze_worker(place))

    def _await_replaced(self, dead: int) -> None:
        end = time.monotonic() + REPLACED
        while dead in (now := self.server.worker_pids()) or len(now) < PROCESSES:
            if time.monotonic() > end:
                raise ProcessFailedError("a lost process of the server was not replaced")
            time.sleep(0.02)

    def await_all(self) -> None:
        """Until each of several processes answers: connections fall on any of them."""
        seen: set[str] = set()
        end = time.monotonic() + REPLACED
        while len(seen) < PROCESSES and time.monotonic() < end:
            with suppress(httpx.HTTPError):
                answer = httpx.get(
                    f"{self.server.url}/health", verify=self.server.tls(), timeout=0.5
                )
                seen.add(answer.headers["x-request-id"].partition("-")[0])

    @contextmanager
    def left(self) -> Iterator[Engine]:
        """What is left of the database after a kill, before any station can send anything again.

        SQLite's files are looked at in a copy, so that the server's own recovery is what is tried.
        """
        if self._cluster is not None:
            self._await_database(self._cluster)
            engine = self.engine()
            yield engine
            engine.dispose()
            return
        with tempfile.TemporaryDirectory() as folder:
            for file in self.folder.glob(f"{directory.DATABASE}*"):
                shutil.copy(file, folder)
            engine = db.create_engine(f"sqlite:///{folder}/{directory.DATABASE}")
            yield engine
            engine.dispose()

    def come_back(self) -> None:
        """Starts what is not running. ProcessFailedError where the server cannot be had again."""
        if self._cluster is not None:
            self._await_database(self._cluster)
        if not self.server.running:
            self.server.kill()
            self.server.start()
        if self.nats is not None and not self.nats.running:
            self.nats.start()  # last: a server waits for it no more than stations do

    def _await_database(self, cluster: PostgresCluster) -> None:
        """Until PostgreSQL answers. One that broke down (a full disk) recovers by itself, or
        ends over it and is started again."""
        end = time.monotonic() + RECOVERY
        while True:
            if not cluster.running:
                cluster.kill()
                cluster.start()
            try:
                cluster.execute("SELECT 1")
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > end:
                    raise ProcessFailedError(f"PostgreSQL does not recover: {error}") from error
            time.sleep(0.1)

    def await_cut(self, seconds: float) -> bool:
        """Whether the shim has cut the power within `seconds`."""
        end = time.monotonic() + seconds
        while self.disk.is_armed:
            if time.monotonic() > end:
                return False
            time.sleep(0.002)
        return True

    def fill_disk(self, full: Full) -> None:
        self.disk.fill_disk(full)
