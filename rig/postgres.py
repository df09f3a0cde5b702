"""A PostgreSQL cluster of one's own, reached by a socket in its folder and by no network.

It runs from the system's packages, as the user `postgres` where we are root (PostgreSQL refuses
root) and as ourselves otherwise, and it is as durable as production: fsync and synchronous_commit
are on. It can be killed as a power cut would end it, and started again on what it left behind.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from rig.processes import ProcessFailedError

START_SECONDS = 60.0
STOP_SECONDS = 60.0
SUPERUSER = "postgres"
INSTALLED = Path("/usr/lib/postgresql")
#: A socket's path may not be longer (sun_path, unix(7)); PostgreSQL adds its own file name.
LONGEST_FOLDER = 80
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
QUIET = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "log_min_messages": "warning",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


def binaries() -> Path:
    """The folder of the newest PostgreSQL that Debian's packages have installed."""
    found = [path.parent for path in INSTALLED.glob("*/bin/postgres")]
    if not found:
        raise ProcessFailedError(
            "PostgreSQL is missing: install the package postgresql (make setup)"
        )
    return max(found, key=lambda path: float(path.parent.name))


class PostgresCluster:
    """Context manager: one cluster in a folder of its own, which is gone at the end.

    `environment` is added to that of PostgreSQL's processes (LD_PRELOAD, say) and of no other;
    `settings` overrides single settings, for whoever must see what an unsafe one does. `locale`
    is the collation of every database: an ICU locale such as ``vi``, or "" for plain code points.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        locale: str = "",
    ) -> None:
        self.environment = dict(environment or {})
        self.settings = QUIET | DURABLE | dict(settings or {})
        self._locale = locale
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # --- its life -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self._make()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def start(self) -> None:
        """Starts it, on whatever the data folder holds; returns once it answers."""
        if self._process is not None:
            raise ProcessFailedError("this cluster is running")
        given = [f"--{name}={value}" for name, value in self.settings.items()]
        command = [str(binaries() / "postgres"), "-D", str(self.data), "-k", str(self.folder)]
        with self._log_file.open("ab") as log:
            self._process = self._spawn([*command, *given], log.fileno(), self.environment)
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Ends it in order: connections are closed, everything is written down."""
        self._end(signal.SIGINT)

    def stop_at_once(self) -> None:
        """Ends it as an operator in haste would (immediate): the next start recovers."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """Kills every process of it (SIGKILL), as if the machine's power had failed.

        What the operating system was given stays; what happens to unflushed pages is for a layer
        below to decide.
        """
        if self._process is None:
            return
        # Held still first, so that it starts no process that we would not know of.
        self._process.send_signal(signal.SIGSTOP)
        children = _working_in(self.data) - {self._process.pid}
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.kill()
        self._process.wait(STOP_SECONDS)
        self._process = None
        _wait_until_dead(children)

    def remove(self) -> None:
        """Ends it, and removes its folder."""
        self.kill()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    # --- where it is ----------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """The cluster's folder: the socket, the log, and `data`."""
        if self._folder is None:
            raise ProcessFailedError("this cluster has not been started")
        return self._folder

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        if self._process is None:
            raise ProcessFailedError("this cluster is not running")
        return self._process.pid

    @property
    def log(self) -> str:
        """What PostgreSQL wrote, at most the last 8,000 characters."""
        return self._log_file.read_text("utf-8", "replace")[-8000:]

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of `database`."""
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.folder}"

    # --- its databases --------------------------------------------------------------------------

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """A new database, a copy of `template` (to which nobody may be connected); its URL."""
        self.execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Removes a database, whoever is connected to it."""
        self.execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def execute(self, statement: str, *names: str) -> None:
        """A statement outside any transaction; each ``{}`` is one of `names`, quoted."""
        with self._connect() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    # --- within ---------------------------------------------------------------------------------

    @property
    def _log_file(self) -> Path:
        return self.folder / "postgres.log"

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        where = f"host={self.folder} user={SUPERUSER} dbname=postgres connect_timeout=5"
        return psycopg.connect(where, autocommit=True)

    def _make(self) -> None:
        self._folder = _new_folder()
        owner = _owner()
        if owner is not None:
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        provider = ["--locale-provider=icu", f"--icu-locale={self._locale}"] if self._locale else []
        command = [
            *(str(binaries() / "initdb"), "-D", str(self.data), f"--username={SUPERUSER}"),
            *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", *provider),
        ]
        with self._log_file.open("wb") as log:
            code = self._spawn(command, log.fileno(), {}).wait()
        if code != 0:
            raise ProcessFailedError(f"PostgreSQL's initdb failed:\n{self.log}")

    def _spawn(
        self, command: list[str], log: int, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        owner = _owner()
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # A Ctrl-C in the terminal is for whoever uses the cluster.
            start_new_session=True,
            user=None if owner is None else owner.pw_uid,
            group=None if owner is None else owner.pw_gid,
            extra_groups=None if owner is None else [],
        )

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.running:
                self._process = None
                raise ProcessFailedError(f"PostgreSQL ended as it started:\n{self.log}")
            with contextlib.suppress(psycopg.OperationalError), self._connect():
                return
            time.sleep(0.02)
        self.kill()
        raise ProcessFailedError(
            f"PostgreSQL did not start within {START_SECONDS:.0f} s:\n{self.log}"
        )

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProcessFailedError(f"PostgreSQL did not stop in time:\n{self.log}") from None
        self._process = None


def _owner() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as; None: ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SUPERUSER)
    except KeyError:
        raise ProcessFailedError(
            "there is no user postgres: install the package postgresql (make setup)"
        ) from None


def _new_folder() -> Path:
    # A TMPDIR of root's own (0700) cannot be entered by `postgres`, and one too deep has no socket.
    for parent in (tempfile.gettempdir(), "/var/tmp", "/tmp"):
        if len(parent) < LONGEST_FOLDER and _open_to_all(Path(parent)):
            return Path(tempfile.mkdtemp(prefix="postgres-", dir=parent))
    raise ProcessFailedError("no folder for PostgreSQL: /tmp must be open to all users")


def _open_to_all(folder: Path) -> bool:
    return all(one.exists() and one.stat().st_mode & 0o001 for one in (folder, *folder.parents))


def _working_in(data: Path) -> set[int]:
    """PostgreSQL's processes all work in their data folder, also those that outlived the first."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == data.resolve():
                found.add(int(process.name))
    return found


def _wait_until_dead(pids: Collection[int]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while any(_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise ProcessFailedError("a process of PostgreSQL outlived SIGKILL")
        time.sleep(0.005)


def _alive(pid: int) -> bool:
    try:
        state = (
            Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
        )
    except OSError:
        return False
    return state not in ("Z", "X")
