"""A batch of records on its way to the server: the body of the records' call.

Its MAC under the lease's key proves who sends it, so the call bears no request signature and no
nonce: records are idempotent, and a batch that is sent again changes nothing. Inside lie whole
records as `records.Record.to_bytes` gives them, in order, and the station's signed head where one
is due. A batch without records asks where the server stands.
"""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from exam_server.contract import canonical, patterns
from exam_server.contract.errors import ContractError
from exam_server.contract.records import MAC_BYTES, MAX_NUMBER, SignedHead, mac_of

BATCH = "truong-thi/batch"
AUTHENTICATED = f"{BATCH}/authenticated"
CONTENT_TYPE = "application/cbor"
MAX_RECORDS = 500
MAX_BATCH_BYTES = 1024 * 1024
#: What tags, MAC, attempt and head may take beside the records.
FRAME_BYTES = 1024
#: What a record takes beside its own bytes.
_RECORD_FRAME_BYTES = 5
#: A batch of less than 24 records without a head.
_USUAL = re.compile(
    re.escape(patterns.beginning(AUTHENTICATED, 1, fields=2))
    + patterns.SIZE
    + b"("
    + re.escape(patterns.beginning(BATCH, 1, fields=4))
    + patterns.ID
    + patterns.NUMBER
    + rb"([\x80-\x97])([\x00-\xff]*)\xf6)"
    + patterns.exactly(MAC_BYTES)
).fullmatch


@dataclass(frozen=True, slots=True)
class Batch:
    """What the holder of the lease (`attempt`, `epoch`) sends in one call."""

    attempt: str
    epoch: int
    records: tuple[bytes, ...] = ()
    head: SignedHead | None = None

    def to_bytes(self, lease_key: bytes) -> bytes:
        """The call's body; ContractError where it is larger than any batch may be."""
        sealed = canonical.encode(
            BATCH, 1, self.attempt, self.epoch, list(self.records), _plain_head(self.head)
        )
        data = canonical.encode(AUTHENTICATED, 1, sealed, mac_of(lease_key, sealed))
        if len(self.records) > MAX_RECORDS or len(data) > MAX_BATCH_BYTES:
            raise ContractError("more records than a batch may hold; send them in several")
        return data


@dataclass(frozen=True, slots=True)
class ReceivedBatch:
    """A batch as it came. Nothing in it is to be believed before `check_mac`."""

    batch: Batch
    sealed: bytes
    mac: bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> "ReceivedBatch":
        """ContractError unless `data` is one whole batch."""
        if len(data) > MAX_BATCH_BYTES:
            raise ContractError("a batch longer than any batch is")
        usual = cls._usual(data)
        if usual is not None:
            return usual
        sealed, mac = canonical.decode(AUTHENTICATED, 1, data, fields=2)
        if not isinstance(sealed, bytes) or not isinstance(mac, bytes) or len(mac) != MAC_BYTES:
            raise ContractError("a batch whose fields are of the wrong kind")
        match canonical.decode(BATCH, 1, sealed, fields=4):
            case [str(attempt), int(epoch), list(records), head] if (
                0 < epoch < MAX_NUMBER and len(records) <= MAX_RECORDS and _all_bytes(records)
            ):
                batch = Batch(attempt, epoch, tuple(records), _head(attempt, head))
                return cls(batch, sealed, mac)
        raise ContractError("a batch whose fields are of the wrong kind")

    @classmethod
    def _usual(cls, data: bytes) -> "ReceivedBatch | None":
        """The batch, if `data` is one as stations mostly send them: the same, read more quickly."""
        found = _USUAL(data) if len(data) <= patterns.LONGEST else None
        if found is None:
            return None
        size, sealed, attempt, epoch, count, text, mac = found.groups()
        records = patterns.byte_strings(text, count[0] - 0x80)
        number = patterns.number(epoch)
        if patterns.size(size) != len(sealed) or records is None or number == 0:
            return None
        return cls(Batch(attempt.decode(), number, tuple(records)), sealed, mac)

    def check_mac(self, lease_key: bytes) -> None:
        """ContractError unless the holder of `lease_key` sent this batch."""
        if not hmac.compare_digest(mac_of(lease_key, self.sealed), self.mac):
            raise ContractError("the batch was not sent under this lease")


def fitting(records: Sequence[bytes]) -> Sequence[bytes]:
    """The first of `records` that fit into one batch: one at least, if there is any."""
    size = FRAME_BYTES
    for place, record in enumerate(records[:MAX_RECORDS]):
        size += len(record) + _RECORD_FRAME_BYTES
        if size > MAX_BATCH_BYTES:
            return records[:place]
    return records[:MAX_RECORDS]


def _all_bytes(records: list[object]) -> bool:
    return all(isinstance(record, bytes) for record in records)


def _plain_head(head: SignedHead | None) -> list[object] | None:
    return None if head is None else [head.epoch, head.sequence, head.head, head.signature]


def _head(attempt: str, plain: object) -> SignedHead | None:
    match plain:
        case None:
            return None
        case [int(epoch), int(sequence), bytes(head), bytes(signature)] if (
            0 < epoch < MAX_NUMBER and 0 <= sequence < MAX_NUMBER and len(head) == 32
        ):
            return SignedHead(attempt, epoch, sequence, head, signature)
    raise ContractError("a batch whose head is of the wrong kind")
