"""The time of an attempt: one pure ledger, the same code on both sides.

Moments are in the server's time. An outage is not refunded by itself: only what is written here
moves a deadline.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from exam_server.contract.errors import ContractError


@dataclass(frozen=True, slots=True)
class Pause:
    """From `since` to `until`; `until` is None while it lasts."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """`by` more time, given at `at`."""

    at: datetime
    by: timedelta


@dataclass(frozen=True, slots=True)
class Ledger:
    """`allowance`: the paper's time with personal extra time; `extensions`: what officers added.

    `position` numbers the entries so far: of two ledgers of an attempt, the higher is the later.
    """

    allowance: timedelta
    started: datetime | None = None
    extensions: tuple[Extension, ...] = ()
    pauses: tuple[Pause, ...] = ()
    position: int = 0

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1].until is None

    def start(self, now: datetime) -> "Ledger":
        """Idempotent: the first start counts."""
        return self if self.started is not None else self._moved(started=now)

    def allow(self, allowance: timedelta) -> "Ledger":
        """Another time for the whole paper, before the start."""
        if self.started is not None or allowance <= timedelta(0):
            raise ContractError("the time of a paper is set before its start, and is some")
        return self._moved(allowance=allowance)

    def extend(self, by: timedelta, at: datetime) -> "Ledger":
        if by <= timedelta(0):
            raise ContractError("an extension must be longer than nothing")
        return self._moved(extensions=(*self.extensions, Extension(at, by)))

    def pause(self, now: datetime) -> "Ledger":
        return self if self.paused else self._moved(pauses=(*self.pauses, Pause(now)))

    def resume(self, now: datetime) -> "Ledger":
        if not self.paused:
            return self
        last = self.pauses[-1]
        return self._moved(pauses=(*self.pauses[:-1], replace(last, until=max(now, last.since))))

    def _moved(self, **changes: Any) -> "Ledger":
        return replace(self, position=self.position + 1, **changes)

    @property
    def moved_at(self) -> datetime | None:
        """The moment of the last entry that concerns a running clock, None before the start."""
        if self.started is None:
            return None
        pauses = (pause.until or pause.since for pause in self.pauses)
        return max((self.started, *(one.at for one in self.extensions), *pauses))

    @property
    def total(self) -> timedelta:
        """The time for the whole paper, extensions included."""
        return self.allowance + sum((one.by for one in self.extensions), timedelta(0))

    def _paused_time(self, now: datetime) -> timedelta:
        spans = ((pause.until or now) - pause.since for pause in self.pauses)
        return sum((max(span, timedelta(0)) for span in spans), timedelta(0))

    def deadline(self, now: datetime) -> datetime | None:
        """When the time is up, None before the start. Moves on while the attempt is paused."""
        if self.started is None:
            return None
        return self.started + self.total + self._paused_time(now)

    def remaining(self, now: datetime) -> timedelta:
        """Time left at `now`, never below zero; the whole allowance before the start."""
        deadline = self.deadline(now)
        if deadline is None:
            return self.total
        return max(deadline - now, timedelta(0))
