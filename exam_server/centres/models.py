"""Tables of places."""

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.db import Base, new_id


class Centre(Base):
    """A place of examination; `code` is the office's own, e.g. ``01``."""

    __tablename__ = "centre"

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class Room(Base):
    """A room of a centre."""

    __tablename__ = "room"
    __table_args__ = (UniqueConstraint("centre_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    name: Mapped[str]


class Seat(Base):
    """A seat; `row` and `column` (from 1) say who its neighbours are."""

    __tablename__ = "seat"
    __table_args__ = (
        UniqueConstraint("room_id", "name"),
        UniqueConstraint("room_id", "row", "column"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    room_id: Mapped[str] = mapped_column(ForeignKey("room.id"), index=True)
    name: Mapped[str]
    row: Mapped[int]
    column: Mapped[int]
