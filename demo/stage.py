"""Sets the stage with the commands that an exam office uses: server, exam, staff, stations."""

import os
import secrets
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from demo import cast
from demo.officers import Login
from rig.processes import Process, run
from rig.server import Server

T = TypeVar("T")

#: How far ahead the printed start lies; the signal may be given a little earlier.
UNTIL_START = timedelta(minutes=3)


class DemoServer(Server):
    """The demo's server, with its exam and its staff."""

    def set_up(self, trust: Path, people: dict[str, Login]) -> None:
        """init, load trust, load exam, staff add."""
        folder = str(self.folder)
        self.make()
        self.call("load", "trust", folder, str(trust / "csca.pem"), str(trust / "crl.pem"))
        starts_at = (datetime.now(UTC) + UNTIL_START).isoformat()
        self.call("load", "exam", folder, str(cast.EXAM), "--starts-at", starts_at)
        _all_at_once(self._add_staff, list(people.values()))

    def _add_staff(self, person: Login) -> None:
        who = ("--username", person.username, "--name", person.name, "--role", person.role)
        password = {"EXAM_STAFF_PASSWORD": person.password}
        self.call("staff", "add", str(self.folder), *who, environment=password)
        if person.role == "marker":
            of = ("--username", person.username, "--subject", cast.MARKED_SUBJECT, "--secret")
            self.call("staff", "grant", str(self.folder), *of)


class Station:
    """One kiosk machine: data directory, unlock secret beside it, and the running program."""

    def __init__(self, part: cast.Part, folder: Path, pictures: Path) -> None:
        self.part = part
        self.data = folder / f"station-{part.seat}"
        self._secret = folder / f"unlock-{part.seat}"
        self._camera = folder / f"camera-{part.seat}"
        self._log = folder / f"station-{part.seat}.log"
        self._pictures = pictures
        self.process: Process | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {"EXAM_STATION_UNLOCK_FILE": str(self._secret)}

    def enrol(self, server: Server) -> None:
        self._secret.write_text(secrets.token_urlsafe(32))
        self._secret.chmod(0o600)
        self._camera.mkdir()
        for number, face in enumerate(self.part.faces):
            (self._camera / f"{number}.jpg").write_bytes(face.read_bytes())
        seat = ("--room", cast.ROOM, "--seat", self.part.seat, "--url", server.url)
        token = server.call("station", "token", str(server.folder), *seat)["token"]
        name = f"{cast.ROOM} / {self.part.seat}"
        words = ("exam-station", "enroll", str(token), "--data", str(self.data), "--name", name)
        run(*words, environment=self.environment)

    def start(
        self,
        pcsc: dict[str, str],
        *,
        slot: Path | None,
        stop_at: int | None = None,
        prefix: str | None = None,
    ) -> Process:
        """Starts the kiosk. `slot` is given where it must read in its own process."""
        words = [sys.executable, "-m", "demo.kiosk", "--data", str(self.data)]
        words += ["--camera", str(self._camera), "--answers", str(self.part.answers)]
        words += ["--persona", self.part.persona, "--language", self.part.language]
        words += ["--pictures", str(self._pictures), "--prefix", prefix or f"seat{self.part.seat}"]
        words += ["--slot", str(slot)] if slot else []
        words += ["--stop-at", str(stop_at)] if stop_at else []
        name = f"kiosk of seat {self.part.seat}"
        self.process = Process(name, words, {**self.environment, **pcsc}, self._log)
        return self.process

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()


def enrol_all(stations: list[Station], server: Server) -> None:
    """Enrols every station with a token of its own."""
    _all_at_once(lambda station: station.enrol(server), stations)


def _all_at_once(call: Callable[[T], None], them: Sequence[T]) -> None:
    """Each call waits for commands of its own, as many at a time as there are processors; the
    first failure is raised."""
    with ThreadPoolExecutor(min(len(them), os.cpu_count() or 1)) as pool:
        for done in [pool.submit(call, each) for each in them]:
            done.result()
