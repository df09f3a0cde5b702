"""The append-only log, for reading; its chain is checked with every look."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from fastapi.responses import Response
from sqlmodel import Session, and_, col, select

from exam_server import audit
from exam_server.access import Permission
from exam_server.attempts.models import Attempt
from exam_server.audit import AuditEntry
from exam_server.candidates.models import Registration
from exam_server.centres.models import Room, Seat
from exam_server.checkin.models import CheckIn
from exam_server.forms.models import Exam
from exam_server.shifts.models import Placement, Shift
from exam_server.staff import Staff
from exam_server.stations.models import Station
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visiting

pages = Pages()
PAGE_SIZE = 100
SHORT_ID = 8
#: Details that hold an id, and of what.
ID_DETAILS = {
    **{"seat": "seat", "from": "seat", "to": "seat"},
    **{"second": "staff", "room": "room", "shift": "shift"},
}


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry as people read it. `kind` is who acts: staff, station, server or operator.

    `subject` is a name people know, or the beginning of an id where `subject_short` says so.
    """

    sequence: int
    at: datetime
    kind: str
    name: str
    action: str
    subject_kind: str
    subject: str
    subject_short: bool
    details: tuple[tuple[str, str], ...]


@pages.get("/audit", Permission.SEE_AUDIT)
def audit_log(visit: Visiting) -> Response:
    before = visit.request.query_params.get("before", "")
    with visit.server.reading() as session:
        query = select(AuditEntry).order_by(col(AuditEntry.sequence).desc()).limit(PAGE_SIZE)
        if before.isascii() and before.isdigit() and len(before) < 19:
            query = query.where(AuditEntry.sequence < int(before))
        entries = session.exec(query).all()
        names = _names(session, entries)
        lines = [_line(entry, names) for entry in entries]
        report = audit.verify_chain(session)
    more = lines[-1].sequence if len(lines) == PAGE_SIZE and lines[-1].sequence > 1 else None
    return page(visit, "audit.html", lines=lines, report=report, more=more)


def _names(session: Session, entries: Iterable[AuditEntry]) -> dict[str, str]:
    """What people call the actors and subjects, by ``kind:id``."""
    ids: dict[str, set[str]] = {}
    for entry in entries:
        told = [(ID_DETAILS[key], value) for key, value in _details(entry) if key in ID_DETAILS]
        for kind, _, one in (entry.actor.partition(":"), entry.subject.partition(":")):
            ids.setdefault(kind, set()).add(one)
        for kind, value in told:
            ids.setdefault(kind, set()).add(str(value))
    numbers = select(Registration.registration_number)
    placed = numbers.join(Placement, col(Placement.registration_id) == Registration.id)
    attempted = placed.join(Attempt, _of_placement(Attempt))
    checked = placed.join(CheckIn, _of_placement(CheckIn))
    seats = select(Room.name + " · " + Seat.name).join(Seat, col(Seat.room_id) == Room.id)
    lookups = {
        "staff": (col(Staff.id), select(Staff.name)),
        "station": (col(Station.id), select(Station.name)),
        "seat": (col(Seat.id), seats),
        "room": (col(Room.id), select(Room.name)),
        "shift": (col(Shift.id), select(Shift.name)),
        "exam": (col(Exam.id), select(Exam.name)),
        "placement": (col(Placement.id), placed),
        "attempt": (col(Attempt.id), attempted),
        "checkin": (col(CheckIn.id), checked),
    }
    return {
        f"{kind}:{one}": name
        for kind, (column, query) in lookups.items()
        for name, one in session.execute(
            query.add_columns(column).where(column.in_(ids.get(kind, ())))
        )
    }


def _of_placement(kind: type[Attempt] | type[CheckIn]) -> sa.ColumnElement[bool]:
    return and_(kind.centre_id == Placement.centre_id, kind.placement_id == Placement.id)


def _line(entry: AuditEntry, names: Mapping[str, str]) -> AuditLine:
    kind, _, _rest = entry.actor.partition(":")
    subject_kind, _, subject_id = entry.subject.partition(":")
    known = entry.subject in names
    return AuditLine(
        sequence=entry.sequence,
        at=entry.at,
        kind=kind,
        name=names.get(entry.actor, ""),
        action=entry.action,
        subject_kind=subject_kind,
        subject=names[entry.subject] if known else subject_id[:SHORT_ID],
        subject_short=not known,
        details=tuple((key, _plain(key, value, names)) for key, value in _details(entry)),
    )


def _details(entry: AuditEntry) -> list[tuple[str, object]]:
    value = json.loads(entry.details)
    return sorted(value.items()) if isinstance(value, dict) else [("", value)]


def _plain(key: str, value: object, names: Mapping[str, str]) -> str:
    if key in ID_DETAILS:
        return names.get(f"{ID_DETAILS[key]}:{value}", str(value)[:SHORT_ID])
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return json.dumps(value, ensure_ascii=False)
