"""The append-only log of what people and stations did: hash-chained, and held by triggers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Field, Session, col, select

from exam_server.contract import canonical
from exam_server.db import Base, UtcDateTime

DOMAIN = "truong-thi/audit"
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

    It stands or falls with the caller's transaction. `details` never hold secrets or pictures.
    """
    last = session.exec(
        select(AuditEntry).order_by(col(AuditEntry.sequence).desc()).limit(1)
    ).first()
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
