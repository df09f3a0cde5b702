"""Tables of stations."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.contract.api import StationState
from exam_server.db import Base, new_id
from exam_server.forms.models import Realm


class EnrolmentSecret(Base):
    """The right to enrol one station, once. Only the secret's SHA-256 is kept."""

    __tablename__ = "enrolment_secret"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    seat_id: Mapped[str] = mapped_column(ForeignKey("seat.id"))
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    station_id: Mapped[str | None] = mapped_column(ForeignKey("station.id"), default=None)


class Station(Base):
    """A kiosk machine and its public keys (Ed25519 to sign, X25519 to receive secrets)."""

    __tablename__ = "station"

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    realm: Mapped[Realm]
    name: Mapped[str]
    signing_key: Mapped[bytes] = mapped_column(unique=True)
    wrapping_key: Mapped[bytes]
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class Assignment(Base):
    """A station at a seat for a time; at most one open assignment for either."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index(
            "uq_assignment_open_station",
            "station_id",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
        Index(
            "uq_assignment_open_seat",
            "seat_id",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    station_id: Mapped[str] = mapped_column(ForeignKey("station.id"))
    seat_id: Mapped[str] = mapped_column(ForeignKey("seat.id"))
    since: Mapped[datetime]
    until: Mapped[datetime | None] = mapped_column(default=None)


class StationStatus(Base):
    """What a station last said of itself."""

    __tablename__ = "station_status"

    station_id: Mapped[str] = mapped_column(ForeignKey("station.id"), primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    seen_at: Mapped[datetime]
    state: Mapped[StationState]
    program_version: Mapped[str]
    reader_ready: Mapped[bool]
    camera_ready: Mapped[bool]
    staged: Mapped[list[str]]
    unsent_records: Mapped[int]
    current_item: Mapped[int | None] = mapped_column(default=None)


class RequestNonce(Base):
    """A nonce already seen; pruned once its request would be stale anyway."""

    __tablename__ = "request_nonce"

    station_id: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[bytes] = mapped_column(primary_key=True)
    centre_id: Mapped[str]
    seen_at: Mapped[datetime] = mapped_column(index=True)
