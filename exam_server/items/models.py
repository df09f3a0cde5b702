"""Tables of the bank."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.db import Base, new_id
from question_bank.lifecycle import State


class Item(Base):
    """An item under the name its authors gave it."""

    __tablename__ = "item"

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    name: Mapped[str] = mapped_column(unique=True)


class ItemVersion(Base):
    """One version. `body` is what may be shown, `answer_key` what never leaves the server.

    Both are sealed (`exam_server.sealing`) under purposes of their own with the version's id.
    `digest` is the SHA-256 of both in the clear: the same content is never stored twice.
    """

    __tablename__ = "item_version"
    __table_args__ = (UniqueConstraint("item_id", "version"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"))
    version: Mapped[int]
    state: Mapped[State]
    body: Mapped[bytes]
    answer_key: Mapped[bytes]
    digest: Mapped[bytes]
    created_at: Mapped[datetime]
