"""Who may work on which items: the role says what, these rows say of which subjects.

Nobody has a subject that was not granted (`exam-server staff grant`), and secret items of it only
where that was said, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.audit import Actor
from exam_server.auth import Officer
from exam_server.items.models import ItemCard, StaffSubject
from exam_server.staff import Role as StaffRole
from exam_server.staff import Staff
from question_bank.lifecycle import Role

ANY_SUBJECT = "*"
MAX_SUBJECT = 100


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may work on: subject → whether its secret items, too. `role`: in the bank;
    a marker has none there."""

    role: Role | None
    subjects: Mapping[str, bool]

    def cover(self, subject: str, *, secret: bool) -> bool:
        """Whether items of `subject` may be opened, secret ones if `secret`."""
        granted = [self.subjects[one] for one in (subject, ANY_SUBJECT) if one in self.subjects]
        return any(granted) if secret else bool(granted)

    @property
    def sees_secrets(self) -> bool:
        return any(self.subjects.values())

    def scope(self) -> sa.ColumnElement[bool]:
        """The cards that `cover` is true of."""
        everything = ANY_SUBJECT in self.subjects
        open_ones = sa.true() if everything else col(ItemCard.subject).in_(sorted(self.subjects))
        of_secrets = sorted(one for one, secret in self.subjects.items() if secret)
        secrets = sa.true() if ANY_SUBJECT in of_secrets else col(ItemCard.subject).in_(of_secrets)
        return open_ones & (col(ItemCard.secret).is_(False) | secrets)


def rights_of(session: Session, officer: Officer, *, to_mark: bool = False) -> Rights:
    """What `officer` may work on now; a role without items has nothing, whatever was granted.
    `to_mark`: of which items a marker may mark the answers; the bank stays closed to them."""
    role = next((one for one in Role if one.value == officer.role.value), None)
    has = officer.role is StaffRole.MARKER if to_mark else role is not None
    rows = session.exec(select(StaffSubject).where(StaffSubject.staff_id == officer.id))
    return Rights(role, {row.subject: row.secret for row in rows} if has else {})


def grant(
    session: Session, staff: Staff, subject: str, *, secret: bool, by: Actor, now: datetime
) -> None:
    """Lets `staff` work on a subject; `secret`: on its secret items, too (or no more)."""
    row = session.get(StaffSubject, (staff.id, subject))
    if row is None:
        row = StaffSubject(staff_id=staff.id, subject=subject, secret=secret)
    row.secret = secret
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor=by.actor,
        action="subject_granted",
        subject=f"staff:{staff.id}",
        details={"of_subject": subject, "secret": secret},
        now=now,
    )


def withdraw(session: Session, staff: Staff, subject: str, *, by: Actor, now: datetime) -> bool:
    """Takes a subject from `staff`; False where it was not granted."""
    row = session.get(StaffSubject, (staff.id, subject))
    if row is None:
        return False
    session.delete(row)
    session.flush()
    audit.record(
        session,
        actor=by.actor,
        action="subject_withdrawn",
        subject=f"staff:{staff.id}",
        details={"of_subject": subject},
        now=now,
    )
    return True
