"""A real server and a real kiosk for tests: one exam, one seat, one candidate, a reader in this
process."""

import asyncio
import io
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import sqlalchemy as sa
import uvicorn
from PIL import Image
from pytestqt.qtbot import QtBot
from sqlalchemy.engine import Engine
from station_papers import FORM

from card_reader.errors import CardReason, ReaderError
from card_reader.pcsc import CardEvent, CardEventKind
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import CRL_FILE, CSCA_FILE, Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.transport import SimulatedTransport
from card_reader.transport import Transport
from card_reader.trust.store import Realm, TrustStore
from exam_server import db, directory, keys
from exam_server.app import create_app
from exam_server.attempts.models import Attempt
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Centre, Room, Seat
from exam_server.checkin import service as checkins
from exam_server.checkin.models import Basis, CheckIn
from exam_server.context import utc_now
from exam_server.forms.models import BaseForm, Exam, Form, Paper
from exam_server.forms.service import seal_packages
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealed
from exam_server.settings import Settings as ServerSettings
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Placement
from exam_server.staff import Role, Staff
from exam_server.stations import service as stations
from exam_station.app import Kiosk, build_kiosk
from exam_station.flow import events
from exam_station.settings import Settings
from question_bank import package
from question_bank.assembly import FormMapping
from rig.ports import own_port

ROOT = Path(__file__).parents[2]
PHOTOGRAPHS, MODELS = ROOT / ".cache" / "photographs", ROOT / ".cache" / "models"
PORTRAIT = ROOT / "fixtures" / "portrait" / "portrait.jpg"
HOLDER = Holder("001309012345", "Nguyễn Thị Hạnh", date(2009, 3, 4), "F")
PASSPHRASE = "a passphrase for tests"


@dataclass(frozen=True)
class Officer:
    id: str

    @property
    def actor(self) -> str:
        return f"staff:{self.id}"


class TestReaders:
    """One reader of this process; `put` lays a card on it."""

    __test__ = False

    def __init__(self) -> None:
        self._chip: Chip | None = None
        self.tear_after: int | None = None
        self.contacts = 0
        self._callback: Callable[[CardEvent], None] = lambda _: None

    def watch(self, callback: Callable[[CardEvent], None]) -> Callable[[], None]:
        self._callback = callback
        callback(CardEvent(CardEventKind.READER_ADDED, "Reader 0"))
        return lambda: None

    def connect(self, reader: str) -> Transport:
        if self._chip is None:
            raise ReaderError("no card", CardReason.NO_CARD)
        self.contacts += 1
        tear_after, self.tear_after = self.tear_after, None
        return SimulatedTransport(self._chip, tear_after)

    def put(self, chip: Chip) -> None:
        self.take()
        self._chip = chip
        self._callback(CardEvent(CardEventKind.INSERTED, "Reader 0", chip.atr))

    def take(self) -> None:
        if self._chip is not None:
            self._chip = None
            self._callback(CardEvent(CardEventKind.REMOVED, "Reader 0"))


class Office:
    """The server with one exam, one seat and one candidate, and the officers' acts on it."""

    def __init__(self, folder: Path, issuer: Issuer) -> None:
        self.folder = folder
        self.port = own_port(self)  # the same after a restart
        self.settings = ServerSettings(realm=Realm.TEST)
        self.keys: ServerKeys = directory.create(folder, self.settings, PASSPHRASE, utc_now())
        url = directory.database_url(folder, self.settings)
        self.engine: Engine = db.create_engine(url)
        issuer.save(folder / "issuer")
        anchors, crls = [folder / "issuer" / CSCA_FILE], [folder / "issuer" / CRL_FILE]
        self.trust = TrustStore.load(anchors, crls=crls, realm=Realm.TEST)
        self.officers = [Officer("o1"), Officer("o2")]
        with db.transaction(self.engine) as session:
            for officer in self.officers:
                session.add(
                    Staff(
                        id=officer.id,
                        username=officer.id,
                        name=officer.id,
                        role=Role.PROCTOR,
                        password_hash="none",
                        created_at=utc_now(),
                    )
                )
            centre = Centre(code="01", name="THPT Chu Văn An")
            session.add(centre)
            session.flush()
            room = Room(centre_id=centre.id, name="P01")
            session.add(room)
            session.flush()
            seat = Seat(centre_id=centre.id, room_id=room.id, name="03", row=1, column=3)
            exam = Exam(code="thi-thu", name=FORM.exam, realm=Realm.TEST)
            person = Candidate(
                name=HOLDER.name, date_of_birth=HOLDER.date_of_birth, citizen_number=HOLDER.number
            )
            session.add_all([seat, exam, person])
            session.flush()
            paper = Paper(exam_id=exam.id, name=FORM.paper, minutes=FORM.minutes)
            registration = Registration(
                exam_id=exam.id, candidate_id=person.id, registration_number="010001"
            )
            session.add_all([paper, registration])
            session.flush()
            self._add_form(session, paper)
            shift = shifts.new_shift(
                session,
                exam_id=exam.id,
                centre_id=centre.id,
                name="Ca 1",
                starts_at=utc_now() + timedelta(minutes=10),
                sealing=self.keys.sealing,
            )
            placement = Placement(
                centre_id=centre.id,
                registration_id=registration.id,
                paper_id=paper.id,
                shift_id=shift.id,
                room_id=room.id,
                seat_id=seat.id,
            )
            session.add(placement)
            session.flush()
            seal_packages(session, shift, paper, keys=self.keys, now=utc_now())
            self.seat, self.shift, self.placement = seat, shift.id, placement.id

    def _add_form(self, session, paper: Paper) -> None:
        base = BaseForm(paper_id=paper.id, name="de-goc", body=b"")
        session.add(base)
        session.flush()
        form = Form(
            paper_id=paper.id,
            base_form_id=base.id,
            code=FORM.code,
            seed=b"",
            body=b"",
            mapping=b"",
        )
        body = package.encode(FORM)
        form.body = self.keys.sealing.seal(Sealed.FORM_BODY, form.id, body)
        mapping = json.dumps(FormMapping({}).to_plain()).encode()  # no item is the bank's
        form.mapping = self.keys.sealing.seal(Sealed.FORM_MAPPING, form.id, mapping)
        session.add(form)
        session.flush()

    def serve(self) -> None:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        self.url = f"https://127.0.0.1:{self.port}"
        app = create_app(self.settings, self.keys, self.engine, self.trust)
        config = uvicorn.Config(
            app,
            ssl_certfile=str(self.folder / keys.CERTIFICATE_FILE),
            ssl_keyfile=str(self.folder / keys.TLS_KEY_FILE),
            ssl_keyfile_password=self.keys.tls_passphrase,
            log_level="critical",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[listening])), daemon=True
        )
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()
        self.engine.dispose()

    def cut(self) -> None:
        """The network goes: nobody answers at the server's address."""
        self.stop()

    def token(self):
        with db.transaction(self.engine) as session:
            return stations.create_token(
                session,
                seat=self.seat,
                url=self.url,
                fingerprint=keys.fingerprint(self.folder),
                officer=self.officers[0],
                lifetime=timedelta(hours=1),
                now=utc_now(),
            )

    def act(self, step: Callable[..., object], *arguments: object, **options: object) -> None:
        with db.transaction(self.engine) as session:
            step(session, *arguments, officer=self.officers[0], now=utc_now(), **options)

    def open(self) -> None:
        self.act(shifts.open_shift, self.shift)

    def start(self) -> None:
        self.act(shifts.start_shift, self.shift, early_reason="a trial")

    def admit_by_hand(self) -> None:
        with db.transaction(self.engine) as session:
            checkins.admit_manually(
                session,
                self.placement,
                first=self.officers[0],
                second=self.officers[1],
                basis=next(basis for basis in Basis if basis is not Basis.CHIP),
                reason="The chip cannot be read; the photograph on the card is hers.",
                photograph=None,
                keys=self.keys,
                settings=self.settings,
                now=utc_now(),
            )

    def attempt(self) -> Attempt:
        with db.transaction(self.engine) as session:
            return session.scalars(sa.select(Attempt)).one()

    def latest_checkin(self) -> CheckIn:
        with db.transaction(self.engine) as session:
            return checkins.latest_of(session, self.seat.centre_id, self.placement)


@dataclass
class Station:
    """Starts kiosks of one enrolled station."""

    qtbot: QtBot
    settings: Settings
    environ: dict[str, str]
    readers: TestReaders
    kiosk: Kiosk | None = None

    def switch_on(self) -> Kiosk:
        self.kiosk = build_kiosk(self.settings, environ=self.environ, readers=self.readers)
        self.qtbot.addWidget(self.kiosk.window)
        self.kiosk.start()
        return self.kiosk

    def switch_off(self) -> None:
        if self.kiosk is not None:
            self.kiosk.stop()
        self.kiosk = None

    @property
    def screen(self) -> object:
        return self.kiosk.runner.state.screen

    def until(self, kind: type | tuple[type, ...], seconds: float = 60.0) -> object:
        self.qtbot.waitUntil(lambda: isinstance(self.screen, kind), timeout=int(seconds * 1000))
        return self.screen

    def act(self, *acts: events.UserEvent) -> None:
        for act in acts:
            self.kiosk.window.acted.emit(act)


def passport_sized(photograph: Path) -> bytes:
    """A chip's portrait has 15 to 20 KB."""
    with Image.open(photograph) as image:
        image.thumbnail((480, 640))
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
