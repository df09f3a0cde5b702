"""The bare ASGI echo that the answer path is held against: same server program, same TLS.

`python -m benchmarks._echo FOLDER PROCESSES` serves with the certificate in FOLDER and prints its
address as JSON. FOLDER is that of a server; the passphrase comes as for ``exam-server serve``.
"""

import json
import multiprocessing
import os
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from exam_server import keys
from exam_server.serving.corked import CorkedProtocol
from exam_server.serving.listening import listen, url_of


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    body = b""
    while True:
        message = await receive()
        piece: bytes = message.get("body", b"")
        body += piece
        if not message.get("more_body", False):
            return body


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    """The request's body as it came."""
    body = await body_of(receive)
    headers = [
        (b"content-length", str(len(body)).encode()),
        (b"content-type", b"application/octet-stream"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def serve(folder: Path, tls_passphrase: str, listener: socket.socket) -> None:
    config = uvicorn.Config(
        echo,
        http=CorkedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        ssl_certfile=str(folder / keys.CERTIFICATE_FILE),
        ssl_keyfile=str(folder / keys.TLS_KEY_FILE),
        ssl_keyfile_password=tls_passphrase,
    )
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    folder, processes = Path(sys.argv[1]), int(sys.argv[2])
    own = keys.load(folder, os.environ["EXAM_SERVER_PASSPHRASE"])
    listeners = listen("127.0.0.1", 0, processes)
    context = multiprocessing.get_context("fork")
    children = [
        context.Process(target=serve, args=(folder, own.tls_passphrase, listener), daemon=True)
        for listener in listeners
    ]
    for child in children:
        child.start()
    print(json.dumps({"url": url_of(listeners[0])}), flush=True)
    for child in children:
        child.join()


if __name__ == "__main__":
    main()
