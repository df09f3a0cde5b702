"""A process that ends tells whom it will not serve any more to come again."""

import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient
from server_world import World
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from exam_server.app import create_app
from exam_server.contract.api import Refusal
from exam_server.contract.errors import ErrorCode
from exam_server.items import apart
from exam_server.serving.ending import Ending

STATIONS, PAGE = "/api/station/attempts/a/records", "/rooms"


class Slow:
    """Answers when it is let; begins its answer at once where that is asked."""

    def __init__(self, *, begins: bool = False) -> None:
        self._begins = begins
        self.at_work = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        self.at_work.set()
        await asyncio.Event().wait()


def asked_and_cancelled(world: World, slow: Slow, path: str) -> list[dict[str, Any]]:
    """What is sent to a client whose request is cancelled as uvicorn cancels it."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def ask() -> None:
        scope = {"type": "http", "method": "POST", "path": path, "headers": []}
        asking = asyncio.create_task(Ending(slow, world.server.now)(scope, receive, send))
        await slow.at_work.wait()
        asking.cancel()
        await asking

    asyncio.run(ask())
    return sent


def test_a_station_whose_call_is_cancelled_is_told_to_come_again(world: World) -> None:
    start, body = asked_and_cancelled(world, Slow(), STATIONS)
    assert start["status"] == 503
    assert {(b"retry-after", b"1"), (b"connection", b"close")} <= set(start["headers"])
    told = Refusal.model_validate_json(body["body"])
    assert (told.code, told.retry_after) == (ErrorCode.TOO_BUSY, 1.0)
    assert told.server_time == world.server.now()


def test_a_person_is_told_in_both_languages(world: World) -> None:
    start, body = asked_and_cancelled(world, Slow(), PAGE)
    assert start["status"] == 503
    text = body["body"].decode()
    assert "tải lại trang" in text
    assert "load the page again" in text


def test_an_answer_that_has_begun_is_cut_off_and_not_replaced(world: World) -> None:
    slow = Slow(begins=True)
    with pytest.raises(asyncio.CancelledError):
        asked_and_cancelled(world, slow, STATIONS)


def test_what_comes_after_the_end_is_told_to_come_again(world: World) -> None:
    server = world.server
    app = create_app(server.settings, server.keys, server.engine, server.trust, server.clock)
    with TestClient(app, base_url="https://testserver") as http:
        assert http.get("/health").status_code == 200
    late = TestClient(app, base_url="https://testserver")
    answer = late.post(STATIONS, content=b"")
    assert answer.status_code == 503
    assert Refusal.model_validate_json(answer.content).code is ErrorCode.TOO_BUSY
    assert late.get("/health").status_code == 503
    with TestClient(app, base_url="https://testserver") as again:
        assert again.get("/health").status_code == 200


def test_what_ended_runs_nothing_apart_until_it_begins_again(world: World) -> None:
    server = world.server
    app = create_app(server.settings, server.keys, server.engine, server.trust, server.clock)
    with TestClient(app):
        pass
    with pytest.raises(apart.StoppedError):
        apart.run("this", data=b"", seconds=60, most=10_000)
    with TestClient(app):
        assert apart.run("this", data=b"", seconds=60, most=10_000)


def test_whatever_is_answered_in_time_passes_unchanged(world: World) -> None:
    app = Ending(PlainTextResponse("ok"), world.server.now)
    assert TestClient(app).get(PAGE).text == "ok"
