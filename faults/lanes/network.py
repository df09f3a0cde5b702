"""Faults of the network and of what is on its way."""

import random
import time

from faults.kinds import ON_THE_WAY, Kind
from faults.waiting import until
from faults.world import WAIT_FOR_WORK, World


class NetworkLane:
    """Faults of the network and of what is on its way, one after the other."""

    name = "network"
    kinds = frozenset({Kind.NETWORK_CUT, *ON_THE_WAY})

    def __init__(self, world: World) -> None:
        self._world = world

    def befall(self, kind: Kind, rng: random.Random) -> None:
        time.sleep(rng.uniform(0.1, 0.6))
        if kind is Kind.NETWORK_CUT:
            group = rng.randrange(len(self._world.groups))
            self._world.proxy.cut(group)
            time.sleep(rng.uniform(0.2, 1.5))
            self._world.proxy.heal(group)
            self._world.fired[kind] += 1
            return
        self._world.proxy.order(kind)
        until(lambda: self._world.proxy.outstanding < 3 or self._world.gone, WAIT_FOR_WORK)
