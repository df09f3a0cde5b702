"""Stations: one-time tokens, enrolment, proof of every request, seats, heartbeats."""

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, or_, select

from exam_server import audit
from exam_server.audit import Actor
from exam_server.centres.models import Seat
from exam_server.contract.api import Enrolment, Heartbeat
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.contract.errors import ErrorCode
from exam_server.contract.requests import (
    TOLERANCE,
    RequestProof,
    RequestRefusedError,
    check_request,
)
from exam_server.errors import NotPossibleError, Objection, RefusedError
from exam_server.forms.models import Realm
from exam_server.stations.models import (
    Assignment,
    EnrolmentSecret,
    RequestNonce,
    Station,
    StationStatus,
)

SECRET_BYTES = 16
#: A station not heard of for so long is shown as gone.
SILENCE = timedelta(seconds=20)


def create_token(
    session: Session,
    *,
    seat: Seat,
    url: str,
    fingerprint: bytes,
    officer: Actor,
    lifetime: timedelta,
    now: datetime,
    rng: Callable[[int], bytes] = os.urandom,
) -> EnrolmentToken:
    """A token that lets one machine enrol for `seat`, once, until it expires."""
    token = EnrolmentToken(url=url, fingerprint=fingerprint, secret=rng(SECRET_BYTES))
    session.add(_right(token, seat, officer, now + lifetime))
    _log(session, officer.actor, "token_created", f"seat:{seat.id}", now)
    return token


def create_tokens(
    session: Session,
    seats: Sequence[Seat],
    *,
    url: str,
    fingerprint: bytes,
    officer: Actor,
    lifetime: timedelta,
    now: datetime,
    rng: Callable[[int], bytes] = os.urandom,
) -> list[EnrolmentToken]:
    """A token for each of `seats`, all of one centre, as `create_token` makes one; logged once."""
    tokens = [EnrolmentToken(url, fingerprint, rng(SECRET_BYTES)) for _ in seats]
    session.add_all(
        _right(token, seat, officer, now + lifetime)
        for token, seat in zip(tokens, seats, strict=True)
    )
    centre = seats[0].centre_id
    _log(session, officer.actor, "tokens_created", f"centre:{centre}", now, count=str(len(seats)))
    return tokens


def _right(
    token: EnrolmentToken, seat: Seat, officer: Actor, expires_at: datetime
) -> EnrolmentSecret:
    return EnrolmentSecret(
        digest=_digest(token.secret),
        centre_id=seat.centre_id,
        seat_id=seat.id,
        created_by=officer.actor,
        expires_at=expires_at,
    )


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(b"truong-thi/enrolment-secret" + secret).digest()


def _is_it(station: Station, enrolment: Enrolment) -> bool:
    kept = (station.signing_key, station.wrapping_key)
    return kept == (enrolment.signing_key, enrolment.wrapping_key)


def enrol(session: Session, enrolment: Enrolment, *, realm: Realm, now: datetime) -> Station:
    """The new station, at its token's seat. The caller has checked the request's signature.

    Whoever lost the answer, and comes again with the same keys, is the station already.
    """
    secret = session.get(EnrolmentSecret, _digest(enrolment.secret), with_for_update=True)
    if secret is None or secret.expires_at <= now:
        raise RefusedError(ErrorCode.TOKEN_INVALID, "the token is unknown or expired; ask for one")
    if secret.used_at is not None:
        made = session.get(Station, secret.station_id)
        if made is not None and _is_it(made, enrolment) and not made.revoked_at:
            return made
        raise RefusedError(ErrorCode.TOKEN_USED, "the token was used before; ask for a new one")
    _check_keys(enrolment)
    known = select(Station.id).where(Station.signing_key == enrolment.signing_key)
    if session.scalar(known) is not None:
        raise RefusedError(ErrorCode.BAD_REQUEST, "this key is enrolled already; make a new one")
    station = Station(
        centre_id=secret.centre_id,
        realm=realm,
        name=enrolment.name,
        signing_key=enrolment.signing_key,
        wrapping_key=enrolment.wrapping_key,
        enrolled_at=now,
    )
    session.add(station)
    session.flush()
    secret.used_at, secret.station_id = now, station.id
    _put(session, station, secret.seat_id, now)
    actor, subject = f"station:{station.id}", f"seat:{secret.seat_id}"
    _log(session, actor, "station_enrolled", subject, now, name=station.name)
    return station


def _check_keys(enrolment: Enrolment) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(enrolment.signing_key)
        X25519PublicKey.from_public_bytes(enrolment.wrapping_key)
    except ValueError as error:
        raise RefusedError(ErrorCode.BAD_REQUEST, "the station's keys are no keys") from error


def check_enrolment_signature(
    proof: RequestProof, enrolment: Enrolment, *, target: str, body: bytes, now: datetime
) -> None:
    """Refused unless the enrolment is signed, freshly, with the very key that it brings."""
    try:
        key = Ed25519PublicKey.from_public_bytes(enrolment.signing_key)
        check_request(proof, key, method="POST", target=target, body=body, now=now)
    except RequestRefusedError as error:
        raise RefusedError(error.code, str(error)) from error
    except ValueError as error:
        raise RefusedError(ErrorCode.BAD_REQUEST, "the station's keys are no keys") from error


def authenticate(
    session: Session,
    proof: RequestProof,
    *,
    method: str,
    target: str,
    body: bytes,
    realm: Realm,
    now: datetime,
) -> Station:
    """The station that sent this request, now, once; RefusedError otherwise.

    The caller commits, so that the nonce is spent whatever becomes of the request.
    """
    station = session.get(Station, proof.station)
    if station is None:
        raise RefusedError(ErrorCode.UNKNOWN_STATION, "this station is not enrolled here")
    try:
        key = Ed25519PublicKey.from_public_bytes(station.signing_key)
        check_request(proof, key, method=method, target=target, body=body, now=now)
    except RequestRefusedError as error:
        raise RefusedError(error.code, str(error)) from error
    if station.revoked_at is not None:
        raise RefusedError(ErrorCode.STATION_REVOKED, "this station was revoked; enrol it anew")
    if station.realm is not realm:
        raise RefusedError(ErrorCode.WRONG_REALM, f"this server is of the realm {realm}")
    session.add(
        RequestNonce(
            station_id=station.id, nonce=proof.nonce, centre_id=station.centre_id, seen_at=now
        )
    )
    try:
        session.flush()
    except IntegrityError as error:
        raise RefusedError(
            ErrorCode.REPLAYED_REQUEST, "this request was received before"
        ) from error
    return station


def prune_nonces(session: Session, station: Station, now: datetime) -> None:
    """Forgets nonces of the station whose requests would be stale by now."""
    session.exec(
        sa.delete(RequestNonce).where(
            col(RequestNonce.centre_id) == station.centre_id,
            col(RequestNonce.station_id) == station.id,
            col(RequestNonce.seen_at) < now - 2 * TOLERANCE,
        )
    )


def revoke(
    session: Session, station_id: str, *, officer: Actor, reason: str, now: datetime
) -> Station:
    """Nothing that this station signs is accepted from here on."""
    station = _station(session, station_id)
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    if station.revoked_at is not None:
        raise NotPossibleError(Objection.WRONG_STATE, "this station was revoked before")
    station.revoked_at = now
    _vacate(session, station, now, col(Assignment.station_id) == station.id)
    _log(
        session,
        officer.actor,
        "station_revoked",
        f"station:{station.id}",
        now,
        reason=reason.strip(),
    )
    return station


def assign(
    session: Session, station_id: str, *, seat_id: str, officer: Actor, now: datetime
) -> None:
    """Puts a station at a seat of its centre; whatever stood there does so no longer."""
    station, seat = _station(session, station_id), session.get(Seat, seat_id)
    if seat is None or seat.centre_id != station.centre_id or station.revoked_at is not None:
        raise NotPossibleError(Objection.NOT_FOUND, "this station cannot stand at that seat")
    _put(session, station, seat.id, now)
    _log(session, officer.actor, "station_assigned", f"station:{station.id}", now, seat=seat.id)


def _station(session: Session, station_id: str) -> Station:
    station = session.get(Station, station_id)
    if station is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such station")
    return station


def _put(session: Session, station: Station, seat_id: str, now: datetime) -> None:
    either = or_(Assignment.station_id == station.id, Assignment.seat_id == seat_id)
    _vacate(session, station, now, either)
    session.add(
        Assignment(centre_id=station.centre_id, station_id=station.id, seat_id=seat_id, since=now)
    )
    session.flush()


def _vacate(
    session: Session, station: Station, now: datetime, which: sa.ColumnElement[bool]
) -> None:
    session.exec(
        sa.update(Assignment)
        .where(col(Assignment.centre_id) == station.centre_id)
        .where(which, col(Assignment.until).is_(None))
        .values(until=now)
    )


def seat_of(session: Session, station: Station) -> Seat | None:
    """Where the station stands now."""
    return session.exec(
        select(Seat)
        .join(Assignment, col(Assignment.seat_id) == Seat.id)
        .where(
            Assignment.centre_id == station.centre_id,
            Assignment.station_id == station.id,
            col(Assignment.until).is_(None),
        )
    ).first()


def has_stood_at(session: Session, station: Station, seat_id: str, *, since: datetime) -> bool:
    """Whether the station stands at the seat, or did after `since`."""
    stood = select(Assignment.seat_id).where(
        Assignment.centre_id == station.centre_id,
        Assignment.station_id == station.id,
        Assignment.seat_id == seat_id,
        col(Assignment.until).is_(None) | (col(Assignment.until) >= since),
    )
    return session.exec(stood.limit(1)).first() is not None


def heartbeat(session: Session, station: Station, beat: Heartbeat, *, now: datetime) -> bool:
    """Keeps what the station says of itself; whether a proctor would see a difference."""
    status = session.get(StationStatus, (station.centre_id, station.id))
    shown = (beat.state, beat.reader_ready, beat.camera_ready, beat.current_item, beat.owed)
    seen = beat.ledger_seen
    if status is None:
        status = StationStatus(
            station_id=station.id,
            centre_id=station.centre_id,
            seen_at=now,
            state=beat.state,
            program_version=beat.program_version,
            reader_ready=beat.reader_ready,
            camera_ready=beat.camera_ready,
            staged=list(beat.staged),
            unsent_records=beat.unsent_records,
            current_item=beat.current_item,
            disk_low=beat.disk_low,
            sound_failed=beat.sound_failed,
            kit=beat.kit,
            ledger_attempt=seen.attempt if seen else None,
            ledger_seen=seen.position if seen else None,
            owed=list(beat.owed),
        )
        session.add(status)
        return True
    before = (
        status.state,
        status.reader_ready,
        status.camera_ready,
        status.current_item,
        status.owed,
    )
    was_gone = now - status.seen_at > SILENCE
    status.seen_at, status.state = now, beat.state
    status.program_version = beat.program_version
    status.reader_ready, status.camera_ready = beat.reader_ready, beat.camera_ready
    status.staged, status.unsent_records = list(beat.staged), beat.unsent_records
    status.current_item, status.disk_low = beat.current_item, beat.disk_low
    status.kit, status.owed = beat.kit, list(beat.owed)
    status.sound_failed = beat.sound_failed
    status.ledger_attempt = seen.attempt if seen else None
    status.ledger_seen = seen.position if seen else None
    return was_gone or before != shown


def _log(
    session: Session, actor: str, action: str, subject: str, now: datetime, **details: str
) -> None:
    audit.record(session, actor=actor, action=action, subject=subject, details=details, now=now)
