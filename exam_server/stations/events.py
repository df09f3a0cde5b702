"""Who listens among the stations, in this process: ten thousand of them cost a few kilobytes each.

A key says whom an event concerns; what is told is short and the same for all of them, so nothing
here waits for a database. Only the start secrets of a shift are looked up, once for all its rooms.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum

from exam_server.contract.api import StationEvent, StationEventKind

log = logging.getLogger(__name__)

#: The key of what concerns every station.
EVERYONE = ""
#: Nothing is said for longer than this, so that a lost connection is noticed on both ends.
QUIET_SECONDS = 15.0
KEEP_ALIVE = b"\n"


def line(event: StationEvent) -> bytes:
    """One line of a stream."""
    return event.model_dump_json(exclude_none=True).encode() + b"\n"


CHANGED = line(StationEvent(kind=StationEventKind.CHANGED))


class Concern(StrEnum):
    """Whom an event concerns, as the first part of its key."""

    SEAT = "seat"
    ROOM = "room"
    #: The shift was opened, started or closed; its name has its centre before it.
    SHIFT = "shift"
    #: The station was revoked or put elsewhere: its streams end, and it asks anew.
    STATION = "station"

    def key(self, name: str) -> str:
        return f"{self.value}.{name}"


class Stream:
    """One station that listens. Only the loop that made it touches it."""

    __slots__ = ("_ended", "_lines", "_woken", "keys")

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        self._lines: list[bytes] = []
        self._woken = asyncio.Event()
        self._ended = False

    def push(self, said: bytes) -> None:
        """To be said soon. What waits to be said already is said once."""
        if said not in self._lines:
            self._lines.append(said)
        self._woken.set()

    def end(self) -> None:
        self._ended = True
        self._woken.set()

    async def next(self, quiet: float = QUIET_SECONDS) -> bytes | None:
        """What to say next, a sign of life after `quiet` seconds; None at the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(quiet):
                await self._woken.wait()
        if self._ended:
            return None
        self._woken.clear()
        said, self._lines = b"".join(self._lines), []
        return said or KEEP_ALIVE


#: The lines for the rooms of a shift, by room id; asked on a thread, after the commit.
Signal = Callable[[str], Mapping[str, bytes]]


class StationEvents:
    """The hub. `publish` and `deliver` may be called from any thread, after the commit.

    `carry` brings a key to the hubs of the server's other processes, where there are any; no
    secret is in a key. While `deaf` what happens in those is not heard.
    """

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self._by_key: dict[str, set[Stream]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self.carry: Callable[[str], None] = lambda _key: None
        self.deaf: Callable[[], bool] = lambda: False
        self.streams = 0
        self._closed = False

    def echo(self) -> bytes:
        """The answer to a station's pulse: whoever may have missed something asks."""
        return CHANGED if self.deaf() else KEEP_ALIVE

    def publish(self, key: str) -> None:
        self.deliver(key)
        self.carry(key)

    def deliver(self, key: str) -> None:
        """Tells the stations of this process whom `key` concerns."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._tell, key)

    def close(self) -> None:
        """Ends every stream, and whatever begins later, so that a server that stops need not
        break them off."""
        self._closed = True
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._end_all)

    @contextmanager
    def listen(self, station: str, seat: str | None, room: str | None) -> Iterator[Stream]:
        """A stream in the running loop; gone when the block ends."""
        self._loop = asyncio.get_running_loop()
        keys = [Concern.STATION.key(station)]
        keys += [Concern.SEAT.key(seat)] if seat else []
        keys += [Concern.ROOM.key(room)] if room else []
        stream = Stream(tuple(keys))
        if self._closed:
            stream.end()
        for key in keys:
            self._by_key.setdefault(key, set()).add(stream)
        self.streams += 1
        try:
            yield stream
        finally:
            self.streams -= 1
            for key in keys:
                self._leave(key, stream)

    def _leave(self, key: str, stream: Stream) -> None:
        group = self._by_key[key]
        group.discard(stream)
        if not group:
            del self._by_key[key]

    def _tell(self, key: str) -> None:
        concern, _, name = key.partition(".")
        match concern:
            case Concern.SHIFT:
                asking = asyncio.ensure_future(self._tell_shift(name))
                self._asking.add(asking)
                asking.add_done_callback(self._asking.discard)
            case Concern.STATION:
                for stream in tuple(self._by_key.get(key, ())):
                    stream.end()
            case _ if key == EVERYONE:
                for group in self._by_key.values():
                    self._say(group, CHANGED)
            case _:
                self._say(self._by_key.get(key, ()), CHANGED)

    async def _tell_shift(self, shift: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            rooms = await loop.run_in_executor(None, self._signal, shift)
        except Exception:  # whatever it was, every station can ask by itself
            log.exception("what a shift's stations are to be told could not be looked up")
            self._tell(EVERYONE)
            return
        for room, said in rooms.items():
            self._say(self._by_key.get(Concern.ROOM.key(room), ()), said)

    @staticmethod
    def _say(streams: "set[Stream] | tuple[()]", said: bytes) -> None:
        for stream in streams:
            stream.push(said)

    def _end_all(self) -> None:
        for group in self._by_key.values():
            for stream in group:
                stream.end()
