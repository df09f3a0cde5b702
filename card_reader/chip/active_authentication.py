"""Active authentication: the chip signs the caller's challenge (ICAO 9303-11 §6.1).

RSA with ISO/IEC 9796-2 digital signature scheme 1 (partial message recovery), or ECDSA in plain
or DER form.  Verification raises where the proof does not hold; nothing is returned.
"""

import hmac
from collections.abc import Sequence

from card_reader.apdu import CommandApdu
from card_reader.errors import CardReason, ChipError, UnsupportedAlgorithmError
from card_reader.lds.security_infos import SecurityInfo, active_authentication_info
from card_reader.trust.keys import EcKey, RsaKey, parse_public_key
from card_reader.trust.signatures import (
    HASHES,
    der_pair,
    digest,
    plain_pair,
    signature_by_oid,
    verify_ecdsa,
)

CHALLENGE_LENGTH = 8

# ISO/IEC 9796-2 §8.1.3: one-byte trailer BC means the default hash, two bytes name it.
_IMPLICIT_TRAILER = 0xBC
_EXPLICIT_TRAILER = 0xCC
_TRAILER_HASHES = {0x33: "sha1", 0x38: "sha224", 0x34: "sha256", 0x36: "sha384", 0x35: "sha512"}


class ActiveAuthenticationFailedError(ChipError):
    """The chip's response does not prove that it holds the private key."""

    reason = CardReason.CHIP_NOT_GENUINE


def internal_authenticate(public_key: bytes, challenge: bytes) -> CommandApdu:
    """The command for a DER SubjectPublicKeyInfo; its expected length is the signature's."""
    if len(challenge) != CHALLENGE_LENGTH:
        raise ValueError("a challenge has eight bytes")
    key = _chip_key(public_key)
    return CommandApdu(0x00, 0x88, 0x00, 0x00, challenge, _signature_length(key))


def verify_active_authentication(
    public_key: bytes,
    challenge: bytes,
    response: bytes,
    security_infos: Sequence[SecurityInfo] = (),
) -> None:
    """Raise unless ``response`` signs ``challenge`` under EF.DG15's key.

    ``public_key`` is a DER SubjectPublicKeyInfo; ``security_infos`` those of an authenticated
    EF.DG14, which names the hash of an ECDSA signature.
    """
    if len(challenge) != CHALLENGE_LENGTH:
        raise ActiveAuthenticationFailedError("the challenge has not eight bytes")
    key = _chip_key(public_key)
    if isinstance(key, RsaKey):
        valid = _verify_rsa(key, challenge, response)
    else:
        valid = _verify_ecdsa(key, challenge, response, _hash_names(key, security_infos))
    if not valid:
        raise ActiveAuthenticationFailedError("the chip's signature over the challenge is wrong")


def _chip_key(public_key: bytes) -> RsaKey | EcKey:
    """ICAO 9303-11 §6.1.2 knows RSA and ECDSA."""
    key = parse_public_key(public_key)
    if not isinstance(key, RsaKey | EcKey):
        raise UnsupportedAlgorithmError(f"no active authentication with {key.describe()}")
    return key


def recover_message(key: RsaKey, signature: bytes) -> tuple[bytes, str, bytes] | None:
    """M1, hash name and hash out of an ISO 9796-2 scheme 1 signature; None where malformed."""
    size = (key.bits + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= key.modulus:
        return None
    opened = pow(number, key.exponent, key.modulus)
    if opened & 0x0F != 0x0C:  # §B.6: the signature may be n - s
        opened = key.modulus - opened
    return _take_apart(opened.to_bytes(size, "big"), key.bits)


def _verify_rsa(key: RsaKey, challenge: bytes, response: bytes) -> bool:
    recovered = recover_message(key, response)
    if recovered is None:
        return False
    m1, hash_name, hashed = recovered
    return hmac.compare_digest(digest(hash_name, m1 + challenge), hashed)


def _take_apart(block: bytes, bits: int) -> tuple[bytes, str, bytes] | None:
    """ISO/IEC 9796-2 §8: header 01, more-data bit 1, padding to A; M1; hash; trailer."""
    start = _message_start(block, bits)
    if start is None:
        return None
    if block[-1] == _IMPLICIT_TRAILER:
        hash_name, end = "sha1", len(block) - 1
    elif block[-1] == _EXPLICIT_TRAILER and block[-2] in _TRAILER_HASHES:
        hash_name, end = _TRAILER_HASHES[block[-2]], len(block) - 2
    else:
        return None
    split = end - HASHES[hash_name].digest_size
    # M1 is the chip's own nonce: without it the padding would carry the whole message.
    if split <= start:
        return None
    return block[start:split], hash_name, block[split:end]


def _message_start(block: bytes, bits: int) -> int | None:
    """Where M1 begins: behind 6A, or behind 6B BB ... BA where M1 is shorter."""
    spare = bits % 8
    if spare and block[0] not in (0x6A, 0x6B):
        return _message_start_unaligned(block, bits, spare)
    if block[0] == 0x6A:
        return 1
    return _behind_padding(block, 1) if block[0] == 0x6B else None


def _message_start_unaligned(block: bytes, bits: int, spare: int) -> int | None:
    """The same where the modulus is no whole number of bytes, ``spare`` bits in the first one.

    01, the more-data bit, zeros and a 1 lead a string as long as the modulus; of the padding
    whole nibbles of zeros became B and the last nibble A, unless it shares the header's.
    """
    if int.from_bytes(block, "big") >> (bits - 3) != 0b011:
        return None
    if 4 <= spare <= 6 and block[0] == 0b011 << (spare - 3) | 1:
        return 1
    header = 1 if spare >= 3 else 2  # bytes that the header's three bits reach into
    if spare not in (3, 4, 5, 6) and block[header - 1] & 0x0F == 0x0A:
        return header
    return _behind_padding(block, header)


def _behind_padding(block: bytes, position: int) -> int | None:
    while position < len(block) and block[position] == 0xBB:
        position += 1
    return position + 1 if position < len(block) and block[position] == 0xBA else None


def _verify_ecdsa(key: EcKey, challenge: bytes, response: bytes, hash_names: Sequence[str]) -> bool:
    # §6.1.2.3 asks for the plain form; some chips send DER.
    pairs = [pair for pair in (plain_pair(key, response), der_pair(response)) if pair]
    return any(
        verify_ecdsa(key, name, digest(name, challenge), pair)
        for pair in pairs
        for name in hash_names
    )


def _hash_names(key: EcKey, infos: Sequence[SecurityInfo]) -> list[str]:
    """The hash that DG14 names (§9.2.3), else each that is no longer than the key (§6.1.2.3)."""
    info = active_authentication_info(infos)
    if info is not None:
        algorithm = signature_by_oid(info.signature_oid)
        return [algorithm.hash_name] if algorithm else []
    return [name for name, used in HASHES.items() if 8 * used.digest_size <= key.bits]


def _signature_length(key: RsaKey | EcKey) -> int:
    if isinstance(key, RsaKey):
        return (key.bits + 7) // 8
    return 2 * key.curve.order_bytes + 16  # room for DER
