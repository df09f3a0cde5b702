"""Enrolment, heartbeat, packages."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from exam_server.attempts import restarts
from exam_server.context import ServerDep
from exam_server.contract.api import Enrolled, Enrolment, Heartbeat
from exam_server.contract.errors import ErrorCode
from exam_server.errors import RefusedError
from exam_server.forms.models import Package
from exam_server.shifts.room_kit import sealed_kit
from exam_server.stations import service
from exam_server.stations.gate import (
    CallDep,
    StationRoute,
    authenticated,
    body_of,
    parse,
    proof_of,
    reply,
    target_of,
)
from exam_server.stations.view import seat_view, shift_of

#: Open: whoever enrols has no key that the server knows yet.
enrolling = APIRouter(prefix="/api/station", route_class=StationRoute)
router = APIRouter(
    prefix="/api/station", route_class=StationRoute, dependencies=[Depends(authenticated)]
)


@enrolling.post("/enrolment")
def enrol(
    request: Request, server: ServerDep, body: Annotated[bytes, Depends(body_of)]
) -> Response:
    now, enrolment = server.now(), parse(Enrolment, body)
    service.check_enrolment_signature(
        proof_of(request), enrolment, target=target_of(request), body=body, now=now
    )
    with server.transaction() as session:
        station = service.enrol(session, enrolment, realm=server.settings.realm, now=now)
    return reply(
        Enrolled(
            station=station.id,
            realm=station.realm.value,
            name=station.name,
            server_key=server.keys.signing.public_key().public_bytes_raw(),
            recovery_key=server.keys.recovery.public_key().public_bytes_raw(),
            server_time=now,
        )
    )


@router.post("/heartbeat")
def heartbeat(call: CallDep) -> Response:
    beat = parse(Heartbeat, call.body)
    with call.server.transaction() as session:
        service.prune_nonces(session, call.station, call.now)
        service.heartbeat(session, call.station, beat, now=call.now)
        if beat.restart is not None:
            restarts.note(session, call.station, beat.restart, call.now)
        late_limit = call.server.settings.late_limit
        view = seat_view(session, call.station, late_limit=late_limit, now=call.now)
    return reply(view)


@router.get("/kit")
def kit(call: CallDep) -> Response:
    server = call.server
    with server.reading() as session:
        seat = service.seat_of(session, call.station)
        shift = None if seat is None else shift_of(session, seat)
        if seat is None or shift is None:
            raise RefusedError(ErrorCode.NO_SEAT, "this station stands at no seat with a shift")
        sealed = sealed_kit(
            session,
            call.station,
            seat,
            shift,
            keys=server.keys,
            late_limit=server.settings.late_limit,
        )
    return Response(sealed, media_type="application/octet-stream")


@router.get("/packages/{package}")
def package(package: str, call: CallDep) -> Response:
    with call.server.reading() as session:
        found = session.get(Package, (call.station.centre_id, package))
        if found is None:
            raise RefusedError(ErrorCode.NOT_FOUND, "there is no such package here")
        sealed = found.sealed
    return Response(sealed, media_type="application/octet-stream")
