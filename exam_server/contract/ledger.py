"""The time of an attempt: one pure ledger, the same code on both sides.

Moments are in the server's time. An outage is not refunded by itself: only what is written here
moves a deadline.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exam_server.contract.errors import ContractError


@dataclass(frozen=True, slots=True)
class Pause:
    """From `since` to `until`; `until` is None while it lasts."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """`allowance`: the paper's time with personal extra time; `extensions`: what officers added."""

    allowance: timedelta
    started: datetime | None = None
    extensions: tuple[timedelta, ...] = ()
    pauses: tuple[Pause, ...] = ()

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1].until is None

    def start(self, now: datetime) -> "Ledger":
        """Idempotent: the first start counts."""
        return self if self.started is not None else replace(self, started=now)

    def extend(self, by: timedelta) -> "Ledger":
        if by <= timedelta(0):
            raise ContractError("an extension must be longer than nothing")
        return replace(self, extensions=(*self.extensions, by))

    def pause(self, now: datetime) -> "Ledger":
        return self if self.paused else replace(self, pauses=(*self.pauses, Pause(now)))

    def resume(self, now: datetime) -> "Ledger":
        if not self.paused:
            return self
        last = self.pauses[-1]
        return replace(self, pauses=(*self.pauses[:-1], replace(last, until=max(now, last.since))))

    def _paused_time(self, now: datetime) -> timedelta:
        spans = ((pause.until or now) - pause.since for pause in self.pauses)
        return sum((max(span, timedelta(0)) for span in spans), timedelta(0))

    def deadline(self, now: datetime) -> datetime | None:
        """When the time is up, None before the start. Moves on while the attempt is paused."""
        if self.started is None:
            return None
        total = self.allowance + sum(self.extensions, timedelta(0))
        return self.started + total + self._paused_time(now)

    def remaining(self, now: datetime) -> timedelta:
        """Time left at `now`, never below zero; the whole allowance before the start."""
        deadline = self.deadline(now)
        if deadline is None:
            return self.allowance + sum(self.extensions, timedelta(0))
        return max(deadline - now, timedelta(0))
