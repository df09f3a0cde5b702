"""Live events inside one process: who watches a room learns that it has changed, not what.

A watcher then asks for the page's parts again, so nothing is shown that its permission does not
cover, and a burst of changes costs one answer.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: The room of what concerns every room.
EVERYWHERE = ""


def _keep_here(_key: str) -> None:
    """One process: nobody else is to be told."""


@dataclass(slots=True, eq=False)
class Watcher:
    """One open page. `changed` is set by any thread and cleared by the page's own task."""

    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, seconds: float) -> bool:
        """Whether the room changed within `seconds`."""
        try:
            await asyncio.wait_for(self.changed.wait(), seconds)
        except TimeoutError:
            return False
        self.changed.clear()
        return True

    def wake(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.changed.set)


class LiveEvents:
    """The hub, by room id. `publish` may be called from any thread, after the commit.

    `carry` brings a key to the hubs of the server's other processes, where there are any.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: dict[str, set[Watcher]] = {}
        self.carry: Callable[[str], None] = _keep_here
        self.closed = False

    def publish(self, room: str) -> None:
        self.deliver(room)
        self.carry(room)

    def publish_all(self) -> None:
        """Something changed that may concern every room, such as a shift."""
        self.publish(EVERYWHERE)

    def deliver(self, room: str) -> None:
        """Wakes who watches `room` in this process; everybody for `EVERYWHERE`."""
        with self._lock:
            chosen = self._watchers.values() if room == EVERYWHERE else [self._of(room)]
            watchers = [one for group in chosen for one in group]
        for watcher in watchers:
            watcher.wake()

    def _of(self, room: str) -> set[Watcher]:
        return self._watchers.get(room, set())

    def close(self) -> None:
        """Ends every open stream, so that a server that stops need not break them off."""
        self.closed = True
        self.deliver(EVERYWHERE)

    @property
    def streams(self) -> int:
        """How many watch, whatever the room."""
        with self._lock:
            return sum(map(len, self._watchers.values()))

    def watching(self, room: str) -> int:
        with self._lock:
            return len(self._watchers.get(room, ()))

    @contextmanager
    def watch(self, room: str) -> Iterator[Watcher]:
        """A watcher for the running loop; gone when the block ends."""
        watcher = Watcher(asyncio.get_running_loop())
        with self._lock:
            self._watchers.setdefault(room, set()).add(watcher)
        try:
            yield watcher
        finally:
            with self._lock:
                group = self._watchers[room]
                group.discard(watcher)
                if not group:
                    del self._watchers[room]
