"""Several processes of one server: started, watched, replaced, stopped together.

The parent answers no request itself. It binds the sockets, unlocks the keys, and keeps as many
processes as were asked for; each has its listener and its end of a pipe from here. Ends the parent
in whatever way, its processes see their pipe close and stop in order. A process that shows no sign
of life for a while hangs: it is killed, and replaced like one that died.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE
from asyncio.subprocess import Process as Child
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from prometheus_client import multiprocess

from exam_server import metrics
from exam_server.console import PASSPHRASE
from exam_server.errors import ServerError
from exam_server.serving.child import READY
from exam_server.serving.handover import Handover
from exam_server.serving.process import FINISH_SECONDS

log = logging.getLogger(__name__)

#: A process that ends is replaced at once; one that keeps ending, ever more slowly.
FIRST_REST, LONGEST_REST = 0.1, 5.0
REMEMBERED_SECONDS = 60.0
#: In so many parts the time is waited out after which a silent process hangs.
LOOKS = 3
#: A process that begins may be silent so many times longer: it loads the program.
TO_BEGIN = 10
#: For what a process does beyond finishing its requests.
STOP_SECONDS = FINISH_SECONDS + 15


class NotStartedError(ServerError):
    """A process ended before it answered for the first time."""


@dataclass(slots=True)
class _Place:
    """One of the processes to be kept, and what became of those that held the place."""

    listener: socket.socket
    child: Child | None = None
    ends: deque[float] = field(default_factory=deque)
    answers: asyncio.Event = field(default_factory=asyncio.Event)


class Fleet:
    """As many processes as there are listeners. `values` is the folder of their metrics."""

    def __init__(self, handover: Handover, listeners: Sequence[socket.socket], values: Path):
        self._handover, self._values = handover, values
        self._places = [_Place(listener) for listener in listeners]
        self._stopping = asyncio.Event()
        self.replaced = 0

    @property
    def alive(self) -> int:
        """How many processes answer now."""
        return sum(place.answers.is_set() for place in self._places)

    async def run(self, announce: Callable[[], None]) -> bool:
        """Until SIGTERM or SIGINT. Calls `announce` once all processes answer.

        Whether all stopped in order; NotStartedError where one could not begin.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        keeping = [loop.create_task(self._keep(place)) for place in self._places]
        try:
            await self._until_all_answer(keeping)
            if not self._stopping.is_set():
                announce()
            await self._stopping.wait()
        finally:
            self._stopping.set()
            in_order = await self._stop_all()
            await asyncio.gather(*keeping, return_exceptions=True)
        return in_order

    async def _until_all_answer(self, keeping: Sequence[asyncio.Task[None]]) -> None:
        answering = asyncio.gather(*(place.answers.wait() for place in self._places))
        stopping = asyncio.ensure_future(self._stopping.wait())
        happening: list[asyncio.Future[Any]] = [answering, stopping, *keeping]
        await asyncio.wait(happening, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering
        for task in keeping:
            if task.done():
                task.result()

    # --- one place ------------------------------------------------------------------------------

    async def _keep(self, place: _Place) -> None:
        has_answered = False
        while not self._stopping.is_set():
            child = await self._spawn(place)
            signs = cast(StreamReader, child.stdout)
            if await self._first_sign(child, signs, watched=has_answered) == READY:
                has_answered = True
                place.answers.set()
                await self._until_silent(child, signs)
            code = await child.wait()
            place.answers.clear()
            # The library says no types of it.
            multiprocess.mark_process_dead(child.pid, str(self._values))  # type: ignore[no-untyped-call]
            if self._stopping.is_set():
                return
            if not has_answered:
                raise NotStartedError("a process of the server could not start; see above")
            place.child = None
            self.replaced += 1
            rest = self._rest(place)
            log.error("a process ended", extra={"code": code, "replaced_in_seconds": rest})
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), rest)

    async def _first_sign(self, child: Child, signs: StreamReader, *, watched: bool) -> bytes:
        """The line of a process that answers; empty where it ended, or hung while it began. The
        first one of a place may take what time it needs: an operator waits for it."""
        if not watched:
            return await signs.readline()
        limit = self._handover.settings.silent_seconds * TO_BEGIN
        try:
            return await asyncio.wait_for(signs.readline(), limit)
        except TimeoutError:
            self._end_hanging(child, limit)
            return b""

    async def _until_silent(self, child: Child, signs: StreamReader) -> None:
        """Until the process has ended; one that hangs is killed.

        It must be silent in every one of several looks in a row: that this process itself stood
        still for as long (a machine that was suspended) is one look at most.
        """
        limit = self._handover.settings.silent_seconds
        silent = 0
        while silent < LOOKS:
            try:
                if not await asyncio.wait_for(signs.read(4096), limit / LOOKS):
                    return
                silent = 0
            except TimeoutError:
                silent += 1
        self._end_hanging(child, limit)

    @staticmethod
    def _end_hanging(child: Child, seconds: float) -> None:
        log.error("a process hangs and is killed", extra={"silent_seconds": seconds})
        with suppress(ProcessLookupError):
            child.kill()

    def _rest(self, place: _Place) -> float:
        """Seconds until this place is filled again."""
        now = asyncio.get_running_loop().time()
        place.ends.append(now)
        while now - place.ends[0] > REMEMBERED_SECONDS:
            place.ends.popleft()
        return min(FIRST_REST * 2.0 ** (len(place.ends) - 1), LONGEST_REST)

    async def _spawn(self, place: _Place) -> Child:
        number = place.listener.fileno()
        handover = replace(self._handover, listener=number)
        child = await asyncio.create_subprocess_exec(
            # -P: nothing is imported from whatever folder the operator stands in.
            *(sys.executable, "-P", "-m", "exam_server.serving.child"),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=(number,),
            env=self._environment(),
        )
        place.child = child
        pipe = cast(StreamWriter, child.stdin)
        with suppress(ConnectionError):
            pipe.write(handover.to_bytes())
            await pipe.drain()
        if self._stopping.is_set():
            child.terminate()
        return child

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != PASSPHRASE}
        return {**kept, metrics.FOLDER_VARIABLE: str(self._values)}

    # --- the end --------------------------------------------------------------------------------

    async def _stop_all(self) -> bool:
        """Tells all to stop; whoever takes too long is killed, and False says so."""
        for place in self._places:
            # The last to hold it: once the process has closed its own, connections are refused.
            place.listener.close()
        children = [place.child for place in self._places if place.child is not None]
        for child in children:
            with suppress(ProcessLookupError):
                child.terminate()
        return all(await asyncio.gather(*map(_ended, children)))


async def _ended(child: Child) -> bool:
    try:
        await asyncio.wait_for(child.wait(), STOP_SECONDS)
    except TimeoutError:
        log.error("a process did not stop in time and was killed")
        with suppress(ProcessLookupError):
            child.kill()
        return False
    return True
