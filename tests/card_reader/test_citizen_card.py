"""Keys of a citizen's card from number and date of birth (Law 26/2023/QH15, article 21)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.access.citizen_card import cccd_passwords, password_of_mrz, passwords_of_qr
from card_reader.access.citizen_qr import parse_qr
from card_reader.access.passwords import MrzPassword
from card_reader.errors import CardReason, UnreadableInputError
from card_reader.lds import mrz
from card_reader.lds.dates import PartialDate
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


def of_issue(birth: date, issued: date) -> list[str]:
    found = cccd_passwords("001206012345", birth, today=TODAY, date_of_issue=issued)
    return [item.date_of_expiry for item in found]


@pytest.mark.parametrize(
    ("birth", "issued", "first"),
    [
        (date(2002, 5, 17), date(2021, 6, 1), ["270517"]),  # 19: until 25
        (date(2002, 5, 17), date(2025, 5, 18), ["420517"]),  # 23: until 40
        (date(2002, 5, 17), date(2025, 5, 17), ["270517", "420517"]),  # the edge: either
        (date(2010, 5, 17), date(2022, 1, 1), ["240517"]),  # an expired child's card
        (date(1964, 5, 17), date(2022, 5, 18), ["991231"]),
        (date(2004, 2, 29), date(2022, 1, 1), ["290228", "290301"]),
    ],
)
def test_the_day_of_issue_puts_its_expiry_first(
    birth: date, issued: date, first: list[str]
) -> None:
    found = of_issue(birth, issued)
    assert found[: len(first)] == first
    assert set(found) == set(expiries(birth)) | set(first)
    assert len(found) == len(set(found))


@given(st.dates(date(1940, 1, 1), date(2025, 12, 31)), st.integers(0, 2100))
def test_the_card_of_a_known_day_opens_at_the_first_or_second_try(birth: date, days: int) -> None:
    first = max(date(2021, 1, 1), birth).toordinal()
    issued = date.fromordinal(min(TODAY.toordinal(), first + days))
    end = expiry(birth, issued)
    text = end.strftime("%y%m%d") if end else "991231"
    leap_day = (birth.month, birth.day) == (2, 29)  # two days for each birthday
    assert text in of_issue(birth, issued)[: 4 if leap_day else 2]


@pytest.mark.parametrize("issued", [date(2001, 1, 1), date(2030, 1, 1)])
def test_an_impossible_day_of_issue_changes_nothing(issued: date) -> None:
    birth = date(2006, 5, 17)
    assert of_issue(birth, issued) == expiries(birth)


@pytest.mark.parametrize("age", range(15, 23))
def test_candidates_of_15_to_22_begin_with_the_25th_birthday(age: int) -> None:
    birth = date(TODAY.year - age, 3, 9)
    assert expiries(birth)[0] == f"{(birth.year + 25) % 100:02}0309"


def test_what_a_card_without_end_prints_is_a_setting() -> None:
    found = cccd_passwords("001060012345", date(1960, 5, 17), today=TODAY, no_expiry="<<<<<<")
    assert found[0].date_of_expiry == "<<<<<<"


QR = "001206012345|187654321|Nguyễn Văn An|17052006|Nam|12 Hàng Bông, Hà Nội|15012025"


def test_passwords_of_the_qr_code_use_its_day_of_issue() -> None:
    (first, *_) = passwords_of_qr(parse_qr(QR), today=TODAY)
    assert first == MrzPassword("206012345", "060517", "310517")
    renewed = parse_qr(QR.replace("17052006", "17052001"))  # issued at 23: until 40
    assert passwords_of_qr(renewed, today=TODAY)[0].date_of_expiry == "410517"


def test_passwords_need_a_whole_day_of_birth() -> None:
    with pytest.raises(UnreadableInputError) as caught:
        passwords_of_qr(parse_qr(QR.replace("17052006", "00001945")), today=TODAY)
    assert caught.value.reason is CardReason.NO_PASSWORD


ZONE = """IDVNM2060123453001206012345<<4
0605173M3105179VNM<<<<<<<<<<<2
NGUYEN<<VAN<AN<<<<<<<<<<<<<<<<"""


def test_the_password_of_mrz_lines() -> None:
    zone = mrz.Mrz(
        "ID", "VNM", "206012345", "001206012345", date(2006, 5, 17), "M", date(2031, 5, 17),
        "VNM", "NGUYEN", "VAN AN",
    )  # fmt: skip
    text = mrz.encode(zone).decode()
    lines = [text[start : start + 30].lower() for start in (0, 30, 60)]
    expected = MrzPassword("206012345", "060517", "310517")
    assert password_of_mrz(lines) == password_of_mrz("\n".join(lines)) == expected


def test_a_mistyped_line_says_which_digit_is_wrong() -> None:
    with pytest.raises(UnreadableInputError, match="check digit of the document number") as caught:
        password_of_mrz(ZONE.replace("2060123453", "2060123463"))
    assert caught.value.reason is CardReason.NO_PASSWORD


def test_an_incomplete_birth_opens_as_it_is_printed() -> None:
    zone = mrz.Mrz(
        "I", "UTO", "D23145890", "", PartialDate(1974, None, None), "F", date(2032, 4, 15),
        "UTO", "ERIKSSON", "ANNA",
    )  # fmt: skip
    assert password_of_mrz(mrz.encode(zone).decode()).date_of_birth == "74<<<<"
