"""Records of an attempt: sealed, chained, authenticated; the same bytes on disk and on the wire.

A record's body is encrypted under the attempt's key. The chain runs over the sealed bytes, so it
can be checked without that key. The MAC, under the lease's key, says which lease wrote it. A head
signed by the station (Ed25519) fixes everything up to it.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError

RECORD = "truong-thi/record"
BODY = "truong-thi/record-body"
HEAD = "truong-thi/head"
MAC_BYTES = 32
NONCE_BYTES = 12
MAX_RECORD_BYTES = 256 * 1024
#: Numbers of leases and records stay below: what any database keeps as an integer.
MAX_NUMBER = 2**31
#: The last moment that a record may name: the end of the year 9999.
MAX_MOMENT = 253_402_300_800_000


@dataclass(frozen=True, slots=True)
class Answered:
    """The response to one item; `response` is its plain form, None where it was cleared."""

    item: str
    response: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Flagged:
    """The candidate marked an item to look at again, or took the mark away."""

    item: str
    on: bool


@dataclass(frozen=True, slots=True)
class Visited:
    """The item the candidate went to; a restart shows it again."""

    item: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The form was opened on this station."""

    code: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """The candidate handed in, or the time was up (`by` is ``candidate`` or ``time``)."""

    by: str


Body = Answered | Flagged | Visited | Opened | Submitted


def _plain(body: Body) -> list[Any]:
    match body:
        case Answered(item, response):
            return ["answered", item, response]
        case Flagged(item, on):
            return ["flagged", item, on]
        case Visited(item):
            return ["visited", item]
        case Opened(code):
            return ["opened", code]
        case Submitted(by):
            return ["submitted", by]


def _body(plain: object) -> Body:
    match plain:
        case ["answered", str(item), (dict() | None) as response]:
            return Answered(item, response)
        case ["flagged", str(item), bool(on)]:
            return Flagged(item, on)
        case ["visited", str(item)]:
            return Visited(item)
        case ["opened", str(code)]:
            return Opened(code)
        case ["submitted", "candidate" | "time" as by]:
            return Submitted(by)
    raise ContractError("a record of an unknown kind")


@dataclass(frozen=True, slots=True)
class Record:
    """One sealed record. `bytes` is what is chained, stored and sent; `mac` covers all of it."""

    attempt: str
    epoch: int
    sequence: int
    previous: bytes
    acknowledged: int
    nonce: bytes
    ciphertext: bytes
    mac: bytes

    @property
    def sealed(self) -> bytes:
        fields = (self.attempt, self.epoch, self.sequence, self.previous, self.acknowledged)
        return canonical.encode(RECORD, 1, *fields, self.nonce, self.ciphertext)

    @property
    def head(self) -> bytes:
        """The chain's value after this record."""
        return hashlib.sha256(self.sealed).digest()

    def to_bytes(self) -> bytes:
        return canonical.encode(f"{RECORD}/authenticated", 1, self.sealed, self.mac)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Record":
        """ContractError unless `data` is one whole record. Proves nothing about its MAC."""
        if len(data) > MAX_RECORD_BYTES:
            raise ContractError("a record longer than any record is")
        sealed, mac = canonical.decode(f"{RECORD}/authenticated", 1, data, fields=2)
        if not isinstance(sealed, bytes) or not isinstance(mac, bytes) or len(mac) != MAC_BYTES:
            raise ContractError("a record whose fields are of the wrong kind")
        match canonical.decode(RECORD, 1, sealed, fields=7):
            case [
                str(attempt),
                int(epoch),
                int(sequence),
                bytes(previous),
                int(acknowledged),
                bytes(nonce),
                bytes(ciphertext),
            ] if (
                len(previous) == 32
                and 0 < epoch < MAX_NUMBER
                and 0 < sequence < MAX_NUMBER
                and 0 <= acknowledged < MAX_NUMBER
            ):
                return cls(attempt, epoch, sequence, previous, acknowledged, nonce, ciphertext, mac)
        raise ContractError("a record whose fields are of the wrong kind")

    def check_mac(self, lease_key: bytes) -> None:
        """ContractError unless the holder of `lease_key` wrote this record."""
        if not hmac.compare_digest(_mac(lease_key, self.sealed), self.mac):
            raise ContractError("the record was not written under this lease")

    def open(self, attempt_key: bytes) -> tuple[Body, int]:
        """The body and its moment, in milliseconds of the server's clock (Unix epoch)."""
        aad = _aad(self.attempt, self.epoch, self.sequence)
        try:
            plain = AESGCM(attempt_key).decrypt(self.nonce, self.ciphertext, aad)
        except (InvalidTag, ValueError) as error:
            raise ContractError("the record does not open under this attempt's key") from error
        at, body = canonical.decode(BODY, 1, plain, fields=2)
        if not isinstance(at, int) or not 0 <= at < MAX_MOMENT:
            raise ContractError("a record without a moment")
        return _body(body), at


def _mac(lease_key: bytes, sealed: bytes) -> bytes:
    return hmac.digest(lease_key, sealed, "sha256")


def _aad(attempt: str, epoch: int, sequence: int) -> bytes:
    return canonical.encode(f"{BODY}/context", 1, attempt, epoch, sequence)


def genesis(attempt: str) -> bytes:
    """The chain's value before the first record."""
    return hashlib.sha256(canonical.encode("truong-thi/genesis", 1, attempt)).digest()


@dataclass(frozen=True, slots=True)
class WritingKeys:
    """What a lease gives its station: to write (`lease_key`) and to seal (`attempt_key`)."""

    attempt: str
    epoch: int
    lease_key: bytes
    attempt_key: bytes

    def seal(
        self,
        body: Body,
        *,
        sequence: int,
        previous: bytes,
        acknowledged: int,
        at: int,
        rng: Callable[[int], bytes],
    ) -> Record:
        """The next record. `at` is in milliseconds of the server's clock (Unix epoch)."""
        nonce = rng(NONCE_BYTES)
        plain = canonical.encode(BODY, 1, at, _plain(body))
        aad = _aad(self.attempt, self.epoch, sequence)
        ciphertext = AESGCM(self.attempt_key).encrypt(nonce, plain, aad)
        unsigned = Record(
            self.attempt, self.epoch, sequence, previous, acknowledged, nonce, ciphertext, b""
        )
        mac = _mac(self.lease_key, unsigned.sealed)
        return Record(
            self.attempt, self.epoch, sequence, previous, acknowledged, nonce, ciphertext, mac
        )


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The station's word on the whole chain up to `sequence`."""

    attempt: str
    epoch: int
    sequence: int
    head: bytes
    signature: bytes

    @classmethod
    def sign(
        cls, key: Ed25519PrivateKey, *, attempt: str, epoch: int, sequence: int, head: bytes
    ) -> "SignedHead":
        signed = canonical.encode(HEAD, 1, attempt, epoch, sequence, head)
        return cls(attempt, epoch, sequence, head, key.sign(signed))

    def check(self, key: Ed25519PublicKey) -> None:
        """ContractError unless the station holding `key` signed this head."""
        signed = canonical.encode(HEAD, 1, self.attempt, self.epoch, self.sequence, self.head)
        try:
            key.verify(self.signature, signed)
        except InvalidSignature as error:
            raise ContractError("the head is not signed by this station") from error
