"""A real ``exam-server serve`` over TLS: made, started, stopped, killed, started again.

server = Server(folder, database=cluster.create_database("exam"), nats=nats.url, workers=2)
server.make()
server.call("load", "exam", "FOLDER")
server.start()          # server.url
server.kill()           # every process of it, as a power cut would
server.start()          # on the same port
server.stop()           # in order; its exit code
"""

import json
import os
import secrets
import signal
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rig.ports import own_port
from rig.processes import Process, ProcessFailedError, command, run

START_SECONDS = 120.0
STOP_SECONDS = 60.0


class Server:
    """One server: its folder, its passphrase (of this run alone) and, once started, its process.

    Without `database` it has SQLite in its folder; several `workers` need PostgreSQL and `nats`.
    `options` are added to ``serve``, `environment` to every command of this server.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database: str | None = None,
        workers: int = 1,
        nats: str | None = None,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.database, self.workers, self.nats = database, workers, nats
        self.options = tuple(options)
        passphrase = {"EXAM_SERVER_PASSPHRASE": secrets.token_urlsafe(24)}
        self.environment = {**passphrase, **(environment or {})}
        self.log = folder.with_name(f"{folder.name}.log")
        self.process: Process | None = None
        self.url = ""
        self.port = own_port(self)

    # --- its commands ---------------------------------------------------------------------------

    def make(self, *, realm: str = "test") -> None:
        """``exam-server init``."""
        where = ("--database", self.database) if self.database else ()
        run(
            *("exam-server", "init", str(self.folder), "--realm", realm, *where),
            environment=self.environment,
        )

    def call(self, *words: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Runs ``exam-server WORDS`` and gives its JSON answer; the words name the folder.

        ProcessFailedError where the command's verdict is not positive.
        """
        chosen = {**self.environment, **(environment or {})}
        answer = json.loads(run("exam-server", *words, "--json", environment=chosen))
        assert isinstance(answer, dict)
        return answer

    # --- its process ----------------------------------------------------------------------------

    def start(self) -> None:
        """Serves, on the port it had before; returns once it has said its address."""
        words = ["serve", str(self.folder), "--port", str(self.port), "--json"]
        words += ["--workers", str(self.workers)] if self.workers > 1 else []
        words += ["--nats", self.nats] if self.nats else []
        self.process = Process(
            "exam-server", command("exam-server", *words, *self.options), self.environment, self.log
        )
        said = self.process.wait_for("address", lambda event: "url" in event, START_SECONDS)
        self.url = said["url"]

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """An orderly stop; the exit code."""
        process, self.process = self.process, None
        return 0 if process is None else process.stop(seconds)

    def terminate(self) -> None:
        """Asks for an orderly stop and does not wait for it."""
        self._running.terminate()

    def kill(self) -> None:
        """SIGKILL to every process of the server at once."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()

    def worker_pids(self) -> list[int]:
        """The processes that answer requests, where there are several; the oldest first."""
        parent = self._running.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return [int(child) for child in children.split()]

    def kill_worker(self, place: int = 0) -> int:
        """SIGKILL to one of the processes that answer requests; its id."""
        pid = self.worker_pids()[place]
        os.kill(pid, signal.SIGKILL)
        return pid

    def freeze_worker(self, place: int = 0) -> int:
        """SIGSTOP to one of the processes that answer requests, as one that hangs; its id."""
        pid = self.worker_pids()[place]
        os.kill(pid, signal.SIGSTOP)
        return pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running

    @property
    def _running(self) -> Process:
        if self.process is None:
            raise ProcessFailedError("this server has not been started")
        return self.process

    def tls(self) -> ssl.SSLContext:
        """A client's context that trusts this server's certificate and no other."""
        return ssl.create_default_context(cafile=str(self.folder / "tls.crt"))
