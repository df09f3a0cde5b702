"""EF.ATR/INFO and EF.DIR."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds import APPLICATION_ID, atr_info, directory
from card_reader.lds.atr_info import AtrInfo
from card_reader.lds.directory import Application

lengths = st.integers(1, (1 << 24) - 1)
others = st.dictionaries(st.sampled_from((0x43, 0x46, 0x5F52)), st.binary(max_size=12)).map(
    lambda items: tuple(items.items())
)


@given(st.booleans(), st.booleans(), st.booleans(), lengths, lengths, others)
def test_capabilities_come_back(
    short: bool,
    chaining: bool,
    extended: bool,
    command: int,
    response: int,
    unknown: tuple[tuple[int, bytes], ...],
) -> None:
    info = AtrInfo(short, chaining, extended, command, response, unknown)
    assert atr_info.parse(atr_info.encode(info)) == info


def test_the_example_of_the_standard() -> None:
    """Extended length with its limits: 7F66 states 32,767 and 65,535 bytes."""
    raw = bytes.fromhex("43011B 4703F30160 7F6608 02027FFF 0202FFFF")
    info = atr_info.parse(raw)
    assert (info.extended_length, info.command_chaining) == (True, False)
    assert (info.max_command, info.max_response) == (0x7FFF, 0xFFFF)
    assert info.unknown == ((0x43, b"\x1b"),)


def test_what_is_not_stated_is_none() -> None:
    info = atr_info.parse(bytes.fromhex("4701F3"))
    assert info == AtrInfo(short_file_ids=False)
    assert atr_info.parse(bytes.fromhex("43011B")).extended_length is None


@pytest.mark.parametrize("padding", ["", "00", "FFFFFF", "0000FF"])
def test_the_unused_end_of_a_file(padding: str) -> None:
    raw = bytes.fromhex("4703F30160" + padding)
    assert atr_info.parse(raw).extended_length is True
    one = directory.encode((Application(APPLICATION_ID),))
    assert directory.parse(one + bytes.fromhex(padding)) == (Application(APPLICATION_ID),)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "47",
        "4704F3016000",
        "4703F301604703F30160",
        "4703F3016000FF01",
        "7F660402021000",
        "7F66080202000002021000",
        "7F660A0201100205FFFFFFFFFF",
        "4301" * 40,
        "43011B4401014501014601015301015401015501015601015701015801015901015A0101" * 3,
    ],
)
def test_a_wrong_atr_info_is_refused(raw: str) -> None:
    with pytest.raises(MalformedFileError):
        atr_info.parse(bytes.fromhex(raw))


applications = st.builds(
    Application,
    st.binary(min_size=1, max_size=16),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=16),
    st.lists(st.tuples(st.sampled_from((0x51, 0x73)), st.binary(max_size=9)), max_size=2).map(
        tuple
    ),
)


@given(st.lists(applications, max_size=5).map(tuple))
def test_applications_come_back(found: tuple[Application, ...]) -> None:
    assert directory.parse(directory.encode(found)) == found


@pytest.mark.parametrize(
    "raw",
    [
        tlv.encode(0x61, b""),
        tlv.encode(0x61, tlv.encode(0x4F, b"")),
        tlv.encode(0x61, tlv.encode(0x4F, bytes(17))),
        tlv.encode(0x61, tlv.encode(0x4F, b"a") + tlv.encode(0x50, b"\xff")),
        tlv.encode(0x61, tlv.encode(0x4F, b"a") * 2),
        tlv.encode(0x61, tlv.encode(0x4F, b"a")) * 33,
    ],
)
def test_a_wrong_directory_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedFileError):
        directory.parse(raw)
