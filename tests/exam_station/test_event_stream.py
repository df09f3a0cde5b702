"""The station's end of the stream, against a server that does what a test tells it to."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from station_server import self_signed

from exam_server.contract.api import PULSE, StationEventKind
from exam_station import event_stream
from exam_station.client import pinned_context
from exam_station.event_stream import EventStream, NotAsAgreedError

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
)
CHANGED = b'{"kind":"changed"}\n'
PULSE_CHUNK = b"1\r\n" + PULSE + b"\r\n"
WITHIN = 20.0


def chunk(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


class Wire:
    """The server's end of one connection."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        connection.settimeout(WITHIN)

    def say(self, data: bytes) -> None:
        self._connection.sendall(data)

    def hears(self, end: bytes) -> bytes:
        heard = b""
        while not heard.endswith(end):
            piece = self._connection.recv(4096)
            assert piece, f"the station hung up after {heard!r}"
            heard += piece
        return heard

    def waits_for_the_end(self) -> None:
        """Says nothing more until the station hangs up."""
        while self._connection.recv(4096):
            pass

    def hang_up(self) -> None:
        self._connection.close()


Script = Callable[[Wire], None]


class Server:
    """Takes one connection, and lets `script` speak on it."""

    def __init__(self, folder: Path, script: Script) -> None:
        cert, key, der = self_signed(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.tls = pinned_context(der)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(WITHIN)
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(context, script), daemon=True)
        self._thread.start()

    def _run(self, context: ssl.SSLContext, script: Script) -> None:
        try:
            plain, _ = self._listener.accept()
            with context.wrap_socket(plain, server_side=True) as secured:
                script(Wire(secured))
        except BaseException as error:  # noqa: BLE001 - shown at the test's end
            self.failed = error

    def hung_up_on(self) -> None:
        """The handshake failed, as the test wanted."""
        self._thread.join(WITHIN)
        assert isinstance(self.failed, OSError)
        self.failed = None

    def end(self) -> None:
        self._thread.join(WITHIN)
        self._listener.close()
        assert self.failed is None, self.failed


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Script], Server]]:
    servers: list[Server] = []

    def make(script: Script) -> Server:
        folder = tmp_path / str(len(servers))
        folder.mkdir()
        servers.append(Server(folder, script))
        return servers[-1]

    yield make
    for server in servers:
        server.end()


def opened(server: Server) -> EventStream:
    stream = EventStream.connect(server.url, server.tls)
    assert stream.ask(server.url, "/api/station/events", {"x-station": "s1"}) == 200
    return stream


def streaming(then: Script) -> Script:
    def script(wire: Wire) -> None:
        head = wire.hears(b"\r\n\r\n")
        assert head.startswith(b"POST /api/station/events HTTP/1.1\r\n")
        assert b"x-station: s1\r\n" in head
        wire.say(HEAD + chunk(CHANGED))
        then(wire)

    return script


def test_a_pulse_goes_up_while_the_answer_comes_down(serve: Callable[[Script], Server]) -> None:
    def script(wire: Wire) -> None:
        for _ in range(2):
            assert wire.hears(PULSE_CHUNK) == PULSE_CHUNK
            wire.say(chunk(b"\n"))
        wire.say(b"0\r\n\r\n")

    with opened(serve(streaming(script))) as stream:
        heard = stream.lines()
        changed = next(heard)
        assert changed is not None and changed.kind is StationEventKind.CHANGED
        for _ in range(2):
            threading.Thread(target=stream.pulse).start()  # as the kiosk does: on another thread
            assert next(heard) is None
        assert list(heard) == []


def test_lines_come_whole_however_they_are_cut(serve: Callable[[Script], Server]) -> None:
    def script(wire: Wire) -> None:
        for byte in b"\n" + CHANGED:
            wire.say(chunk(bytes((byte,))))
        wire.say(chunk(CHANGED + CHANGED) + b"0\r\n\r\n")

    with opened(serve(streaming(script))) as stream:
        kinds = [event and event.kind for event in stream.lines()]
    changed = StationEventKind.CHANGED
    assert kinds == [changed, None, changed, changed, changed]


def test_a_pulse_without_an_answer_ends_the_stream(
    serve: Callable[[Script], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection stands, and nobody is at its other end."""
    monkeypatch.setattr(event_stream, "ECHO_SECONDS", 0.1)
    with opened(serve(streaming(Wire.waits_for_the_end))) as stream:
        heard = stream.lines()
        next(heard)
        stream.pulse()
        with pytest.raises(TimeoutError):
            next(heard)


def test_a_server_that_is_silent_for_too_long_is_lost(
    serve: Callable[[Script], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "QUIET_SECONDS", 0.1)
    with (
        opened(serve(streaming(Wire.waits_for_the_end))) as stream,
        pytest.raises(TimeoutError),
    ):
        list(stream.lines())


def test_who_ends_the_program_waits_for_no_line(serve: Callable[[Script], Server]) -> None:
    with opened(serve(streaming(Wire.waits_for_the_end))) as stream:
        heard = stream.lines()
        next(heard)
        threading.Timer(0.05, stream.cut).start()
        assert list(heard) == []
    stream.pulse()  # too late, and no harm


def test_a_connection_that_breaks_off_is_told(serve: Callable[[Script], Server]) -> None:
    with opened(serve(streaming(Wire.hang_up))) as stream, pytest.raises(ConnectionError):
        list(stream.lines())


@pytest.mark.parametrize(
    "said",
    [chunk(b"no JSON\n"), chunk(b"x" * 5000), b"no chunk\r\n"],
    ids=["no event", "a line without end", "no HTTP"],
)
def test_what_is_no_stream_is_refused(serve: Callable[[Script], Server], said: bytes) -> None:
    def script(wire: Wire) -> None:
        wire.say(said)
        wire.waits_for_the_end()

    with opened(serve(streaming(script))) as stream, pytest.raises(NotAsAgreedError):
        list(stream.lines())


def test_a_refusal_is_read_whole(serve: Callable[[Script], Server]) -> None:
    told = os.urandom(20_000).hex().encode()

    def script(wire: Wire) -> None:
        wire.hears(b"\r\n\r\n")
        wire.say(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: %d\r\n\r\n" % len(told) + told)
        wire.waits_for_the_end()

    server = serve(script)
    with EventStream.connect(server.url, server.tls) as stream:
        assert stream.ask(server.url, "/api/station/events", {}) == 401
        assert stream.refusal() == told


def test_another_server_is_asked_nothing(serve: Callable[[Script], Server], tmp_path: Path) -> None:
    server = serve(Wire.waits_for_the_end)
    with pytest.raises(ssl.SSLCertVerificationError):
        EventStream.connect(server.url, pinned_context(self_signed(tmp_path)[2]))
    server.hung_up_on()
