"""Checking what a server holds, without its secrets: audit log, trust, journals, receipts."""

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel import Session, and_, col, select

from exam_server import audit
from exam_server.attempts import records_kept
from exam_server.attempts.models import Attempt, HeadSignature, IssuedReceipt, Lease
from exam_server.contract.errors import ContractError
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import SignedHead
from exam_server.errors import InputError
from exam_server.loading import read_file
from exam_server.shards import anywhere
from exam_server.stations.models import Station
from exam_server.trust.service import check_documents


@dataclass(frozen=True, slots=True)
class Findings:
    """`faults` is empty where everything holds."""

    audit_entries: int
    attempts: int
    records: int
    faults: tuple[str, ...]


def check_all(session: Session, own: Ed25519PublicKey) -> Findings:
    """Follows the audit log with its seals, every trust document and every journal."""
    report = audit.verify_log(session, own)
    faults = [f"audit log: {report.fault}"] if report.fault else []
    faults += check_documents(session, own)
    attempts = session.exec(select(Attempt).order_by(col(Attempt.id))).all()
    records = 0
    for attempt in attempts:
        try:
            records += check_attempt(session, attempt, own)
        except ContractError as error:
            faults.append(f"attempt {attempt.id}: {error}")
    return Findings(report.entries, len(attempts), records, tuple(faults))


def check_attempt(session: Session, attempt: Attempt, own: Ed25519PublicKey) -> int:
    """How many records hold; ContractError names the first thing that does not."""
    heads = {record.sequence: record.head for record in records_kept.records_of(session, attempt)}
    rows = session.exec(
        select(HeadSignature, Station)
        .join(
            Lease,
            and_(
                Lease.centre_id == HeadSignature.centre_id,
                Lease.attempt_id == HeadSignature.attempt_id,
                Lease.epoch == HeadSignature.epoch,
            ),
        )
        .join(Station, col(Station.id) == Lease.station_id)
        .where(HeadSignature.centre_id == attempt.centre_id)
        .where(HeadSignature.attempt_id == attempt.id, HeadSignature.sequence > 0)
    )
    for signed, station in rows:
        if heads.get(signed.sequence) != signed.head:
            raise ContractError(f"the signed head {signed.sequence} is not that of the records")
        SignedHead(attempt.id, signed.epoch, signed.sequence, signed.head, signed.signature).check(
            Ed25519PublicKey.from_public_bytes(station.signing_key)
        )
    issued = session.get(IssuedReceipt, (attempt.centre_id, attempt.id))
    if issued is not None:
        receipt = Receipt.from_bytes(issued.body)
        receipt.check(issued.signature, own)
        if (receipt.attempt, receipt.sequence, receipt.head) != (
            attempt.id,
            attempt.sequence,
            attempt.head,
        ):
            raise ContractError("the receipt speaks of other records")
    return len(heads)


def read_receipt(path: Path) -> tuple[Receipt, bytes]:
    """Receipt and signature from the JSON file that a station keeps or a candidate is given."""
    try:
        fields = json.loads(read_file(path))
        body = _octets(fields["receipt"])
        return Receipt.from_bytes(body), _octets(fields["signature"])
    except (ValueError, KeyError, TypeError, binascii.Error, ContractError) as error:
        raise InputError(f"{path} is no receipt; give the JSON file of the receipt") from error


def _octets(text: str) -> bytes:
    """Base64 in either alphabet."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)


def server_key(text: str | None) -> Ed25519PublicKey:
    """A server's public key as `server.pub` has it: 64 hexadecimal digits, or such a file."""
    if text is None:
        raise InputError("whose word counts? give the server's public key with --server-key")
    path = Path(text)
    digits = path.read_text("ascii", "replace") if path.is_file() else text
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits.strip()))
    except ValueError as error:
        raise InputError(f"{text} is no public key; give the server's server.pub") from error


def check_signature(receipt: Receipt, signature: bytes, own: Ed25519PublicKey) -> list[str]:
    """What is wrong with a receipt by itself; empty where nothing."""
    try:
        receipt.check(signature, own)
    except ContractError as error:
        return [str(error)]
    return []


def check_receipt(
    session: Session, receipt: Receipt, signature: bytes, own: Ed25519PublicKey
) -> list[str]:
    """What is wrong with a receipt, compared with what this server holds; empty where nothing."""
    if faults := check_signature(receipt, signature, own):
        return faults
    attempt = anywhere(session, Attempt, receipt.attempt)
    if attempt is None:
        return ["the server holds no such attempt"]
    if (attempt.sequence, attempt.head) != (receipt.sequence, receipt.head):
        return ["the server holds other records than the receipt says"]
    try:
        check_attempt(session, attempt, own)
    except ContractError as error:
        return [str(error)]
    return []
