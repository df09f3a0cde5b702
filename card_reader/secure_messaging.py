"""Secure messaging: wrapping commands and unwrapping responses (ICAO 9303-11 §9.8).

The algorithm is a :class:`SessionCipher`; the data objects and the send sequence counter are
the same for every one.  Keys stay inside the objects and never show in a ``repr``.
"""

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES as TripleDesAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

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


class Cipher(StrEnum):
    """The algorithms of secure messaging (§9.8.6)."""

    DES3 = "3DES"
    AES_128 = "AES-128"
    AES_192 = "AES-192"
    AES_256 = "AES-256"

    @property
    def key_bytes(self) -> int:
        return _KEY_BYTES[self]

    @property
    def block_size(self) -> int:
        """Bytes of one block, and of the send sequence counter."""
        return 8 if self is Cipher.DES3 else 16


_KEY_BYTES = {Cipher.DES3: 16, Cipher.AES_128: 16, Cipher.AES_192: 24, Cipher.AES_256: 32}


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The state of one session: both keys and the counter as it stands (8 or 16 bytes)."""

    cipher: Cipher
    ks_enc: bytes = field(repr=False)
    ks_mac: bytes = field(repr=False)
    ssc: bytes = field(repr=False)

    def __post_init__(self) -> None:
        lengths = (len(self.ks_enc), len(self.ks_mac), len(self.ssc))
        key = self.cipher.key_bytes
        if lengths != (key, key, self.cipher.block_size):
            raise SecureMessagingError(f"the session keys have wrong lengths for {self.cipher}")


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

    def token(self, message: bytes) -> bytes:
        """Eight bytes over a message as it is: authentication tokens (§4.4.3.4)."""
        ...


class TripleDes:
    """3DES-CBC with zero IV and the retail MAC (§9.8.6.1)."""

    block_size = 8

    def __init__(self, ks_enc: bytes, ks_mac: bytes) -> None:
        self._enc = BlockCipher(_des3(ks_enc), modes.CBC(bytes(8)))
        first, other = _des3(ks_mac[:8] * 3), _des3(ks_mac[8:16] * 3)
        self._chain = BlockCipher(first, modes.CBC(bytes(8)))
        # A context of ECB has no memory of earlier blocks, so one serves every message.
        self._first = BlockCipher(first, modes.ECB()).encryptor()  # noqa: S305 - one block
        self._other = BlockCipher(other, modes.ECB()).decryptor()  # noqa: S305 - one block

    def encrypt(self, padded: bytes, ssc: bytes = b"") -> bytes:  # noqa: ARG002 - AES needs it
        return self._enc.encryptor().update(padded)

    def decrypt(self, cryptogram: bytes, ssc: bytes = b"") -> bytes:  # noqa: ARG002 - AES needs it
        return self._enc.decryptor().update(cryptogram)

    def mac(self, message: bytes) -> bytes:
        """ISO 9797-1 MAC algorithm 3 with DES."""
        last = self._chain.encryptor().update(message)[-8:]
        return self._first.update(self._other.update(last))

    def token(self, message: bytes) -> bytes:
        return self.mac(pad(message, self.block_size))


class Aes:
    """AES-CBC with IV = E(KS_enc, SSC) and CMAC cut to 8 bytes (§9.8.6.2)."""

    block_size = 16

    def __init__(self, ks_enc: bytes, ks_mac: bytes) -> None:
        self._enc = algorithms.AES(ks_enc)
        # A context of ECB has no memory of earlier blocks, so one serves every counter.
        self._iv = BlockCipher(self._enc, modes.ECB()).encryptor()  # noqa: S305 - one block
        self._mac = CMAC(algorithms.AES(ks_mac))

    def encrypt(self, padded: bytes, ssc: bytes) -> bytes:
        return self._cbc(ssc).encryptor().update(padded)

    def decrypt(self, cryptogram: bytes, ssc: bytes) -> bytes:
        return self._cbc(ssc).decryptor().update(cryptogram)

    def mac(self, message: bytes) -> bytes:
        context = self._mac.copy()
        context.update(message)
        return context.finalize()[:MAC_LENGTH]

    def token(self, message: bytes) -> bytes:
        return self.mac(message)

    def _cbc(self, ssc: bytes) -> "BlockCipher[modes.CBC]":
        return BlockCipher(self._enc, modes.CBC(self._iv.update(ssc)))


class SecureMessaging:
    """The terminal's end of one session: counter, wrapping, unwrapping.

    The counter rises before every command and before every response (§9.8.2), so each
    ``wrap`` must be followed by exactly one ``unwrap``.
    """

    def __init__(self, keys: SessionKeys, cipher: SessionCipher) -> None:
        self._keys = keys
        self._cipher = cipher
        self._ssc = int.from_bytes(keys.ssc, "big")

    @classmethod
    def of(cls, keys: SessionKeys) -> "SecureMessaging":
        """The session that these keys open, at their counter."""
        return cls(keys, session_cipher(keys))

    @property
    def keys(self) -> SessionKeys:
        """The keys with the counter as it stands now."""
        return replace(self._keys, ssc=self.ssc)

    @property
    def max_short_data(self) -> int:
        """Most plain bytes in a protected response of 256 bytes: 231 (3DES), 223 (AES)."""
        cryptogram = (MAX_SHORT_LE - RESPONSE_OVERHEAD) // self._cipher.block_size
        return cryptogram * self._cipher.block_size - 1

    @property
    def ssc(self) -> bytes:
        return self._ssc.to_bytes(self._cipher.block_size, "big")

    def wrap(self, command: CommandApdu) -> CommandApdu:
        """The protected form of ``command`` (§9.8.4), short where the plain one is.

        The expected length outside is not authenticated: a caller that awaits more than
        :attr:`max_short_data` may lengthen it.
        """
        self._step()
        block = self._cipher.block_size
        header = replace(command, cla=command.cla | SECURE_CLA, data=b"", le=None)
        objects = self._cryptogram(command) + _expected_length(command.le)
        message = self.ssc + pad(header.header, block)
        if objects:
            message = pad(message + objects, block)
        objects += tlv.encode(DO_MAC, self._cipher.mac(message))
        long = len(objects) > MAX_SHORT_DATA or (command.le or 0) > MAX_SHORT_LE
        return replace(header, data=objects, le=MAX_EXTENDED_LE if long else MAX_SHORT_LE)

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
        self._ssc = (self._ssc + 1) % (1 << (8 * self._cipher.block_size))

    def _cryptogram(self, command: CommandApdu) -> bytes:
        if not command.data:
            return b""
        padded = pad(command.data, self._cipher.block_size)
        encrypted = self._cipher.encrypt(padded, self.ssc)
        if command.ins & 1:
            return tlv.encode(DO_CRYPTOGRAM_PLAIN, encrypted)
        return tlv.encode(DO_CRYPTOGRAM, PADDING_INDICATOR + encrypted)

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


def session_cipher(keys: SessionKeys) -> SessionCipher:
    kind = TripleDes if keys.cipher is Cipher.DES3 else Aes
    return kind(keys.ks_enc, keys.ks_mac)


def derive_session_keys(cipher: Cipher, shared_secret: bytes) -> SessionKeys:
    """Both session keys from a shared secret, with the counter at zero (§9.7.1, §9.8.6)."""
    return SessionKeys(
        cipher,
        derive_key(cipher, shared_secret, KDF_ENCRYPTION),
        derive_key(cipher, shared_secret, KDF_MAC),
        bytes(cipher.block_size),
    )


def derive_key(cipher: Cipher, secret: bytes, counter: int) -> bytes:
    """KDF (§9.7.1): SHA-1 up to keys of 128 bits, SHA-256 above; parity adjusted for 3DES."""
    algorithm = "sha1" if cipher.key_bytes == 16 else "sha256"
    digest = hashlib.new(algorithm, secret + counter.to_bytes(4, "big"), usedforsecurity=False)
    key = digest.digest()[: cipher.key_bytes]
    return bytes(_odd_parity(byte) for byte in key) if cipher is Cipher.DES3 else key


def encrypt_cbc(cipher: Cipher, key: bytes, blocks: bytes) -> bytes:
    """Whole blocks in CBC mode with zero IV, as PACE treats its nonces (§4.4.3.3)."""
    return _cbc(cipher, key).encryptor().update(blocks)


def decrypt_cbc(cipher: Cipher, key: bytes, blocks: bytes) -> bytes:
    """Undo :func:`encrypt_cbc`."""
    return _cbc(cipher, key).decryptor().update(blocks)


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


def _cbc(cipher: Cipher, key: bytes) -> "BlockCipher[modes.CBC]":
    algorithm = _des3(key) if cipher is Cipher.DES3 else algorithms.AES(key)
    return BlockCipher(algorithm, modes.CBC(bytes(cipher.block_size)))


def _des3(key: bytes) -> TripleDesAlgorithm:
    return TripleDesAlgorithm(key if len(key) == 24 else key + key[:8])
