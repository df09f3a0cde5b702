"""Tables of exams, papers and their forms."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from card_reader.trust.store import Realm as Realm
from exam_server.db import Base, UtcDateTime, by_value, new_id


class Exam(Base, table=True):
    """An exam (kỳ thi)."""

    __tablename__ = "exam"

    id: str = Field(primary_key=True, default_factory=new_id)
    code: str = Field(unique=True)
    name: str
    realm: Realm = Field(sa_type=by_value(Realm))


class Paper(Base, table=True):
    """A paper (môn) of an exam."""

    __tablename__ = "paper"
    __table_args__ = (UniqueConstraint("exam_id", "name"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    exam_id: str = Field(foreign_key="exam.id")
    name: str
    minutes: int


class BaseForm(Base, table=True):
    """A base form (đề gốc); `body`, its parts and item names, is sealed."""

    __tablename__ = "base_form"
    __table_args__ = (UniqueConstraint("paper_id", "name"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    paper_id: str = Field(foreign_key="paper.id")
    name: str
    body: bytes


class Form(Base, table=True):
    """A form (mã đề). `body` (canonical form), `mapping` and `seed` are sealed."""

    __tablename__ = "form"
    __table_args__ = (UniqueConstraint("paper_id", "code"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    paper_id: str = Field(foreign_key="paper.id")
    base_form_id: str = Field(foreign_key="base_form.id")
    code: str
    seed: bytes
    body: bytes
    mapping: bytes


class Package(Base, table=True):
    """A form sealed for one shift. `content_key` is wrapped to the shift's release key."""

    __tablename__ = "package"
    __deferred__ = ("sealed",)
    __table_args__ = (UniqueConstraint("shift_id", "form_id"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    centre_id: str = Field(foreign_key="centre.id")
    shift_id: str = Field(foreign_key="shift.id")
    form_id: str = Field(foreign_key="form.id")
    sealed: bytes
    sha256: bytes
    size: int
    content_key: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)
