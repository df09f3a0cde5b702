"""What lies in an attempt's folder on a station's disk, as far as the server must read it too.

Beside the journal: a check-in, a start and a move that took place without network, until the server
knows.
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exam_server.contract.api import OfflineCheckIn
from exam_server.contract.errors import ContractError
from exam_server.contract.records import NONCE_BYTES

JOURNAL = "journal"
#: A check-in without network, sealed under the attempt's key until the server has it.
CHECK_IN = "checkin.sealed"
#: When the paper was opened by the start code, until the server knows.
STARTED = "started.json"
#: The move token with which the attempt came here, until the server knows.
CLAIM = "claim"
#: Its name in the folder in which an attempt is carried.
CARRIED_TOKEN = "move-token"  # noqa: S105 - a file's name, no secret


def seal_checkin(told: OfflineCheckIn, attempt_key: bytes, rng: Callable[[int], bytes]) -> bytes:
    """Evidence and pictures are personal: nothing of them lies on the disk in clear."""
    nonce, plain = rng(NONCE_BYTES), told.model_dump_json().encode()
    return nonce + AESGCM(attempt_key).encrypt(nonce, plain, CHECK_IN.encode())


def open_checkin(data: bytes, attempt_key: bytes) -> OfflineCheckIn:
    """What was sealed; ContractError where it is damaged."""
    nonce, sealed = data[:NONCE_BYTES], data[NONCE_BYTES:]
    try:
        plain = AESGCM(attempt_key).decrypt(nonce, sealed, CHECK_IN.encode())
        return OfflineCheckIn.model_validate_json(plain)
    except (InvalidTag, ValueError) as error:
        raise ContractError("the check-in on this disk is damaged") from error
