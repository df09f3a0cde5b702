"""A running server of the contract, and a station enrolled at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from station_server import SECRET, StationServer

from exam_station.enrolment import enrol
from exam_station.vault import Vault


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
