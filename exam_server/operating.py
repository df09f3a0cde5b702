"""Commands that keep a server: init, status, backup, restore, purge."""

import argparse
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import col, select

from card_reader.trust.store import TrustStore
from exam_server import audit, backup, db, directory, keys
from exam_server.audit import Operator
from exam_server.centres.models import Centre, Room, Seat
from exam_server.checkin.service import purge_pictures
from exam_server.console import (
    BACKUP_PASSPHRASE,
    DONE,
    NEGATIVE,
    PASSPHRASE,
    Subparsers,
    add_command,
    answer,
    secret,
    unlocked,
)
from exam_server.context import utc_now
from exam_server.directory import OpenServer
from exam_server.errors import InputError
from exam_server.forms.models import Exam, Realm
from exam_server.settings import Settings
from exam_server.shifts.models import Placement, Shift
from exam_server.staff import Staff
from exam_server.stations.models import Station


def register(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    init = add_command(subparsers, "init", _init, "make a new server in DIR", passphrase=True)
    init.add_argument("--realm", choices=[realm.value for realm in Realm], required=True)
    init.add_argument("--host", action="append", metavar="NAME", help="repeatable; 127.0.0.1")
    init.add_argument("--port", type=int, default=8443)
    init.add_argument("--database", metavar="URL", help="instead of a file in DIR")

    add_command(subparsers, "status", _status, "what the server holds", passphrase=False)

    save = add_command(subparsers, "backup", _backup, "back up everything", passphrase=True)
    save.add_argument("file", metavar="FILE", type=Path)
    save.add_argument("--backup-passphrase-file", type=Path, metavar="FILE")

    again = subparsers.add_parser("restore", help="make a server from a backup")
    again.add_argument("file", metavar="FILE", type=Path)
    again.add_argument("directory", metavar="DIR", type=Path)
    again.add_argument("--database", metavar="URL", help="an empty one, instead of a file in DIR")
    again.add_argument("--json", action="store_true")
    again.add_argument("--passphrase-file", type=Path, metavar="FILE")
    again.add_argument("--backup-passphrase-file", type=Path, metavar="FILE")
    again.set_defaults(run=_restore)

    add_command(subparsers, "purge", _purge, "delete pictures past their date", passphrase=False)


def _init(parsed: argparse.Namespace) -> int:
    hosts = parsed.host or ["127.0.0.1"]
    if not 1 <= parsed.port <= 65535:
        raise InputError(f"{parsed.port} is no port; choose one from 1 to 65535")
    chosen = Settings(
        realm=Realm(parsed.realm), hosts=hosts, port=parsed.port, database_url=parsed.database
    )
    passphrase = secret(parsed.passphrase_file, PASSPHRASE, "New passphrase", twice=True)
    directory.create(parsed.directory, chosen, passphrase, utc_now())
    print_key = keys.fingerprint(parsed.directory).hex()
    fields = {"directory": str(parsed.directory), "realm": parsed.realm, "fingerprint": print_key}
    return answer(parsed, fields, f"made {parsed.directory} (realm {parsed.realm})")


def _status(parsed: argparse.Namespace) -> int:
    with directory.open_server(parsed.directory) as server, db.reading(server.engine) as session:
        counts = {
            table.__tablename__: session.scalar(select(sa.func.count()).select_from(table)) or 0
            for table in (Exam, Centre, Room, Seat, Placement, Station, Staff)
        }
        shifts = [
            {"name": name, "exam": code, "starts_at": starts.isoformat(), "state": state.value}
            for name, code, starts, state in session.exec(
                select(Shift.name, Exam.code, Shift.starts_at, col(Shift.state))
                .join(Exam, col(Exam.id) == Shift.exam_id)
                .order_by(col(Shift.starts_at))
            )
        ]
        trust, fault = _trust(server)
        fields = {
            "realm": server.settings.realm.value,
            "counts": counts,
            "shifts": shifts,
            "anchors": len(trust.anchors),
            "crls": len(trust.crls),
            "trust_fault": fault,
        }
    lines = [f"realm {fields['realm']}, {len(trust.anchors)} anchors, {len(trust.crls)} CRLs"]
    lines += [f"NOBODY IS LET IN BY CHIP: {fault}"] if fault else []
    lines += [f"{name}: {count}" for name, count in counts.items()]
    lines += [f"shift {s['name']} of {s['exam']}: {s['state']}, {s['starts_at']}" for s in shifts]
    return answer(parsed, fields, "\n".join(lines), code=NEGATIVE if fault else DONE)


def _trust(server: OpenServer) -> tuple[TrustStore, str | None]:
    """Whom the server believes on, or nobody and why."""
    try:
        return server.trust(), None
    except InputError as error:
        return TrustStore((), realm=server.settings.realm), str(error)


def _backup(parsed: argparse.Namespace) -> int:
    with unlocked(parsed) as opened:
        passphrase = secret(
            parsed.backup_passphrase_file, BACKUP_PASSPHRASE, "New backup passphrase", twice=True
        )
        # Written and sealed first, so that the backup tells of itself.
        with db.transaction(opened.server.engine) as session:
            audit.record(
                session,
                actor=Operator().actor,
                action="backup_made",
                subject="server",
                details={"file": parsed.file.name},
                now=utc_now(),
            )
            audit.seal(session, opened.keys.signing, now=utc_now())
        size = backup.backup(opened.server, parsed.file, own=opened.keys, passphrase=passphrase)
    return answer(parsed, {"file": str(parsed.file), "size": size}, f"backed up to {parsed.file}")


def _restore(parsed: argparse.Namespace) -> int:
    sealed_under = secret(parsed.backup_passphrase_file, BACKUP_PASSPHRASE, "Backup passphrase")
    passphrase = secret(parsed.passphrase_file, PASSPHRASE, "New passphrase", twice=True)
    report = backup.restore(
        parsed.file,
        parsed.directory,
        backup_passphrase=sealed_under,
        passphrase=passphrase,
        database=parsed.database,
    )
    fields = {
        "directory": str(parsed.directory),
        "audit_entries": report.entries,
        "fault": report.fault,
    }
    if report.fault is not None:
        text = f"not restored, the audit log of the backup does not hold: {report.fault}"
        return answer(parsed, fields, text, code=NEGATIVE)
    return answer(parsed, fields, f"restored {parsed.directory}")


def _purge(parsed: argparse.Namespace) -> int:
    now = utc_now()
    with (
        directory.open_server(parsed.directory) as server,
        db.transaction(server.engine) as session,
    ):
        count = purge_pictures(session, today=now.date(), actor=Operator(), now=now)
    return answer(parsed, {"deleted": count}, f"deleted {count} pictures")
