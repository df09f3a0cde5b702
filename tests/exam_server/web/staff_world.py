"""A server with an exam in every state that staff can meet, made through the server's services."""

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fastapi import FastAPI
from PIL import Image, ImageEnhance

from card_reader.trust.store import TrustStore
from exam_server import auth, db, schema
from exam_server.app import create_app
from exam_server.attempts import granting, handing_in, journal, time
from exam_server.attempts import service as attempts
from exam_server.audit import Operator
from exam_server.candidates.roster import RosterLine
from exam_server.candidates.service import load_roster
from exam_server.centres.models import Room, Seat
from exam_server.centres.service import CentrePlan, RoomPlan, find_seat, load_centre
from exam_server.checkin.models import Basis, CheckIn, PictureKind
from exam_server.checkin.service import keep_picture
from exam_server.context import Server
from exam_server.contract.api import (
    CheckInState,
    Enrolment,
    HeadView,
    Heartbeat,
    LedgerSeen,
    StationState,
    Submission,
)
from exam_server.contract.batches import Batch
from exam_server.contract.program import program_version
from exam_server.contract.records import Answered, SignedHead, WritingKeys
from exam_server.contract.wrapping import Purpose, unwrap
from exam_server.forms import service as forms
from exam_server.forms.models import Exam, Form, Package, Realm
from exam_server.keys import ServerKeys
from exam_server.settings import Settings
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Placement, Shift
from exam_server.staff import Role, Staff
from exam_server.stations import service as stations
from exam_server.stations.models import Station
from tests.databases import Databases, row_of

ROOT = Path(__file__).parents[3]
PORTRAIT = ROOT / "fixtures/portrait/portrait.jpg"
MATHS = ROOT / "fixtures/maths/maths-2025.zip"
PASSWORD = "mật khẩu đủ dài 2027"

STAFF = {
    "giamthi1": ("Nguyễn Thị Minh An", Role.PROCTOR),
    "giamthi2": ("Trần Văn Bình", Role.PROCTOR),
    "hoidong": ("Lê Quang Hội", Role.EXAM_OFFICE),
    "kythuat": ("Phạm Kỹ Thuật", Role.TECHNICIAN),
    "quantri": ("Đỗ Quản Trị", Role.ADMINISTRATOR),
    "rade": ("Vũ Ra Đề", Role.ITEM_WRITER),
    "rade2": ("Tạ Thị Soạn", Role.ITEM_WRITER),
    "phanbien": ("Hồ Phản Biện", Role.REVIEWER),
}
NAMES = (
    "Nguyễn Hoàng Anh",
    "Trần Thị Bảo Châu",
    "Lê Minh Đức",
    "Phạm Thùy Dương",
    "Hoàng Gia Hân",
    "Vũ Đình Huy",
    "Đặng Ngọc Khánh Linh",
    "Bùi Quang Minh",
    "Đỗ Thảo My",
    "Ngô Khánh Ngọc",
    "Nguyễn Thị Thanh Ngân",
    "Trịnh Bảo Ngọc",
    "Phan Anh Quân",
    "Lý Thu Quỳnh",
    "Cao Thái Sơn",
    "Võ Đức Thắng",
    "Nguyễn Phương Thảo",
    "Lương Minh Trí",
    "Mai Tường Vy",
    "Y Blim Niê",
)


@dataclass(slots=True)
class SettableClock:
    """The server's clock in tests that step through time."""

    now: datetime = field(default_factory=lambda: datetime(2027, 6, 9, 0, 30, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, span: timedelta) -> None:
        self.now += span


@dataclass(slots=True)
class Machine:
    """A station with its private keys."""

    station: Station
    signing: Ed25519PrivateKey
    wrapping: X25519PrivateKey


@dataclass(slots=True)
class World:
    """The server and the ids of what a test needs."""

    app: FastAPI
    shift: str
    room: str
    second_room: str
    placements: list[str]
    machines: list[Machine]

    @property
    def server(self) -> Server:
        server: Server = self.app.state.server
        return server

    def officer(self, username: str) -> auth.Officer:
        with self.server.reading() as session:
            staff = session.scalars(sa.select(Staff).where(Staff.username == username)).one()
            return auth.Officer(staff.id, staff.username, staff.name, staff.role)

    def add_machine(self, room: str, seat: str) -> int:
        """A ready station at a seat that has none; its index among the machines."""
        with self.server.transaction() as session:
            self.machines.append(_machine(session, room, seat, self.server))
        self.beat(len(self.machines) - 1, StationState.IDLE)
        return len(self.machines) - 1

    def beat(
        self,
        index: int,
        state: StationState,
        *,
        reader_ready: bool = True,
        disk_low: bool = False,
        sound_failed: bool = False,
    ) -> None:
        """The heartbeat of the station at the seat of placement `index`."""
        beat = Heartbeat(
            state=state,
            program_version=program_version(),
            reader_ready=reader_ready,
            camera_ready=True,
            staged=self.packages(),
            disk_low=disk_low,
            sound_failed=sound_failed,
            ledger_seen=self.ledger_of(index),
        )
        with self.server.transaction() as session:
            station = session.get_one(Station, self.machines[index].station.id)
            stations.heartbeat(session, station, beat, now=self.server.now())

    def packages(self) -> list[str]:
        """Everything that a station of this shift should have."""
        with self.server.reading() as session:
            return list(session.scalars(sa.select(Package.id)))

    def ledger_of(self, index: int) -> LedgerSeen | None:
        """What a kiosk shows that has heard everything."""
        if index >= len(self.placements):
            return None
        with self.server.reading() as session:
            attempt = attempts.attempt_of(
                session, self.machines[index].station.centre_id, self.placements[index]
            )
            if attempt is None:
                return None
            position = time.ledger_of(session, attempt).position
            return LedgerSeen(attempt=attempt.id, position=position)

    def admit(self, index: int) -> str:
        """A chip check-in that was admitted at once; the attempt's id."""
        now = self.server.now()
        with self.server.transaction() as session:
            placement = row_of(session, Placement, self.placements[index])
            session.add(
                CheckIn(
                    centre_id=placement.centre_id,
                    placement_id=placement.id,
                    station_id=self.machines[index].station.id,
                    basis=Basis.CHIP,
                    state=CheckInState.ADMITTED,
                    reasons=[],
                    created_at=now,
                    consent=True,
                )
            )
            return attempts.admit(session, placement, now=now).id

    def refer(self, index: int, *, consent: bool = True, score: float = 0.462) -> str:
        """A check-in that waits for the proctor, with its pictures; its id."""
        server, now = self.server, self.server.now()
        with server.transaction() as session:
            placement = row_of(session, Placement, self.placements[index])
            face = {
                "decision": "refer",
                "score": score,
                "accept_threshold": 0.38,
                "refer_threshold": 0.5,
                "fusion": "mean_of_three_four_views",
                "model": "dlib-resnet",
                "frames": 3,
                "attempts": 2,
                "quality": {},
                "liveness": "not_done",
            }
            checkin = CheckIn(
                centre_id=placement.centre_id,
                placement_id=placement.id,
                station_id=self.machines[index].station.id,
                basis=Basis.CHIP,
                state=CheckInState.REFERRED,
                reasons=["face_referred"] if consent else ["no_consent"],
                created_at=now,
                consent=consent,
                face=face if consent else None,
                report=AUTHENTIC,
            )
            session.add(checkin)
            session.flush()
            if consent:
                until = now.date() + timedelta(days=30)
                portrait = PORTRAIT.read_bytes()
                keep_picture(
                    session, checkin, PictureKind.PORTRAIT, portrait, server.sealing, until
                )
                for capture in captures():
                    keep_picture(
                        session, checkin, PictureKind.CAPTURE, capture, server.sealing, until
                    )
            return checkin.id

    def refuse_chip(self, index: int) -> str:
        """A check-in whose chip was found false."""
        with self.server.transaction() as session:
            placement = row_of(session, Placement, self.placements[index])
            checkin = CheckIn(
                centre_id=placement.centre_id,
                placement_id=placement.id,
                station_id=self.machines[index].station.id,
                basis=Basis.CHIP,
                state=CheckInState.REFUSED,
                reasons=["data_group_mismatch"],
                created_at=self.server.now(),
                consent=True,
                chip_refused=True,
                report=AUTHENTIC | {"verdict": "refused"},
            )
            session.add(checkin)
            session.flush()
            return checkin.id

    def write(self, index: int, attempt: str, *, answers: int, submit: bool) -> None:
        """Opens the form on the candidate's station and answers items through real records."""
        self.beat(index, StationState.WAITING)  # says which program it runs
        server, now, machine = self.server, self.server.now(), self.machines[index]
        with server.transaction() as session:
            station = session.get_one(Station, machine.station.id)
            lease = granting.lease(session, attempt, station=station, keys=server.keys, now=now)
            granting.open_form(session, attempt, station=station, keys=server.keys, now=now)
            row = row_of(session, attempts.Attempt, attempt)
            form = forms.presented(session.get_one(Form, row.form_id), server.sealing)
            context = (attempt, str(lease.epoch))
            keys = WritingKeys(
                attempt,
                lease.epoch,
                unwrap(lease.lease_key, machine.wrapping, Purpose.LEASE_KEY, *context),
                unwrap(lease.attempt_key, machine.wrapping, Purpose.ATTEMPT_KEY, attempt),
            )
            head, records = lease.head, []
            items = [item for part in form.parts for item in part.items][:answers]
            for sequence, item in enumerate(items, start=lease.next_sequence):
                record = keys.seal(
                    Answered(item.id, _answer(item)),
                    sequence=sequence,
                    previous=head,
                    acknowledged=lease.next_sequence - 1,
                    at=round(now.timestamp() * 1000),
                    rng=os.urandom,
                )
                head = record.head
                records.append(record.to_bytes())
            grace = server.settings.grace
            batch = Batch(attempt, lease.epoch, tuple(records))
            kept = journal.append(
                session, attempt, batch, station=station, keys=server.keys, grace=grace, now=now
            )
            assert kept.refusal is None
            if submit:
                signed = SignedHead.sign(
                    machine.signing,
                    attempt=attempt,
                    epoch=lease.epoch,
                    sequence=kept.acknowledged.sequence,
                    head=head,
                )
                view = HeadView(
                    epoch=signed.epoch,
                    sequence=signed.sequence,
                    head=signed.head,
                    signature=signed.signature,
                )
                submission = Submission(head=view)
                handing_in.submit(
                    session, attempt, submission, station=station, keys=server.keys, now=now
                )


AUTHENTIC = {
    "verdict": "authentic",
    "signature": "valid",
    "chain": "trusted",
    "revocation": "good",
    "dates": "valid",
    "issuer_match": True,
    "active_authentication": "passed",
    "chip_authentication": "absent",
    "access": "pace",
    "reasons": [],
}


def _answer(item: object) -> dict[str, object]:
    interaction = item.interaction
    match interaction.kind:
        case "single":
            return {"kind": "single", "options": [interaction.options[0].id]}
        case "tf_cluster":
            values = {statement.id: True for statement in interaction.statements}
            return {"kind": "tf_cluster", "values": values}
        case _:
            return {"kind": "numeric", "text": "2"}


def captures() -> list[bytes]:
    """Three pictures "taken at the station": the drawn portrait in other light and framing."""
    made = []
    with Image.open(PORTRAIT) as portrait:
        width, height = portrait.size
        for light, edge in ((0.82, 0.04), (1.12, 0.08), (0.95, 0.0)):
            box = (width * edge, height * edge, width * (1 - edge), height)
            picture = portrait.convert("RGB").crop(tuple(round(side) for side in box))
            out = BytesIO()
            ImageEnhance.Brightness(picture).enhance(light).save(out, "JPEG", quality=82)
            made.append(out.getvalue())
    return made


def make_world(databases: Databases, clock: SettableClock | None = None) -> World:
    """A server on a new database: an exam of two rooms, twenty candidates, enrolled stations."""
    engine = db.create_engine(databases.new())
    schema.METADATA.create_all(engine)
    settings, keys = Settings(realm=Realm.TEST), ServerKeys.generate()
    trust = TrustStore((), realm=Realm.TEST)
    app = create_app(settings, keys, engine, trust, *([clock] if clock else []))
    server: Server = app.state.server
    now = server.now()
    with server.transaction() as session:
        for username, (name, role) in STAFF.items():
            row = Staff(
                username=username,
                name=name,
                role=role,
                password_hash=PASSWORD_HASH,
                created_at=now,
            )
            session.add(row)
        exam = Exam(code="thu-2027", name="Kỳ thi thử trên máy tính 2027", realm=Realm.TEST)
        session.add(exam)
        session.flush()
        rooms = [
            RoomPlan(name="P.101", rows=4, columns=6),
            RoomPlan(name="P.102", rows=3, columns=4),
        ]
        plan = CentrePlan(code="01", name="THPT Chu Văn An, Hà Nội", rooms=rooms)
        centre = load_centre(session, plan)
        shift = shifts.new_shift(
            session,
            exam_id=exam.id,
            centre_id=centre.id,
            name="Ca 1 · sáng 09/6",
            starts_at=now + timedelta(minutes=5),
            sealing=keys.sealing,
        )
        paper = forms.load_paper(
            session,
            exam,
            name="Toán",
            source=forms.read_paper(MATHS.read_bytes(), MATHS.name),
            codes=["0101", "0102", "0103", "0104"],
            sealing=keys.sealing,
            now=now,
        )
        forms.seal_packages(session, shift, paper, keys=keys, now=now)
        lines = [_line(index, name) for index, name in enumerate(NAMES)]
        placements = load_roster(session, lines, shift=shift, file="roster.xlsx")
        machines = [_machine(session, line.room, line.seat, server) for line in lines]
        shift_id, ids = shift.id, [placement.id for placement in placements]
        found = {room.name: room.id for room in session.scalars(sa.select(Room))}
    return World(app, shift_id, found["P.101"], found["P.102"], ids, machines)


def copy_world(world: World, databases: Databases, clock: SettableClock) -> World:
    """The same exam on a database of its own, quicker than making it anew."""
    origin = world.server.engine
    origin.dispose()  # nobody may have it open while it is copied
    engine = db.create_engine(databases.copy(origin.url.render_as_string(hide_password=False)))
    server = world.server
    app = create_app(server.settings, server.keys, engine, server.trust, clock)
    return replace(world, app=app)


def end_world(world: World, databases: Databases) -> None:
    """Lets go of the world and of its database."""
    engine = world.server.engine
    world.app.state.stop_announcing()
    engine.dispose()
    databases.remove(engine.url.render_as_string(hide_password=False))


#: Hashing costs 64 MiB and a moment; all staff of the tests have the same password.
PASSWORD_HASH = auth.hash_password(PASSWORD)


def _line(index: int, name: str) -> RosterLine:
    room, seat = ("P.101", index + 1) if index < 16 else ("P.102", index - 15)
    return RosterLine(
        row=index + 2,
        registration_number=f"0100{index + 1:04d}",
        name=name,
        date_of_birth=date(2009, 1 + index % 12, 1 + index),
        citizen_number=f"0012090{index:05d}",
        paper="Toán",
        room=room,
        seat=f"{seat:02}",
        extra_time_percent=25 if index == 7 else 0,
    )


def _machine(session: db.Session, room: str, name: str, server: Server) -> Machine:
    seat: Seat = find_seat(session, room, name)
    token = stations.create_token(
        session,
        seat=seat,
        url="https://127.0.0.1:8443",
        fingerprint=bytes(32),
        officer=Operator(),
        lifetime=timedelta(hours=1),
        now=server.now(),
    )
    signing, wrapping = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    enrolment = Enrolment(
        secret=token.secret,
        signing_key=signing.public_key().public_bytes_raw(),
        wrapping_key=wrapping.public_key().public_bytes_raw(),
        name=f"MT-{room[2:]}-{name}",
        program_version=program_version(),
    )
    station = stations.enrol(session, enrolment, realm=Realm.TEST, now=server.now())
    return Machine(station, signing, wrapping)


def shift_of(world: World) -> Shift:
    with world.server.reading() as session:
        shift = row_of(session, Shift, world.shift)
        session.expunge(shift)
        return shift


def run_busy_room(world: World) -> None:
    """Brings the shift to its middle: candidates in every state there is."""
    server, proctor = world.server, world.officer("giamthi1")
    with server.transaction() as session:
        shifts.open_shift(session, world.shift, officer=proctor, now=server.now())
    written = {index: world.admit(index) for index in range(8)}
    world.refer(9)
    world.refer(10, score=0.57)
    world.refuse_chip(11)
    with server.transaction() as session:
        shifts.start_shift(session, world.shift, officer=proctor, now=server.now())
    for index, attempt in written.items():
        if index < 6:
            world.write(index, attempt, answers=22 if index < 2 else 5 * index, submit=index < 2)
    with server.transaction() as session:
        reason = "Mất điện tại chỗ ngồi"
        attempts.pause(session, written[3], officer=proctor, reason=reason, now=server.now())
        attempts.extend(
            session,
            written[4],
            officer=proctor,
            by=timedelta(minutes=5),
            reason="Máy khởi động lại",
            now=server.now(),
        )
    for index in range(14):
        state = StationState.IDLE
        if index < 2:
            state = StationState.SUBMITTED
        elif index < 6:
            state = StationState.WRITING
        elif index in (9, 10):
            state = StationState.REFERRED
        elif index == 12:
            state = StationState.IDENTIFYING
        world.beat(index, state, reader_ready=index != 13)
