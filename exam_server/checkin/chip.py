"""The chip's way in: a challenge, evidence verified again, a check-in written down."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel import Session, select

from exam_server import audit
from exam_server.attempts import service as attempts
from exam_server.candidates.models import Candidate, Registration
from exam_server.checkin.judgement import Expected, Judgement
from exam_server.checkin.models import Basis, Challenge, CheckIn, Condition, PictureKind
from exam_server.checkin.service import (
    JPEG,
    MAX_PICTURE,
    is_late,
    keep_picture,
    latest_of,
    placement_here,
    view,
)
from exam_server.contract.api import (
    AttemptState,
    ChallengeView,
    CheckInRequest,
    CheckInState,
    CheckInView,
    FaceRecord,
)
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.evidence_signature import check_evidence
from exam_server.db import new_id
from exam_server.errors import RefusedError
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealed
from exam_server.settings import Settings
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Station

CHALLENGE_BYTES = 8


def issue_challenge(
    session: Session,
    placement_id: str,
    *,
    station: Station,
    lifetime: timedelta,
    now: datetime,
    rng: Callable[[int], bytes] = os.urandom,
) -> ChallengeView:
    """Eight bytes that this station's next chip has to answer, for this placement, once."""
    placement = placement_here(session, placement_id, station)
    challenge = Challenge(
        centre_id=station.centre_id,
        station_id=station.id,
        placement_id=placement.id,
        value=rng(CHALLENGE_BYTES),
        issued_at=now,
        expires_at=now + lifetime,
    )
    session.add(challenge)
    session.flush()
    return ChallengeView(id=challenge.id, value=challenge.value, expires_at=challenge.expires_at)


@dataclass(frozen=True, slots=True)
class Begun:
    """A check-in whose challenge is spent: `known` was decided before, else `expected` counts."""

    expected: Expected
    known: CheckInView | None


def begin(
    session: Session,
    request: CheckInRequest,
    *,
    station: Station,
    late_limit: timedelta,
    now: datetime,
) -> Begun:
    """Spends the challenge and says who is expected. The caller commits before it goes on.

    The same request sent again finds the check-in that it made, or goes on where the server
    failed before making one.
    """
    placement = placement_here(session, request.placement, station)
    challenge = session.get(Challenge, (station.centre_id, request.challenge), with_for_update=True)
    if (
        challenge is None
        or challenge.station_id != station.id
        or challenge.placement_id != placement.id
    ):
        raise RefusedError(ErrorCode.CHALLENGE_INVALID, "this challenge was not issued for this")
    expected = expected_at(session, placement, challenge.value)
    before = session.exec(
        select(CheckIn).where(
            CheckIn.centre_id == station.centre_id, CheckIn.challenge_id == challenge.id
        )
    ).first()
    digest = _digest(request.evidence)
    if before is not None and before.evidence_digest == digest:
        return Begun(expected, view(session, before, now))
    # Spent by this very evidence, and nothing written down: the server failed in between.
    goes_on = before is None and challenge.evidence_digest == digest
    if not goes_on and (challenge.used_at is not None or challenge.expires_at < now):
        raise RefusedError(
            ErrorCode.CHALLENGE_INVALID, "the challenge was used or is too old; tap again"
        )
    _check_in_time(session, placement, late_limit, now)
    check_evidence_signature(
        request.evidence, request.evidence_signature, request.placement, station
    )
    check_captures(request.captures)
    if not goes_on:
        challenge.used_at, challenge.evidence_digest = now, digest
    return Begun(expected, None)


def expected_at(session: Session, placement: Placement, challenge: bytes) -> Expected:
    """Whom the roster expects, and what the chip was asked."""
    registration = session.get_one(Registration, placement.registration_id)
    candidate = session.get_one(Candidate, registration.candidate_id)
    return Expected(
        name=candidate.name,
        date_of_birth=candidate.date_of_birth,
        citizen_number=candidate.citizen_number,
        challenge=challenge,
    )


def _digest(evidence: bytes) -> bytes:
    return hashlib.sha256(evidence).digest()


def _check_in_time(
    session: Session, placement: Placement, late_limit: timedelta, now: datetime
) -> None:
    attempt = attempts.attempt_of(session, placement.centre_id, placement.id)
    if attempt is not None and attempt.state is AttemptState.SUBMITTED:
        raise RefusedError(ErrorCode.ATTEMPT_CLOSED, "this attempt has been handed in")
    shift = session.get_one(Shift, (placement.centre_id, placement.shift_id))
    if attempt is None and is_late(shift, late_limit, now):
        raise RefusedError(ErrorCode.TOO_LATE, "nobody enters so long after the start")


def check_evidence_signature(
    evidence: bytes, signature: bytes, placement: str, station: Station
) -> None:
    """Refused unless this station signed the evidence for this placement."""
    try:
        check_evidence(
            signature,
            Ed25519PublicKey.from_public_bytes(station.signing_key),
            station=station.id,
            placement=placement,
            evidence=evidence,
        )
    except ContractError as error:
        raise RefusedError(ErrorCode.BAD_SIGNATURE, str(error)) from error


def check_captures(captures: Sequence[bytes]) -> None:
    """Refused where a capture is not what a kiosk's camera gives."""
    if any(not picture.startswith(JPEG) for picture in captures):
        raise RefusedError(ErrorCode.BAD_REQUEST, "a capture is no JPEG")
    if any(len(picture) > MAX_PICTURE for picture in captures):
        raise RefusedError(ErrorCode.BAD_REQUEST, "a capture is too large")


def kept_face(face: FaceRecord | None, *, consent: bool) -> dict[str, Any] | None:
    """Without consent no face may be compared, and nothing of one is kept."""
    return face.model_dump(mode="json") if face is not None and consent else None


def _doubt(session: Session, placement: Placement, judgement: Judgement) -> Condition | None:
    """The condition of a check-in that fails where somebody was admitted before."""
    failed = judgement.state is not CheckInState.ADMITTED
    admitted = attempts.attempt_of(session, placement.centre_id, placement.id) is not None
    return Condition.DOUBTED_LATER if failed and admitted else None


def conclude(
    session: Session,
    request: CheckInRequest,
    judgement: Judgement,
    *,
    station: Station,
    keys: ServerKeys,
    settings: Settings,
    now: datetime,
) -> CheckInView:
    """Writes the check-in down and admits whom it admits."""
    placement = placement_here(session, request.placement, station)
    checkin_id, before = new_id(), latest_of(session, placement.centre_id, placement.id)
    checkin = CheckIn(
        id=checkin_id,
        centre_id=placement.centre_id,
        placement_id=placement.id,
        number=before.number + 1 if before else 1,
        station_id=station.id,
        basis=Basis.CHIP,
        state=judgement.state,
        reasons=list(judgement.reasons),
        created_at=now,
        consent=request.consent,
        challenge_id=request.challenge,
        chip_refused=judgement.chip_refused,
        evidence=keys.sealing.seal(Sealed.EVIDENCE, checkin_id, judgement.evidence),
        evidence_digest=_digest(request.evidence),
        evidence_signature=request.evidence_signature,
        report=judgement.report,
        face=kept_face(request.face, consent=request.consent),
        condition=_doubt(session, placement, judgement),
    )
    session.add(checkin)
    session.flush()
    if judgement.state is CheckInState.REFERRED and request.consent:
        until = now.date() + timedelta(days=settings.retention_days)
        pictures = [(PictureKind.CAPTURE, picture) for picture in request.captures]
        if judgement.portrait is not None:
            pictures.append((PictureKind.PORTRAIT, judgement.portrait))
        for kind, picture in pictures:
            keep_picture(session, checkin, kind, picture, keys.sealing, until)
    if judgement.state is CheckInState.ADMITTED:
        attempts.admit(session, placement, now=now)
    audit.record(
        session,
        actor=f"station:{station.id}",
        action=f"checkin_{judgement.state}",
        subject=f"placement:{placement.id}",
        details={"checkin": checkin.id, "reasons": list(judgement.reasons)},
        now=now,
    )
    return view(session, checkin, now)
