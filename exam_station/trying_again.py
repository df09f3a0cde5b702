"""How long to wait before the server is asked again."""

from exam_station.client import ClientError, ServerRefusedError

BACK_OFF_FIRST, BACK_OFF_MOST = 0.5, 15.0
LONGEST_ASKED = 60.0


def back_off(failures: int, jitter: float) -> float:
    """Seconds to wait after `failures` earlier ones: doubling, capped, and 50 to 100 % of it.

    `jitter` in [0, 1) keeps a room's stations from coming back in step.
    """
    longest = min(BACK_OFF_FIRST * 2 ** min(failures, 10), BACK_OFF_MOST)
    return float(longest * (0.5 + jitter / 2))


def asked_by(error: ClientError) -> float | None:
    """The seconds that a busy server asked to be left alone, None where it did not."""
    asked = error.retry_after if isinstance(error, ServerRefusedError) else None
    return min(asked, LONGEST_ASKED) if asked else None


def spread(seconds: float, jitter: float) -> float:
    """`seconds` and up to half as much again; `jitter` in [0, 1)."""
    return seconds * (1 + jitter / 2)
