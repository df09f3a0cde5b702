"""Tables of attempts; the hottest of all, each with its centre as shard key."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.contract.api import AttemptState
from exam_server.db import Base, new_id


class Attempt(Base):
    """A placement's attempt. `sequence` and `head` are those of the last committed record.

    `key` (the attempt's key) is sealed; `recovery` is the same key wrapped for the recovery key.
    """

    __tablename__ = "attempt"

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    shift_id: Mapped[str] = mapped_column(ForeignKey("shift.id"), index=True)
    placement_id: Mapped[str] = mapped_column(ForeignKey("placement.id"), unique=True)
    form_id: Mapped[str] = mapped_column(ForeignKey("form.id"))
    state: Mapped[AttemptState] = mapped_column(default=AttemptState.ADMITTED)
    admitted_at: Mapped[datetime]
    allowance_seconds: Mapped[int]
    key: Mapped[bytes]
    recovery: Mapped[bytes]
    epoch: Mapped[int] = mapped_column(default=0)
    sequence: Mapped[int] = mapped_column(default=0)
    head: Mapped[bytes]
    submitted_at: Mapped[datetime | None] = mapped_column(default=None)


class Lease(Base):
    """A station's right to write an attempt; the one of the highest epoch counts."""

    __tablename__ = "lease"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    station_id: Mapped[str] = mapped_column(ForeignKey("station.id"))
    key: Mapped[bytes]
    granted_at: Mapped[datetime]


class JournalRecord(Base):
    """A record exactly as it came; `head` is the chain's value after it."""

    __tablename__ = "journal_record"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    epoch: Mapped[int]
    head: Mapped[bytes]
    data: Mapped[bytes]
    received_at: Mapped[datetime]


class SetAside(StrEnum):
    """Why a record was kept as evidence only."""

    AFTER_THE_END = "after_the_end"
    SUPERSEDED_LEASE = "superseded_lease"
    FORK = "fork"


class EvidenceRecord(Base):
    """A genuine record that came too late to count, kept for the officers."""

    __tablename__ = "evidence_record"
    __table_args__ = (UniqueConstraint("attempt_id", "head"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"))
    station_id: Mapped[str] = mapped_column(ForeignKey("station.id"))
    epoch: Mapped[int]
    sequence: Mapped[int]
    head: Mapped[bytes]
    data: Mapped[bytes]
    reason: Mapped[SetAside]
    received_at: Mapped[datetime]


class HeadSignature(Base):
    """A station's signature over the chain up to `sequence`."""

    __tablename__ = "head_signature"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    head: Mapped[bytes]
    signature: Mapped[bytes]
    received_at: Mapped[datetime]


class LedgerKind(StrEnum):
    """What moves a deadline."""

    START = "start"
    EXTEND = "extend"
    PAUSE = "pause"
    RESUME = "resume"


class LedgerEntry(Base):
    """One entry of an attempt's time ledger, in the order of `position` (from 1)."""

    __tablename__ = "ledger_entry"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    kind: Mapped[LedgerKind]
    at: Mapped[datetime]
    seconds: Mapped[int] = mapped_column(default=0)
    officer: Mapped[str | None] = mapped_column(ForeignKey("staff.id"), default=None)


class IssuedReceipt(Base):
    """The signed receipt of an attempt, exactly as it went out."""

    __tablename__ = "receipt"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    body: Mapped[bytes]
    signature: Mapped[bytes]
    short_code: Mapped[str]
    issued_at: Mapped[datetime]
