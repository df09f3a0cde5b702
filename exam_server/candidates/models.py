"""Tables of people who sit exams."""

from datetime import date

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.db import Base, new_id


class Candidate(Base):
    """A person. `citizen_number` is an attribute like any other, never a key."""

    __tablename__ = "candidate"

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    name: Mapped[str]
    date_of_birth: Mapped[date]
    citizen_number: Mapped[str | None] = mapped_column(index=True, default=None)


class Registration(Base):
    """A candidate in an exam: số báo danh and personal arrangements."""

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("exam_id", "registration_number"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exam.id"))
    candidate_id: Mapped[str] = mapped_column(ForeignKey("candidate.id"), index=True)
    registration_number: Mapped[str]
    extra_time_percent: Mapped[int] = mapped_column(default=0)
