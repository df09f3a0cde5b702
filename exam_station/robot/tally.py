"""What the robots did, counted: records, acknowledgements, receipts, refusals, times.

With a `witness` every change that was shown and every acknowledgement that came is also one line
of a file, at once: what a killed process knew outlives it.
"""

import json
import math
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class Witness:
    """Appends JSON lines, whole ones only, whoever kills the process."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def say(self, **fields: Any) -> None:
        os.write(self._handle, json.dumps(fields, ensure_ascii=False).encode() + b"\n")


class Tally:
    """Safe to use from several threads. `elapsed` gives steady seconds."""

    def __init__(self, elapsed: Callable[[], float], witness: Witness | None = None) -> None:
        self._elapsed = elapsed
        self._witness = witness
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[tuple[int, float]]] = {}
        self._acknowledged: dict[str, int] = {}
        self._latencies: list[float] = []
        self._openings: list[float] = []
        self._written = 0
        self._receipts = 0
        self._errors: Counter[str] = Counter()

    def wrote(self, attempt: str, sequence: int, head: bytes) -> None:
        """Record `sequence` is in the journal, and the candidate sees it."""
        if self._witness is not None:
            self._witness.say(event="shown", attempt=attempt, sequence=sequence, head=head.hex())
        with self._lock:
            self._written += 1
            waiting = self._waiting.setdefault(attempt, deque())
            if sequence > self._acknowledged.get(attempt, 0):
                waiting.append((sequence, self._elapsed()))

    def acknowledged(self, attempt: str, sequence: int, head: bytes) -> None:
        """The server has said that it holds everything up to record `sequence`."""
        if self._witness is not None and sequence > self._acknowledged.get(attempt, 0):
            fields = {"attempt": attempt, "sequence": sequence, "head": head.hex()}
            self._witness.say(event="acknowledged", **fields)
        now = self._elapsed()
        with self._lock:
            self._acknowledged[attempt] = max(sequence, self._acknowledged.get(attempt, 0))
            waiting = self._waiting.setdefault(attempt, deque())
            while waiting and waiting[0][0] <= sequence:
                self._latencies.append(now - waiting.popleft()[1])

    def opened(self, seconds: float) -> None:
        """A paper lay open so long after the start had been heard."""
        with self._lock:
            self._openings.append(seconds)

    def received(self, attempt: str, sequence: int, head: bytes) -> None:
        """A receipt came and was found genuine."""
        if self._witness is not None:
            fields = {"attempt": attempt, "sequence": sequence, "head": head.hex()}
            self._witness.say(event="receipt", **fields)
        with self._lock:
            self._receipts += 1

    def failed(self, code: str) -> None:
        with self._lock:
            self._errors[code] += 1

    def report(self) -> dict[str, Any]:
        """Times in seconds; None where there is nothing to take them from.

        `unacknowledged_max` is the longest that any change was on this side alone, also one that
        still is.
        """
        with self._lock:
            now = self._elapsed()
            pending = [now - written for queue in self._waiting.values() for _, written in queue]
            return {
                "written": self._written,
                "acknowledged": len(self._latencies),
                "receipts": self._receipts,
                "errors": dict(sorted(self._errors.items())),
                "acknowledgement_p50": percentile(self._latencies, 0.50),
                "acknowledgement_p99": percentile(self._latencies, 0.99),
                "unacknowledged_max": max([*self._latencies, *pending], default=None),
                "opening_p50": percentile(self._openings, 0.50),
                "opening_p99": percentile(self._openings, 0.99),
            }


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of all do not exceed; None of nothing."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(len(values) * share) - 1, 0)]
