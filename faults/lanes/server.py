"""Faults of the server, its processes, its disk and its NATS."""

import random
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from faults.judge import Promises, missing_at_server
from faults.kinds import Kind
from faults.shim import Field, Full
from faults.site import PROCESSES
from faults.waiting import StalledError, until
from faults.world import TRIES, WAIT_FOR_CUT, WAIT_FOR_WORK, World
from rig.processes import ProcessFailedError

#: How far the server's own clock is set: beyond what a record may be ahead of it.
SERVER_CLOCK = 10.0


class ServerLane:
    """Faults of the server, its processes, its disk and its NATS, one after the other."""

    name = "server"
    kinds = frozenset(kind for kind in Kind if kind.startswith("server")) | {Kind.NATS_KILLED}

    def __init__(self, world: World) -> None:
        self._world = world

    def befall(self, kind: Kind, rng: random.Random) -> None:
        time.sleep(rng.uniform(0.2, 1.0))
        match kind:
            case Kind.SERVER_KILLED:
                self._kill_server(rng)
            case Kind.SERVER_TORN:
                self._tear_server(rng)
            case Kind.SERVER_DISK_FULL:
                self._fill_server(rng)
            case Kind.SERVER_CLOCK:
                self._world.site.shim.set_clock(rng.uniform(-SERVER_CLOCK, SERVER_CLOCK))
                self._world.fired[kind] += 1
            case Kind.SERVER_ONE_KILLED:
                self._lose_one_process(self._world.site.kill_one, rng)
                self._world.fired[kind] += 1
            case Kind.SERVER_ONE_HUNG:
                if rng.random() < 0.9:  # else it may be one that only begins, which takes longer
                    self._world.site.await_all()
                self._lose_one_process(self._world.site.freeze_one, rng)
                self._world.fired[kind] += 1
            case Kind.NATS_KILLED:
                self._kill_nats(rng)
        self._world.come_back()

    def _kill_server(self, rng: random.Random) -> None:
        """Right after it has said that it holds something, at a flush, or whenever it comes."""
        conditions = self._world.setting.conditions
        match 0 if conditions.sabotage or conditions.lying else rng.randrange(3):
            case 0:
                self._await_word(WAIT_FOR_CUT)
            case 1:
                self._world.site.disk.cut_at_flush(rng.randint(1, 8))
                self._world.site.await_cut(WAIT_FOR_CUT)
        if conditions.postgres and not conditions.lying and rng.random() < 0.3:
            self._world.site.kill_program()
        else:
            self._world.site.kill(rng, torn=False)
            self._look_at_server()
        self._world.fired[Kind.SERVER_KILLED] += 1

    def _lose_one_process(self, lose: Callable[[int], None], rng: random.Random) -> None:
        """Of several, at any moment, or right after one has said that it holds something."""
        if rng.random() < 0.5:
            self._await_word(WAIT_FOR_CUT)
        lose(rng.randrange(PROCESSES))
        self._look_at_server()

    def _kill_nats(self, rng: random.Random) -> None:
        """What is written is kept and acknowledged without it."""
        assert self._world.site.nats is not None
        self._world.site.nats.kill()
        if not self._await_word(WAIT_FOR_WORK):
            raise StalledError("nothing is acknowledged while NATS is away")
        time.sleep(rng.uniform(0.0, 1.0))
        self._world.fired[Kind.NATS_KILLED] += 1

    def _tear_server(self, rng: random.Random) -> None:
        """Power fails between a write and its flush, and the disk keeps some sectors of it."""
        for _ in range(TRIES):
            self._world.site.disk.cut_at_write(rng.randint(1, 12))
            self._world.site.await_cut(WAIT_FOR_CUT)
            torn = self._world.site.kill(rng, torn=True).torn
            self._look_at_server()
            if torn:
                self._world.fired[Kind.SERVER_TORN] += 1
                return
            self._world.come_back()
        raise StalledError("no write of the server could be torn")

    def _fill_server(self, rng: random.Random) -> None:
        disk = self._world.site.disk
        for _ in range(TRIES):
            refused = disk.count(Field.REFUSED)
            disk.fill_disk(Full.NOT_EVEN_REWRITING)
            until(lambda was=refused: disk.count(Field.REFUSED) > was, 3.0)  # type: ignore[misc]  # bound by its default
            time.sleep(rng.uniform(0.0, 0.5))
            disk.fill_disk(Full.NO)
            if disk.count(Field.REFUSED) > refused:
                self._world.fired[Kind.SERVER_DISK_FULL] += 1
                return
            self._world.come_back()
        raise StalledError("no write of the server was refused")

    def _look_at_server(self) -> None:
        """What it has acknowledged so far must be there, before any station sends it again."""
        promises = Promises()
        promises.hear_said(list(self._world.proxy.said))
        try:
            with self._world.site.left() as engine:
                self._world.losses.add("acknowledged_not_left", missing_at_server(engine, promises))
        except (ProcessFailedError, SQLAlchemyError) as error:
            self._world.lose_server(error)

    def _await_word(self, seconds: float) -> bool:
        """Whether the server has acknowledged something within `seconds`."""
        heard = threading.Event()
        self._world.proxy.on_said = lambda _: heard.set()
        found = heard.wait(seconds)
        self._world.proxy.on_said = lambda _: None
        return found
