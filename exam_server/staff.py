"""Tables of the people who run exams; the logic of signing in is `exam_server.auth`."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from exam_server.db import Base, UtcDateTime, by_value, new_id


class Role(StrEnum):
    """What somebody may do."""

    PROCTOR = "proctor"
    EXAM_OFFICE = "exam_office"
    ITEM_WRITER = "item_writer"
    REVIEWER = "reviewer"
    MARKER = "marker"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"


class Staff(Base, table=True):
    """A member of staff. `password_hash` is argon2's own text."""

    __tablename__ = "staff"

    id: str = Field(primary_key=True, default_factory=new_id)
    username: str = Field(unique=True)
    name: str
    role: Role = Field(sa_type=by_value(Role))
    password_hash: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_logins: int = 0
    locked_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class StaffSession(Base, table=True):
    """A signed-in browser. Only the SHA-256 of its cookie's token is kept."""

    __tablename__ = "staff_session"

    token_digest: bytes = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", index=True)
    csrf_token: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
