"""Difficulty and discrimination, against numbers worked out by hand, and their laws."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.psychometrics.classical import ItemStatistics, Mark, statistics_of


def _marks(*rows: tuple[str, str, str]) -> list[Mark]:
    return [Mark(*map(Decimal, row)) for row in rows]


def test_numbers_worked_out_by_hand() -> None:
    # Item 1 1 0 0, rest 3 1 2 0: means 0.5 and 1.5; covariance 1/4·(1.5−0.5+(−0.5)(0.5)·…) = 0.25;
    # deviations 0.5 and √1.25: r = 0.25 / 0.559 = 0.447.
    told = statistics_of(_marks(("1", "1", "4"), ("1", "1", "2"), ("0", "1", "2"), ("0", "1", "0")))
    assert told == ItemStatistics(4, Decimal("0.500"), Decimal("0.447"))
    told = statistics_of(_marks(("0.25", "1", "5"), ("1", "1", "9")))
    assert told == ItemStatistics(2, Decimal("0.625"), Decimal("1.000"))


@pytest.mark.parametrize(
    "marks",
    [[("1", "1", "4"), ("1", "1", "2")], [("1", "1", "3"), ("0", "1", "2")], [("1", "1", "1")]],
)
def test_what_never_differs_tells_nobody_apart(marks: list[tuple[str, str, str]]) -> None:
    told = statistics_of(_marks(*marks))
    assert told is not None and told.discrimination is None


def test_nothing_is_told_of_nothing() -> None:
    assert statistics_of([]) is None
    assert statistics_of(_marks(("0", "0", "3"))) is None


_MARK = st.builds(
    lambda raw, rest: Mark(Decimal(raw) / 4, Decimal(1), Decimal(raw) / 4 + Decimal(rest) / 4),
    st.integers(0, 4),
    st.integers(0, 36),
)


@given(st.lists(_MARK, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_candidates_changes_nothing(marks: list[Mark], random: object) -> None:
    told, shuffled = statistics_of(marks), list(marks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert told == statistics_of(shuffled) and told is not None
    assert 0 <= told.difficulty <= 1
    assert told.discrimination is None or -1 <= told.discrimination <= 1
