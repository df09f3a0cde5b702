"""The one way of batches to the database: in groups, each answered after its commit.

The event loop hands all that waits to a thread, which has it kept in one transaction; meanwhile the
next group gathers. One hand-over for a group, since each wakes the thread and shares Python's lock.
What is not plainly next is judged by the rules, batch by batch, beside the groups. A batch is
answered or refused once its transaction is committed, and never before.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from sqlalchemy.exc import DBAPIError

from exam_server import db, metrics
from exam_server.attempts.preparing import Prepared
from exam_server.attempts.pressure import Pressure
from exam_server.contract.api import Acknowledged
from exam_server.errors import busy

log = logging.getLogger(__name__)

#: Batches that may wait, and their bytes; beyond, stations are told when to come again.
MOST_WAITING = 4096
MOST_WAITING_BYTES = 64 * 1024 * 1024
LARGEST_GROUP = 512
#: Threads that judge what is out of the ordinary.
JUDGES = 2
MOST_JUDGED = 256

Keep = Callable[[Sequence[Prepared]], list[Acknowledged | None]]
Judge = Callable[[Prepared], Acknowledged]


@dataclass(slots=True, eq=False)
class _Waiting:
    prepared: Prepared
    since: float
    kept: "asyncio.Future[Acknowledged | None]"


class Committer:
    """`keep` keeps a group and says None of what it leaves to `judge`, which raises RefusedError.

    `commit` belongs to the event loop's thread; `keep` and `judge` are called on threads.
    """

    def __init__(
        self,
        keep: Keep,
        judge: Judge,
        *,
        most_waiting: int = MOST_WAITING,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep = keep
        self._judge = judge
        self._most_waiting = most_waiting
        self._monotonic = monotonic
        self._queue: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._gathering: deque[_Waiting] = deque()
        self._committing: list[_Waiting] = []
        self._at_work = False  # a group is being committed, or about to be handed over
        self._thread: threading.Thread | None = None
        self._judges = ThreadPoolExecutor(JUDGES, thread_name_prefix="judge")
        self._bytes = self._judging = 0
        self.waiting = 0
        self.pressure = Pressure()

    async def commit(self, prepared: Prepared, size: int) -> Acknowledged:
        """The answer to a batch of `size` bytes, once it is kept; RefusedError where it is not."""
        if self.waiting >= self._most_waiting or self._bytes + size > MOST_WAITING_BYTES:
            raise busy(self.pressure.come_again(self.waiting, self._monotonic()))
        loop = asyncio.get_running_loop()
        waiting = _Waiting(prepared, self._monotonic(), loop.create_future())
        self.waiting += 1
        self._bytes += size
        try:
            self._gathering.append(waiting)
            if not self._at_work:
                self._at_work = True
                self._start()
                # Not at once: what came in the same turn of the loop goes along.
                loop.call_soon(self._hand_over)
            kept = await waiting.kept
            return kept if kept is not None else await self._judged(prepared)
        finally:
            self.waiting -= 1
            self._bytes -= size

    async def _judged(self, prepared: Prepared) -> Acknowledged:
        if self._judging >= MOST_JUDGED:
            raise busy(self.pressure.come_again(self.waiting, self._monotonic()))
        self._judging += 1
        try:
            loop = asyncio.get_running_loop()
            judged = await loop.run_in_executor(self._judges, self._judge, prepared)
            metrics.batch_accepted(len(prepared.batch.records))
            return judged
        finally:
            self._judging -= 1

    def sample(self) -> None:
        """Measures the queue as it is. To be called now and then: groups are too many to tell each,
        and one that hangs tells nothing."""
        now = self._monotonic()
        waiting = [*self._committing, *self._gathering]
        metrics.queue_is(len(waiting), now - waiting[0].since if waiting else 0.0)

    def close(self) -> None:
        """Ends after the group under way; nobody may be waiting any more."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        self._judges.shutdown()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
            self._thread.start()

    def _hand_over(self) -> None:
        """Gives the thread what has gathered, if anything has. On the event loop's thread."""
        size = min(len(self._gathering), LARGEST_GROUP)
        self._committing = [self._gathering.popleft() for _ in range(size)]
        self._at_work = size > 0
        if self._at_work:
            self._queue.put(self._committing)

    def _run(self) -> None:
        while group := self._queue.get():
            self._settle(group)

    def _settle(self, group: list[_Waiting]) -> None:
        began = self._monotonic()
        answers: list[Acknowledged | None] | None = None
        try:
            answers = self._keep([waiting.prepared for waiting in group])
        except Exception as error:
            if db.is_away(error):
                log.warning("a group of %d batches was not kept: %s", len(group), _kind(error))
            else:
                # One of them spoils the transaction; each for itself, and only that one is refused.
                log.exception("a group of %d batches is kept one by one", len(group))
                answers = [None] * len(group)
        took = self._monotonic() - began
        # Once for the whole group: waking the loop costs a system call.
        group[0].kept.get_loop().call_soon_threadsafe(self._tell, group, answers, took)

    def _tell(
        self, group: list[_Waiting], answers: list[Acknowledged | None] | None, took: float
    ) -> None:
        """On the event loop's thread. `answers` is None where the database was not to be had."""
        self.pressure.settled(len(group), took)
        self._hand_over()
        if answers is None:
            for waiting in group:
                if not waiting.kept.done():
                    again = self.pressure.come_again(self.waiting, self._monotonic())
                    waiting.kept.set_exception(busy(again))
            return
        batches = records = 0
        for waiting, answer in zip(group, answers, strict=True):
            if answer is not None:
                batches, records = batches + 1, records + len(waiting.prepared.batch.records)
            if not waiting.kept.done():
                waiting.kept.set_result(answer)
        metrics.group_committed(batches, records, took)


def _kind(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return type(cause).__name__
