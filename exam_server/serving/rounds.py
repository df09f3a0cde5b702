"""What a process does again and again beside its answers.

Each has a task of its own: one that hangs with the database keeps no other from its turn, and one
that fails is told of and has its next turn all the same.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

log = logging.getLogger(__name__)

SECONDS = 1.0


class Rounds:
    """The acts of one process, each about once a second, or as seldom as is asked, until `end`."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def begin(
        self,
        name: str,
        act: Callable[[], None],
        *,
        on_a_thread: bool,
        seconds: float | None = None,
    ) -> None:
        """Does `act` from now on, in the running loop or, where it may wait, on a thread;
        `seconds` (`SECONDS`) from one turn to the next."""
        task = _again_and_again(name, act, on_a_thread, SECONDS if seconds is None else seconds)
        self._tasks.append(asyncio.get_running_loop().create_task(task, name=name))

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()


async def _again_and_again(
    name: str, act: Callable[[], None], on_a_thread: bool, seconds: float
) -> None:
    failed: type[Exception] | None = None
    while True:
        try:
            if on_a_thread:
                await asyncio.to_thread(act)
            else:
                act()
            failed = None
        except Exception as error:  # nobody foresaw it; without its turns the server goes blind
            if type(error) is not failed:  # an outage is told once
                log.exception("%s failed; again every %g seconds", name, seconds)
            failed = type(error)
        await asyncio.sleep(seconds)
