"""Tables of marks."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from exam_server.db import Base, ExactDecimal, UtcDateTime
from exam_server.shards import of_centre


class ItemScore(Base, table=True):
    """The marks of one item; item version and scorer version let anybody compute them again.

    `response`, the scored response in its plain form as JSON, is sealed; None: there was none.
    `for_people`: how much of `maximum` only people can give. `awaiting`: the same until it is
    settled (`Marking`); then it is 0, and what they gave is in `raw`.
    """

    __tablename__ = "item_score"
    __table_args__ = (of_centre("attempt_id", "attempt"),)

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    presented_id: str = Field(primary_key=True)
    item_version_id: str = Field(foreign_key="item_version.id", index=True)
    part: int
    number: int
    response: bytes | None = None
    raw: Decimal = Field(sa_type=ExactDecimal)
    maximum: Decimal = Field(sa_type=ExactDecimal)
    for_people: Decimal = Field(default=Decimal(0), sa_type=ExactDecimal)
    awaiting: Decimal = Field(default=Decimal(0), sa_type=ExactDecimal)
    scorer_version: str


class Marking(Base, table=True):
    """What one person gave to one answer. `place` counts the marks of an answer from 1; nobody
    gives two of them. `answer` is the digest of what was marked: marks of another text do not
    count. `remark` is sealed."""

    __tablename__ = "marking"
    __table_args__ = (
        of_centre("attempt_id", "attempt"),
        UniqueConstraint("centre_id", "attempt_id", "presented_id", "staff_id"),
    )

    centre_id: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    presented_id: str = Field(primary_key=True)
    place: int = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", index=True)
    points: Decimal = Field(sa_type=ExactDecimal)
    answer: bytes
    remark: bytes
    given_at: datetime = Field(sa_type=UtcDateTime)
