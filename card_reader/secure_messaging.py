"""Secure messaging: wrapping commands and unwrapping responses (ICAO 9303-11 §9.8).

The algorithm is a :class:`SessionCipher`; the data objects and the send sequence counter are
the same for every one.  The functions and :class:`TripleDes` are pure and serve both ends of
the line, so that a simulated chip speaks through the same primitives.
"""

import hashlib
import hmac
from dataclasses import replace
from typing import Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES as TripleDesAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from card_reader import tlv
from card_reader.apdu import (
    MAX_EXTENDED_LE,
    MAX_SHORT_DATA,
    MAX_SHORT_LE,
    CommandApdu,
    ResponseApdu,
)
from card_reader.errors import MalformedTlvError, SecureMessagingError

SECURE_CLA = 0x0C
DO_CRYPTOGRAM_PLAIN = 0x85  # odd instructions: no padding indicator
DO_CRYPTOGRAM = 0x87
DO_EXPECTED_LENGTH = 0x97
DO_STATUS = 0x99
DO_MAC = 0x8E
PADDING_INDICATOR = b"\x01"
MAC_LENGTH = 8
# Data objects around the data of a protected response: 87 81 LL 01, 99 02 SW, 8E 08 MAC.
RESPONSE_OVERHEAD = 4 + 4 + 10

KDF_ENCRYPTION = 1
KDF_MAC = 2


class SessionCipher(Protocol):
    """What an algorithm offers to secure messaging.  Keys are inside and never leave."""

    block_size: int

    def encrypt(self, padded: bytes, ssc: bytes) -> bytes:
        """Encrypt whole blocks."""
        ...

    def decrypt(self, cryptogram: bytes, ssc: bytes) -> bytes:
        """Decrypt whole blocks; padding stays."""
        ...

    def mac(self, message: bytes) -> bytes:
        """Eight bytes over a message that is padded already."""
        ...


class TripleDes:
    """3DES-CBC with zero IV and the retail MAC (ICAO 9303-11 §9.8.6)."""

    block_size = 8

    def __init__(self, ks_enc: bytes, ks_mac: bytes) -> None:
        self._ks_enc = ks_enc
        self._ks_mac = ks_mac

    def encrypt(self, padded: bytes, ssc: bytes = b"") -> bytes:  # noqa: ARG002 - AES needs it
        return _des3_cbc(self._ks_enc, padded, encrypt=True)

    def decrypt(self, cryptogram: bytes, ssc: bytes = b"") -> bytes:  # noqa: ARG002 - AES needs it
        return _des3_cbc(self._ks_enc, cryptogram, encrypt=False)

    def mac(self, message: bytes) -> bytes:
        return retail_mac(self._ks_mac, message)


class SecureMessaging:
    """The terminal's end of one session: counter, wrapping, unwrapping.

    The counter rises before every command and before every response (§9.8.2), so each
    ``wrap`` must be followed by exactly one ``unwrap``.
    """

    def __init__(self, cipher: SessionCipher, ssc: bytes) -> None:
        self._cipher = cipher
        self._ssc = int.from_bytes(ssc, "big")
        self._ssc_length = len(ssc)

    @property
    def max_short_data(self) -> int:
        """Most plain bytes that a protected response of 256 bytes holds: 231 for 3DES."""
        cryptogram = (MAX_SHORT_LE - RESPONSE_OVERHEAD) // self._cipher.block_size
        return cryptogram * self._cipher.block_size - 1

    @property
    def ssc(self) -> bytes:
        return self._ssc.to_bytes(self._ssc_length, "big")

    def wrap(self, command: CommandApdu) -> CommandApdu:
        """The protected form of ``command`` (§9.8.4)."""
        self._step()
        block = self._cipher.block_size
        header = replace(command, cla=command.cla | SECURE_CLA, data=b"", le=None)
        objects = self._cryptogram(command) + _expected_length(command.le)
        message = self.ssc + pad(header.header, block)
        if objects:
            message = pad(message + objects, block)
        objects += tlv.encode(DO_MAC, self._cipher.mac(message))
        return replace(header, data=objects, le=self._outer_le(command, objects))

    def unwrap(self, response: ResponseApdu) -> ResponseApdu:
        """The plain form of a protected response; anything not authentic raises (§9.8.5)."""
        self._step()
        if not response.data:
            raise SecureMessagingError(
                f"the chip answered {response.sw:04X} without secure messaging"
            )
        cryptogram, status, mac, authenticated = _response_objects(response.data)
        expected = self._cipher.mac(pad(self.ssc + authenticated, self._cipher.block_size))
        if not hmac.compare_digest(expected, mac):
            raise SecureMessagingError("the MAC of a response is wrong")
        return ResponseApdu(self._plain(cryptogram), int.from_bytes(status, "big"))

    def _step(self) -> None:
        self._ssc = (self._ssc + 1) % (1 << (8 * self._ssc_length))

    def _cryptogram(self, command: CommandApdu) -> bytes:
        if not command.data:
            return b""
        padded = pad(command.data, self._cipher.block_size)
        encrypted = self._cipher.encrypt(padded, self.ssc)
        if command.ins & 1:
            return tlv.encode(DO_CRYPTOGRAM_PLAIN, encrypted)
        return tlv.encode(DO_CRYPTOGRAM, PADDING_INDICATOR + encrypted)

    def _outer_le(self, command: CommandApdu, objects: bytes) -> int:
        short_data = len(objects) <= MAX_SHORT_DATA
        short_answer = (command.le or 0) <= self.max_short_data
        return MAX_SHORT_LE if short_data and short_answer else MAX_EXTENDED_LE

    def _plain(self, cryptogram: tlv.Tlv | None) -> bytes:
        if cryptogram is None:
            return b""
        encrypted = cryptogram.value
        if cryptogram.tag == DO_CRYPTOGRAM:
            if encrypted[:1] != PADDING_INDICATOR:
                raise SecureMessagingError("unknown padding indicator in a response")
            encrypted = encrypted[1:]
        if not encrypted or len(encrypted) % self._cipher.block_size:
            raise SecureMessagingError("a cryptogram that is no whole number of blocks")
        return unpad(self._cipher.decrypt(encrypted, self.ssc))


def pad(data: bytes, block_size: int) -> bytes:
    """ISO 9797-1 padding method 2: one bit, then zeros up to a whole block."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block_size)


def unpad(data: bytes) -> bytes:
    """Undo :func:`pad`."""
    stripped = data.rstrip(b"\x00")
    if not stripped.endswith(b"\x80"):
        raise SecureMessagingError("wrong padding in a response")
    return stripped[:-1]


def derive_3des_key(seed: bytes, counter: int) -> bytes:
    """KDF for 3DES: 16 bytes with parity adjusted (ICAO 9303-11 §9.7.1.1)."""
    digest = hashlib.sha1(seed + counter.to_bytes(4, "big")).digest()  # noqa: S324 - the standard names it
    return bytes(_odd_parity(byte) for byte in digest[:16])


def retail_mac(key: bytes, padded: bytes) -> bytes:
    """ISO 9797-1 MAC algorithm 3 with DES over a padded message, 8 bytes."""
    single, other = key[:8] * 3, key[8:16] * 3
    last = _des3_cbc(single, padded, encrypt=True)[-8:]
    return _des3_ecb(single, _des3_ecb(other, last, encrypt=False), encrypt=True)


def _response_objects(data: bytes) -> tuple[tlv.Tlv | None, bytes, bytes, bytes]:
    """Cryptogram, status, MAC and the bytes that the MAC covers, in the order of §9.8.5."""
    try:
        objects = tlv.parse_all(data)
    except MalformedTlvError as error:
        raise SecureMessagingError("a protected response is no row of data objects") from error
    tags = [item.tag for item in objects]
    if tags[-2:] != [DO_STATUS, DO_MAC] or tags[:-2] not in (
        [],
        [DO_CRYPTOGRAM],
        [DO_CRYPTOGRAM_PLAIN],
    ):
        raise SecureMessagingError("a protected response lacks or repeats data objects")
    status, mac = objects[-2].value, objects[-1].value
    if len(status) != 2 or len(mac) != MAC_LENGTH:
        raise SecureMessagingError("status or MAC of a response has a wrong length")
    cryptogram = objects[0] if len(objects) == 3 else None
    return cryptogram, status, mac, b"".join(item.raw for item in objects[:-1])


def _expected_length(le: int | None) -> bytes:
    if le is None:
        return b""
    if le <= MAX_SHORT_LE:
        return tlv.encode(DO_EXPECTED_LENGTH, bytes([le & 0xFF]))
    return tlv.encode(DO_EXPECTED_LENGTH, (le & 0xFFFF).to_bytes(2, "big"))


def _odd_parity(byte: int) -> int:
    return byte & 0xFE | (byte >> 1).bit_count() & 1 ^ 1


def _des3_cbc(key: bytes, data: bytes, *, encrypt: bool) -> bytes:
    return _run(Cipher(_algorithm(key), modes.CBC(bytes(8))), data, encrypt=encrypt)


def _des3_ecb(key: bytes, data: bytes, *, encrypt: bool) -> bytes:
    return _run(Cipher(_algorithm(key), modes.ECB()), data, encrypt=encrypt)  # noqa: S305 - one block


def _algorithm(key: bytes) -> TripleDesAlgorithm:
    return TripleDesAlgorithm(key if len(key) == 24 else key + key[:8])


def _run(cipher: "Cipher[modes.CBC] | Cipher[modes.ECB]", data: bytes, *, encrypt: bool) -> bytes:
    context = cipher.encryptor() if encrypt else cipher.decryptor()
    return context.update(data) + context.finalize()
