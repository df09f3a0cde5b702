"""What happened, when, how long it took and how it ended; printed as it goes, kept as JSON."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


class ActFailedError(Exception):
    """An act of the demo did not end as it must; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the timeline. `at` and `seconds` are counted from the demo's start."""

    name: str
    at: float
    seconds: float
    verdict: str
    detail: str


class Timeline:
    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.degraded: list[str] = []
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._start

    @contextmanager
    def act(self, name: str) -> Iterator[list[str]]:
        """Times a block. What the block appends to the given list is the act's detail."""
        begun, said = self.elapsed, list[str]()
        try:
            yield said
        except Exception as error:
            self._add(Act(name, begun, self.elapsed - begun, "FAILED", str(error)))
            raise ActFailedError(f"{name}: {error}") from error
        self._add(Act(name, begun, self.elapsed - begun, "ok", "; ".join(said)))

    def mark_degraded(self, reason: str) -> None:
        self.degraded.append(reason)
        print(f"DEGRADED: {reason}", flush=True)

    def _add(self, act: Act) -> None:
        self.acts.append(act)
        line = f"{act.at:6.1f} s  {act.seconds:5.1f} s  {act.verdict:6}  {act.name}"
        print(f"{line}: {act.detail}" if act.detail else line, flush=True)

    def save(self, path: Path) -> None:
        content = {"seconds": round(self.elapsed, 2), "degraded": self.degraded}
        acts = [asdict(act) for act in self.acts]
        path.write_text(json.dumps({**content, "acts": acts}, ensure_ascii=False, indent=1))
