"""The chip's files and framing: master file, SELECT and READ BINARY with every switch, pieces."""

from dataclasses import replace

import pytest
from chip_terminal import SELECT_APPLICATION, Terminal, mrz_password
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from card_reader import tlv
from card_reader.access.bac import bac
from card_reader.apdu import CommandApdu
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import AccessKeys, CardProfile
from card_reader.simulator.quirks import EndOfFile, OverlongRead, Quirks

KEYS = AccessKeys("L898902C", "690806", "940623")
LONG = bytes(range(256)) * 40
CARD = CardProfile(
    b"\x3b\x80\x80\x01\x01",
    KEYS,
    {0x011E: b"\x60\x00", 0x0101: LONG[:100], 0x0102: LONG, 0x0103: b"\x63\x00"},
    protected=frozenset({0x0103}),
    master_files={
        0x011C: b"\x31\x00",
        0x011D: b"\x30\x00",
        0x2F00: b"\x61\x00",
        0x2F01: b"\x43\x01\xb8",
    },
)
SELECT_MF, SELECT_3F00 = "00A4000C", "00A4000C023F00"
CARD_ACCESS = "00A4020C02011C"


def plain(quirks: Quirks | None = None) -> Terminal:
    return Terminal(replace(CARD, quirks=quirks or Quirks()))


def opened(**switches: object) -> Terminal:
    terminal = plain(Quirks(**switches))
    terminal.open()
    return terminal


@pytest.mark.parametrize(
    ("command", "response"),
    [
        (CARD_ACCESS, "9000"),
        ("00A4000C02011C", "9000"),
        ("00A4080C02011C", "9000"),  # path from the master file
        ("00A4020C022F00", "9000"),
        ("00A4020C022F01", "9000"),
        ("00A4020C02011D", "6982"),  # EF.CardSecurity wants access control
        ("00A4020C02011E", "6A82"),
        ("00A4020C020102", "6A82"),  # of the application
        ("00B09C0000", "31009000"),
        ("00B0810000", "4301B89000"),  # EF.ATR/INFO
        ("00B09E0000", "61009000"),  # EF.DIR
        ("00B09D0000", "6982"),
        ("00B0800000", "6A86"),
        ("00B09F0000", "6A86"),
        ("00B1001C03540100" + "00", "530231009000"),
        (SELECT_MF, "9000"),
        (SELECT_3F00, "9000"),
        ("00A4030C", "9000"),  # the parent
        ("00A4040007A000000247100100", "6F098407A00000024710019000"),
        ("00A4040007A0000002471001", "9000"),
        ("00A4040C05A000000247", "9000"),  # a name may be cut off
        ("00A4040407A0000002471001", "6A86"),
        ("00A40900023F00", "6A86"),
    ],
)
def test_the_master_file(command: str, response: str) -> None:
    assert plain().transmit(command) == response


def test_from_the_application_back_to_the_master_file() -> None:
    terminal = opened()
    assert terminal.send("00B09C00", le=256)[1] == "6A82"
    assert terminal.send("00A4000C")[1] == "9000"
    assert terminal.send("00A4020C", b"\x01\x1d") == (b"", "9000")
    assert terminal.send("00B00000", le=256) == (b"\x30\x00", "9000")
    terminal.select_application()
    assert terminal.send("00B09E00", le=256) == (b"\x60\x00", "9000")
    assert terminal.send("00B08300", le=256)[1] == "6982"


@pytest.mark.parametrize(
    ("quirks", "commands", "last"),
    [
        (Quirks(select_mf_refused=True), (SELECT_3F00,), "6D00"),
        (Quirks(select_mf_refused=True, select_mf_status=0x6985), (SELECT_MF,), "6985"),
        (Quirks(select_mf_by_identifier_refused=True), (SELECT_3F00,), "6D00"),
        (Quirks(select_mf_by_identifier_refused=True), (SELECT_MF,), "9000"),
        (Quirks(card_access_needs_mf=True), (CARD_ACCESS,), "6A82"),
        (Quirks(card_access_needs_mf=True), (SELECT_MF, CARD_ACCESS), "9000"),
        (
            Quirks(card_access_needs_mf=True, select_mf_without_data_ignored=True),
            (SELECT_MF, CARD_ACCESS),
            "6A82",
        ),
        (
            Quirks(card_access_needs_mf=True, select_mf_without_data_ignored=True),
            (SELECT_3F00, CARD_ACCESS),
            "9000",
        ),
        (Quirks(card_access_lost_in_mf=True), (CARD_ACCESS,), "9000"),
        (Quirks(card_access_lost_in_mf=True), (SELECT_MF, CARD_ACCESS), "6A82"),
        (Quirks(directory_protected=True), ("00A4020C022F00",), "6982"),
        (Quirks(application_needs_access=True), (SELECT_APPLICATION.hex(),), "6982"),
        (
            Quirks(select_answers_fci=True),
            ("00A4040C07A0000002471001",),
            "6F098407A00000024710019000",
        ),
        (Quirks(mse_with_le_refused=True), ("0022C1A403830101" + "00",), "6700"),
        (Quirks(challenge_wants_le_zero=True), (SELECT_APPLICATION.hex(), "0084000008"), "6700"),
        (
            Quirks(authenticate_with_le_refused=True),
            (SELECT_APPLICATION.hex(), "0084000000", "0082000028" + "00" * 40 + "28"),
            "6700",
        ),
        (Quirks(wrong_password_sw=0x6982), (SELECT_APPLICATION.hex(), "0084000008",
            "0082000028" + "00" * 40 + "28"), "6982"),
        (Quirks(pace_refused=True), ("0022C1A403830101",), "6982"),
        (Quirks(longest_extended=1000), ("00B09C00000400",), "6700"),
    ],
)  # fmt: skip
def test_switches_of_a_closed_chip(quirks: Quirks, commands: tuple[str, ...], last: str) -> None:
    terminal = plain(quirks)
    answers = [terminal.transmit(command) for command in commands]
    assert answers[-1] == last


def test_directory_opens_with_the_session() -> None:
    terminal = opened(directory_protected=True)
    terminal.send("00A4000C")
    assert terminal.send("00B09E00", le=256) == (b"\x61\x00", "9000")


def test_a_short_read_that_selects_nothing() -> None:
    assert opened().send("00B08200", le=8)[1] == "9000"
    terminal = opened()
    terminal.send("00B08200", le=8)
    assert terminal.send("00B00008", le=8) == (LONG[8:16], "9000")
    terminal = opened(short_read_selects=False)
    terminal.send("00B08200", le=8)
    assert terminal.send("00B00008", le=8)[1] == "6986"


@pytest.mark.parametrize(
    ("overlong", "data", "sw"),
    [
        (OverlongRead.REFUSED, b"", "6700"),
        (OverlongRead.CORRECTED, b"", "6C64"),
        (OverlongRead.TRUNCATED, LONG[:100], "9000"),
        (OverlongRead.EMPTY, b"", "9000"),
    ],
)
def test_a_read_that_is_too_long(overlong: OverlongRead, data: bytes, sw: str) -> None:
    terminal = opened(longest_read=100, overlong_read=overlong)
    assert terminal.send("00B08200", le=101) == (data, sw)
    assert terminal.send("00B08200", le=100) == (LONG[:100], "9000")


def test_a_read_that_is_too_long_and_costs_the_session() -> None:
    terminal = opened(longest_read=100, overlong_read=OverlongRead.ENDS_SESSION)
    command = terminal.protect(CommandApdu(0x00, 0xB0, 0x82, 0x00, le=101))
    assert terminal.chip.transmit(command) == b"\x67\x00"
    command = terminal.protect(CommandApdu(0x00, 0xB0, 0x82, 0x00, le=100))
    assert terminal.chip.transmit(command) == b"\x68\x82"
    terminal = plain(Quirks(longest_read=100, overlong_read=OverlongRead.ENDS_SESSION))
    assert terminal.transmit("00B09C00C8") == "6700"


@pytest.mark.parametrize(
    ("end", "le", "data", "sw"),
    [
        (EndOfFile.WARNING, 90, LONG[50:100], "6282"),
        (EndOfFile.WARNING, 256, LONG[50:100], "9000"),
        (EndOfFile.SILENT, 90, LONG[50:100], "9000"),
        (EndOfFile.CORRECTED, 90, b"", "6C32"),
        (EndOfFile.REFUSED, 90, b"", "6B00"),
        (EndOfFile.REFUSED, 256, b"", "6B00"),
        (EndOfFile.REFUSED, 50, LONG[50:100], "9000"),
    ],
)
def test_a_read_over_the_end(end: EndOfFile, le: int, data: bytes, sw: str) -> None:
    terminal = opened(end_of_file=end)
    terminal.send("00A4020C", b"\x01\x01")
    assert terminal.send("00B00032", le=le) == (data, sw)
    assert terminal.send("00B00064", le=1)[1] == "6B00"


def test_extended_reads_up_to_the_longest_message() -> None:
    terminal = opened()
    assert terminal.send("00B08200", le=65_536, extended=True) == (LONG, "9000")
    large = replace(CARD, files={**CARD.files, 0x0102: LONG * 8})
    terminal = Terminal(large)
    terminal.open()
    data, sw = terminal.send("00B08200", le=65_536, extended=True)
    assert sw == "9000"
    assert len(terminal.responses[-1]) <= 65_535
    assert data == (LONG * 8)[: len(data)]
    assert len(data) > 65_000


def test_an_extended_command_that_is_refused_counts_for_nothing() -> None:
    """The refusal is bare and the session's counter stands where it stood (gmrtd 457)."""
    terminal = opened(extended_length=False)
    assert terminal.session is not None
    before = terminal.session.keys
    command = terminal.protect(CommandApdu(0x00, 0xB0, 0x82, 0x00, le=1000), extended=True)
    assert terminal.chip.transmit(command) == b"\x67\x00"
    terminal.session = type(terminal.session).of(before)
    assert terminal.send("00B08200", le=8)[1] == "9000"


def test_responses_in_pieces_around_secure_messaging() -> None:
    terminal = opened(longest_response=100)
    assert terminal.send("00B08200", le=220) == (LONG[:220], "9000")
    raw = terminal.chip.transmit(terminal.protect(CommandApdu(0x00, 0xB0, 0x82, 0, le=220)))
    assert len(raw) == 102
    assert raw[-2:] == b"\x61\x64"
    assert terminal.transmit("00A4020C020101") == "6982"  # the rest is forgotten
    assert terminal.transmit("00C0000000") == "6985"


def test_responses_in_pieces_inside_secure_messaging() -> None:
    key = rsa.generate_private_key(65537, 3072)
    pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    card = replace(CARD, authentication_key=pkcs8, quirks=Quirks(protected_pieces=True))
    terminal = Terminal(card)
    terminal.open()
    first, sw = terminal.send("00880000", bytes(8), 256)
    assert (len(first), sw) == (231, "6199")
    second, sw = terminal.send("00C00000", b"", 0x99)
    assert (len(second), sw) == (384 - 231, "9000")
    assert terminal.send("00C00000", b"", 256)[1] == "6985"


def test_errors_in_plain_end_the_session() -> None:
    terminal = opened(plain_errors=True)
    assert terminal.send("00B08100", le=90)[1] == "9000"
    command = terminal.protect(CommandApdu(0x00, 0xA4, 0x02, 0x0C, b"\x01\x0b"))
    assert terminal.chip.transmit(command) == b"\x6a\x82"
    command = terminal.protect(CommandApdu(0x00, 0xB0, 0x81, 0x00, le=90))
    assert terminal.chip.transmit(command) == b"\x68\x82"


def test_power_is_lost_after_so_many_commands() -> None:
    terminal = plain(Quirks(commands_before_reset=3))
    assert terminal.transmit(SELECT_APPLICATION.hex()) == "9000"
    assert terminal.transmit("00A4020C02011C") == "6982"
    assert terminal.transmit("00A4020C02011C") == "6982"
    assert terminal.transmit("00A4020C02011C") == "9000"  # in the master file again


def test_exact_length_of_a_signature() -> None:
    key = rsa.generate_private_key(65537, 1024)
    pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    quirks = Quirks(exact_signature_le=True)
    terminal = Terminal(replace(CARD, authentication_key=pkcs8, quirks=quirks))
    terminal.open()
    assert terminal.send("00880000", bytes(8), 256) == (b"", "6C80")
    assert len(terminal.send("00880000", bytes(8), 128)[0]) == 128


def test_secure_messaging_objects_that_are_wrong() -> None:
    for tag, value in ((0x80, b"\x01"), (0x87, b"\x02" + bytes(8)), (0x85, bytes(8))):
        terminal = opened()
        assert terminal.session is not None
        wrapped = CommandApdu.from_bytes(
            terminal.protect(CommandApdu(0x00, 0xB0, 0x82, 0x00, le=8))
        )
        forged = replace(wrapped, data=tlv.encode(tag, value) + wrapped.data)
        assert terminal.chip.transmit(forged.to_bytes()) == b"\x69\x88"
        assert terminal.chip.transmit(wrapped.to_bytes()) == b"\x68\x82"


def test_bac_is_not_run_inside_a_session() -> None:
    terminal = opened()
    assert terminal.send("00840000", le=8)[1] == "6985"
    terminal.session = None
    terminal.select_application()
    terminal.session = terminal.run(bac(mrz_password(KEYS)))
    assert terminal.send("00B09E00", le=2)[1] == "9000"


def test_a_card_without_access_control() -> None:
    card = replace(CARD, plain=True, basic_access=False)
    terminal = Terminal(card, Chip(card))
    terminal.select_application()
    assert terminal.transmit("00B0820008") == LONG[:8].hex().upper() + "9000"
    assert terminal.transmit("00B0820000") == LONG[:256].hex().upper() + "9000"
    assert terminal.transmit("00A4020C020103") == "6982"
    assert terminal.transmit("0084000008") == "6D00"
