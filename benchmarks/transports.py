"""HTTP/1.1, HTTP/2 and WebSocket beneath the answer path: what a message costs by each, over TLS.

Writes build/bench/transports.json. A message is a batch of two records one way and as many bytes
as an acknowledgement has the other; nothing is done with it. Each station has a connection of its
own and one message under way on it, as in a centre. Three programs serve, each by every transport:
uvicorn as the product has it, granian, and parsers straight on connections.

h2load is the generator for HTTP/1.1 and HTTP/2. It does not speak WebSocket, nor does any other
that Debian has: there a generator of ours sends (`_in_turn`), and beside it HTTP/1.1 again, so that
each transport is compared with HTTP/1.1 from the same generator. Rate and processor time are the
server's own count, once all are connected; the generator has the other processor.

All runs of a round come one after the other; ratios are made within a round, and their medians
are told. `value` is the processor time of a message by HTTP/1.1 under uvicorn with the larger
number of stations, in microseconds; `ceiling` is that by the cheapest transport under uvicorn.
ROUNDS and CONNECTIONS (with commas) in the environment try other numbers of them.
"""

import json
import os
import platform
import re
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import uvloop

from benchmarks._in_turn import HEADERS, TARGET, WIRES, load
from benchmarks._prepared import batch
from benchmarks._stations import raise_file_limit
from benchmarks._transports import ACKNOWLEDGEMENT, Program, Transport, Usage
from exam_server.contract.records import WritingKeys, genesis
from exam_station.client import pinned_context
from rig.processes import Process, command
from rig.server import Server

OUTPUT = Path(__file__).parents[1] / "build" / "bench" / "transports.json"
ROUNDS = int(os.environ.get("ROUNDS", "3"))
CONNECTIONS = [int(one) for one in os.environ.get("CONNECTIONS", "64,256").split(",")]
#: How long our own generator sends, and how much h2load, which hangs where its time is up before
#: all are connected.
SECONDS, REQUESTS = 0.6, 20_000
#: h2load begins to connect by then.
BEGINNING = 0.1
#: Of what h2load takes; after that, stations that sent their share fall silent.
ALL_AT_WORK = 0.9
TRIES = 5
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
ALL_SUCCEEDED = re.compile(
    r"requests: ([1-9]\d*) total, .* \1 succeeded, 0 failed, 0 errored, 0 timeout"
)
PROTOCOL = re.compile(r"Application protocol: (\S+)")
LAST_FIRST_BYTE = re.compile(r"time to 1st byte: +\S+ +([\d.]+)(us|ms|s) ")
SPOKEN = {Transport.HTTP1: "http/1.1", Transport.HTTP2: "h2"}


class Period(NamedTuple):
    """Seconds of the monotonic clock in which every station was at work."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a server did in a period: messages a second, microseconds of processor for each, and
    how many processors it kept busy."""

    rate: float
    microseconds: float
    busy: float


class Target(NamedTuple):
    """A server at work, and what is needed to ask it."""

    transport: Transport
    url: str
    process: Process
    tls: ssl.SSLContext
    body: Path


#: Sends to a target from so many stations, for so many times as long as at first.
Generator = Callable[[Target, int, int], Period]


def by_h2load(target: Target, connections: int, times: int = 1) -> Period:
    words = ["h2load", "-t1", f"-c{connections}", "-m1", f"-n{REQUESTS * times}"]
    words += ["--h1"] if target.transport is Transport.HTTP1 else []
    words += [f"-H{name}: {value}" for name, value in HEADERS.items()]
    begun = time.monotonic() + BEGINNING
    done = subprocess.run(
        [*words, f"-d{target.body}", f"{target.url}{TARGET}"],
        check=True, timeout=60, capture_output=True, text=True,
    )  # fmt: skip
    taken = time.monotonic() - begun
    spoken, first = PROTOCOL.search(done.stdout), LAST_FIRST_BYTE.search(done.stdout)
    if not ALL_SUCCEEDED.search(done.stdout) or spoken is None or first is None:
        raise ConnectionError(f"h2load was not answered as it should be: {done.stdout}")
    if spoken[1] != SPOKEN[target.transport]:
        raise ConnectionError(f"{target.process.name} spoke {spoken[1]}")
    return Period(begun + float(first[1]) * UNITS[first[2]], begun + taken * ALL_AT_WORK)


def in_turn(target: Target, connections: int, times: int = 1) -> Period:
    wire = WIRES[target.transport](target.body.read_bytes())
    port = urlsplit(target.url).port or 0
    return Period(*uvloop.run(load(port, target.tls, wire, connections, SECONDS * times)))


#: The runs of a round, by program and number of connections: the first of each generator is what
#: the other is compared with.
GENERATORS: dict[Generator, tuple[Transport, Transport]] = {
    by_h2load: (Transport.HTTP1, Transport.HTTP2),
    in_turn: (Transport.HTTP1, Transport.WEBSOCKET),
}


def measured(generate: Generator, target: Target, connections: int) -> Cost:
    """A run's cost, by the server's own word; the run is tried again, and longer, where the last
    station was connected only when others had already sent their share, or a quick server had
    answered all between two of its words."""
    for times in range(1, TRIES + 1):
        since, until = generate(target, connections, times)
        told = [Usage(**event) for event in target.process.events if "answered" in event]
        within = [usage for usage in told if since <= usage.at <= until]
        if len(within) > 1 and within[-1].answered > within[0].answered:
            return cost(within[0], within[-1])
    raise SystemExit(f"transports: {target.process.name}: no run was long enough to measure")


def cost(first: Usage, last: Usage) -> Cost:
    seconds, computing = last.at - first.at, last.computing - first.computing
    answered = last.answered - first.answered
    return Cost(answered / seconds, computing / answered * 1e6, computing / seconds)


def wait_for_listener(port: int, seconds: float = 10) -> None:
    """granian has its application started before it listens. OSError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def served(server: Server, program: Program, transport: Transport, body: Path) -> Iterator[Target]:
    name = f"{program}-{transport}"
    words = command(
        "python", "-m", "benchmarks._transports", str(server.folder), program, transport
    )
    process = Process(name, words, server.environment, server.folder.with_name(f"{name}.log"))
    try:
        url = process.wait_for("address", lambda event: "url" in event)["url"]
        process.wait_for("first word", lambda event: "answered" in event)
        wait_for_listener(urlsplit(url).port or 0)
        pem = (server.folder / "tls.crt").read_text()
        yield Target(transport, url, process, pinned_context(ssl.PEM_cert_to_DER_cert(pem)), body)
    finally:
        process.kill()


class Run(NamedTuple):
    program: Program
    connections: int
    generator: str
    transport: Transport


Round = Mapping[Run, Cost]


def one_round(targets: Mapping[tuple[Program, Transport], Target]) -> Round:
    return {
        Run(program, connections, generate.__name__, transport): measured(
            generate, targets[program, transport], connections
        )
        for program in Program
        for connections in CONNECTIONS
        for generate, compared in GENERATORS.items()
        for transport in compared
    }


def told(rounds: list[Round], run: Run) -> dict[str, Any]:
    """Medians of a run, and of its ratios to HTTP/1.1 with the least and the most."""
    costs = [one[run] for one in rounds]
    figures = {
        name: round(median(getattr(one, name) for one in costs), digits)
        for name, digits in (("rate", 0), ("microseconds", 1), ("busy", 2))
    }
    if run.transport is Transport.HTTP1:
        return figures
    beside = [one[run._replace(transport=Transport.HTTP1)] for one in rounds]
    pairs = list(zip(costs, beside, strict=True))
    computing = [own.microseconds / other.microseconds for own, other in pairs]
    rates = [own.rate / other.rate for own, other in pairs]
    return {
        **figures,
        "microseconds_to_http1": round(median(computing), 2),
        "microseconds_to_http1_from_to": [round(one(computing), 2) for one in (min, max)],
        "rate_to_http1": round(median(rates), 2),
    }


def measure(folder: Path) -> list[Round]:
    raise_file_limit()
    server = Server(folder / "server")
    server.make()
    writer = WritingKeys("a" * 32, 1, os.urandom(32), os.urandom(32))
    body = folder / "body"
    body.write_bytes(batch(writer, 0, genesis(writer.attempt))[0])
    with ExitStack() as stack:
        targets = {
            (program, transport): stack.enter_context(served(server, program, transport, body))
            for program in Program
            for transport in Transport
        }
        return [one_round(targets) for _ in range(ROUNDS)]


def main() -> None:
    before = os.getloadavg()
    with tempfile.TemporaryDirectory() as name:
        rounds = measure(Path(name))
        body_bytes = (Path(name) / "body").stat().st_size
    figures = {run: told(rounds, run) for run in rounds[0]}
    by_uvicorn = [
        one
        for run, one in figures.items()
        if run.program is Program.UVICORN and run.connections == max(CONNECTIONS)
    ]
    value = by_uvicorn[0]["microseconds"]
    least = min(one.get("microseconds_to_http1", 1.0) for one in by_uvicorn)
    result = {
        "name": "transports",
        "value": value,
        "unit": "microseconds of the server's processor for a message by HTTP/1.1 (uvicorn, TLS)",
        "ceiling": round(value * least, 1),
        "ratio": round(1 / least, 2),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {
            "runs": [{**run._asdict(), **one} for run, one in figures.items()],
            "rounds": ROUNDS,
            "body_bytes": body_bytes,
            "answer_bytes": ACKNOWLEDGEMENT,
            "load_before": [round(one, 2) for one in before],
            "load_after": [round(one, 2) for one in os.getloadavg()],
        },
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
