"""Lanes of faults, which go on at once, as troubles do: the server's, the stations', the network's,
the seats', the latecomers'. In each lane one fault befalls the world after the other.
"""

import random
from typing import Protocol

from faults.kinds import Kind
from faults.lanes.latecomers import LatecomersLane
from faults.lanes.network import NetworkLane
from faults.lanes.seats import SeatsLane
from faults.lanes.server import ServerLane
from faults.lanes.stations import StationsLane
from faults.world import World


class Lane(Protocol):
    """One lane in a world."""

    name: str
    kinds: frozenset[Kind]

    def befall(self, kind: Kind, rng: random.Random) -> None:
        """Makes the fault `kind` happen; back when it is over. StalledError where it cannot."""


def lanes_of(world: World) -> tuple[Lane, ...]:
    return (
        ServerLane(world),
        StationsLane(world),
        NetworkLane(world),
        SeatsLane(world),
        LatecomersLane(world),
    )
