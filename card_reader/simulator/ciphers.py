"""The chip's block ciphers, codes of authentication and key derivation (ICAO 9303-11 §9.7, §9.8).

Written for the card's side alone; the reader has its own.  All encryption is CBC.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

ENCRYPTION, AUTHENTICATION, PASSWORD = 1, 2, 3  # counters of the key derivation (§9.7.1, §9.7.3)
DES_BLOCK, AES_BLOCK = 8, 16
MAC_BYTES = 8


class BlockCipher(Protocol):
    """What a protocol asks of a cipher; keys are `key_bytes` long, data whole blocks."""

    @property
    def name(self) -> str: ...

    @property
    def key_bytes(self) -> int: ...

    @property
    def block(self) -> int: ...

    def derive(self, secret: bytes, counter: int) -> bytes:
        """KDF(secret, counter) of §9.7.1."""
        ...

    def encrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes: ...

    def decrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes: ...

    def mac(self, key: bytes, blocks: bytes) -> bytes:
        """Eight bytes over whole blocks."""
        ...

    def token(self, key: bytes, data: bytes) -> bytes:
        """Eight bytes over data of any length, padded as the code itself does (§4.4.3.4)."""
        ...

    def message_iv(self, key: bytes, counter: bytes) -> bytes:
        """The initial vector of one protected message (§9.8.6.1, §9.8.7.1)."""
        ...


class TripleDes:
    """Two-key 3DES with the retail MAC (§9.8.6)."""

    name, key_bytes, block = "3DES", 16, DES_BLOCK

    def derive(self, secret: bytes, counter: int) -> bytes:
        digest = hashlib.sha1(secret + counter.to_bytes(4, "big"), usedforsecurity=False).digest()
        return bytes(_odd_parity(byte) for byte in digest[:16])

    def encrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
        return _cbc(TripleDES(key + key[:8]), data, iv, encrypting=True)

    def decrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
        return _cbc(TripleDES(key + key[:8]), data, iv, encrypting=False)

    def mac(self, key: bytes, blocks: bytes) -> bytes:
        """ISO/IEC 9797-1 MAC algorithm 3 with DES."""
        first, second = TripleDES(key[:8] * 3), TripleDES(key[8:] * 3)
        chained = _cbc(first, blocks, None, encrypting=True)[-DES_BLOCK:]
        return _cbc(first, _cbc(second, chained, None, encrypting=False), None, encrypting=True)

    def token(self, key: bytes, data: bytes) -> bytes:
        return self.mac(key, pad(data, DES_BLOCK))

    def message_iv(self, key: bytes, counter: bytes) -> bytes:  # noqa: ARG002 - the shape of both
        return bytes(DES_BLOCK)


@dataclass(frozen=True, slots=True)
class Aes:
    """AES with CMAC (§9.8.7)."""

    key_bytes: int

    @property
    def name(self) -> str:
        return f"AES-{8 * self.key_bytes}"

    @property
    def block(self) -> int:
        return AES_BLOCK

    def derive(self, secret: bytes, counter: int) -> bytes:
        data = secret + counter.to_bytes(4, "big")
        if self.key_bytes == 16:
            return hashlib.sha1(data, usedforsecurity=False).digest()[:16]
        return hashlib.sha256(data).digest()[: self.key_bytes]

    def encrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
        return _cbc(algorithms.AES(key), data, iv, encrypting=True)

    def decrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
        return _cbc(algorithms.AES(key), data, iv, encrypting=False)

    def mac(self, key: bytes, blocks: bytes) -> bytes:
        return self.token(key, blocks)

    def token(self, key: bytes, data: bytes) -> bytes:
        code = CMAC(algorithms.AES(key))
        code.update(data)
        return code.finalize()[:MAC_BYTES]

    def message_iv(self, key: bytes, counter: bytes) -> bytes:
        return self.encrypt(key, counter)


TRIPLE_DES = TripleDes()
CIPHERS: dict[str, BlockCipher] = {
    cipher.name: cipher for cipher in (TRIPLE_DES, Aes(16), Aes(24), Aes(32))
}


def pad(data: bytes, block: int) -> bytes:
    """ISO/IEC 9797-1 padding method 2."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block)


def unpad(data: bytes) -> bytes | None:
    """Undo `pad`; None where there is no padding."""
    stripped = data.rstrip(b"\x00")
    return stripped[:-1] if stripped.endswith(b"\x80") else None


def _cbc(
    algorithm: TripleDES | algorithms.AES, data: bytes, iv: bytes | None, *, encrypting: bool
) -> bytes:
    cipher = Cipher(algorithm, modes.CBC(iv or bytes(algorithm.block_size // 8)))
    context = cipher.encryptor() if encrypting else cipher.decryptor()
    return context.update(data) + context.finalize()


def _odd_parity(byte: int) -> int:
    return (byte & 0xFE) | (1 - (byte >> 1).bit_count() % 2)
