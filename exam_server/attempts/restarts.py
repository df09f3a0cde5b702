"""Kiosks that began again in the middle of a paper: what was lost is an officer's to give back.

An outage is not refunded by itself. The station tells with its heartbeats that it began again and
how long it was gone; until an officer extends the time or says why not, the room page shows it.
"""

from datetime import datetime

from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts.models import Attempt, KioskRestart, Lease, of_attempt
from exam_server.audit import Actor
from exam_server.contract.api import RestartView
from exam_server.errors import NotPossibleError, Objection
from exam_server.stations.models import Station


def note(session: Session, station: Station, told: RestartView, now: datetime) -> None:
    """Keeps what a station tells of its restart, once; of its own attempts only."""
    kept = session.get(KioskRestart, (station.centre_id, told.attempt, told.since))
    away = None if told.away is None else round(told.away.total_seconds())
    if kept is not None:
        if kept.away_seconds is None and kept.station_id == station.id:
            kept.away_seconds = away
        return
    if not _wrote(session, station, told.attempt):
        return
    session.add(
        KioskRestart(
            attempt_id=told.attempt,
            since=told.since,
            centre_id=station.centre_id,
            station_id=station.id,
            estimated=told.estimated,
            away_seconds=away,
            told_at=now,
        )
    )
    audit.record(
        session,
        actor=f"station:{station.id}",
        action="kiosk_restarted",
        subject=f"attempt:{told.attempt}",
        details={} if away is None else {"seconds": away},
        now=now,
    )


def _wrote(session: Session, station: Station, attempt_id: str) -> bool:
    held = select(Lease.epoch).where(
        Lease.centre_id == station.centre_id,
        Lease.attempt_id == attempt_id,
        Lease.station_id == station.id,
    )
    return session.scalar(held.limit(1)) is not None


def settle(session: Session, attempt: Attempt, officer: Actor, now: datetime) -> int:
    """The officer has decided on every restart told so far; how many were open."""
    unsettled = session.exec(
        select(KioskRestart).where(
            *of_attempt(KioskRestart, attempt), col(KioskRestart.settled_at).is_(None)
        )
    ).all()
    for restart in unsettled:
        restart.settled_at, restart.settled_by = now, officer.actor
    return len(unsettled)


def give_nothing(
    session: Session, attempt: Attempt, *, officer: Actor, reason: str, now: datetime
) -> None:
    """No time is given for the restarts of the attempt's kiosk, for a reason."""
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "a reason is needed")
    if not settle(session, attempt, officer, now):
        raise NotPossibleError(Objection.NOTHING_TO_DO, "no restart waits for a decision")
    audit.record(
        session,
        actor=officer.actor,
        action="restart_not_refunded",
        subject=f"attempt:{attempt.id}",
        details={"reason": reason.strip()},
        now=now,
    )
