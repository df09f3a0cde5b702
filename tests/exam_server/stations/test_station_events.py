"""The stream of a station, from the commit to the line; each test with a loop of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from fastapi import FastAPI
from kiosk import Kiosk
from server_world import FIRST, World
from starlette.types import Message

from exam_server.attempts import service as attempts
from exam_server.audit import Operator
from exam_server.contract.api import PULSE, StationEvent, StationEventKind
from exam_server.contract.errors import ErrorCode
from exam_server.contract.requests import NONCE_BYTES, sign_request
from exam_server.stations import service
from exam_server.stations.events import CHANGED, KEEP_ALIVE, Stream
from exam_server.stations.stream import PATH

WITHIN = 20.0


class Listener:
    """One request for the stream, spoken to the application itself."""

    def __init__(self, app: FastAPI, kiosk: Kiosk, nonce: bytes) -> None:
        proof = sign_request(
            kiosk.signing, station=kiosk.station, method="POST", target=PATH, body=b"",
            now=kiosk.clock.now, nonce=nonce,
        )  # fmt: skip
        headers = [(name.encode(), text.encode()) for name, text in proof.headers().items()]
        self._scope = {
            "type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(),
            "query_string": b"", "headers": headers, "scheme": "https", "http_version": "1.1",
            "server": ("testserver", 443), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self.task = asyncio.ensure_future(app(self._scope, self._receive, self._said.put))

    async def _receive(self) -> Message:
        return await self._sent.get()

    async def send(self, piece: bytes) -> None:
        """A piece of the request's body."""
        await self._sent.put({"type": "http.request", "body": piece, "more_body": True})

    @property
    def unheard(self) -> int:
        """Pieces of the body that the application has not taken."""
        return self._sent.qsize()

    async def status(self) -> int:
        return (await asyncio.wait_for(self._said.get(), WITHIN))["status"]

    async def body(self) -> bytes:
        return (await asyncio.wait_for(self._said.get(), WITHIN)).get("body", b"")

    async def events(self) -> list[StationEvent]:
        lines = (await self.body()).splitlines()
        return [StationEvent.model_validate_json(one) for one in lines if one]

    async def ended(self) -> None:
        """The server ends the stream, whatever it said before."""
        while await self.body():
            pass
        await asyncio.wait_for(self.task, WITHIN)

    async def leave(self) -> None:
        await self._sent.put({"type": "http.disconnect"})
        await asyncio.wait_for(self.task, WITHIN)


@asynccontextmanager
async def listening(
    world: World, kiosk: Kiosk, nonce: bytes = bytes(16)
) -> AsyncIterator[Listener]:
    listener = Listener(world.app, kiosk, nonce)
    try:
        assert await listener.status() == 200
        assert await listener.body() == CHANGED  # nothing was missed before it
        yield listener
    finally:
        await listener.leave()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


async def act(call: Callable[[], object]) -> None:
    """As a request does: on a thread."""
    await asyncio.to_thread(call)


def admitted(world: World) -> tuple[Kiosk, str]:
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    attempt = kiosk.heartbeat().placement.attempt
    assert attempt is not None
    return kiosk, attempt


def test_the_start_signal_comes_with_the_rooms_own_secret(world: World) -> None:
    kiosk, _ = admitted(world)
    other = world.kiosk(room="P.102")

    async def test() -> None:
        async with listening(world, kiosk) as here, listening(world, other) as there:
            await act(world.start_shift)
            for listener, kit in ((here, kiosk.kit), (there, other.kit)):
                [event] = await listener.events()
                assert event.kind is StationEventKind.STARTED
                assert (event.shift, event.started_at) == (world.shift_id, world.clock.now)
                assert (await asyncio.to_thread(kit)).opens_with(event.start_secret)

    run(test)


def test_a_change_of_time_is_told_to_its_seat_alone(world: World) -> None:
    kiosk, attempt = admitted(world)
    world.start_shift()
    other = world.kiosk(seat="02")

    def extend() -> None:
        with world.server.transaction() as session:
            attempts.extend(
                session, attempt, officer=FIRST, by=timedelta(minutes=5), reason="mất điện",
                now=world.clock.now,
            )  # fmt: skip

    async def test() -> None:
        async with listening(world, kiosk) as here, listening(world, other) as there:
            await act(extend)
            assert await here.body() == CHANGED
            await there.send(PULSE)
            assert await there.body() == KEEP_ALIVE  # and nothing before it

    run(test)


def test_a_room_hears_of_a_station_that_comes_and_of_one_that_is_revoked(world: World) -> None:
    """Its kits name the stations that may write there."""
    kiosk, _ = admitted(world)
    came: list[Kiosk] = []

    def revoke() -> None:
        with world.server.transaction() as session:
            service.revoke(
                session, came[0].station, officer=Operator(), reason="mất máy", now=world.clock.now
            )

    async def test() -> None:
        async with listening(world, kiosk) as here:
            await act(lambda: came.append(world.kiosk(seat="02")))
            assert await here.body() == CHANGED
            await act(revoke)
            assert await here.body() == CHANGED

    run(test)


def test_what_is_rolled_back_is_never_told(world: World) -> None:
    kiosk, attempt = admitted(world)
    world.start_shift()

    def extend_in_vain() -> None:
        with pytest.raises(ZeroDivisionError), world.server.transaction() as session:
            attempts.extend(
                session, attempt, officer=FIRST, by=timedelta(minutes=5), reason="mất điện",
                now=world.clock.now,
            )  # fmt: skip
            raise ZeroDivisionError

    async def test() -> None:
        async with listening(world, kiosk) as here:
            await act(extend_in_vain)
            await here.send(PULSE)
            assert await here.body() == KEEP_ALIVE  # and nothing before it

    run(test)


def test_a_station_that_is_revoked_is_cut_off_and_not_let_in_again(world: World) -> None:
    kiosk, _ = admitted(world)

    def revoke() -> None:
        with world.server.transaction() as session:
            service.revoke(
                session, kiosk.station, officer=Operator(), reason="mất máy", now=world.clock.now
            )

    async def test() -> None:
        async with listening(world, kiosk) as here:
            await act(revoke)
            await here.ended()
        again = Listener(world.app, kiosk, b"\x01" * NONCE_BYTES)
        assert await again.status() == 401
        assert json.loads(await again.body())["code"] == ErrorCode.STATION_REVOKED

    run(test)
    assert world.app.state.stations.streams == 0


def test_a_request_that_was_recorded_opens_no_second_stream(world: World) -> None:
    kiosk, _ = admitted(world)

    async def test() -> None:
        async with listening(world, kiosk, b"\x02" * NONCE_BYTES):
            again = Listener(world.app, kiosk, b"\x02" * NONCE_BYTES)
            assert await again.status() == 401
            assert json.loads(await again.body())["code"] == ErrorCode.REPLAYED_REQUEST

    run(test)


def test_a_server_that_stops_ends_its_streams(world: World) -> None:
    kiosk, _ = admitted(world)

    async def test() -> None:
        async with listening(world, kiosk) as here:
            world.app.state.stations.close()
            assert await here.body() == b""

    run(test)


def test_a_stream_that_begins_behind_the_end_is_ended_at_once(world: World) -> None:
    kiosk, _ = admitted(world)

    async def test() -> None:
        async with listening(world, kiosk, b"\x01" * NONCE_BYTES):
            world.app.state.stations.close()
        async with listening(world, kiosk, b"\x02" * NONCE_BYTES) as late:
            assert await late.body() == b""

    run(test)


def test_the_opening_of_a_shift_is_told(world: World) -> None:
    kiosk = world.kiosk()

    async def test() -> None:
        async with listening(world, kiosk) as here:
            await act(world.open_shift)
            assert CHANGED.strip() in (await here.body()).splitlines()

    run(test)


def test_quiet_streams_show_that_they_live() -> None:
    async def test() -> None:
        stream = Stream(())
        assert await stream.next(0.01) == KEEP_ALIVE
        stream.push(CHANGED)
        stream.push(CHANGED)
        assert await stream.next(0.01) == CHANGED
        stream.end()
        assert await stream.next(0.01) is None

    run(test)


def test_a_started_shift_is_told_even_where_the_lookup_fails(world: World) -> None:
    kiosk, _ = admitted(world)

    def broken(_shift: str) -> dict[str, bytes]:
        raise OSError("the database is away")

    async def test() -> None:
        async with listening(world, kiosk) as here:
            world.app.state.stations._signal = broken
            await act(world.start_shift)
            assert await here.body() == CHANGED

    run(test)
