"""Moves to other seats."""

import random
import time

from faults.kinds import Kind
from faults.seats import Move
from faults.waiting import StalledError, until
from faults.world import SOME_CHANGES, World

#: Seconds in which somebody can be moved and goes on, whatever else is wrong meanwhile.
MOVES_WITHIN = 180.0


class SeatsLane:
    """Moves to other seats, one after the other."""

    name = "seats"
    kinds = frozenset({Kind.MOVED})

    def __init__(self, world: World) -> None:
        self._world = world

    def befall(self, kind: Kind, rng: random.Random) -> None:
        """A candidate is moved to another group's free seat and goes on there. In half of all cases
        the former kiosk is cut off before, writes what nobody gets, and comes back afterwards."""
        end = time.monotonic() + MOVES_WITHIN
        while time.monotonic() < end and not self._world.gone:
            time.sleep(rng.uniform(0.2, 1.0))
            move = self._world.seats.draw(rng)
            form = self._world.proctor.look(move.placement, move.seat)
            if form is not None and self._moved(move, form, rng):
                self._world.fired[kind] += 1
                return
        if not self._world.gone:
            raise StalledError(f"nobody could be moved: {self._world.proctor.trouble}")

    def _moved(self, move: Move, form: dict[str, str], rng: random.Random) -> bool:
        cut_off = rng.random() < 0.5
        if cut_off:
            self._world.proxy.cut(move.source)
            self._world.await_shown(self._world.groups[move.source])
            time.sleep(rng.uniform(0.0, SOME_CHANGES))
        try:
            moved = self._goes_on(move, form)
            time.sleep(rng.uniform(0.0, SOME_CHANGES) if moved and cut_off else 0.0)
        finally:
            if cut_off:
                self._world.proxy.heal(move.source)
        return moved

    def _goes_on(self, move: Move, form: dict[str, str]) -> bool:
        target = self._world.groups[move.target]
        before = target.shown()
        if not self._world.proctor.move(move.placement, move.seat, form):
            return False
        self._world.seats.moved(move)
        goes_on = until(lambda: move.attempt in target.writers_since(before), MOVES_WITHIN)
        if not goes_on and not self._world.gone:
            raise StalledError(f"{move.attempt} does not go on at seat {move.seat}")
        return goes_on
