"""What a station says of a time without network, and what proves it under the codes.

The room code proves that a proctor confirmed a check-in, the start secret that the paper was not
opened before whoever gives the start signal gave it away.
"""

import hashlib
import hmac
from datetime import datetime

from exam_server.contract import canonical
from exam_server.contract.api import OfflineCheckIn
from exam_server.contract.errors import ContractError

STARTED = "truong-thi/started-by-code"
CHECK_IN = "truong-thi/offline-checkin"


def checkin_digest(checkin: OfflineCheckIn) -> bytes:
    """SHA-256 over all of it but the confirmation."""
    face = checkin.face.model_dump(mode="json") if checkin.face else None
    fields = (
        checkin.placement,
        _milliseconds(checkin.checked_in_at),
        checkin.counter,
        _digest(checkin.evidence),
        checkin.evidence_signature,
        checkin.consent,
        face,
        [_digest(capture) for capture in checkin.captures],
    )
    return hashlib.sha256(canonical.encode(CHECK_IN, 1, *fields)).digest()


def _digest(data: bytes | None) -> bytes | None:
    return None if data is None else hashlib.sha256(data).digest()


def start_proof(start_secret: bytes, *, attempt: str, station: str, at: datetime) -> bytes:
    """Who can make this holds the room's start secret: 32 bytes (HMAC-SHA256)."""
    said = canonical.encode(STARTED, 1, attempt, station, _milliseconds(at))
    return hmac.digest(start_secret, said, "sha256")


def check_start(
    proof: bytes, start_secret: bytes, *, attempt: str, station: str, at: datetime
) -> None:
    """ContractError unless `proof` is that of this attempt, station and moment."""
    expected = start_proof(start_secret, attempt=attempt, station=station, at=at)
    if not hmac.compare_digest(expected, proof):
        raise ContractError("the start code was not known to whoever says so")


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
