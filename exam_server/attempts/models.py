"""Tables of attempts; the hottest of all, each with its centre as shard key."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from exam_server.contract.api import AttemptState
from exam_server.db import Base, UtcDateTime, by_value, new_id


class Attempt(Base, table=True):
    """A placement's attempt. `sequence` and `head` are those of the last committed record.

    `key` (the attempt's key) is sealed; `recovery` is the same key wrapped for the recovery key.
    `arrived_late`: answers came after the deadline and its grace, sealed in time by the station's
    own word.
    """

    __tablename__ = "attempt"

    id: str = Field(primary_key=True, default_factory=new_id)
    centre_id: str = Field(foreign_key="centre.id")
    shift_id: str = Field(foreign_key="shift.id", index=True)
    placement_id: str = Field(foreign_key="placement.id", unique=True)
    form_id: str = Field(foreign_key="form.id")
    state: AttemptState = Field(default=AttemptState.ADMITTED, sa_type=by_value(AttemptState))
    admitted_at: datetime = Field(sa_type=UtcDateTime)
    allowance_seconds: int
    key: bytes
    recovery: bytes
    epoch: int = 0
    sequence: int = 0
    head: bytes
    submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    arrived_late: bool = False


class Lease(Base, table=True):
    """A station's right to write an attempt; the one of the highest epoch counts."""

    __tablename__ = "lease"

    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    epoch: int = Field(primary_key=True)
    centre_id: str = Field(foreign_key="centre.id")
    station_id: str = Field(foreign_key="station.id")
    key: bytes
    granted_at: datetime = Field(sa_type=UtcDateTime)


class JournalRecord(Base, table=True):
    """A record exactly as it came; `head` is the chain's value after it."""

    __tablename__ = "journal_record"

    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    sequence: int = Field(primary_key=True)
    centre_id: str = Field(foreign_key="centre.id")
    epoch: int
    head: bytes
    data: bytes
    received_at: datetime = Field(sa_type=UtcDateTime)


class SetAside(StrEnum):
    """Why a record was kept as evidence only."""

    AFTER_THE_END = "after_the_end"
    SUPERSEDED_LEASE = "superseded_lease"
    FORK = "fork"


class EvidenceRecord(Base, table=True):
    """A genuine record that came too late to count, kept for the officers."""

    __tablename__ = "evidence_record"
    __table_args__ = (UniqueConstraint("attempt_id", "head"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    centre_id: str = Field(foreign_key="centre.id")
    attempt_id: str = Field(foreign_key="attempt.id")
    station_id: str = Field(foreign_key="station.id")
    epoch: int
    sequence: int
    head: bytes
    data: bytes
    reason: SetAside = Field(sa_type=by_value(SetAside))
    received_at: datetime = Field(sa_type=UtcDateTime)


class HeadSignature(Base, table=True):
    """A station's signature over the chain up to `sequence`."""

    __tablename__ = "head_signature"

    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    epoch: int = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    centre_id: str = Field(foreign_key="centre.id")
    head: bytes
    signature: bytes
    received_at: datetime = Field(sa_type=UtcDateTime)


class LedgerKind(StrEnum):
    """What moves a deadline."""

    START = "start"
    EXTEND = "extend"
    PAUSE = "pause"
    RESUME = "resume"


class LedgerEntry(Base, table=True):
    """One entry of an attempt's time ledger, in the order of `position` (from 1)."""

    __tablename__ = "ledger_entry"

    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    position: int = Field(primary_key=True)
    centre_id: str = Field(foreign_key="centre.id")
    kind: LedgerKind = Field(sa_type=by_value(LedgerKind))
    at: datetime = Field(sa_type=UtcDateTime)
    seconds: int = 0
    officer: str | None = Field(default=None, foreign_key="staff.id")


class IssuedReceipt(Base, table=True):
    """The signed receipt of an attempt, exactly as it went out."""

    __tablename__ = "receipt"

    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    centre_id: str = Field(foreign_key="centre.id")
    body: bytes
    signature: bytes
    short_code: str
    issued_at: datetime = Field(sa_type=UtcDateTime)
