"""The records so far, for the station that goes on with an attempt begun at another one."""

from datetime import datetime

from sqlmodel import Session, col, select

from exam_server.attempts.granting import current_lease
from exam_server.attempts.models import JournalRecord
from exam_server.attempts.service import station_attempt
from exam_server.contract.api import HistoryRequest, HistoryView
from exam_server.stations.models import Station

PAGE = 500


def history(
    session: Session,
    attempt_id: str,
    asked: HistoryRequest,
    *,
    station: Station,
    now: datetime,
    page: int = PAGE,
) -> HistoryView:
    """At most `page` records behind `asked.after`, their bytes as kept.

    Only for the station that holds the lease in force and stands at the candidate's seat.
    """
    attempt = station_attempt(session, attempt_id, station)
    current_lease(session, attempt, station)
    kept = session.exec(
        select(JournalRecord.data)
        .where(
            JournalRecord.centre_id == attempt.centre_id,
            JournalRecord.attempt_id == attempt.id,
            JournalRecord.sequence > asked.after,
        )
        .order_by(col(JournalRecord.sequence))
        .limit(page)
    ).all()
    return HistoryView(
        records=list(kept), sequence=attempt.sequence, head=attempt.head, server_time=now
    )
