"""The card's QR code: known layouts, additions, damage."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.access.citizen_qr import CitizenQr, QrLayout, parse_qr
from card_reader.errors import CardReason, UnreadableInputError
from card_reader.lds.dates import PartialDate

SEVEN = "001206012345|187654321|Nguyễn Văn An|17052006|Nam|12 Hàng Bông, Hà Nội|15012025"
SIX = "001206012345|Nguyễn Văn An|17052006|Nam|12 Hàng Bông, Hà Nội|15012025"


def test_seven_fields() -> None:
    qr = parse_qr(SEVEN)
    assert qr == CitizenQr(
        layout=QrLayout.SEVEN,
        number="001206012345",
        date_of_birth=date(2006, 5, 17),
        fields=tuple(SEVEN.split("|")),
        old_number="187654321",
        name="Nguyễn Văn An",
        sex="Nam",
        address="12 Hàng Bông, Hà Nội",
        date_of_issue=date(2025, 1, 15),
    )
    assert "Nguyễn" not in repr(qr)
    assert "001206012345" not in repr(qr)


def test_an_empty_old_number_and_none_at_all() -> None:
    empty, none = parse_qr(SEVEN.replace("187654321", "")), parse_qr(SIX)
    assert (empty.layout, empty.old_number) == (QrLayout.SEVEN, "")
    assert (none.layout, none.old_number) == (QrLayout.SIX, None)
    assert empty.name == none.name == "Nguyễn Văn An"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + SEVEN,
        SEVEN + "\r\n",
        "  " + SEVEN.replace("|", " | ") + "\t",
        SEVEN.replace("Văn An", "Văn  An"),
        SEVEN + "|",
        SEVEN + "||||",
        SEVEN.replace("Nam", "NAM"),
    ],
)
def test_white_space_marks_and_empty_fields_behind(text: str) -> None:
    qr = parse_qr(text)
    assert qr.layout is QrLayout.SEVEN
    assert (qr.name, qr.date_of_issue) == ("Nguyễn Văn An", date(2025, 1, 15))


def test_sex_in_decomposed_letters() -> None:
    assert parse_qr(SEVEN.replace("|Nam|", "|Nu\u031b\u0303|")).layout is QrLayout.SEVEN


def test_fields_behind_the_known_ones_are_kept() -> None:
    qr = parse_qr(SEVEN + "||Nguyễn Văn Bình|Trần Thị Cúc|")
    assert qr.layout is QrLayout.EXTENDED
    assert qr.fields[8:10] == ("Nguyễn Văn Bình", "Trần Thị Cúc")
    assert qr.name == "Nguyễn Văn An"


@pytest.mark.parametrize(
    "text",
    [
        "001206012345|Nguyễn Văn An|Nam|17052006|15012025|Hà Nội",
        "001206012345|15012025|17/05/2006",
        "001206012345|187654321|Nguyễn Văn An|17052006|?|Hà Nội|15012025",
        "001206012345|Nguyễn Văn An|17052006|Nam|Hà Nội|15012025|more",
    ],
)
def test_an_unknown_layout_gives_number_and_birth_and_its_fields(text: str) -> None:
    qr = parse_qr(text)
    assert qr.layout is QrLayout.UNKNOWN
    assert (qr.number, qr.date_of_birth) == ("001206012345", date(2006, 5, 17))
    assert qr.fields == tuple(text.split("|"))
    assert (qr.name, qr.address, qr.date_of_issue) == (None, None, None)


def test_a_birth_known_by_its_year() -> None:
    for text in ("00001945", "1945"):
        assert parse_qr(SEVEN.replace("17052006", text)).date_of_birth == PartialDate(
            1945, None, None
        )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1|2|3|4|5|6",
        "001206012345",
        "001206012345|a|b|c|d|e|f",
        "001206012345|x|31022006|Nam|y|z",
        "１" * 12 + "|Nguyễn Văn An|17052006|Nam|Hà Nội|15012025",
        SEVEN + "|" * 40,
        SEVEN + "x" * 3000,
    ],
)
def test_other_codes_are_said_so(text: str) -> None:
    with pytest.raises(UnreadableInputError) as caught:
        parse_qr(text)
    assert caught.value.reason is CardReason.NO_PASSWORD


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="|"), max_size=20)


@given(words.filter(lambda text: text.strip() != ""), words, st.dates(), st.dates())
def test_what_is_printed_comes_back(name: str, address: str, born: date, issued: date) -> None:
    days = [f"{day.day:02}{day.month:02}{day.year:04}" for day in (born, issued)]
    qr = parse_qr(f"001206012345||{name}|{days[0]}|Nữ|{address}|{days[1]}")
    assert (qr.date_of_birth, qr.date_of_issue, qr.sex) == (born, issued, "Nữ")
    assert (qr.name, qr.address) == (" ".join(name.split()), " ".join(address.split()))


@given(st.text(max_size=200) | st.text("0123456789|/NamNữ ", max_size=100))
def test_any_text_gives_our_error(text: str) -> None:
    for candidate in (text, "001206012345|" + text):
        with suppress(UnreadableInputError):
            parse_qr(candidate)
