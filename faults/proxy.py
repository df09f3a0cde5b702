"""The network between stations and server: a TLS proxy that loses, delays, repeats and reorders.

It holds the server's own certificate, so that the stations' pins hold, and sees whole requests.
It is also a witness: what the server has acknowledged is written down as it passes.
"""

import asyncio
import contextlib
import random
import ssl
import threading
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exam_server.contract.api import Acknowledged
from faults.http1 import LONGEST_HEAD, BrokenMessageError, Message, read_body, read_head
from faults.kinds import OF_RECORDS, Kind

RECORDS, EVENTS = "/records", "/events"
#: Seconds that requests and answers are delayed, and half-open connections held, at most.
DELAY, HELD, REORDER = 1.5, 4.0, 3.0
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Said:
    """The server's word that it holds an attempt's records up to `sequence`."""

    attempt: str
    sequence: int
    head: bytes


class CutError(Exception):
    """The connection to the station is to be broken off now."""


class Proxy:
    """Context manager. Stations connect to one of its `ports`, one for each group of them."""

    def __init__(
        self,
        target: tuple[str, int],
        *,
        certificate: Path,
        key: Path,
        passphrase: str,
        groups: int,
        rng: random.Random,
    ) -> None:
        self._target = target
        self._rng = rng
        self._serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._serving.load_cert_chain(certificate, key, passphrase)
        self._calling = ssl.create_default_context(cafile=str(certificate))
        self._calling.check_hostname = False
        self._groups = groups
        self._cut: Counter[int] = Counter()  # how many want the group to be cut off
        self._orders: deque[Kind] = deque()
        self._open: dict[int, set[asyncio.StreamWriter]] = {group: set() for group in range(groups)}
        self._held: list[tuple[str, asyncio.Event]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self.ports: list[int] = []
        self.fired: Counter[Kind] = Counter()
        self.said: list[Said] = []
        self.requests = 0
        self.on_said: Callable[[Said], None] = lambda _: None

    # --- its life, and what is asked of it, from any thread --------------------------------------

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._wait(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def order(self, kind: Kind) -> None:
        """The next request that fits meets this fault."""
        self._loop.call_soon_threadsafe(self._orders.append, kind)

    @property
    def outstanding(self) -> int:
        """Orders that no request has met yet."""
        return len(self._orders)

    def cut(self, group: int) -> None:
        """Breaks off a group's connections, and takes no new ones until it is healed, as often."""
        self._loop.call_soon_threadsafe(self._cut_now, group)

    def heal(self, group: int) -> None:
        self._loop.call_soon_threadsafe(self._heal_now, group)

    def calm(self) -> None:
        """From here on the network is sound; orders that nothing has met are forgotten."""
        self._loop.call_soon_threadsafe(self._calm_now)

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    # --- on its own thread ----------------------------------------------------------------------

    async def _listen(self) -> None:
        self._servers = []
        for group in range(self._groups):
            server = await asyncio.start_server(
                self._serve(group), "127.0.0.1", 0, ssl=self._serving, limit=LONGEST_HEAD
            )
            self._servers.append(server)
            self.ports.append(server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for group in range(self._groups):
            self._cut_now(group)
        ending = list(self._tasks)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _cut_now(self, group: int) -> None:
        self._cut[group] += 1
        for writer in self._open[group]:
            writer.transport.abort()

    def _heal_now(self, group: int) -> None:
        self._cut[group] = max(self._cut[group] - 1, 0)

    def _calm_now(self) -> None:
        self._cut.clear()
        self._orders.clear()
        for _, passed in self._held:
            passed.set()

    def _serve(
        self, group: int
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._cut[group]:
                writer.transport.abort()
                return
            serving = asyncio.current_task()
            assert serving is not None
            self._tasks.add(serving)
            self._open[group].add(writer)
            link = _Link(self._target, self._calling)
            try:
                await self._carry(reader, writer, link)
            except (OSError, BrokenMessageError, CutError, ssl.SSLError):
                writer.transport.abort()
            except asyncio.CancelledError:  # the proxy ends
                writer.transport.abort()
            finally:
                self._tasks.discard(serving)
                self._open[group].discard(writer)
                link.close()
                writer.close()

        return serve

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: "_Link"
    ) -> None:
        while (head := await read_head(reader)) is not None:
            request = await read_body(reader, head)
            self.requests += 1
            if request.target.endswith(EVENTS):
                await link.stream(request, writer)
                return
            answer = await self._answered(request, link)
            writer.write(answer.raw)
            await writer.drain()
            self._let_held_go(request.target)

    async def _answered(self, request: Message, link: "_Link") -> Message:
        kind = self._order_for(request)
        if kind is None:
            return await self._exchanged(request, link)
        if kind is Kind.REORDERED:
            passed = asyncio.Event()
            self._held.append((request.target, passed))
            self._keep(self._later(request, passed))
            raise CutError
        try:
            answer = await self._disturbed(kind, request, link)
        except (OSError, BrokenMessageError):
            self._orders.append(kind)  # the server is away: nothing has been disturbed
            raise
        self.fired[kind] += 1
        if answer is None:
            raise CutError
        return answer

    async def _disturbed(self, kind: Kind, request: Message, link: "_Link") -> Message | None:
        """The answer to pass on, None where the station gets none."""
        match kind:
            case Kind.DELAYED:
                await asyncio.sleep(self._rng.uniform(0.1, DELAY))
                answer = await self._exchanged(request, link)
                await asyncio.sleep(self._rng.uniform(0.0, DELAY))
                return answer
            case Kind.HALF_OPEN:
                if self._rng.random() < 0.5:
                    await self._exchanged(request, link)
                await asyncio.sleep(self._rng.uniform(0.5, HELD))
                return None
            case Kind.RESET:
                await self._exchanged(request, link)
                return None
            case Kind.DUPLICATED:
                answer, _ = await asyncio.gather(
                    self._exchanged(request, link), self._sent_apart(request)
                )
                return answer
        raise ValueError(f"{kind} is none that befalls a request")

    def _order_for(self, request: Message) -> Kind | None:
        for place, kind in enumerate(self._orders):
            if kind not in OF_RECORDS or _attempt_of(request.target) is not None:
                del self._orders[place]
                return kind
        return None

    async def _exchanged(self, request: Message, link: "_Link") -> Message:
        answer = await link.exchange(request)
        self._note(request, answer)
        return answer

    async def _sent_apart(self, request: Message) -> None:
        """The request over a connection of its own, as if from elsewhere; OSError as any."""
        link = _Link(self._target, self._calling)
        try:
            await self._exchanged(request, link)
        finally:
            link.close()

    async def _later(self, request: Message, passed: asyncio.Event) -> None:
        """Delivers a held request once a later one to the same place has been answered."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(passed.wait(), REORDER)
        self._held = [(target, event) for target, event in self._held if event is not passed]
        try:
            await self._sent_apart(request)
        except (OSError, BrokenMessageError):
            self._orders.append(Kind.REORDERED)
        else:
            self.fired[Kind.REORDERED] += 1

    def _let_held_go(self, target: str) -> None:
        for held, passed in self._held:
            if held == target:
                passed.set()

    def _keep(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _note(self, request: Message, answer: Message) -> None:
        attempt = _attempt_of(request.target)
        if attempt is None or " 200 " not in f"{answer.first_line} ":
            return
        word = Acknowledged.model_validate_json(answer.body)
        said = Said(attempt, word.sequence, word.head)
        self.said.append(said)
        self.on_said(said)


def _attempt_of(target: str) -> str | None:
    """The attempt whose records a request brings, None of other requests."""
    return target.split("/")[-2] if target.endswith(RECORDS) else None


class _Link:
    """The proxy's own connection to the server, made when it is first needed."""

    def __init__(self, target: tuple[str, int], context: ssl.SSLContext) -> None:
        self._target, self._context = target, context
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def exchange(self, request: Message) -> Message:
        reader = await self._send(request)
        head = await read_head(reader)
        if head is None:
            raise BrokenMessageError
        return await read_body(reader, head)

    async def stream(self, request: Message, to: asyncio.StreamWriter) -> None:
        """Passes an answer without an end on as it comes."""
        reader = await self._send(request)
        while data := await reader.read(LONGEST_HEAD):
            to.write(data)
            await to.drain()

    async def _send(self, request: Message) -> asyncio.StreamReader:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                *self._target, ssl=self._context, limit=LONGEST_HEAD
            )
        self._writer.write(request.raw)
        await self._writer.drain()
        return self._reader

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
