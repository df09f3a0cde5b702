"""Tables of places."""

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from exam_server.db import Base, new_id


class Centre(Base, table=True):
    """A place of examination; `code` is the office's own, e.g. ``01``."""

    __tablename__ = "centre"

    id: str = Field(primary_key=True, default_factory=new_id)
    code: str = Field(unique=True)
    name: str


class Room(Base, table=True):
    """A room of a centre."""

    __tablename__ = "room"
    __table_args__ = (UniqueConstraint("centre_id", "name"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    centre_id: str = Field(foreign_key="centre.id")
    name: str


class Seat(Base, table=True):
    """A seat; `row` and `column` (from 1) say who its neighbours are."""

    __tablename__ = "seat"
    __table_args__ = (
        UniqueConstraint("room_id", "name"),
        UniqueConstraint("room_id", "row", "column"),
    )

    id: str = Field(primary_key=True, default_factory=new_id)
    centre_id: str = Field(foreign_key="centre.id")
    room_id: str = Field(foreign_key="room.id", index=True)
    name: str
    row: int
    column: int
