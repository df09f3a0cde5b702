"""What is written in one turn of the loop goes on as one piece: whole, in order, and in time."""

import asyncio
from typing import Any

from exam_server.serving.corked import LONGEST_HELD, MOST_HELD, Corked


class Wire(asyncio.Transport):
    """A transport that notes what happens to it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def write(self, data: Any) -> None:
        self.seen.append(data)

    def close(self) -> None:
        self.seen.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.seen

    def pause_reading(self) -> None:
        self.seen.append("paused")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("10.0.0.1", 5)}.get(name, default)


def test_head_and_body_go_as_one_and_the_next_answer_by_itself() -> None:
    async def scene() -> None:
        wire = Wire()
        corked = Corked(wire, asyncio.get_running_loop())
        corked.write(b"head ")
        corked.write(bytearray(b"body"))
        assert wire.seen == []
        await asyncio.sleep(0)
        assert wire.seen == [b"head body"]
        corked.write(b"next")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert wire.seen == [b"head body", b"next"]

    asyncio.run(scene())


def test_nothing_is_left_behind_by_a_close() -> None:
    async def scene() -> None:
        wire = Wire()
        corked = Corked(wire, asyncio.get_running_loop())
        corked.write(b"the last word")
        corked.close()
        await asyncio.sleep(0)
        assert wire.seen == [b"the last word", "closed"]
        assert corked.is_closing()

    asyncio.run(scene())


def test_much_is_not_held_back() -> None:
    async def scene() -> None:
        wire = Wire()
        corked = Corked(wire, asyncio.get_running_loop())
        large = bytes(LONGEST_HELD + 1)
        corked.write(b"head")
        corked.write(large)
        assert wire.seen == [b"head" + large]
        for _ in range(MOST_HELD):
            corked.write(b".")
        assert wire.seen[1:] == [b"." * MOST_HELD]
        await asyncio.sleep(0)
        assert len(wire.seen) == 2

    asyncio.run(scene())


def test_all_else_is_the_connections_own() -> None:
    async def scene() -> None:
        wire = Wire()
        corked = Corked(wire, asyncio.get_running_loop())
        corked.pause_reading()
        assert wire.seen == ["paused"]
        assert corked.get_extra_info("peername") == ("10.0.0.1", 5)
        assert corked.get_extra_info("sslcontext") is None

    asyncio.run(scene())
