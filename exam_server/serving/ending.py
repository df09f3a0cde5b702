"""What a process that ends says to requests it will not finish: come again, not that it failed.

uvicorn cancels what is not finished in time, and what reaches a connection whose handshake ended
after that; left alone, it answers each with a bare 500, which a station must take for a fault. The
call may have been carried out nevertheless: every call of the stations may be sent again.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exam_server.errors import busy
from exam_server.stations.gate import BUSY_RETRY_SECONDS, refusal

STATIONS = "/api/"
FOR_PEOPLE = (
    "Máy chủ đang khởi động lại. Xin chờ vài giây rồi tải lại trang.\n"
    "The server is restarting. Wait a few seconds, then load the page again.\n"
)


class Ending:
    """ASGI middleware; learns of the end from the lifespan's messages, and from cancellation.

    `now` is the server's time, which every refusal tells.
    """

    def __init__(self, app: ASGIApp, now: Callable[[], datetime]) -> None:
        self._app, self._now = app, now
        self._ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, self._listening(receive), send)
        elif self._ended:
            await self._come_again(scope, receive, send)
        else:
            await self._unless_cancelled(scope, receive, send)

    def _listening(self, receive: Receive) -> Receive:
        async def heard() -> Message:
            message = await receive()
            self._ended = message["type"] == "lifespan.shutdown"
            return message

        return heard

    async def _unless_cancelled(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if answered:
                raise  # half an answer is cut off, so that nobody takes it for a whole one
            await self._come_again(scope, receive, send)

    async def _come_again(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._for_stations() if scope["path"].startswith(STATIONS) else _for_people()
        response.headers["retry-after"] = f"{BUSY_RETRY_SECONDS:.0f}"
        response.headers["connection"] = "close"
        await response(scope, receive, send)

    def _for_stations(self) -> Response:
        return refusal(busy(BUSY_RETRY_SECONDS), self._now())


def _for_people() -> Response:
    return PlainTextResponse(FOR_PEOPLE, status_code=503)
