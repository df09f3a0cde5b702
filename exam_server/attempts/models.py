"""Tables of attempts; the hottest of all, each keyed by its centre first (`exam_server.shards`)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, col

from exam_server.contract.api import AttemptState
from exam_server.db import Base, UtcDateTime, by_value, new_id
from exam_server.shards import of_centre


class Attempt(Base, table=True):
    """A placement's attempt. `sequence` and `head` are those of the last committed record.

    Its id follows from the placement, its key from the id (`attempts.keys`).
    `handed_in`: the last record is the hand-in, whether or not a receipt was asked for yet.
    `ledger_position` is the last entry's of its time ledger, 0 before the start. `arrived_late`:
    answers came after the deadline and its grace, sealed in time by the station's own word.
    `sections_left`: of a sequential paper, what the kept records say: section, moment, by whom.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        of_centre("shift_id", "shift"),
        of_centre("placement_id", "placement"),
        UniqueConstraint("centre_id", "placement_id"),
    )

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True, index=True)
    shift_id: str = Field(index=True)
    placement_id: str
    form_id: str = Field(foreign_key="form.id")
    state: AttemptState = Field(default=AttemptState.ADMITTED, sa_type=by_value(AttemptState))
    admitted_at: datetime = Field(sa_type=UtcDateTime)
    allowance_seconds: int
    epoch: int = 0
    sequence: int = 0
    head: bytes
    handed_in: bool = False
    ledger_position: int = 0
    submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    arrived_late: bool = False
    started_by_code: bool = False
    sections_left: list[list[Any]] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class Lease(Base, table=True):
    """A station's right to write an attempt; the one of the highest epoch counts."""

    __tablename__ = "lease"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    station_id: str = Field(foreign_key="station.id")
    granted_at: datetime = Field(sa_type=UtcDateTime)


class JournalRecord(Base, table=True):
    """A record exactly as it came; `head` is the chain's value after it."""

    __tablename__ = "journal_record"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    epoch: int
    head: bytes
    data: bytes
    received_at: datetime = Field(sa_type=UtcDateTime)


class SetAside(StrEnum):
    """Why a record was kept as evidence only."""

    AFTER_THE_END = "after_the_end"
    SUPERSEDED_LEASE = "superseded_lease"
    FORK = "fork"
    UNPLACED = "unplaced"
    LEASE_CONFLICT = "lease_conflict"


class EvidenceRecord(Base, table=True):
    """A genuine record that came too late to count, kept for the officers."""

    __tablename__ = "evidence_record"
    __table_args__ = (
        of_centre("attempt_id", "attempt"),
        UniqueConstraint("centre_id", "attempt_id", "head"),
    )

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True, default_factory=new_id)
    attempt_id: str
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
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    head: bytes
    signature: bytes
    received_at: datetime = Field(sa_type=UtcDateTime)


class LedgerKind(StrEnum):
    """What moves a deadline. `ALLOW` sets the paper's time anew, before the start."""

    ALLOW = "allow"
    START = "start"
    EXTEND = "extend"
    PAUSE = "pause"
    RESUME = "resume"


class LedgerEntry(Base, table=True):
    """One entry of an attempt's time ledger, in the order of `position` (from 1)."""

    __tablename__ = "ledger_entry"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    kind: LedgerKind = Field(sa_type=by_value(LedgerKind))
    at: datetime = Field(sa_type=UtcDateTime)
    seconds: int = 0
    officer: str | None = Field(default=None, foreign_key="staff.id")


class RoomAct(Base, table=True):
    """An officer's act on the time of a room, or of the whole shift where `room_id` is None.

    Its entries stand in the ledgers of those who were there; who is admitted later gets it too.
    """

    __tablename__ = "room_act"
    __table_args__ = (of_centre("shift_id", "shift"),)

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True, default_factory=new_id)
    shift_id: str = Field(index=True)
    room_id: str | None = Field(default=None, foreign_key="room.id")
    kind: LedgerKind = Field(sa_type=by_value(LedgerKind))
    at: datetime = Field(sa_type=UtcDateTime)
    seconds: int = 0
    officer: str = Field(foreign_key="staff.id")


class KioskRestart(Base, table=True):
    """A kiosk began again with an open paper; last alive at `since`, gone for `away_seconds`.

    `estimated`: the machine was off, and `away_seconds` is None until it has heard the server.
    """

    __tablename__ = "kiosk_restart"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    since: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    station_id: str = Field(foreign_key="station.id")
    estimated: bool
    away_seconds: int | None = None
    told_at: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_by: str | None = None


class IssuedReceipt(Base, table=True):
    """The signed receipt of an attempt, exactly as it went out."""

    __tablename__ = "receipt"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    body: bytes
    signature: bytes
    short_code: str
    issued_at: datetime = Field(sa_type=UtcDateTime)


def of_attempt(
    kind: type[Lease | JournalRecord | EvidenceRecord | HeadSignature | LedgerEntry | KioskRestart],
    attempt: Attempt,
) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """What holds for the rows of `kind` that are of `attempt`; they lie with its centre."""
    return col(kind.centre_id) == attempt.centre_id, col(kind.attempt_id) == attempt.id
