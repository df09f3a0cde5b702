"""Tables of what follows a takeover: noted heads, words on late records, tokens, conflicts."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from exam_server.contract.api import AttemptState
from exam_server.db import Base, UtcDateTime, by_value, new_id
from exam_server.shards import of_centre


class NotedHead(Base, table=True):
    """The head code that a kiosk showed when it lost its lease of that `epoch`, as people noted it.

    Noted at the move it is from before the takeover; noted later it is an officer's word for what
    the minutes say.
    """

    __tablename__ = "noted_head"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    code: str = Field(primary_key=True)
    reason: str
    noted_by: str = Field(foreign_key="staff.id")
    noted_at: datetime = Field(sa_type=UtcDateTime)


class LateDecision(Base, table=True):
    """An officer's word on one record that arrived after a takeover; the last word counts."""

    __tablename__ = "late_decision"
    __table_args__ = (
        of_centre("evidence_id", "evidence_record"),
        of_centre("attempt_id", "attempt"),
    )

    centre_id: str = Field(primary_key=True)
    evidence_id: str = Field(primary_key=True)
    attempt_id: str = Field(index=True)
    adopted: bool
    reason: str
    decided_by: str = Field(foreign_key="staff.id")
    decided_at: datetime = Field(sa_type=UtcDateTime)


class PresentedToken(Base, table=True):
    """A move token that was shown to the server, genuine: it fixes its station's last head."""

    __tablename__ = "presented_token"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    head: bytes = Field(primary_key=True)
    token: bytes
    presented_at: datetime = Field(sa_type=UtcDateTime)


class Side(StrEnum):
    """Whose journal counts behind a fork."""

    SERVER = "server"
    CLAIMANT = "claimant"


class LeaseConflict(Base, table=True):
    """Two hands in one attempt: a lease claimed with a move token, and what the server knew.

    Behind `fork_sequence` there are two journals. One counts; `counts` says which, and `settled_at`
    whether an officer said so. The other lies aside: its records in `evidence_record`, its leases
    and heads in the tables below, its end in the fields that begin with ``aside``. `tip_head` is
    the last of the chain that lies aside. `exchanged`: the sides have changed places before, so
    that either has its own decisions on late answers.
    """

    __tablename__ = "lease_conflict"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True, default_factory=new_id)
    attempt_id: str = Field(index=True)
    epoch: int
    claimant_id: str = Field(foreign_key="station.id")
    claimed_at: datetime = Field(sa_type=UtcDateTime)
    fork_sequence: int
    fork_head: bytes
    tip_sequence: int
    tip_head: bytes
    counts: Side = Field(default=Side.SERVER, sa_type=by_value(Side))
    settled_by: str | None = Field(default=None, foreign_key="staff.id")
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str | None = None
    exchanged: bool = False
    aside_state: AttemptState = Field(sa_type=by_value(AttemptState))
    aside_handed_in: bool = False
    aside_submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    aside_receipt: bytes | None = None
    aside_receipt_signature: bytes | None = None
    aside_receipt_code: str | None = None
    aside_receipt_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RivalLease(Base, table=True):
    """A lease of the side that lies aside."""

    __tablename__ = "rival_lease"
    __table_args__ = (of_centre("conflict_id", "lease_conflict"),)

    centre_id: str = Field(primary_key=True)
    conflict_id: str = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    attempt_id: str = Field(index=True)
    station_id: str = Field(foreign_key="station.id")
    granted_at: datetime = Field(sa_type=UtcDateTime)


class RivalHead(Base, table=True):
    """A signed head of the side that lies aside."""

    __tablename__ = "rival_head"
    __table_args__ = (of_centre("conflict_id", "lease_conflict"),)

    centre_id: str = Field(primary_key=True)
    conflict_id: str = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    head: bytes = Field(primary_key=True)
    signature: bytes
    received_at: datetime = Field(sa_type=UtcDateTime)


class RivalDecision(Base, table=True):
    """An officer's word on a late record, said while the side counted that lies aside; the record
    is the one that ends at `head`, evidence on that side."""

    __tablename__ = "rival_decision"
    __table_args__ = (of_centre("conflict_id", "lease_conflict"),)

    centre_id: str = Field(primary_key=True)
    conflict_id: str = Field(primary_key=True)
    head: bytes = Field(primary_key=True)
    adopted: bool
    reason: str
    decided_by: str = Field(foreign_key="staff.id")
    decided_at: datetime = Field(sa_type=UtcDateTime)
