"""Tables of shifts and placements."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.contract.api import ShiftState
from exam_server.db import Base, new_id


class Shift(Base):
    """A shift (ca thi) of an exam at a centre.

    `release_public` is the X25519 key that content keys are wrapped to; `release_private` its
    other half, sealed, used from the start on.
    """

    __tablename__ = "shift"
    __table_args__ = (UniqueConstraint("exam_id", "centre_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    exam_id: Mapped[str] = mapped_column(ForeignKey("exam.id"))
    name: Mapped[str]
    starts_at: Mapped[datetime]
    state: Mapped[ShiftState] = mapped_column(default=ShiftState.PLANNED)
    release_public: Mapped[bytes]
    release_private: Mapped[bytes]
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)


class Placement(Base):
    """A registration's paper, shift and seat; `form_id` is set when the shift opens."""

    __tablename__ = "placement"
    __table_args__ = (
        UniqueConstraint("shift_id", "seat_id"),
        UniqueConstraint("registration_id", "paper_id"),
        Index("ix_placement_room", "shift_id", "room_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    registration_id: Mapped[str] = mapped_column(ForeignKey("registration.id"))
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id"))
    shift_id: Mapped[str] = mapped_column(ForeignKey("shift.id"))
    room_id: Mapped[str] = mapped_column(ForeignKey("room.id"))
    seat_id: Mapped[str] = mapped_column(ForeignKey("seat.id"))
    form_id: Mapped[str | None] = mapped_column(ForeignKey("form.id"), default=None)
