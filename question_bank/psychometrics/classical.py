"""Classical statistics of an item: how difficult it was, and how well it told candidates apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt

_FINEST = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Mark:
    """One candidate's mark of an item, what it could have been at most, and the paper's total."""

    raw: Decimal
    maximum: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """`answers`: how many candidates; `difficulty`: the mean share of the item's marks (p, 0 to 1;
    0 where penalties exceed the marks); `discrimination`: the correlation of the item's mark with
    the rest of the paper (−1 to 1), None where either never differs. In thousandths, rounded to
    even.
    """

    answers: int
    difficulty: Decimal
    discrimination: Decimal | None


def statistics_of(marks: Sequence[Mark]) -> ItemStatistics | None:
    """The statistics of an item from all its marks; None where there is none to speak of."""
    counted = [mark for mark in marks if mark.maximum > 0]
    if not counted:
        return None
    share = sum((mark.raw / mark.maximum for mark in counted), Decimal()) / len(counted)
    rest = [mark.total - mark.raw for mark in counted]
    return ItemStatistics(
        answers=len(counted),
        difficulty=min(max(share, Decimal(0)), Decimal(1)).quantize(_FINEST),
        discrimination=_correlation([mark.raw for mark in counted], rest),
    )


def _correlation(first: Sequence[Decimal], second: Sequence[Decimal]) -> Decimal | None:
    """Pearson's; sums are exact, so that the order of candidates changes nothing."""
    n = len(first)
    sum_a, sum_b = sum(first, Decimal()), sum(second, Decimal())
    products = sum((a * b for a, b in zip(first, second, strict=True)), Decimal())
    spread_a = n * sum((a * a for a in first), Decimal()) - sum_a * sum_a
    spread_b = n * sum((b * b for b in second), Decimal()) - sum_b * sum_b
    if spread_a <= 0 or spread_b <= 0:
        return None
    value = Decimal(float(n * products - sum_a * sum_b) / sqrt(float(spread_a) * float(spread_b)))
    return min(max(value, Decimal(-1)), Decimal(1)).quantize(_FINEST)
