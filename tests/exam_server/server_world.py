"""What tests of the server work with: the demo exam's people, and a server in their hands."""

from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from kiosk import Clock, Kiosk
from sqlalchemy.engine import Engine
from sqlmodel import Session

from card_reader.simulator.personalisation import Holder
from exam_server import db, loading
from exam_server.audit import Operator
from exam_server.auth import Officer
from exam_server.centres.service import find_seat
from exam_server.checkin import service as checkin
from exam_server.checkin.models import Basis
from exam_server.context import Server
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.forms.models import Realm
from exam_server.keys import ServerKeys
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Shift
from exam_server.staff import Role, Staff
from exam_server.stations.service import create_token

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "fixtures/maths-exam"
PORTRAIT = ROOT / "fixtures/portrait/portrait.jpg"
START = datetime(2026, 12, 5, 0, 10, tzinfo=UTC)

BACH = Holder("001208000101", "Nguyễn Hoàng Bách", date(2008, 3, 14), "M")
CHAU = Holder("036308000102", "Trần Thị Minh Châu", date(2008, 9, 2), "F")


FIRST = Officer("giamthi1", "giamthi1", "Giám thị 1", Role.PROCTOR)
SECOND = Officer("giamthi2", "giamthi2", "Giám thị 2", Role.PROCTOR)
OFFICE = Officer("hoidong", "hoidong", "Hội đồng", Role.EXAM_OFFICE)


def load_demo(engine: Engine, keys: ServerKeys, folder: Path = DEMO) -> None:
    """The demo exam (or that of another folder) and three members of staff, in a new database."""
    with db.transaction(engine) as session:
        loading.load_exam(session, folder, realm=Realm.TEST, keys=keys, now=START, starts_at=START)
        for officer in (FIRST, SECOND, OFFICE):
            name, role = officer.id, officer.role
            session.add(
                Staff(
                    id=name, username=name, name=name, role=role, password_hash="-",
                    created_at=START,
                )
            )  # fmt: skip


def drop_triggers(session: Session, table: str) -> None:
    """What an owner of the database can do who wants to rewrite a log."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text(f"DROP TRIGGER {table}_append_only ON {table}"))
        return
    for act in ("update", "delete"):
        session.execute(sa.text(f"DROP TRIGGER {table}_no_{act}"))


@dataclass
class World:
    """A server in the test's hands."""

    server: Server
    http: httpx.Client
    clock: Clock
    kiosks: dict[str, Kiosk] = field(default_factory=dict)

    @property
    def app(self) -> FastAPI:
        return self.http.app

    @property
    def url(self) -> str:
        """Where its database is, for a second engine."""
        return self.server.engine.url.render_as_string(hide_password=False)

    @property
    def centre_id(self) -> str:
        with self.server.reading() as session:
            return session.scalars(sa.select(Shift.centre_id)).one()

    @property
    def shift_id(self) -> str:
        with self.server.reading() as session:
            return session.scalars(sa.select(Shift.id)).one()

    def open_shift(self) -> None:
        with self.server.transaction() as session:
            shifts.open_shift(session, self.shift_id, officer=FIRST, now=self.clock.now)

    def start_shift(self) -> None:
        with self.server.transaction() as session:
            shifts.start_shift(session, self.shift_id, officer=FIRST, now=self.clock.now)

    def close_shift(self, reason: str = "hết giờ, máy không liên lạc được") -> None:
        with self.server.transaction() as session:
            shifts.close_shift(
                session,
                self.shift_id,
                officer=OFFICE,
                keys=self.server.keys,
                grace=self.server.settings.grace,
                now=self.clock.now,
                reason=reason,
            )

    def until_it_waits(self, doing: Future[Any]) -> None:
        """Until what another thread is `doing` waits for a lock, or is done without waiting.

        SQLite tells nobody who waits: there it is given a moment.
        """
        if self.server.engine.dialect.name != "postgresql":
            wait([doing], timeout=0.5)
            return
        while not self._somebody_waits() and not doing.done():
            wait([doing], timeout=0.02)

    def _somebody_waits(self) -> bool:
        with self.server.reading() as session:
            return bool(session.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

    def admit_by_hand(self, kiosk: Kiosk) -> None:
        """Lets in whoever sits at the kiosk's seat, without a chip."""
        placement = kiosk.heartbeat().placement
        assert placement is not None
        with self.server.transaction() as session:
            checkin.admit_manually(
                session,
                placement.id,
                first=FIRST,
                second=SECOND,
                basis=Basis.PASSPORT,
                reason="chip hỏng",
                photograph=None,
                keys=self.server.keys,
                settings=self.server.settings,
                now=self.clock.now,
            )

    def token(self, room: str, seat: str) -> EnrolmentToken:
        with self.server.transaction() as session:
            return create_token(
                session,
                seat=find_seat(session, room, seat),
                url="https://127.0.0.1:8443",
                fingerprint=bytes(32),
                officer=Operator(),
                lifetime=timedelta(hours=1),
                now=self.clock.now,
            )

    def kiosk(self, seat: str = "01", room: str = "P.101") -> Kiosk:
        """The enrolled station at a seat."""
        name = f"{room}/{seat}"
        if name not in self.kiosks:
            kiosk = Kiosk(self.http, self.clock)
            kiosk.enrol(self.token(room, seat))
            kiosk.heartbeat()  # what it runs must be known before it is given anything
            self.kiosks[name] = kiosk
        return self.kiosks[name]
