"""The bare echoes that `transports` compares do what it takes them to do, and it would notice."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import call, create_autospec

import httpx
import pytest
from websockets.sync.client import connect

from benchmarks import transports
from benchmarks._in_turn import HEADERS, TARGET, Station
from benchmarks._transports import ACKNOWLEDGEMENT, Program, Transport
from benchmarks.transports import Target, by_h2load, served
from rig.processes import Process
from rig.server import Server

pytestmark = pytest.mark.slow
STATIONS, BATCH = 3, 695
EVERY = [(program, transport) for program in Program for transport in Transport]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    server = Server(tmp_path_factory.mktemp("transports") / "server")
    server.make()
    return server


@pytest.fixture(scope="module", params=EVERY, ids="-".join)
def target(server: Server, request: pytest.FixtureRequest) -> Iterator[Target]:
    program, transport = request.param
    body = server.folder.with_name("body")
    body.write_bytes(os.urandom(BATCH))
    with served(server, program, transport, body) as target:
        yield target


def over_http1(target: Target, message: bytes) -> bytes:
    with httpx.Client(verify=target.tls, trust_env=False, headers=HEADERS) as client:
        answer = client.post(f"{target.url}{TARGET}", content=message)
    assert (answer.status_code, answer.http_version) == (200, "HTTP/1.1")
    return answer.content


def over_http2(target: Target, message: bytes) -> bytes:
    """By nghttp, which speaks HTTP/2 alone."""
    file = target.body.with_name("message")
    file.write_bytes(message)
    words = ["nghttp", f"--data={file}", *(f"-H{name}: {HEADERS[name]}" for name in HEADERS)]
    return subprocess.run(
        [*words, f"{target.url}{TARGET}"], check=True, timeout=30, capture_output=True
    ).stdout


def over_websocket(target: Target, message: bytes) -> bytes:
    """The client offers to compress; the server must not."""
    url = target.url.replace("https:", "wss:")
    with connect(url, ssl=target.tls, compression="deflate", proxy=None) as connection:
        assert connection.protocol.extensions == []
        connection.send(message)
        answer = connection.recv()
    assert isinstance(answer, bytes)
    return answer


OVER = {
    Transport.HTTP1: over_http1,
    Transport.HTTP2: over_http2,
    Transport.WEBSOCKET: over_websocket,
}


def test_a_batch_goes_in_and_an_acknowledgements_size_of_it_comes_out(target: Target) -> None:
    for _ in range(2):
        message = os.urandom(BATCH)
        assert OVER[target.transport](target, message) == message[:ACKNOWLEDGEMENT]


def test_every_transport_has_a_generator_and_the_server_counts_what_it_sent(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "REQUESTS", 30)
    monkeypatch.setattr(transports, "SECONDS", 0.1)
    generators = [
        generate
        for generate, compared in transports.GENERATORS.items()
        if target.transport in compared
    ]
    assert generators
    for generate in generators:
        before = answered(target.process)
        generate(target, STATIONS)
        least = before + (30 if generate is by_h2load else STATIONS)
        target.process.wait_for("count", has_answered(least))


def answered(process: Process) -> int:
    return max(int(event["answered"]) for event in process.events if "answered" in event)


def has_answered(least: int) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event.get("answered", 0) >= least


def test_another_transport_than_the_servers_is_no_measurement(target: Target) -> None:
    other = Transport.HTTP1 if target.transport is Transport.HTTP2 else Transport.HTTP2
    with pytest.raises((ConnectionError, subprocess.CalledProcessError)):
        by_h2load(target._replace(transport=other), STATIONS)


@pytest.mark.parametrize(
    ("pieces", "failure"),
    [
        ((b"HTTP/1.1 200 OK",), ""),
        ((b"HTTP/1.1 200", b" OK"), ""),
        ((b"HTTP/1.1 503 ..",), "begins with b'HTTP/1.1 503'"),
        ((b"HTTP/1.1 200 OK and more",), "longer than the first"),
    ],
)
def test_a_station_goes_on_only_after_the_answer_that_it_awaits(
    pieces: tuple[bytes, ...], failure: str
) -> None:
    writer = create_autospec(asyncio.StreamWriter, instance=True)
    station = Station(writer, b"next", b"HTTP/1.1 200 OK")
    for piece in pieces:
        writer.write.assert_not_called()
        station.data_received(piece)
    assert writer.write.call_args_list == ([] if failure else [call(b"next")])
    assert failure in station.failure and bool(station.failure) == bool(failure)
