"""The wall clock jumps by a day, on a real process under libfaketime: nobody notices.

Never the machine's own clock: the process alone is told another time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from station_server import StationServer

from exam_server.contract.records import Restarted, Visited
from exam_station.vault import Vault

pytestmark = pytest.mark.slow
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
HERE = Path(__file__).parent
DAY = 86_400


@dataclass
class Process:
    """A station's process and the file that tells it the time of day."""

    process: subprocess.Popen[str]
    wall: Path

    def jump(self, by: str) -> None:
        self.wall.write_text(f"{by}\n")

    def __call__(self, *steps: str) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(" ".join(steps) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the station's process has ended"
        return json.loads(line)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)


Begin = Callable[[str], Process]


@pytest.fixture
def begin(data: Path, vault: Vault, tmp_path: Path) -> Iterator[Begin]:
    """Starts the station's process under a wall clock that is off."""
    assert LIBRARY.exists(), "libfaketime is missing; run make setup"
    begun: list[Process] = []

    def start(by: str) -> Process:
        wall = tmp_path / "wall"
        wall.write_text(f"{by}\n")
        process = subprocess.Popen(
            [sys.executable, HERE / "clock_process.py", data],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
                "LD_PRELOAD": str(LIBRARY),
                "FAKETIME_TIMESTAMP_FILE": str(wall),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            },
        )
        begun.append(Process(process, wall))
        return begun[-1]

    yield start
    for one in begun:
        one.kill()


def off(server: StationServer, station: Process, *steps: str) -> tuple[float, float]:
    """By how many seconds the station's idea of the time, and its wall clock, are off."""
    before = server.now().timestamp()
    told = station(*steps)
    after = server.now().timestamp()
    assert not told["fault"], told["fault"]

    def apart(moment: float) -> float:
        return max(before - moment, moment - after, 0.0)

    return apart(told["now"]), apart(told["wall"])


def test_jumps_of_a_day_move_neither_time_nor_records_nor_connections(
    server: StationServer, begin: Begin
) -> None:
    station = begin("+1d")
    # Before the server was ever heard the request is signed a day ahead, and believed the second
    # time; the certificate is not valid at that wall time.
    error, wall = off(server, station, "beat", "beat", "beat", "open", "write")
    assert error <= 1 and wall > DAY / 2
    for by in ("-1d", "+1d", "+0", "-40d"):
        station.jump(by)
        error, wall = off(server, station, "beat", "write")
        assert error <= 1
        assert by == "+0" or wall > DAY / 2
    moments = [record.open(server.attempt_key)[1] / 1000 for record in server.records]
    bodies = [record.open(server.attempt_key)[0] for record in server.records]
    assert bodies.count(Visited("b")) == 5
    assert moments == sorted(moments)
    assert abs(moments[-1] - server.now().timestamp()) < 60


def test_killed_and_begun_again_without_network_under_another_wall_clock(
    server: StationServer, begin: Begin
) -> None:
    first = begin("-1d")
    off(server, first, "beat", "beat", "beat", "open", "write", "beat")
    first.kill()
    server.stop()
    second = begin("+1d")
    error, wall = off(server, second, "ask")
    assert error <= 1 and wall > DAY / 2
    most = server.ledger.remaining(server.now()).total_seconds()
    told = second("beat")
    least = server.ledger.remaining(server.now()).total_seconds()
    assert "network" in told["fault"]
    assert least - 1 <= told["remaining"] <= most + 1
    assert told["away"] is not None
    server.serve()
    error, _ = off(server, second, "beat", "open", "write")
    assert error <= 1
    bodies = [record.open(server.attempt_key)[0] for record in server.records]
    assert [type(body) for body in bodies].count(Restarted) == 1
    assert next(body for body in bodies if isinstance(body, Restarted)).estimated is False
