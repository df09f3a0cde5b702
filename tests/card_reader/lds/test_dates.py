"""Days that documents state, complete or not."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.errors import MalformedFileError
from card_reader.lds.dates import (
    Day,
    PartialDate,
    day_of_digits,
    day_of_printed,
    digits_of_day,
    mrz_text,
)

partial = st.tuples(
    st.none() | st.integers(1, 9999), st.none() | st.integers(1, 12), st.none() | st.integers(1, 28)
).filter(lambda parts: None in parts)
days = st.dates() | partial.map(lambda parts: PartialDate(*parts))


@given(days)
def test_digits_come_back(day: Day) -> None:
    assert day_of_digits(digits_of_day(day)) == day


@given(days)
def test_printed_days_come_back(day: Day) -> None:
    year, month, number = (getattr(day, part) or 0 for part in ("year", "month", "day"))
    for text in (f"{number:02}/{month:02}/{year:04}", f"{number:02}{month:02}{year:04}"):
        assert day_of_printed(text) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("17/05/2006", date(2006, 5, 17)),
        (" 17-05-2006 ", date(2006, 5, 17)),
        ("05/2006", PartialDate(2006, 5, None)),
        ("2006", PartialDate(2006, None, None)),
        ("00/00/1945", PartialDate(1945, None, None)),
    ],
)
def test_ways_to_print_a_day(text: str, day: Day) -> None:
    assert day_of_printed(text) == day


@pytest.mark.parametrize(
    "text", ["", "Không thời hạn", "1/2/2006", "31/02/2006", "13/2006", "052006"]
)
def test_what_is_no_printed_day(text: str) -> None:
    with pytest.raises(MalformedFileError):
        day_of_printed(text)


@pytest.mark.parametrize(
    "parts",
    [
        (2006, 5, 17),
        (None, 13, None),
        (None, 2, 30),
        (2005, 2, 29),
        (0, None, None),
        (None, None, 32),
    ],
)
def test_what_is_no_partial_date(parts: tuple[int | None, int | None, int | None]) -> None:
    with pytest.raises(MalformedFileError):
        PartialDate(*parts)


def test_texts_of_partial_dates() -> None:
    day = PartialDate(1945, None, None)
    assert (day.isoformat(), mrz_text(day)) == ("1945-XX-XX", "45<<<<")
    assert mrz_text(PartialDate(None, 2, 29)) == "<<0229"
    assert mrz_text(date(2006, 5, 7)) == "060507"
