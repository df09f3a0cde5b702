"""The chip's signature over a challenge: ISO/IEC 9796-2 scheme 1 with RSA and SHA-256.

ICAO 9303-11 §6.1.2.2 and its appendix F: the message is M1, which the chip draws and the verifier
recovers from the signature, followed by the terminal's challenge.
"""

import hashlib
from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from card_reader.errors import UnreadableInputError

_HEADER = b"\x6a"  # partial recovery, more data follows
_TRAILER = b"\x34\xcc"  # SHA-256 (ISO/IEC 10118-3 number 34)


def load_key(pkcs8: bytes) -> RSAPrivateKey:
    """The private key of a profile; RSA of 1024 to 4096 bits, whole bytes."""
    try:
        key = load_der_private_key(pkcs8, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey) or not 1024 <= key.key_size <= 4096 or key.key_size % 8:
        raise UnreadableInputError(
            "the card's authentication key is no RSA key of 1024 to 4096 bits"
        )
    return key


def sign(key: RSAPrivateKey, challenge: bytes, rng: Callable[[int], bytes]) -> bytes:
    """The signature, as long as the modulus."""
    numbers = key.private_numbers()
    n = numbers.public_numbers.n
    size = (n.bit_length() + 7) // 8
    recoverable = size - len(_HEADER) - hashlib.sha256().digest_size - len(_TRAILER)
    m1 = rng(recoverable)
    digest = hashlib.sha256(m1 + challenge).digest()
    representative = int.from_bytes(_HEADER + m1 + digest + _TRAILER, "big")
    return pow(representative, numbers.d, n).to_bytes(size, "big")
