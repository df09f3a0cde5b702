"""The server's time on the station: the boot clock plus an offset heard from the server.

Linux's CLOCK_BOOTTIME counts through suspend and is moved by nobody; the wall clock is not used
for anything in an exam. Pure but for the two sources that are handed in.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def boot_seconds() -> float:
    """Seconds since the machine was started, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wall_time() -> datetime:
    return datetime.now(UTC)


#: Two crystals part by no more than this (50 parts in a million, a generous quartz).
DRIFT = 50e-6


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's time was `server_time` at `boot`, give or take `error` seconds."""

    boot: float
    server_time: datetime
    error: float

    def error_at(self, boot: float) -> float:
        return self.error + DRIFT * abs(boot - self.boot)


class ServerClock:
    """The server's time, once it has been heard; safe to use from several threads."""

    def __init__(self, boot: Callable[[], float] = boot_seconds) -> None:
        self._boot = boot
        self._sample: Sample | None = None
        self._corrected: timedelta | None = None

    @property
    def sample(self) -> Sample | None:
        """What the clock goes by, None before the server was heard."""
        return self._sample

    @property
    def estimated(self) -> bool:
        """Whether the machine was restarted and the server not heard since: nobody knows how much
        later than `now` it is."""
        return self._sample is not None and math.isinf(self._sample.error)

    @property
    def corrected(self) -> timedelta | None:
        """How much later it was than an estimated clock said, once the server was heard."""
        return self._corrected

    def resume(self, sample: Sample) -> None:
        """Goes on by a sample that an earlier run took since the machine was started."""
        if self._sample is None:
            self._sample = sample

    def stand(self, at: datetime) -> None:
        """Goes on from `at`, by estimate, until the server is heard: the machine was off since."""
        if self._sample is None:
            self._sample = Sample(self._boot(), at, math.inf)

    def not_before(self, moment: datetime) -> None:
        """An estimated clock is not earlier than `moment`, which has been."""
        now = self.now()
        if self.estimated and now is not None and now < moment:
            self._sample = Sample(self._boot(), moment, math.inf)

    @property
    def elapsed(self) -> float:
        """Steady seconds, from an arbitrary start."""
        return self._boot()

    @property
    def error(self) -> float | None:
        """Seconds by which `now` may be wrong, None before the server was heard."""
        sample = self._sample
        return None if sample is None else sample.error_at(self._boot())

    def now(self) -> datetime | None:
        """The server's time, None before it was heard."""
        sample = self._sample
        if sample is None:
            return None
        return sample.server_time + timedelta(seconds=self._boot() - sample.boot)

    def hear(self, server_time: datetime, *, sent: float, received: float) -> None:
        """A request of `sent` was answered at `received` (boot seconds) with `server_time`.

        The answer left the server somewhere between the two (Cristian's algorithm). A sample
        that is less exact than the one at hand, drift included, is not taken, unless the two
        contradict each other: then the server's clock was set, and the server is right.
        """
        sample = Sample((sent + received) / 2, server_time, max(received - sent, 0.0) / 2)
        known = self._sample
        if known is None:
            self._sample = sample
            return
        gap = server_time - (known.server_time + timedelta(seconds=sample.boot - known.boot))
        if math.isinf(known.error):
            self._corrected = max(gap, timedelta(0))
        uncertain = known.error_at(received)
        if uncertain <= sample.error and abs(gap.total_seconds()) <= uncertain + sample.error:
            return
        self._sample = sample

    def signing_time(self, guess: Callable[[], datetime] = wall_time) -> datetime:
        """The moment to sign a request with. Before the server was heard it is a mere guess:
        a wrong one is answered by a refusal that tells the time."""
        return self.now() or guess()
