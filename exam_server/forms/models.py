"""Tables of exams, papers and their forms."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from card_reader.trust.store import Realm as Realm
from exam_server.db import Base, new_id


class Exam(Base):
    """An exam (kỳ thi)."""

    __tablename__ = "exam"

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    realm: Mapped[Realm]


class Paper(Base):
    """A paper (môn) of an exam."""

    __tablename__ = "paper"
    __table_args__ = (UniqueConstraint("exam_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exam.id"))
    name: Mapped[str]
    minutes: Mapped[int]


class BaseForm(Base):
    """A base form (đề gốc); `body`, its parts and item names, is sealed."""

    __tablename__ = "base_form"
    __table_args__ = (UniqueConstraint("paper_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id"))
    name: Mapped[str]
    body: Mapped[bytes]


class Form(Base):
    """A form (mã đề). `body` (canonical form), `mapping` and `seed` are sealed."""

    __tablename__ = "form"
    __table_args__ = (UniqueConstraint("paper_id", "code"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id"))
    base_form_id: Mapped[str] = mapped_column(ForeignKey("base_form.id"))
    code: Mapped[str]
    seed: Mapped[bytes]
    body: Mapped[bytes]
    mapping: Mapped[bytes]


class Package(Base):
    """A form sealed for one shift. `content_key` is wrapped to the shift's release key."""

    __tablename__ = "package"
    __table_args__ = (UniqueConstraint("shift_id", "form_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    shift_id: Mapped[str] = mapped_column(ForeignKey("shift.id"))
    form_id: Mapped[str] = mapped_column(ForeignKey("form.id"))
    sealed: Mapped[bytes] = mapped_column(deferred=True)
    sha256: Mapped[bytes]
    size: Mapped[int]
    content_key: Mapped[bytes]
    created_at: Mapped[datetime]
