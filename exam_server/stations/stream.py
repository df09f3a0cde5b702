"""``POST /api/station/events``: a long request and a long answer, on one connection.

In the answer a station hears that something is new. The request's body goes on as long: each piece
of it is a pulse, which says that the station lives and has nothing new to tell, and is answered at
once, so that each side knows of the other. Plain ASGI: while it waits it has no thread and no
database session. The request is proven once, before its body; a station that is revoked or put
elsewhere is cut off and has to ask again.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from sqlmodel import select
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exam_server.body_limit import BodyTooLargeError
from exam_server.context import Server, server_of
from exam_server.contract.api import ShiftState, StationEvent, StationEventKind
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.stations import service
from exam_server.stations.events import CHANGED, StationEvents, Stream, line
from exam_server.stations.gate import authenticated, refusing
from exam_server.stations.presence import Presence

PATH = "/api/station/events"
MEDIA_TYPE = b"application/x-ndjson"


def signal_of(server: Server, shift_name: str) -> Mapping[str, bytes]:
    """What every room of a shift (centre, a dot, its id) is told: the start with its secret, or
    that something changed."""
    centre, _, shift_id = shift_name.partition(".")
    with server.reading() as session:
        shift = session.get(Shift, (centre, shift_id))
        if shift is None:
            return {}
        rooms = session.exec(
            select(Placement.room_id)
            .where(Placement.centre_id == shift.centre_id, Placement.shift_id == shift.id)
            .distinct()
        ).all()
    if shift.state is not ShiftState.STARTED:
        return dict.fromkeys(rooms, CHANGED)
    release = ShiftRelease(shift, server.sealing)
    return {
        room: line(
            StationEvent(
                kind=StationEventKind.STARTED,
                shift=shift.id,
                started_at=shift.started_at,
                start_secret=release.start_secret(room),
            )
        )
        for room in rooms
    }


def events_route(hub: StationEvents, presence: Presence) -> Route:
    """The route, for the application's list of them."""
    return Route(PATH, _Events(hub, presence), methods=["POST"])


class _Events:
    """The endpoint: proves the request, then answers with a stream."""

    def __init__(self, hub: StationEvents, presence: Presence) -> None:
        self._hub, self._presence = hub, presence
        self.path = PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self  # as FastAPI's routes do, for the request log
        answer = await refusing(Request(scope, receive), self._admit)
        await answer(scope, receive, send)

    async def _admit(self, request: Request) -> ASGIApp:
        return _Answer(self._hub, self._presence, await run_in_threadpool(_place, request))


@dataclass(frozen=True, slots=True)
class _Place:
    """A station, its centre, and where it stands."""

    station: str
    centre: str
    seat: str | None
    room: str | None


def _place(request: Request) -> _Place:
    """Who sent this request, proven without its body; refused otherwise."""
    call = authenticated(request, server_of(request), b"")
    with call.server.reading() as session:
        seat = service.seat_of(session, call.station)
    station = call.station
    return _Place(
        station.id, station.centre_id, seat.id if seat else None, seat.room_id if seat else None
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """The stream itself; it begins with `changed`, so that nothing was missed before it."""

    hub: StationEvents
    presence: Presence
    place: _Place

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        place = self.place
        with self.hub.listen(place.station, place.seat, place.room) as stream:
            gone = asyncio.ensure_future(self._hear(receive, stream))
            try:
                headers = [(b"content-type", MEDIA_TYPE)]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                said: bytes | None = CHANGED
                while said is not None:
                    await send({"type": "http.response.body", "body": said, "more_body": True})
                    said = await stream.next()
                await send({"type": "http.response.body", "body": b""})
            finally:
                gone.cancel()

    async def _hear(self, receive: Receive, stream: Stream) -> None:
        """Notes and answers the station's pulses; ends the stream once it is gone."""
        with suppress(BodyTooLargeError):
            while (message := await receive())["type"] != "http.disconnect":
                if message.get("body"):
                    self.presence.heard(self.place.centre, self.place.station)
                    stream.push(self.hub.echo())
        stream.end()
