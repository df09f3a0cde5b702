"""Lease, opening, handing in. Records come by `attempts.answer_path`."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from exam_server.attempts import claims, granting, handing_in, starting_by_code
from exam_server.attempts import history as histories
from exam_server.contract.api import Claim, HistoryRequest, StartedByCode, Submission
from exam_server.stations.gate import CallDep, StationRoute, authenticated, parse, reply

router = APIRouter(
    prefix="/api/station/attempts",
    route_class=StationRoute,
    dependencies=[Depends(authenticated)],
)


@router.post("/{attempt}/lease")
def lease(attempt: str, call: CallDep) -> Response:
    with call.server.transaction() as session:
        view = granting.lease(
            session, attempt, station=call.station, keys=call.server.keys, now=call.now
        )
    return reply(view)


@router.post("/{attempt}/open")
def open_form(attempt: str, call: CallDep) -> Response:
    with call.server.transaction() as session:
        view = granting.open_form(
            session, attempt, station=call.station, keys=call.server.keys, now=call.now
        )
    return reply(view)


@router.post("/{attempt}/claim")
def claim(attempt: str, call: CallDep) -> Response:
    asked = parse(Claim, call.body)
    with call.server.transaction() as session:
        view = claims.claim(
            session,
            attempt,
            asked,
            station=call.station,
            keys=call.server.keys,
            grace=call.server.settings.grace,
            now=call.now,
        )
    return reply(view)


@router.post("/{attempt}/history")
def history(attempt: str, call: CallDep) -> Response:
    asked = parse(HistoryRequest, call.body)
    with call.server.transaction() as session:
        view = histories.history(session, attempt, asked, station=call.station, now=call.now)
    return reply(view)


@router.post("/{attempt}/started")
def started(attempt: str, call: CallDep) -> Response:
    told = parse(StartedByCode, call.body)
    with call.server.transaction() as session:
        view = starting_by_code.take(
            session,
            attempt,
            told,
            station=call.station,
            keys=call.server.keys,
            late_limit=call.server.settings.late_limit,
            now=call.now,
        )
    return reply(view)


@router.post("/{attempt}/submit")
def submit(attempt: str, call: CallDep) -> Response:
    submission = parse(Submission, call.body)
    with call.server.transaction() as session:
        view = handing_in.submit(
            session,
            attempt,
            submission,
            station=call.station,
            keys=call.server.keys,
            now=call.now,
        )
    return reply(view)
