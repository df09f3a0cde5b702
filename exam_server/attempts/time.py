"""An attempt's ledger in the database: entries in, `contract.ledger.Ledger` out."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.attempts.models import Attempt, LedgerEntry, LedgerKind
from exam_server.contract.ledger import Ledger


def ledger_of(session: Session, attempt: Attempt) -> Ledger:
    """The ledger that the attempt's entries say."""
    ledger = Ledger(allowance=timedelta(seconds=attempt.allowance_seconds))
    for entry in session.exec(
        select(LedgerEntry)
        .where(LedgerEntry.attempt_id == attempt.id)
        .order_by(col(LedgerEntry.position))
    ):
        match entry.kind:
            case LedgerKind.START:
                ledger = ledger.start(entry.at)
            case LedgerKind.EXTEND:
                ledger = ledger.extend(timedelta(seconds=entry.seconds))
            case LedgerKind.PAUSE:
                ledger = ledger.pause(entry.at)
            case LedgerKind.RESUME:
                ledger = ledger.resume(entry.at)
    return ledger


def enter(
    session: Session,
    attempt: Attempt,
    kind: LedgerKind,
    *,
    at: datetime,
    seconds: int = 0,
    officer: str | None = None,
) -> None:
    """Adds an entry at the end. Two at once collide on their position, and one is told to retry."""
    last = session.scalar(
        select(sa.func.max(LedgerEntry.position)).where(LedgerEntry.attempt_id == attempt.id)
    )
    session.add(
        LedgerEntry(
            attempt_id=attempt.id,
            centre_id=attempt.centre_id,
            position=(last or 0) + 1,
            kind=kind,
            at=at,
            seconds=seconds,
            officer=officer,
        )
    )
    session.flush()


def start(session: Session, attempt: Attempt, at: datetime) -> None:
    """Writes the start, where it is not written yet; the first one counts."""
    if ledger_of(session, attempt).started is None:
        enter(session, attempt, LedgerKind.START, at=at)
