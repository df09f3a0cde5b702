"""The kinds of faults, and in which order a run meets them."""

import random
from collections.abc import Sequence
from enum import StrEnum


class Kind(StrEnum):
    """What befalls a kiosk, a server, or the network between them (docs/faults.md)."""

    KIOSK_KILLED = "kiosk_killed"
    KIOSK_TORN = "kiosk_torn"
    KIOSK_DISK_FULL = "kiosk_disk_full"
    KIOSK_CLOCK = "kiosk_clock"
    SERVER_KILLED = "server_killed"
    SERVER_TORN = "server_torn"
    SERVER_DISK_FULL = "server_disk_full"
    SERVER_CLOCK = "server_clock"
    SERVER_ONE_KILLED = "server_one_killed"
    SERVER_ONE_HUNG = "server_one_hung"
    NATS_KILLED = "nats_killed"
    MOVED = "moved"
    OFFLINE = "offline"
    NETWORK_CUT = "network_cut"
    DELAYED = "delayed"
    HALF_OPEN = "half_open"
    RESET = "reset"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"


#: Those that happen to a request on its way, at the proxy.
ON_THE_WAY = (
    Kind.DELAYED,
    Kind.HALF_OPEN,
    Kind.RESET,
    Kind.DUPLICATED,
    Kind.REORDERED,
)
#: Those that need a server of several processes, with NATS between them.
OF_SEVERAL = frozenset({Kind.SERVER_ONE_KILLED, Kind.SERVER_ONE_HUNG, Kind.NATS_KILLED})
#: Those that make sense with a batch of records only.
OF_RECORDS = (Kind.DUPLICATED, Kind.REORDERED)


def kinds_for(*, several: bool) -> list[Kind]:
    """What can befall a server of several processes, or of one."""
    return [kind for kind in Kind if several or kind not in OF_SEVERAL]


def schedule(count: int, rng: random.Random, *, several: bool = True) -> Sequence[Kind]:
    """`count` faults, every kind equally often as far as that goes, in a drawn order."""
    kinds = kinds_for(several=several)
    rng.shuffle(kinds)
    drawn = [kinds[place % len(kinds)] for place in range(count)]
    rng.shuffle(drawn)
    return drawn


def deal(kinds: Sequence[Kind], several: Sequence[bool], rng: random.Random) -> list[list[Kind]]:
    """The faults of each episode, about as many for each, in a drawn order; what only `several`
    processes can meet falls on episodes that have them."""
    hands: list[list[Kind]] = [[] for _ in several]
    for kind in sorted(kinds, key=lambda kind: kind not in OF_SEVERAL):
        fitting = [n for n, one in enumerate(several) if one or kind not in OF_SEVERAL]
        hands[min(fitting, key=lambda n: len(hands[n]))].append(kind)
    for hand in hands:
        rng.shuffle(hand)
    return hands
