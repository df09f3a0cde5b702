"""Commands of an exam: load, shift, attendance, grade, results, audit, receipt."""

import argparse
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError
from sqlmodel import Session, select

from exam_server import audit, db, directory, loading
from exam_server.attempts.outstanding import Outstanding, outstanding
from exam_server.audit import Operator
from exam_server.candidates.roster import read_roster
from exam_server.candidates.service import load_roster
from exam_server.centres.service import CentrePlan, load_centre
from exam_server.checkin.attendance import attendance
from exam_server.console import (
    DONE,
    NEGATIVE,
    Subparsers,
    add_command,
    add_group,
    add_shift_choice,
    answer,
    find_shift,
    remark,
    unlocked,
)
from exam_server.context import utc_now
from exam_server.contract.api import ShiftState
from exam_server.errors import InputError, NotPossibleError, Objection
from exam_server.forms import service as forms
from exam_server.forms.models import Exam
from exam_server.grading.service import grade_shift
from exam_server.loading import first_fault, read_file, read_toml
from exam_server.results.service import results_of_shift
from exam_server.serving.telling import telling
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Shift
from exam_server.trust.source import load_trust


def register(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    load = add_group(subparsers, "load", "load from files; all or nothing")
    exam = add_command(load, "exam", _load_exam, "a whole exam from a folder", passphrase=True)
    exam.add_argument("folder", metavar="FOLDER", type=Path)
    exam.add_argument("--starts-at", metavar="MOMENT", help="ISO 8601 with its zone")
    centre = add_command(load, "centre", _load_centre, "a centre from TOML", passphrase=False)
    centre.add_argument("file", metavar="FILE", type=Path)
    roster = add_command(load, "roster", _load_roster, "candidates of a shift", passphrase=False)
    roster.add_argument("file", metavar="FILE", type=Path)
    add_shift_choice(roster)
    paper = add_command(load, "paper", _load_paper, "a paper from QTI 3", passphrase=True)
    paper.add_argument("file", metavar="FILE", type=Path)
    paper.add_argument("--exam", metavar="CODE", required=True)
    paper.add_argument("--name", required=True, help="the paper's name, as rosters have it")
    paper.add_argument("--codes", required=True, help="codes (mã đề), parted by commas")
    paper.add_argument("--open", action="store_true", help="a practice paper: no secret items")
    trust = add_command(load, "trust", _load_trust, "anchors and CRLs, in a test", passphrase=False)
    trust.add_argument("files", metavar="PATH", type=Path, nargs="+")

    shift = add_group(subparsers, "shift", "open, start and close a shift")
    for name, help_text in (
        ("open", "let candidates check in"),
        ("start", "give the start signal"),
        ("close", "end it once everyone has handed in or run out of time"),
    ):
        step = add_command(shift, name, _SHIFT_STEPS[name], help_text, passphrase=True)
        add_shift_choice(step)
        if name == "start":
            step.add_argument("--reason", default="", help="why it starts before its time")
        if name == "close":
            step.add_argument("--reason", default="", help="why it ends while answers may be out")

    came = add_command(subparsers, "attendance", _attendance, "who came", passphrase=False)
    add_shift_choice(came)
    grade = add_command(subparsers, "grade", _grade, "mark a shift", passphrase=True)
    add_shift_choice(grade)
    results = add_command(subparsers, "results", _results, "a shift's marks", passphrase=False)
    add_shift_choice(results)


def _load_exam(parsed: argparse.Namespace) -> int:
    with unlocked(parsed) as opened:
        server = opened.server
        with db.transaction(server.engine) as session:
            loaded = loading.load_exam(
                session,
                parsed.folder,
                realm=server.settings.realm,
                keys=opened.keys,
                now=utc_now(),
                starts_at=_moment(parsed.starts_at),
            )
    for warning in loaded.warnings:
        remark(warning)
    fields = {
        "exam": loaded.exam.code,
        "shift": loaded.shift.name,
        "candidates": loaded.candidates,
        "forms": loaded.forms,
        "warnings": list(loaded.warnings),
    }
    text = f"loaded {loaded.exam.name}: {loaded.candidates} candidates, {loaded.forms} forms"
    return answer(parsed, fields, text)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no moment; write 2026-06-11T07:30:00+07:00") from error
    if moment.tzinfo is None:
        raise InputError(f"{text!r} lacks its zone; write 2026-06-11T07:30:00+07:00")
    return moment


def _load_centre(parsed: argparse.Namespace) -> int:
    try:
        plan = CentrePlan.model_validate(read_toml(parsed.file))
    except ValidationError as error:
        raise first_fault(parsed.file, error) from error
    with (
        directory.open_server(parsed.directory) as server,
        db.transaction(server.engine) as session,
    ):
        centre = load_centre(session, plan)
        details = {"code": centre.code, "rooms": len(plan.rooms)}
        _log_loaded(session, "centre_loaded", f"centre:{centre.id}", details)
    fields = {"centre": centre.code, "rooms": [room.name for room in plan.rooms]}
    return answer(parsed, fields, f"loaded {centre.name} with {len(plan.rooms)} rooms")


def _load_roster(parsed: argparse.Namespace) -> int:
    lines = read_roster(read_file(parsed.file), parsed.file.name)
    with (
        directory.open_server(parsed.directory) as server,
        db.transaction(server.engine) as session,
    ):
        shift = find_shift(session, parsed.shift, parsed.exam)
        placed = load_roster(session, lines, shift=shift, file=parsed.file.name)
        _log_loaded(session, "roster_loaded", f"shift:{shift.id}", {"candidates": len(placed)})
        if shift.state is not ShiftState.PLANNED:
            shifts.assign_forms(session, shift)
    return answer(parsed, {"candidates": len(placed)}, f"loaded {len(placed)} candidates")


def _log_loaded(session: Session, action: str, subject: str, details: Mapping[str, object]) -> None:
    audit.record(
        session,
        actor=Operator().actor,
        action=action,
        subject=subject,
        details=details,
        now=utc_now(),
    )


def _load_paper(parsed: argparse.Namespace) -> int:
    source = forms.read_paper(read_file(parsed.file), parsed.file.name)
    codes = [code.strip() for code in parsed.codes.split(",") if code.strip()]
    now = utc_now()
    with unlocked(parsed) as opened, db.transaction(opened.server.engine) as session:
        exam = session.exec(select(Exam).where(Exam.code == parsed.exam)).first()
        if exam is None:
            raise InputError(f"there is no exam {parsed.exam}; see exam-server status")
        paper = forms.load_paper(
            session,
            exam,
            name=parsed.name,
            source=source,
            codes=codes,
            sealing=opened.keys.sealing,
            now=now,
            secret=not parsed.open,
        )
        planned = session.exec(
            select(Shift).where(Shift.exam_id == exam.id, Shift.state == ShiftState.PLANNED)
        ).all()
        for shift in planned:
            forms.seal_packages(session, shift, paper, keys=opened.keys, now=now)
        _log_loaded(session, "paper_loaded", f"exam:{exam.id}", {"forms": len(codes)})
    for warning in source.warnings:
        remark(warning)
    fields = {"paper": paper.name, "forms": len(codes), "warnings": list(source.warnings)}
    return answer(parsed, fields, f"loaded {paper.name} with {len(codes)} forms")


def _load_trust(parsed: argparse.Namespace) -> int:
    with (
        directory.open_server(parsed.directory) as server,
        db.transaction(server.engine) as session,
    ):
        store = load_trust(
            session,
            parsed.directory,
            parsed.files,
            own=server.public_key(),
            realm=server.settings.realm,
        )
        fields = {"anchors": len(store.anchors), "crls": len(store.crls)}
        _log_loaded(session, "trust_loaded", "trust", fields)
    text = f"{fields['anchors']} anchors and {fields['crls']} CRLs are trusted, for the test alone"
    return answer(parsed, fields, text)


def _open(parsed: argparse.Namespace) -> int:
    with (
        unlocked(parsed) as opened,
        telling(opened.server),
        db.transaction(opened.server.engine) as session,
    ):
        found = find_shift(session, parsed.shift, parsed.exam)
        shift = shifts.open_shift(session, found.id, officer=Operator(), now=utc_now())
        audit.seal(session, opened.keys.signing, now=utc_now())
    return _shift_answer(parsed, shift)


def _start(parsed: argparse.Namespace) -> int:
    with (
        unlocked(parsed) as opened,
        telling(opened.server),
        db.transaction(opened.server.engine) as session,
    ):
        found = find_shift(session, parsed.shift, parsed.exam)
        shift = shifts.start_shift(
            session,
            found.id,
            officer=Operator(),
            now=utc_now(),
            early_reason=parsed.reason,
        )
        audit.seal(session, opened.keys.signing, now=utc_now())
    return _shift_answer(parsed, shift)


def _close(parsed: argparse.Namespace) -> int:
    with (
        unlocked(parsed) as opened,
        telling(opened.server),
        db.transaction(opened.server.engine) as session,
    ):
        found = find_shift(session, parsed.shift, parsed.exam)
        lacking = [_lacking_line(one) for one in outstanding(session, found, utc_now())]
        try:
            shift = shifts.close_shift(
                session,
                found.id,
                officer=Operator(),
                keys=opened.keys,
                grace=opened.server.settings.grace,
                now=utc_now(),
                reason=parsed.reason,
            )
        except NotPossibleError as error:
            if error.objection is not Objection.MAY_LACK_ANSWERS:
                raise
            raise InputError(str(error), tuple(lacking)) from error
        audit.seal(session, opened.keys.signing, now=utc_now())
    for line in lacking:
        remark(line)
    return _shift_answer(parsed, shift, outstanding=lacking)


def _lacking_line(one: Outstanding) -> str:
    heard = f"last heard {one.heard_at:%H:%M:%S} UTC" if one.heard_at else "never heard"
    unsent = f", {one.unsent} records unsent then" if one.unsent else ""
    return (
        f"{one.room} {one.seat}  {one.registration_number}  {one.candidate}  "
        f"{' '.join(one.why)}  {one.station or 'no station'}: {heard}{unsent}"
    )


_SHIFT_STEPS: dict[str, Callable[[argparse.Namespace], int]] = {
    "open": _open,
    "start": _start,
    "close": _close,
}


def _shift_answer(parsed: argparse.Namespace, shift: Shift, **more: object) -> int:
    fields = {"shift": shift.name, "state": shift.state.value, **more}
    return answer(parsed, fields, f"{shift.name} is {shift.state}")


def _attendance(parsed: argparse.Namespace) -> int:
    with directory.open_server(parsed.directory) as server, db.reading(server.engine) as session:
        shift = find_shift(session, parsed.shift, parsed.exam)
        rows = attendance(session, shift.centre_id, shift.id)
    fields = [
        {
            "registration_number": row.registration_number,
            "name": row.name,
            "room": row.room,
            "seat": row.seat,
            "state": row.state.value if row.state else None,
            "basis": row.basis,
            "reasons": list(row.reasons),
            "chip": row.chip,
        }
        for row in rows
    ]
    lines = [
        f"{row.room} {row.seat}  {row.registration_number}  {row.name}  "
        f"{row.state.value if row.state else 'absent'}  {' '.join(row.reasons)}".rstrip()
        for row in rows
    ]
    return answer(parsed, {"attendance": fields}, "\n".join(lines))


def _grade(parsed: argparse.Namespace) -> int:
    with unlocked(parsed) as opened, db.transaction(opened.server.engine) as session:
        report = grade_shift(
            session,
            find_shift(session, parsed.shift, parsed.exam).id,
            officer=Operator(),
            keys=opened.keys,
            grace=opened.server.settings.grace,
            now=utc_now(),
        )
    for problem in report.problems:
        remark(problem)
    fields = {
        "graded": report.graded,
        "unchanged": report.unchanged,
        "waiting": report.waiting,
        "problems": list(report.problems),
    }
    text = f"{report.graded} graded, {report.unchanged} unchanged, {report.waiting} still writing"
    return answer(parsed, fields, text, code=NEGATIVE if report.problems else DONE)


def _results(parsed: argparse.Namespace) -> int:
    with directory.open_server(parsed.directory) as server, db.reading(server.engine) as session:
        shift = find_shift(session, parsed.shift, parsed.exam)
        rows = results_of_shift(session, shift.centre_id, shift.id)
    fields = [
        {
            "registration_number": row.registration_number,
            "name": row.name,
            "paper": row.paper,
            "code": row.code,
            "attempt": row.attempt_id,
            "total": None if row.total is None else str(row.total),
            "maximum": None if row.maximum is None else str(row.maximum),
            "awaiting": str(row.awaiting),
            "conditional": row.conditional,
            "arrived_late": row.arrived_late,
            "receipt": row.short_code,
        }
        for row in rows
    ]
    lines = [
        f"{row.registration_number}  {row.name}  {row.paper}  {row.code or '-'}  "
        f"{'-' if row.total is None else row.total}{' (conditional)' if row.conditional else ''}"
        f"{f' (marks of people awaited: {row.awaiting})' if row.awaiting else ''}"
        for row in rows
    ]
    return answer(parsed, {"results": fields}, "\n".join(lines))
