"""A desk of an enrolled station, with what it told."""

import time
from collections.abc import Callable
from pathlib import Path

from station_server import StationServer

from exam_server.contract import records
from exam_station.client import Client
from exam_station.clock import ServerClock
from exam_station.desk import Desk
from exam_station.kit import Kits
from exam_station.staging import Packages
from exam_station.stopping import StoppedError
from exam_station.uploader import Progress
from exam_station.vault import Vault


class Seat:
    """A desk with what it told."""

    def __init__(self, data: Path, vault: Vault) -> None:
        self.clock = ServerClock()
        self.client = Client(vault, self.clock)
        self.progress: list[Progress] = []
        self.stopped: list[StoppedError] = []
        self.packages = Packages(data, self.client, vault)
        self.kits = Kits(data, self.client, vault)
        self.desk = Desk(
            data,
            client=self.client,
            vault=vault,
            clock=self.clock,
            packages=self.packages,
            kits=self.kits,
            told=lambda _, progress: self.progress.append(progress),
            stopped=lambda _, error: self.stopped.append(error),
        )

    def close(self) -> None:
        self.desk.close()
        self.client.close()


def until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def bodies(server: StationServer) -> list[records.Body]:
    return [record.open(server.attempt_key)[0] for record in server.records]
