"""What a shift may be written with: the kiosk programs and the packages, frozen beforehand.

Opening a shift freezes what the exam office has not frozen by then: the packages as they are, and
the program of the server's own release. Another program is let in by the exam office alone, for a
reason; nothing else changes what is frozen but undoing it all before the shift opens.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from exam_server import audit
from exam_server.audit import Actor
from exam_server.contract.api import FrozenView, ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.program import program_version
from exam_server.errors import NotPossibleError, Objection, RefusedError
from exam_server.forms.models import Package
from exam_server.shards import anywhere
from exam_server.shifts.models import Shift
from exam_server.stations.models import Station, StationStatus

LONGEST_VERSION = 200


def freeze(
    session: Session, shift_id: str, *, program: str, officer: Actor, now: datetime
) -> Shift:
    """Freezes `program` and the shift's packages, before it opens."""
    shift = _locked(session, shift_id)
    if shift.state is not ShiftState.PLANNED or shift.frozen_at is not None:
        raise NotPossibleError(Objection.WRONG_STATE, "this shift is frozen or was opened")
    _freeze(session, shift, program=program, officer=officer, now=now)
    return shift


def freeze_the_rest(session: Session, shift: Shift, *, officer: Actor, now: datetime) -> None:
    """What opening a shift does, where nobody has frozen it by then."""
    if shift.frozen_at is None:
        _freeze(session, shift, program=program_version(), officer=officer, now=now)


def _freeze(session: Session, shift: Shift, *, program: str, officer: Actor, now: datetime) -> None:
    packages = session.exec(
        select(Package.id, Package.sha256).where(
            Package.centre_id == shift.centre_id, Package.shift_id == shift.id
        )
    )
    shift.frozen_programs = [_version(program)]
    shift.frozen_packages = {one: sha256.hex() for one, sha256 in packages}
    shift.frozen_at, shift.frozen_by = now, officer.actor
    details = {"program": program, "packages": len(shift.frozen_packages)}
    _log(session, officer, "shift_frozen", shift, now, **details)


def allow(
    session: Session, shift_id: str, *, program: str, officer: Actor, reason: str, now: datetime
) -> Shift:
    """Lets kiosks with another program write this shift too, for a reason."""
    shift = _locked(session, shift_id)
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    if shift.frozen_programs is None or shift.state is ShiftState.CLOSED:
        raise NotPossibleError(Objection.WRONG_STATE, "this shift is not frozen, or over")
    if program in shift.frozen_programs:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "this program is allowed already")
    shift.frozen_programs = [*shift.frozen_programs, _version(program)]
    _log(session, officer, "program_allowed", shift, now, program=program, reason=reason.strip())
    return shift


def thaw(session: Session, shift_id: str, *, officer: Actor, reason: str, now: datetime) -> Shift:
    """Undoes the freezing of a shift that is not open yet, so that its papers can be changed."""
    shift = _locked(session, shift_id)
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    if shift.frozen_at is None or shift.state is not ShiftState.PLANNED:
        raise NotPossibleError(Objection.WRONG_STATE, "this shift is not frozen, or was opened")
    shift.frozen_at = shift.frozen_by = shift.frozen_programs = shift.frozen_packages = None
    _log(session, officer, "shift_thawed", shift, now, reason=reason.strip())
    return shift


def check_program(session: Session, shift: Shift, station: Station) -> None:
    """Refused where the station last said that it runs a program which the shift does not allow,
    or has not said what it runs."""
    if shift.frozen_programs is None:
        return
    said = session.get(StationStatus, (station.centre_id, station.id))
    if said is None or said.program_version not in shift.frozen_programs:
        raise RefusedError(
            ErrorCode.WRONG_PROGRAM, "this station's program is not one that the shift allows"
        )


def frozen_view(shift: Shift) -> FrozenView | None:
    """What the station compares itself with; None while nothing is frozen."""
    programs = shift.frozen_programs
    return None if programs is None else FrozenView(programs=programs)


def sha256_of(shift: Shift, package: str, sha256: bytes) -> bytes:
    """The digest that a package must have: the frozen one, where the shift is frozen."""
    frozen = (shift.frozen_packages or {}).get(package)
    return sha256 if frozen is None else bytes.fromhex(frozen)


def _version(program: str) -> str:
    if not 0 < len(program.strip()) <= LONGEST_VERSION:
        raise NotPossibleError(Objection.BAD_VALUE, "a program is named by its version")
    return program.strip()


def _locked(session: Session, shift_id: str) -> Shift:
    shift = anywhere(session, Shift, shift_id, lock=True)
    if shift is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such shift")
    return shift


def _log(
    session: Session, officer: Actor, action: str, shift: Shift, now: datetime, **details: object
) -> None:
    audit.record(
        session,
        actor=officer.actor,
        action=action,
        subject=f"shift:{shift.id}",
        details=details,
        now=now,
    )


def versions_of(statuses: Sequence[StationStatus]) -> dict[str, int]:
    """How many of these stations run which program, the most common first."""
    counts: dict[str, int] = {}
    for said in statuses:
        counts[said.program_version] = counts.get(said.program_version, 0) + 1
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
