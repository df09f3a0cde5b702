"""From the marks of a shift to the statistics of its items."""

from collections import defaultdict
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.attempts.models import Attempt
from exam_server.grading.models import ItemScore
from exam_server.items import statistics
from exam_server.results.models import PaperResult
from exam_server.shifts.models import Shift
from question_bank.psychometrics.classical import Mark, statistics_of


def count(session: Session, shift: Shift, *, now: datetime) -> int:
    """Counts the marks of a shift's graded attempts, anew; gives of how many versions. An answer
    that waits for people's marks tells nothing yet."""
    marks: dict[str, list[Mark]] = defaultdict(list)
    attempt = (col(Attempt.centre_id) == shift.centre_id) & (col(Attempt.shift_id) == shift.id)
    results = select(PaperResult).join(Attempt, _same_attempt(PaperResult)).where(attempt)
    totals = {result.attempt_id: result.total for result in session.exec(results)}
    scores = select(ItemScore).join(Attempt, _same_attempt(ItemScore)).where(attempt)
    for score in session.exec(scores):
        if score.awaiting:
            continue
        mark = Mark(score.raw, score.maximum, totals[score.attempt_id])
        marks[score.item_version_id].append(mark)
    counted = {version: statistics_of(of_version) for version, of_version in marks.items()}
    source = f"shift:{shift.id}"
    for version, told in counted.items():
        if told is not None:
            statistics.keep(session, version, source, told, now=now)
    return sum(told is not None for told in counted.values())


def _same_attempt(rows: type[ItemScore] | type[PaperResult]) -> sa.ColumnElement[bool]:
    of_centre = col(Attempt.centre_id) == col(rows.centre_id)
    return of_centre & (col(Attempt.id) == col(rows.attempt_id))
