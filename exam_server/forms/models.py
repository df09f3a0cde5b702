"""Tables of exams, papers and their forms."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field

from card_reader.trust.store import Realm as Realm
from exam_server.db import Base, ExactDecimal, UtcDateTime, by_value, new_id
from exam_server.shards import of_centre


class Exam(Base, table=True):
    """An exam (kỳ thi)."""

    __tablename__ = "exam"

    id: str = Field(primary_key=True, default_factory=new_id)
    code: str = Field(unique=True)
    name: str
    realm: Realm = Field(sa_type=by_value(Realm))


class Paper(Base, table=True):
    """A paper (môn) of an exam. `markers` and `difference`: how people mark what they must
    (`exam_server.grading.marking_rule`)."""

    __tablename__ = "paper"
    __table_args__ = (UniqueConstraint("exam_id", "name"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    exam_id: str = Field(foreign_key="exam.id")
    name: str
    minutes: int
    markers: int = 1
    difference: Decimal = Field(default=Decimal(0), sa_type=ExactDecimal)


class BaseForm(Base, table=True):
    """A base form (đề gốc); `body`, its parts and item names, is sealed."""

    __tablename__ = "base_form"
    __table_args__ = (UniqueConstraint("paper_id", "name"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    paper_id: str = Field(foreign_key="paper.id")
    name: str
    body: bytes


class Form(Base, table=True):
    """A form (mã đề). `body` (canonical form), `mapping` and `seed` are sealed.

    `sections` are a sequential paper's: `minutes` (or None) and presented `items` of each.
    """

    __tablename__ = "form"
    __table_args__ = (UniqueConstraint("paper_id", "code"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    paper_id: str = Field(foreign_key="paper.id")
    base_form_id: str = Field(foreign_key="base_form.id")
    code: str
    seed: bytes
    body: bytes
    mapping: bytes
    sections: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class Package(Base, table=True):
    """A form sealed for one shift. `content_key` is wrapped to the shift's release key."""

    __tablename__ = "package"
    __deferred__ = ("sealed",)
    __table_args__ = (
        of_centre("shift_id", "shift"),
        UniqueConstraint("centre_id", "shift_id", "form_id"),
    )

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True, default_factory=new_id)
    shift_id: str
    form_id: str = Field(foreign_key="form.id")
    sealed: bytes
    sha256: bytes
    size: int
    content_key: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)
