"""The chip from outside: files, access control, secure messaging, framing."""

from dataclasses import replace

import pytest
from chip_terminal import GET_CHALLENGE, SELECT_APPLICATION, Terminal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.apdu import CommandApdu
from card_reader.errors import CardReason, ReaderError
from card_reader.simulator.chip import Chip
from card_reader.simulator.ciphers import AUTHENTICATION, ENCRYPTION, TRIPLE_DES
from card_reader.simulator.passwords import mrz_key
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.quirks import Quirks
from card_reader.simulator.transport import SimulatedTransport

pytestmark = pytest.mark.slow

READ_COM = CommandApdu(0x00, 0xB0, 0x9E, 0x00, le=4)


def external_authenticate(chip: Chip, card: CardProfile, flip: int | None = None) -> bytes:
    """The status word of BAC with the right keys; `flip` turns a bit of that byte."""
    seed = mrz_key(card.access)[:16]
    k_enc, k_mac = (TRIPLE_DES.derive(seed, use) for use in (ENCRYPTION, AUTHENTICATION))
    challenge = chip.transmit(GET_CHALLENGE)[:8]
    cryptogram = TRIPLE_DES.encrypt(k_enc, bytes(8) + challenge + bytes(16))
    token = bytearray(cryptogram + TRIPLE_DES.token(k_mac, cryptogram))
    if flip is not None:
        token[flip] ^= 1
    return chip.transmit(b"\x00\x82\x00\x00\x28" + bytes(token) + b"\x28")[-2:]


@pytest.fixture(scope="module")
def chip(card: CardProfile) -> Chip:
    return Chip(card)


@pytest.fixture
def terminal(card: CardProfile) -> Terminal:
    terminal = Terminal(card)
    terminal.open()
    return terminal


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00A4020C02011E", "6982"),  # any file before access control
        ("00A4020C020177", "6982"),  # whether it exists or not
        ("00B09E0000", "6982"),
        ("00B0000000", "6986"),
        ("00880000081122334455667788 00", "6982"),
        ("0082000028" + "00" * 40 + "28", "6985"),  # no challenge was asked for
        ("0084000004", "6700"),
        ("00A4040C07A0000002471002", "6A82"),
        ("00A4040507A0000002471001", "6A86"),
        ("00A4000C023F00", "9000"),
        ("00A40000023F00", "9000"),
        ("00FF0000", "6D00"),
        ("80CA0000", "6E00"),
        ("0CB0000000", "6882"),  # secure messaging without a session
        ("00C0000000", "6985"),
        ("00", "6700"),
        ("", "6700"),
        ("00A4040C07A00000", "6700"),
    ],
)
def test_a_closed_chip(card: CardProfile, command: str, sw: str) -> None:
    chip = Chip(card)
    chip.transmit(SELECT_APPLICATION)
    assert chip.transmit(bytes.fromhex(command)).hex().upper() == sw


@pytest.mark.parametrize("flip", [0, 15, 31, 32, 39])
def test_wrong_keys_open_nothing(card: CardProfile, flip: int) -> None:
    chip = Chip(card)
    chip.transmit(SELECT_APPLICATION)
    assert external_authenticate(chip, card, flip) == b"\x63\x00"
    assert chip.transmit(bytes.fromhex("00A4020C02011E")) == b"\x69\x82"
    assert external_authenticate(chip, card) == b"\x90\x00"


def test_a_challenge_is_good_for_the_next_command_only(card: CardProfile) -> None:
    chip = Chip(card)
    chip.transmit(SELECT_APPLICATION)
    chip.transmit(GET_CHALLENGE)
    chip.transmit(SELECT_APPLICATION)
    assert chip.transmit(bytes.fromhex("0082000028" + "00" * 40 + "28")) == b"\x69\x85"


def test_files_by_identifier_and_by_short_identifier(terminal: Terminal, card: CardProfile) -> None:
    com = card.files[0x011E]
    assert terminal.send("00A4020C", b"\x01\x1e") == (b"", "9000")
    assert terminal.send("00B00000", le=4) == (com[:4], "9000")
    assert terminal.send("00B00004", le=256) == (com[4:], "9000")
    assert terminal.send("00B00004", le=200) == (com[4:], "6282")
    assert terminal.send("00B09E02", le=5) == (com[2:7], "9000")
    assert terminal.send("00B07FFF", le=5) == (b"", "6B00")


def test_whole_portrait_in_blocks_of_231(terminal: Terminal, card: CardProfile) -> None:
    dg2 = card.files[0x0102]
    content, sw = terminal.send("00B08200", le=256)
    assert len(content) == 231
    while len(content) < len(dg2):
        more, sw = terminal.send(f"00B0{len(content):04X}", le=256)
        content += more
    assert (content, sw) == (dg2, "9000")


def test_odd_read_binary_reaches_beyond_32767(card: CardProfile) -> None:
    large = bytes(range(256)) * 200
    terminal = Terminal(replace(card, files={**card.files, 0x0102: large}))
    terminal.open()
    data, sw = terminal.send("00B10002", tlv.encode(0x54, (40_000).to_bytes(3, "big")), le=103)
    assert sw == "9000"
    assert tlv.parse(data).tag == 0x53
    assert tlv.parse(data).value == large[40_000:40_101]


@pytest.mark.parametrize(
    ("header", "data", "le", "sw"),
    [
        ("00A4020C", b"\x01\x03", None, "6982"),  # fingerprints need terminal authentication
        ("00B08300", b"", 8, "6982"),
        ("00A4020C", b"\x01\x0b", None, "6A82"),  # no DG11 on this card
        ("00A4020C", b"\x01\x1c", None, "6A82"),  # EF.CardAccess is not in this application
        ("00B0E200", b"", 8, "6A86"),
        ("00B10000", b"\x54\x01\x00", 8, "6986"),
        ("00B10002", b"\x55\x01\x00", 8, "6A80"),
        ("00B10002", b"\x54", 8, "6A80"),
        ("00B10102", b"\x54\x01\x00", 8, "6A86"),
        ("00880000", b"\x01\x02", 256, "6A80"),
        ("00A4020C", b"\x01", None, "6A86"),
    ],
)
def test_refusals_inside_a_session(
    terminal: Terminal, header: str, data: bytes, le: int | None, sw: str
) -> None:
    assert terminal.send(header, data, le) == (b"", sw)
    assert terminal.send("00B09E00", le=2)[1] == "9000"  # the session goes on


def test_a_forged_command_ends_the_session(terminal: Terminal) -> None:
    command = bytearray(terminal.protect(READ_COM))
    command[-3] ^= 1
    assert terminal.chip.transmit(bytes(command)) == b"\x69\x88"
    assert terminal.chip.transmit(terminal.protect(READ_COM)) == b"\x68\x82"


def test_a_repeated_command_ends_the_session(terminal: Terminal) -> None:
    command = terminal.protect(READ_COM)
    assert terminal.chip.transmit(command)[-2:] == b"\x90\x00"
    assert terminal.chip.transmit(command) == b"\x69\x88"


def test_a_missing_mac_ends_the_session(terminal: Terminal) -> None:
    assert terminal.chip.transmit(bytes.fromhex("0CB09E000397010400")) == b"\x69\x87"
    assert terminal.chip.transmit(bytes.fromhex("00B09E0004")) == b"\x69\x82"


def test_a_plain_command_ends_the_session(terminal: Terminal) -> None:
    assert terminal.chip.transmit(bytes.fromhex("00B09E0004")) == b"\x69\x82"
    assert terminal.chip.transmit(terminal.protect(READ_COM)) == b"\x68\x82"


def test_power_off_closes_the_chip(terminal: Terminal) -> None:
    terminal.chip.reset()
    assert terminal.chip.transmit(bytes.fromhex("00B09E0004")) == b"\x6a\x82"
    assert terminal.chip.transmit(GET_CHALLENGE) == b"\x69\x85"


@pytest.mark.parametrize(
    ("quirks", "command", "sw"),
    [
        (Quirks(select_mf_refused=True), "00A4000C023F00", "6D00"),
        (Quirks(select_with_le_refused=True), "00A4040C07A000000247100100", "6700"),
        (Quirks(extended_length=False), "00A4040C000007A0000002471001", "6700"),
        (Quirks(extended_length=True), "00A4040C000007A0000002471001", "9000"),
    ],
)
def test_quirks_of_a_closed_chip(card: CardProfile, quirks: Quirks, command: str, sw: str) -> None:
    assert Chip(replace(card, quirks=quirks)).transmit(bytes.fromhex(command)).hex().upper() == sw


@pytest.mark.parametrize(
    ("quirks", "header", "data", "le", "sw"),
    [
        (Quirks(short_file_identifiers=False), "00B09E00", b"", 4, "6A81"),
        (Quirks(odd_read_binary=False), "00B1001E", b"\x54\x01\x00", 8, "6D00"),
        (Quirks(longest_read=100), "00B09E00", b"", 101, "6700"),
    ],
)
def test_quirks_of_an_open_chip(
    card: CardProfile, quirks: Quirks, header: str, data: bytes, le: int, sw: str
) -> None:
    terminal = Terminal(replace(card, quirks=quirks))
    terminal.open()
    assert terminal.send(header, data, le) == (b"", sw)


def test_card_access_is_readable_before_access_control(card: CardProfile) -> None:
    chip = Chip(replace(card, master_files={0x011C: b"\x31\x00"}))
    assert chip.transmit(bytes.fromhex("00A4020C02011C")) == b"\x90\x00"
    assert chip.transmit(bytes.fromhex("00B0000000")) == b"\x31\x00\x90\x00"
    assert chip.transmit(bytes.fromhex("00B09C0000")) == b"\x31\x00\x90\x00"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(commands=st.lists(st.binary(max_size=40), max_size=5), opened=st.booleans())
def test_the_chip_answers_everything(
    card: CardProfile, chip: Chip, commands: list[bytes], opened: bool
) -> None:
    chip.reset()
    chip.transmit(SELECT_APPLICATION)
    if opened:
        assert external_authenticate(chip, card) == b"\x90\x00"
    for command in commands:
        assert len(chip.transmit(command)) >= 2


def test_a_torn_card_answers_no_more(card: CardProfile) -> None:
    transport = SimulatedTransport(Chip(card), tear_after=2)
    assert transport.atr == card.atr
    assert transport.transmit(SELECT_APPLICATION) == b"\x90\x00"
    assert len(transport.transmit(GET_CHALLENGE)) == 10
    for _ in range(2):
        with pytest.raises(ReaderError) as caught:
            transport.transmit(GET_CHALLENGE)
        assert caught.value.reason is CardReason.CARD_REMOVED
