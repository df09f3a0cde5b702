"""Waiting for what must happen."""

import time
from collections.abc import Callable


class StalledError(Exception):
    """The robots did not get on where nothing was wrong: the harness, or the system, is broken."""


def until(done: Callable[[], bool], seconds: float) -> bool:
    """Whether `done` came to be true within `seconds`."""
    end = time.monotonic() + seconds
    while not (is_done := done()) and time.monotonic() < end:
        time.sleep(0.01)
    return is_done
