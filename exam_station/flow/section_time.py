"""The time of the paper on the screen: a free paper's, or that of a sequential one's section."""

from datetime import UTC, datetime, timedelta

from exam_server.contract.sections import Leaving, Plan, spans
from exam_station.flow.screens import Writing

NOTHING = timedelta(0)


def ends(paper: Writing, now: datetime) -> datetime | None:
    """When the candidate must have answered what is open to them now; None before the start."""
    plan = Plan.of(paper.sitting.form)
    if plan is None:
        return paper.ledger.deadline(now)
    left = paper.sitting.left
    leavings = [Leaving(one.section, _moment(one.at), one.by) for one in left]
    begun = spans(plan, paper.ledger, leavings, now)
    return begun[len(left)].ends if len(left) < len(begun) else paper.ledger.deadline(now)


def remaining(paper: Writing, now: datetime) -> timedelta:
    """The time that is left for what is open, never below zero."""
    due = ends(paper, now)
    return paper.ledger.remaining(now) if due is None else max(due - now, NOTHING)


def section(paper: Writing) -> tuple[int, int] | None:
    """Which section of how many is being written, from 1; None in a free paper."""
    form = paper.sitting.form
    return (len(paper.sitting.left) + 1, len(form.parts)) if form.sequential else None


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
