"""Signing in: passwords (argon2id), sessions, and the brakes on guessing.

A session's token lives in the browser's cookie alone; the database keeps its SHA-256. Checking a
password takes memory and time on purpose, so it never happens inside a transaction.
"""

import base64
import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.audit import Operator
from exam_server.db import reading, transaction
from exam_server.staff import Role, Staff, StaffSession

SESSION_LIFE = timedelta(hours=12)
IDLE_LIFE = timedelta(minutes=45)
#: `last_seen_at` is written no oftener than this, so that looking at a page costs no write.
SEEN_GRAIN = timedelta(minutes=1)
TOKEN_BYTES = 32
MAX_PASSWORD = 1000

#: Wrong passwords in a row before an account rests, and for how long (doubling).
FREE_TRIES = 5
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=5)
#: Wrong passwords from one address, whatever the account.
ADDRESS_TRIES = 30
FEWEST_TRIES = 5
ADDRESS_WINDOW = timedelta(minutes=5)

_hasher = PasswordHasher()
# Each check takes 64 MiB: two at a time are enough for people and too few to exhaust a server.
_checks = threading.BoundedSemaphore(2)


@cache
def _nobodys_hash() -> str:
    """What an unknown name is checked against, so that it takes as long as a known one."""
    return _hasher.hash("nobody signs in with this")


class LoginProblem(StrEnum):
    """Why somebody was not let in. Wrong name and wrong password are one thing to the outside."""

    WRONG = "wrong"
    RESTING = "resting"
    DISABLED = "disabled"


class NotLetInError(Exception):
    """The name and password do not open anything now."""

    def __init__(self, problem: LoginProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Officer:
    """Who is acting: a member of staff whose session or password was just checked."""

    id: str
    username: str
    name: str
    role: Role
    csrf_token: str = ""

    @property
    def actor(self) -> str:
        """As the audit log names them."""
        return f"staff:{self.id}"

    @property
    def served(self) -> dict[str, str]:
        """What the audit log's details say of for whom it is done, where others act."""
        return {}


@dataclass(frozen=True, slots=True)
class ThroughOperator(Officer):
    """A member of staff for whom the operator acts: with their rights, and not under their name."""

    @property
    def actor(self) -> str:
        return Operator().actor

    @property
    def served(self) -> dict[str, str]:
        return {"for": f"staff:{self.id}"}


def hash_password(password: str) -> str:
    """argon2id's own text, with salt and parameters."""
    return _hasher.hash(password)


def password_matches(password_hash: str, password: str) -> bool:
    if len(password) > MAX_PASSWORD:
        return False
    with _checks:
        try:
            return _hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


class AddressThrottle:
    """Counts wrong passwords by network address, in memory; the oldest addresses are forgotten.

    Each of `processes` counts for itself, so each lets through its part of what is allowed.
    """

    MOST_ADDRESSES = 10_000

    def __init__(self, processes: int = 1) -> None:
        self._tries = max(ADDRESS_TRIES // processes, FEWEST_TRIES)
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, list[datetime]] = OrderedDict()

    def resting(self, address: str, now: datetime) -> bool:
        with self._lock:
            recent = [at for at in self._wrong.get(address, []) if now - at < ADDRESS_WINDOW]
            return len(recent) >= self._tries

    def count(self, address: str, now: datetime) -> None:
        with self._lock:
            recent = [at for at in self._wrong.pop(address, []) if now - at < ADDRESS_WINDOW]
            self._wrong[address] = [*recent, now][-ADDRESS_TRIES:]
            while len(self._wrong) > self.MOST_ADDRESSES:
                self._wrong.popitem(last=False)


def check_officer(
    engine: Engine,
    throttle: AddressThrottle,
    *,
    username: str,
    password: str,
    address: str,
    now: datetime,
) -> Officer:
    """Who signs with this name and password, or NotLetInError; failures are logged and slowed."""
    if throttle.resting(address, now):
        raise NotLetInError(LoginProblem.RESTING)
    with reading(engine) as session:
        staff = session.exec(select(Staff).where(Staff.username == username)).first()
        session.expunge_all()
    if staff is not None and staff.locked_until is not None and staff.locked_until > now:
        raise NotLetInError(LoginProblem.RESTING)
    matches = password_matches(staff.password_hash if staff else _nobodys_hash(), password)
    if staff is None or not matches:
        throttle.count(address, now)
        _record_failure(engine, staff, address, now)
        raise NotLetInError(LoginProblem.WRONG)
    if staff.disabled_at is not None:
        raise NotLetInError(LoginProblem.DISABLED)
    _forget_failures(engine, staff, password)
    return Officer(staff.id, staff.username, staff.name, staff.role)


def _record_failure(engine: Engine, staff: Staff | None, address: str, now: datetime) -> None:
    with transaction(engine) as session:
        # An unknown name is not written down: people type passwords into that field.
        subject = f"staff:{staff.id}" if staff else "staff:unknown"
        details = {"address": address}
        audit.record(
            session,
            actor="server",
            action="login_failed",
            subject=subject,
            details=details,
            now=now,
        )
        row = session.get(Staff, staff.id) if staff else None
        if row is None:
            return
        row.failed_logins += 1
        over = row.failed_logins - FREE_TRIES
        if over >= 0:
            row.locked_until = now + min(FIRST_REST * 2 ** min(over, 10), LONGEST_REST)


def _forget_failures(engine: Engine, staff: Staff, password: str) -> None:
    stale = _hasher.check_needs_rehash(staff.password_hash)
    if not staff.failed_logins and not stale:
        return
    new_hash = hash_password(password) if stale else staff.password_hash
    with transaction(engine) as session:
        row = session.get_one(Staff, staff.id)
        row.failed_logins, row.locked_until, row.password_hash = 0, None, new_hash


def open_session(
    engine: Engine, officer: Officer, *, now: datetime, rng: Callable[[int], bytes]
) -> str:
    """A new session's token, for the cookie. Sessions that have ended are cleared away."""
    token = _text(rng(TOKEN_BYTES))
    with transaction(engine) as session:
        session.exec(sa.delete(StaffSession).where(col(StaffSession.expires_at) <= now))
        session.add(
            StaffSession(
                token_digest=_digest(token),
                staff_id=officer.id,
                csrf_token=_text(rng(TOKEN_BYTES)),
                created_at=now,
                last_seen_at=now,
                expires_at=now + SESSION_LIFE,
            )
        )
        _log(session, officer, "login", now)
    return token


def officer_of(
    engine: Engine, token: str | None, *, now: datetime, acting: bool = True
) -> Officer | None:
    """Whose session `token` is, None where it is nobody's or has ended.

    With `acting`, this is somebody at work, and the session's idle time begins anew.
    """
    if not token or len(token) > 100:
        return None
    digest = _digest(token)
    with reading(engine) as session:
        row = session.exec(
            select(StaffSession, Staff)
            .join(Staff, col(Staff.id) == StaffSession.staff_id)
            .where(StaffSession.token_digest == digest)
        ).first()
        session.expunge_all()
    if row is None:
        return None
    opened, staff = row
    idle = now - opened.last_seen_at
    if opened.expires_at <= now or idle > IDLE_LIFE or staff.disabled_at is not None:
        return None
    if acting and idle > SEEN_GRAIN:
        with transaction(engine) as session:
            seen = session.get(StaffSession, digest)
            if seen is not None:
                seen.last_seen_at = now
    return Officer(staff.id, staff.username, staff.name, staff.role, opened.csrf_token)


def close_session(engine: Engine, token: str, officer: Officer, *, now: datetime) -> None:
    with transaction(engine) as session:
        session.exec(
            sa.delete(StaffSession).where(col(StaffSession.token_digest) == _digest(token))
        )
        _log(session, officer, "logout", now)


def same_token(left: str, right: str) -> bool:
    """Whether two tokens are one, in constant time; empty ones never are."""
    return bool(left) and hmac.compare_digest(left.encode(), right.encode())


def _log(session: Session, officer: Officer, action: str, now: datetime) -> None:
    audit.record(
        session, actor=officer.actor, action=action, subject=officer.actor, details={}, now=now
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
