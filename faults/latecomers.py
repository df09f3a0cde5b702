"""Candidates who come where there is no network, from before the start on.

Their kiosks are enrolled and staged, then switched off and cut off; each has a port of its own at
the proxy. When the candidate comes the kiosk is switched on: chip and face, the proctor's room
code, the start code, the paper. Then the network comes back and the server hears of it all.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from exam_server.rehearsal import CODES
from exam_station.kit import KIT
from exam_station.staging import FOLDER as PACKAGES
from faults.shim import Shim
from faults.stations import Members, StationGroup, plan_for
from faults.waiting import StalledError, until

NOBODYS_PORT = 1
STAGED_WITHIN, OPENED_WITHIN = 120.0, 120.0


@dataclass(frozen=True, slots=True)
class LateComer:
    """`number` is the candidate's in the plan."""

    group: StationGroup
    number: int


class LateComers:
    """`first` is the number of the first of them in the plan, whose ports of the proxy `ports` are;
    they come one after the other."""

    def __init__(
        self, folder: Path, library: Path, plan: Path, ports: dict[int, int], members: Members
    ) -> None:
        folder.mkdir()
        self._folder, self._library, self._members = folder, library, members
        self._data = folder / "stations"
        self._plan = plan_for(
            plan, lambda number: ports.get(number, NOBODYS_PORT), folder / "plan.json"
        )
        self._waiting = list(range(members.first, members.first + members.count))

    def stage(self) -> None:
        """Enrols all kiosks and waits until each has the room's kit and packages; then they are
        switched off without warning."""
        shim = Shim(self._library, self._folder / "power", (self._data,))
        group = StationGroup(self._folder, self._plan, self._members, shim, self._data)
        try:
            group.start()
            if not until(self._are_staged, STAGED_WITHIN):
                raise StalledError(f"kiosks are not staged; see {group.log}")
        finally:
            group.kill()
        shim.roll_back(random.Random(), torn=False)
        if not self._are_staged():
            raise StalledError("what was staged was not flushed")

    def _are_staged(self) -> bool:
        return all(
            (self._data / name / KIT).exists()
            and len([*(self._data / name / PACKAGES).glob("[!.]*")]) >= len(CODES)
            for name in (f"{number:05}" for number in self._waiting)
        )

    def next(self, codes: dict[str, str]) -> LateComer:
        """The next one, whose proctor knows the codes; the kiosk is still switched off."""
        number = self._waiting.pop(0)
        folder = self._folder / f"{number:05}"
        folder.mkdir()
        kept = folder / "codes.json"
        kept.touch(0o600)
        kept.write_text(json.dumps(codes))
        own = Members(number, 1, None, self._members.think, self._members.seed, kept)
        shim = Shim(self._library, folder / "power", (self._data / f"{number:05}",))
        return LateComer(StationGroup(folder, self._plan, own, shim, self._data), number)


def let_in(
    late: LateComer,
    rng: random.Random,
    look: Callable[[StationGroup], None],
    gone: Callable[[], bool],
) -> str | None:
    """From switching on to some answers, all without network; in half of all cases the power
    fails in between. The attempt; None where the server was given up meanwhile."""
    group = late.group
    group.start()
    _await_answers(group, gone)
    if rng.random() < 0.5:
        group.kill()
        group.shim.roll_back(rng, torn=rng.random() < 0.5)
        look(group)
        group.start()
        _await_answers(group, gone)
    return next(iter(group.writers_since(0)), None)


def _await_answers(group: StationGroup, gone: Callable[[], bool]) -> None:
    before = group.shown()
    if not until(lambda: bool(group.writers_since(before)) or gone(), OPENED_WITHIN):
        raise StalledError(f"{group.name} do not write without network; see {group.log}")
