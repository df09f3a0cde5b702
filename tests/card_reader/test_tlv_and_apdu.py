"""The two pure codecs: inverses of each other, and nothing but our errors on any bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu, StatusWord
from card_reader.errors import CardReason, MalformedApduError, MalformedTlvError

TAGS = st.sampled_from([0x04, 0x30, 0x5C, 0x61, 0x77, 0x5F1F, 0x7F61, 0x7F2E])
BYTES = st.integers(0, 255)


@given(TAGS, st.one_of(st.binary(max_size=300), st.sampled_from([65_535, 65_536]).map(bytes)))
def test_an_object_survives_its_bytes(tag: int, value: bytes) -> None:
    raw = tlv.encode(tag, value)
    assert tlv.parse(raw) == tlv.Tlv(tag, value, raw)
    assert tlv.header_length(raw[:8]) == len(raw)
    assert tlv.parse_prefix(raw + b"\x01\x02") == (tlv.Tlv(tag, value, raw), b"\x01\x02")


@given(st.lists(st.tuples(TAGS, st.binary(max_size=20)), max_size=8))
def test_a_row_of_objects(items: list[tuple[int, bytes]]) -> None:
    raw = b"".join(tlv.encode(tag, value) for tag, value in items)
    assert [(item.tag, item.value) for item in tlv.parse_all(raw)] == items


@given(st.binary(max_size=64))
def test_hostile_bytes_give_objects_or_our_error(data: bytes) -> None:
    with contextlib.suppress(MalformedTlvError):
        assert b"".join(item.raw for item in tlv.parse_all(data)) == data


@pytest.mark.parametrize(
    "data",
    ["", "30", "3080", "308000000000", "30820001", "3001", "1F", "1FFFFFFF01", "00", "300100FF"],
)
def test_what_is_no_object(data: str) -> None:
    with pytest.raises(MalformedTlvError):
        tlv.parse(bytes.fromhex(data))


def test_lengths_have_a_cap() -> None:
    with pytest.raises(MalformedTlvError) as caught:
        tlv.header_length(bytes.fromhex("7584FFFFFFFF"))
    assert caught.value.reason is CardReason.TOO_LARGE


def test_find_wants_exactly_one() -> None:
    items = tlv.parse_all(bytes.fromhex("040101040102050103"))
    assert tlv.find(items, 0x05).value == b"\x03"
    for tag in (0x04, 0x06):
        with pytest.raises(MalformedTlvError):
            tlv.find(items, tag)


@given(
    st.tuples(BYTES, BYTES, BYTES, BYTES),
    st.one_of(st.binary(max_size=300), st.sampled_from([256, 300, 65_535]).map(bytes)),
    st.one_of(st.none(), st.integers(1, 65_536)),
)
def test_a_command_survives_its_bytes(
    header: tuple[int, int, int, int], data: bytes, le: int | None
) -> None:
    command = CommandApdu(*header, data, le)
    assert CommandApdu.from_bytes(command.to_bytes()) == command


@pytest.mark.parametrize(
    ("command", "raw"),
    [
        (CommandApdu(0, 0xA4, 4, 0xC), "00A4040C"),
        (CommandApdu(0, 0x84, 0, 0, le=8), "0084000008"),
        (CommandApdu(0, 0xB0, 0x81, 0, le=256), "00B0810000"),
        (CommandApdu(0, 0xA4, 2, 0xC, b"\x01\x1e"), "00A4020C02011E"),
        (CommandApdu(0, 0x88, 0, 0, b"\x01" * 2, 256), "0088000002010100"),
        (CommandApdu(0, 0xB0, 0, 0, le=65_536), "00B00000000000"),
        (CommandApdu(0, 0x88, 0, 0, b"\x01" * 2, 65_536), "00880000000002 01010000"),
    ],
)
def test_the_forms_of_a_command(command: CommandApdu, raw: str) -> None:
    assert command.to_bytes() == bytes.fromhex(raw)


@given(st.binary(max_size=300))
def test_hostile_commands(data: bytes) -> None:
    try:
        command = CommandApdu.from_bytes(data)
    except MalformedApduError:
        return
    assert CommandApdu.from_bytes(command.to_bytes()) == command


def test_out_of_range_is_refused() -> None:
    for wrong in (
        lambda: CommandApdu(256, 0, 0, 0),
        lambda: CommandApdu(0, 0, 0, 0, le=0),
        lambda: CommandApdu(0, 0, 0, 0, bytes(65_536)),
        lambda: ResponseApdu.from_bytes(b"\x90"),
    ):
        with pytest.raises(MalformedApduError):
            wrong()


def test_status_words() -> None:
    assert StatusWord.more_available(0x6100) == 256
    assert StatusWord.more_available(0x6112) == 0x12
    assert StatusWord.right_le(0x6C10) == 0x10
    assert StatusWord.more_available(0x9000) is None
    assert StatusWord.meaning(0x6A82) == "file or application not found"
    assert ResponseApdu.from_bytes(b"\x01\x90\x00").ok
