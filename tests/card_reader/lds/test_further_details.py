"""EF.DG11 and EF.DG12: every object of the standard, old forms included."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds import dg11, dg12
from card_reader.lds.dates import PartialDate
from card_reader.lds.dg11 import PersonalDetails
from card_reader.lds.dg12 import DocumentDetails

JPEG = b"\xff\xd8\xffpicture\xff\xd9"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
parts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<"), max_size=12)
components = st.lists(parts, max_size=4).map(tuple).filter(lambda value: value != ("",))
pictures = st.just(b"") | st.binary(max_size=20).map(
    lambda body: b"\xff\xd8\xff" + body + b"\xff\xd9"
)
unknown = st.dictionaries(
    st.sampled_from((0x5F60, 0x5F61, 0x53)), st.binary(min_size=1, max_size=9), max_size=3
).map(lambda items: tuple(items.items()))
days = st.dates() | st.builds(PartialDate, st.integers(1, 9999), st.none(), st.none())

people = st.builds(
    PersonalDetails,
    name=texts,
    other_names=st.lists(texts, max_size=5).map(tuple),
    personal_number=texts,
    date_of_birth=st.none() | days,
    place_of_birth=components,
    permanent_address=components,
    telephone=texts,
    profession=texts,
    title=texts,
    personal_summary=texts,
    proof_of_citizenship=pictures,
    other_documents=components,
    custody_information=texts,
    unknown=unknown,
)
documents = st.builds(
    DocumentDetails,
    issuing_authority=texts,
    date_of_issue=st.none() | st.dates(),
    other_persons=st.lists(texts, max_size=5).map(tuple),
    endorsements=texts,
    tax_or_exit_requirements=texts,
    front=pictures,
    rear=pictures,
    personalised_at=st.none() | st.datetimes().map(lambda moment: moment.replace(microsecond=0)),
    personalisation_system=texts,
    unknown=unknown,
)


@given(people)
def test_personal_details_come_back(details: PersonalDetails) -> None:
    assert dg11.parse(dg11.encode(details)) == details


@given(documents)
def test_document_details_come_back(details: DocumentDetails) -> None:
    assert dg12.parse(dg12.encode(details)) == details


def file_of(tag: int, tags: str, *objects: tuple[int, bytes]) -> bytes:
    body = b"".join(tlv.encode(number, value) for number, value in objects)
    return tlv.encode(tag, tlv.encode(0x5C, bytes.fromhex(tags)) + body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"20060517", date(2006, 5, 17)),
        (bytes.fromhex("20060517"), date(2006, 5, 17)),  # BCD, which LDS 1.7 has
        (b"19450000", PartialDate(1945, None, None)),
    ],
)
def test_days_of_birth(value: bytes, expected: object) -> None:
    assert dg11.parse(file_of(0x6B, "5F2B", (0x5F2B, value))).date_of_birth == expected


@pytest.mark.parametrize("value", [b"", b"2006051", b"20061332", b"2006<<<<", b"\xaa\xbb\xcc\xdd"])
def test_a_wrong_day_of_birth_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedFileError):
        dg11.parse(file_of(0x6B, "5F2B", (0x5F2B, value)))


def test_other_names_in_a_template_or_bare() -> None:
    template = b"\x02\x01\x02" + tlv.encode(0x5F0F, b"A<<B") + tlv.encode(0x5F0F, b"C<<D")
    for raw in (
        file_of(0x6B, "5F0F", (0xA0, template)),
        file_of(0x6B, "A0", (0xA0, template)),
        file_of(0x6B, "5F0F5F0F", (0x5F0F, b"A<<B"), (0x5F0F, b"C<<D")),
    ):
        assert dg11.parse(raw).other_names == ("A<<B", "C<<D")


def test_time_of_personalisation_in_digits_or_bcd() -> None:
    for value in (b"20250115093000", bytes.fromhex("20250115093000")):
        details = dg12.parse(file_of(0x6C, "5F55", (0x5F55, value)))
        assert details.personalised_at == datetime(2025, 1, 15, 9, 30)
    with pytest.raises(MalformedFileError):
        dg12.parse(file_of(0x6C, "5F55", (0x5F55, b"20250115256000")))


@pytest.mark.parametrize(
    "raw",
    [
        tlv.encode(0x6B, tlv.encode(0x5F0E, b"A<<B")),  # no list of tags
        file_of(0x6B, "5F0E", (0x5F0E, b"A"), (0x5F0E, b"B")),
        file_of(0x6B, "5F", (0x5F0E, b"A")),
        file_of(0x6B, "5F0E", (0x5F0E, b"\xff")),
        file_of(0x6B, "5F0E", (0x5F0E, b"x" * 4097)),
        file_of(0x6B, "A0", (0xA0, b"\x02\x01\x02" + tlv.encode(0x5F0F, b"A"))),
        file_of(0x6B, "A0", (0xA0, tlv.encode(0x5F0F, b"A"))),
        file_of(0x6B, "5F0F", *[(0x5F0F, b"A")] * 65),
        file_of(0x6B, "5F0E" * 65),
        file_of(0x6B, "5F16", (0x5F16, b"no picture")),
        file_of(0x6B, "5F0E", *[(0xC0 + n % 16, b"") for n in range(200)]),
    ],
)
def test_a_wrong_dg11_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedFileError):
        dg11.parse(raw)


def test_an_incomplete_day_of_issue_is_refused() -> None:
    with pytest.raises(MalformedFileError):
        dg12.parse(file_of(0x6C, "5F26", (0x5F26, b"20250100")))


@pytest.mark.parametrize(
    "details",
    [
        PersonalDetails(place_of_birth=("a<b",)),
        PersonalDetails(name="x" * 4097),
        PersonalDetails(other_names=("A",) * 65),
        PersonalDetails(name="A", unknown=((0x5F0E, b"B"),)),
    ],
)
def test_what_does_not_fit_is_not_written(details: PersonalDetails) -> None:
    with pytest.raises(MalformedFileError):
        dg11.encode(details)
