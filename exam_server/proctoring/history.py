"""What happened to one placement, from the audit log, for the officers to read."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from exam_server.attempts.models import Attempt
from exam_server.audit import AuditEntry
from exam_server.checkin.models import CheckIn
from exam_server.staff import Staff


@dataclass(frozen=True, slots=True)
class Happening:
    """One line. `officer` is "" where a station or the server acted."""

    at: datetime
    action: str
    officer: str
    reason: str


def history_of(session: Session, centre: str, placement: str) -> list[Happening]:
    """The latest first."""
    attempts = session.exec(
        select(Attempt.id).where(Attempt.centre_id == centre, Attempt.placement_id == placement)
    )
    checkins = session.exec(
        select(CheckIn.id).where(CheckIn.centre_id == centre, CheckIn.placement_id == placement)
    )
    subjects = [
        f"placement:{placement}",
        *(f"attempt:{one}" for one in attempts),
        *(f"checkin:{one}" for one in checkins),
    ]
    query = (
        select(AuditEntry)
        .where(col(AuditEntry.subject).in_(subjects))
        .order_by(col(AuditEntry.sequence).desc())
        .limit(100)
    )
    entries = session.exec(query).all()
    names = {f"staff:{one}": name for one, name in session.exec(select(Staff.id, Staff.name))}
    return [_happening(entry, names) for entry in entries]


def _happening(entry: AuditEntry, names: dict[str, str]) -> Happening:
    details = json.loads(entry.details)
    reason = details.get("reason", "") if isinstance(details, dict) else ""
    return Happening(entry.at, entry.action, names.get(entry.actor, ""), str(reason))
