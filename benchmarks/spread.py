"""How evenly connections come to several processes of one port: a socket each, or one for all.

Writes build/bench/spread.json: `value` is the share of the busiest of `PROCESSES` processes where
each has a socket of its own (SO_REUSEPORT, as ``exam-server serve --workers`` does), `ceiling` an
even share; `details.one_socket` is the busiest process's share where all accept from one inherited
socket. The processes run the server's own event loop.
"""

import asyncio
import json
import multiprocessing
import os
import platform
import socket
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import uvloop

PROCESSES, CONNECTIONS, AT_ONCE = 2, 3000, 200
OUTPUT = Path("build") / "bench" / "spread.json"


class Saying(asyncio.Protocol):
    """Says which process has the connection. (A stream's transport writes; the base says less.)"""

    # A protocol of streams is given a transport of streams, which the base type does not say.
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(os.getpid().to_bytes(4, "big"))


def accept(listener: socket.socket, ready: Connection) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        await loop.create_server(Saying, sock=listener, backlog=2048)
        ready.send(True)
        await asyncio.Event().wait()

    uvloop.run(run())


def bound(port: int, *, shared: bool) -> socket.socket:
    listener = socket.socket()
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(2048)
    return listener


async def connect(port: int) -> Counter[int]:
    """How many of the connections each process has; all stay open until the last."""
    places, open_ones = asyncio.Semaphore(AT_ONCE), []

    async def one() -> int:
        async with places:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            open_ones.append(writer)
            return int.from_bytes(await reader.readexactly(4), "big")

    counts = Counter(await asyncio.gather(*(one() for _ in range(CONNECTIONS))))
    for writer in open_ones:
        writer.close()
    return counts


def shares(*, one_socket: bool) -> list[float]:
    """Each process's share of the connections, the largest first."""
    first = bound(0, shared=not one_socket)
    port = first.getsockname()[1]
    others = range(PROCESSES - 1)
    listeners = [first, *(first if one_socket else bound(port, shared=True) for _ in others)]
    context = multiprocessing.get_context("fork")
    processes = []
    for listener in listeners:
        ready, told = context.Pipe()
        process = context.Process(target=accept, args=(listener, told), daemon=True)
        process.start()
        assert ready.recv()
        processes.append(process)
    counts = asyncio.run(connect(port))
    for process in processes:
        process.terminate()
        process.join()
    for listener in listeners:
        listener.close()
    return sorted((counts[process.pid or 0] / CONNECTIONS for process in processes), reverse=True)


def main() -> None:
    own, one = shares(one_socket=False), shares(one_socket=True)
    even = 1 / PROCESSES
    result = {
        "name": "spread",
        "value": round(own[0], 3),
        "unit": "share of the busiest process",
        "ceiling": even,
        "ratio": round(even / own[0], 3),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {
            "connections": CONNECTIONS,
            "own_sockets": [round(share, 3) for share in own],
            "one_socket": [round(share, 3) for share in one],
        },
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
