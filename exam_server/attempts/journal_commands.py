"""``exam-server journal``: a journal from a station's disk, read and brought in."""

import argparse
import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from exam_server import audit, db
from exam_server.attempts import recovery
from exam_server.attempts.introducing import Untold, introduce
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import Attempt
from exam_server.attempts.recovery import Fate, Found, Line
from exam_server.audit import Operator
from exam_server.console import DONE, NEGATIVE, Subparsers, add_group, answer, unlocked
from exam_server.context import utc_now
from exam_server.contract.api import StartedByCode
from exam_server.contract.attempt_folder import (
    CARRIED_TOKEN,
    CHECK_IN,
    CLAIM,
    JOURNAL,
    STARTED,
    open_checkin,
)
from exam_server.contract.errors import ContractError
from exam_server.contract.move_token import SignedMoveToken
from exam_server.contract.receipt import head_code
from exam_server.contract.records import (
    Answered,
    Body,
    Flagged,
    Heard,
    Left,
    Opened,
    Restarted,
    Submitted,
    Visited,
)
from exam_server.errors import InputError
from exam_server.forms import service as forms
from exam_server.forms.models import Form
from exam_server.keys import ServerKeys
from exam_server.loading import read_file
from exam_server.shards import anywhere


def register(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    journal = add_group(subparsers, "journal", "a journal from a station's disk")
    show = _add(journal, "show", "what is in it")
    show.add_argument("--answers", action="store_true", help="show the answers themselves too")
    show.set_defaults(run=_show)
    bring = _add(journal, "import", "bring in what the server lacks; may be repeated")
    bring.set_defaults(run=_import)


def _add(subparsers: Subparsers, name: str, help_text: str) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(name, help=help_text, description=help_text)
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="attempts/ATTEMPT of a kiosk, or a journal in it"
    )
    parser.add_argument(
        "--server",
        dest="directory",
        metavar="DIR",
        type=Path,
        required=name == "import",
        help="the server's data directory; its keys open the records",
    )
    parser.add_argument("--passphrase-file", metavar="FILE", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


def _show(parsed: argparse.Namespace) -> int:
    found = recovery.found_in(read_file(_journal(parsed.file)))
    fields = _summary(found)
    listed: list[dict[str, Any]] = []
    if parsed.directory is not None:
        with unlocked(parsed) as opened, db.reading(opened.server.engine) as session:
            numbers = _numbers(session, found, opened.keys)
            listed = [
                _told(line, numbers, answers=parsed.answers)
                for line in recovery.lines(session, found, opened.keys)
            ]
    forged = [line["sequence"] for line in listed if line["genuine"] is False]
    sound = found.damage is None and not forged
    fields |= {"entries": listed, "forged": forged, "verdict": "sound" if sound else "damaged"}
    text = "\n".join([*map(_line, listed), *_summary_lines(found), *_forged(forged)])
    return answer(parsed, fields, text, code=DONE if sound else NEGATIVE)


def _journal(path: Path) -> Path:
    return path / JOURNAL if path.is_dir() else path


def _untold(path: Path, attempt_key: bytes) -> Untold:
    """What a kiosk without network left in the attempt's folder beside the journal."""
    checkin, started, claim = path / CHECK_IN, path / STARTED, path / CLAIM
    try:
        return Untold(
            open_checkin(read_file(checkin), attempt_key) if checkin.is_file() else None,
            StartedByCode.model_validate_json(read_file(started)) if started.is_file() else None,
            _token(claim) if claim.is_file() else None,
        )
    except ContractError as error:
        raise InputError(
            f"{checkin}: {error}; give the journal alone, once officers have"
            " checked the candidate in by hand"
        ) from error
    except ValidationError as error:
        raise InputError(
            f"{started} is damaged; give the journal alone, once the shift was"
            " started at the server"
        ) from error


def _token(claim: Path) -> SignedMoveToken:
    try:
        return SignedMoveToken.from_bytes(read_file(claim))
    except ContractError as error:
        raise InputError(
            f"{claim} is damaged; put {CARRIED_TOKEN} from the folder of move-out in its place, or"
            " give the journal alone: then only what was written before the move is taken"
        ) from error


def _summary(found: Found) -> dict[str, Any]:
    signed = found.heads[-1] if found.heads else None
    return {
        "attempt": found.attempt,
        "records": len(found.records),
        "sound": found.sound,
        "head_code": head_code(found.head) if found.head else None,
        "signed_head": None
        if signed is None
        else {
            "sequence": signed.sequence,
            "epoch": signed.epoch,
            "head_code": head_code(signed.head),
        },
        "torn_bytes": found.torn,
        "damage": found.damage,
    }


def _summary_lines(found: Found) -> list[str]:
    lines = [f"attempt {found.attempt}: {found.sound} records in one chain"]
    if found.head is not None:
        lines.append(f"head code {head_code(found.head)}")
    if found.heads:
        signed = found.heads[-1]
        lines.append(
            f"last signed head: record {signed.sequence}, code {head_code(signed.head)}"
            f" (lease {signed.epoch})"
        )
    if found.torn:
        lines.append(f"a last write of {found.torn} bytes never ended; it was told to nobody")
    if found.damage is not None:
        behind = len(found.records) - found.sound
        lines.append(f"DAMAGED: {found.damage}; {behind} records behind it can be read")
    return lines


def _forged(forged: list[int]) -> list[str]:
    return [f"NOT GENUINE: records {', '.join(map(str, forged))}"] if forged else []


def _numbers(session: Session, found: Found, keys: ServerKeys) -> Mapping[str, int]:
    """Presented item → its number on the candidate's form, where the server knows the attempt."""
    attempt = anywhere(session, Attempt, found.attempt)
    if attempt is None:
        return {}
    form = forms.presented(session.get_one(Form, attempt.form_id), keys.sealing)
    return {item.id: item.number for item in form.items}


def _told(line: Line, numbers: Mapping[str, int], *, answers: bool) -> dict[str, Any]:
    """A record as JSON has it; what was answered only where it is asked for."""
    kind, item = _act(line.body)
    told: dict[str, Any] = {
        "sequence": line.sequence,
        "epoch": line.epoch,
        "at": line.at.isoformat() if line.at else None,
        "kind": kind,
        "item": item,
        "number": numbers.get(item) if item else None,
        "genuine": line.genuine,
    }
    if answers and isinstance(line.body, Answered):
        told["response"] = line.body.response
    return told


def _act(body: Body | None) -> tuple[str, str | None]:
    match body:
        case None:
            return "unreadable", None
        case Answered(item, response):
            return "cleared" if response is None else "answered", item
        case Flagged(item, on):
            return "flagged" if on else "unflagged", item
        case Visited(item):
            return "visited", item
        case Opened():
            return "opened", None
        case Submitted(by):
            return f"submitted_by_{by}", None
        case Left(section, _, by):
            return f"section_{section + 1}_left_by_{by}", None
        case Restarted():
            return "restarted", None
        case Heard(sound, play, at):
            return f"heard_{sound}_time_{play}_to_{at // 1000}_s", None


def _line(told: Mapping[str, Any]) -> str:
    at = datetime.fromisoformat(told["at"]).strftime("%Y-%m-%d %H:%M:%SZ") if told["at"] else "-"
    what = told["kind"].replace("_", " ")
    if told["item"] is not None:
        what += f" question {told['number'] or told['item']}"
    if "response" in told:
        what += f": {told['response']}"
    doubt = {True: "", None: "  (no such lease here)", False: "  (NOT GENUINE)"}[told["genuine"]]
    return f"{told['sequence']:>6}  {told['epoch']}  {at}  {what}{doubt}"


def _import(parsed: argparse.Namespace) -> int:
    data = read_file(_journal(parsed.file))
    found = recovery.found_in(data)
    now = utc_now()
    with unlocked(parsed) as opened, db.transaction(opened.server.engine) as session:
        settings = opened.server.settings
        introduce(
            session,
            found.attempt,
            found.records,
            _untold(parsed.file, attempt_key_of(opened.keys, found.attempt)),
            keys=opened.keys,
            settings=settings,
            trust=opened.server.trust,
            now=now,
        )
        brought = recovery.bring_in(session, found, keys=opened.keys, grace=settings.grace, now=now)
        counts = {fate.value: brought.count(fate) for fate in Fate}
        audit.record(
            session,
            actor=Operator().actor,
            action="journal_imported",
            subject=f"attempt:{found.attempt}",
            details={"sha256": hashlib.sha256(data).hexdigest(), **counts},
            now=now,
        )
    fields = {
        **_summary(found),
        "fates": counts,
        "not_taken": [
            {"sequence": record.sequence, "epoch": record.epoch, "fate": fate.value}
            for record, fate in zip(found.records, brought.fates, strict=True)
            if fate in (Fate.SET_ASIDE, Fate.REFUSED)
        ],
        "reasons": list(brought.reasons),
        "server_sequence": brought.sequence,
        "server_head_code": head_code(brought.head),
        "arrived_late": brought.arrived_late,
    }
    counted = counts[Fate.TAKEN] + counts[Fate.ALREADY_HELD]
    whole = found.damage is None and counted == len(found.records)
    text = "\n".join([*_summary_lines(found), *_outcome(fields)])
    return answer(parsed, fields, text, code=DONE if whole else NEGATIVE)


def _outcome(fields: Mapping[str, Any]) -> list[str]:
    counts = fields["fates"]
    lines = [
        f"{counts['taken']} records taken, {counts['already_held']} were here already,"
        f" {counts['set_aside']} kept as evidence only, {counts['refused']} refused",
        *(f"  {reason}" for reason in fields["reasons"]),
        f"the server now holds {fields['server_sequence']} records,"
        f" head code {fields['server_head_code']}",
    ]
    if fields["arrived_late"]:
        lines.append("answers came after the deadline: the result is conditional")
    return lines
