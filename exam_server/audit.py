"""The append-only log of what people and stations did: hash-chained, and held by triggers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from exam_server.contract import canonical
from exam_server.db import Base

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


class AuditEntry(Base):
    """One action. `digest` covers every field and the entry before it."""

    __tablename__ = "audit_entry"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[str]
    previous: Mapped[bytes] = mapped_column(unique=True)
    digest: Mapped[bytes]

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
    last = session.scalars(
        sa.select(AuditEntry).order_by(AuditEntry.sequence.desc()).limit(1)
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
    for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.sequence)):
        expected += 1
        if entry.sequence != expected:
            return ChainReport(expected - 1, previous, f"entry {expected} is missing")
        if entry.previous != previous or entry.computed_digest() != entry.digest:
            return ChainReport(expected - 1, previous, f"entry {expected} was changed")
        previous = entry.digest
    return ChainReport(expected, previous, None)
