"""Tables of work on many items at once, and of items' tags."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field

from exam_server.db import Base, UtcDateTime, by_value, new_id


class Task(StrEnum):
    """What is done to each of many items."""

    SUBMIT = "submit"
    DISCARD = "discard"
    RETIRE = "retire"
    MOVE = "move"
    TAG = "tag"


class Outcome(StrEnum):
    """What became of one item in it."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    UNDONE = "undone"
    STAYS = "stays"


class ItemTag(Base, table=True):
    """A word that the bank's people put on an item to find it again."""

    __tablename__ = "item_tag"

    tag: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True, foreign_key="item.id", index=True)


class BankJob(Base, table=True):
    """One wish for many items. `value` (subject and topic, tag or reason) is sealed."""

    __tablename__ = "bank_job"

    id: str = Field(primary_key=True, default_factory=new_id)
    staff_id: str = Field(foreign_key="staff.id", index=True)
    task: Task = Field(sa_type=by_value(Task))
    value: bytes
    begun_at: datetime = Field(sa_type=UtcDateTime)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class BankJobItem(Base, table=True):
    """One item of it. `before` is what undoing needs, `problem` why it was refused."""

    __tablename__ = "bank_job_item"

    job_id: str = Field(primary_key=True, foreign_key="bank_job.id")
    item_id: str = Field(primary_key=True, foreign_key="item.id")
    outcome: Outcome = Field(sa_type=by_value(Outcome))
    before: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    problem: str
