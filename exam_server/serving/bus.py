"""Live events between the processes of a server, over NATS.

A hub tells the watchers in its own process (`deliver`), and after each commit hands the key on to
the bus (`carry`); the bus brings it to the same hub of every other process. An event says where
something has changed, never what: whoever hears it reads the database. So an event may be lost,
doubled or forged without harm, and no secret ever travels here.

Without NATS, or while it is away, nothing waits and nothing fails: keys are kept, each once, and
told when it is back; what was missed meanwhile is made good by telling everybody.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import nats.errors
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nats.aio.client import Client
from nats.aio.msg import Msg

from exam_server import metrics
from exam_server.errors import InputError
from exam_server.settings import Settings

log = logging.getLogger(__name__)

#: A key that concerns every watcher of a hub.
EVERYONE = ""
_ALL = "all"
MOST_PENDING = 10_000
CONNECT_SECONDS = 5
RETRY_SECONDS = 1.0
#: A link that answers no ping for twice this long is lost.
PING_SECONDS = 5
SCHEMES = ("nats", "tls")


class Hub(Protocol):
    """Watchers of one kind, by key. `carry` is called from any thread, after the commit."""

    carry: Callable[[str], None]

    def deliver(self, key: str) -> None:
        """Wakes the watchers of `key` in this process; all of them for `EVERYONE`."""


class EventBus:
    """One process's end of the bus. `server` names the server whose processes share it.

    `urls` are of NATS servers of one cluster, tried in turn; `authority` is a file with the
    certificate that signs theirs, where the system does not know it.
    """

    def __init__(self, server: str, urls: Sequence[str], *, authority: Path | None = None) -> None:
        self._prefix = f"exam.{server}"
        self._urls = [check_url(url) for url in urls]
        self._tls = _tls(authority)
        self._hubs: dict[str, Hub] = {}
        self._pending: dict[str, None] = {}  # subjects, in order and each once
        self._waiting = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self.connected = False

    def attach(self, kind: str, hub: Hub) -> None:
        """Carries what `hub` tells under the name `kind`, the same in every process."""
        self._hubs[kind] = hub
        hub.carry = partial(self._send, kind)

    def start(self) -> None:
        """Connects, in the running loop and in the background, and stays connected."""
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._stay_connected())

    async def wait_until_connected(self, seconds: float) -> bool:
        """Whether the link is there, within `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.connected:
                    await asyncio.sleep(0.01)
        return self.connected

    async def stop(self) -> None:
        """Sends what is pending, as far as NATS is there, and leaves."""
        if self._task is None:
            return
        if self.connected:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._until_sent(), CONNECT_SECONDS)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = self._loop = None

    # --- sending --------------------------------------------------------------------------------

    def _send(self, kind: str, key: str) -> None:
        """From any thread; returns at once."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._enqueue, f"{self._prefix}.{kind}.{key or _ALL}")

    def _enqueue(self, subject: str) -> None:
        if len(self._pending) >= MOST_PENDING:
            metrics.event_carried("dropped", len(self._pending))
            self._pending.clear()
            self._enqueue_everyone()
        self._pending[subject] = None
        self._waiting.set()

    def _enqueue_everyone(self) -> None:
        for kind in self._hubs:
            self._pending[f"{self._prefix}.{kind}.{_ALL}"] = None
        self._waiting.set()

    async def _until_sent(self) -> None:
        while self._pending:
            await asyncio.sleep(0.01)

    # --- the link -------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        attempt = 0
        while True:
            url = self._urls[attempt % len(self._urls)]
            try:
                await self._use(url, again=attempt > 0)
            except (nats.errors.Error, OSError, TimeoutError, ValueError) as error:
                log.warning("NATS at %s: %s; trying again", shown(url), type(error).__name__)
            finally:
                self._mark(connected=False)
            attempt += 1
            await asyncio.sleep(RETRY_SECONDS)

    async def _use(self, url: str, *, again: bool) -> None:
        """Carries events over one connection until it is lost."""
        lost = asyncio.Event()

        async def ended() -> None:
            lost.set()

        client = Client()
        try:
            connecting = client.connect(
                [url],
                name="exam-server",
                no_echo=True,
                # Whoever comes back here tells everybody, so we reconnect by ourselves.
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=CONNECT_SECONDS,
                ping_interval=PING_SECONDS,
                error_cb=_quiet,
                disconnected_cb=ended,
                closed_cb=ended,
                tls=self._tls if url.startswith("tls:") else None,
            )
            await asyncio.wait_for(connecting, 2 * CONNECT_SECONDS)
            await client.subscribe(f"{self._prefix}.>", cb=self._receive)
            await client.flush(CONNECT_SECONDS)
            self._mark(connected=True)
            log.info("NATS at %s: connected", shown(url))
            if again:
                self._make_good()
            await self._pump(client, lost)
            log.warning("NATS at %s: lost", shown(url))
        finally:
            # After a TLS handshake that failed it would wait for an end that never comes.
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                await asyncio.wait_for(client.close(), CONNECT_SECONDS)

    async def _pump(self, client: Client, lost: asyncio.Event) -> None:
        ended = asyncio.ensure_future(lost.wait())
        try:
            while not lost.is_set():
                self._waiting.clear()
                await self._send_pending(client)
                more = asyncio.ensure_future(self._waiting.wait())
                await asyncio.wait((ended, more), return_when=asyncio.FIRST_COMPLETED)
                more.cancel()
        finally:
            ended.cancel()

    async def _send_pending(self, client: Client) -> None:
        while self._pending and client.is_connected:
            subject = next(iter(self._pending))
            await client.publish(subject, b"")
            self._pending.pop(subject, None)
            metrics.event_carried("sent")

    async def _receive(self, message: Msg) -> None:
        kind, _, key = message.subject.removeprefix(f"{self._prefix}.").partition(".")
        hub = self._hubs.get(kind)
        if hub is not None:
            metrics.event_carried("received")
            hub.deliver(EVERYONE if key == _ALL else key)

    def _make_good(self) -> None:
        """Nobody knows what was missed: everybody looks again, here and elsewhere."""
        for hub in self._hubs.values():
            hub.deliver(EVERYONE)
        self._enqueue_everyone()

    def _mark(self, *, connected: bool) -> None:
        self.connected = connected
        metrics.bus_connected(connected)


def bus_of(settings: Settings, server: Ed25519PublicKey) -> EventBus | None:
    """The bus that the processes of the server with this key share; None without NATS."""
    if settings.nats_url is None:
        return None
    # Servers may share a NATS: each has a name that no other has.
    name = server.public_bytes_raw().hex()[:16]
    urls = [url.strip() for url in settings.nats_url.split(",")]
    return EventBus(name, urls, authority=settings.nats_authority)


async def _quiet(_error: Exception) -> None:
    """What goes wrong ends the connection, and that is told."""


def check_url(url: str) -> str:
    """`url` itself; InputError unless it names a NATS server."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise InputError(f"{shown(url)} names no NATS server; write nats://HOST:4222 or tls://…")
    return url


def shown(url: str) -> str:
    """`url` without the user and password that may stand in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _tls(authority: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(authority) if authority else None)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"{authority} holds no certificate of a NATS authority") from error
