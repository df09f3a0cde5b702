"""Tables of results."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Field

from exam_server.db import Base, ExactDecimal, UtcDateTime
from exam_server.shards import of_centre


class PaperResult(Base, table=True):
    """The marks of a paper; `head` is the journal's head that was graded. From `published_at` on
    nothing of it changes. While people have still to give marks (`awaiting` of `maximum`) the total
    is provisional.

    Whether it is conditional is not kept here but follows from the check-in.
    """

    __tablename__ = "paper_result"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    total: Decimal = Field(sa_type=ExactDecimal)
    maximum: Decimal = Field(sa_type=ExactDecimal)
    awaiting: Decimal = Field(default=Decimal(0), sa_type=ExactDecimal)
    scorer_version: str
    head: bytes
    graded_at: datetime = Field(sa_type=UtcDateTime)
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Publication(Base, table=True):
    """When the results of a shift were made known first. What it was told of afterwards has a
    later `PaperResult.published_at`."""

    __tablename__ = "publication"
    __table_args__ = (of_centre("shift_id", "shift"),)

    centre_id: str = Field(primary_key=True)
    shift_id: str = Field(primary_key=True)
    published_by: str = Field(foreign_key="staff.id")
    published_at: datetime = Field(sa_type=UtcDateTime)
