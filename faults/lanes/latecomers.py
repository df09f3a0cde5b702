"""Candidates who come without network."""

import random

from faults.kinds import Kind
from faults.latecomers import let_in
from faults.waiting import StalledError, until
from faults.world import World

#: Seconds in which what was written without network arrives once there is one.
ARRIVES_WITHIN = 120.0


class LatecomersLane:
    """Candidates who come without network, one after the other."""

    name = "latecomers"
    kinds = frozenset({Kind.OFFLINE})

    def __init__(self, world: World) -> None:
        self._world = world

    def befall(self, kind: Kind, rng: random.Random) -> None:
        """Somebody is let in, starts and writes without network; then it is there again, and the
        server acknowledges what they write."""
        late = self._world.late.next(self._world.codes)
        self._world.stack.callback(late.group.kill)
        self._world.came.append(late.group)
        attempt = let_in(late, rng, self._world.look_at_journals, lambda: self._world.gone)
        self._world.proxy.heal(self._world.setting.groups + late.number - self._world.present)
        heard = until(
            lambda: (
                self._world.gone
                or attempt in {said.attempt for said in list(self._world.proxy.said)}
            ),
            ARRIVES_WITHIN,
        )
        if not heard:
            raise StalledError(f"the server does not hear of {attempt}; see {late.group.log}")
        self._world.fired[kind] += 0 if self._world.gone else 1
