"""Commands for people and machines: `staff` and `station`."""

import argparse
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, and_, col, select

from exam_server import audit, auth, db, directory, keys
from exam_server.audit import Operator
from exam_server.centres.models import Room, Seat
from exam_server.centres.service import find_seat
from exam_server.console import (
    STAFF_PASSWORD,
    Subparsers,
    add_command,
    add_group,
    answer,
    secret,
)
from exam_server.context import utc_now
from exam_server.errors import InputError
from exam_server.items import rights
from exam_server.serving.telling import telling
from exam_server.staff import Role, Staff, StaffSession
from exam_server.stations import service as stations
from exam_server.stations.models import Assignment, Station, StationStatus
from question_bank.lifecycle import Role as BankRole

MIN_PASSWORD = 8


def register(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    staff = add_group(subparsers, "staff", "people who run exams")
    add = add_command(staff, "add", _staff_add, "add a member of staff", passphrase=False)
    add.add_argument("--username", required=True)
    add.add_argument("--name", required=True)
    add.add_argument("--role", choices=[role.value for role in Role], required=True)
    add.add_argument("--password-file", type=Path, metavar="FILE")
    add_command(staff, "list", _staff_list, "who there is", passphrase=False)
    disable = add_command(staff, "disable", _staff_disable, "let in no more", passphrase=False)
    disable.add_argument("--username", required=True)

    allow = add_command(staff, "grant", _staff_grant, "items of a subject", passphrase=False)
    refuse = add_command(staff, "withdraw", _staff_withdraw, "no more of it", passphrase=False)
    for command in (allow, refuse):
        command.add_argument("--username", required=True)
        command.add_argument("--subject", required=True, help="as items name it; * is every one")
    allow.add_argument("--secret", action="store_true", help="its secret items, too")

    station = add_group(subparsers, "station", "kiosk machines")
    token = add_command(station, "token", _token, "a one-time token to enrol", passphrase=False)
    _add_place(token)
    token.add_argument("--url", help="the server's address as the station sees it")
    add_command(station, "list", _station_list, "where they stand", passphrase=False)
    revoke = add_command(
        station, "revoke", _revoke, "accept nothing of it any more", passphrase=False
    )
    revoke.add_argument("--station", metavar="ID", required=True)
    revoke.add_argument("--reason", required=True)
    assign = add_command(station, "assign", _assign, "put it at a seat", passphrase=False)
    assign.add_argument("--station", metavar="ID", required=True)
    _add_place(assign)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--room", required=True)
    parser.add_argument("--seat", required=True)
    parser.add_argument("--centre", default="", metavar="CODE")


def _staff_add(parsed: argparse.Namespace) -> int:
    username = parsed.username.strip()
    if not username.replace(".", "").replace("-", "").replace("_", "").isalnum():
        raise InputError("a username has letters, digits, dots, hyphens and underscores only")
    with directory.open_server(parsed.directory) as server:
        password = secret(parsed.password_file, STAFF_PASSWORD, "New password", twice=True)
        if len(password) < MIN_PASSWORD:
            raise InputError(f"the password needs at least {MIN_PASSWORD} characters")
        password_hash, now = auth.hash_password(password), utc_now()
        with db.transaction(server.engine) as session:
            if session.scalar(select(Staff.id).where(Staff.username == username)) is not None:
                raise InputError(f"there is a {username} already; choose another username")
            person = Staff(
                username=username,
                name=parsed.name.strip(),
                role=Role(parsed.role),
                password_hash=password_hash,
                created_at=now,
            )
            session.add(person)
            session.flush()
            audit.record(
                session,
                actor=Operator().actor,
                action="staff_added",
                subject=f"staff:{person.id}",
                details={"username": username, "role": parsed.role},
                now=now,
            )
    fields = {"id": person.id, "username": username, "role": parsed.role}
    return answer(parsed, fields, f"added {username} ({parsed.role})")


def _staff_list(parsed: argparse.Namespace) -> int:
    with directory.open_server(parsed.directory) as server, db.reading(server.engine) as session:
        people = session.exec(select(Staff).order_by(col(Staff.username))).all()
        fields = [
            {
                "username": one.username,
                "name": one.name,
                "role": one.role.value,
                "disabled_at": _text(one.disabled_at),
            }
            for one in people
        ]
    lines = [
        f"{one['username']}  {one['role']}  {one['name']}"
        + (f"  disabled {one['disabled_at']}" if one["disabled_at"] else "")
        for one in fields
    ]
    return answer(parsed, {"staff": fields}, "\n".join(lines) or "nobody")


def _person(session: Session, username: str) -> Staff:
    person = session.exec(select(Staff).where(Staff.username == username)).first()
    if person is None:
        raise InputError(f"there is no {username}; see exam-server staff list")
    return person


def _subject(text: str) -> str:
    subject = " ".join(text.split())
    if not 1 <= len(subject) <= rights.MAX_SUBJECT:
        raise InputError(f"a subject has 1 to {rights.MAX_SUBJECT} characters")
    return subject


def _staff_grant(parsed: argparse.Namespace) -> int:
    subject = _subject(parsed.subject)
    with (
        directory.open_server(parsed.directory) as server,
        db.transaction(server.engine) as session,
    ):
        person = _person(session, parsed.username)
        if person.role.value not in {Role.MARKER.value, *(role.value for role in BankRole)}:
            raise InputError(f"the role {person.role} has nothing to do with items")
        rights.grant(session, person, subject, secret=parsed.secret, by=Operator(), now=utc_now())
    fields = {"username": parsed.username, "subject": subject, "secret": parsed.secret}
    return answer(parsed, fields, f"{parsed.username} may work on {subject}")


def _staff_withdraw(parsed: argparse.Namespace) -> int:
    subject = _subject(parsed.subject)
    with (
        directory.open_server(parsed.directory) as server,
        db.transaction(server.engine) as session,
    ):
        person = _person(session, parsed.username)
        if not rights.withdraw(session, person, subject, by=Operator(), now=utc_now()):
            raise InputError(f"{parsed.username} has no subject {subject}; nothing was changed")
    fields = {"username": parsed.username, "subject": subject}
    return answer(parsed, fields, f"{parsed.username} works on {subject} no more")


def _staff_disable(parsed: argparse.Namespace) -> int:
    """The account opens nothing any more, and whoever is signed in with it is signed out."""
    now = utc_now()
    with (
        directory.open_server(parsed.directory) as server,
        db.transaction(server.engine) as session,
    ):
        person = _person(session, parsed.username)
        if person.disabled_at is not None:
            raise InputError(f"{parsed.username} was disabled before")
        person.disabled_at = now
        session.exec(sa.delete(StaffSession).where(col(StaffSession.staff_id) == person.id))
        audit.record(
            session,
            actor=Operator().actor,
            action="staff_disabled",
            subject=f"staff:{person.id}",
            details={"username": parsed.username},
            now=now,
        )
    return answer(parsed, {"username": parsed.username}, f"disabled {parsed.username}")


def _token(parsed: argparse.Namespace) -> int:
    with directory.open_server(parsed.directory) as server:
        chosen, now = server.settings, utc_now()
        url = parsed.url or f"https://{chosen.hosts[0]}:{chosen.port}"
        if not url.startswith("https://"):
            raise InputError("the server's address begins with https://")
        with db.transaction(server.engine) as session:
            token = stations.create_token(
                session,
                seat=find_seat(session, parsed.room, parsed.seat, centre_code=parsed.centre),
                url=url.rstrip("/"),
                fingerprint=keys.fingerprint(parsed.directory),
                officer=Operator(),
                lifetime=timedelta(hours=chosen.token_hours),
                now=now,
            )
    expires = (now + timedelta(hours=chosen.token_hours)).isoformat()
    return answer(parsed, {"token": token.to_text(), "expires_at": expires}, token.to_text())


def _station_list(parsed: argparse.Namespace) -> int:
    here = and_(Assignment.station_id == Station.id, col(Assignment.until).is_(None))
    query = (
        select(Station, StationStatus, Seat.name, Room.name)
        .outerjoin(StationStatus, col(StationStatus.station_id) == Station.id)
        .outerjoin(Assignment, here)
        .outerjoin(Seat, col(Seat.id) == Assignment.seat_id)
        .outerjoin(Room, col(Room.id) == Seat.room_id)
        .order_by(col(Room.name), col(Seat.name), col(Station.name))
    )
    with directory.open_server(parsed.directory) as server, db.reading(server.engine) as session:
        fields = [
            {
                "id": station.id,
                "name": station.name,
                "room": room,
                "seat": seat,
                "seen_at": _text(said.seen_at if said else None),
                "revoked_at": _text(station.revoked_at),
            }
            for station, said, seat, room in session.exec(query)
        ]
    lines = [
        f"{one['id']}  {one['name']}  {one['room'] or '-'} {one['seat'] or '-'}"
        + (f"  revoked {one['revoked_at']}" if one["revoked_at"] else "")
        for one in fields
    ]
    return answer(parsed, {"stations": fields}, "\n".join(lines) or "no stations")


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _revoke(parsed: argparse.Namespace) -> int:
    with (
        directory.open_server(parsed.directory) as server,
        telling(server),
        db.transaction(server.engine) as session,
    ):
        station = stations.revoke(
            session, parsed.station, officer=Operator(), reason=parsed.reason, now=utc_now()
        )
    return answer(parsed, {"id": station.id}, f"revoked {station.name}")


def _assign(parsed: argparse.Namespace) -> int:
    with (
        directory.open_server(parsed.directory) as server,
        telling(server),
        db.transaction(server.engine) as session,
    ):
        seat = find_seat(session, parsed.room, parsed.seat, centre_code=parsed.centre)
        stations.assign(session, parsed.station, seat_id=seat.id, officer=Operator(), now=utc_now())
    fields = {"id": parsed.station, "room": parsed.room, "seat": parsed.seat}
    return answer(parsed, fields, f"the station stands at seat {parsed.seat} of {parsed.room}")
