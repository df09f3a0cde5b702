"""MRZ, EF.DG13, QR code and roster side by side."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.access.citizen_qr import CitizenQr, parse_qr
from card_reader.comparison import (
    ComparedField,
    Comparison,
    ComparisonCode,
    RosterEntry,
    Sameness,
    Source,
    compare,
)
from card_reader.lds.dates import PartialDate
from card_reader.lds.dg13 import NO_END, CitizenDetails
from card_reader.lds.mrz import Layout, Mrz, to_mrz_name

ZONE = Mrz(
    "ID", "VNM", "206012345", "001206012345", date(2006, 5, 17), "F", date(2031, 5, 17), "VNM",
    "DANG", "THI HOA",
)  # fmt: skip
DETAILS = CitizenDetails(
    number="001206012345",
    name="Đặng Thị Hòa",
    date_of_birth="17/05/2006",
    gender="Nữ",
    residence="Số 12, phố Hàng Bông, Hà Nội",
    date_of_issue="15/01/2025",
    date_of_expiry="17/05/2031",
    old_number="187654321",
)
QR: CitizenQr = parse_qr(
    "001206012345|187654321|Đặng Thị Hoà|17052006|Nữ|Số 12, phố Hàng Bông,  Hà Nội|15012025"
)
ROSTER = RosterEntry("ĐẶNG THỊ HÒA", date(2006, 5, 17), "001206012345", "Nữ")


def code(comparison: Comparison, name: ComparedField) -> ComparisonCode:
    return comparison.fields[name].code


def test_one_person_in_four_sources() -> None:
    found = compare(ZONE, DETAILS, QR, ROSTER)
    assert found.sameness is Sameness.SAME
    assert found.differing == ()
    assert {name: item.code for name, item in found.fields.items()} == dict.fromkeys(
        ComparedField, ComparisonCode.EQUAL
    )
    name = found.fields[ComparedField.NAME]
    assert name.pairs[Source.MRZ, Source.ROSTER] is ComparisonCode.WITHOUT_DIACRITICS
    assert name.pairs[Source.DG13, Source.QR] is ComparisonCode.EQUAL
    assert set(found.fields[ComparedField.SEX].values) == set(Source)


def test_without_dg13_the_name_has_no_diacritics() -> None:
    found = compare(ZONE, None, None, ROSTER)
    assert code(found, ComparedField.NAME) is ComparisonCode.WITHOUT_DIACRITICS
    assert found.fields[ComparedField.NAME].sameness is Sameness.SAME
    assert code(found, ComparedField.DATE_OF_EXPIRY) is ComparisonCode.ONE_SOURCE
    assert code(found, ComparedField.ADDRESS) is ComparisonCode.ABSENT
    assert found.sameness is Sameness.SAME


def test_nothing_to_compare() -> None:
    assert compare().sameness is Sameness.NOT_COMPARABLE
    assert compare(ZONE).sameness is Sameness.NOT_COMPARABLE


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"number": "001206012346"}, ComparedField.NUMBER),
        ({"name": "Đặng Thị Hoa"}, ComparedField.NAME),
        ({"date_of_birth": date(2006, 5, 18)}, ComparedField.DATE_OF_BIRTH),
        ({"sex": "Nam"}, ComparedField.SEX),
    ],
)
def test_a_roster_that_differs(change: dict[str, object], name: ComparedField) -> None:
    found = compare(ZONE, DETAILS, QR, replace(ROSTER, **change))
    assert found.differing == (name,)
    assert found.sameness is Sameness.DIFFERS
    pairs = found.fields[name].pairs
    assert pairs[Source.DG13, Source.ROSTER] is ComparisonCode.DIFFERENT
    assert pairs[Source.MRZ, Source.DG13] is not ComparisonCode.DIFFERENT


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"residence": "Số 13, phố Hàng Bông, Hà Nội"}, ComparedField.ADDRESS),
        ({"old_number": "187654322"}, ComparedField.OLD_NUMBER),
        ({"date_of_issue": "16/01/2025"}, ComparedField.DATE_OF_ISSUE),
        ({"date_of_expiry": "18/05/2031"}, ComparedField.DATE_OF_EXPIRY),
        ({"date_of_expiry": NO_END}, ComparedField.DATE_OF_EXPIRY),
    ],
)
def test_a_card_that_contradicts_itself(change: dict[str, str], name: ComparedField) -> None:
    assert compare(ZONE, replace(DETAILS, **change), QR, ROSTER).differing == (name,)


@pytest.mark.parametrize("text", ["Không thời hạn", "KHÔNG THỜI HẠN", "Không thời  hạn"])
def test_a_card_without_end(text: str) -> None:
    zone = replace(ZONE, date_of_expiry=date(2099, 12, 31))
    found = compare(zone, replace(DETAILS, date_of_expiry=text))
    assert code(found, ComparedField.DATE_OF_EXPIRY) is ComparisonCode.NO_END
    assert found.fields[ComparedField.DATE_OF_EXPIRY].sameness is Sameness.SAME


def test_incomplete_days_of_birth() -> None:
    year = PartialDate(1945, None, None)
    zone = replace(ZONE, date_of_birth=year)
    same = compare(zone, replace(DETAILS, date_of_birth="1945"), None, RosterEntry("x", year))
    assert code(same, ComparedField.DATE_OF_BIRTH) is ComparisonCode.EQUAL
    less = compare(zone, None, None, RosterEntry("x", date(1945, 1, 1)))
    assert code(less, ComparedField.DATE_OF_BIRTH) is ComparisonCode.INCOMPLETE_DATE
    assert less.fields[ComparedField.DATE_OF_BIRTH].sameness is Sameness.NOT_COMPARABLE
    other = compare(zone, None, None, RosterEntry("x", date(1946, 1, 1)))
    assert code(other, ComparedField.DATE_OF_BIRTH) is ComparisonCode.DIFFERENT


def test_a_value_that_cannot_be_understood_settles_nothing() -> None:
    found = compare(ZONE, replace(DETAILS, date_of_birth="mùa thu", gender="?"), None, ROSTER)
    assert code(found, ComparedField.DATE_OF_BIRTH) is ComparisonCode.UNREADABLE
    assert code(found, ComparedField.SEX) is ComparisonCode.UNREADABLE
    assert found.fields[ComparedField.SEX].sameness is Sameness.NOT_COMPARABLE


@pytest.mark.parametrize(
    ("layout", "width"), [(Layout.TD1, 30), (Layout.TD2, 31), (Layout.TD3, 39)]
)
def test_a_name_cut_at_the_end_of_its_field(layout: Layout, width: int) -> None:
    full = "Nguyễn Hoàng Phương Bảo Trân Anh Thư Kim Ngân"
    family, _, given = to_mrz_name(full).partition(" ")
    zone = replace(
        ZONE, layout=layout, primary_identifier=family, secondary_identifier=given[: width - 8]
    )
    found = compare(zone, None, None, RosterEntry(full))
    assert code(found, ComparedField.NAME) is ComparisonCode.CUT_OFF
    short = replace(zone, secondary_identifier="H P B T A T K N")
    assert code(compare(short, None, None, RosterEntry(full)), ComparedField.NAME) is (
        ComparisonCode.ABBREVIATED
    )


def test_a_passport_is_compared_by_its_document_number() -> None:
    passport = replace(
        ZONE, layout=Layout.TD3, issuing_state="UTO", document_number="L898902C3",
        personal_number="", sex="X",
    )  # fmt: skip
    found = compare(passport, None, None, RosterEntry("Đặng Thị Hòa", None, "l898902c3", "Nữ"))
    assert code(found, ComparedField.NUMBER) is ComparisonCode.EQUAL
    assert code(found, ComparedField.SEX) is ComparisonCode.ONE_SOURCE  # X states nothing


def test_json_has_codes_and_data_only_where_asked() -> None:
    found = compare(ZONE, DETAILS, QR, ROSTER)
    plain = json.dumps(found.to_dict(), ensure_ascii=False)
    assert "Hòa" not in plain and "206012345" not in plain
    assert "Hòa" not in repr(found) and "206012345" not in repr(found)
    told = json.loads(json.dumps(found.to_dict(with_values=True)))
    assert set(told["fields"]) == {name.value for name in ComparedField}
    assert told["verdict"] == "same"
    assert told["fields"]["name"]["values"]["dg13"] == "Đặng Thị Hòa"
    assert told["fields"]["name"]["pairs"][0] == {
        "sources": ["mrz", "dg13"],
        "code": "without_diacritics",
    }


texts = st.text(max_size=30)


@given(texts, texts, texts, texts, texts)
def test_any_texts_are_compared(a: str, b: str, c: str, d: str, e: str) -> None:
    details = CitizenDetails(
        number=a, name=b, date_of_birth=c, gender=d, date_of_expiry=e, residence=a, old_number=b
    )
    found = compare(ZONE, details, QR, RosterEntry(b, None, a, d))
    assert set(found.fields) == set(ComparedField)
    again = compare(None, details, None, RosterEntry(b, None, a, d))
    assert again.fields[ComparedField.NAME].sameness is not Sameness.DIFFERS


def test_every_code_is_explained() -> None:
    assert all(code.explanation.endswith(".") for code in ComparisonCode)
