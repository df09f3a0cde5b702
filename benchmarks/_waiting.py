"""Lean clients of `waiting_stations`: they hold streams and beat, in a process of their own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any

import uvloop

from benchmarks._stations import (
    AT_ONCE,
    Connection,
    Exam,
    Seat,
    client_context,
    percentile,
    raise_file_limit,
)
from exam_server.contract.api import Heartbeat, StationState
from exam_server.contract.program import program_version
from exam_server.stations.events import KEEP_ALIVE
from exam_station.flow.beating import LISTENING

HEARTBEAT = "/api/station/heartbeat"
TELLS = Heartbeat(
    state=StationState.WAITING,
    program_version=program_version(),
    reader_ready=True,
    camera_ready=True,
)


@dataclass(frozen=True, slots=True)
class Grow:
    """Have so many connections."""

    stations: int


@dataclass(frozen=True, slots=True)
class Beat:
    """For so long: pulses of all stations, one each in `LISTENING` seconds, or none; and so many
    heartbeats a second."""

    seconds: float
    heartbeats: float
    pulses: bool


class Waiting:
    """The lean clients of one process."""

    def __init__(self, exam: Exam, port: int, *, bare: bool) -> None:
        self._exam, self._port, self._bare = exam, port, bare
        self._context, self._places = client_context(exam), asyncio.Semaphore(AT_ONCE)
        self._held: list[tuple[Seat, Connection]] = []
        self._answers: dict[Connection, asyncio.Future[None]] = {}
        self._hearing: set[asyncio.Task[None]] = set()

    async def grow(self, stations: int) -> tuple[int, list[str]]:
        """How many connections there are, and why others could not be had."""
        missing = self._exam.seats[len(self._held) : stations]
        tried = await asyncio.gather(*map(self._connect, missing), return_exceptions=True)
        return len(self._held), [repr(one) for one in tried if one is not None][:3]

    async def _connect(self, seat: Seat) -> None:
        async with self._places:
            connection = await Connection.open(self._port, self._context)
            if not self._bare:
                await connection.listen(seat)
                await connection.piece()
                self._hearing.add(asyncio.create_task(self._hear(connection)))
            self._held.append((seat, connection))

    async def _hear(self, connection: Connection) -> None:
        while True:
            if await connection.piece() == KEEP_ALIVE and connection in self._answers:
                self._answers.pop(connection).set_result(None)

    async def beat(self, wanted: Beat) -> dict[str, Any]:
        """Milliseconds until pulses and heartbeats were answered, and what failed."""
        rate = len(self._held) / LISTENING if wanted.pulses else 0.0
        pulses, heartbeats = await asyncio.gather(
            self._spread(rate, wanted.seconds, self._pulse),
            self._spread(wanted.heartbeats, wanted.seconds, self._heartbeat),
        )
        return {"pulses": pulses, "heartbeats": heartbeats}

    async def _spread(
        self, rate: float, seconds: float, act: Callable[[Seat, Connection], Awaitable[None]]
    ) -> dict[str, Any]:
        """`act`s of the stations in turn, begun evenly, whether or not others have ended."""
        begun, acts = time.monotonic(), list[asyncio.Task[float]]()
        while (due := len(acts) / rate if rate else seconds) < seconds:
            await asyncio.sleep(max(0.0, begun + due - time.monotonic()))
            seat, connection = self._held[len(acts) % len(self._held)]
            acts.append(asyncio.create_task(_milliseconds(act(seat, connection))))
        took = await asyncio.gather(*acts, return_exceptions=True)
        told = sorted(one for one in took if isinstance(one, float))
        failed = [repr(one) for one in took if not isinstance(one, float)]
        if not told:
            return {"sent": len(acts), "failed": len(failed), "why": failed[:3]}
        return {
            "sent": len(acts),
            "failed": len(failed),
            "why": failed[:3],
            "p50_ms": round(percentile(told, 0.5), 1),
            "p99_ms": round(percentile(told, 0.99), 1),
        }

    async def _pulse(self, _seat: Seat, connection: Connection) -> None:
        answered = asyncio.get_running_loop().create_future()
        self._answers[connection] = answered
        connection.pulse()
        await answered

    async def _heartbeat(self, seat: Seat, _connection: Connection) -> None:
        own = await Connection.open(self._port, self._context)
        try:
            await own.post(seat, HEARTBEAT, TELLS.model_dump_json().encode())
        finally:
            own.close()


async def _milliseconds(act: Awaitable[None]) -> float:
    begun = time.monotonic()
    async with asyncio.timeout(30):
        await act
    return (time.monotonic() - begun) * 1000


def clients(exam: Exam, port: int, bare: bool, pipe: Pipe) -> None:
    """Does what the pipe names, until it names None."""
    raise_file_limit()
    uvloop.run(_clients(Waiting(exam, port, bare=bare), pipe))


async def _clients(waiting: Waiting, pipe: Pipe) -> None:
    loop = asyncio.get_running_loop()
    while wanted := await loop.run_in_executor(None, pipe.recv):
        match wanted:
            case Grow(stations):
                pipe.send(await waiting.grow(stations))
            case Beat():
                pipe.send(await waiting.beat(wanted))
