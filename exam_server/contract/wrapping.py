"""Secrets on their way: HPKE (RFC 9180) to one X25519 key, bound to a purpose and a context."""

from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class Purpose(StrEnum):
    """What a wrapped secret is for; it opens under no other purpose."""

    CONTENT_KEY = "content-key"
    ATTEMPT_KEY = "attempt-key"
    LEASE_KEY = "lease-key"
    ROOM_KIT = "room-kit"
    START_SECRET = "start-secret"  # noqa: S105 - a purpose, no secret


def _info(purpose: Purpose, context: tuple[str, ...]) -> bytes:
    return canonical.encode("truong-thi/wrap", 1, purpose.value, list(context))


def wrap(secret: bytes, holder: X25519PublicKey, purpose: Purpose, *context: str) -> bytes:
    """`secret` for `holder`; `context` names what it belongs to (shift, station, attempt…)."""
    return SUITE.encrypt(secret, holder, info=_info(purpose, context))


def unwrap(wrapped: bytes, holder: X25519PrivateKey, purpose: Purpose, *context: str) -> bytes:
    """The secret; ContractError where key, purpose or context is not the one it was wrapped for."""
    try:
        return SUITE.decrypt(wrapped, holder, info=_info(purpose, context))
    except (InvalidTag, ValueError) as error:
        raise ContractError(
            f"this {purpose} was not wrapped for this holder and context"
        ) from error
