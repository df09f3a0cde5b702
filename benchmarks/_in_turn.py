"""A load of stations for `transports`: each has a connection, and one message under way on it.

By HTTP/1.1 or WebSocket they send bytes that were made beforehand, and look only whether each
answer begins as the first one did and is as long. So it costs the same by both, and little.
"""

import asyncio
import os
import ssl
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from benchmarks._bare_transports import END_OF_HEAD, MASKED, TWO_BYTES_OF_LENGTH, WHOLE_BINARY
from benchmarks._transports import Transport
from exam_server.contract.batches import CONTENT_TYPE
from exam_server.contract.requests import STATION_HEADER

TARGET = f"/api/station/attempts/{'a' * 32}/records"
#: As stations send them, but for `connection`, which HTTP/2 does not have.
HEADERS = {
    **{name: value for name, value in httpx.Client().headers.items() if name != "connection"},
    "content-type": CONTENT_TYPE,
    STATION_HEADER: "b" * 32,
}
#: Bytes by which an answer is known: ``HTTP/1.1 200``, or a frame's head and what it begins with.
BEGINNING = 12
#: Connections that are being made at one time.
AT_ONCE = 48
#: Seconds until all are made.
CONNECTING = 60


@dataclass(frozen=True, slots=True)
class Wire:
    """What goes over a connection: `greeting` once, `message` again and again. `answer` reads a
    whole answer to a message, ConnectionError where it is none."""

    greeting: bytes
    message: bytes
    answer: Callable[[asyncio.StreamReader], Awaitable[bytes]]


def http1(body: bytes) -> Wire:
    head = _head(f"POST {TARGET} HTTP/1.1", {**HEADERS, "content-length": str(len(body))})
    return Wire(b"", head + body, _answer_over_http1)


def websocket(body: bytes) -> Wire:
    """No compression is offered. One mask serves all messages: the server alone is measured."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(body))
    frame = bytes([WHOLE_BINARY, MASKED | TWO_BYTES_OF_LENGTH]) + len(body).to_bytes(2, "big")
    upgrade = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": b64encode(os.urandom(16)).decode(),
    }
    greeting = _head("GET / HTTP/1.1", {**HEADERS, **upgrade})
    return Wire(greeting, frame + mask + masked, _answer_over_websocket)


WIRES = {Transport.HTTP1: http1, Transport.WEBSOCKET: websocket}


def _head(first: str, headers: dict[str, str]) -> bytes:
    lines = (first, "host: exam", *(f"{name}: {value}" for name, value in headers.items()), "", "")
    return "\r\n".join(lines).encode()


async def _answer_over_http1(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(END_OF_HEAD)
    _, _, length = head.lower().partition(b"content-length:")
    if not head.startswith(b"HTTP/1.1 200") or not length:
        raise ConnectionError(f"no such answer as was awaited: {head!r}")
    return head + await reader.readexactly(int(length.split(b"\r\n")[0]))


async def _answer_over_websocket(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    if head[0] != WHOLE_BINARY or head[1] != TWO_BYTES_OF_LENGTH:
        raise ConnectionError(f"no such frame as was awaited: {head!r}")
    return head + await reader.readexactly(int.from_bytes(head[2:], "big"))


class Station(asyncio.Protocol):
    """Sends the next message once the one before is answered; until `stop`, or a wrong answer."""

    def __init__(self, writer: asyncio.StreamWriter, message: bytes, answer: bytes) -> None:
        self._writer, self._message = writer, message
        self._beginning, self._length = answer[:BEGINNING], len(answer)
        self._got, self._going = 0, True
        self.failure = ""

    @classmethod
    async def open(cls, port: int, tls: ssl.SSLContext, wire: Wire) -> "Station":
        """A station at work, that had its first answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        if wire.greeting:
            writer.write(wire.greeting)
            head = await reader.readuntil(END_OF_HEAD)
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(f"no WebSocket: {head!r}")
        writer.write(wire.message)
        station = cls(writer, wire.message, await wire.answer(reader))
        writer.transport.set_protocol(station)
        writer.write(wire.message)
        return station

    def data_received(self, data: bytes) -> None:
        if not self._got and not data.startswith(self._beginning):
            self._fail(f"an answer that begins with {data[:BEGINNING]!r}")
        self._got += len(data)
        if self._got > self._length:
            self._fail("an answer longer than the first")
        if self._got == self._length and self._going:
            self._got = 0
            self._writer.write(self._message)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._going:
            self._fail(f"the end of its connection ({exc!r})")

    def stop(self) -> None:
        self._going = False
        self._writer.transport.abort()

    def _fail(self, why: str) -> None:
        self.failure, self._going = self.failure or why, False


async def load(
    port: int, tls: ssl.SSLContext, wire: Wire, count: int, seconds: float
) -> tuple[float, float]:
    """`seconds` of `count` stations at work together: since when, and until when (seconds of the
    monotonic clock). ConnectionError where one was not answered as it should be, TimeoutError where
    they could not all be connected."""
    places = asyncio.Semaphore(AT_ONCE)

    async def begin() -> Station:
        async with places:
            return await Station.open(port, tls, wire)

    async with asyncio.timeout(CONNECTING):
        stations = await asyncio.gather(*(begin() for _ in range(count)))
    since = time.monotonic()
    await asyncio.sleep(seconds)
    until = time.monotonic()
    failures = [station.failure for station in stations if station.failure]
    for station in stations:
        station.stop()
    if failures:
        raise ConnectionError(f"{len(failures)} stations failed, the first by {failures[0]}")
    return since, until
