"""The server's time from a steady clock: exact within the round trip, deaf to the wall clock."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from station_papers import NOON

from exam_station.clock import DRIFT, ServerClock


class Boot:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_unknown_before_the_server_is_heard() -> None:
    clock = ServerClock(Boot())
    assert (clock.now(), clock.error) == (None, None)
    assert clock.signing_time(lambda: NOON) == NOON


def test_it_runs_with_the_boot_clock_from_the_middle_of_the_round_trip() -> None:
    boot = Boot()
    clock = ServerClock(boot)
    clock.hear(NOON, sent=100.0, received=100.2)
    boot.seconds = 160.1
    assert clock.now() == NOON + timedelta(seconds=60)
    assert clock.signing_time(lambda: NOON) == clock.now()


@given(st.floats(0, 3), st.floats(0, 3), st.floats(0, 3), st.floats(0, 3))
def test_the_error_bound_holds_whatever_the_two_ways_take(a: float, b: float, c: float, d: float):
    boot = Boot()
    clock = ServerClock(boot)
    for way, back in ((a, b), (c, d)):
        sent = boot.seconds
        truth = NOON + timedelta(seconds=sent + way)
        boot.seconds = sent + way + back
        clock.hear(truth, sent=sent, received=boot.seconds)
    now, error = clock.now(), clock.error
    assert now is not None and error is not None
    assert abs((now - NOON).total_seconds() - boot.seconds) <= error + 1e-3


def test_a_worse_sample_is_not_taken_until_drift_outweighs_it() -> None:
    boot = Boot()
    clock = ServerClock(boot)
    clock.hear(NOON, sent=100.0, received=100.0)
    clock.hear(NOON + timedelta(seconds=11), sent=110.0, received=114.0)
    boot.seconds = 112.0
    assert clock.now() == NOON + timedelta(seconds=12)
    later = 100.0 + 2.5 / DRIFT
    clock.hear(NOON + timedelta(seconds=later - 99), sent=later - 1, received=later + 1)
    boot.seconds = later
    assert clock.now() == NOON + timedelta(seconds=later - 99)


def test_a_server_whose_clock_was_set_is_believed() -> None:
    boot = Boot()
    clock = ServerClock(boot)
    clock.hear(NOON, sent=100.0, received=100.0)
    clock.hear(NOON + timedelta(hours=1), sent=110.0, received=111.0)
    boot.seconds = 110.5
    assert clock.now() == NOON + timedelta(hours=1)
