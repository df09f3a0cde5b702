"""Challenges and check-ins of stations."""

from datetime import timedelta

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from exam_server.checkin import chip, offline, service, terminal
from exam_server.checkin.judgement import judge, policy_of
from exam_server.contract.api import (
    ChallengeRequest,
    CheckInRequest,
    ChipResponse,
    ChipTerminalRequest,
    OfflineCheckIn,
)
from exam_server.contract.errors import ErrorCode
from exam_server.errors import RefusedError
from exam_server.stations.gate import CallDep, StationRoute, authenticated, parse, reply

router = APIRouter(
    prefix="/api/station", route_class=StationRoute, dependencies=[Depends(authenticated)]
)


@router.post("/challenges")
def challenges(call: CallDep) -> Response:
    asked = parse(ChallengeRequest, call.body)
    with call.server.transaction() as session:
        view = chip.issue_challenge(
            session,
            asked.placement,
            station=call.station,
            lifetime=timedelta(seconds=call.server.settings.challenge_seconds),
            now=call.now,
        )
    return reply(view)


@router.post("/terminals")
def terminals(call: CallDep) -> Response:
    asked = parse(ChipTerminalRequest, call.body)
    with call.server.transaction() as session:
        view = terminal.begin_run(
            session,
            asked,
            station=call.station,
            sealing=call.server.keys.sealing,
            now=call.now,
        )
    return reply(view)


@router.post("/terminals/{run}/response")
def terminal_response(run: str, call: CallDep) -> Response:
    answer = parse(ChipResponse, call.body)
    with call.server.transaction() as session:
        keys = terminal.release_keys(
            session,
            run,
            answer,
            station=call.station,
            sealing=call.server.keys.sealing,
            now=call.now,
        )
    if keys is None:
        raise RefusedError(ErrorCode.CHIP_NOT_GENUINE, "the chip's response does not hold")
    return reply(keys)


@router.post("/checkins")
def checkins(call: CallDep) -> Response:
    request, server = parse(CheckInRequest, call.body), call.server
    with server.transaction() as session:
        begun = chip.begin(
            session,
            request,
            station=call.station,
            late_limit=server.settings.late_limit,
            now=call.now,
        )
        proofs = terminal.proofs(
            session, call.station.centre_id, request.challenge, server.keys.sealing
        )
    if begun.known is not None:
        return reply(begun.known)
    # Outside of any transaction: verifying takes longer than writing, and needs no database.
    judgement = judge(
        request.evidence,
        begun.expected,
        consent=request.consent,
        face=request.face,
        face_accept=server.settings.face_accept,
        trust=server.trust,
        policy=policy_of(server.settings),
        proofs=proofs,
        now=call.now,
    )
    with server.transaction() as session:
        view = chip.conclude(
            session,
            request,
            judgement,
            station=call.station,
            keys=server.keys,
            settings=server.settings,
            now=call.now,
        )
    return reply(view)


@router.post("/checkins/offline")
def offline_checkin(call: CallDep) -> Response:
    told, server = parse(OfflineCheckIn, call.body), call.server
    with server.transaction() as session:
        taken = offline.take(
            session,
            told,
            station=call.station,
            keys=server.keys,
            late_limit=server.settings.late_limit,
            now=call.now,
        )
    if taken.known is not None:
        return reply(taken.known)
    judgement = offline.judged(
        told, taken, trust=lambda: server.trust, settings=server.settings, now=call.now
    )
    with server.transaction() as session:
        view = offline.conclude(
            session,
            told,
            taken,
            judgement,
            station=call.station,
            keys=server.keys,
            settings=server.settings,
            now=call.now,
        )
    return reply(view)


@router.get("/checkins/{checkin}")
def checkin(checkin: str, call: CallDep) -> Response:
    with call.server.reading() as session:
        view = service.latest_view(session, checkin, station=call.station, now=call.now)
    return reply(view)
