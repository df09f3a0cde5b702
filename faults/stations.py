"""Groups of stations: a process of robots that dies as a whole and goes on where it was."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from exam_server.contract.attempt_folder import JOURNAL
from exam_server.contract.enrolment import EnrolmentToken
from exam_station.attempt_folder import ATTEMPTS
from faults.shim import Shim
from faults.witness import witness_lines
from rig.processes import Process, command

#: Nobody hands in by themselves while faults are on.
WITHOUT_END = 1_000_000
LONGEST_MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class Members:
    """Which candidates of the plan, and how they behave; and which of its spare seats is theirs.

    With `codes` they have cards, and come once their kiosk has lost the server.
    """

    first: int
    count: int
    spare: int | None
    think: float
    seed: str
    codes: Path | None = None


class StationGroup:
    """`folder` holds the stations' data (under the shim) and, outside it, what they witnessed."""

    def __init__(
        self, folder: Path, plan: Path, members: Members, shim: Shim, data: Path | None = None
    ) -> None:
        self.data = data or folder / "stations"
        self.data.mkdir(parents=True, exist_ok=True)
        self.witness = folder / "witness"
        self.shim = shim
        self._folder, self._plan, self._members = folder, plan, members
        self._process: Process | None = None
        self._starts = 0

    def start(self, *, changes: int = WITHOUT_END, minutes: float = LONGEST_MINUTES) -> None:
        """Starts the robots, or starts them again where they were killed."""
        self._starts += 1
        members = self._members
        words = ["robot", "--candidates", str(members.count), "--first", str(members.first)]
        if members.spare is not None:
            words += ["--spare", "1", "--first-spare", str(members.spare)]
        if members.codes is not None:
            words += ["--codes", str(members.codes), "--admission", "chip"]
        words += ["--plan", str(self._plan), "--data", str(self.data)]
        words += ["--witness", str(self.witness), "--seed", f"{members.seed}/{self._starts}"]
        words += ["--think", str(members.think), "--changes", str(changes)]
        words += ["--minutes", str(minutes), "--json"]
        self._process = Process(
            self.name, command("exam-station", *words), self.shim.environment, self.log
        )

    @property
    def name(self) -> str:
        return f"the stations from {self._members.first} on"

    @property
    def log(self) -> Path:
        return self._folder / "log"

    def shown(self) -> int:
        """How many bytes of changes and acknowledgements they have witnessed."""
        return self.witness.stat().st_size if self.witness.exists() else 0

    def writers_since(self, size: int) -> set[str]:
        """Attempts of which a candidate here has seen a change since `shown` was `size`."""
        lines = witness_lines(self.witness, after=size)
        return {str(line["attempt"]) for line in lines if line["event"] == "shown"}

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def await_death(self, seconds: float) -> bool:
        """Whether the group died by itself (the shim cut its power) within `seconds`."""
        end = time.monotonic() + seconds
        while self.running:
            if time.monotonic() > end:
                return False
            time.sleep(0.002)
        return True

    def freeze(self, seconds: float) -> None:
        """Holds the group still, as a machine that hangs."""
        if self._process is not None and self.running:
            os.killpg(self._process.pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.killpg(self._process.pid, signal.SIGCONT)

    def journals(self) -> list[Path]:
        """Those that are written, and those that were put by."""
        members = self._members
        own = [f"{number:05}" for number in range(members.first, members.first + members.count)]
        own += [] if members.spare is None else [f"spare-{members.spare:05}"]
        return [path for one in own for path in (self.data / one).glob(f"{ATTEMPTS}/*/{JOURNAL}*")]


def plan_for(plan: Path, port_of: Callable[[int], int], target: Path) -> Path:
    """The plan with the same tokens and other addresses: `port_of` a candidate's number, or of a
    spare seat's."""
    document = json.loads(plan.read_text("utf-8"))
    for seats in (document["candidates"], document["spare"]):
        for number, seat in enumerate(seats):
            token = EnrolmentToken.from_text(seat["token"])
            url = f"https://127.0.0.1:{port_of(number)}"
            seat["token"] = EnrolmentToken(url, token.fingerprint, token.secret).to_text()
    target.touch(0o600)
    target.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return target
