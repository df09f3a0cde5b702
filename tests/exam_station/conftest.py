"""A running server of the contract, and a station enrolled at it; a real office and its kiosk."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk_seat import Seat
from pytestqt.qtbot import QtBot
from real_office import MODELS, PORTRAIT, Office, Station, TestReaders
from station_server import SECRET, StationServer

from card_reader.simulator.issuer import Issuer, KeyKind
from exam_station.enrolment import enrol
from exam_station.settings import Settings
from exam_station.vault import UNLOCK_VARIABLE, Vault


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StationServer]:
    running = StationServer(tmp_path)
    running.serve()
    yield running
    running.stop()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "station"


@pytest.fixture
def vault(server: StationServer, data: Path) -> Vault:
    return enrol(server.token(), name="P01-03", data=data, secret=SECRET, version="test")


@pytest.fixture
def place(server: StationServer, vault: Vault, data: Path) -> Iterator[Callable[[], Seat]]:
    """Makes a seat; a second one is the same station started again."""
    seats: list[Seat] = []

    def make() -> Seat:
        for former in seats:
            former.close()
        seats.append(Seat(data, vault))
        return seats[-1]

    yield make
    for seat in seats:
        seat.close()


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer.generate(kind=KeyKind.P256)


@pytest.fixture
def office(tmp_path: Path, issuer: Issuer) -> Iterator[Office]:
    made = Office(tmp_path / "server", issuer)
    made.serve()
    yield made
    made.stop()


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
