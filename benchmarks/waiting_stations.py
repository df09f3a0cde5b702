"""Stations that wait, 10,000 of them, over TLS: the memory of their streams, and their beats.

Writes build/bench/waiting_stations.json: `value` is the resident memory of all processes of
``exam-server serve`` with 10,000 listening stations that beat, `ceiling` that of a server on the
same event loop that holds as many TLS connections and does nothing; `details.growth` both at 1,000,
3,000 and 10,000, before anybody beats.

`details.beats`: every station gives a pulse every 8 s and a heartbeat, over a connection of its
own as a kiosk's, every 120 s, spread evenly; what that costs the server in processor time, how long
the answers took, and how many stations the room pages would have shown as silent at the end.
`details.pulses`: a round of pulses alone. `details.heartbeats`: the cost of heartbeats alone, at a
rate that the server can bear, and for how many stations two processors would suffice if each sent
one every 8 s, as it was before pulses.
The connections are opened by lean clients in processes of their own.
"""

import asyncio
import json
import multiprocessing
import os
import platform
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvloop
from sqlmodel import col

from benchmarks._stations import Exam, cpu_seconds, prepare, raise_file_limit, resident_bytes
from benchmarks._waiting import TELLS, Beat, Grow, clients
from exam_server import db, directory, keys
from exam_server.settings import load
from exam_server.stations.models import Station, StationStatus
from exam_server.stations.service import SILENCE
from exam_station.flow.beating import ASKED_EVERY, LISTENING
from rig.server import Server

STEPS = (1000, 3000, 10_000)
SETTLE_SECONDS = 2.0
#: Three rounds of pulses.
BEATING_SECONDS = 3 * LISTENING
#: Heartbeats a second, and for how long, to measure what one costs.
BEARABLE, BEARABLE_SECONDS = 25.0, 8.0
MOST_BYTES = 1024**3
OUTPUT = Path("build") / "bench" / "waiting_stations.json"
FORK = multiprocessing.get_context("fork")


def bare_server(folder: Path, passphrase: str, pipe: Pipe) -> None:
    """A TLS server that holds its connections."""
    raise_file_limit()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / keys.CERTIFICATE_FILE, folder / keys.TLS_KEY_FILE, passphrase)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            asyncio.Protocol, "127.0.0.1", 0, ssl=context, backlog=2048
        )
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(serve())


@contextmanager
def waiting(exam: Exam, port: int, *, bare: bool) -> Iterator[Pipe]:
    """A process of lean clients, at the other end of the pipe."""
    pipe, theirs = FORK.Pipe()
    load = FORK.Process(target=clients, args=(exam, port, bare, theirs), daemon=True)
    load.start()
    theirs.close()  # so that its death is noticed
    try:
        yield pipe
    finally:
        with suppress(OSError):
            pipe.send(None)
        load.join(timeout=30)
        load.kill()


def grow(pipe: Pipe, pids: list[int]) -> list[dict[str, Any]]:
    """Resident memory of `pids` at every number of connections."""
    before = resident_bytes(pids)
    rows = [{"stations": 0, "resident_bytes": before, "seconds": 0.0}]
    for wanted in STEPS:
        begun = time.monotonic()
        pipe.send(Grow(wanted))
        held, failed = pipe.recv()
        if held != wanted:
            raise SystemExit(f"only {held} of {wanted} connections stand: {failed}")
        seconds = time.monotonic() - begun
        time.sleep(SETTLE_SECONDS)
        rows.append(
            {
                "stations": wanted,
                "resident_bytes": resident_bytes(pids),
                "seconds": round(seconds, 1),
            }
        )
    return rows


def beat(server: Server, pipe: Pipe, pids: list[int], wanted: Beat) -> dict[str, Any]:
    """What the beats cost the server, and how they were answered."""
    spent, begun = cpu_seconds(pids), time.monotonic()
    pipe.send(wanted)
    time.sleep(wanted.seconds)
    unheard = silent(server)
    told = pipe.recv()
    seconds = time.monotonic() - begun
    used = cpu_seconds(pids) - spent
    return {
        **told,
        "silent": unheard,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used, 2),
        "processors": round(used / seconds, 3),
        "resident_bytes": resident_bytes(pids),
    }


def idle(pids: list[int]) -> float:
    """Processors that the server takes while nobody beats."""
    spent = cpu_seconds(pids)
    time.sleep(BEARABLE_SECONDS)
    return (cpu_seconds(pids) - spent) / BEARABLE_SECONDS


def tell_of_all(server: Server, exam: Exam) -> None:
    """Every station has told of itself once: a row for each, long ago."""
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with directory.open_server(server.folder) as opened, db.transaction(opened.engine) as session:
        centre = dict(session.execute(sa.select(col(Station.id), col(Station.centre_id))).all())
        fields = TELLS.model_dump(exclude={"ledger_seen", "restart"})
        rows = [
            {**fields, "station_id": one.station, "centre_id": centre[one.station]}
            for one in exam.seats
        ]
        session.execute(sa.insert(StationStatus), [{**row, "seen_at": long_ago} for row in rows])


def silent(server: Server) -> int:
    """Stations that a room page would show as silent now."""
    engine = db.create_engine(directory.database_url(server.folder, load(server.folder)))
    since = datetime.now(UTC) - SILENCE
    with db.reading(engine) as session:
        query = sa.select(sa.func.count()).where(col(StationStatus.seen_at) < since)
        found = session.execute(query).scalar_one()
    engine.dispose()
    return int(found)


def measure_server(server: Server, exam: Exam) -> dict[str, Any]:
    assert server.process is not None
    pids = [server.process.pid, *server.worker_pids()]
    with waiting(exam, server.port, bare=False) as pipe:
        growth = grow(pipe, pids)
        resting = idle(pids)
        alone = beat(server, pipe, pids, Beat(BEARABLE_SECONDS, BEARABLE, pulses=False))
        stations = len(exam.seats)
        pulses = beat(server, pipe, pids, Beat(LISTENING, 0.0, pulses=True))
        beats = beat(server, pipe, pids, Beat(BEATING_SECONDS, stations / ASKED_EVERY, pulses=True))
    each = (alone["cpu_seconds"] - resting * alone["seconds"]) / alone["heartbeats"]["sent"]
    alone["milliseconds_each"] = round(each * 1000, 2)
    alone["stations_two_processors_bear"] = round(2 / (each / LISTENING))
    pulses["milliseconds_each"] = round(
        (pulses["cpu_seconds"] - resting * LISTENING) / stations * 1000, 3
    )
    # What came late was still done: all of it belongs to the seconds in which it was asked for.
    wanted = (beats["cpu_seconds"] - resting * beats["seconds"]) / BEATING_SECONDS
    beats["processors_wanted"] = round(wanted, 3)
    beats["stations_two_processors_bear"] = round(2 / wanted * stations)
    return {
        "growth": growth,
        "idle_processors": round(resting, 3),
        "heartbeats": alone,
        "pulses": pulses,
        "beats": beats,
    }


def measure(folder: Path) -> dict[str, Any]:
    raise_file_limit()
    server = Server(folder / "server")
    server.make()
    exam = prepare(server, STEPS[-1])
    tell_of_all(server, exam)
    server.start()
    try:
        own = measure_server(server, exam)
    finally:
        server.stop()
    opened = keys.load(server.folder, server.environment["EXAM_SERVER_PASSPHRASE"])
    pipe, theirs = FORK.Pipe()
    arguments = (server.folder, opened.tls_passphrase, theirs)
    bare = FORK.Process(target=bare_server, args=arguments, daemon=True)
    bare.start()
    try:
        with waiting(exam, pipe.recv(), bare=True) as load:
            ceiling = grow(load, [bare.pid or 0])
    finally:
        bare.terminate()
        bare.join()
    return {**own, "bare_tls": ceiling}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        details = measure(Path(folder))
    own, bare = details["growth"], details["bare_tls"]
    value, ceiling = details["beats"]["resident_bytes"], bare[-1]["resident_bytes"]
    details["bytes_a_station"] = round((value - own[0]["resident_bytes"]) / STEPS[-1])
    details["bare_bytes_a_connection"] = round((ceiling - bare[0]["resident_bytes"]) / STEPS[-1])
    details["load"] = [round(one, 1) for one in os.getloadavg()]
    details["below_1_gb"] = value < MOST_BYTES
    result = {
        "name": "waiting_stations",
        "value": value,
        "unit": "bytes resident with 10,000 listening stations that beat",
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
