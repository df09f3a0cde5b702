"""The station's end of the server's stream: one request and one answer that both go on for hours.

httpx sends a request whole before it reads the answer, so this speaks HTTP/1.1 by h11 over a TLS
connection of its own. The thread that opened the stream reads and writes all of it; others ask it
to, since no two threads may use one TLS connection at a time.
"""

import selectors
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import h11
from pydantic import ValidationError

from exam_server.contract import api

HTTPS_PORT = 443
CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 10.0
#: The server's stream is never silent for longer than 15 s.
QUIET_SECONDS = 40.0
#: A pulse is answered at once, by a busy server within seconds; else the stream is lost, whatever
#: TCP still hopes for.
ECHO_SECONDS = 10.0
MAX_LINE = 4096
MAX_REFUSAL = 64 * 1024
_PIECE = 16 * 1024
_PULSE, _CUT = b"p", b"c"


class NotAsAgreedError(Exception):
    """What came is no stream of the contract."""


class EventStream:
    """An open connection. `pulse` and `cut` may be called from any thread.

    All else raises OSError where the connection is lost, NotAsAgreedError where the server does
    not follow the contract.
    """

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        self._http = h11.Connection(h11.CLIENT)
        self._asking, self._asked = socket.socketpair()
        for end in (self._asking, self._asked):
            end.setblocking(False)
        self._ready = selectors.DefaultSelector()
        for watched in (connection, self._asked):
            self._ready.register(watched, selectors.EVENT_READ)

    @classmethod
    def connect(cls, url: str, tls: ssl.SSLContext) -> Self:
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or HTTPS_PORT)
        plain = socket.create_connection(address, timeout=CONNECT_SECONDS)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            secured = tls.wrap_socket(plain, server_hostname=parts.hostname)
        except OSError:
            plain.close()
            raise
        secured.settimeout(ANSWER_SECONDS)
        return cls(secured)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._ready.close()
        for end in (self._connection, self._asking, self._asked):
            end.close()

    def ask(self, url: str, target: str, headers: Mapping[str, str]) -> int:
        """Sends the request's head; the answer's status."""
        head = [("host", urlsplit(url).netloc), ("transfer-encoding", "chunked"), *headers.items()]
        self._send(h11.Request(method="POST", target=target, headers=head))
        answer = self._event()
        while isinstance(answer, h11.InformationalResponse):
            answer = self._event()
        if not isinstance(answer, h11.Response):
            raise NotAsAgreedError("no answer")
        return answer.status_code

    def refusal(self) -> bytes:
        """The whole answer of a server that gives no stream."""
        said = bytearray()
        while isinstance(event := self._event(), h11.Data):
            said += event.data
            if len(said) > MAX_REFUSAL:
                raise NotAsAgreedError("too long an answer")
        return bytes(said)

    def lines(self) -> Iterator[api.StationEvent | None]:
        """Events as they come, None for a sign of life; ends where the server or `cut` ends it."""
        self._connection.setblocking(False)
        begun = b""
        for piece in self._pieces():
            *whole, begun = (begun + piece).split(b"\n")
            if max(map(len, (*whole, begun))) > MAX_LINE:
                raise NotAsAgreedError("an event is too long")
            for text in whole:
                yield _event_of(text)

    def pulse(self) -> None:
        """Says soon that this station lives and has nothing new to tell."""
        self._ask(_PULSE)

    def cut(self) -> None:
        """Ends `lines`."""
        self._ask(_CUT)

    def _ask(self, what: bytes) -> None:
        with suppress(OSError):  # closed meanwhile, or asked so often that one more tells nothing
            self._asking.send(what)

    # --- on the one thread ----------------------------------------------------------------------

    def _pieces(self) -> Iterator[bytes]:
        lost_at = time.monotonic() + QUIET_SECONDS
        while True:
            event = self._next()
            if isinstance(event, h11.Data):
                lost_at = time.monotonic() + QUIET_SECONDS
                yield bytes(event.data)
                continue
            if event is not h11.NEED_DATA:
                return
            asked = self._wait(lost_at)
            if _CUT in asked:
                return
            if _PULSE in asked:
                self._send(h11.Data(data=api.PULSE))
                lost_at = min(lost_at, time.monotonic() + ECHO_SECONDS)

    def _wait(self, lost_at: float) -> bytes:
        """Waits for the server or for what other threads ask; takes what came in."""
        asked = b""
        if not self._connection.pending():
            ready = self._ready.select(max(0.0, lost_at - time.monotonic()))
            if not ready:
                raise TimeoutError("the server is silent")
            if any(key.fileobj is self._asked for key, _ in ready):
                asked = self._asked.recv(_PIECE)
        with suppress(ssl.SSLWantReadError):
            self._receive()
        return asked

    def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """The next event; waits for it."""
        while (event := self._next()) is h11.NEED_DATA:
            self._receive()
        return event

    def _receive(self) -> None:
        piece = self._connection.recv(_PIECE)
        if not piece:
            raise ConnectionError("the server ended the connection")
        self._http.receive_data(piece)

    def _next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise NotAsAgreedError("no HTTP") from error

    def _send(self, event: h11.Request | h11.Data) -> None:
        self._connection.sendall(self._http.send(event) or b"")


def _event_of(text: bytes) -> api.StationEvent | None:
    if not text:
        return None
    try:
        return api.StationEvent.model_validate_json(text)
    except ValidationError as error:
        raise NotAsAgreedError("an event does not follow the contract") from error
