"""Tables of work on many items at once, of the files that it makes, and of items' tags."""

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
    EXPORT = "export"


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
    """One wish for many items. `value` (what the task needs: where to, which tag, why, which
    format) is sealed."""

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


class BankFile(Base, table=True):
    """The file that a job made, until it is taken. `held`: item's id → its version in the file.
    `problems` (what the format does not carry) and `data` are sealed."""

    __tablename__ = "bank_file"
    __deferred__ = ("data",)

    job_id: str = Field(primary_key=True, foreign_key="bank_job.id")
    made_at: datetime = Field(sa_type=UtcDateTime)
    held: dict[str, int] = Field(sa_type=JSON)
    problems: bytes
    data: bytes
