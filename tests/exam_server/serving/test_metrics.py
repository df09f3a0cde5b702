"""What the instruments say of a queue whose database hangs, and of what became of batches."""

import asyncio
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from prometheus_client import REGISTRY

from exam_server.attempts.committer import Committer
from exam_server.attempts.preparing import Prepared
from exam_server.contract.api import Acknowledged


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def batch(records: int) -> Prepared:
    """As much of a prepared batch as the committer looks at."""
    return cast(Prepared, SimpleNamespace(batch=SimpleNamespace(records=[b""] * records)))


def test_a_hanging_commit_shows_as_lag_until_it_is_over() -> None:
    going_on, moments = threading.Event(), {"now": 100.0}

    def keep(group: Sequence[Prepared]) -> list[Acknowledged | None]:
        going_on.wait(30)
        return [cast(Acknowledged, "kept") for _ in group]

    def judge(prepared: Prepared) -> Any:
        raise AssertionError("nothing is out of the ordinary")

    async def story() -> None:
        committer = Committer(keep, judge, monotonic=lambda: moments["now"])
        before = {
            name: value(f"exam_{name}")
            for name in ("records_accepted_total", "group_commit_seconds_count")
        }
        calls = [asyncio.ensure_future(committer.commit(batch(2), 10)) for _ in range(3)]
        await asyncio.sleep(0)
        moments["now"] = 107.0
        committer.sample()
        assert value("exam_queue_batches") == 3
        assert value("exam_queue_oldest_seconds") == 7.0
        going_on.set()
        assert await asyncio.gather(*calls) == ["kept"] * 3
        committer.sample()
        assert value("exam_queue_batches") == 0
        assert value("exam_queue_oldest_seconds") == 0.0
        assert value("exam_records_accepted_total") - before["records_accepted_total"] == 6
        assert value("exam_group_commit_seconds_count") > before["group_commit_seconds_count"]
        committer.close()

    asyncio.run(story())
