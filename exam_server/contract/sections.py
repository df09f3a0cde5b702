"""The time of a paper's sections: pure, the same code on both sides, as the ledger is.

A sequential paper's sections are written one after the other. A section ends when its own time is
up or when the candidate leaves it, and nobody comes back to it. Its time is its minutes, scaled as
the candidate's own extra time scales the paper's.

- A pause stops the section that is being written, as it stops the paper.
- An extension lengthens the paper and the section that is being written when it is given; one from
  before the start goes to the first section, one from after the end to the last.
- A kiosk that hears of an extension or a pause too late has closed the section by then. It stays
  closed; what was left of it by the ledger goes to the next one.
- No section ends later than the paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from exam_server.contract.errors import ContractError
from exam_server.contract.ledger import Extension, Ledger, Pause
from question_bank.package import PresentedForm

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Plan:
    """`paper`: the paper's minutes; `minutes` of each section, None where it has no own time."""

    paper: int
    minutes: tuple[int | None, ...]

    @classmethod
    def of(cls, form: PresentedForm) -> "Plan | None":
        """None where the candidate goes through the whole paper freely."""
        if not form.sequential:
            return None
        return cls(form.minutes, tuple(part.minutes for part in form.parts))

    @property
    def last(self) -> int:
        return len(self.minutes) - 1


@dataclass(frozen=True, slots=True)
class Leaving:
    """Section number `section` (from 0) ended at `at`; `by` is ``candidate`` or ``time``."""

    section: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Span:
    """A section's time: from `begins` until `ends`, which lies ahead of the one being written."""

    begins: datetime
    ends: datetime


def spans(
    plan: Plan, ledger: Ledger, leavings: Sequence[Leaving], now: datetime
) -> tuple[Span, ...]:
    """The sections that have begun by `now`, the one being written last; none before the start.

    A section that nobody left ended by itself when its time was up.
    """
    end = ledger.deadline(now)
    if ledger.started is None or end is None:
        return ()
    left = {one.section: one for one in leavings}
    found: list[Span] = []
    begins, carried = ledger.started, NOTHING
    for section in range(len(plan.minutes)):
        due = _due(plan, ledger, section, begins, carried, now)
        ends = end if due is None else min(due, end)
        leaving, given, carried = left.get(section), carried, NOTHING
        if leaving is not None and leaving.at < ends:
            ends = max(leaving.at, begins)
            if leaving.by == "time":
                then = _due(plan, ledger, section, begins, given, ends)
                carried = NOTHING if then is None else max(then - ends, NOTHING)
        found.append(Span(begins, ends))
        if leaving is None and ends > now:
            break
        begins = ends
    return tuple(found)


def ends_at(
    plan: Plan, ledger: Ledger, leavings: Sequence[Leaving], now: datetime
) -> datetime | None:
    """When the paper ends for this candidate, None before the start: as the ledger says, or with
    its last section. While an earlier section is written this is the latest moment possible."""
    end = ledger.deadline(now)
    begun = spans(plan, ledger, leavings, now)
    return begun[-1].ends if len(begun) == len(plan.minutes) else end


def check_leaving(
    plan: Plan, ledger: Ledger, leavings: Sequence[Leaving], leaving: Leaving, now: datetime
) -> None:
    """ContractError unless `leaving` can follow `leavings`."""
    if leaving.section != len(leavings) or leaving.section >= plan.last:
        raise ContractError("a section is left out of turn")
    begun = spans(plan, ledger, leavings, now)
    if leaving.section >= len(begun) or leaving.at < begun[leaving.section].begins:
        raise ContractError("a section is left before it began")


def _due(
    plan: Plan,
    ledger: Ledger,
    section: int,
    begins: datetime,
    carried: timedelta,
    now: datetime,
) -> datetime | None:
    """When the section's own time is up, by the entries until `now`; None where it has none."""
    minutes = plan.minutes[section]
    if minutes is None:
        return None
    due = begins + ledger.allowance * minutes / plan.paper + carried
    entries: list[Extension | Pause] = [*ledger.extensions, *ledger.pauses]
    for entry in sorted(entries, key=_moment):
        at = _moment(entry)
        if at > now:
            break
        open_still = at < due or section == plan.last
        if isinstance(entry, Pause):
            until = min(entry.until or now, now)
            if at < due:
                due += max(until - max(at, begins), NOTHING)
        elif open_still and (at >= begins or section == 0):
            due += entry.by
    return due


def _moment(entry: Extension | Pause) -> datetime:
    return entry.at if isinstance(entry, Extension) else entry.since
