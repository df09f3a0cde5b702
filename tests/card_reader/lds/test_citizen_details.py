"""EF.DG13 of the Vietnamese card: strict DER both ways, nothing lost."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds import dg13
from card_reader.lds.dg13 import CitizenDetails

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@settings(max_examples=40)
@given(
    st.fixed_dictionaries(
        {
            field.name: texts
            for field in fields(CitizenDetails)
            if field.name not in ("version", "type", "unknown")
        }
    ),
    st.integers(0, 0x7FFF),
    st.dictionaries(st.integers(17, 200), st.just(b"\x05\x00") | st.just(b"\x0c\x02ok")),
)
def test_citizen_details_come_back(
    values: dict[str, str], version: int, unknown: dict[int, bytes]
) -> None:
    details = CitizenDetails(**values, version=version, unknown=tuple(unknown.items()))
    back = dg13.parse(dg13.encode(details))
    assert replace(back, unknown=()) == replace(details, unknown=())
    assert dict(back.unknown) == unknown
    assert dg13.parse(dg13.encode(back)) == back  # the order of DER is one


def test_unknown_entries_stay_in_the_files_order() -> None:
    entries = [entry(n, utf8("a")) for n in (40, 20, 30)]
    assert [n for n, _ in dg13.parse(dg13_of(*entries)).unknown] == [40, 20, 30]


def test_lengths_of_two_and_three_bytes() -> None:
    details = CitizenDetails(residence="đ" * 100, place_of_origin="Đ" * 500)
    assert dg13.parse(dg13.encode(details)) == details


@pytest.mark.parametrize("n", [13, 14, 15, 16])
def test_a_disputed_entry_of_another_shape_is_kept(n: int) -> None:
    """Public readers disagree about 13 to 16: none of them costs the name."""
    value = b"\x04\x03abc"
    details = dg13.parse(dg13_of(entry(2, utf8("An")), entry(n, value)))
    assert details.name == "An"
    assert details.unknown == ((n, value),)
    assert dg13.parse(dg13.encode(details)) == details


def test_an_unknown_number_twice_is_not_written() -> None:
    with pytest.raises(MalformedFileError):
        dg13.encode(CitizenDetails(unknown=((40, b"\x05\x00"), (40, b"\x05\x00"))))


def entry(number: int, value: bytes) -> bytes:
    return tlv.encode(0x30, tlv.encode(0x02, bytes([number])) + value)


def dg13_of(*entries: bytes) -> bytes:
    body = b"\x02\x01\x00" + b"\x06\x03\x2a\x03\x04" + tlv.encode(0x31, b"".join(entries))
    return tlv.encode(0x6D, tlv.encode(0x30, body))


def utf8(text: str) -> bytes:
    return tlv.encode(0x0C, text.encode())


def person(name: str) -> bytes:
    return tlv.encode(0x30, utf8(name))


@pytest.mark.parametrize(
    "parents",
    [
        tlv.encode(0x30, person("Bố") + person("Mẹ")),
        person("Bố") + person("Mẹ"),
        tlv.encode(0x30, utf8("Bố") + utf8("Mẹ")),
    ],
)
def test_parents_in_the_shapes_that_readers_know(parents: bytes) -> None:
    details = dg13.parse(dg13_of(entry(1, b"\x13\x03123"), entry(13, parents)))
    assert (details.number, details.father, details.mother) == ("123", "Bố", "Mẹ")


def test_an_empty_spouse_and_an_unknown_number() -> None:
    details = dg13.parse(dg13_of(entry(14, b""), entry(99, b"\x04\x01x")))
    assert details.spouse == ""
    assert details.unknown == ((99, b"\x04\x01x"),)


@pytest.mark.parametrize(
    "raw",
    [
        dg13_of(entry(1, utf8("a")), entry(1, utf8("b"))),  # twice
        dg13_of(entry(2, b"\x04\x01a")),  # no text
        dg13_of(entry(2, b"\x0c\x01\xff")),  # no UTF-8
        dg13_of(entry(1, b"\x13\x02\xc3\xa1")),  # no ASCII
        dg13_of(entry(2, b"\x0c\x81\x01a")),  # BER length
        dg13_of(entry(2, utf8("x" * 2049))),
        dg13_of(tlv.encode(0x30, b"\x02\x02\x00\x01" + utf8("a"))),  # number with a leading zero
        dg13_of(b"\x30\x00"),
        dg13_of(*(entry(n, utf8("a")) for n in range(20, 85))),
    ],
)
def test_a_wrong_dg13_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedFileError):
        dg13.parse(raw)
