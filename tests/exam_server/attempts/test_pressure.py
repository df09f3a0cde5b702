"""When those are to come again who found no room."""

from hypothesis import given
from hypothesis import strategies as st

from exam_server.attempts.pressure import FIRST_RATE, LATEST, SOONEST, Pressure


def test_the_rate_is_that_of_the_last_groups() -> None:
    pressure = Pressure()
    assert pressure.rate == FIRST_RATE
    for _ in range(100):
        pressure.settled(100, 0.1)
    assert round(pressure.rate) == 1000
    for _ in range(100):
        pressure.settled(100, 1.0)
    assert round(pressure.rate) == 100


def test_each_gets_a_place_behind_those_who_wait() -> None:
    pressure = Pressure()
    pressure.settled(1000, 1.0)
    first = pressure.come_again(2000, now=50.0)
    assert round(first, 3) == 2.001
    assert pressure.come_again(2000, now=50.0) > first
    for _ in range(998):
        last = pressure.come_again(2000, now=50.0)
    assert round(last, 3) == 3.0
    # Once their time has passed, nobody is sent behind them.
    assert pressure.come_again(0, now=60.0) == SOONEST


@given(
    st.lists(st.tuples(st.integers(1, 512), st.floats(0, 10)), max_size=20),
    st.lists(st.integers(0, 5000), min_size=1, max_size=50),
)
def test_it_is_never_at_once_and_never_for_ever(
    groups: list[tuple[int, float]], waiting: list[int]
) -> None:
    pressure = Pressure()
    for batches, seconds in groups:
        pressure.settled(batches, seconds)
    for count in waiting:
        assert SOONEST <= pressure.come_again(count, now=0.0) <= LATEST
