"""Lease, opening, records, handing in."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from exam_server.attempts import handing_in, journal, service
from exam_server.contract.api import RecordBatch, Submission
from exam_server.stations.gate import CallDep, StationRoute, authenticated, parse, reply

router = APIRouter(
    prefix="/api/station/attempts",
    route_class=StationRoute,
    dependencies=[Depends(authenticated)],
)


@router.post("/{attempt}/lease")
def lease(attempt: str, call: CallDep) -> Response:
    with call.server.transaction() as session:
        view = service.lease(
            session, attempt, station=call.station, keys=call.server.keys, now=call.now
        )
    return reply(view)


@router.post("/{attempt}/open")
def open_form(attempt: str, call: CallDep) -> Response:
    with call.server.transaction() as session:
        view = service.open_form(
            session, attempt, station=call.station, keys=call.server.keys, now=call.now
        )
    return reply(view)


@router.post("/{attempt}/records")
def records(attempt: str, call: CallDep) -> Response:
    batch = parse(RecordBatch, call.body)
    with call.server.transaction() as session:
        appended = journal.append(
            session,
            attempt,
            batch,
            station=call.station,
            keys=call.server.keys,
            grace=call.server.settings.grace,
            now=call.now,
        )
    # Only now is anything acknowledged or refused: what was kept is committed.
    if appended.refusal is not None:
        raise appended.refusal
    return reply(appended.acknowledged)


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
