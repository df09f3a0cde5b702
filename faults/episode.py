"""One episode: a rehearsal played by robots while faults befall it, healed, finished and judged."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from sqlalchemy.engine import Engine

from faults.judge import Promises, Verdict, judge, missing_of_shown
from faults.kinds import ON_THE_WAY, Kind
from faults.lanes import Lane, lanes_of
from faults.shim import Full
from faults.waiting import until
from faults.world import WAIT_FOR_WORK, Setting, World

#: Seconds in which everybody has handed in and everything has arrived.
FINISH = 120.0


@dataclass(slots=True)
class Outcome:
    """What an episode came to. `fired` counts faults that truly happened."""

    verdict: Verdict
    fired: Counter[Kind]
    seconds: float
    receipts: int
    candidates: int
    notes: list[str] = field(default_factory=list)


def play(setting: Setting, kinds: Sequence[Kind]) -> Outcome:
    """Plays one episode with the faults `kinds`, in their order in each lane."""
    began = time.monotonic()
    with ExitStack() as stack:
        world = World(setting, stack)
        world.begin(late=sum(kind is Kind.OFFLINE for kind in kinds))
        _trouble(world, kinds)
        verdict, receipts = _end(world)
    seconds = time.monotonic() - began
    return Outcome(verdict, world.fired, seconds, receipts, world.candidates, world.notes)


def _trouble(world: World, kinds: Sequence[Kind]) -> None:
    """All faults, each lane's one after the other; what one lane raises ends the episode."""
    lanes = lanes_of(world)
    with ThreadPoolExecutor(len(lanes)) as pool:
        for running in [pool.submit(_pass, world, lane, kinds) for lane in lanes]:
            running.result()
    ordered = sum(kind in ON_THE_WAY for kind in kinds)
    until(lambda: world.gone or world.proxy.fired.total() >= ordered, WAIT_FOR_WORK)
    world.fired += world.proxy.fired


def _pass(world: World, lane: Lane, kinds: Sequence[Kind]) -> None:
    rng = world.rng(lane.name)
    for kind in kinds:
        if kind in lane.kinds and not world.gone:
            lane.befall(kind, rng)


def _end(world: World) -> tuple[Verdict, int]:
    """Everything healed, the robots hand in, and what was promised is looked for; the receipts."""
    _heal(world)
    if world.gone:
        changes = world.promises().changes
        world.losses.add("server_gone", changes)
        return Verdict(world.losses.count, len(changes), world.losses.told()), 0
    for group in world.came:
        group.start(changes=0)
    engine = world.site.engine()
    try:
        _await_arrival(world, engine)
        for group in world.came:
            group.kill()
            world.look_at_journals(group, "shown_not_in_journal")
        promises = world.promises()
        journals = [path for group in world.came for path in group.journals()]
        verdict = judge(engine, world.site.keys(), promises, journals, world.losses)
        return verdict, _receipts(promises)
    finally:
        engine.dispose()


def _heal(world: World) -> None:
    world.proxy.calm()
    for group in world.came:
        group.shim.set_clock(0.0)
        group.shim.fill_disk(Full.NO)
        group.shim.never_cut()
        group.kill()
    if not world.gone:
        world.site.shim.set_clock(0.0)
        world.come_back()


def _await_arrival(world: World, engine: Engine) -> None:
    """Until everyone has a receipt and all that was shown has arrived. Where something is lost it
    never does: then until nothing new has come for a while."""
    end = time.monotonic() + FINISH
    state, since = None, time.monotonic()
    while (now := time.monotonic()) < end:
        promises = world.promises()
        receipts, missing = _receipts(promises), missing_of_shown(engine, promises)
        if receipts == world.candidates and (not missing or world.losses.count):
            return
        if (found := (receipts, len(missing))) != state:
            state, since = found, now
        if now - since > world.setting.quiet:
            return
        time.sleep(0.5)


def _receipts(promises: Promises) -> int:
    return len({attempt for attempt, _, _ in promises.receipts})
