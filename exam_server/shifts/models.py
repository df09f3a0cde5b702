"""Tables of shifts and placements."""

from datetime import datetime

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from exam_server.contract.api import ShiftState
from exam_server.db import Base, UtcDateTime, by_value, new_id
from exam_server.shards import of_centre


class Shift(Base, table=True):
    """A shift (ca thi) of an exam at a centre.

    `release_public` is the X25519 key that content keys are wrapped to; `release_private` its
    other half, sealed, used from the start on. `frozen_programs` are the kiosk programs that may be
    used, `frozen_packages` the SHA-256 (hex) of each package by id; None until they are frozen.
    """

    __tablename__ = "shift"
    __table_args__ = (UniqueConstraint("exam_id", "centre_id", "name"),)

    centre_id: str = Field(primary_key=True, foreign_key="centre.id")
    id: str = Field(primary_key=True, default_factory=new_id, index=True)
    exam_id: str = Field(foreign_key="exam.id")
    name: str
    starts_at: datetime = Field(sa_type=UtcDateTime)
    state: ShiftState = Field(default=ShiftState.PLANNED, sa_type=by_value(ShiftState))
    release_public: bytes
    release_private: bytes
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    frozen_programs: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    frozen_packages: dict[str, str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    frozen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    frozen_by: str | None = None


class Placement(Base, table=True):
    """A registration's paper, shift and seat; `form_id` is set when the shift opens."""

    __tablename__ = "placement"
    __table_args__ = (
        of_centre("shift_id", "shift"),
        UniqueConstraint("centre_id", "shift_id", "seat_id"),
        UniqueConstraint("centre_id", "registration_id", "paper_id"),
        Index("ix_placement_room", "shift_id", "room_id"),
    )

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True, default_factory=new_id, index=True)
    registration_id: str = Field(foreign_key="registration.id")
    paper_id: str = Field(foreign_key="paper.id")
    shift_id: str
    room_id: str = Field(foreign_key="room.id")
    seat_id: str = Field(foreign_key="seat.id")
    form_id: str | None = Field(default=None, foreign_key="form.id")
