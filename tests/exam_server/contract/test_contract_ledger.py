"""Time: the deadline follows from the ledger alone, and never runs backwards."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exam_server.contract.api import LedgerView
from exam_server.contract.errors import ContractError
from exam_server.contract.ledger import Ledger, Pause

START = datetime(2026, 12, 5, 0, 30, tzinfo=UTC)
MINUTES = st.integers(1, 300).map(lambda n: timedelta(minutes=n))


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_no_deadline_before_the_start() -> None:
    ledger = Ledger(timedelta(minutes=90))
    assert ledger.deadline(START) is None
    assert ledger.remaining(START) == timedelta(minutes=90)


def test_the_first_start_counts() -> None:
    ledger = Ledger(timedelta(minutes=90)).start(START).start(after(10))
    assert ledger.deadline(after(20)) == after(90)


def test_a_pause_moves_the_deadline_while_it_lasts_and_stays_afterwards() -> None:
    ledger = Ledger(timedelta(minutes=90)).start(START).pause(after(30))
    assert ledger.paused
    assert ledger.remaining(after(31)) == ledger.remaining(after(50)) == timedelta(minutes=60)
    resumed = ledger.resume(after(50))
    assert not resumed.paused
    assert resumed.deadline(after(80)) == after(110)


def test_pausing_twice_and_resuming_twice_is_once() -> None:
    ledger = Ledger(timedelta(minutes=90)).start(START)
    assert ledger.pause(after(1)).pause(after(2)) == ledger.pause(after(1))
    assert ledger.resume(after(1)) == ledger


def test_an_extension_is_longer_than_nothing() -> None:
    for by in (timedelta(0), timedelta(minutes=-1)):
        with pytest.raises(ContractError):
            Ledger(timedelta(minutes=90)).extend(by)


@given(MINUTES, st.lists(MINUTES, max_size=4), MINUTES)
def test_every_extension_counts_in_full(
    allowance: timedelta, extensions: list[timedelta], elapsed: timedelta
) -> None:
    ledger = Ledger(allowance).start(START)
    for by in extensions:
        ledger = ledger.extend(by)
    total = allowance + sum(extensions, timedelta(0))
    assert ledger.deadline(START) == START + total
    assert ledger.remaining(START + elapsed) == max(total - elapsed, timedelta(0))


@given(MINUTES, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), max_size=4))
def test_both_sides_compute_the_same(allowance: timedelta, spans: list[tuple[int, int]]) -> None:
    pauses = tuple(Pause(after(start), after(start + length)) for start, length in spans)
    ledger = Ledger(allowance, START, (), pauses)
    there = LedgerView.model_validate_json(LedgerView.of(ledger).model_dump_json()).ledger()
    assert there == ledger
    assert there.deadline(after(0)) == ledger.deadline(after(0))
