"""Faults of kiosks and their disks."""

import random
import time
from datetime import timedelta

from faults.kinds import Kind
from faults.shim import Field, Full
from faults.stations import StationGroup
from faults.waiting import StalledError, until
from faults.world import SOME_CHANGES, TRIES, WAIT_FOR_CUT, WAIT_FOR_WORK, World

DAY = timedelta(days=1).total_seconds()


class StationsLane:
    """Faults of kiosks and their disks, one after the other."""

    name = "stations"
    kinds = frozenset(kind for kind in Kind if kind.startswith("kiosk"))

    def __init__(self, world: World) -> None:
        self._world = world

    def befall(self, kind: Kind, rng: random.Random) -> None:
        time.sleep(rng.uniform(0.05, 0.3))
        match kind:
            case Kind.KIOSK_KILLED:
                self._kill_group(rng.choice(self._world.groups), rng)
            case Kind.KIOSK_TORN:
                self._tear_group(rng.choice(self._world.groups), rng)
            case Kind.KIOSK_DISK_FULL:
                self._fill_group(rng.choice(self._world.groups[1::2] or self._world.groups), rng)
            case Kind.KIOSK_CLOCK:
                group = rng.choice(self._world.groups)
                group.shim.set_clock(rng.choice((-DAY, DAY, rng.uniform(-DAY, DAY))))
                self._world.fired[kind] += 1

    def _kill_group(self, group: StationGroup, rng: random.Random) -> None:
        self._world.await_shown(group)
        if self._world.setting.stations_lying:
            time.sleep(SOME_CHANGES)
        if rng.random() < 0.5:
            group.shim.cut_at_flush(rng.randint(1, 4))
            group.await_death(WAIT_FOR_CUT)
        group.kill()
        group.shim.roll_back(rng, torn=False)
        self._world.look_at_journals(group)
        self._world.fired[Kind.KIOSK_KILLED] += 1
        self._go_on(group)

    def _tear_group(self, group: StationGroup, rng: random.Random) -> None:
        for _ in range(TRIES):
            group.shim.cut_at_write(rng.randint(1, 4))
            group.await_death(WAIT_FOR_CUT)
            group.kill()
            torn = group.shim.roll_back(rng, torn=True).torn
            self._world.look_at_journals(group)
            self._go_on(group)
            if torn:
                self._world.fired[Kind.KIOSK_TORN] += 1
                return
        raise StalledError(f"no write of {group.name} could be torn")

    def _fill_group(self, group: StationGroup, rng: random.Random) -> None:
        refused = group.shim.count(Field.REFUSED)
        group.shim.fill_disk(Full.NOT_EVEN_REWRITING)
        until(lambda: group.shim.count(Field.REFUSED) > refused, WAIT_FOR_WORK)
        time.sleep(rng.uniform(0.0, 0.7))
        group.shim.fill_disk(Full.NO)
        if group.shim.count(Field.REFUSED) == refused:
            raise StalledError(f"no write of {group.name} was refused; see {group.log}")
        self._world.fired[Kind.KIOSK_DISK_FULL] += 1

    def _go_on(self, group: StationGroup) -> None:
        """Starts the robots again; the next one waits until they write, if the server is there."""
        group.start()
        self._world.await_shown(group)
        if not group.running and not self._world.losses.count:
            raise StalledError(f"{group.name} ended by themselves; see {group.log}")
