"""Stations by the thousand for benchmarks: their rows in the database, and lean clients.

The clients speak the real protocol (TLS 1.3 to the pinned certificate, signed requests, kits,
sealed packages) over one connection each, on uvloop, many in one process.
"""

import asyncio
import hashlib
import os
import resource
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from exam_server import auth, db, directory
from exam_server.attempts.keys import attempt_id_of
from exam_server.attempts.models import Attempt
from exam_server.contract.api import PULSE
from exam_server.contract.records import genesis
from exam_server.contract.requests import NONCE_BYTES, sign_request
from exam_server.db import new_id
from exam_server.forms.models import Realm
from exam_server.shifts.models import Placement, Shift
from exam_server.staff import Role, Staff, StaffSession
from exam_server.stations.models import Assignment, Station
from exam_station.client import pinned_context
from rig.server import Server

SEATS_A_ROOM = 24
AT_ONCE = 48
TOO_BUSY, TRIES = 503, 20
EVENTS = "/api/station/events"
PULSE_CHUNK, END_OF_BODY = b"1\r\n" + PULSE + b"\r\n", b"0\r\n\r\n"
OFFICER = "bench"


def raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@dataclass(frozen=True, slots=True)
class Seat:
    """One station of the benchmark: its id and its number, from which its keys follow."""

    number: int
    station: str
    attempt: str

    @property
    def signing(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(_seed("sign", self.number))

    @property
    def wrapping(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(_seed("wrap", self.number))

    def headers(self, method: str, target: str, body: bytes = b"") -> str:
        """The headers of a signed request."""
        proof = sign_request(
            self.signing,
            station=self.station,
            method=method,
            target=target,
            body=body,
            now=datetime.now(UTC),
            nonce=os.urandom(NONCE_BYTES),
        )
        return "".join(f"{name}: {value}\r\n" for name, value in proof.headers().items())


def _seed(purpose: str, number: int) -> bytes:
    return hashlib.sha256(f"benchmark {purpose} {number}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Exam:
    """What the clients need to know of the server."""

    shift: str
    seats: tuple[Seat, ...]
    server_key: bytes
    certificate: bytes
    cookie: str
    csrf: str


def prepare(server: Server, count: int) -> Exam:
    """An opened shift of `count` candidates, all admitted, a station at each seat."""
    rooms = -(-count // SEATS_A_ROOM)
    plan = server.folder.with_name("plan.json")
    server.call(
        *("rehearsal", str(server.folder), "--candidates", str(count), "--rooms", str(rooms)),
        *("--out", str(plan)),
    )
    with directory.open_server(server.folder) as opened:
        seats, shift = _seat_all(opened.engine)
        cookie, csrf = _sign_in(opened.engine)
        key = opened.public_key().public_bytes_raw()
    pem = (server.folder / "tls.crt").read_text()
    return Exam(shift, seats, key, ssl.PEM_cert_to_DER_cert(pem), cookie, csrf)


def _seat_all(engine: sa.Engine) -> tuple[tuple[Seat, ...], str]:
    now = datetime.now(UTC)
    with db.transaction(engine) as session:
        placements = session.scalars(sa.select(Placement).order_by(Placement.id)).all()
        shift = session.scalars(sa.select(Shift)).one()
        seats = tuple(
            Seat(number, new_id(), attempt_id_of(one.id)) for number, one in enumerate(placements)
        )
        rows = list(zip(seats, placements, strict=True))
        session.execute(sa.insert(Station), [_station(seat, one, now) for seat, one in rows])
        session.execute(
            sa.insert(Assignment),
            [
                {
                    "id": new_id(),
                    "centre_id": one.centre_id,
                    "station_id": seat.station,
                    "seat_id": one.seat_id,
                    "since": now,
                }
                for seat, one in rows
            ],
        )
        session.execute(
            sa.insert(Attempt),
            [
                {
                    "id": seat.attempt,
                    "centre_id": one.centre_id,
                    "shift_id": one.shift_id,
                    "placement_id": one.id,
                    "form_id": one.form_id,
                    "admitted_at": now,
                    "allowance_seconds": 5400,
                    "head": genesis(seat.attempt),
                }
                for seat, one in rows
            ],
        )
        return seats, shift.id


def _station(seat: Seat, placement: Placement, now: datetime) -> dict[str, object]:
    return {
        "id": seat.station,
        "centre_id": placement.centre_id,
        "realm": Realm.TEST,
        "name": f"bench {seat.number}",
        "signing_key": seat.signing.public_key().public_bytes_raw(),
        "wrapping_key": seat.wrapping.public_key().public_bytes_raw(),
        "enrolled_at": now,
    }


def _sign_in(engine: sa.Engine) -> tuple[str, str]:
    """A session of the exam office: its cookie, and the token that its forms carry."""
    now = datetime.now(UTC)
    with db.transaction(engine) as session:
        session.add(
            Staff(
                id=OFFICER,
                username=OFFICER,
                name=OFFICER,
                role=Role.EXAM_OFFICE,
                password_hash="-",
                created_at=now,
            )
        )
    officer = auth.Officer(OFFICER, OFFICER, OFFICER, Role.EXAM_OFFICE)
    cookie = auth.open_session(engine, officer, now=now, rng=os.urandom)
    with db.reading(engine) as session:
        opened = session.scalars(sa.select(StaffSession)).one()
    return cookie, opened.csrf_token


def resident_bytes(pids: Sequence[int]) -> int:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * resource.getpagesize()


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time that `pids` have used, their threads included."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def server_key(exam: Exam) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(exam.server_key)


class Connection:
    """One TLS connection and the HTTP/1.1 answers on it; no more than these benchmarks need."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int, context: ssl.SSLContext) -> "Connection":
        # A reader's limit bounds its buffer: the sealed packages are the longest answers.
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=256 * 1024))

    async def get(self, seat: Seat, target: str) -> bytes:
        """The whole body of a signed GET; RuntimeError where it is refused."""
        head = await self._ask(_signed(seat, "GET", target))
        return await self._reader.readexactly(int(head["content-length"]))

    async def post(self, seat: Seat, target: str, body: bytes) -> bytes:
        """The whole answer to a signed POST; RuntimeError where it is refused."""
        head = await self._ask(_signed(seat, "POST", target, body))
        return await self._reader.readexactly(int(head["content-length"]))

    async def listen(self, seat: Seat) -> None:
        """Asks for the stream; its pieces come from `piece`."""
        head = await self._ask(_streaming(seat), again=END_OF_BODY)
        if head.get("transfer-encoding") != "chunked":
            raise RuntimeError(f"no stream: {head}")

    async def piece(self) -> bytes:
        """The next piece of a stream."""
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        return (await self._reader.readexactly(size + 2))[:size]

    async def raw(self, size: int) -> bytes:
        return await self._reader.readexactly(size)

    def pulse(self) -> None:
        """A pulse on the stream; its answer is a piece of it."""
        self._writer.write(PULSE_CHUNK)

    def close(self) -> None:
        self._writer.close()

    async def _ask(self, request: Callable[[], bytes], again: bytes = b"") -> dict[str, str]:
        """The head of the answer. Who is told to come again does, as a station would; `again` ends
        the refused request."""
        for _ in range(TRIES):
            status, head = await self._once(request())
            if status == 200:
                return head
            said = await self._reader.readexactly(int(head["content-length"]))
            if status != TOO_BUSY:
                break
            await asyncio.sleep(1.0)
            self._writer.write(again)
        raise RuntimeError(f"{status} {said.decode()[:200]}")

    async def _once(self, request: bytes) -> tuple[int, dict[str, str]]:
        self._writer.write(request)
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (one.partition(": ") for one in lines if one)
        return int(status.split()[1]), {name.lower(): value for name, _, value in pairs}


def _signed(seat: Seat, method: str, target: str, body: bytes = b"") -> Callable[[], bytes]:
    """A request, signed anew at every call."""

    def request() -> bytes:
        head = f"{method} {target} HTTP/1.1\r\nhost: bench\r\n{seat.headers(method, target, body)}"
        length = f"content-length: {len(body)}\r\n" if body else ""
        return f"{head}{length}\r\n".encode() + body

    return request


def _streaming(seat: Seat) -> Callable[[], bytes]:
    """The request for the stream; its body goes on."""

    def request() -> bytes:
        head = f"POST {EVENTS} HTTP/1.1\r\nhost: bench\r\n{seat.headers('POST', EVENTS)}"
        return f"{head}transfer-encoding: chunked\r\n\r\n".encode()

    return request


def client_context(exam: Exam) -> ssl.SSLContext:
    return pinned_context(exam.certificate)


def shares(seats: Sequence[Seat], parts: int) -> Iterator[Sequence[Seat]]:
    """`seats` dealt out to `parts` processes."""
    for part in range(parts):
        yield seats[part::parts]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of `values` lie; they are sorted."""
    return values[min(len(values) - 1, int(share * len(values)))]
