"""``exam-server attempt``: one attempt's whole record as a file."""

import argparse
import hashlib
import os
from pathlib import Path

from exam_server import audit, db
from exam_server.attempts import exporting
from exam_server.audit import Operator
from exam_server.console import Subparsers, add_command, add_group, answer, unlocked
from exam_server.context import utc_now
from exam_server.errors import InputError


def register(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    attempt = add_group(subparsers, "attempt", "one candidate's attempt")
    export = add_command(
        attempt, "export", _export, "its whole record, verifiable offline", passphrase=True
    )
    export.add_argument("attempt", metavar="ATTEMPT", help="its id, or the registration number")
    export.add_argument("file", metavar="FILE", type=Path, help="a new file")
    export.add_argument(
        "--with-answers",
        action="store_true",
        help="put the attempt's key into the file: whoever has it can read the answers",
    )


def _export(parsed: argparse.Namespace) -> int:
    now = utc_now()
    with unlocked(parsed) as opened, db.transaction(opened.server.engine) as session:
        attempt = exporting.find_attempt(session, parsed.attempt)
        data = exporting.export(
            session, attempt, keys=opened.keys, answers=parsed.with_answers, now=now
        )
        digest = hashlib.sha256(data).hexdigest()
        audit.record(
            session,
            actor=Operator().actor,
            action="attempt_exported",
            subject=f"attempt:{attempt.id}",
            details={"sha256": digest, "with_answers": parsed.with_answers},
            now=now,
        )
        _write_new(parsed.file, data)
    fields = {
        "attempt": attempt.id,
        "records": attempt.sequence,
        "file": str(parsed.file),
        "sha256": digest,
        "with_answers": parsed.with_answers,
    }
    return answer(parsed, fields, f"exported {attempt.sequence} records to {parsed.file}")


def _write_new(path: Path, data: bytes) -> None:
    """Only its owner can read it, and nothing is ever written over."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InputError(f"{path} exists; choose another name") from error
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
