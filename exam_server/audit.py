"""The append-only log of what people and stations did: hash-chained, and held by triggers.

A chain alone can be cut at its end or computed anew. So the server signs its head at every step
of a shift, at every backup and when it stops; a seal must fit the log for ever after.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlmodel import Field, Session, col, select

from exam_server.contract import canonical
from exam_server.db import Base, UtcDateTime

DOMAIN = "truong-thi/audit"
SEAL_DOMAIN = "truong-thi/audit-seal"
GENESIS = hashlib.sha256(b"truong-thi/audit/genesis").digest()


class Actor(Protocol):
    """Whoever acts; `actor` is how the log names them: ``staff:ID``, ``operator``, ``server``."""

    @property
    def actor(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever runs commands on the server's own machine, with its passphrase."""

    actor: str = "operator"


@dataclass(frozen=True, slots=True)
class ServerItself:
    """The server, where it acts because the time has come."""

    actor: str = "server"


class AuditEntry(Base, table=True):
    """One action. `digest` covers every field and the entry before it."""

    __tablename__ = "audit_entry"

    sequence: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    action: str
    subject: str
    details: str
    previous: bytes = Field(unique=True)
    digest: bytes

    def computed_digest(self) -> bytes:
        """What `digest` must be."""
        moment = round(self.at.timestamp() * 1_000_000)
        fields = (self.sequence, moment, self.actor, self.action, self.subject, self.details)
        data = canonical.encode(DOMAIN, 1, *fields, self.previous)
        return hashlib.sha256(data).digest()


class AuditSeal(Base, table=True):
    """The server's Ed25519 signature over the log up to and with entry `sequence`."""

    __tablename__ = "audit_seal"

    sequence: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    digest: bytes
    at: datetime = Field(sa_type=UtcDateTime)
    signature: bytes

    def signed_bytes(self) -> bytes:
        moment = round(self.at.timestamp() * 1_000_000)
        return canonical.encode(SEAL_DOMAIN, 1, self.sequence, self.digest, moment)


def _last(session: Session) -> "AuditEntry | None":
    return session.exec(
        select(AuditEntry).order_by(col(AuditEntry.sequence).desc()).limit(1)
    ).first()


def _take_turn(session: Session) -> None:
    """Writers come one after the other, until their commit: who holds the log's first entry may add
    the next. Else two at once would write the same number, and one of them be turned away (where
    SQLite has one writer anyway, nothing is asked).
    """
    session.exec(
        select(AuditEntry.sequence).where(AuditEntry.sequence == 1).with_for_update()
    ).first()


def seal(session: Session, key: Ed25519PrivateKey, *, now: datetime) -> None:
    """Signs the head of the log, unless it is signed already."""
    last = _last(session)
    if last is None or session.get(AuditSeal, last.sequence) is not None:
        return
    fixed = AuditSeal(sequence=last.sequence, digest=last.digest, at=now, signature=b"")
    fixed.signature = key.sign(fixed.signed_bytes())
    session.add(fixed)
    session.flush()


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, Any],
    now: datetime,
) -> AuditEntry:
    """Writes what `actor` (``staff:ID``, ``station:ID``, ``server``, ``operator``) did.

    Whoever else writes waits until this transaction ends, so callers write last.
    It stands or falls with the caller's transaction. `details` never hold secrets or pictures.
    """
    _take_turn(session)
    last = _last(session)
    entry = AuditEntry(
        sequence=last.sequence + 1 if last else 1,
        at=now,
        actor=actor,
        action=action,
        subject=subject,
        details=json.dumps(dict(details), ensure_ascii=False, sort_keys=True),
        previous=last.digest if last else GENESIS,
        digest=b"",
    )
    entry.digest = entry.computed_digest()
    session.add(entry)
    session.flush()
    return entry


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What became of the log: how many entries, and the first fault (None: there is none)."""

    entries: int
    head: bytes
    fault: str | None


def verify_chain(session: Session) -> ChainReport:
    """Follows the chain from its beginning; names the first entry that does not fit."""
    previous, expected = GENESIS, 0
    for entry in session.exec(select(AuditEntry).order_by(col(AuditEntry.sequence))):
        expected += 1
        if entry.sequence != expected:
            return ChainReport(expected - 1, previous, f"entry {expected} is missing")
        if entry.previous != previous or entry.computed_digest() != entry.digest:
            return ChainReport(expected - 1, previous, f"entry {expected} was changed")
        previous = entry.digest
    return ChainReport(expected, previous, None)


def verify_log(session: Session, key: Ed25519PublicKey) -> ChainReport:
    """As `verify_chain`, and every seal of the server holds and fits the entry that it names."""
    report = verify_chain(session)
    if report.fault is not None:
        return report
    for fixed in session.exec(select(AuditSeal).order_by(col(AuditSeal.sequence))):
        fault = _seal_fault(session, fixed, key)
        if fault is not None:
            return replace(report, fault=fault)
    return report


def _seal_fault(session: Session, fixed: AuditSeal, key: Ed25519PublicKey) -> str | None:
    try:
        key.verify(fixed.signature, fixed.signed_bytes())
    except InvalidSignature:
        return f"the seal of entry {fixed.sequence} is not the server's"
    entry = session.get(AuditEntry, fixed.sequence)
    if entry is None:
        return f"the log was cut off: entry {fixed.sequence} was sealed and is missing"
    if entry.digest != fixed.digest:
        return f"the log was computed anew: entry {fixed.sequence} is not the one that was sealed"
    return None
