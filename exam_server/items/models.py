"""Tables of the bank."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from exam_server.db import Base, UtcDateTime, by_value, new_id
from question_bank.lifecycle import State


class Item(Base, table=True):
    """An item under the name its authors gave it."""

    __tablename__ = "item"

    id: str = Field(primary_key=True, default_factory=new_id)
    name: str = Field(unique=True)


class ItemVersion(Base, table=True):
    """One version. `body` is what may be shown, `answer_key` what never leaves the server.

    Both are sealed (`exam_server.sealing`) under purposes of their own with the version's id.
    `digest` is a keyed one of both in the clear: the same content is never stored twice, and
    nobody without the master key can try answers against it.
    """

    __tablename__ = "item_version"
    __table_args__ = (UniqueConstraint("item_id", "version"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    item_id: str = Field(foreign_key="item.id")
    version: int
    state: State = Field(sa_type=by_value(State))
    body: bytes
    answer_key: bytes
    digest: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)
