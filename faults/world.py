"""An episode's world: the server, the network, the kiosks and the proctor, made ready; and what has
become of them."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from faults.judge import Losses, Promises, missing_in_journals
from faults.kinds import Kind
from faults.latecomers import LateComers
from faults.officer import Proctor
from faults.proxy import Proxy
from faults.seats import Seats
from faults.shim import Shim
from faults.site import Conditions, Site
from faults.stations import Members, StationGroup, plan_for
from faults.waiting import StalledError, until
from faults.witness import witness_lines
from rig.processes import ProcessFailedError

GROUPS, MEMBERS, THINK = 4, 2, 0.25
#: Seconds in which a candidate sees some changes.
SOME_CHANGES = 4 * THINK
#: Seconds in which robots write, and in which a cut that was ordered comes.
WAIT_FOR_WORK, WAIT_FOR_CUT = 60.0, 4.0
#: Seconds in which whatever a station still has must have been tried again.
QUIET = 40.0
#: How often a fault is tried that something else may keep from happening.
TRIES = 20


@dataclass(frozen=True, slots=True)
class Setting:
    """`library`: the shim. `stations_lying`: their disks, once all write, do not flush. `quiet`:
    seconds without news after which nothing more is awaited in the end."""

    folder: Path
    library: Path
    conditions: Conditions
    seed: str
    stations_lying: bool = False
    groups: int = GROUPS
    members: int = MEMBERS
    quiet: float = QUIET


class World:
    """Everyone and everything in an episode.

    `fired` counts the faults that truly happened, `losses` what is lost, `notes` what else is worth
    telling; `gone` says that the server cannot be had again. `groups` were there from the start,
    `came` are these and who came late.
    """

    def __init__(self, setting: Setting, stack: ExitStack) -> None:
        self.setting = setting
        self.stack = stack
        self.fired: Counter[Kind] = Counter()
        self.notes: list[str] = []
        self.losses = Losses()
        self.gone = False

    @property
    def candidates(self) -> int:
        """Those who were there, and those who came late."""
        return self.present + len(self.came) - len(self.groups)

    def rng(self, name: str) -> random.Random:
        return random.Random(f"{self.setting.seed}/{name}")

    # --- before -------------------------------------------------------------------------------

    def begin(self, late: int) -> None:
        """Everyone writes when this returns, but `late` candidates, who are still to come."""
        setting = self.setting
        setting.folder.mkdir(parents=True)
        self.site = self.stack.enter_context(
            Site(setting.folder, setting.library, setting.conditions)
        )
        folder = self.site.folder
        self.proxy = self.stack.enter_context(
            Proxy(
                ("127.0.0.1", self.site.server.port),
                certificate=folder / "tls.crt",
                key=folder / "tls.key",
                passphrase=self.site.tls_passphrase,
                groups=setting.groups + late,
                rng=self.rng("proxy"),
            )
        )
        plan = setting.folder / "plan.json"
        self.present = setting.groups * setting.members
        self.site.server.call(
            *("rehearsal", str(folder), "--candidates", str(self.present + late)),
            *("--absent", str(late), "--spare", str(setting.groups), "--rooms", "1"),
            *("--url", "https://127.0.0.1:1", "--admit", "--out", str(plan)),
            *(("--cards", str(setting.folder / "issuer")) if late else ()),
        )
        self.late = self._stage(plan, late)
        self.site.server.call("shift", "start", str(folder))
        self.seats = Seats.of(plan, setting.members)
        self.proctor = self.stack.enter_context(Proctor(self.site.server, setting.folder))
        self.codes = self.proctor.codes(self.seats.anybody)
        self.groups = [self._group(number, plan) for number in range(setting.groups)]
        self.came = list(self.groups)
        for group in self.groups:
            self.stack.callback(group.kill)
            group.start()
        self._await_work(self.groups)
        if setting.conditions.lying:
            self.site.disk.stop_flushing()
        for group in self.groups if setting.stations_lying else ():
            group.shim.stop_flushing()

    def _stage(self, plan: Path, count: int) -> LateComers:
        """Kiosks of those who are still to come: made ready, and cut off before the start."""
        setting = self.setting
        ports = {
            self.present + place: self.proxy.ports[setting.groups + place] for place in range(count)
        }
        members = Members(self.present, count, None, THINK, setting.seed)
        late = LateComers(setting.folder / "late", setting.library, plan, ports, members)
        if count:
            late.stage()
        for place in range(count):
            self.proxy.cut(setting.groups + place)
        return late

    def _group(self, number: int, plan: Path) -> StationGroup:
        setting = self.setting
        folder = setting.folder / f"group-{number}"
        folder.mkdir()
        shim = Shim(setting.library, folder / "power", (folder / "stations",))
        if number % 2:
            shim.cannot_reserve()
        own = plan_for(plan, lambda _: self.proxy.ports[number], folder / "plan.json")
        members = Members(number * setting.members, setting.members, number, THINK, setting.seed)
        return StationGroup(folder, own, members, shim)

    def _await_work(self, groups: Sequence[StationGroup]) -> None:
        """Until each group has written something more than it had."""
        before = {group: group.shown() for group in groups}
        end = time.monotonic() + WAIT_FOR_WORK
        for group in groups:
            while group.shown() == before[group]:
                if time.monotonic() > end or not group.running:
                    raise StalledError(f"{group.name} do not write; see {group.log}")
                time.sleep(0.05)

    # --- meanwhile ----------------------------------------------------------------------------

    def come_back(self) -> None:
        try:
            if not self.gone:
                self.site.come_back()
        except ProcessFailedError as error:
            self.lose_server(error)

    def lose_server(self, error: Exception) -> None:
        """With flushing off there may be nothing left that starts: all is lost then."""
        self.notes.append(f"the server does not come back: {error}")
        self.gone = True

    def await_shown(self, group: StationGroup) -> None:
        """Until its candidates have seen something more, or are gone. Where something was lost they
        may rest for ever, and there is nothing to wait for."""
        before = group.shown()
        until(
            lambda: group.shown() > before or not group.running or self.losses.count > 0,
            WAIT_FOR_WORK,
        )

    def look_at_journals(self, group: StationGroup, found: str = "shown_not_left") -> None:
        """What its candidates have seen must be there, before the server can give it back."""
        promises = Promises()
        promises.hear(witness_lines(group.witness))
        self.losses.add(found, missing_in_journals(promises, group.journals()))

    def promises(self) -> Promises:
        """What was shown to candidates or acknowledged to stations so far."""
        promises = Promises()
        for group in self.came:
            promises.hear(witness_lines(group.witness))
        promises.hear_said(list(self.proxy.said))
        return promises
