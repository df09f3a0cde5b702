"""The whole kiosk against the whole server: both real, TLS between them, a simulated card.

The card lies in a reader of this process (PC/SC is tested in tests/pcsc and tests/journeys).
"""

import asyncio
import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

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
from card_reader.simulator.issuer import CRL_FILE, CSCA_FILE, Issuer, KeyKind
from card_reader.simulator.pcscd import PrivatePcscd
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.recipe import ChipAuthenticationRecipe, Recipe
from card_reader.simulator.transport import SimulatedTransport
from card_reader.simulator.vpcd import VpcdLink
from card_reader.transport import Transport
from card_reader.trust.store import Realm, TrustStore
from exam_server import db, directory, keys
from exam_server.app import create_app
from exam_server.attempts import service as attempts
from exam_server.attempts.models import Attempt
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Centre, Room, Seat
from exam_server.checkin import service as checkins
from exam_server.checkin.models import Basis, CheckIn
from exam_server.context import utc_now
from exam_server.contract.api import AttemptState
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
from exam_station.enrolment import enrol
from exam_station.flow import events
from exam_station.flow.states import (
    CardRefused,
    ConfirmSubmit,
    Consent,
    Face,
    Paused,
    ReceiptShown,
    Referred,
    Waiting,
    Welcome,
    Writing,
)
from exam_station.settings import Settings
from exam_station.vault import UNLOCK_VARIABLE
from question_bank import package
from question_bank.response import ChoiceResponse, NumericResponse

ROOT = Path(__file__).parents[2]
PHOTOGRAPHS, MODELS = ROOT / ".cache" / "photographs", ROOT / ".cache" / "models"
PORTRAIT = ROOT / "fixtures" / "portrait" / "portrait.jpg"
HOLDER = Holder("001309012345", "Nguyễn Thị Hạnh", date(2009, 3, 4), "F")
PASSPHRASE = "a passphrase for tests"

pytestmark = [
    pytest.mark.slow,
    # What the offscreen platform says of every window, and Qt of the portrait that was exchanged.
    pytest.mark.qt_log_ignore("propagateSizeHints", "Corrupt JPEG data"),
]


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
        session.add(form)
        session.flush()

    def serve(self) -> None:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{listening.getsockname()[1]}"
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
        self._thread.join(timeout=10)
        self.engine.dispose()

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
            return checkins.latest_of(session, self.placement)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer.generate(kind=KeyKind.P256)


@pytest.fixture
def office(tmp_path: Path, issuer: Issuer) -> Iterator[Office]:
    made = Office(tmp_path / "server", issuer)
    made.serve()
    yield made
    made.stop()


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

    def until(self, kind: type | tuple[type, ...], seconds: float = 15.0) -> object:
        self.qtbot.waitUntil(lambda: isinstance(self.screen, kind), timeout=int(seconds * 1000))
        return self.screen

    def act(self, *acts: events.UserEvent) -> None:
        for act in acts:
            self.kiosk.window.acted.emit(act)


@pytest.fixture
def station(qtbot: QtBot, office: Office, tmp_path: Path) -> Iterator[Station]:
    if not (MODELS / "face_encoder.onnx").exists():
        pytest.fail("the face model is missing: run make setup")
    unlock = tmp_path / "unlock"
    unlock.write_bytes(b"the unlock secret of a test machine")
    data = tmp_path / "station"
    enrol(office.token(), name="P01-03", data=data, secret=unlock.read_bytes(), version="test")
    camera = tmp_path / "camera"
    camera.mkdir()
    shutil.copy(PORTRAIT, camera)
    settings = Settings(data=data, camera=str(camera), windowed=True, models=MODELS)
    made = Station(qtbot, settings, {UNLOCK_VARIABLE: str(unlock)}, TestReaders())
    yield made
    made.switch_off()


def test_tap_refusal_of_the_camera_two_officers_crash_pause_and_receipt(
    station: Station, office: Office, issuer: Issuer
) -> None:
    card = Chip(issuer.issue(HOLDER, PORTRAIT.read_bytes()))
    office.open()
    station.switch_on()
    welcome = station.until(Welcome)
    assert (welcome.candidate.name, welcome.place.room) == (HOLDER.name, "P01")
    station.readers.put(card)
    consent = station.until(Consent)
    assert consent.reading.portrait == PORTRAIT.read_bytes()
    assert consent.reading.verdict == "unproven"
    station.act(events.UserDeclined())
    assert station.until(Referred).reasons == ("no_consent",)
    office.admit_by_hand()
    assert station.until(Waiting).conditional
    office.start()
    writing = station.until(Writing)
    assert writing.sitting.form == FORM
    station.act(
        events.UserAnswered("a", ChoiceResponse(("o2",))),
        events.UserFlagged("c", True),
        events.UserWentTo("d"),
        events.UserAnswered("d", NumericResponse("-1,5")),
    )
    before = station.screen.sitting
    assert before.counts.answered == 2
    station.switch_off()
    station.switch_on()
    assert station.until(Writing).sitting == before
    attempt = office.attempt().id
    office.act(attempts.pause, attempt, reason="fire alarm")
    station.until(Paused)
    office.act(attempts.resume, attempt, reason="over")
    station.until(Writing)
    station.act(events.UserAskedSubmit())
    station.until(ConfirmSubmit)
    station.act(events.UserConfirmedSubmit())
    receipt = station.until(ReceiptShown).receipt
    assert (receipt.answered, receipt.registration_number) == (2, "010001")
    kept = office.attempt()
    assert (kept.state, kept.head) == (AttemptState.SUBMITTED, receipt.head)
    station.switch_off()
    station.switch_on()
    assert station.until(ReceiptShown).receipt == receipt


def with_another_portrait(issuer: Issuer) -> Chip:
    genuine = issuer.issue(HOLDER, PORTRAIT.read_bytes())
    files = dict(genuine.files)
    portrait = max(files, key=lambda name: len(files[name]))
    files[portrait] = files[portrait][:-40] + bytes(38) + b"\xff\xd9"
    return Chip(replace(genuine, files=files))


def test_a_card_with_an_exchanged_portrait_is_refused_by_the_server(
    station: Station, office: Office, issuer: Issuer
) -> None:
    office.open()
    station.switch_on()
    station.until(Welcome)
    station.readers.put(with_another_portrait(issuer))
    refused = station.until(CardRefused)
    assert "data_group_mismatch" in refused.reasons
    assert office.latest_checkin().chip_refused


def test_a_chip_proves_itself_to_the_server_although_the_card_slipped(
    station: Station, office: Office, issuer: Issuer
) -> None:
    recipe = Recipe(chip_authentication=(ChipAuthenticationRecipe(),), active_authentication=None)
    office.open()
    station.switch_on()
    station.until(Welcome)
    station.readers.tear_after = 12
    station.readers.put(Chip(issuer.issue(HOLDER, PORTRAIT.read_bytes(), recipe=recipe)))
    station.until(Consent)
    assert station.readers.contacts == 2
    station.act(events.UserDeclined())
    assert station.until(Referred).reasons == ("no_consent",)
    assert office.latest_checkin().report["chip_authentication"] == "passed"


def passport_sized(photograph: Path) -> bytes:
    """A chip's portrait has 15 to 20 KB."""
    with Image.open(photograph) as image:
        image.thumbnail((480, 640))
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


@pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason="the photographs come with make setup")
def test_the_face_decides_and_the_server_hears_numbers_only(
    station: Station, office: Office, issuer: Issuer
) -> None:
    camera = Path(station.settings.camera)
    (camera / "portrait.jpg").unlink()
    for name in ("obama2.jpg", "obama3.jpg"):
        shutil.copy(PHOTOGRAPHS / name, camera)
    card = Chip(issuer.issue(HOLDER, passport_sized(PHOTOGRAPHS / "obama.jpg")))
    office.open()
    station.switch_on()
    station.until(Welcome)
    station.readers.put(card)
    station.until(Consent)
    station.act(events.UserAgreed())
    station.until(Face)
    decided = station.until((Waiting, Referred), 30.0)
    checkin = office.latest_checkin()
    assert checkin.consent and checkin.face["liveness"] == "not_done"
    assert 0 < checkin.face["score"] < 0.5
    assert isinstance(decided, Waiting) == (checkin.face["decision"] == "accept")


@pytest.mark.pcsc
def test_the_kiosks_own_process_reads_through_a_real_pcscd(
    station: Station, office: Office, issuer: Issuer
) -> None:
    """A false card, since that one goes to the server without anybody pressing a button."""
    office.open()
    settings = station.settings
    command = [sys.executable, "-m", "exam_station.cli", "run", "--windowed"]
    command += ["--data", str(settings.data), "--camera", settings.camera]
    with PrivatePcscd() as pcscd, VpcdLink(with_another_portrait(issuer), port=pcscd.ports[0]):
        environ = {**os.environ, **station.environ, **pcscd.environment}
        environ["EXAM_STATION_MODELS"] = str(MODELS)
        kiosk = subprocess.Popen(command, env=environ, cwd=ROOT, stderr=subprocess.PIPE)
        try:
            end = time.monotonic() + 40
            while office.latest_checkin() is None and time.monotonic() < end:
                time.sleep(0.2)
        finally:
            kiosk.terminate()
            _, log = kiosk.communicate(timeout=20)
    checkin = office.latest_checkin()
    assert checkin is not None and checkin.chip_refused, log.decode()
    assert "data_group_mismatch" in checkin.reasons
    assert "Traceback" not in log.decode()
    assert HOLDER.number not in log.decode() and HOLDER.name not in log.decode()
