"""The bare echo by each transport, for `transports`: a batch in, an acknowledgement's size out.

`python -m benchmarks._transports FOLDER PROGRAM TRANSPORT` serves with the certificate in FOLDER.
It prints its address as JSON, and then, twenty times a second, a `Usage`. The passphrase comes as
for ``exam-server serve``.
"""

import asyncio
import json
import os
import socket
import ssl
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import uvicorn
import uvloop
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.zttp_h2_impl import ZttpH2Protocol

from benchmarks._bare_transports import BareHttp1, BareHttp2, BareWebSocket
from benchmarks._echo import body_of
from exam_server import keys
from exam_server.contract.api import Acknowledged, LedgerView
from exam_server.serving.corked import Corked, CorkedProtocol
from exam_server.serving.listening import listen, url_of

#: Seconds between two `Usage`s.
TELLING = 0.05


class Transport(StrEnum):
    HTTP1 = "http1"
    HTTP2 = "http2"
    WEBSOCKET = "websocket"


class Program(StrEnum):
    """Who serves: the product's own, a compiled one, or next to nothing (`_bare_transports`)."""

    UVICORN = "uvicorn"
    GRANIAN = "granian"
    BARE = "bare"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server had done `at` a moment (seconds of the monotonic clock)."""

    at: float
    answered: int
    computing: float  # seconds of processor time, all threads


def _acknowledgement() -> int:
    """How many bytes the answer to a batch usually has."""
    now = datetime.now(UTC).replace(microsecond=123456)
    ledger = LedgerView(allowance=timedelta(minutes=90), started=now, position=1)
    told = Acknowledged(sequence=40, head=bytes(32), ledger=ledger, server_time=now)
    return len(told.model_dump_json())


ACKNOWLEDGEMENT = _acknowledgement()


class Answers:
    """The first bytes of what came, as many as an acknowledgement has; counted."""

    def __init__(self) -> None:
        self._answered = 0

    def __call__(self, message: bytes) -> bytes:
        self._answered += 1
        return message[:ACKNOWLEDGEMENT]

    async def tell(self) -> None:
        """Prints `Usage`s until it is cancelled."""
        while True:
            usage = Usage(time.monotonic(), self._answered, time.process_time())
            print(json.dumps(asdict(usage)), flush=True)
            await asyncio.sleep(TELLING)


class Echo:
    """The echo as an ASGI application, by whatever transport it is called."""

    def __init__(self) -> None:
        self._answers = Answers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._reply(receive, send)
            case "websocket":
                await self._converse(receive, send)
            case "lifespan":
                await self._live(receive, send)

    async def _reply(self, receive: Receive, send: Send) -> None:
        answer = self._answers(await body_of(receive))
        headers = [
            (b"content-length", str(len(answer)).encode()),
            (b"content-type", b"application/json"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _converse(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "bytes": self._answers(message["bytes"])})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        telling = asyncio.create_task(self._answers.tell())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        telling.cancel()
        await send({"type": "lifespan.shutdown.complete"})


#: For granian, which looks for it by its name.
echo = Echo()


class CorkedHttp2(ZttpH2Protocol):
    """HTTP/2 as uvicorn speaks it, corked as our HTTP/1.1 is: head, body and end in one piece."""

    # A protocol of streams is given a transport of streams, which the base type does not say.
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(Corked(cast(asyncio.Transport, transport), self.loop))


#: In what the product's own configuration is changed. A WebSocket's message is one piece anyway.
BY_UVICORN: dict[Transport, dict[str, Any]] = {
    Transport.HTTP1: {"http": CorkedProtocol, "ws": "none"},
    Transport.HTTP2: {"http": CorkedHttp2, "ws": "none"},
    Transport.WEBSOCKET: {
        "http": "httptools",
        "ws": "websockets-sansio",
        "ws_per_message_deflate": False,
        "ws_ping_interval": None,
    },
}
BY_GRANIAN: dict[Transport, dict[str, Any]] = {
    Transport.HTTP1: {"http": HTTPModes.http1, "websockets": False},
    Transport.HTTP2: {"http": HTTPModes.http2, "websockets": False},
    Transport.WEBSOCKET: {"http": HTTPModes.http1, "websockets": True},
}
BARE = {
    Transport.HTTP1: BareHttp1,
    Transport.HTTP2: BareHttp2,
    Transport.WEBSOCKET: BareWebSocket,
}


@dataclass(frozen=True, slots=True)
class Tls:
    certificate: Path
    key: Path
    passphrase: str


def serve_by_uvicorn(transport: Transport, tls: Tls, listener: socket.socket) -> None:
    config = uvicorn.Config(
        echo,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        ssl_certfile=str(tls.certificate),
        ssl_keyfile=str(tls.key),
        ssl_keyfile_password=tls.passphrase,
        **BY_UVICORN[transport],
    )
    uvicorn.Server(config).run(sockets=[listener])


def serve_by_granian(transport: Transport, tls: Tls, listener: socket.socket) -> None:
    """granian binds the port anew, and reads no key that is enciphered as the server's is: it has
    a copy in the clear, of the key that this run alone made."""
    address, port = listener.getsockname()[:2]
    listener.close()
    key = load_pem_private_key(tls.key.read_bytes(), tls.passphrase.encode())
    copy = tls.key.with_name(f"{transport}.key")
    copy.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    Granian(
        f"{__spec__.name}:echo",
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        log_enabled=False,
        ssl_cert=tls.certificate,
        ssl_key=copy,
        **BY_GRANIAN[transport],
    ).serve()


def serve_bare(transport: Transport, tls: Tls, listener: socket.socket) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key, tls.passphrase)
    bare, answers = BARE[transport], Answers()
    context.set_alpn_protocols([bare.alpn])

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: bare(answers), sock=listener, ssl=context)
        async with server:
            await answers.tell()

    uvloop.run(run())


SERVE = {
    Program.UVICORN: serve_by_uvicorn,
    Program.GRANIAN: serve_by_granian,
    Program.BARE: serve_bare,
}


def main() -> None:
    folder, program, transport = Path(sys.argv[1]), Program(sys.argv[2]), Transport(sys.argv[3])
    own = keys.load(folder, os.environ["EXAM_SERVER_PASSPHRASE"])
    tls = Tls(folder / keys.CERTIFICATE_FILE, folder / keys.TLS_KEY_FILE, own.tls_passphrase)
    [listener] = listen("127.0.0.1", 0)
    print(json.dumps({"url": url_of(listener)}), flush=True)
    SERVE[program](transport, tls, listener)


if __name__ == "__main__":
    main()
