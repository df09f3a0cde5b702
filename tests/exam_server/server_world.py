"""What tests of the server work with: the demo exam's people, and a server in their hands."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa
from kiosk import Clock, Kiosk

from card_reader.simulator.personalisation import Holder
from exam_server.audit import Operator
from exam_server.auth import Officer
from exam_server.centres.service import find_seat
from exam_server.checkin import service as checkin
from exam_server.checkin.models import Basis
from exam_server.context import Server
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Shift
from exam_server.staff import Role
from exam_server.stations.service import create_token

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "fixtures/demo-exam"
PORTRAIT = ROOT / "fixtures/portrait/portrait.jpg"
START = datetime(2026, 12, 5, 0, 10, tzinfo=UTC)

BACH = Holder("001208000101", "Nguyễn Hoàng Bách", date(2008, 3, 14), "M")
CHAU = Holder("036308000102", "Trần Thị Minh Châu", date(2008, 9, 2), "F")


FIRST = Officer("giamthi1", "giamthi1", "Giám thị 1", Role.PROCTOR)
SECOND = Officer("giamthi2", "giamthi2", "Giám thị 2", Role.PROCTOR)
OFFICE = Officer("hoidong", "hoidong", "Hội đồng", Role.EXAM_OFFICE)


@dataclass
class World:
    """A server in the test's hands."""

    server: Server
    http: httpx.Client
    clock: Clock
    kiosks: dict[str, Kiosk] = field(default_factory=dict)

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

    def close_shift(self) -> None:
        with self.server.transaction() as session:
            shifts.close_shift(
                session,
                self.shift_id,
                officer=OFFICE,
                keys=self.server.keys,
                grace=self.server.settings.grace,
                now=self.clock.now,
            )

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
            self.kiosks[name] = kiosk
        return self.kiosks[name]
