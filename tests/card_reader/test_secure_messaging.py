"""Secure messaging: ICAO 9303-11 appendix D.4 (3DES), and AES built a second time from AES-ECB.

The second AES needs one block operation of the library; CBC (NIST SP 800-38A) and CMAC
(SP 800-38B) around it are written out here.
"""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.channel import Channel, Exchange
from card_reader.errors import SecureMessagingError
from card_reader.secure_messaging import (
    Cipher,
    SecureMessaging,
    SessionKeys,
    decrypt_cbc,
    derive_key,
    derive_session_keys,
    encrypt_cbc,
    pad,
    session_cipher,
    unpad,
)

SESSIONS = Path(__file__).parents[2] / "../shared/vectors/sessions"

KEYS = SessionKeys(
    Cipher.DES3,
    bytes.fromhex("979EC13B1CBFE9DCD01AB0FED307EAE5"),
    bytes.fromhex("F1CB1F1FB5ADF208806B89DC579DC1F8"),
    bytes.fromhex("887022120C06C226"),
)
SELECT_COM = CommandApdu.from_bytes(bytes.fromhex("00A4020C02011E"))
PROTECTED_SELECT = "0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800"
SELECT_ANSWER = "990290008E08FA855A5D4C50A8ED9000"
AES = (Cipher.AES_128, Cipher.AES_192, Cipher.AES_256)


class Script:
    """A card that answers a fixed row of commands and accepts no other."""

    atr = b""

    def __init__(self, exchanges: list[tuple[str, str]]) -> None:
        self._exchanges = list(exchanges)

    def transmit(self, command: bytes) -> bytes:
        expected, response = self._exchanges.pop(0)
        assert command.hex().upper() == expected
        return bytes.fromhex(response)

    def close(self) -> None:
        assert not self._exchanges


class SecondAes:
    """AES secure messaging from single blocks (ICAO 9303-11 §9.8.6.2)."""

    def __init__(self, keys: SessionKeys) -> None:
        self.keys = keys

    def block(self, key: bytes, data: bytes) -> bytes:
        return BlockCipher(algorithms.AES(key), modes.ECB()).encryptor().update(data)

    def cbc(self, data: bytes, ssc: bytes) -> bytes:
        chain, out = self.block(self.keys.ks_enc, ssc), b""
        for start in range(0, len(data), 16):
            chain = self.block(self.keys.ks_enc, xor(data[start : start + 16], chain))
            out += chain
        return out

    def cmac(self, data: bytes) -> bytes:
        subkey = double(self.block(self.keys.ks_mac, bytes(16)))
        if not data or len(data) % 16:
            subkey, data = double(subkey), pad(data, 16)
        chain = bytes(16)
        for start in range(0, len(data) - 16, 16):
            chain = self.block(self.keys.ks_mac, xor(chain, data[start : start + 16]))
        return self.block(self.keys.ks_mac, xor(xor(chain, data[-16:]), subkey))[:8]


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def double(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    return (number & ((1 << 128) - 1) ^ (0x87 if number >> 128 else 0)).to_bytes(16, "big")


def session_keys(cipher: Cipher) -> st.SearchStrategy[SessionKeys]:
    return st.binary(max_size=64).map(lambda secret: derive_session_keys(cipher, secret))


# ICAO 9303-11, appendix D.1.
def test_key_derivation_is_the_printed_one() -> None:
    seed = bytes.fromhex("239AB9CB282DAF66231DC5A4DF6BFBAE")
    assert derive_key(Cipher.DES3, seed, 1).hex().upper() == "AB94FDECF2674FDFB9B391F85D7F76F2"
    assert derive_key(Cipher.DES3, seed, 2).hex().upper() == "7962D9ECE03D1ACD4C76089DCE131543"
    # Before its parity is adjusted, the same digest is the key of AES-128.
    assert derive_key(Cipher.AES_128, seed, 1).hex().upper() == "AB94FCEDF2664EDFB9B291F85D7F77F2"


@pytest.mark.parametrize("cipher, length", [("AES-192", 24), ("AES-256", 32)])
def test_longer_keys_come_from_sha_256(cipher: str, length: int) -> None:
    # SHA-256("abc" ‖ 00000001), computed with sha256sum.
    digest = "46c386ebccef82ba0bb0b095aaa5548b03cdff6951871c6fb505af68af688332"
    assert derive_key(Cipher(cipher), b"abc", 1) == bytes.fromhex(digest)[:length]


# NIST SP 800-38B, appendix D.1 to D.3 (RFC 4493 §4): key, message length, tag.
@pytest.mark.parametrize(
    "cipher, key, length, tag",
    [
        (Cipher.AES_128, "2b7e151628aed2a6abf7158809cf4f3c", 0, "bb1d6929e9593728"),
        (Cipher.AES_128, "2b7e151628aed2a6abf7158809cf4f3c", 16, "070a16b46b4d4144"),
        (Cipher.AES_128, "2b7e151628aed2a6abf7158809cf4f3c", 40, "dfa66747de9ae630"),
        (Cipher.AES_128, "2b7e151628aed2a6abf7158809cf4f3c", 64, "51f0bebf7e3b9d92"),
        (
            Cipher.AES_192,
            "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
            16,
            "9e99a7bf31e71090",
        ),
        (
            Cipher.AES_256,
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            16,
            "28a7023f452e8f82",
        ),
    ],
)
def test_printed_cmacs(cipher: Cipher, key: str, length: int, tag: str) -> None:
    message = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )[:length]
    keys = SessionKeys(cipher, bytes.fromhex(key), bytes.fromhex(key), bytes(16))
    assert session_cipher(keys).token(message).hex() == tag
    assert SecondAes(keys).cmac(message).hex() == tag


@pytest.mark.parametrize("cipher", AES)
def test_aes_agrees_with_a_second_implementation(cipher: Cipher) -> None:
    @given(session_keys(cipher), st.binary(max_size=300), st.integers(1, 256))
    def check(keys: SessionKeys, data: bytes, le: int) -> None:
        session, second = SecureMessaging.of(keys), SecondAes(keys)
        command = CommandApdu(0x00, 0x88, 0x01, 0x02, data, le)
        ssc = (1).to_bytes(16, "big")
        objects = b""
        if data:
            objects = tlv.encode(0x87, b"\x01" + second.cbc(pad(data, 16), ssc))
        objects += tlv.encode(0x97, bytes([le & 0xFF]))
        mac = second.cmac(pad(ssc + pad(bytes.fromhex("0C880102"), 16) + objects, 16))
        assert session.wrap(command).data == objects + tlv.encode(0x8E, mac)

        ssc = (2).to_bytes(16, "big")
        answer = tlv.encode(0x87, b"\x01" + second.cbc(pad(data, 16), ssc))
        answer += bytes.fromhex("99029000")
        answer += tlv.encode(0x8E, second.cmac(pad(ssc + answer, 16)))
        assert session.unwrap(ResponseApdu(answer, 0x9000)) == ResponseApdu(data, 0x9000)
        assert session.keys.ssc == ssc

    check()


@pytest.mark.parametrize(
    "name", ["icao_D4_read_ef_com_3des", "real_AT_chip_authentication_ecdh_aes128"]
)
def test_recorded_sessions(name: str) -> None:
    path = SESSIONS / f"{name}.json"
    if not path.exists():
        pytest.skip("shared vectors are absent")
    recorded = json.loads(path.read_text())
    session = SecureMessaging.of(keys_of(recorded["start"]["secure_messaging"]))
    for item in recorded["exchanges"]:
        if item.get("under") == "new keys":
            session = SecureMessaging.of(keys_of({**recorded["end"], "ssc": "00" * 16}))
        command = CommandApdu.from_bytes(bytes.fromhex(item["plain_command"]))
        assert session.wrap(command).to_bytes().hex().upper() == item["command"]
        response = session.unwrap(ResponseApdu.from_bytes(bytes.fromhex(item["response"])))
        assert response.to_bytes().hex().upper() == item["plain_response"]
    assert session.keys == keys_of(recorded["end"])


def keys_of(values: dict[str, str]) -> SessionKeys:
    parts = (bytes.fromhex(values[name]) for name in ("ks_enc", "ks_mac", "ssc"))
    return SessionKeys(Cipher(values["cipher"]), *parts)


def test_a_protected_exchange_is_recorded_in_both_forms() -> None:
    seen: list[Exchange] = []
    channel = Channel(Script([(PROTECTED_SELECT, SELECT_ANSWER)]), recorder=seen.append)
    channel.protect(SecureMessaging.of(KEYS))
    assert channel.send(SELECT_COM) == ResponseApdu(b"", 0x9000)
    assert seen[0].plain_command == SELECT_COM.to_bytes()
    assert seen[0].response == bytes.fromhex(SELECT_ANSWER)


@pytest.mark.parametrize("position", range(14))
def test_no_altered_response_is_accepted(position: int) -> None:
    answer = bytearray.fromhex(SELECT_ANSWER)
    answer[position] ^= 1
    session = SecureMessaging.of(KEYS)
    session.wrap(SELECT_COM)
    with pytest.raises(SecureMessagingError):
        session.unwrap(ResponseApdu.from_bytes(bytes(answer)))


@pytest.mark.parametrize("cipher", list(Cipher))
def test_a_replayed_response_is_refused(cipher: Cipher) -> None:
    keys = derive_session_keys(cipher, b"secret")
    answer = answered(keys, b"some data", 2)
    session = SecureMessaging.of(keys)
    session.wrap(SELECT_COM)
    assert session.unwrap(answer).data == b"some data"
    session.wrap(SELECT_COM)
    with pytest.raises(SecureMessagingError, match="MAC"):
        session.unwrap(answer)


def answered(
    keys: SessionKeys, data: bytes, counter: int, padding: bytes = b"\x01"
) -> ResponseApdu:
    """What a chip with these keys answers at this counter."""
    cipher, size = session_cipher(keys), keys.cipher.block_size
    ssc = counter.to_bytes(size, "big")
    objects = tlv.encode(0x87, padding + cipher.encrypt(pad(data, size), ssc))
    objects += bytes.fromhex("99029000")
    mac = cipher.mac(pad(ssc + objects, size))
    return ResponseApdu(objects + tlv.encode(0x8E, mac), 0x9000)


@pytest.mark.parametrize("cipher", list(Cipher))
def test_an_unknown_padding_indicator_is_refused(cipher: Cipher) -> None:
    keys = derive_session_keys(cipher, b"secret")
    session = SecureMessaging.of(keys)
    session.wrap(SELECT_COM)
    with pytest.raises(SecureMessagingError, match="padding indicator"):
        session.unwrap(answered(keys, b"data", 2, padding=b"\x02"))


@pytest.mark.parametrize("cipher", list(Cipher))
def test_an_unprotected_answer_is_refused(cipher: Cipher) -> None:
    session = SecureMessaging.of(derive_session_keys(cipher, b""))
    session.wrap(SELECT_COM)
    with pytest.raises(SecureMessagingError, match="without secure messaging"):
        session.unwrap(ResponseApdu(b"", 0x9000))


@given(st.sampled_from(list(Cipher)), st.binary(max_size=60))
def test_rubbish_is_refused(cipher: Cipher, rubbish: bytes) -> None:
    session = SecureMessaging.of(derive_session_keys(cipher, b""))
    session.wrap(SELECT_COM)
    with pytest.raises(SecureMessagingError):
        session.unwrap(ResponseApdu(rubbish, 0x9000))


@pytest.mark.parametrize("cipher, most", [(Cipher.DES3, 231)] + [(cipher, 223) for cipher in AES])
def test_largest_short_answer(cipher: Cipher, most: int) -> None:
    keys = derive_session_keys(cipher, b"")
    session = SecureMessaging.of(keys)
    assert session.max_short_data == most
    assert not session.wrap(CommandApdu(0, 0xB0, 0, 0, le=most)).extended
    assert not session.wrap(CommandApdu(0, 0x88, 0, 0, bytes(8), 256)).extended
    assert session.wrap(CommandApdu(0, 0x88, 0, 0, bytes(8), 257)).extended
    assert session.wrap(CommandApdu(0, 0x22, 0x41, 0xA6, bytes(250))).extended
    assert len(answered(keys, bytes(most), 1).to_bytes()) <= 258
    assert len(answered(keys, bytes(most + 1), 1).to_bytes()) > 258


@pytest.mark.parametrize("cipher", list(Cipher))
def test_the_counter_wraps_around(cipher: Cipher) -> None:
    size = cipher.block_size
    keys = derive_session_keys(cipher, b"")
    session = SecureMessaging.of(SessionKeys(cipher, keys.ks_enc, keys.ks_mac, b"\xff" * size))
    session.wrap(SELECT_COM)
    assert session.keys.ssc == bytes(size)


@pytest.mark.parametrize("cipher", list(Cipher))
def test_keys_are_of_the_right_length_and_never_shown(cipher: Cipher) -> None:
    keys = derive_session_keys(cipher, b"secret")
    assert repr(keys) == f"SessionKeys(cipher={cipher!r})"
    for lengths in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        parts = (keys.ks_enc, keys.ks_mac, keys.ssc)
        with pytest.raises(SecureMessagingError):
            SessionKeys(cipher, *(part[more:] for part, more in zip(parts, lengths, strict=True)))


@given(st.sampled_from(list(Cipher)), st.integers(0, 8), st.data())
def test_cbc_is_undone(cipher: Cipher, blocks: int, data: st.DataObject) -> None:
    key = data.draw(st.binary(min_size=cipher.key_bytes, max_size=cipher.key_bytes))
    size = blocks * cipher.block_size
    plain = data.draw(st.binary(min_size=size, max_size=size))
    assert decrypt_cbc(cipher, key, encrypt_cbc(cipher, key, plain)) == plain


@pytest.mark.parametrize("length", range(0, 20))
def test_padding_is_undone(length: int) -> None:
    assert unpad(pad(b"\x80" * length, 8)) == b"\x80" * length
    assert len(pad(bytes(length), 8)) % 8 == 0


def test_wrong_padding_is_refused() -> None:
    with pytest.raises(SecureMessagingError):
        unpad(bytes(8))
