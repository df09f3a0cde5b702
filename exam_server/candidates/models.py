"""Tables of people who sit exams."""

from datetime import date

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from exam_server.db import Base, new_id


class Candidate(Base, table=True):
    """A person. `citizen_number` is an attribute like any other, never a key."""

    __tablename__ = "candidate"

    id: str = Field(primary_key=True, default_factory=new_id)
    name: str
    date_of_birth: date
    citizen_number: str | None = Field(default=None, index=True)


class Registration(Base, table=True):
    """A candidate in an exam: số báo danh and personal arrangements."""

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("exam_id", "registration_number"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    exam_id: str = Field(foreign_key="exam.id")
    candidate_id: str = Field(foreign_key="candidate.id", index=True)
    registration_number: str
    extra_time_percent: int = 0
