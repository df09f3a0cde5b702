"""The committer: nothing is answered before its commit, nothing accepted is lost, none starves."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import IntegrityError, OperationalError

from exam_server.attempts.committer import Committer
from exam_server.attempts.leases import LeaseFacts
from exam_server.attempts.preparing import Prepared, Run
from exam_server.contract.api import Acknowledged, LedgerView
from exam_server.contract.batches import Batch
from exam_server.contract.errors import ErrorCode
from exam_server.errors import RefusedError

NOW = datetime(2026, 12, 5, tzinfo=UTC)
STATION_KEY = Ed25519PrivateKey.generate().public_key()
#: How long is waited for what must happen; nothing is measured by it.
PATIENCE = 60.0
Answers = list[Acknowledged | None]


def prepared(number: int) -> Prepared:
    """A batch that is told by its number."""
    lease = LeaseFacts(str(number), 1, "c", "t", STATION_KEY, bytes(32), bytes(32))
    return Prepared(Batch(str(number), 1), lease, Run())


def answer(one: Prepared) -> Acknowledged:
    ledger = LedgerView(allowance=timedelta(minutes=90))
    return Acknowledged(
        sequence=int(one.batch.attempt), head=bytes(32), ledger=ledger, server_time=NOW
    )


def kept_whole(group: Sequence[Prepared]) -> Answers:
    return [answer(one) for one in group]


class Gate:
    """A `keep` that waits until it is let through, and notes the groups that came."""

    def __init__(self, then: Callable[[Sequence[Prepared]], Answers] = kept_whole) -> None:
        self.groups: list[list[int]] = []
        self.open = threading.Event()
        self.entered = threading.Event()
        self._then = then

    def __call__(self, group: Sequence[Prepared]) -> Answers:
        self.groups.append([int(one.batch.attempt) for one in group])
        self.entered.set()
        assert self.open.wait(PATIENCE)
        return self._then(group)


async def outcomes(*waiting: "asyncio.Task[Acknowledged]") -> list[int | ErrorCode]:
    """The sequence acknowledged, or the code of the refusal, of each."""
    found: list[int | ErrorCode] = []
    for one in await asyncio.gather(*waiting, return_exceptions=True):
        if isinstance(one, RefusedError):
            found.append(one.code)
        else:
            assert isinstance(one, Acknowledged), one
            found.append(one.sequence)
    return found


async def begun(committer: Committer, gate: Gate) -> "asyncio.Task[Acknowledged]":
    """Batch 0, which is being committed."""
    first = asyncio.create_task(committer.commit(prepared(0), 100))
    assert await asyncio.to_thread(gate.entered.wait, PATIENCE)
    return first


def test_what_comes_during_a_commit_is_the_next_group() -> None:
    async def scene() -> None:
        gate = Gate()
        committer = Committer(gate, answer)
        first = await begun(committer, gate)
        others = [asyncio.create_task(committer.commit(prepared(n), 100)) for n in range(1, 9)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in (first, *others))  # nothing before its commit
        gate.open.set()
        assert await outcomes(first, *others) == list(range(9))
        assert gate.groups == [[0], list(range(1, 9))]
        assert committer.waiting == 0
        committer.close()

    asyncio.run(scene())


def test_a_group_that_the_database_did_not_take_is_acknowledged_to_nobody() -> None:
    calls = 0

    def failing_once(group: Sequence[Prepared]) -> Answers:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OperationalError("a group", None, ConnectionError("gone"))
        return kept_whole(group)

    async def scene() -> None:
        gate = Gate(failing_once)
        committer = Committer(gate, pytest.fail)
        first = await begun(committer, gate)
        others = [asyncio.create_task(committer.commit(prepared(n), 100)) for n in range(1, 4)]
        await asyncio.sleep(0)
        gate.open.set()
        assert await outcomes(first, *others) == [0] + [ErrorCode.TOO_BUSY] * 3
        refusals = [task.exception() for task in others]
        again = [one.retry_after for one in refusals if isinstance(one, RefusedError)]
        assert all(seconds is not None and seconds > 0 for seconds in again)
        # They are sent again, and it goes on.
        more = [asyncio.create_task(committer.commit(prepared(n), 100)) for n in range(1, 4)]
        assert await outcomes(*more) == [1, 2, 3]
        committer.close()

    asyncio.run(scene())


@pytest.mark.parametrize(
    "fault", [ValueError("poison"), IntegrityError("a group", None, ValueError("twice"))]
)
def test_one_batch_that_spoils_the_group_is_refused_alone(fault: Exception) -> None:
    def spoiled(group: Sequence[Prepared]) -> Answers:
        if any(one.batch.attempt == "2" for one in group):
            raise fault
        return kept_whole(group)

    def judge(one: Prepared) -> Acknowledged:
        if one.batch.attempt == "2":
            raise RefusedError(ErrorCode.RECORD_REJECTED, "poison")
        return answer(one)

    async def scene() -> None:
        gate = Gate(spoiled)
        committer = Committer(gate, judge)
        first = await begun(committer, gate)
        others = [asyncio.create_task(committer.commit(prepared(n), 100)) for n in range(1, 5)]
        await asyncio.sleep(0)
        gate.open.set()
        assert await outcomes(first, *others) == [0, 1, ErrorCode.RECORD_REJECTED, 3, 4]
        committer.close()

    asyncio.run(scene())


def test_over_capacity_stations_are_told_when_to_come_and_what_was_accepted_is_kept() -> None:
    async def scene() -> None:
        gate = Gate()
        committer = Committer(gate, pytest.fail, most_waiting=4, monotonic=lambda: 100.0)
        first = await begun(committer, gate)
        accepted = [asyncio.create_task(committer.commit(prepared(n), 100)) for n in range(1, 4)]
        await asyncio.sleep(0)
        again = []
        for number in range(4, 2004):
            with pytest.raises(RefusedError) as refusal:
                await committer.commit(prepared(number), 100)
            assert refusal.value.code is ErrorCode.TOO_BUSY
            assert refusal.value.retry_after is not None
            again.append(refusal.value.retry_after)
        # Each has a later place in the line than the one before: they do not come all at once.
        assert again == sorted(again)
        assert again[-1] > again[0]
        gate.open.set()
        assert await outcomes(first, *accepted) == [0, 1, 2, 3]
        assert sum(len(group) for group in gate.groups) == 4
        committer.close()

    asyncio.run(scene())


def test_large_batches_fill_the_queue_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exam_server.attempts.committer.MOST_WAITING_BYTES", 1000)

    async def scene() -> None:
        gate = Gate()
        committer = Committer(gate, pytest.fail)
        first = await begun(committer, gate)
        with pytest.raises(RefusedError) as refusal:
            await committer.commit(prepared(1), 901)
        assert refusal.value.code is ErrorCode.TOO_BUSY
        gate.open.set()
        assert await outcomes(first) == [0]
        committer.close()

    asyncio.run(scene())


def test_who_goes_away_takes_nothing_from_the_others() -> None:
    async def scene() -> None:
        gate = Gate()
        committer = Committer(gate, pytest.fail)
        first = await begun(committer, gate)
        others = [asyncio.create_task(committer.commit(prepared(n), 100)) for n in range(1, 4)]
        await asyncio.sleep(0)
        others[1].cancel()
        await asyncio.sleep(0)
        gate.open.set()
        assert await outcomes(first, others[0], others[2]) == [0, 1, 3]
        assert gate.groups[1] == [1, 2, 3]  # it was accepted, and so it is kept
        assert committer.waiting == 0
        committer.close()

    asyncio.run(scene())


def test_a_flood_of_what_must_be_judged_does_not_hold_up_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exam_server.attempts.committer.MOST_JUDGED", 2)
    judging = threading.Event()

    def judge(one: Prepared) -> Acknowledged:
        assert judging.wait(PATIENCE)
        return answer(one)

    def left_to_the_rules(group: Sequence[Prepared]) -> Answers:
        return [answer(one) if one.batch.attempt == "9" else None for one in group]

    async def scene() -> None:
        committer = Committer(left_to_the_rules, judge)
        slow = [asyncio.create_task(committer.commit(prepared(n), 100)) for n in range(1, 6)]
        plain = asyncio.create_task(committer.commit(prepared(9), 100))
        assert (await plain).sequence == 9
        judging.set()
        found = await outcomes(*slow)
        assert sorted(code for code in found if isinstance(code, int)) == [1, 2]
        assert found.count(ErrorCode.TOO_BUSY) == 3
        committer.close()

    asyncio.run(scene())
