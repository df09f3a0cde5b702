"""The chip from outside: ICAO's printed conversation, then a terminal of the test's own."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.errors import CardReason, ReaderError, UnreadableInputError
from card_reader.simulator import secure_messaging as sm
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import AccessKeys, CardProfile, Quirks
from card_reader.simulator.transport import SimulatedTransport

SELECT_APPLICATION = bytes.fromhex("00A4040C07A0000002471001")
GET_CHALLENGE = bytes.fromhex("0084000008")

# ICAO 9303-11 appendix D: what the terminal sends, and what the chip must answer.
ICAO_KEYS = AccessKeys("L898902C", "690806", "940623")
ICAO_COM = bytes.fromhex("60145F0104303130365F36063034303030305C026175")
ICAO_CONVERSATION = [
    ("0084000008", "4608F919887022129000"),
    (
        "008200002872C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F2"
        "5F1448EEA8AD90A728",
        "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D74499000",
    ),
    (
        "0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800",
        "990290008E08FA855A5D4C50A8ED9000",
    ),
    (
        "0CB000000D9701048E08ED6705417E96BA5500",
        "8709019FF0EC34F9922651990290008E08AD55CC17140B2DED9000",
    ),
    (
        "0CB000040D9701128E082EA28A70F3C7B53500",
        "871901FB9235F4E4037F2327DCC8964F1F9B8C30F42C8E2FFF224A990290008E08C8B2787EAEA07D749000",
    ),
]


def test_the_conversation_that_icao_prints() -> None:
    drawn: Iterator[bytes] = iter(
        [bytes.fromhex("4608F91988702212"), bytes.fromhex("0B4F80323EB3191CB04970CB4052790B")]
    )
    profile = CardProfile(b"\x3b\x80\x01\x81", ICAO_KEYS, {0x011E: ICAO_COM})
    chip = Chip(profile, rng=lambda count: next(drawn))
    assert chip.transmit(SELECT_APPLICATION) == b"\x90\x00"
    for command, response in ICAO_CONVERSATION:
        assert chip.transmit(bytes.fromhex(command)).hex().upper() == response


class Terminal:
    """Opens a chip and speaks to it in protected commands; written for these tests."""

    def __init__(self, profile: CardProfile, chip: Chip | None = None) -> None:
        self.chip = chip or Chip(profile)
        self.keys = sm.BasicAccess(profile.access)
        self.ssc = 0
        assert self.chip.transmit(SELECT_APPLICATION) == b"\x90\x00"

    def external_authenticate(self, flip: int | None = None) -> bytes:
        challenge = self.chip.transmit(GET_CHALLENGE)[:8]
        rnd, key = bytes(range(8)), bytes(range(16))
        cryptogram = sm.encrypt(self.keys.k_enc, rnd + challenge + key)
        token = bytearray(cryptogram + sm.retail_mac(self.keys.k_mac, sm.pad(cryptogram)))
        if flip is not None:
            token[flip] ^= 1
        answer = self.chip.transmit(b"\x00\x82\x00\x00\x28" + bytes(token) + b"\x28")
        if answer[-2:] == b"\x90\x00":
            plain = sm.decrypt(self.keys.k_enc, answer[:32])
            assert plain[:16] == challenge + rnd
            seed = bytes(a ^ b for a, b in zip(key, plain[16:], strict=True))
            self.k_enc, self.k_mac = sm.derive_keys(seed)
            self.ssc = int.from_bytes(challenge[4:] + rnd[4:], "big")
        return answer[-2:]

    def wrap(self, header: str, data: bytes = b"", le: int | None = None) -> bytes:
        cla_ins = bytes.fromhex(header)
        odd = cla_ins[1] & 1
        objects = b""
        if data:
            cryptogram = sm.encrypt(self.k_enc, sm.pad(data))
            objects = (
                tlv.encode(0x85, cryptogram) if odd else tlv.encode(0x87, b"\x01" + cryptogram)
            )
        if le is not None:
            objects += tlv.encode(0x97, bytes([le & 0xFF]))
        self.ssc += 1
        head = b"\x0c" + cla_ins[1:]
        body = self.ssc.to_bytes(8, "big") + sm.pad(head)
        mac = sm.retail_mac(self.k_mac, body + sm.pad(objects) if objects else body)
        objects += tlv.encode(0x8E, mac)
        return head + bytes([len(objects)]) + objects + b"\x00"

    def unwrap(self, response: bytes) -> tuple[bytes, str]:
        assert len(response) > 2, response.hex()
        objects = tlv.parse_all(response[:-2])
        covered = b"".join(item.raw for item in objects[:-1])
        self.ssc += 1
        counter = self.ssc.to_bytes(8, "big")
        assert objects[-1].value == sm.retail_mac(self.k_mac, counter + sm.pad(covered))
        assert objects[-2].value == response[-2:]
        data = b""
        if objects[0].tag in (0x87, 0x85):
            cryptogram = objects[0].value[1 if objects[0].tag == 0x87 else 0 :]
            data = sm.decrypt(self.k_enc, cryptogram).rstrip(b"\x00")[:-1]
        return data, response[-2:].hex().upper()

    def send(self, header: str, data: bytes = b"", le: int | None = None) -> tuple[bytes, str]:
        raw = self.chip.transmit(self.wrap(header, data, le))
        whole = raw[:-2]
        while raw[-2] == 0x61:
            raw = self.chip.transmit(bytes([0x00, 0xC0, 0x00, 0x00, raw[-1]]))
            whole += raw[:-2]
        return self.unwrap(whole + raw[-2:])


@pytest.fixture(scope="module")
def chip(card: CardProfile) -> Chip:
    return Chip(card)


@pytest.fixture
def terminal(card: CardProfile) -> Terminal:
    terminal = Terminal(card)
    assert terminal.external_authenticate() == b"\x90\x00"
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
    terminal = Terminal(card)
    assert terminal.external_authenticate(flip) == b"\x63\x00"
    assert terminal.chip.transmit(bytes.fromhex("00A4020C02011E")) == b"\x69\x82"
    assert terminal.external_authenticate() == b"\x90\x00"


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
    terminal.external_authenticate()
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
        ("00880000", b"\x01\x02", 0, "6A80"),
        ("00A4020C", b"\x01", None, "6A86"),
    ],
)
def test_refusals_inside_a_session(
    terminal: Terminal, header: str, data: bytes, le: int | None, sw: str
) -> None:
    assert terminal.send(header, data, le) == (b"", sw)
    assert terminal.send("00B09E00", le=2)[1] == "9000"  # the session goes on


def test_a_forged_command_ends_the_session(terminal: Terminal) -> None:
    command = bytearray(terminal.wrap("00B09E00", le=4))
    command[-3] ^= 1
    assert terminal.chip.transmit(bytes(command)) == b"\x69\x88"
    assert terminal.chip.transmit(terminal.wrap("00B09E00", le=4)) == b"\x68\x82"


def test_a_repeated_command_ends_the_session(terminal: Terminal) -> None:
    command = terminal.wrap("00B09E00", le=4)
    terminal.unwrap(terminal.chip.transmit(command))
    assert terminal.chip.transmit(command) == b"\x69\x88"


def test_a_missing_mac_ends_the_session(terminal: Terminal) -> None:
    assert terminal.chip.transmit(bytes.fromhex("0CB09E000397010400")) == b"\x69\x87"
    assert terminal.chip.transmit(bytes.fromhex("00B09E0004")) == b"\x69\x82"


def test_a_plain_command_ends_the_session(terminal: Terminal) -> None:
    assert terminal.chip.transmit(bytes.fromhex("00B09E0004")) == b"\x69\x82"
    assert terminal.chip.transmit(terminal.wrap("00B09E00", le=4)) == b"\x68\x82"


def test_power_off_closes_the_chip(terminal: Terminal) -> None:
    terminal.chip.reset()
    assert terminal.chip.transmit(bytes.fromhex("00B09E0004")) == b"\x6a\x82"
    assert terminal.chip.transmit(GET_CHALLENGE) == b"\x69\x85"


@pytest.mark.parametrize("bits", [1024, 1536, 2048])
def test_active_authentication(card: CardProfile, bits: int) -> None:
    key = rsa.generate_private_key(65537, bits)
    pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    terminal = Terminal(replace(card, authentication_key=pkcs8))
    terminal.external_authenticate()
    challenge = bytes.fromhex("F173589974BF40C6")
    signature, sw = terminal.send("00880000", challenge, le=256)
    assert (len(signature), sw) == (bits // 8, "9000")
    numbers = key.public_key().public_numbers()
    opened = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(bits // 8, "big")
    assert (opened[0], opened[-2:]) == (0x6A, b"\x34\xcc")
    m1, digest = opened[1:-34], opened[-34:-2]
    assert hashlib.sha256(m1 + challenge).digest() == digest


def test_a_profile_without_a_usable_key_is_refused(card: CardProfile) -> None:
    assert Chip(replace(card, authentication_key=None)) is not None
    with pytest.raises(UnreadableInputError):
        Chip(replace(card, authentication_key=b"no key"))


def test_the_key_of_the_card_is_that_of_dg15(card: CardProfile) -> None:
    assert card.authentication_key is not None
    key = load_der_private_key(card.authentication_key, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    modulus = key.public_key().public_numbers().n
    assert modulus.to_bytes(192, "big") in card.files[0x010F]


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
    terminal.external_authenticate()
    assert terminal.send(header, data, le) == (b"", sw)


def test_card_access_is_readable_before_access_control(card: CardProfile) -> None:
    chip = Chip(replace(card, files={**card.files, 0x011C: b"\x31\x00"}))
    assert chip.transmit(bytes.fromhex("00A4020C02011C")) == b"\x90\x00"
    assert chip.transmit(bytes.fromhex("00B0000000")) == b"\x31\x00\x90\x00"
    assert chip.transmit(bytes.fromhex("00B09C0000")) == b"\x31\x00\x90\x00"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(commands=st.lists(st.binary(max_size=40), max_size=5), opened=st.booleans())
def test_the_chip_answers_everything(
    card: CardProfile, chip: Chip, commands: list[bytes], opened: bool
) -> None:
    chip.reset()
    terminal = Terminal(card, chip)
    if opened:
        terminal.external_authenticate()
    for command in commands:
        assert len(terminal.chip.transmit(command)) >= 2


def test_a_torn_card_answers_no_more(card: CardProfile) -> None:
    transport = SimulatedTransport(Chip(card), tear_after=2)
    assert transport.atr == card.atr
    assert transport.transmit(SELECT_APPLICATION) == b"\x90\x00"
    assert len(transport.transmit(GET_CHALLENGE)) == 10
    for _ in range(2):
        with pytest.raises(ReaderError) as caught:
            transport.transmit(GET_CHALLENGE)
        assert caught.value.reason is CardReason.CARD_REMOVED
