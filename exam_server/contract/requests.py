"""Signed requests: each names its station, its moment and a nonce, so that none can be replayed."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError, ErrorCode

STATION_HEADER = "x-station"
TIME_HEADER = "x-station-time"
NONCE_HEADER = "x-station-nonce"
SIGNATURE_HEADER = "x-station-signature"

#: How far a request's moment may lie from the server's; nonces are remembered for twice as long.
TOLERANCE = timedelta(seconds=60)
NONCE_BYTES = 16


class RequestRefusedError(ContractError):
    """A request whose proof does not hold."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class RequestProof:
    """The four headers of a signed request. `time` is UTC with millisecond resolution."""

    station: str
    time: datetime
    nonce: bytes
    signature: bytes

    def headers(self) -> dict[str, str]:
        return {
            STATION_HEADER: self.station,
            TIME_HEADER: str(_milliseconds(self.time)),
            NONCE_HEADER: self.nonce.hex(),
            SIGNATURE_HEADER: self.signature.hex(),
        }

    @classmethod
    def from_headers(cls, headers: dict[str, str]) -> "RequestProof":
        """RequestRefusedError where a header is missing or malformed. Names are lower case."""
        try:
            proof = cls(
                station=headers[STATION_HEADER],
                time=datetime.fromtimestamp(int(headers[TIME_HEADER]) / 1000, UTC),
                nonce=bytes.fromhex(headers[NONCE_HEADER]),
                signature=bytes.fromhex(headers[SIGNATURE_HEADER]),
            )
        except (KeyError, ValueError, OverflowError, OSError) as error:
            raise RequestRefusedError(
                ErrorCode.BAD_SIGNATURE, "the request is not signed"
            ) from error
        if len(proof.nonce) != NONCE_BYTES or len(proof.station) > 64:
            raise RequestRefusedError(ErrorCode.BAD_SIGNATURE, "the request's proof is malformed")
        return proof


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _signed_bytes(
    station: str, time: datetime, nonce: bytes, method: str, target: str, body: bytes
) -> bytes:
    digest = hashlib.sha256(body).digest()
    fields = (station, _milliseconds(time), nonce, method.upper(), target, digest)
    return canonical.encode("truong-thi/request", 1, *fields)


def sign_request(
    key: Ed25519PrivateKey,
    *,
    station: str,
    method: str,
    target: str,
    body: bytes,
    now: datetime,
    nonce: bytes,
) -> RequestProof:
    """Proof for one request. `target` is the path with its query as sent, e.g. ``/api/x?y=1``."""
    signature = key.sign(_signed_bytes(station, now, nonce, method, target, body))
    return RequestProof(station=station, time=now, nonce=nonce, signature=signature)


def check_request(
    proof: RequestProof,
    key: Ed25519PublicKey,
    *,
    method: str,
    target: str,
    body: bytes,
    now: datetime,
) -> None:
    """RequestRefusedError unless `proof` is this station's and fresh. The caller checks nonces."""
    signed = _signed_bytes(proof.station, proof.time, proof.nonce, method, target, body)
    try:
        key.verify(proof.signature, signed)
    except InvalidSignature as error:
        raise RequestRefusedError(ErrorCode.BAD_SIGNATURE, "the signature is not valid") from error
    if abs(now - proof.time) > TOLERANCE:
        raise RequestRefusedError(
            ErrorCode.STALE_REQUEST, "the request is too old or from the future"
        )
