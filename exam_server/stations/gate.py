"""The gate of the stations' interface: proof of every request, JSON in and out, refusals."""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from exam_server import db
from exam_server.body_limit import BodyTooLargeError
from exam_server.context import Server, ServerDep, server_of
from exam_server.contract.api import Refusal
from exam_server.contract.errors import ErrorCode
from exam_server.contract.requests import RequestProof, RequestRefusedError
from exam_server.errors import RefusedError, busy
from exam_server.stations import service
from exam_server.stations.models import Station

Shape = TypeVar("Shape", bound=BaseModel)
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)

#: Others are 409: the request is sound, the state of things forbids it.
_STATUS = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.EVIDENCE_MALFORMED: 400,
    ErrorCode.UNKNOWN_STATION: 401,
    ErrorCode.STATION_REVOKED: 401,
    ErrorCode.BAD_SIGNATURE: 401,
    ErrorCode.STALE_REQUEST: 401,
    ErrorCode.REPLAYED_REQUEST: 401,
    ErrorCode.TOKEN_INVALID: 403,
    ErrorCode.TOKEN_USED: 403,
    ErrorCode.WRONG_REALM: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.TOO_BUSY: 503,
    ErrorCode.INTERNAL: 500,
}
BUSY_RETRY_SECONDS = 1.0


class StationRoute(APIRoute):
    """A route whose every refusal is a `contract.api.Refusal`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await refusing(request, handler)

        return answer


async def refusing(
    request: Request, handler: Callable[[Request], Coroutine[Any, Any, Answer]]
) -> "Answer | Response":
    """What `handler` answers, or the refusal that its failure means."""
    try:
        return await handler(request)
    except RefusedError as error:
        refused = error
    except (RequestValidationError, DataError):
        # The second: an id of which a database says that no row can have it.
        refused = RefusedError(ErrorCode.BAD_REQUEST, "not as agreed")
    except (HTTPException, BodyTooLargeError):
        raise
    except ClientDisconnect:
        # Nobody is left to hear it, and the operator need not.
        refused = RefusedError(ErrorCode.BAD_REQUEST, "the request was cut off")
    except Exception as error:  # noqa: BLE001 - told to the station, and logged
        refused = refusal_for(error, request.url.path)
    return refusal(refused, server_of(request).now())


def refusal_for(error: Exception, path: str) -> RefusedError:
    """What a station is told of an `error` that no rule raised."""
    if db.is_worth_repeating(error):
        return busy(BUSY_RETRY_SECONDS)
    # The last resort: the station hears one line, the operator the whole story.
    log.error("a station's call failed: %s", path, exc_info=error)
    return RefusedError(ErrorCode.INTERNAL, "the server is at fault")


def refusal(error: RefusedError, now: datetime) -> Response:
    """What a station is told that was refused."""
    told = Refusal(
        code=error.code, message=str(error), server_time=now, retry_after=error.retry_after
    )
    return reply(told, status=_STATUS.get(error.code, 409))


def reply(shape: BaseModel, *, status: int = 200) -> Response:
    """`shape` as JSON, its bytes in base64."""
    return Response(shape.model_dump_json(), status_code=status, media_type="application/json")


def parse(kind: type[Shape], body: bytes) -> Shape:
    """`body` as one of the contract's shapes; refused with the first thing that does not fit."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise RefusedError(ErrorCode.BAD_REQUEST, f"{place}: {fault['msg']}") from error


def proof_of(request: Request) -> RequestProof:
    """The request's proof; refused where it has none."""
    try:
        return RequestProof.from_headers(dict(request.headers))
    except RequestRefusedError as error:
        raise RefusedError(error.code, str(error)) from error


def target_of(request: Request) -> str:
    """Path and query as they were sent."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("ascii", "replace")


async def body_of(request: Request) -> bytes:
    """The whole body; its size was limited before."""
    return await request.body()


@dataclass(frozen=True, slots=True)
class StationCall:
    """A proven request: whose it is, its body, and the moment it was let in."""

    server: Server
    station: Station
    body: bytes
    now: datetime


def authenticated(
    request: Request, server: ServerDep, body: Annotated[bytes, Depends(body_of)]
) -> StationCall:
    """Lets in what an enrolled station signed, now, once."""
    now, proof = server.now(), proof_of(request)
    with server.transaction() as session:
        station = service.authenticate(
            session,
            proof,
            method=request.method,
            target=target_of(request),
            body=body,
            realm=server.settings.realm,
            now=now,
        )
    request.state.station_id = station.id  # for the log
    return StationCall(server, station, body, now)


CallDep = Annotated[StationCall, Depends(authenticated)]
