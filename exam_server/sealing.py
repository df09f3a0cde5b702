"""What lies in the database encrypted: AES-256-GCM under keys derived from the server's master."""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exam_server.contract import canonical
from exam_server.errors import ServerError

MASTER_BYTES = 32
NONCE_BYTES = 12


class SealBrokenError(ServerError):
    """Sealed bytes that do not open: changed, moved to another row, or of another server."""


class Sealed(StrEnum):
    """What a sealed value is; it opens as nothing else."""

    ITEM_BODY = "item-body"
    ANSWER_KEY = "answer-key"
    ITEM_NOTE = "item-note"
    ITEM_TEXT = "item-text"
    ITEM_TRAITS = "item-traits"
    ITEM_IMPORT = "item-import"
    EXPORT_REASON = "export-reason"
    BANK_JOB = "bank-job"
    BANK_FILE = "bank-file"
    BASE_FORM = "base-form"
    FORM_SEED = "form-seed"
    FORM_BODY = "form-body"
    FORM_MAPPING = "form-mapping"
    RELEASE_KEY = "release-key"
    RESPONSE = "response"
    MARK_REMARK = "mark-remark"
    EVIDENCE = "evidence"
    CHIP_TERMINAL = "chip-terminal"
    PICTURE = "picture"


class Derived(StrEnum):
    """What a derived secret is for."""

    ATTEMPT_KEY = "attempt-key"
    SHIFT_SECRET = "shift-secret"  # noqa: S105 - a purpose, no secret
    ROOM_CODE = "room-code"
    MARKING_CODE = "marking-code"


@dataclass(frozen=True, slots=True, repr=False)
class Sealing:
    """Seals and opens. Each purpose has a key of its own; a value is bound to its row's id."""

    master: bytes
    rng: Callable[[int], bytes] = os.urandom

    def __post_init__(self) -> None:
        if len(self.master) != MASTER_BYTES:
            raise ValueError(f"the master key must have {MASTER_BYTES} bytes")

    def _cipher(self, purpose: Sealed) -> AESGCM:
        info = f"truong-thi/sealed/1/{purpose}".encode()
        return AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(self.master))

    def content_digest(self, content: bytes) -> bytes:
        """HMAC-SHA256 under a key of its own: tells equal contents, and lets nobody guess them."""
        info = b"truong-thi/content-digest/1"
        key = HKDF(SHA256(), 32, salt=None, info=info).derive(self.master)
        return hmac.digest(key, content, "sha256")

    def derive(self, purpose: Derived, *context: str) -> bytes:
        """A secret of 32 bytes that is always the same for this purpose and context."""
        info = canonical.encode("truong-thi/derived", 1, purpose.value, list(context))
        return HKDF(SHA256(), 32, salt=None, info=info).derive(self.master)

    def seal(self, purpose: Sealed, row: str, plaintext: bytes) -> bytes:
        """Nonce and ciphertext."""
        nonce = self.rng(NONCE_BYTES)
        return nonce + self._cipher(purpose).encrypt(nonce, plaintext, _aad(purpose, row))

    def unseal(self, purpose: Sealed, row: str, sealed: bytes) -> bytes:
        """The plaintext; SealBrokenError where it is not what was sealed for this row."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher(purpose).decrypt(nonce, ciphertext, _aad(purpose, row))
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError(f"the sealed {purpose} of {row} does not open") from error


def _aad(purpose: Sealed, row: str) -> bytes:
    return canonical.encode("truong-thi/sealed", 1, purpose.value, row)
