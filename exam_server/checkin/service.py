"""Check-in as officers see it: what waits, the proctor's decision, the way of two officers."""

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import arrival
from exam_server.attempts import service as attempts
from exam_server.attempts.service import Officer
from exam_server.checkin import conditions
from exam_server.checkin.judgement import CheckInReason
from exam_server.checkin.models import Basis, CheckIn, Condition, PictureKind, SealedPicture
from exam_server.contract.api import (
    CheckInState,
    CheckInView,
    ShiftState,
)
from exam_server.contract.errors import ErrorCode
from exam_server.db import new_id
from exam_server.errors import NotPossibleError, Objection, RefusedError
from exam_server.forms.models import Exam
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealed, Sealing
from exam_server.settings import Settings
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Station
from exam_server.stations.service import seat_of

MAX_PICTURE = 2 * 1024 * 1024
JPEG = b"\xff\xd8\xff"


def placement_here(session: Session, placement_id: str, station: Station) -> Placement:
    """The placement, if the station stands at its seat and the shift lets candidates in."""
    placement = session.get(Placement, (station.centre_id, placement_id))
    seat = seat_of(session, station)
    if seat is None:
        raise RefusedError(ErrorCode.NO_SEAT, "this station stands at no seat")
    if placement is None or placement.seat_id != seat.id:
        raise RefusedError(ErrorCode.PLACEMENT_ELSEWHERE, "this candidate sits elsewhere")
    shift = session.get_one(Shift, (placement.centre_id, placement.shift_id))
    if session.get_one(Exam, shift.exam_id).realm is not station.realm:
        raise RefusedError(ErrorCode.WRONG_REALM, f"this exam is not of the realm {station.realm}")
    if shift.state is ShiftState.PLANNED:
        raise RefusedError(ErrorCode.NOT_STARTED, "the shift is not open for check-in yet")
    if shift.state is ShiftState.CLOSED:
        raise RefusedError(ErrorCode.SHIFT_CLOSED, "the shift is closed")
    return placement


def is_late(shift: Shift, late_limit: timedelta, now: datetime) -> bool:
    """Whether nobody may enter any more."""
    return shift.started_at is not None and now > shift.started_at + late_limit


def keep_picture(
    session: Session,
    checkin: CheckIn,
    kind: PictureKind,
    picture: bytes,
    sealing: Sealing,
    until: date,
) -> None:
    picture_id = new_id()
    session.add(
        SealedPicture(
            id=picture_id,
            centre_id=checkin.centre_id,
            checkin_id=checkin.id,
            kind=kind,
            sealed=sealing.seal(Sealed.PICTURE, picture_id, picture),
            delete_after=until,
        )
    )


def view(session: Session, checkin: CheckIn, now: datetime) -> CheckInView:
    """What the station is told."""
    attempt = attempts.attempt_of(session, checkin.centre_id, checkin.placement_id)
    admitted = checkin.state in (CheckInState.ADMITTED, CheckInState.CONDITIONAL)
    return CheckInView(
        id=checkin.id,
        placement=checkin.placement_id,
        state=checkin.state,
        reasons=list(checkin.reasons),
        attempt=attempt.id if attempt and admitted else None,
        server_time=now,
    )


def latest_view(
    session: Session, checkin_id: str, *, station: Station, now: datetime
) -> CheckInView:
    """How things stand for the placement of this check-in: a later one may have followed."""
    asked = session.get(CheckIn, (station.centre_id, checkin_id))
    seat = seat_of(session, station)
    if asked is None or seat is None:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no such check-in here")
    if session.get_one(Placement, (asked.centre_id, asked.placement_id)).seat_id != seat.id:
        raise RefusedError(ErrorCode.PLACEMENT_ELSEWHERE, "this candidate sits elsewhere")
    latest = latest_of(session, asked.centre_id, asked.placement_id)
    return view(session, latest or asked, now)


def latest_of(session: Session, centre_id: str, placement_id: str) -> CheckIn | None:
    """The check-in that counts for a placement: the last one."""
    return session.exec(
        select(CheckIn)
        .where(CheckIn.centre_id == centre_id, CheckIn.placement_id == placement_id)
        .order_by(col(CheckIn.number).desc())
        .limit(1)
    ).first()


def decide(
    session: Session,
    checkin_id: str,
    *,
    officer: Officer,
    admit: bool,
    reason: str,
    now: datetime,
) -> CheckIn:
    """The proctor's word on a referred check-in, with a reason."""
    checkin = anywhere(session, CheckIn, checkin_id, lock=True)
    if checkin is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such check-in")
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    latest = latest_of(session, checkin.centre_id, checkin.placement_id)
    if checkin.state is not CheckInState.REFERRED or latest is not checkin:
        raise NotPossibleError(Objection.WRONG_STATE, "this check-in waits for nobody's decision")
    placement = session.get_one(Placement, (checkin.centre_id, checkin.placement_id))
    if admit:
        if conditions.chip_was_refused(session, placement.centre_id, placement.id):
            raise NotPossibleError(Objection.CHIP_REFUSED, "a false chip admits nobody")
        if not checkin.consent:
            raise NotPossibleError(
                Objection.TWO_OFFICERS_NEEDED, "without consent, two officers check in by hand"
            )
        _require_running(session, placement)
        attempts.admit(session, placement, now=now)
    checkin.state = CheckInState.ADMITTED if admit else CheckInState.REFUSED
    checkin.decided_by, checkin.decided_at = officer.id, now
    checkin.decision_reason = reason.strip()
    if admit:
        checkin.condition = None
    else:
        checkin.reasons = [CheckInReason.REFUSED_BY_OFFICER.value, *checkin.reasons]
    action = "checkin_admitted_by_officer" if admit else "checkin_refused_by_officer"
    _log(session, officer, action, checkin.id, now, reason=reason.strip())
    return checkin


def _require_running(session: Session, placement: Placement) -> None:
    if session.get_one(Shift, (placement.centre_id, placement.shift_id)).state not in (
        ShiftState.OPEN,
        ShiftState.STARTED,
    ):
        raise NotPossibleError(Objection.WRONG_STATE, "the shift is not open for check-in")


def admit_manually(
    session: Session,
    placement_id: str,
    *,
    first: Officer,
    second: Officer,
    basis: Basis,
    reason: str,
    photograph: bytes | None,
    wrote_without_network: bool = False,
    keys: ServerKeys,
    settings: Settings,
    now: datetime,
) -> CheckIn:
    """Two officers check somebody in by hand; the result is conditional until it is cleared.

    `wrote_without_network`: nobody enters now. The candidate sat at a kiosk whose journal alone is
    left, and it can be brought in only once the server knows of a check-in.
    """
    placement = anywhere(session, Placement, placement_id, lock=True)
    if placement is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such placement")
    if first.id == second.id:
        raise NotPossibleError(Objection.SAME_OFFICER, "two different officers are needed")
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    before = latest_of(session, placement.centre_id, placement.id)
    chip_refused = conditions.chip_was_refused(session, placement.centre_id, placement.id)
    _check_basis(basis, chip_refused, photograph)
    shift = session.get_one(Shift, (placement.centre_id, placement.shift_id))
    may_be_over = wrote_without_network and shift.state is ShiftState.CLOSED
    if not may_be_over:
        _require_running(session, placement)
    attempt = attempts.attempt_of(session, placement.centre_id, placement.id)
    if attempt is not None and not arrival.is_awaited(session, attempt):
        raise NotPossibleError(Objection.ALREADY_ADMITTED, "this candidate was admitted before")
    # Who tapped in time and was referred has not come late.
    came = before.created_at if before is not None else now
    enters = attempt is None and not wrote_without_network
    if enters and is_late(shift, settings.late_limit, came):
        raise NotPossibleError(Objection.TOO_LATE, "nobody enters so long after the start")
    checkin = CheckIn(
        centre_id=placement.centre_id,
        placement_id=placement.id,
        number=before.number + 1 if before else 1,
        basis=basis,
        state=CheckInState.CONDITIONAL,
        reasons=[reason.value for reason in _reasons_by_hand(chip_refused)],
        condition=Condition.BY_TWO_OFFICERS,
        created_at=now,
        consent=False,  # nobody was asked to have faces compared
        decided_by=first.id,
        second_officer=second.id,
        decided_at=now,
        decision_reason=reason.strip(),
    )
    session.add(checkin)
    session.flush()
    if photograph is not None:
        until = now.date() + timedelta(days=settings.retention_days)
        keep_picture(session, checkin, PictureKind.PHOTOGRAPH, photograph, keys.sealing, until)
    attempts.admit(session, placement, now=now)
    _log(
        session,
        first,
        "checkin_by_two_officers",
        checkin.id,
        now,
        second=second.id,
        basis=basis.value,
        reason=reason.strip(),
        **({"wrote_without_network": "yes"} if wrote_without_network else {}),
    )
    return checkin


def _reasons_by_hand(chip_refused: bool) -> list[CheckInReason]:
    before = [CheckInReason.CHIP_REFUSED_BEFORE] if chip_refused else []
    return [CheckInReason.BY_TWO_OFFICERS, *before]


def _check_basis(basis: Basis, chip_refused: bool, photograph: bytes | None) -> None:
    if basis is Basis.CHIP:
        raise NotPossibleError(Objection.BAD_VALUE, "a chip is read by a station, not by hand")
    if chip_refused and basis is Basis.CARD_WITHOUT_CHIP:
        raise NotPossibleError(
            Objection.CHIP_REFUSED, "a card whose chip was found false proves nothing"
        )
    if photograph is None:
        return
    if not photograph.startswith(JPEG) or len(photograph) > MAX_PICTURE:
        raise NotPossibleError(Objection.BAD_VALUE, "the photograph must be a JPEG below 2 MB")


def clear(
    session: Session, checkin_id: str, *, officer: Officer, reason: str, now: datetime
) -> CheckIn:
    """Lifts the condition from a result: somebody has seen the missing proof."""
    checkin = anywhere(session, CheckIn, checkin_id, lock=True)
    if checkin is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such check-in")
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    if not conditions.carries_condition(checkin):
        raise NotPossibleError(Objection.WRONG_STATE, "this check-in carries no condition")
    if officer.id in (checkin.decided_by, checkin.second_officer):
        raise NotPossibleError(
            Objection.SAME_OFFICER, "another officer than those who admitted has to clear"
        )
    checkin.cleared_by, checkin.cleared_at = officer.id, now
    checkin.clearing_reason = reason.strip()
    _log(session, officer, "condition_cleared", checkin.id, now, reason=reason.strip())
    return checkin


def purge_pictures(session: Session, *, today: date, actor: audit.Actor, now: datetime) -> int:
    """Deletes the pictures whose date has passed; how many they were."""
    due = session.exec(select(SealedPicture.id).where(SealedPicture.delete_after < today)).all()
    if due:
        session.exec(sa.delete(SealedPicture).where(col(SealedPicture.delete_after) < today))
        audit.record(
            session,
            actor=actor.actor,
            action="pictures_purged",
            subject="pictures",
            details={"count": len(due), "before": today.isoformat()},
            now=now,
        )
    return len(due)


def _log(
    session: Session,
    officer: Officer,
    action: str,
    checkin_id: str,
    now: datetime,
    **details: str,
) -> None:
    audit.record(
        session,
        actor=officer.actor,
        action=action,
        subject=f"checkin:{checkin_id}",
        details=details,
        now=now,
    )
