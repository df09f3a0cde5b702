"""Durable acknowledged saves a second over TLS, beside two ceilings measured in the same run.

Writes build/bench/saves.json: `value` is the rate on PostgreSQL, in saves (records) a second, each
authenticated, committed and then acknowledged; `ceiling` is the rate of a bare ASGI echo of
the same request size under the same server program, processes and TLS, in saves' worth of requests.
The details give SQLite too, latencies, and how fast the storage alone commits the same groups.

The server is a real ``exam-server serve``; wrk sends requests made beforehand, each unique, of two
records, in turn for 10,000 attempts. At the end the database must hold exactly what was
acknowledged (and at most what was still under way when wrk stopped): every chain unbroken, every
head as it was made. WORKERS and CONNECTIONS in the environment try other numbers of them.
"""

import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from benchmarks._many_attempts import fill
from benchmarks._prepared import RECORDS, Prepared, http_request, prepare, questions
from exam_server import db
from exam_server.attempts.hot_postgres import tables_of
from exam_server.attempts.hot_tables import MovedRow, RecordRow
from exam_server.attempts.models import Attempt, JournalRecord
from exam_server.attempts.records_kept import records_of
from rig.nats import NatsServer
from rig.postgres import PostgresCluster
from rig.processes import Process, command
from rig.server import Server

ROOT = Path(__file__).parents[1]
SCRIPT = Path(__file__).with_name("_saves.lua")
ATTEMPTS = 10_000
SECONDS = 15
CONNECTIONS = int(os.environ.get("CONNECTIONS", "128"))
#: Requests prepared for each attempt: more than any run of SECONDS sends.
ROUNDS = 20
#: Questions asked for each attempt beforehand: wrk's connections go to any process, and each is to
#: have read nearly all leases. A station's own connection stays with one process, which reads once.
WARMING_ROUNDS, WARMING_SECONDS = 8, 12
#: Processes of the server on PostgreSQL, and of the echo beside it; the best of what was tried.
WORKERS = int(os.environ.get("WORKERS", "2"))
#: Attempts whose records are all read again and checked one by one.
SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw."""

    requests: int
    seconds: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    refused: int
    socket_errors: int
    ran_out: bool

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def wrk(
    url: str, folder: Path, files: Sequence[Path], seconds: int = SECONDS, *, around: bool = False
) -> Load:
    """Sends the requests in `files` to `url` for so many seconds; `around` again and again, which
    only an echo takes for new ones."""
    summary, idle = folder / "summary.json", folder / "idle"
    idle.write_bytes(http_request("none", b""))
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s"]
    words += ["-s", str(SCRIPT), url, "--", str(summary), str(idle)]
    words += ["around" if around else "once"]
    subprocess.run(
        [*words, *map(str, files)], check=True, timeout=seconds + 60, capture_output=True
    )
    return Load(**json.loads(summary.read_text()))


def sound(name: str, load: Load) -> Load:
    """`load`, if it is a measurement at all."""
    if load.refused or load.socket_errors or load.ran_out:
        raise SystemExit(f"saves: the run on {name} is not sound: {load}")
    return load


@contextmanager
def echo(server: Server, processes: int) -> Iterator[tuple[str, int]]:
    """The bare echo under `server`'s certificate; its address and its process."""
    words = [*command("python", "-m", "benchmarks._echo", str(server.folder), str(processes))]
    log = server.folder.with_name("echo.log")
    process = Process("echo", words, server.environment, log)
    try:
        yield process.wait_for("address", lambda event: "url" in event)["url"], process.pid
    finally:
        process.kill()


def verify(server_url: str, prepared: Prepared, acknowledged: int) -> dict[str, int]:
    """SystemExit unless the database holds what was acknowledged, unbroken and as it was made."""
    engine = db.create_engine(server_url)
    with db.reading(engine) as session:
        counts = dict(
            session.execute(
                sa.select(JournalRecord.attempt_id, sa.func.count()).group_by(
                    sa.column("attempt_id")
                )
            ).all()
        )
        attempts = session.execute(sa.select(Attempt.id, Attempt.sequence, Attempt.head)).all()
        for attempt, sequence, head in attempts:
            if sequence != counts.get(attempt, 0) or sequence % RECORDS:
                raise SystemExit(f"saves: attempt {attempt} holds another number of records")
            made = prepared.heads.get(attempt, [])
            if sequence and head != made[sequence // RECORDS - 1]:
                raise SystemExit(f"saves: attempt {attempt} holds other records than were made")
        for attempt in session.scalars(sa.select(Attempt).limit(SAMPLE)):
            for _ in records_of(session, attempt):
                pass
    engine.dispose()
    held = sum(counts.values()) // RECORDS
    if not acknowledged <= held <= acknowledged + CONNECTIONS:
        raise SystemExit(f"saves: {acknowledged} batches were acknowledged, {held} are held")
    return {"acknowledged_batches": acknowledged, "held_batches": held}


Place = tuple[str, str, int]  # attempt, centre, sequence


def storage_ceiling(server_url: str, group: int, writers: int, seconds: float = 4.0) -> float:
    """Saves a second that the storage commits in groups of `group` batches, with no server, from
    as many connections at once as the server had processes."""
    engine = db.create_engine(server_url)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(Attempt.id, Attempt.centre_id, Attempt.sequence)).all()
    held: list[Place] = [(attempt, centre, sequence) for attempt, centre, sequence in rows]
    with ThreadPoolExecutor(writers) as pool:
        share = [held[writer::writers] for writer in range(writers)]
        saved = list(pool.map(lambda own: _commit_groups(engine, own, group, seconds), share))
    engine.dispose()
    return sum(saved) / seconds


def _commit_groups(engine: sa.Engine, held: list[Place], group: int, seconds: float) -> int:
    """How many saves one connection commits in `seconds`, going round `held`."""
    sequences = {attempt: sequence for attempt, _, sequence in held}
    data, head, saved, place = os.urandom(282), os.urandom(32), 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        chosen = [held[(place + step) % len(held)] for step in range(group)]
        place += group
        records = []
        for attempt, centre, _ in chosen:
            for _ in range(RECORDS):
                sequences[attempt] += 1
                records.append(RecordRow(attempt, sequences[attempt], centre, 1, head, data))
        moved = [
            MovedRow(centre, attempt, sequences[attempt], head, False)
            for attempt, centre, _ in chosen
        ]
        with engine.begin() as connection:
            tables = tables_of(connection, {record.centre_id for record in records})
            tables.read(dict(sorted((row.id, row.centre_id) for row in moved)))
            tables.write(records, moved, datetime.now(UTC))
        saved += len(records)
    return saved


def computing(pids: Iterable[int]) -> float:
    """Seconds of processor time that these processes have used, those that are gone left out."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, children.split())]


@dataclass(frozen=True, slots=True)
class Costs:
    """Processor time for each request, in microseconds: where the time goes."""

    server: float
    database: float
    generator: float

    def plain(self) -> dict[str, int]:
        return {name: round(value) for name, value in asdict(self).items()}


def costed(run: Callable[[], Load], serving: int, database: int | None) -> tuple[Load, Costs]:
    """What `run` saw, and what it cost in the processes behind it."""
    kin = [family(serving), family(database) if database else []]
    before, own = [computing(pids) for pids in kin], os.times()
    load = run()
    after, now = [computing(pids) for pids in kin], os.times()
    generator = now.children_user + now.children_system - own.children_user - own.children_system
    seconds = (after[0] - before[0], after[1] - before[1], generator)
    return load, Costs(*(each / load.requests * 1e6 for each in seconds))


def measure(server: Server, folder: Path, workers: int, database: int | None) -> dict[str, object]:
    """One database: the answer path, the echo and the storage, one after the other."""
    server.make()
    writers = fill(server.folder, server.environment["EXAM_SERVER_PASSPHRASE"], ATTEMPTS)
    prepared = prepare(folder, writers, ROUNDS)
    asked = questions(folder, writers, WARMING_ROUNDS)
    server.start()
    wrk(server.url, folder, asked, WARMING_SECONDS)
    load, costs = costed(
        lambda: sound("the answer path", wrk(server.url, folder, prepared.files)),
        server.process.pid if server.process else 0,
        database,
    )
    server.stop()
    url = server.database or f"sqlite:///{server.folder / 'server.db'}"
    checked = verify(url, prepared, load.requests)
    with echo(server, workers) as (address, pid):
        bare, bare_costs = costed(
            lambda: sound("the echo", wrk(address, folder, prepared.files, 8, around=True)),
            pid,
            None,
        )
    with echo(server, 1) as (address, _):
        alone = sound("the echo", wrk(address, folder, prepared.files, 6, around=True))
    return {
        "saves_per_second": round(load.rate * RECORDS),
        "requests_per_second": round(load.rate),
        **{key: round(value, 1) for key, value in asdict(load).items() if key.endswith("_ms")},
        "echo_requests_per_second": round(bare.rate),
        "microseconds_per_request": costs.plain(),
        "echo_microseconds_per_request": bare_costs.plain(),
        "echo_of_one_process_requests_per_second": round(alone.rate),
        "ratio_to_echo_of_one_process": round(load.rate / alone.rate, 3),
        "echo_p99_ms": round(bare.p99_ms, 1),
        "ratio_to_echo": round(load.rate / bare.rate, 3),
        "storage_saves_per_second": round(
            storage_ceiling(url, CONNECTIONS // workers // 2, workers)
        ),
        "workers": workers,
        "attempts": ATTEMPTS,
        "connections": CONNECTIONS,
        "records_per_request": RECORDS,
        "request_bytes": prepared.request_bytes,
        "body_bytes": prepared.body_bytes,
        "seconds": round(load.seconds, 1),
        **checked,
    }


def main() -> None:
    before = os.getloadavg()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with PostgresCluster() as cluster, NatsServer() as nats:
            server = Server(
                folder / "on-postgresql",
                database=cluster.create_database("saves"),
                workers=WORKERS,
                nats=nats.url if WORKERS > 1 else None,
            )
            postgresql = measure(server, folder, WORKERS, cluster.pid)
        sqlite = measure(Server(folder / "on-sqlite"), folder, 1, None)
    ceiling = int(str(postgresql["echo_requests_per_second"])) * RECORDS
    value = int(str(postgresql["saves_per_second"]))
    result = {
        "name": "saves",
        "value": value,
        "unit": "durable acknowledged saves per second (PostgreSQL, TLS)",
        "ceiling": ceiling,
        "ratio": round(value / ceiling, 3),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {
            "postgresql": postgresql,
            "sqlite": sqlite,
            "load_before": [round(one, 2) for one in before],
            "load_after": [round(one, 2) for one in os.getloadavg()],
        },
    }
    target = ROOT / "build" / "bench" / "saves.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
