"""A small exported attempt with every kind of part, made without any server."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exam_server.contract.attempt_export import (
    AttemptExport,
    AttemptKey,
    ConflictFact,
    Facts,
    KeptEvidence,
    KeptHead,
    KeptReceipt,
    KeptRecord,
    LeaseFact,
    LedgerFact,
    OfficersWord,
    RivalLeaseFact,
)
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import (
    Answered,
    Body,
    Flagged,
    Opened,
    Record,
    SignedHead,
    Submitted,
    WritingKeys,
    genesis,
)

SERVER = Ed25519PrivateKey.from_private_bytes(b"S" * 32)
STATIONS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2)]
ATTEMPT = "attempt-1"
KEY = b"A" * 32
NOON = datetime(2027, 6, 10, 5, 0, tzinfo=UTC)

BODIES: list[tuple[int, Body]] = [
    (1, Opened("0101")),
    (1, Answered("a", {"kind": "single", "options": ["o1"]})),
    (1, Flagged("b", True)),
    (2, Answered("b", {"kind": "single", "options": ["o2"]})),
    (2, Answered("a", None)),
    (2, Submitted("candidate")),
]


def sealed(epoch: int, body: Body, sequence: int, previous: bytes) -> Record:
    """The same record each time."""
    keys = WritingKeys(ATTEMPT, epoch, bytes([epoch]) * 32, KEY)
    rng = random.Random(f"{epoch} {sequence} {body}").randbytes
    return keys.seal(body, sequence=sequence, previous=previous, acknowledged=0, at=1_000, rng=rng)


def chain() -> list[Record]:
    records: list[Record] = []
    for epoch, body in BODIES:
        previous = records[-1].head if records else genesis(ATTEMPT)
        records.append(sealed(epoch, body, len(records) + 1, previous))
    return records


def kept_head(record: Record) -> KeptHead:
    signed = SignedHead.sign(
        STATIONS[record.epoch - 1],
        attempt=ATTEMPT,
        epoch=record.epoch,
        sequence=record.sequence,
        head=record.head,
    )
    return KeptHead(record.epoch, record.sequence, record.head, signed.signature, NOON)


def exported() -> AttemptExport:
    records = chain()
    last = records[-1]
    receipt = Receipt(
        ATTEMPT, "test", "010001", "Toán", "0101", last.sequence, last.head, 1,
        NOON + timedelta(minutes=80),
    )  # fmt: skip
    late = sealed(1, Flagged("c", True), 4, records[2].head)
    return AttemptExport(
        facts=Facts(
            attempt=ATTEMPT, realm="test", exam="thi-thu", paper="Toán", code="0101",
            registration_number="010001", shift="shift-1", state="submitted",
            allowance_seconds=5400, sequence=last.sequence, head=last.head, admitted_at=NOON,
            submitted_at=receipt.submitted_at, arrived_late=False,
            exported_at=NOON + timedelta(days=1),
        ),
        leases=tuple(
            LeaseFact(number, f"station-{number}", key.public_key().public_bytes_raw(), NOON)
            for number, key in enumerate(STATIONS, 1)
        ),
        records=tuple(KeptRecord(record.sequence, record.to_bytes(), NOON) for record in records),
        heads=(kept_head(records[2]), kept_head(last)),
        ledger=(
            LedgerFact(1, "start", NOON, 0),
            LedgerFact(2, "extend", NOON + timedelta(minutes=5), 300),
        ),
        receipt=KeptReceipt(receipt.to_bytes(), receipt.sign(SERVER)),
        evidence=(KeptEvidence(1, late.to_bytes(), "station-1", "superseded_lease", NOON),),
        conflicts=(ConflictFact(1, 3, records[2].head, "station-3", "server", NOON, NOON),),
        rival_leases=(RivalLeaseFact(1, 2, "station-3", NOON),),
        words=(OfficersWord(1, False, NOON),),
        key=AttemptKey(KEY),
    )  # fmt: skip


def with_record(export: AttemptExport, at: int, record: Record) -> AttemptExport:
    """`export` with another record in the place of the one numbered `at`."""
    records = list(export.records)
    records[at - 1] = KeptRecord(at, record.to_bytes(), NOON)
    return replace(export, records=tuple(records))
