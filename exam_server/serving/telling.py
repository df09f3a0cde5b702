"""What a command changes is told to the running server, where its processes share a NATS.

Commands work on the database beside the server. Its pages and stations would hear of it at their
next beat; so that an operator's start signal is as quick as an officer's, a command tells of its
commits over the same bus. Whatever happens to NATS, the command has done its work.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from exam_server.console import remark
from exam_server.directory import OpenServer
from exam_server.proctoring.announcing import announce_commits
from exam_server.proctoring.events import LiveEvents
from exam_server.serving.bus import EventBus, Hub, bus_of
from exam_server.stations.announcing import announce_to_stations
from exam_server.stations.events import StationEvents

WAIT_SECONDS = 3.0


@contextmanager
def telling(server: OpenServer) -> Iterator[None]:
    """Tells the processes of `server` what was committed in the block, after it."""
    bus = bus_of(server.settings, server.public_key())
    if bus is None:
        yield
        return
    rooms, stations = LiveEvents(), StationEvents(lambda _shift: {})
    hubs: dict[str, Hub] = {"room": rooms, "station": stations}
    told: list[tuple[str, str]] = []
    for kind, hub in hubs.items():
        hub.carry = partial(_note, told, kind)
    stops = (announce_commits(server.engine, rooms), announce_to_stations(server.engine, stations))
    try:
        yield
    finally:
        for stop in stops:
            stop()
    if told and not asyncio.run(_send(bus, hubs, told)):
        remark("NATS does not answer: pages and stations hear of this at their next beat")


def _note(told: list[tuple[str, str]], kind: str, key: str) -> None:
    told.append((kind, key))


async def _send(bus: EventBus, hubs: dict[str, Hub], told: list[tuple[str, str]]) -> bool:
    """Whether all of it was given to NATS."""
    for kind, hub in hubs.items():
        bus.attach(kind, hub)
    bus.start()
    connected = await bus.wait_until_connected(WAIT_SECONDS)
    if connected:
        for kind, key in told:
            hubs[kind].carry(key)
        await asyncio.sleep(0)  # the keys are handed to the loop
    await bus.stop()
    return connected
