"""Sequential papers at the server: what was left, and until when an item could be answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from exam_server.attempts.models import Attempt
from exam_server.contract.ledger import Ledger
from exam_server.contract.records import Left
from exam_server.contract.sections import Leaving, Plan, check_leaving, ends_at, spans
from exam_server.forms.models import Form, Paper


@dataclass(frozen=True, slots=True)
class Sections:
    """A sequential paper's sections; `of_item`: the section (from 0) of each presented item."""

    plan: Plan
    of_item: Mapping[str, int]

    def answerable_until(
        self, attempt: Attempt, ledger: Ledger, item: str, now: datetime
    ) -> datetime | None:
        """When the item's section ends; None where it has not begun, or there is no such item."""
        section = self.of_item.get(item)
        begun = spans(self.plan, ledger, leavings_of(attempt), now)
        return None if section is None or section >= len(begun) else begun[section].ends

    def leave(self, attempt: Attempt, ledger: Ledger, left: Left, now: datetime) -> None:
        """Notes that a section ended; ContractError where it cannot have ended so."""
        known = leavings_of(attempt)
        check_leaving(self.plan, ledger, known, _leaving(left.section, left.at, left.by), now)
        attempt.sections_left = [*(attempt.sections_left or ()), [left.section, left.at, left.by]]


def sections_of(session: Session, attempt: Attempt) -> Sections | None:
    """The sections of the attempt's form; None where its paper is gone through freely."""
    query = (
        select(Form.sections, Paper.minutes)
        .join(Paper, col(Paper.id) == Form.paper_id)
        .where(Form.id == attempt.form_id)
    )
    sections, minutes = session.exec(query).one()
    if sections is None:
        return None
    plan = plan_of(sections, minutes)
    of_item = {item: place for place, one in enumerate(sections) for item in one["items"]}
    return Sections(plan, of_item)


def plan_of(sections: Sequence[Mapping[str, Any]], minutes: int) -> Plan:
    """`sections` as the form's row keeps them, `minutes` of the whole paper."""
    return Plan(minutes, tuple(one["minutes"] for one in sections))


def leavings_of(attempt: Attempt) -> list[Leaving]:
    """What the kept records say of sections that ended."""
    return [_leaving(*one) for one in attempt.sections_left or ()]


def end_of(session: Session, attempt: Attempt, ledger: Ledger, now: datetime) -> datetime | None:
    """When the whole paper ends for this candidate; None before the start."""
    sections = sections_of(session, attempt)
    if sections is None:
        return ledger.deadline(now)
    return ends_at(sections.plan, ledger, leavings_of(attempt), now)


def _leaving(section: int, at: int, by: str) -> Leaving:
    return Leaving(section, datetime.fromtimestamp(at / 1000, UTC), by)
