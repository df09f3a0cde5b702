"""Chip and active authentication from the card's side, against the reader's halves."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from chip_terminal import Terminal
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from card_reader.apdu import CommandApdu
from card_reader.chip.active_authentication import (
    ActiveAuthenticationFailedError,
    internal_authenticate,
    verify_active_authentication,
)
from card_reader.chip.chip_authentication import chip_authentication
from card_reader.domain_parameters import public_key_info, standardised
from card_reader.errors import ChipError, SecureMessagingError, UnreadableInputError
from card_reader.lds import dg14
from card_reader.lds.security_infos import (
    ID_CA_DH,
    ID_CA_ECDH,
    ID_PK_DH,
    ID_PK_ECDH,
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    chip_authentication_choices,
)
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile, ChipKey, SignatureFormat
from card_reader.simulator.quirks import Quirks

pytestmark = pytest.mark.slow

PRIVATE = 0x1F2E3D4C5B6A79881726354453627180
CHALLENGE = bytes.fromhex("F173589974BF40C6")
READ_COM = CommandApdu(0x00, 0xB0, 0x9E, 0x00, le=4)


def with_keys(card: CardProfile, *keys: ChipKey, announced: bool = True) -> CardProfile:
    """The card with these keys, shown in EF.DG14."""
    infos = []
    for key in keys:
        assert key.parameter_id is not None
        group = standardised(key.parameter_id)
        assert group is not None
        oid = ID_PK_DH if key.parameter_id < 3 else ID_PK_ECDH
        spki = public_key_info(group, group.public(key.private_key))
        infos.append(ChipAuthenticationPublicKeyInfo(oid, spki, key.key_id).security_info())
        if announced:
            infos.append(ChipAuthenticationInfo(key.oid, key_id=key.key_id).security_info())
    file = dg14.encode(tuple(dict.fromkeys(infos)))
    return replace(card, files={**card.files, 0x010E: file}, chip_keys=keys)


def opened(profile: CardProfile) -> Terminal:
    terminal = Terminal(profile)
    terminal.open()
    return terminal


def choices(profile: CardProfile) -> Sequence[object]:
    return chip_authentication_choices(dg14.parse(profile.files[0x010E]))


def key(oid: str, parameter_id: int | None, key_id: int | None = None, number: int = 0) -> ChipKey:
    return ChipKey(oid, PRIVATE + number, key_id, parameter_id)


@pytest.mark.parametrize("cipher", [1, 2, 3, 4])
@pytest.mark.parametrize(("base", "parameter_id"), [(ID_CA_ECDH, 12), (ID_CA_DH, 0)])
@pytest.mark.parametrize("key_id", [None, 1])
def test_a_new_session_follows(
    card: CardProfile, base: str, parameter_id: int, cipher: int, key_id: int | None
) -> None:
    profile = with_keys(card, key(f"{base}.{cipher}", parameter_id, key_id))
    terminal = opened(profile)
    (choice,) = choices(profile)
    result = terminal.run(chip_authentication(choice, lambda n: b"\x05" * n))
    terminal.session = result.session
    assert terminal.send("00B09E00", le=4) == (card.files[0x011E][:4], "9000")


def test_a_key_of_2048_bits_in_short_commands(card: CardProfile) -> None:
    """Chained in; ISO 7816-4 §5.3.3."""
    profile = with_keys(card, key(f"{ID_CA_DH}.2", 2))
    terminal = opened(replace(profile, quirks=Quirks(extended_length=False)))
    group = standardised(2)
    assert group is not None
    public = group.encode(group.public(7))
    data = bytes.fromhex("7C820104" + "80820100") + public.rjust(256, b"\x00")
    terminal.send("002241A4", bytes.fromhex("800A04007F00070202030102"))
    assert terminal.send("10860000", data[:150]) == (b"", "9000")
    assert terminal.send("00860000", data[150:], 256) == (b"\x7c\x00", "9000")
    with pytest.raises(SecureMessagingError):
        terminal.send("00B09E00", le=4)  # the old keys are gone


def test_without_chaining(card: CardProfile) -> None:
    profile = with_keys(card, key(f"{ID_CA_DH}.2", 2))
    terminal = opened(replace(profile, quirks=Quirks(command_chaining=False)))
    terminal.send("002241A4", bytes.fromhex("800A04007F00070202030102"))
    assert terminal.send("10860000", bytes.fromhex("7C82010480820100") + bytes(99))[1] == "6884"


def test_a_chain_that_is_left_is_forgotten(card: CardProfile) -> None:
    terminal = opened(card)
    assert terminal.send("10880000", CHALLENGE[:4]) == (b"", "9000")
    assert terminal.send("00B09E00", le=4)[1] == "9000"
    assert terminal.send("00880000", CHALLENGE[4:], 256)[1] == "6A80"
    assert terminal.send("10880000", CHALLENGE[:4]) == (b"", "9000")
    assert terminal.send("00880000", CHALLENGE[4:], 256)[1] == "9000"


@pytest.mark.parametrize(
    ("oid", "header", "data"),
    [
        (f"{ID_CA_ECDH}.1", "002241A6", "9100"),
        (f"{ID_CA_ECDH}.1", "002241A6", "910104"),
        (f"{ID_CA_ECDH}.1", "002241A6", "840101"),
        (f"{ID_CA_ECDH}.2", "002241A6", "910104"),  # MSE:Set KAT is for 3DES
        (f"{ID_CA_ECDH}.2", "002241A4", "800A04007F00070202030203"),
        (f"{ID_CA_ECDH}.2", "002241A4", "840101"),
        (f"{ID_CA_ECDH}.2", "002241A4", "80"),
        (f"{ID_CA_ECDH}.2", "002241A5", ""),
        (f"{ID_CA_ECDH}.2", "00860000", "7C02800104"),
    ],
)
def test_what_fails_leaves_the_old_keys(
    card: CardProfile, oid: str, header: str, data: str
) -> None:
    terminal = opened(with_keys(card, key(oid, 13)))
    assert terminal.send(header, bytes.fromhex(data))[1] in ("6A80", "6A86", "6985")
    assert terminal.send("00B09E00", le=4)[1] == "9000"


def test_a_point_off_the_curve(card: CardProfile) -> None:
    terminal = opened(with_keys(card, key(f"{ID_CA_ECDH}.2", 13)))
    terminal.send("002241A4", bytes.fromhex("800A04007F00070202030202"))
    data = bytes.fromhex("7C43" + "8041" + "04") + b"\x05" * 64
    assert terminal.send("00860000", data, 256)[1] == "6A80"
    assert terminal.send("00860000", data, 256)[1] == "6985"  # chosen for one command only
    assert terminal.send("00B09E00", le=4)[1] == "9000"


def test_an_ambiguous_key_must_be_named(card: CardProfile) -> None:
    """§6.2.4.2: data object 84 is required where several keys would do."""
    oid = f"{ID_CA_ECDH}.2"
    profile = with_keys(card, key(oid, 12, 1), key(oid, 13, 2, 5))
    terminal = opened(profile)
    mechanism = bytes.fromhex("800A04007F00070202030202")
    assert terminal.send("002241A4", mechanism)[1] == "6A88"
    assert terminal.send("002241A4", mechanism + b"\x84\x01\x03")[1] == "6A88"
    for choice in choices(profile):
        terminal.session = terminal.run(chip_authentication(choice, _constant)).session
        assert terminal.send("00B09E00", le=4)[1] == "9000"


def _constant(count: int) -> bytes:
    return b"\x05" * count


def test_the_group_may_stand_in_dg14_alone(card: CardProfile) -> None:
    profile = with_keys(card, key(f"{ID_CA_ECDH}.4", 16))
    bare = (replace(profile.chip_keys[0], parameter_id=None),)
    terminal = opened(replace(profile, chip_keys=bare))
    (choice,) = choices(profile)
    terminal.session = terminal.run(chip_authentication(choice, _constant)).session
    assert terminal.send("00B09E00", le=4)[1] == "9000"
    with pytest.raises(UnreadableInputError):
        Chip(replace(card, chip_keys=bare))


def test_a_chip_with_another_key_cannot_go_on(card: CardProfile) -> None:
    """A copy without the private key: the new sessions differ."""
    genuine = with_keys(card, key(f"{ID_CA_ECDH}.2", 13))
    clone = replace(genuine, chip_keys=(replace(genuine.chip_keys[0], private_key=3),))
    terminal = opened(clone)
    (choice,) = choices(genuine)
    terminal.session = terminal.run(chip_authentication(choice, _constant)).session
    with pytest.raises(SecureMessagingError):
        terminal.send("00B09E00", le=4)


def test_chip_authentication_needs_access(card: CardProfile) -> None:
    terminal = Terminal(with_keys(card, key(f"{ID_CA_ECDH}.2", 13)))
    terminal.select_application()
    assert terminal.transmit("002241A40C800A04007F00070202030202") == "6982"
    assert terminal.transmit("00860000047C028000") == "6985"


def test_a_plain_card_may_prove_itself_and_is_secure_from_then_on(card: CardProfile) -> None:
    profile = replace(with_keys(card, key(f"{ID_CA_ECDH}.2", 13)), plain=True, basic_access=False)
    terminal = Terminal(profile)
    terminal.select_application()
    assert terminal.send("00B09E00", le=4)[1] == "9000"
    (choice,) = choices(profile)
    terminal.session = terminal.run(chip_authentication(choice, _constant)).session
    assert terminal.send("00B09E00", le=4)[1] == "9000"
    assert terminal.transmit("00B0830004") == "6982"  # fingers stay closed


@pytest.mark.parametrize(
    "bad", [key("1.2.3", 13), key(f"{ID_CA_ECDH}.2", 0), key(f"{ID_CA_DH}.2", 2, 0, 1 << 300)]
)
def test_a_key_that_no_chip_can_use(card: CardProfile, bad: ChipKey) -> None:
    with pytest.raises(UnreadableInputError):
        Chip(replace(card, chip_keys=(bad,)))


# --- active authentication ---

RSA_KEYS: dict[int, rsa.RSAPrivateKey] = {}


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    if bits not in RSA_KEYS:
        RSA_KEYS[bits] = rsa.generate_private_key(65537, bits)
    return RSA_KEYS[bits]


def with_signing_key(
    card: CardProfile, private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **changes: object
) -> tuple[CardProfile, bytes]:
    pkcs8 = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return replace(card, authentication_key=pkcs8, **changes), public


@pytest.mark.parametrize("name", ["SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"])
@pytest.mark.parametrize("bits", [1024, 1536, pytest.param(4096, marks=pytest.mark.slow)])
@pytest.mark.parametrize("smaller", [False, True])
def test_rsa_signatures(card: CardProfile, name: str, bits: int, smaller: bool) -> None:
    quirks = Quirks(smaller_signature=smaller)
    profile, public = with_signing_key(card, rsa_key(bits), authentication_hash=name, quirks=quirks)
    response = opened(profile).send_command(internal_authenticate(public, CHALLENGE))
    assert len(response.data) == bits // 8
    verify_active_authentication(public, CHALLENGE, response.data)
    with pytest.raises(ActiveAuthenticationFailedError):
        verify_active_authentication(public, bytes(8), response.data)


@pytest.mark.parametrize("written", [None, *SignatureFormat])
@pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP256R1(), ec.BrainpoolP512R1()])
@pytest.mark.parametrize("number", [1, 3])
def test_ecdsa_signatures(
    card: CardProfile, curve: ec.EllipticCurve, written: SignatureFormat | None, number: int
) -> None:
    name = {1: "SHA-1", 3: "SHA-256"}[number]
    private = ec.generate_private_key(curve)
    profile, public = with_signing_key(
        card, private, authentication_hash=name, authentication_format=written
    )
    response = opened(profile).send_command(internal_authenticate(public, CHALLENGE))
    if written is not SignatureFormat.DER:
        assert len(response.data) == 2 * ((curve.key_size + 7) // 8)
    info = ActiveAuthenticationInfo(f"0.4.0.127.0.7.1.1.4.1.{number}").security_info()
    verify_active_authentication(public, CHALLENGE, response.data, [info])
    with pytest.raises(ActiveAuthenticationFailedError):
        verify_active_authentication(public, bytes(8), response.data, [info])


@pytest.mark.parametrize(("le", "extended"), [(256, False), (256, True), (65_536, True)])
def test_a_long_signature_in_short_and_extended_responses(
    card: CardProfile, le: int, extended: bool
) -> None:
    profile, public = with_signing_key(card, rsa_key(3072))
    terminal = opened(profile)
    signature, sw = terminal.send("00880000", CHALLENGE, le, extended=extended)
    assert (len(signature), sw) == (384, "9000")
    verify_active_authentication(public, CHALLENGE, signature)


def test_signatures_that_quirks_spoil(card: CardProfile) -> None:
    profile, _ = with_signing_key(card, rsa_key(3072))
    short = opened(replace(profile, quirks=Quirks(short_signature=True)))
    assert len(short.send("00880000", CHALLENGE, 256)[0]) == 231
    assert len(short.send("00880000", CHALLENGE, 256, extended=True)[0]) == 384
    empty = opened(replace(profile, quirks=Quirks(empty_at_longest_le=True)))
    assert empty.send("00880000", CHALLENGE, 65_536, extended=True) == (b"", "9000")
    assert len(empty.send("00880000", CHALLENGE, 384, extended=True)[0]) == 384


def test_a_chip_without_a_key_or_with_a_useless_one(card: CardProfile) -> None:
    terminal = opened(replace(card, authentication_key=None))
    assert terminal.send("00880000", CHALLENGE, 256)[1] == "6D00"
    for change in ({"authentication_key": b"no key"}, {"authentication_hash": "MD5"}):
        with pytest.raises(UnreadableInputError):
            Chip(replace(card, **change))


def test_refused_chip_authentication_is_the_readers_error(card: CardProfile) -> None:
    profile = with_keys(card, key(f"{ID_CA_ECDH}.2", 13, 7))
    terminal = opened(replace(profile, quirks=Quirks(key_id_refused=True)))
    (choice,) = choices(profile)
    with pytest.raises(ChipError, match="6A80"):
        terminal.run(chip_authentication(choice, _constant))
