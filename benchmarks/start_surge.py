"""3,000 simultaneous starts: from the officer's signal until the last robot has read its form.

Writes build/bench/start_surge.json: `value` is the 99th percentile of the milliseconds from sending
the start signal (the page's own POST to a real ``exam-server serve`` over TLS) until a robot has
opened and parsed its form; `ceiling` the same for a bare server on the same event loop that writes
as many bytes to as many open TLS connections, read and not looked at, in the same run.

Each robot does what a kiosk does: its line of the stream, its room kit's lock, the signature and
seal of its package, the form. Kits and packages were fetched before, over HTTP like everything
else. Robots of a process share the memory of forms that were parsed before; what parsing costs a
kiosk, which does it once on a processor of its own, is `details.cold_parse_milliseconds`.

Server and robots share this machine with whatever else runs on it: `details.cpu_seconds` is what
the start itself cost either side, and `details.load` how many processes wanted a processor.
"""

import asyncio
import json
import multiprocessing
import os
import platform
import ssl
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, cast

import httpx
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.engine import Engine
from sqlmodel import select

from benchmarks._stations import (
    AT_ONCE,
    Connection,
    Exam,
    Seat,
    client_context,
    cpu_seconds,
    percentile,
    prepare,
    raise_file_limit,
    server_key,
    shares,
)
from exam_server import db, directory, keys
from exam_server.contract import sealed_package
from exam_server.contract.api import StationEvent, StationEventKind
from exam_server.contract.room_kit import RoomKit, open_kit
from exam_server.forms.models import Form
from exam_server.sealing import Sealed
from exam_server.web.visit import SESSION_COOKIE
from question_bank import package
from rig.server import Server

STATIONS = 3000
LOADS = 2
#: As many bytes as the line of a start signal has in its chunk.
SIGNAL_BYTES = 200
FORK = multiprocessing.get_context("fork")
OUTPUT = Path("build") / "bench" / "start_surge.json"


class Robot:
    """A station that has everything but the start secret."""

    def __init__(self, seat: Seat, connection: Connection, kit: RoomKit, sealed: bytes) -> None:
        self._seat, self._connection, self._sealed = seat, connection, sealed
        self._kit, self._package = kit, kit.place_of(seat.attempt).package

    async def start(self, server: Ed25519PublicKey) -> float:
        """Waits for the signal and opens the form; the moment at which it lies open."""
        while True:
            for said in (await self._connection.piece()).splitlines():
                event = StationEvent.model_validate_json(said) if said else None
                if event is None or event.kind is not StationEventKind.STARTED:
                    continue
                assert event.start_secret is not None
                key = self._kit.content_key(self._package, event.start_secret)
                _, plain = sealed_package.unseal(self._sealed, key, server)
                package.decode(plain)
                return time.monotonic()


def robots(exam: Exam, port: int, seats: Sequence[Seat], pipe: Pipe) -> None:
    raise_file_limit()
    uvloop.run(_robots(exam, port, seats, pipe))


async def _robots(exam: Exam, port: int, seats: Sequence[Seat], pipe: Pipe) -> None:
    context, places, server = client_context(exam), asyncio.Semaphore(AT_ONCE), server_key(exam)
    packages: dict[str, asyncio.Task[bytes]] = {}

    async def ready(seat: Seat) -> Robot:
        async with places:
            connection = await Connection.open(port, context)
            kit = open_kit(await connection.get(seat, "/api/station/kit"), server, seat.wrapping)
            own = kit.place_of(seat.attempt).package
            if own not in packages:  # the first robot fetches it for all of the process
                fetching = connection.get(seat, f"/api/station/packages/{own}")
                packages[own] = asyncio.ensure_future(fetching)
            sealed = await packages[own]
            await connection.listen(seat)
            await connection.piece()
            return Robot(seat, connection, kit, sealed)

    waiting = await asyncio.gather(*map(ready, seats))
    starts = asyncio.gather(*(robot.start(server) for robot in waiting), return_exceptions=True)
    await asyncio.sleep(0)
    pipe.send("ready")
    spent = time.process_time()
    opened = [one if isinstance(one, float) else repr(one) for one in await starts]
    pipe.send((opened, time.process_time() - spent))


def readers(exam: Exam, port: int, seats: Sequence[Seat], pipe: Pipe) -> None:
    raise_file_limit()
    uvloop.run(_readers(exam, port, seats, pipe))


async def _readers(exam: Exam, port: int, seats: Sequence[Seat], pipe: Pipe) -> None:
    context, places = client_context(exam), asyncio.Semaphore(AT_ONCE)

    async def connect(_seat: Seat) -> Connection:
        async with places:
            return await Connection.open(port, context)

    async def hear(connection: Connection) -> float:
        await connection.raw(SIGNAL_BYTES)
        return time.monotonic()

    connections = await asyncio.gather(*map(connect, seats))
    heard = asyncio.gather(*map(hear, connections), return_exceptions=True)
    await asyncio.sleep(0)
    pipe.send("ready")
    spent = time.process_time()
    read = [one if isinstance(one, float) else repr(one) for one in await heard]
    pipe.send((read, time.process_time() - spent))


def bare_server(folder: Path, passphrase: str, pipe: Pipe) -> None:
    """Holds TLS connections, and writes the same bytes to all of them when told to."""
    raise_file_limit()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / keys.CERTIFICATE_FILE, folder / keys.TLS_KEY_FILE, passphrase)
    transports: list[asyncio.WriteTransport] = []

    # A stream's transport writes; the base class promises less.
    class Holding(asyncio.Protocol):
        # A protocol of streams is given a transport of streams, which the base type does not say.
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transports.append(cast(asyncio.WriteTransport, transport))

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Holding, "127.0.0.1", 0, ssl=context, backlog=2048)
        pipe.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, pipe.recv)
        for transport in transports:
            transport.write(bytes(SIGNAL_BYTES))
        await asyncio.Event().wait()

    uvloop.run(serve())


class Load:
    """The processes that hold the stations' ends."""

    def __init__(self, work: Any, exam: Exam, port: int) -> None:
        self._pipes, self._processes = [], []
        for share in shares(exam.seats, LOADS):
            pipe, theirs = FORK.Pipe()
            process = FORK.Process(target=work, args=(exam, port, share, theirs), daemon=True)
            process.start()
            self._pipes.append(pipe)
            self._processes.append(process)

    def ready(self) -> None:
        for pipe in self._pipes:
            pipe.recv()

    def opened(self) -> tuple[list[float], list[str], float]:
        """Moments, sorted; what failed; seconds of processor time."""
        told = [pipe.recv() for pipe in self._pipes]
        for process in self._processes:
            process.join(timeout=10)
        said = [one for ends, _ in told for one in ends]
        moments = sorted(one for one in said if isinstance(one, float))
        failed = [one for one in said if isinstance(one, str)]
        return moments, failed, sum(spent for _, spent in told)


def start_signal(server: Server, exam: Exam) -> float:
    """The officer's POST; seconds until it was answered."""
    context = client_context(exam)
    with httpx.Client(base_url=server.url, verify=context, trust_env=False) as office:
        office.cookies.set(SESSION_COOKIE, exam.cookie)
        office.get("/health")  # the connection stands
        begun = time.monotonic()
        answer = office.post(
            f"/shifts/{exam.shift}/start",
            data={"csrf": exam.csrf},
            headers={"origin": server.url},
            timeout=60.0,
        )
        if answer.status_code != 303:
            raise SystemExit(f"the start was answered {answer.status_code}: {answer.text[:300]}")
        return time.monotonic() - begun


def spread_of(begun: float, moments: Sequence[float]) -> dict[str, float]:
    waits = [(one - begun) * 1000 for one in moments]
    return {
        "first": round(waits[0], 1),
        "p50": round(percentile(waits, 0.5), 1),
        "p99": round(percentile(waits, 0.99), 1),
        "last": round(waits[-1], 1),
    }


def surge(server: Server, exam: Exam) -> dict[str, Any]:
    preparing = time.monotonic()
    load = Load(robots, exam, server.port)
    load.ready()
    prepared = time.monotonic() - preparing
    assert server.process is not None
    pids = [server.process.pid, *server.worker_pids()]
    load_before, spent, begun = os.getloadavg()[0], cpu_seconds(pids), time.monotonic()
    answered = start_signal(server, exam)
    moments, failed, robots_spent = load.opened()
    server_spent = cpu_seconds(pids) - spent
    return {
        "load": round(load_before, 1),
        "cpu_seconds": {"server": round(server_spent, 2), "robots": round(robots_spent, 2)},
        "milliseconds": spread_of(begun, moments),
        "opened": len(moments),
        "errors": len(failed),
        "first_errors": failed[:3],
        "signal_answered_milliseconds": round(answered * 1000, 1),
        "preparation_seconds": round(prepared, 1),
    }


def fan_out(server: Server, exam: Exam) -> dict[str, float]:
    """The ceiling: as many bytes over as many open TLS connections, and nothing else."""
    own = keys.load(server.folder, server.environment["EXAM_SERVER_PASSPHRASE"])
    pipe, theirs = FORK.Pipe()
    arguments = (server.folder, own.tls_passphrase, theirs)
    bare = FORK.Process(target=bare_server, args=arguments, daemon=True)
    bare.start()
    try:
        load = Load(readers, exam, pipe.recv())
        load.ready()
        begun = time.monotonic()
        pipe.send("go")
        moments, _, _ = load.opened()
        return spread_of(begun, moments)
    finally:
        bare.terminate()
        bare.join()


def cold_parse(server: Server) -> float:
    """Milliseconds in which a process reads its first form."""
    with directory.open_server(server.folder) as opened:
        own = keys.load(server.folder, server.environment["EXAM_SERVER_PASSPHRASE"])
        plain = _first_form(opened.engine, own)
    begun = time.process_time()
    package.decode(plain)
    return round((time.process_time() - begun) * 1000, 1)


def _first_form(engine: Engine, own: keys.ServerKeys) -> bytes:
    with db.reading(engine) as session:
        form = session.exec(select(Form)).first()
        assert form is not None
        return own.sealing.unseal(Sealed.FORM_BODY, form.id, form.body)


def measure(folder: Path) -> dict[str, Any]:
    raise_file_limit()
    server = Server(folder / "server")
    server.make()
    exam = prepare(server, STATIONS)
    cold = cold_parse(server)
    server.start()
    try:
        details = surge(server, exam)
    finally:
        server.stop()
    details["bare_milliseconds"] = fan_out(server, exam)
    details["cold_parse_milliseconds"] = cold
    return details


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        details = measure(Path(folder))
    value, ceiling = details["milliseconds"]["p99"], details["bare_milliseconds"]["p99"]
    result = {
        "name": "start_surge",
        "value": value,
        "unit": f"ms from the signal to the form, p99 of {STATIONS} stations",
        "ceiling": ceiling,
        "ratio": round(value / ceiling, 2),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": details,
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
