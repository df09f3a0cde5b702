"""A station's real client, clock, time keeper, desk and journal in a process of their own.

Run with the data directory; the unlock secret is the tests' own. It takes one command a line and
answers with one JSON object a line. It runs under libfaketime, which jumps the wall clock and
leaves the boot clock alone, as a wrong battery or an eager NTP client would.
"""

import json
import sys
import time
from pathlib import Path

from station_server import ATTEMPT, SECRET

from exam_server.contract import api
from exam_server.contract.records import Visited
from exam_station.client import Client, ClientError
from exam_station.clock import ServerClock, wall_time
from exam_station.desk import Desk
from exam_station.kept_time import TimeKeeper
from exam_station.kit import Kits
from exam_station.staging import Packages
from exam_station.uploader import Progress
from exam_station.vault import Vault

BEAT = api.Heartbeat(
    state=api.StationState.WRITING, program_version="test", reader_ready=True, camera_ready=True
)


class Station:
    """What the kiosk's `Work` puts together, without window and readers."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.vault = Vault.load(data, SECRET)
        self.clock = ServerClock()
        self.keeper = TimeKeeper(data, self.clock, key=self.vault.signing)
        self.restart = self.keeper.take_up()
        self.client = Client(self.vault, self.clock)
        self.desk: Desk | None = None

    def beat(self) -> None:
        """On a connection of its own: one more TLS handshake under today's wall clock."""
        caller = Client(self.vault, self.clock)
        try:
            caller.heartbeat(BEAT)
        finally:
            caller.close()
        self.keeper.keep_on()

    def ask(self) -> None:
        """Nothing but the answer that every command gets."""

    def open(self) -> None:
        self.desk = Desk(
            self.data,
            client=self.client,
            vault=self.vault,
            clock=self.clock,
            packages=Packages(self.data, self.client, self.vault),
            kits=Kits(self.data, self.client, self.vault),
            told=self._uploaded,
            stopped=lambda _, error: sys.exit(str(error)),
            restart=lambda: self.keeper.restart,
        )
        self.desk.take_lease(ATTEMPT)
        self.desk.open(ATTEMPT)

    def _uploaded(self, attempt: str, progress: Progress) -> None:
        if progress.answer is not None:
            self.keeper.keep(attempt, progress.answer.ledger.ledger())

    def write(self) -> None:
        assert self.desk is not None
        self.desk.write(Visited("b"))
        self.desk.flush(ATTEMPT)

    def told(self) -> dict[str, object]:
        now, ledger = self.clock.now(), self.keeper.ledger(ATTEMPT)
        away = self.restart.away if self.restart else None
        return {
            "wall": wall_time().timestamp(),
            "now": now.timestamp() if now else None,
            "monotonic": time.monotonic(),
            "remaining": ledger.remaining(now).total_seconds() if ledger and now else None,
            "away": away.total_seconds() if away else None,
        }


def main() -> None:
    station = Station(Path(sys.argv[1]))
    for line in sys.stdin:
        fault = ""
        try:
            for step in line.split():
                getattr(station, step)()
        except ClientError as error:
            fault = str(error)
        sys.stdout.write(json.dumps({**station.told(), "fault": fault}) + "\n")
        sys.stdout.flush()


main()
