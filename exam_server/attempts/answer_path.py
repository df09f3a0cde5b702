"""The answer path: ``POST /api/station/attempts/{attempt}/records`` as plain ASGI.

It stands before the rest of the application, because a nation's answers all come this way: no
routing, no signature and no validation model lies between the socket and the committer. Refusals
look like those of every other call.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.exc import DataError
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exam_server import metrics
from exam_server.attempts import conflicts, journal
from exam_server.attempts.committer import Committer
from exam_server.attempts.fencing_models import RivalLease
from exam_server.attempts.group import GroupCommit
from exam_server.attempts.leases import LeaseBook, LeaseFacts, LeaseName, read_leases
from exam_server.attempts.preparing import Prepared, prepare
from exam_server.context import Server
from exam_server.contract.api import Acknowledged
from exam_server.contract.batches import CONTENT_TYPE, MAX_BATCH_BYTES, ReceivedBatch
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.requests import STATION_HEADER
from exam_server.errors import RefusedError
from exam_server.stations.gate import refusal, refusal_for, reply
from exam_server.stations.models import Station

PREFIX, SUFFIX = "/api/station/attempts/", "/records"


@dataclass(frozen=True, slots=True)
class _Route:
    """As a router names the route that it found: for the log and the metrics."""

    path: str


ROUTE = _Route(f"{PREFIX}{{attempt}}{SUFFIX}")


class AnswerPath:
    """ASGI middleware that answers the records' call by itself and passes everything else on."""

    def __init__(self, app: ASGIApp, server: Server, committer: Committer) -> None:
        self._app = app
        self._server = server
        self._committer = committer
        self._leases = LeaseBook(self._read_leases)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        attempt = _attempt_in(scope)
        if attempt is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = ROUTE
        response = await self._response(attempt, scope, receive)
        await response(scope, receive, send)

    async def _response(self, attempt: str, scope: Scope, receive: Receive) -> Response:
        try:
            sender = Headers(scope=scope).get(STATION_HEADER)
            return reply(await self._take(attempt, await _body(scope, receive), sender))
        except RefusedError as error:
            return self._refused(error)
        except DataError:
            # An id of which a database says that no row can have it.
            return self._refused(RefusedError(ErrorCode.BAD_REQUEST, "not as agreed"))
        except Exception as error:  # noqa: BLE001 - told to the station, and logged
            return self._refused(refusal_for(error, ROUTE.path))

    def _refused(self, error: RefusedError) -> Response:
        metrics.batch_refused(error.code)
        return refusal(error, self._server.now())

    async def _take(self, attempt: str, body: bytes, sender: str | None) -> Acknowledged:
        try:
            received = ReceivedBatch.from_bytes(body)
        except ContractError as error:
            raise RefusedError(ErrorCode.BAD_REQUEST, str(error)) from error
        if received.batch.attempt != attempt:
            raise RefusedError(ErrorCode.BAD_REQUEST, "a batch of another attempt")
        name = LeaseName(attempt, received.batch.epoch, sender)
        try:
            lease = await self._lease(name)
            received.check_mac(lease.lease_key)
        except (ContractError, RefusedError) as error:
            self._leases.forget(name)
            # Two stations may have a lease of one epoch (`attempts.conflicts`).
            aside = await run_in_threadpool(_of_a_conflict, self._server, received, name)
            if aside is not None:
                return aside
            if isinstance(error, RefusedError):
                raise
            raise RefusedError(ErrorCode.BAD_SIGNATURE, str(error)) from error
        return await self._committer.commit(prepare(received.batch, lease), len(body))

    async def _lease(self, name: LeaseName) -> LeaseFacts:
        found = self._leases.known(name) or await self._leases.lease(name)
        if found is None:
            raise RefusedError(ErrorCode.NOT_FOUND, "there is no such lease here")
        return found

    def _read_leases(self, names: Collection[LeaseName]) -> dict[LeaseName, LeaseFacts]:
        with self._server.reading() as session:
            return read_leases(session, names, self._server.keys)


def committer_of(server: Server) -> Committer:
    """The committer of `server`'s database."""
    settings = server.settings
    groups = GroupCommit(server.engine, settings.grace, distributed=settings.distributed)
    return Committer(
        lambda group: groups.keep(group, server.now()),
        lambda prepared: _by_the_rules(server, prepared),
    )


def _by_the_rules(server: Server, prepared: Prepared) -> Acknowledged:
    """One batch in a transaction of its own, judged record by record."""
    lease, batch = prepared.lease, prepared.batch
    with server.transaction() as session:
        kept: conflicts.Aside | journal.Appended
        rival = conflicts.rival_lease(
            session, lease.centre, lease.attempt, lease.station, lease.epoch
        )
        if rival is not None:
            kept = conflicts.keep_aside(
                session, rival, batch.records, batch.head, keys=server.keys, now=server.now()
            )
        else:
            kept = _appended(server, session, prepared)
    return _told(kept.acknowledged, kept.refusal)


def _appended(server: Server, session: Session, prepared: Prepared) -> journal.Appended:
    station = session.get_one(Station, prepared.lease.station)
    if station.revoked_at is not None:
        raise RefusedError(ErrorCode.STATION_REVOKED, "this station was revoked; enrol it anew")
    return journal.append(
        session,
        prepared.lease.attempt,
        prepared.batch,
        station=station,
        keys=server.keys,
        grace=server.settings.grace,
        now=server.now(),
    )


def _told(acknowledged: Acknowledged, refusal: RefusedError | None) -> Acknowledged:
    """Only now is anything acknowledged or refused: what was kept is committed."""
    if refusal is not None:
        raise refusal
    return acknowledged


def _of_a_conflict(server: Server, received: ReceivedBatch, name: LeaseName) -> Acknowledged | None:
    """What to answer a station whose lease lies aside, or came to count since this process read
    another one under its number; None where it has no such lease."""
    with server.reading() as session:
        proven = conflicts.proven_rival(session, received, server.keys, sender=name.sender)
    if proven is not None:
        aside = _kept_aside(server, received, proven)
        if aside is not None:
            return aside
    with server.reading() as session:
        lease = read_leases(session, [name], server.keys).get(name)
    if lease is None:
        return None
    try:
        received.check_mac(lease.lease_key)
    except ContractError:
        return None
    return _by_the_rules(server, prepare(received.batch, lease))


def _kept_aside(server: Server, received: ReceivedBatch, proven: RivalLease) -> Acknowledged | None:
    """None where an officer has settled meanwhile that this lease counts."""
    batch = received.batch
    with server.transaction() as session:
        rival = conflicts.rival_lease(
            session, proven.centre_id, proven.attempt_id, proven.station_id, proven.epoch
        )
        if rival is None:
            return None
        aside = conflicts.keep_aside(
            session, rival, batch.records, batch.head, keys=server.keys, now=server.now()
        )
    return _told(aside.acknowledged, aside.refusal)


def _attempt_in(scope: Scope) -> str | None:
    """The attempt whose records' call this is, None where it is another call."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path: str = scope["path"]
    if not (path.startswith(PREFIX) and path.endswith(SUFFIX)):
        return None
    return path[len(PREFIX) : -len(SUFFIX)]


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body; refused where it is too long or no CBOR."""
    if Headers(scope=scope).get("content-type") != CONTENT_TYPE:
        raise RefusedError(ErrorCode.BAD_REQUEST, f"records are sent as {CONTENT_TYPE}")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError(ErrorCode.BAD_REQUEST, "the request was cut off")
        body += message.get("body", b"")
        if len(body) > MAX_BATCH_BYTES:
            raise RefusedError(ErrorCode.BAD_REQUEST, "a batch longer than any batch is")
        if not message.get("more_body", False):
            return bytes(body)
