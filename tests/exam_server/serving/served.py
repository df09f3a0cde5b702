"""A real server of several processes in a test's hands, with PostgreSQL and NATS behind it.

What people and commands do goes straight to the database; what stations and pages do goes over TLS
to whichever process has their connection. A client here has one connection, so one process.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import sqlalchemy as sa
from kiosk import Clock, Kiosk, RefusalError
from server_world import DEMO, FIRST, OFFICE, SECOND, World
from sqlmodel import select

from card_reader.trust.store import TrustStore
from exam_server import db, keys
from exam_server.attempts.models import Attempt
from exam_server.context import Server as Context
from exam_server.contract.api import ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.directory import database_url
from exam_server.settings import load
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Shift
from exam_server.staff import Staff
from rig.ports import own_port
from rig.server import Server

T = TypeVar("T")
ROOM, SEATS = "P.101", 40
PAPER = DEMO.parent / "maths" / "maths-2025.zip"
#: How long a test waits for what must happen; nothing is measured by it.
PATIENCE = 90.0


class WallClock(Clock):
    """The machine's own time, which is the server's."""

    def __init__(self) -> None:
        super().__init__()

    @property  # type: ignore[override]
    def now(self) -> datetime:
        return datetime.now(UTC)

    @now.setter
    def now(self, _moment: datetime) -> None:
        """Nobody sets it."""


def write_exam(folder: Path, people: Sequence[tuple[str, str, str]] = ()) -> Path:
    """An exam with one room of `SEATS` candidates; the first ones are `people`.

    Each of them is (name, date of birth as dd/mm/yyyy, citizen number).
    """
    folder.mkdir()
    text = (DEMO / "exam.toml").read_text("utf-8")
    head, _, _ = text.partition("[[centre.rooms]]")
    tail = text[text.index("[shift]") :]
    room = f'[[centre.rooms]]\nname = "{ROOM}"\nrows = 5\ncolumns = 8\n\n'
    tail = tail.replace("roster.xlsx", "roster.csv").replace("../maths/maths-2025.zip", str(PAPER))
    (folder / "exam.toml").write_text(head + room + tail, "utf-8")
    lines = ["Số báo danh,Họ và tên,Ngày sinh,Số căn cước,Môn,Phòng,Chỗ"]
    for number in range(1, SEATS + 1):
        made_up = ("Nguyễn Thị Lan Hương", "01/02/2008", f"001208{number:06d}")
        who = people[number - 1] if number <= len(people) else made_up
        lines.append(f"{number:08d},{','.join(who)},Toán,{ROOM},{number:02d}")
    (folder / "roster.csv").write_text("\n".join(lines), "utf-8")
    return folder


def make_server(folder: Path, *people: tuple[str, str, str], **where: Any) -> Server:
    """A server with an exam that can be started now, not yet running."""
    server = Server(folder / "server", **where)
    server.make()
    exam = write_exam(folder / "exam", people)
    soon = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    server.call("load", "exam", str(server.folder), str(exam), "--starts-at", soon)
    _add_staff(server)
    return server


def _add_staff(server: Server) -> None:
    """The people of `server_world`, by the ids it knows them by."""
    engine = db.create_engine(database_url(server.folder, load(server.folder)))
    with db.transaction(engine) as session:
        for one in (FIRST, SECOND, OFFICE):
            fields = {"id": one.id, "username": one.username, "name": one.name, "role": one.role}
            session.add(Staff(**fields, password_hash="-", created_at=datetime.now(UTC)))
    engine.dispose()


@dataclass
class Served:
    """`world` acts on the database of `server`; `clients` are closed at the end."""

    server: Server
    world: World
    clients: list[httpx.Client] = field(default_factory=list)
    metrics_port: int = 0

    @classmethod
    @contextmanager
    def of(cls, server: Server, trust: TrustStore) -> Any:
        """A started server with its metrics; stopped at the end."""
        port = own_port(server)
        server.options = ("--metrics", str(port))
        server.start()
        settings = load(server.folder)
        engine = db.create_engine(database_url(server.folder, settings))
        own = keys.load(server.folder, server.environment["EXAM_SERVER_PASSPHRASE"])
        context = Context(settings, own, engine, lambda: trust)
        served = cls(server, World(context, httpx.Client(), WallClock()), metrics_port=port)
        try:
            yield served
        finally:
            for client in served.clients:
                client.close()
            engine.dispose()
            server.stop()

    def client(self) -> httpx.Client:
        """A client with a connection of its own."""
        one = httpx.Client(
            base_url=self.server.url,
            verify=self.server.tls(),
            timeout=PATIENCE,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=None),
        )
        self.clients.append(one)
        return one

    def a_client_of_each_process(self) -> list[httpx.Client]:
        """Two clients whose connections different processes have."""
        found: dict[str, httpx.Client] = {}
        for _ in range(60):
            client = self.client()
            found.setdefault(process_of(client), client)
            if len(found) == 2:
                return list(found.values())
        raise AssertionError("sixty connections, and all to one process")

    def kiosk(self, seat: int) -> Kiosk:
        """The enrolled station at a seat, with a connection of its own."""
        self.world.http = self.client()
        return self.world.kiosk(f"{seat:02d}", ROOM)

    def through(self, kiosk: Kiosk, client: httpx.Client) -> Kiosk:
        """The same station, by another connection."""
        return Kiosk(
            client,
            kiosk.clock,
            kiosk.signing,
            kiosk.wrapping,
            kiosk.station,
            kiosk.server_key,
        )

    def start_shift(self) -> None:
        """Gives the start signal, unless it was given."""
        if self._state() is ShiftState.STARTED:
            return
        with self.world.server.transaction() as session:
            shifts.start_shift(
                session,
                self.world.shift_id,
                officer=OFFICE,
                now=self.world.clock.now,
                early_reason="chạy thử",
            )

    def _state(self) -> ShiftState:
        with self.world.server.reading() as session:
            found = sa.select(Shift.state).where(Shift.id == self.world.shift_id)
            return session.scalars(found).one()

    def attempt_at(self, kiosk: Kiosk) -> str:
        """The attempt of the candidate at the kiosk's seat, let in by hand if need be."""
        placement = kiosk.heartbeat().placement
        assert placement is not None
        known = self._attempt_of(placement.id)
        if known is None:
            self.world.admit_by_hand(kiosk)
            known = self._attempt_of(placement.id)
        assert known is not None
        return known

    def _attempt_of(self, placement: str) -> str | None:
        with self.world.server.reading() as session:
            return session.exec(select(Attempt.id).where(Attempt.placement_id == placement)).first()


def process_of(client: httpx.Client) -> str:
    """Which process has the client's connection."""
    return client.get("/health").headers["x-request-id"].partition("-")[0]


def at_once(*calls: Callable[[], T]) -> list[T | RefusalError]:
    """What each call gives or is refused with, all begun in the same moment.

    Told to come again (two writers met), a call does, as a station does.
    """
    together = threading.Barrier(len(calls))

    def one(call: Callable[[], T]) -> T | RefusalError:
        together.wait()
        for _ in range(50):
            try:
                return call()
            except RefusalError as refusal:
                if refusal.code is not ErrorCode.TOO_BUSY:
                    return refusal
        raise AssertionError("told to come again fifty times")

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))
