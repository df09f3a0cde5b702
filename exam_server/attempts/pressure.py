"""Back-pressure: how fast batches are settled, and when who finds no room is to come again. Pure.

Stations that are sent away get one place each in the line behind what is waiting, at the present
rate: they come back evenly, not all at once.
"""

from dataclasses import dataclass

#: What is taken for the rate before anything was measured, in batches a second.
FIRST_RATE = 500.0
#: How much of what was measured still counts after the next group.
MEMORY = 0.9
SOONEST, LATEST = 0.2, 30.0


@dataclass(slots=True)
class Pressure:
    """Moments and durations in seconds of one monotonic clock."""

    count: float = 0.0
    busy: float = 0.0
    booked: float = 0.0

    @property
    def rate(self) -> float:
        """Batches a second, over the last groups."""
        return self.count / self.busy if self.busy > 0 and self.count > 0 else FIRST_RATE

    def settled(self, batches: int, seconds: float) -> None:
        """A group of `batches` took `seconds`."""
        self.count = self.count * MEMORY + batches
        self.busy = self.busy * MEMORY + seconds

    def come_again(self, waiting: int, now: float) -> float:
        """In how many seconds the next station that finds no room is to come; books its place."""
        free = now + waiting / self.rate
        self.booked = max(self.booked, free) + 1 / self.rate
        return min(max(self.booked - now, SOONEST), LATEST)
