"""Tables of the people who run exams; the logic of signing in is `exam_server.auth`."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.db import Base, new_id


class Role(StrEnum):
    """What somebody may do."""

    PROCTOR = "proctor"
    EXAM_OFFICE = "exam_office"
    ITEM_WRITER = "item_writer"
    REVIEWER = "reviewer"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"


class Staff(Base):
    """A member of staff. `password_hash` is argon2's own text."""

    __tablename__ = "staff"

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(default=None)


class StaffSession(Base):
    """A signed-in browser. Only the SHA-256 of its cookie's token is kept."""

    __tablename__ = "staff_session"

    token_digest: Mapped[bytes] = mapped_column(primary_key=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    csrf_token: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
