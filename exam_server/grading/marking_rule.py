"""When the marks that people give to an answer are enough, and what they come to; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

MOST_MARKERS = 2


@dataclass(frozen=True, slots=True)
class MarkingRule:
    """`markers` people mark an answer, one or two, each without the other's mark. Two marks that
    lie further apart than `difference` go to a third person, whose mark counts."""

    markers: int = 1
    difference: Decimal = Decimal(0)

    def settled(self, points: Sequence[Decimal]) -> Decimal | None:
        """What the marks, in the order in which they were given, come to; None: not enough yet."""
        if len(points) < self.markers:
            return None
        if self.markers == 1:
            return points[0]
        if len(points) > MOST_MARKERS:
            return points[MOST_MARKERS]
        first, second = points
        return (first + second) / 2 if abs(first - second) <= self.difference else None
