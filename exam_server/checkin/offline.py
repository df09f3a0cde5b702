"""Check-ins that took place without network, judged once there is one again.

The candidate has written by now, so nobody is turned away and no answer is refused: what cannot be
proven, or proves the contrary, makes the result conditional and is shown to the officers.
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from card_reader.evidence import Freshness
from card_reader.trust.store import TrustStore
from exam_server import audit
from exam_server.attempts import claims
from exam_server.attempts import service as attempts
from exam_server.attempts.keys import shift_secret_of
from exam_server.centres.models import Seat
from exam_server.checkin.chip import (
    check_captures,
    check_evidence_signature,
    expected_at,
    kept_face,
)
from exam_server.checkin.judgement import (
    CheckInReason,
    Expected,
    Judgement,
    judge,
    policy_of,
)
from exam_server.checkin.models import Basis, Challenge, CheckIn, Condition, PictureKind
from exam_server.checkin.service import keep_picture, latest_of, view
from exam_server.contract.api import CheckInState, CheckInView, OfflineCheckIn, ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.offline import checkin_digest
from exam_server.contract.room_code import RoomCode
from exam_server.db import new_id
from exam_server.errors import RefusedError
from exam_server.forms.models import Exam
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealed
from exam_server.settings import Settings
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.room_code import room_code_of
from exam_server.stations.models import Station
from exam_server.stations.service import seat_of

#: A chip cannot have answered this: where no challenge was made, none is expected.
NO_CHALLENGE = bytes(8)


@dataclass(frozen=True, slots=True)
class Told:
    """What a station tells, as far as it needs no chip: `known` was written down before."""

    expected: Expected
    digest: bytes
    doubts: tuple[CheckInReason, ...]
    known: CheckInView | None


def take(
    session: Session,
    told: OfflineCheckIn,
    *,
    station: Station,
    keys: ServerKeys,
    late_limit: timedelta,
    now: datetime,
) -> Told:
    """Who was expected, and what speaks against the check-in beside its chip and face."""
    placement = _placement(session, told, station)
    shift = session.get_one(Shift, (placement.centre_id, placement.shift_id))
    digest = checkin_digest(told)
    known = _known(session, placement, station, digest, now)
    if told.evidence is not None:
        check_evidence_signature(
            told.evidence, told.evidence_signature or b"", placement.id, station
        )
    check_captures(told.captures)
    secret = shift_secret_of(keys, shift=shift.id, station=station.id)
    seat = seat_of(session, station)
    doubts = _doubts(told, placement, shift, seat, late_limit)
    # The proctor at the kiosk typed that room's code; the candidate may have been moved since.
    codes = [
        room_code_of(keys, shift=shift.id, room=room)
        for room in ([seat.room_id] if seat is not None else []) + [placement.room_id]
    ]
    code = _confirmed_by(codes, told, secret, digest)
    if code is None and CheckInReason.OTHER_SEAT in doubts:
        # Neither the seat nor a proctor's word speaks for it: any station could say so of anybody.
        raise RefusedError(
            ErrorCode.NOT_ADMITTED, "a check-in at another seat needs the room code of a proctor"
        )
    if code is None:
        doubts.append(CheckInReason.ROOM_CODE_WRONG)
        code = codes[-1]
    challenge = NO_CHALLENGE
    if told.counter is not None:
        challenge = code.challenge(secret, placement.id, told.counter)
    return Told(expected_at(session, placement, challenge), digest, tuple(doubts), known)


def _known(
    session: Session, placement: Placement, station: Station, digest: bytes, now: datetime
) -> CheckInView | None:
    """The same telling, where it was written down before."""
    before = session.exec(
        select(CheckIn).where(
            CheckIn.centre_id == station.centre_id,
            CheckIn.placement_id == placement.id,
            CheckIn.station_id == station.id,
            CheckIn.evidence_digest == digest,
        )
    ).first()
    return None if before is None else view(session, before, now)


def _confirmed_by(
    codes: Iterable[RoomCode], told: OfflineCheckIn, secret: bytes, digest: bytes
) -> RoomCode | None:
    """The code under which the proctor's word holds, None where it holds under none."""
    for code in codes:
        word = code.confirmation(secret, told.placement, digest)
        if hmac.compare_digest(word, told.confirmation):
            return code
    return None


def _placement(session: Session, told: OfflineCheckIn, station: Station) -> Placement:
    placement = session.get(Placement, (station.centre_id, told.placement))
    if placement is None:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no such candidate here")
    shift = session.get_one(Shift, (placement.centre_id, placement.shift_id))
    if session.get_one(Exam, shift.exam_id).realm is not station.realm:
        raise RefusedError(ErrorCode.WRONG_REALM, f"this exam is not of the realm {station.realm}")
    if shift.state is ShiftState.PLANNED:
        raise RefusedError(ErrorCode.NOT_STARTED, "the shift is not open for check-in yet")
    if (told.evidence is None) != (told.counter is None):
        raise RefusedError(ErrorCode.BAD_REQUEST, "evidence and its counter come together")
    return placement


def _doubts(
    told: OfflineCheckIn,
    placement: Placement,
    shift: Shift,
    seat: Seat | None,
    late_limit: timedelta,
) -> list[CheckInReason]:
    doubts = []
    if seat is None or seat.id != placement.seat_id:
        doubts.append(CheckInReason.OTHER_SEAT)
    if told.checked_in_at > (shift.started_at or shift.starts_at) + late_limit:
        doubts.append(CheckInReason.CAME_TOO_LATE)
    if shift.state is ShiftState.CLOSED:
        doubts.append(CheckInReason.TOLD_AFTER_CLOSING)
    if told.evidence is None:
        doubts.append(CheckInReason.CHIP_NOT_READ)
    return doubts


def judged(
    told: OfflineCheckIn,
    taken: Told,
    *,
    trust: Callable[[], TrustStore],
    settings: Settings,
    now: datetime,
) -> Judgement | None:
    """What its chip and face prove, None where no chip was read; `trust` is asked for then only.
    Needs no database."""
    if told.evidence is None:
        return None
    return judge(
        told.evidence,
        taken.expected,
        consent=told.consent,
        face=told.face,
        face_accept=settings.face_accept,
        trust=trust(),
        policy=policy_of(settings),
        proofs={},
        now=now,
        origin=Freshness.ROOM_CODE,
    )


def conclude(
    session: Session,
    told: OfflineCheckIn,
    taken: Told,
    judgement: Judgement | None,
    *,
    station: Station,
    keys: ServerKeys,
    settings: Settings,
    now: datetime,
) -> CheckInView:
    """Writes the check-in down; the candidate was admitted on the spot and stays so."""
    placement = session.get_one(
        Placement, (station.centre_id, told.placement), with_for_update=True
    )
    known = _known(session, placement, station, taken.digest, now)
    if known is not None:  # told again while this one was being judged
        return known
    proven = judgement is not None and judgement.state is CheckInState.ADMITTED
    beyond_doubt = proven and not taken.doubts
    codes = (*(judgement.reasons if judgement else ()), *(doubt.value for doubt in taken.doubts))
    checkin_id, before = new_id(), latest_of(session, placement.centre_id, placement.id)
    checkin = CheckIn(
        id=checkin_id,
        centre_id=placement.centre_id,
        placement_id=placement.id,
        number=before.number + 1 if before else 1,
        station_id=station.id,
        basis=Basis.CHIP if judgement else Basis.KNOWN_PERSONALLY,
        state=CheckInState.ADMITTED if beyond_doubt else CheckInState.CONDITIONAL,
        reasons=list(codes),
        created_at=now,
        consent=told.consent,
        challenge_id=_spent(session, told, taken, placement, station, now),
        chip_refused=judgement is not None and judgement.chip_refused,
        evidence=keys.sealing.seal(Sealed.EVIDENCE, checkin_id, judgement.evidence)
        if judgement
        else None,
        evidence_digest=taken.digest,
        evidence_signature=told.evidence_signature,
        report=judgement.report if judgement else None,
        face=kept_face(told.face, consent=told.consent),
        condition=None if beyond_doubt else Condition.DOUBTED_OFFLINE,
    )
    session.add(checkin)
    session.flush()
    if not beyond_doubt and told.consent:
        until = now.date() + timedelta(days=settings.retention_days)
        for picture in told.captures:
            keep_picture(session, checkin, PictureKind.CAPTURE, picture, keys.sealing, until)
    attempt = attempts.admit(session, placement, now=now)
    claims.claim_first(session, attempt, station, proven=proven, now=now)
    audit.record(
        session,
        actor=f"station:{station.id}",
        action="checkin_offline",
        subject=f"placement:{placement.id}",
        details={
            "checkin": checkin.id,
            "at": told.checked_in_at.isoformat(),
            "reasons": list(codes),
        },
        now=now,
    )
    return view(session, checkin, now)


def _spent(
    session: Session,
    told: OfflineCheckIn,
    taken: Told,
    placement: Placement,
    station: Station,
    now: datetime,
) -> str | None:
    """The challenge as one that was used; the same count never proves anything twice."""
    if told.counter is None:
        return None
    name = f"offline-{told.counter}-{station.id}"[:64]
    if session.get(Challenge, (station.centre_id, name)) is not None:
        raise RefusedError(ErrorCode.CHALLENGE_INVALID, "this count was used for another check-in")
    session.add(
        Challenge(
            id=name,
            centre_id=station.centre_id,
            station_id=station.id,
            placement_id=placement.id,
            value=taken.expected.challenge,
            issued_at=told.checked_in_at,
            expires_at=told.checked_in_at,
            used_at=now,
            evidence_digest=taken.digest,
        )
    )
    session.flush()
    return name
