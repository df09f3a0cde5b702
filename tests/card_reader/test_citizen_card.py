"""Keys of a citizen's card from number and date of birth (Law 26/2023/QH15, article 21)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.access.citizen_card import cccd_passwords, citizen_of_qr
from card_reader.access.passwords import MrzPassword
from card_reader.errors import CardReason, UnreadableInputError
from card_reader.simulator.personalisation import expiry

TODAY = date(2026, 6, 1)


def expiries(birth: date, today: date = TODAY) -> list[str]:
    return [item.date_of_expiry for item in cccd_passwords("001206012345", birth, today=today)]


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        (date(2006, 5, 17), ["310517"]),  # 20 years: until 25
        (date(2010, 5, 17), ["350517", "240517"]),  # 16: until 25, or an old one until 14
        (date(2002, 5, 17), ["270517", "420517"]),  # 24: until 25, or renewed already
        (date(1990, 5, 17), ["300517"]),
        (date(1960, 5, 17), ["991231", "200517"]),
    ],
)
def test_likeliest_first(birth: date, expected: list[str]) -> None:
    found = expiries(birth)
    assert found[0] == expected[0]
    assert set(found) <= set(expected)


@given(
    st.dates(date(1940, 1, 1), date(2025, 12, 31)),
    st.integers(0, 2100),
)
def test_whatever_day_a_card_was_issued_its_expiry_is_among_them(birth: date, days: int) -> None:
    first = max(date(2021, 1, 1), birth).toordinal()
    issued = date.fromordinal(min(TODAY.toordinal(), first + days))
    end = expiry(birth, issued)
    text = end.strftime("%y%m%d") if end else "991231"
    found = expiries(birth)
    assert text in found
    assert len(found) <= 4


def test_the_document_number_is_the_last_nine_digits() -> None:
    password = cccd_passwords("001206012345", date(2006, 5, 17), today=TODAY)[0]
    assert password == MrzPassword("206012345", "060517", "310517")
    assert "206012345" not in repr(password)


def test_leap_day_birthdays_try_both_neighbours() -> None:
    assert expiries(date(2004, 2, 29))[:2] == ["290228", "290301"]


@pytest.mark.parametrize("number", ["", "12345678901", "1234567890123", "12345678901a", "１" * 12])
def test_a_wrong_number_is_said_so(number: str) -> None:
    with pytest.raises(UnreadableInputError) as caught:
        cccd_passwords(number, date(2006, 5, 17), today=TODAY)
    assert caught.value.reason is CardReason.NO_PASSWORD


WRONG_MRZ = [
    ("", "060517", "310517"),
    ("1", "0605", "310517"),
    ("1", "060517", "3105AA"),
    ("1|", "060517", "310517"),
]


@pytest.mark.parametrize("values", WRONG_MRZ)
def test_wrong_mrz_values(values: tuple[str, str, str]) -> None:
    with pytest.raises(UnreadableInputError):
        MrzPassword(*values)


@pytest.mark.parametrize(
    "text",
    [
        "001206012345|123456789|Nguyễn Văn An|17052006|Nam|Hà Nội|15012025",
        "001206012345||Nguyễn Văn An|17052006|Nam|Hà Nội|15012025",
        "001206012345|Nguyễn Văn An|17052006|Nam|Hà Nội|15012025",
    ],
)
def test_qr_codes(text: str) -> None:
    assert citizen_of_qr(text) == ("001206012345", date(2006, 5, 17))


@pytest.mark.parametrize("text", ["", "abc", "1|2|3|4|5|6", "1|2|99999999|4|5|6"])
def test_other_qr_codes(text: str) -> None:
    with pytest.raises(UnreadableInputError):
        citizen_of_qr(text)
