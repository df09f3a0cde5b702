"""What evidence and face record amount to, against who is expected. Pure: no database, no clock.

A face alone never excludes anyone, a refused chip never admits, and whatever is not proven goes
to the proctor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from card_reader.chip.terminal_session import RemoteProof
from card_reader.errors import MalformedEvidenceError
from card_reader.evidence import ChipEvidence, Freshness
from card_reader.names import same_name
from card_reader.trust.passive_authentication import Revocation
from card_reader.trust.store import TrustStore
from card_reader.verify import (
    ChipProof,
    ClaimedIdentity,
    DataGroup,
    IdentityRefusedError,
    IdentityUnprovenError,
    Policy,
    Report,
    Verdict,
    VerifiedIdentity,
    verify,
)
from exam_server.contract.api import CheckInState, FaceRecord, FaceVerdict
from exam_server.contract.errors import ErrorCode
from exam_server.errors import RefusedError
from exam_server.settings import Settings

PORTRAIT = "EF.DG2"


def policy_of(settings: Settings) -> Policy:
    """What cards are accepted."""
    return Policy(
        settings.realm,
        frozenset(settings.accepted_states),
        frozenset(settings.accepted_documents),
    )


class CheckInReason(StrEnum):
    """Why a check-in was not admitted at once. Codes of `card_reader`'s findings stand beside."""

    NUMBER_DIFFERS = "number_differs"
    NUMBER_UNKNOWN = "number_unknown"
    DATE_OF_BIRTH_DIFFERS = "date_of_birth_differs"
    NAME_DIFFERS = "name_differs"
    FULL_NAME_MISSING = "full_name_missing"
    CARD_EXPIRED = "card_expired"
    CHIP_NOT_PROVEN = "chip_not_proven"
    REVOCATION_NOT_CHECKED = "revocation_not_checked"
    CHALLENGE_NOT_FROM_SERVER = "challenge_not_from_server"
    NO_CONSENT = "no_consent"
    NO_FACE_RECORD = "no_face_record"
    FACE_REFERRED = "face_referred"
    FACE_RECORD_IMPLAUSIBLE = "face_record_implausible"
    BY_TWO_OFFICERS = "by_two_officers"
    REFUSED_BY_OFFICER = "refused_by_officer"
    CHIP_REFUSED_BEFORE = "chip_refused_before"
    CHIP_NOT_READ = "chip_not_read"
    ROOM_CODE_WRONG = "room_code_wrong"
    OTHER_SEAT = "other_seat"
    CAME_TOO_LATE = "came_too_late"
    TOLD_AFTER_CLOSING = "told_after_closing"


#: What a card says of its holder, as far as its SOD covers it.
Person = VerifiedIdentity | ClaimedIdentity
#: EF.SOD lists the data group.
_COVERED = frozenset({DataGroup.MATCH, DataGroup.MISMATCH, DataGroup.NOT_READ})
#: With one of these the person is not the one expected, or the station's word cannot be true.
_REFUSING = frozenset({CheckInReason.NUMBER_DIFFERS, CheckInReason.FACE_RECORD_IMPLAUSIBLE})


@dataclass(frozen=True, slots=True)
class Expected:
    """Whom the roster expects at this seat, and the challenge that the server issued."""

    name: str
    date_of_birth: date
    citizen_number: str | None
    challenge: bytes


@dataclass(frozen=True, slots=True)
class Judgement:
    """`evidence` is what may be kept of it (no portrait); `portrait` only for a proctor's eyes."""

    state: CheckInState
    reasons: tuple[str, ...]
    chip_refused: bool
    report: dict[str, Any]
    evidence: bytes
    portrait: bytes | None


def judge(
    evidence_bytes: bytes,
    expected: Expected,
    *,
    consent: bool,
    face: FaceRecord | None,
    face_accept: Mapping[str, float],
    trust: TrustStore,
    policy: Policy,
    proofs: Mapping[str, RemoteProof],
    now: datetime,
    origin: Freshness = Freshness.SERVER,
) -> Judgement:
    """Verifies the evidence again, from its bytes, and weighs the rest.

    `proofs` are what chips proved to this server under the challenge, by the run's name. `origin`
    is where the challenge must have come from.
    """
    try:
        evidence = ChipEvidence.from_bytes(evidence_bytes)
    except MalformedEvidenceError as error:
        raise RefusedError(ErrorCode.EVIDENCE_MALFORMED, error.detail) from error
    person: Person
    try:
        identity = verify(
            evidence,
            trust,
            policy,
            at=now,
            expected_challenge=expected.challenge,
            remote=_own_proof(evidence, proofs),
            now=now,
        )
    except IdentityRefusedError as error:
        return _judgement(
            CheckInState.REFUSED, [], evidence, error.report, portrait=None, chip_refused=True
        )
    except IdentityUnprovenError as error:
        # Nobody vouches for the SOD, but what it covers is compared all the same.
        report, person = error.report, error.claimed
    else:
        report, person = identity.report, identity
    reasons = [
        *_about_card(evidence, report, origin),
        *_about_person(person, report, expected, now.date()),
        *_about_face(consent, face, face_accept),
    ]
    state = _state(reasons, proven=report.verdict is Verdict.AUTHENTIC)
    referred = state is CheckInState.REFERRED and consent
    return _judgement(
        state, reasons, evidence, report, portrait=person.portrait if referred else None
    )


def _own_proof(evidence: ChipEvidence, proofs: Mapping[str, RemoteProof]) -> RemoteProof | None:
    record = evidence.chip_authentication
    return proofs.get(record.session) if record is not None and record.session else None


def _state(reasons: list[CheckInReason], *, proven: bool) -> CheckInState:
    if _REFUSING.intersection(reasons):
        return CheckInState.REFUSED
    return CheckInState.ADMITTED if proven and not reasons else CheckInState.REFERRED


def _judgement(
    state: CheckInState,
    reasons: list[CheckInReason],
    evidence: ChipEvidence,
    report: Report,
    *,
    portrait: bytes | None,
    chip_refused: bool = False,
) -> Judgement:
    codes = (*(finding.value for finding in report.reasons), *(reason.value for reason in reasons))
    return Judgement(
        state=state,
        reasons=codes,
        chip_refused=chip_refused,
        report={**report.to_dict(), "access": evidence.access.protocol.value},
        evidence=_without_portrait(evidence).to_bytes(),
        portrait=portrait,
    )


def _without_portrait(evidence: ChipEvidence) -> ChipEvidence:
    files = {name: raw for name, raw in evidence.files.items() if name != PORTRAIT}
    return replace(evidence, files=files)


def _about_card(evidence: ChipEvidence, report: Report, origin: Freshness) -> list[CheckInReason]:
    reasons = []
    # What a station alone observed proves nothing to the server.
    if ChipProof.PASSED not in (report.active_authentication, report.chip_authentication):
        reasons.append(CheckInReason.CHIP_NOT_PROVEN)
    if report.verdict is Verdict.AUTHENTIC and report.revocation is not Revocation.GOOD:
        # Revoked is refused before; without a list, or with an old one, nobody knows.
        reasons.append(CheckInReason.REVOCATION_NOT_CHECKED)
    if evidence.challenge is None or evidence.challenge.freshness is not origin:
        reasons.append(CheckInReason.CHALLENGE_NOT_FROM_SERVER)
    return reasons


def _about_person(
    person: Person, report: Report, expected: Expected, today: date
) -> list[CheckInReason]:
    reasons = []
    if expected.citizen_number is None:
        reasons.append(CheckInReason.NUMBER_UNKNOWN)
    elif person.personal_number != expected.citizen_number:
        reasons.append(CheckInReason.NUMBER_DIFFERS)
    if person.date_of_birth != expected.date_of_birth:
        reasons.append(CheckInReason.DATE_OF_BIRTH_DIFFERS)
    if person.full_name is None and report.data_groups.get(13) in _COVERED:
        # A name without diacritics must not pass because EF.DG13 was left away or spoiled.
        reasons.append(CheckInReason.FULL_NAME_MISSING)
    mrz_name = " ".join(person.names)
    if not same_name(expected.name, full_name=person.full_name, mrz_name=mrz_name):
        reasons.append(CheckInReason.NAME_DIFFERS)
    if person.date_of_expiry < today:
        reasons.append(CheckInReason.CARD_EXPIRED)
    return reasons


def _about_face(
    consent: bool, face: FaceRecord | None, face_accept: Mapping[str, float]
) -> list[CheckInReason]:
    if not consent:
        return [CheckInReason.NO_CONSENT]
    if face is None:
        return [CheckInReason.NO_FACE_RECORD]
    if face.decision is not FaceVerdict.ACCEPT:
        return [CheckInReason.FACE_REFERRED]
    limit = face_accept.get(face.fusion)
    plausible = (
        limit is not None
        and face.score is not None
        and 0 <= face.score <= min(limit, face.accept_threshold)
        and face.accept_threshold <= limit
        and face.frames > 0
    )
    return [] if plausible else [CheckInReason.FACE_RECORD_IMPLAUSIBLE]
