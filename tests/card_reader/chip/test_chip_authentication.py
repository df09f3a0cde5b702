"""Chip authentication against a card's side of our own, and a real passport's recording."""

import hashlib
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import core
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from card_reader import domain_parameters, tlv
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.channel import Channel
from card_reader.chip import chip_authentication as authentication
from card_reader.chip.chip_authentication import (
    PROBE,
    ChipAuthenticationResult,
    RemoteOffer,
    chip_authentication,
    choose,
    remote_chip_authentication,
)
from card_reader.errors import (
    CardReason,
    ChipError,
    MalformedFileError,
    UnsupportedAlgorithmError,
)
from card_reader.lds import dg14
from card_reader.lds.security_infos import (
    ID_PK_DH,
    ID_PK_ECDH,
    MAX_CHIP_KEYS,
    ChipAuthenticationChoice,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    SecurityInfo,
)
from card_reader.secure_messaging import Cipher, SecureMessaging, SessionKeys

BSI = "0.4.0.127.0.7.2.2"
OK = ResponseApdu(b"", 0x9000)
CIPHERS = {1: "3DES", 2: "AES-128", 3: "AES-192", 4: "AES-256"}
# RFC 5114 §2.1: 1024-bit MODP group with 160-bit prime order subgroup, the standard's number 0.
P = int(
    "B10B8F96A080E01DDE92DE5EAE5D54EC52C99FBCFB06A3C69A6A9DCA52D23B616073E28675A23D189838EF1E2EE652C0"
    "13ECB4AEA906112324975C3CD49B83BFACCBDD7D90C4BD7098488E9C219A73724EFFD6FAE5644738FAA31A4FF55BCCC0"
    "A151AF5F0DC8B4BD45BF37DF365C1A65E68CFDA76D4DA708DF1FB2BC2E4A4371",
    16,
)
G = int(
    "A4D1CBD5C3FD34126765A442EFB99905F8104DD258AC507FD6406CFF14266D31266FEA1E5C41564B777E690F5504F213"
    "160217B4B01B886A5E91547F9E2749F4D7FBD7D3B9A92EE1909D0D2263F80A76A6A24C087A091F531DBF0A0169B6A28A"
    "D662A4D18E73AFA32D779D5918D08BC8858F4DCEF97C2A24855E6EEB22B3B2E5",
    16,
)
Q = int("F518AA8781A8DF278ABA4E7D64B7CB9D49462353", 16)
# RFC 3526 §3: 2048-bit MODP group, safe prime; PKCS #3 keys name no order.
P2048 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)


def derived(cipher: str, secret: bytes, counter: int) -> bytes:
    """KDF of ICAO 9303-11 §9.7.1, written from the standard."""
    name = "sha1" if cipher in ("3DES", "AES-128") else "sha256"
    size = {"3DES": 16, "AES-128": 16, "AES-192": 24, "AES-256": 32}[cipher]
    key = hashlib.new(name, secret + counter.to_bytes(4, "big")).digest()[:size]
    if cipher != "3DES":
        return key
    return bytes(byte & 0xFE | (bin(byte >> 1).count("1") + 1) & 1 for byte in key)


@dataclass
class EcChip:
    """A chip's static key on a curve; what it makes of a terminal's key."""

    key: ec.EllipticCurvePrivateKey

    @property
    def spki(self) -> bytes:
        form = PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(Encoding.DER, form)

    def secret(self, encoded: bytes) -> bytes:
        peer = ec.EllipticCurvePublicKey.from_encoded_point(self.key.curve, encoded)
        return self.key.exchange(ec.ECDH(), peer)


@dataclass
class DhChip:
    """The same over a prime field; with q the key is one of X9.42, else of PKCS #3."""

    p: int
    g: int
    q: int | None = None
    private: int = 0x1234567890ABCDEF1234567890ABCDEF

    @property
    def spki(self) -> bytes:
        numbers = [self.p, self.g] + ([self.q] if self.q else [])
        oid = "1.2.840.10046.2.1" if self.q else "1.2.840.113549.1.3.1"
        parameters = tlv.encode(0x30, b"".join(core.Integer(n).dump() for n in numbers))
        algorithm = tlv.encode(0x30, core.ObjectIdentifier(oid).dump() + parameters)
        public = core.Integer(pow(self.g, self.private, self.p)).dump()
        return tlv.encode(0x30, algorithm + tlv.encode(0x03, b"\x00" + public))

    def secret(self, encoded: bytes) -> bytes:
        shared = pow(int.from_bytes(encoded, "big"), self.private, self.p)
        return shared.to_bytes((self.p.bit_length() + 7) // 8, "big")


CHIPS = {
    "P-256": EcChip(ec.generate_private_key(ec.SECP256R1())),
    "brainpoolP384r1": EcChip(ec.generate_private_key(ec.BrainpoolP384R1())),
    "P-521": EcChip(ec.generate_private_key(ec.SECP521R1())),
    "dh1024": DhChip(P, G, Q),
    "dh2048": DhChip(P2048, 2),
}


def choice(
    chip: EcChip | DhChip, cipher: int, key_id: int | None = None
) -> ChipAuthenticationChoice:
    family, oid = (1, ID_PK_DH) if isinstance(chip, DhChip) else (2, ID_PK_ECDH)
    info = ChipAuthenticationInfo(f"{BSI}.3.{family}.{cipher}", 1, key_id)
    return info, ChipAuthenticationPublicKeyInfo(oid, chip.spki, key_id)


def drive(
    protocol: Generator[CommandApdu, ResponseApdu, Any],
    answer: Callable[[CommandApdu], ResponseApdu] = lambda command: OK,
) -> tuple[list[CommandApdu], Any]:
    commands = [next(protocol)]
    while True:
        try:
            commands.append(protocol.send(answer(commands[-1])))
        except StopIteration as stop:
            return commands, stop.value


def counting(length: int) -> bytes:
    """Random numbers that are none, below the order of every group here."""
    return (
        bytes([1, *range(2, length + 1)])[:length]
        if length < 255
        else bytes(length - 8) + b"12345678"
    )


@pytest.mark.parametrize("number", CIPHERS)
@pytest.mark.parametrize("name", CHIPS)
def test_both_sides_hold_the_same_keys(name: str, number: int) -> None:
    chip, cipher = CHIPS[name], CIPHERS[number]
    commands, result = drive(chip_authentication(choice(chip, number), counting))
    assert isinstance(result, ChipAuthenticationResult)
    if cipher == "3DES":  # TR-03110-3 §B.1.1
        [command] = commands
        assert command.header.hex() == "002241a6"
        sent = tlv.find(tlv.parse_all(command.data), 0x91).value
    else:  # §B.1.2
        template, command = commands
        assert template.header.hex() == "002241a4"
        family = 1 if isinstance(chip, DhChip) else 2
        assert template.data.hex() == f"800a04007f0007020203{family:02x}{number:02x}"
        assert (command.header.hex(), command.le) == ("00860000", 256)
        sent = tlv.find(tlv.find(tlv.parse_all(command.data), 0x7C).children(), 0x80).value
    assert result.terminal_public_key == sent
    keys, secret = result.session.keys, chip.secret(sent)
    assert keys.cipher == cipher
    assert keys.ks_enc == derived(cipher, secret, 1)
    assert keys.ks_mac == derived(cipher, secret, 2)
    assert keys.ssc == bytes(8 if cipher == "3DES" else 16)


@pytest.mark.parametrize(
    ("key_id", "reference"),
    [(None, ""), (0, "840100"), (1, "840101"), (0x80, "840180"), (300, "8402012c")],
)
@pytest.mark.parametrize("number", [1, 2])
def test_a_key_id_names_the_key(number: int, key_id: int | None, reference: str) -> None:
    commands, result = drive(chip_authentication(choice(CHIPS["P-256"], number, key_id), counting))
    assert result.key_id == key_id
    named = [item.raw.hex() for item in tlv.parse_all(commands[0].data) if item.tag == 0x84]
    assert named == ([reference] if reference else [])


@pytest.mark.parametrize(("number", "failing"), [(1, 0), (2, 0), (2, 1)])
def test_a_refusal_says_which_command(number: int, failing: int) -> None:
    answers = iter([OK] * failing + [ResponseApdu(b"", 0x6300)])
    with pytest.raises(ChipError, match="6300"):
        drive(
            chip_authentication(choice(CHIPS["P-256"], number), counting), lambda _: next(answers)
        )


@pytest.mark.parametrize("data", [b"", bytes.fromhex("7c00")])
def test_an_empty_template_is_the_answer(data: bytes) -> None:
    answer = ResponseApdu(data, 0x9000)
    drive(chip_authentication(choice(CHIPS["P-256"], 2), counting), lambda _: answer)


@pytest.mark.parametrize("data", ["7d00", "7c05", "00"])
def test_another_answer_is_none(data: str) -> None:
    answer = ResponseApdu(bytes.fromhex(data), 0x9000)
    with pytest.raises(ChipError):
        drive(chip_authentication(choice(CHIPS["P-256"], 2), counting), lambda _: answer)


def infos(*choices: ChipAuthenticationChoice) -> list[SecurityInfo]:
    return [view.security_info() for pair in choices for view in pair]


def test_the_strongest_key_is_chosen() -> None:
    small, large, field = CHIPS["P-256"], CHIPS["P-521"], CHIPS["dh2048"]
    aes = [choice(small, 4, 1), choice(large, 4, 2), choice(field, 4, 3)]
    assert choose(infos(choice(large, 1, 9), *aes)) == aes[1]
    assert choose(infos(aes[2], choice(large, 3, 4))) == aes[2]
    assert choose([]) is None


def test_an_unknown_group_is_passed_over_and_alone_is_said_so() -> None:
    secp256k1 = EcChip(ec.generate_private_key(ec.SECP256K1()))
    unknown = choice(secp256k1, 4, 2)
    known = choice(CHIPS["P-256"], 2, 1)
    assert choose(infos(unknown, known)) == known
    with pytest.raises(UnsupportedAlgorithmError) as caught:
        choose(infos(unknown))
    assert caught.value.reason is CardReason.UNSUPPORTED_ALGORITHM


def test_many_protocols_over_a_few_keys_make_little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checking a key of a chip's own DH group takes a tenth of a second: once is enough."""
    checked: list[bytes] = []

    def counted(spki: bytes) -> Any:
        checked.append(spki)
        return domain_parameters.group_of_key(spki)

    monkeypatch.setattr(authentication, "group_of_key", counted)
    names = ("P-256", "P-521")
    keys = [choice(CHIPS[name], 4, 1)[1].security_info() for name in names]
    protocols = [ChipAuthenticationInfo(f"{BSI}.3.2.{1 + i % 4}", key_id=1) for i in range(60)]
    chosen = choose(keys + [info.security_info() for info in protocols])
    assert chosen is not None
    assert len(checked) == len(names)


def test_no_chip_has_so_many_keys() -> None:
    keys = [choice(CHIPS["P-256"], 4, number) for number in range(MAX_CHIP_KEYS + 1)]
    assert choose(infos(*keys[1:])) is not None
    with pytest.raises(MalformedFileError):
        choose(infos(*keys))


def test_a_remote_offer_is_carried_and_no_key_is_learnt() -> None:
    offer = RemoteOffer("run", f"{BSI}.3.2.2", 5, b"\x04" + bytes(64), b"")
    commands, result = drive(remote_chip_authentication(offer))
    assert result is None
    assert commands[0].data.hex() == "800a04007f00070202030202840105"
    assert commands[1].data == bytes.fromhex("7c438041") + offer.public_key
    with pytest.raises(UnsupportedAlgorithmError):
        drive(remote_chip_authentication(RemoteOffer("run", "1.2.3", None, b"\x04", b"")))


class Scripted:
    """A transport that knows one conversation by heart."""

    atr = b""

    def __init__(self, exchanges: list[tuple[bytes, bytes]]) -> None:
        self.exchanges = exchanges

    def transmit(self, command: bytes) -> bytes:
        expected, response = self.exchanges.pop(0)
        assert command.hex() == expected.hex()
        return response

    def close(self) -> None: ...


def test_a_real_austrian_passport(vectors: Path) -> None:
    path = vectors / "sessions/real_AT_chip_authentication_ecdh_aes128.json"
    session = json.loads(path.read_text())
    start = session["start"]["secure_messaging"]
    old = SessionKeys(
        Cipher(start["cipher"]), *(bytes.fromhex(start[k]) for k in ("ks_enc", "ks_mac", "ssc"))
    )
    pairs = [
        (bytes.fromhex(e["command"]), bytes.fromhex(e["response"])) for e in session["exchanges"]
    ]
    transport = Scripted(pairs)
    channel = Channel(transport)
    channel.protect(SecureMessaging.of(old))
    best = choose(dg14.parse(bytes.fromhex(session["files"]["EF.DG14"])))
    assert best is not None and best[0].key_id is None
    drawn = bytes.fromhex(session["randomness"][0])
    result = channel.run(chip_authentication(best, lambda length: drawn[:length]))
    assert result.oid == session["parameters"]["protocol_oid"]
    assert result.terminal_public_key.hex().upper() == session["result"]["terminal_public_key"]
    channel.protect(result.session)
    assert channel.send(PROBE).ok
    assert not transport.exchanges
    end = result.session.keys
    assert end.ks_enc.hex().upper() == session["end"]["ks_enc"]
    assert end.ks_mac.hex().upper() == session["end"]["ks_mac"]
    assert end.ssc.hex().upper() == session["end"]["ssc"]
