"""Time: the deadline follows from the ledger alone, and never runs backwards."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

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
            Ledger(timedelta(minutes=90)).extend(by, START)


@given(MINUTES, st.lists(MINUTES, max_size=4), MINUTES)
def test_every_extension_counts_in_full(
    allowance: timedelta, extensions: list[timedelta], elapsed: timedelta
) -> None:
    ledger = Ledger(allowance).start(START)
    for by in extensions:
        ledger = ledger.extend(by, after(1))
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


# --- any history of acts ----------------------------------------------------------------------

SPANS = st.integers(1, 3600).map(lambda n: timedelta(seconds=n))
ACTS = st.lists(
    st.tuples(SPANS, st.sampled_from(["extend", "pause", "resume", "start"]), SPANS), max_size=12
)


def histories(acts: list[tuple[timedelta, str, timedelta]]) -> list[tuple[datetime, Ledger]]:
    """The ledger after every act, with its moment; the first is at the start."""
    at, ledger = START, Ledger(timedelta(hours=2)).start(START)
    told = [(at, ledger)]
    for gap, act, by in acts:
        at += gap
        match act:
            case "extend":
                ledger = ledger.extend(by, at)
            case "pause":
                ledger = ledger.pause(at)
            case "resume":
                ledger = ledger.resume(at)
            case _:
                ledger = ledger.start(at)
        told.append((at, ledger))
    return told


@given(ACTS)
def test_every_entry_moves_the_position_and_nothing_else_does(
    acts: list[tuple[timedelta, str, timedelta]],
) -> None:
    told = histories(acts)
    for (_, before), (_, after_it) in pairwise(told):
        assert after_it.position == before.position + (after_it != before)
    assert told[-1][1].moved_at is not None


@given(ACTS)
def test_the_deadline_never_runs_backwards(acts: list[tuple[timedelta, str, timedelta]]) -> None:
    deadlines = [ledger.deadline(at) for at, ledger in histories(acts)]
    assert all(one is not None for one in deadlines)
    assert deadlines == sorted(deadlines)


@given(ACTS, SPANS)
def test_pauses_create_no_time(
    acts: list[tuple[timedelta, str, timedelta]], later: timedelta
) -> None:
    """Time at work and time left are together what was allowed, whatever was paused in between."""
    told = histories(acts)
    running = timedelta(0)
    for (at, ledger), (until, _) in pairwise([*told, (told[-1][0] + later, told[-1][1])]):
        running += timedelta(0) if ledger.paused else until - at
    at, ledger = told[-1][0] + later, told[-1][1]
    assert ledger.remaining(at) == max(ledger.total - running, timedelta(0))


@given(ACTS, SPANS)
def test_a_pause_in_which_nothing_runs_changes_no_remaining_time(
    acts: list[tuple[timedelta, str, timedelta]], span: timedelta
) -> None:
    at, ledger = histories(acts)[-1]
    resumed = ledger.pause(at).resume(at + span)
    assert ledger.paused or resumed.remaining(at + span) == ledger.remaining(at)


def test_the_time_of_a_paper_is_set_before_its_start_only() -> None:
    ledger = Ledger(timedelta(minutes=90)).allow(timedelta(minutes=108))
    assert (ledger.remaining(START), ledger.position) == (timedelta(minutes=108), 1)
    with pytest.raises(ContractError):
        ledger.start(START).allow(timedelta(minutes=120))
    with pytest.raises(ContractError):
        ledger.allow(timedelta(0))
