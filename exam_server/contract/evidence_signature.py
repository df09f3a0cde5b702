"""The station's signature over a card's evidence: which station read it, for which placement."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError

DOMAIN = "truong-thi/evidence"


def _signed_bytes(station: str, placement: str, evidence: bytes) -> bytes:
    # Over the digest: the signature can still be checked once the portrait has been erased.
    return canonical.encode(DOMAIN, 1, station, placement, hashlib.sha256(evidence).digest())


def sign_evidence(
    key: Ed25519PrivateKey, *, station: str, placement: str, evidence: bytes
) -> bytes:
    """The 64 bytes of Ed25519 signature that travel as ``CheckInRequest.evidence_signature``."""
    return key.sign(_signed_bytes(station, placement, evidence))


def check_evidence(
    signature: bytes, key: Ed25519PublicKey, *, station: str, placement: str, evidence: bytes
) -> None:
    """ContractError unless the station holding `key` signed this evidence for this placement."""
    try:
        key.verify(signature, _signed_bytes(station, placement, evidence))
    except InvalidSignature as error:
        raise ContractError("the evidence is not signed by this station") from error
