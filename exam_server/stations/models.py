"""Tables of stations."""

from datetime import datetime

from sqlalchemy import JSON, Index, text
from sqlmodel import Field

from exam_server.contract.api import StationState
from exam_server.db import Base, UtcDateTime, by_value, new_id
from exam_server.forms.models import Realm


class EnrolmentSecret(Base, table=True):
    """The right to enrol one station, once. Only the secret's SHA-256 is kept."""

    __tablename__ = "enrolment_secret"

    digest: bytes = Field(primary_key=True)
    centre_id: str = Field(foreign_key="centre.id")
    seat_id: str = Field(foreign_key="seat.id")
    created_by: str
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    station_id: str | None = Field(default=None, foreign_key="station.id")


class Station(Base, table=True):
    """A kiosk machine and its public keys (Ed25519 to sign, X25519 to receive secrets)."""

    __tablename__ = "station"

    id: str = Field(primary_key=True, default_factory=new_id)
    centre_id: str = Field(foreign_key="centre.id")
    realm: Realm = Field(sa_type=by_value(Realm))
    name: str
    signing_key: bytes = Field(unique=True)
    wrapping_key: bytes
    enrolled_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Assignment(Base, table=True):
    """A station at a seat for a time; at most one open assignment for either."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index(
            "uq_assignment_open_station",
            "centre_id",
            "station_id",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
        Index(
            "uq_assignment_open_seat",
            "centre_id",
            "seat_id",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
        Index("ix_assignment_seat", "centre_id", "seat_id"),
    )

    centre_id: str = Field(primary_key=True, foreign_key="centre.id")
    id: str = Field(primary_key=True, default_factory=new_id)
    station_id: str = Field(foreign_key="station.id")
    seat_id: str = Field(foreign_key="seat.id")
    since: datetime = Field(sa_type=UtcDateTime)
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class StationStatus(Base, table=True):
    """What a station last said of itself.

    `kit` is the version of the room kit that lies there with every package of it. Its candidate
    sees the ledger of `ledger_attempt` as of entry `ledger_seen`. `owed` are attempts that were
    left there with something unsent, whoever sits there now.
    """

    __tablename__ = "station_status"

    centre_id: str = Field(primary_key=True, foreign_key="centre.id")
    station_id: str = Field(foreign_key="station.id", primary_key=True)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    state: StationState = Field(sa_type=by_value(StationState))
    program_version: str
    reader_ready: bool
    camera_ready: bool
    staged: list[str] = Field(sa_type=JSON)
    unsent_records: int
    current_item: int | None = None
    disk_low: bool = False
    sound_failed: bool = False
    kit: bytes | None = None
    ledger_attempt: str | None = None
    ledger_seen: int | None = None
    owed: list[str] = Field(default_factory=list, sa_type=JSON)


class RequestNonce(Base, table=True):
    """A nonce already seen; pruned once its request would be stale anyway."""

    __tablename__ = "request_nonce"

    centre_id: str = Field(primary_key=True)
    station_id: str = Field(primary_key=True)
    nonce: bytes = Field(primary_key=True)
    seen_at: datetime = Field(index=True, sa_type=UtcDateTime)
