"""Stations' signatures over the chain: checked, and kept with the side of which they are."""

from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel import Session

from exam_server.attempts.fencing_models import LeaseConflict, RivalHead
from exam_server.attempts.models import Attempt, HeadSignature, JournalRecord, Lease
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.records import SignedHead, genesis
from exam_server.errors import RefusedError
from exam_server.stations.models import Station


def keep(
    session: Session, attempt: Attempt, signed: SignedHead, station: Station, now: datetime
) -> None:
    """Of what counts; refused unless it is over what is kept."""
    held = session.get(Lease, (attempt.centre_id, attempt.id, signed.epoch))
    if held is None or held.station_id != station.id:
        raise RefusedError(ErrorCode.RECORD_REJECTED, "this station has no such lease")
    if signed.sequence > attempt.sequence:
        raise RefusedError(ErrorCode.RECORD_GAP, f"record {attempt.sequence + 1} is missing")
    if signed.head != _head_at(session, attempt, signed.sequence):
        raise RefusedError(ErrorCode.RECORD_REJECTED, "the head is not that of the records kept")
    _check_signature(signed, station)
    key = (attempt.centre_id, attempt.id, signed.epoch, signed.sequence)
    if session.get(HeadSignature, key) is None:
        session.add(
            HeadSignature(centre_id=attempt.centre_id, attempt_id=attempt.id, **_row(signed, now))
        )
        session.flush()


def keep_aside(
    session: Session, conflict: LeaseConflict, signed: SignedHead, station: Station, now: datetime
) -> None:
    """Of the side that lies aside; whether it is over that side's records, settling it shows."""
    _check_signature(signed, station)
    key = (conflict.centre_id, conflict.id, signed.epoch, signed.sequence, signed.head)
    if session.get(RivalHead, key) is None:
        session.add(
            RivalHead(centre_id=conflict.centre_id, conflict_id=conflict.id, **_row(signed, now))
        )
        session.flush()


def _check_signature(signed: SignedHead, station: Station) -> None:
    try:
        signed.check(Ed25519PublicKey.from_public_bytes(station.signing_key))
    except ContractError as error:
        raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error


def _row(signed: SignedHead, now: datetime) -> dict[str, Any]:
    """What either table holds of it."""
    return {
        "epoch": signed.epoch,
        "sequence": signed.sequence,
        "head": signed.head,
        "signature": signed.signature,
        "received_at": now,
    }


def _head_at(session: Session, attempt: Attempt, sequence: int) -> bytes | None:
    if sequence == attempt.sequence:
        return attempt.head
    kept = session.get(JournalRecord, (attempt.centre_id, attempt.id, sequence))
    return kept.head if kept else genesis(attempt.id) if sequence == 0 else None
