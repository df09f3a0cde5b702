"""The chip's signature over a challenge (ICAO 9303-11 §6.1).

RSA: ISO/IEC 9796-2 scheme 1, where the message is M1, which the chip draws and the verifier
recovers from the signature, followed by the terminal's challenge.  EC: ECDSA of the challenge.
"""

import hashlib
from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_private_key

from card_reader.errors import UnreadableInputError
from card_reader.simulator.profile import CardProfile, SignatureFormat

_HEADER = b"\x6a"  # partial recovery, more data follows
_SHA1 = "SHA-1"
# Trailer field of option 1 for SHA-1, of option 2 (ISO/IEC 10118-3 number, CC) for the others.
_TRAILERS = {
    _SHA1: b"\xbc",
    "SHA-224": b"\x38\xcc",
    "SHA-256": b"\x34\xcc",
    "SHA-384": b"\x36\xcc",
    "SHA-512": b"\x35\xcc",
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    _SHA1: hashes.SHA1(),  # noqa: S303 - not for ICAO's ECDSA, yet seen
    "SHA-224": hashes.SHA224(),
    "SHA-256": hashes.SHA256(),
    "SHA-384": hashes.SHA384(),
    "SHA-512": hashes.SHA512(),
}


class Signer:
    """The key of active authentication with its hash and form."""

    def __init__(self, profile: CardProfile) -> None:
        if profile.authentication_key is None:
            raise UnreadableInputError("the card has no key of active authentication")
        if profile.authentication_hash not in _HASHES:
            raise UnreadableInputError(
                f"active authentication knows no hash {profile.authentication_hash}"
            )
        self._key = load_key(profile.authentication_key)
        self._hash = profile.authentication_hash
        self._format = profile.authentication_format or SignatureFormat.PLAIN
        self._smaller = profile.quirks.smaller_signature

    def sign(self, challenge: bytes, rng: Callable[[int], bytes]) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return _rsa(self._key, self._hash, challenge, rng, smaller=self._smaller)
        signature = self._key.sign(challenge, ec.ECDSA(_HASHES[self._hash]))
        if self._format is SignatureFormat.DER:
            return signature
        size = (self._key.curve.key_size + 7) // 8
        return b"".join(n.to_bytes(size, "big") for n in decode_dss_signature(signature))


def load_key(pkcs8: bytes) -> RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """The private key of a profile: RSA of 1024 to 4096 bits, whole bytes, or EC."""
    try:
        key = load_der_private_key(pkcs8, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, RSAPrivateKey) and 1024 <= key.key_size <= 4096 and not key.key_size % 8:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    raise UnreadableInputError(
        "the card's authentication key is no RSA key of 1024 to 4096 bits and no EC key"
    )


def _rsa(
    key: RSAPrivateKey,
    name: str,
    challenge: bytes,
    rng: Callable[[int], bytes],
    *,
    smaller: bool,
) -> bytes:
    """The signature, as long as the modulus (§6.1.2.2)."""
    numbers = key.private_numbers()
    n = numbers.public_numbers.n
    size, trailer = key.key_size // 8, _TRAILERS[name]
    digest_size = _HASHES[name].digest_size
    m1 = rng(size - len(_HEADER) - digest_size - len(trailer))
    digest = hashlib.new(name.replace("-", ""), m1 + challenge, usedforsecurity=False).digest()
    representative = int.from_bytes(_HEADER + m1 + digest + trailer, "big")
    signature = pow(representative, numbers.d, n)
    return (min(signature, n - signature) if smaller else signature).to_bytes(size, "big")
