"""The least that each transport costs in this language: parsers straight on connections, no ASGI.

The parsers are those that uvicorn has for HTTP; what is needed of WebSocket is a few lines.
"""

import asyncio
import re
from collections.abc import Callable
from typing import cast

import httptools
import zttp
from websockets.speedups import apply_mask
from websockets.utils import accept_key

END_OF_HEAD = b"\r\n\r\n"
#: RFC 6455: a message of bytes in one frame; masked; of 126 to 65,535 bytes.
WHOLE_BINARY, MASKED, TWO_BYTES_OF_LENGTH = 0x82, 0x80, 126
WEBSOCKET_KEY = re.compile(rb"(?i)sec-websocket-key: *(\S+)")
CONTENT_TYPE = (b"content-type", b"application/json")

#: What is answered to a message.
Answer = Callable[[bytes], bytes]


class Bare(asyncio.Protocol):
    """A connection whose messages `answer` answers."""

    alpn: str

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._transport = asyncio.Transport()

    # A protocol of streams is given a transport of streams, which the base type does not say.
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)


class BareHttp1(Bare):
    """Reads the headers too, as any path of a server must."""

    alpn = "http/1.1"

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self._parser = httptools.HttpRequestParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        answer = self._answer(self._body)
        self._headers, self._body = [], b""
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n%s: %s\r\n\r\n"
        self._transport.write(head % (len(answer), *CONTENT_TYPE) + answer)


class BareHttp2(Bare):
    alpn = "h2"

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self._connection = zttp.Connection(zttp.SERVER, protocol=zttp.HTTP2)
        self._bodies: dict[int, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connection.initiate_connection()
        self._send()

    def data_received(self, data: bytes) -> None:
        self._connection.receive_data(data)
        while (event := self._connection.next_event()) is not zttp.NEED_DATA:
            match event:
                case zttp.Request():
                    self._bodies[event.stream_id] = b""
                case zttp.Data():
                    self._bodies[event.stream_id] += event.data
                case zttp.EndOfMessage():
                    self._reply(event.stream_id)
        self._send()

    def _reply(self, number: int) -> None:
        answer = self._answer(self._bodies.pop(number))
        stream = self._connection.stream(number)
        length = (b"content-length", str(len(answer)).encode())
        stream.send_response(200, [length, CONTENT_TYPE])
        stream.send_data(answer)
        stream.end_message()

    def _send(self) -> None:
        if data := self._connection.data_to_send():
            self._transport.write(data)


class BareWebSocket(Bare):
    """Whole messages of usual length only; anything else ends the connection."""

    alpn = "http/1.1"

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self._got, self._greeted = b"", False

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._greeted:
            self._greet()
        while self._greeted and (message := self._next()) is not None:
            answer = self._answer(message)
            head = bytes([WHOLE_BINARY, TWO_BYTES_OF_LENGTH]) + len(answer).to_bytes(2, "big")
            self._transport.write(head + answer)

    def _greet(self) -> None:
        head, found, rest = self._got.partition(END_OF_HEAD)
        if not found:
            return
        [key] = WEBSOCKET_KEY.findall(head)
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-accept: %s\r\n\r\n" % accept_key(key.decode()).encode()
        )
        self._got, self._greeted = rest, True

    def _next(self) -> bytes | None:
        """The next message, once it is whole."""
        got = self._got
        if len(got) < 8:
            return None
        if got[0] != WHOLE_BINARY or got[1] != MASKED | TWO_BYTES_OF_LENGTH:
            self._transport.abort()
            return None
        end = 8 + int.from_bytes(got[2:4], "big")
        if len(got) < end:
            return None
        self._got = got[end:]
        return apply_mask(got[8:end], got[4:8])
