"""The server as terminal: keys leave it once, and only for a chip that answered rightly."""

import hashlib

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.apdu import CommandApdu
from card_reader.chip.chip_authentication import PROBE, ChipAuthenticationFailedError
from card_reader.chip.terminal_session import SessionState, TerminalSession
from card_reader.errors import CardError, ChipError, MalformedEvidenceError
from card_reader.lds import dg14
from card_reader.lds.security_infos import (
    ID_PK_ECDH,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
)
from card_reader.secure_messaging import (
    Cipher,
    SecureMessaging,
    SessionKeys,
    pad,
    session_cipher,
)

KEY = ec.generate_private_key(ec.SECP256R1())
SPKI = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
OID = "0.4.0.127.0.7.2.2.3.2.2"
FILE = dg14.encode(
    [
        ChipAuthenticationInfo(OID, 1, 3).security_info(),
        ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, SPKI, 3).security_info(),
    ]
)


def begun() -> TerminalSession:
    return TerminalSession.create(FILE)


def chip_keys(session: TerminalSession, key: ec.EllipticCurvePrivateKey = KEY) -> SessionKeys:
    """The keys as the chip derives them from the terminal's public key."""
    peer = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, session.offer.public_key)
    secret = key.exchange(ec.ECDH(), peer)
    enc, mac = (hashlib.sha1(secret + bytes([0, 0, 0, n])).digest()[:16] for n in (1, 2))
    return SessionKeys(Cipher.AES_128, enc, mac, bytes(16))


def answer(session: TerminalSession, key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    """A chip's response to the probe: 9000 under the new keys, counter 2 (§9.8.2)."""
    cipher = session_cipher(chip_keys(session, key))
    status = bytes.fromhex("99029000")
    mac = cipher.mac(pad((2).to_bytes(16, "big") + status, 16))
    return status + tlv.encode(0x8E, mac) + bytes.fromhex("9000")


def test_the_probe_is_wrapped_under_the_keys_that_the_chip_derives() -> None:
    session = begun()
    own = SecureMessaging.of(chip_keys(session))
    assert session.offer.probe == own.wrap(PROBE).to_bytes()
    assert CommandApdu.from_bytes(session.offer.probe).cla == 0x0C


def test_keys_are_released_for_an_authentic_response_and_go_on_counting() -> None:
    session = begun()
    assert session.proof() is None
    released = session.release(answer(session))
    expected = chip_keys(session)
    assert (released.ks_enc, released.ks_mac) == (expected.ks_enc, expected.ks_mac)
    assert int.from_bytes(released.ssc, "big") == 2
    proof = session.proof()
    assert proof is not None
    assert (proof.session, proof.oid, proof.key_id) == (session.offer.session, OID, 3)
    assert (proof.spki, proof.terminal_public_key) == (SPKI, session.offer.public_key)


def test_keys_are_released_once() -> None:
    session = begun()
    response = answer(session)
    session.release(response)
    with pytest.raises(ChipError, match="used before"):
        session.release(response)
    with pytest.raises(ChipError, match="used before"):
        TerminalSession.from_bytes(session.to_bytes()).release(response)
    assert session.proof() is not None


@pytest.mark.parametrize("spoil", ["bit", "empty", "status", "other chip", "short"])
def test_a_wrong_response_spends_the_run(spoil: str) -> None:
    session = begun()
    response = answer(session)
    bad = {
        "bit": response[:6] + bytes([response[6] ^ 1]) + response[7:],
        "empty": b"",
        "status": bytes.fromhex("6982"),
        "other chip": answer(session, ec.generate_private_key(ec.SECP256R1())),
        "short": response[:5],
    }[spoil]
    with pytest.raises(ChipAuthenticationFailedError):
        session.release(bad)
    assert session.state is SessionState.SPENT
    assert session.proof() is None
    with pytest.raises(ChipError, match="used before"):
        session.release(response)


def test_a_session_survives_the_database() -> None:
    session = begun()
    again = TerminalSession.from_bytes(session.to_bytes())
    assert again.to_bytes() == session.to_bytes()
    response = answer(session)
    assert again.release(response) == session.release(response)


def test_no_key_shows_or_stays() -> None:
    session = begun()
    keys = chip_keys(session)
    assert keys.ks_mac in session.to_bytes()
    assert repr(keys.ks_mac) not in repr(session)
    session.release(answer(session))
    assert keys.ks_mac not in session.to_bytes()
    assert keys.ks_enc not in session.to_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x6e\x02\x31\x00",
        dg14.encode([ChipAuthenticationInfo(OID).security_info()]),
        bytes(20_000),
    ],
)
def test_a_file_that_offers_nothing_begins_nothing(content: bytes) -> None:
    with pytest.raises(CardError):
        TerminalSession.create(content)


@given(st.data())
def test_damaged_bytes_are_our_error(data: st.DataObject) -> None:
    raw = bytearray(begun().to_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        again = TerminalSession.from_bytes(bytes(raw))
    except CardError:
        return
    assert again.to_bytes() == raw


@given(st.binary(max_size=100))
def test_hostile_bytes(raw: bytes) -> None:
    with pytest.raises(MalformedEvidenceError):
        TerminalSession.from_bytes(raw)


def test_keys_of_a_run_that_is_over_are_not_taken_back() -> None:
    session = begun()
    content = cbor2.loads(session.to_bytes())
    content[4] = SessionState.PROVEN.value
    with pytest.raises(MalformedEvidenceError):
        TerminalSession.from_bytes(cbor2.dumps(content, canonical=True))
