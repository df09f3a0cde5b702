"""What a process does each second goes on, whatever becomes of the rest."""

import asyncio
import logging
import threading
from collections.abc import Callable

import pytest

from exam_server.serving import rounds
from exam_server.serving.rounds import Rounds

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "SECONDS", 0.001)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not happened():
            await asyncio.sleep(0.001)


def test_an_act_that_hangs_with_the_database_keeps_no_other_from_its_turn() -> None:
    released = threading.Event()
    began, measured, looked = [], [], []

    def hang() -> None:
        began.append(True)
        released.wait(PATIENCE)

    async def story() -> None:
        acts = Rounds()
        acts.begin("writing", hang, on_a_thread=True)
        await until(lambda: bool(began))
        acts.begin("measuring", lambda: measured.append(True), on_a_thread=False)
        acts.begin("looking", lambda: looked.append(True), on_a_thread=True)
        await until(lambda: len(measured) > 3 and len(looked) > 3)
        assert len(began) == 1
        released.set()
        await acts.end()

    asyncio.run(story())


@pytest.mark.parametrize("on_a_thread", [True, False])
def test_an_act_that_fails_is_told_of_once_and_has_its_turn_again(
    caplog: pytest.LogCaptureFixture, on_a_thread: bool
) -> None:
    turns: list[int] = []

    def act() -> None:
        turns.append(len(turns))
        if len(turns) < 4:
            raise RuntimeError("fsync is off")

    async def story() -> None:
        acts = Rounds()
        acts.begin("writing presence", act, on_a_thread=on_a_thread)
        await until(lambda: len(turns) > 6)
        await acts.end()
        assert asyncio.all_tasks() == {asyncio.current_task()}  # nobody is left to begin another

    with caplog.at_level(logging.ERROR):
        asyncio.run(story())
    assert [record.getMessage() for record in caplog.records] == [
        "writing presence failed; again every 0.001 seconds"
    ]


def test_an_act_has_its_turns_as_far_apart_as_was_asked() -> None:
    measured, removed = list[bool](), list[bool]()

    async def story() -> None:
        acts = Rounds()
        acts.begin("measuring", lambda: measured.append(True), on_a_thread=False)
        acts.begin("removing", lambda: removed.append(True), on_a_thread=False, seconds=3600)
        await until(lambda: len(measured) > 3)
        await acts.end()

    asyncio.run(story())
    assert len(removed) == 1
