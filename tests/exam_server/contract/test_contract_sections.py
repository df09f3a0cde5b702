"""The time of sections: both sides the same, nobody loses or gains by when a kiosk hears of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exam_server.contract.api import LedgerView
from exam_server.contract.errors import ContractError
from exam_server.contract.ledger import Ledger
from exam_server.contract.sections import Leaving, Plan, check_leaving, ends_at, spans

START = datetime(2026, 12, 5, 0, 30, tzinfo=UTC)
PLAN = Plan(90, (30, 40, 20))
LEDGER = Ledger(timedelta(minutes=90)).start(START)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def left(section: int, minutes: float, by: str = "candidate") -> Leaving:
    return Leaving(section, after(minutes), by)


def ends(ledger: Ledger, *leavings: Leaving, now: float) -> list[float]:
    """The ends of the sections begun by `now`, in minutes after the start."""
    begun = spans(PLAN, ledger, leavings, after(now))
    return [(one.ends - START) / timedelta(minutes=1) for one in begun]


def test_nothing_has_begun_before_the_start() -> None:
    assert spans(PLAN, Ledger(timedelta(minutes=90)), (), START) == ()
    assert ends_at(PLAN, Ledger(timedelta(minutes=90)), (), START) is None


def test_sections_follow_one_another_when_their_time_is_up() -> None:
    assert ends(LEDGER, now=10) == [30]
    assert ends(LEDGER, now=30) == [30, 70]
    assert ends(LEDGER, now=200) == [30, 70, 90]


def test_who_leaves_early_begins_the_next_one_and_gains_nothing() -> None:
    assert ends(LEDGER, left(0, 12), now=20) == [12, 52]
    assert ends(LEDGER, left(0, 12), left(1, 20), now=25) == [12, 20, 40]
    assert ends_at(PLAN, LEDGER, [left(0, 12), left(1, 20)], after(25)) == after(40)


def test_extra_time_lengthens_every_section_alike() -> None:
    more = Ledger(timedelta(minutes=108)).start(START)
    assert ends(more, now=200) == [36, 84, 108]


def test_a_pause_stops_the_section_that_is_written() -> None:
    paused = LEDGER.pause(after(20))
    assert ends(paused, now=25) == [35]
    resumed = paused.resume(after(27))
    assert ends(resumed, now=200) == [37, 77, 97]
    # A pause over the moment at which nothing runs moves the next section as a whole.
    assert ends(LEDGER.pause(after(30)).resume(after(40)), now=200) == [30, 80, 100]


def test_an_extension_lengthens_the_section_that_is_written_and_the_paper() -> None:
    extended = LEDGER.extend(timedelta(minutes=5), after(35))
    assert ends(extended, now=200) == [30, 75, 95]
    early = Ledger(timedelta(minutes=90)).extend(timedelta(minutes=5), after(-3)).start(START)
    assert ends(early, now=200) == [35, 75, 95]
    assert ends(LEDGER.extend(timedelta(minutes=5), after(91)), now=200) == [30, 70, 95]


def test_what_a_kiosk_heard_too_late_of_goes_to_the_next_section() -> None:
    extended = LEDGER.extend(timedelta(minutes=5), after(29.9))
    assert ends(extended, left(0, 30, "time"), now=200) == [30, 75, 95]
    assert ends(extended, left(0, 30), now=200) == [30, 70, 90]  # who left of their own will
    paused = LEDGER.pause(after(29)).resume(after(50))
    # One minute was left when the pause began; the next section stands still until its end.
    assert ends(paused, left(0, 30, "time"), now=200) == [30, 91, 111]


def test_a_section_without_a_time_of_its_own_lasts_until_the_paper_ends() -> None:
    plan = Plan(90, (30, None))
    assert [one.ends for one in spans(plan, LEDGER, (), after(31))] == [after(30), after(90)]
    assert [one.ends for one in spans(plan, LEDGER, [left(0, 3)], after(31))][-1] == after(90)


@pytest.mark.parametrize(
    ("known", "leaving"),
    [((), left(1, 5)), ((left(0, 5),), left(0, 6)), ((left(0, 5),), left(1, 4)),
     ((left(0, 5), left(1, 6)), left(2, 7)), ((), left(0, -1))],
)  # fmt: skip
def test_a_section_is_left_in_its_turn_and_not_before_it_began(
    known: tuple[Leaving, ...], leaving: Leaving
) -> None:
    check_leaving(PLAN, LEDGER, (), left(0, 5), after(10))
    with pytest.raises(ContractError):
        check_leaving(PLAN, LEDGER, known, leaving, after(10))


# --- any history --------------------------------------------------------------------------------

SECONDS = st.integers(1, 2400).map(lambda n: timedelta(seconds=n))
ACTS = st.lists(
    st.tuples(SECONDS, st.sampled_from(["extend", "pause", "resume"]), SECONDS), max_size=8
)
PLANS = st.lists(st.none() | st.integers(1, 40), min_size=1, max_size=4).map(
    lambda minutes: Plan(sum(one or 0 for one in minutes) + 10, tuple(minutes))
)


def history(plan: Plan, acts: list[tuple[timedelta, str, timedelta]]) -> Ledger:
    at, ledger = START, Ledger(timedelta(minutes=plan.paper)).start(START)
    for gap, act, by in acts:
        at += gap
        match act:
            case "extend":
                ledger = ledger.extend(by, at)
            case "pause":
                ledger = ledger.pause(at)
            case _:
                ledger = ledger.resume(at)
    return ledger.resume(at)


def kiosk(plan: Plan, ledger: Ledger, wishes: list[timedelta]) -> list[Leaving]:
    """What a kiosk that hears of everything at once writes down: by wish, else by time."""
    leavings: list[Leaving] = []
    late = START + timedelta(days=2)
    for section, wish in enumerate(wishes[: plan.last]):
        span = spans(plan, ledger, leavings, late)[section]
        by_wish = span.begins + wish < span.ends
        at = span.begins + wish if by_wish else span.ends
        leavings.append(Leaving(section, at, "candidate" if by_wish else "time"))
    return leavings


@given(PLANS, ACTS, st.lists(SECONDS, max_size=4))
def test_both_sides_compute_the_same_and_time_ups_need_not_be_written_down(
    plan: Plan, acts: list[tuple[timedelta, str, timedelta]], wishes: list[timedelta]
) -> None:
    ledger, late = history(plan, acts), START + timedelta(days=2)
    there = LedgerView.model_validate_json(LedgerView.of(ledger).model_dump_json()).ledger()
    leavings = kiosk(plan, ledger, wishes)
    told = spans(plan, there, leavings, late)
    assert told == spans(plan, ledger, list(reversed(leavings)), late)
    wished = [one for one in leavings if one.by == "candidate"]
    assume(all(one.section == place for place, one in enumerate(wished)))
    assert spans(plan, ledger, wished, late) == told


@given(PLANS, ACTS, st.lists(SECONDS, max_size=4), SECONDS, SECONDS)
def test_more_time_ends_nothing_earlier(
    plan: Plan,
    acts: list[tuple[timedelta, str, timedelta]],
    wishes: list[timedelta],
    gap: timedelta,
    by: timedelta,
) -> None:
    ledger, late = history(plan, acts), START + timedelta(days=2)
    leavings = kiosk(plan, ledger, wishes)
    before = spans(plan, ledger, leavings, late)
    extended = replace(ledger.extend(by, START + gap))
    for one, other in zip(before, spans(plan, extended, leavings, late), strict=True):
        assert other.ends >= one.ends


@given(PLANS, ACTS)
def test_pauses_create_no_time(plan: Plan, acts: list[tuple[timedelta, str, timedelta]]) -> None:
    """The time in which a section runs, pauses taken out, is its own and what was added in it."""
    assume(None not in plan.minutes)
    pauses_only = [act for act in acts if act[1] != "extend"]
    ledger, late = history(plan, pauses_only), START + timedelta(days=2)
    for minutes, span in zip(plan.minutes, spans(plan, ledger, (), late), strict=True):
        stopped = timedelta(0)
        for pause in ledger.pauses:
            until = min(pause.until or late, span.ends)
            stopped += max(until - max(pause.since, span.begins), timedelta(0))
        assert span.ends - span.begins - stopped == timedelta(minutes=minutes or 0)


@given(PLANS, ACTS, st.lists(SECONDS, max_size=4))
def test_no_section_ends_after_the_paper(
    plan: Plan, acts: list[tuple[timedelta, str, timedelta]], wishes: list[timedelta]
) -> None:
    ledger, late = history(plan, acts), START + timedelta(days=2)
    end = ledger.deadline(late)
    assert end is not None
    for span in spans(plan, ledger, kiosk(plan, ledger, wishes), late):
        assert span.begins <= span.ends <= end
