"""One line and one measurement for each request: which route, what became of it, how long."""

import itertools
import logging
import os
import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exam_server import metrics
from exam_server.serving.logs import current_request

log = logging.getLogger(__name__)

REQUEST_ID = b"x-request-id"
#: In the state of a request, where the gate notes the proven station.
STATION = "station_id"
UNMATCHED = "unmatched"
NOBODY_LEFT = 499
"""The code of a request whose client went away before it was answered."""
#: Asked so often that only what goes wrong is worth a line; the metrics count them all.
QUIET = frozenset(
    {
        "/api/station/heartbeat",
        "/api/station/events",
        "/api/station/attempts/{attempt}/records",
        "/static",
        "/health",
        "/ready",
    }
)
#: Back-pressure is no news of one request; the metrics tell how much there is of it.
_BUSY = 503


class RequestLog:
    """ASGI, around everything else. `monotonic` gives seconds."""

    def __init__(self, app: ASGIApp, monotonic: Callable[[], float] = time.perf_counter) -> None:
        self._app, self._monotonic = app, monotonic
        # Drawn once: an id for each request of its own would cost the hot path more than it tells.
        self._ours, self._numbers = os.urandom(6).hex(), itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, code = self._monotonic(), NOBODY_LEFT
        request = f"{self._ours}-{next(self._numbers):x}"

        async def noted(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, request.encode())]
            await send(message)

        token = current_request.set(request)
        try:
            await self._app(scope, receive, noted)
        except Exception:  # only noted here; whoever answers for it is above
            code = 500
            raise
        finally:
            self._tell(scope, code, self._monotonic() - begun)
            current_request.reset(token)

    def _tell(self, scope: Scope, code: int, seconds: float) -> None:
        route, method = route_of(scope), method_of(scope)
        metrics.request_answered(method, route, code, seconds)
        if route in QUIET and (code < 400 or code == _BUSY):
            return
        fields: dict[str, Any] = {
            "method": method,
            "route": route,
            "code": code,
            "milliseconds": round(seconds * 1000, 1),
        }
        station = scope.get("state", {}).get(STATION)
        if station is not None:
            fields["station"] = station
        log.info("request", extra=fields)


def route_of(scope: Scope) -> str:
    """The route's template. A path that fits none is not told: it may hold anything."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else UNMATCHED


def method_of(scope: Scope) -> str:
    """The method where it is one that anything here knows, since a label is of a closed set."""
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "OTHER"
