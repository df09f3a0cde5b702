"""Hypothesis over every target: cases from bytes, shrunk to the smallest that still fails.

    python -m fuzzing.search --cases 100           the same cases each time
    python -m fuzzing.search --seconds 60 --seed 7

Prints what was run as one JSON object.  With a finding it ends with 1, and the smallest case lies
in the folder of findings.
"""

import argparse
import json
import logging
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fuzzing import findings, memory
from fuzzing.mutation import MAX_CHANGES, RECORD, changed, changes_of
from fuzzing.target import Target
from fuzzing.targets import TARGETS

BATCH = 100
MAX_RAW = 300
MAX_SCRIPT = 60


@dataclass(slots=True)
class Account:
    """What was run: cases of each target, and how many of them were accepted."""

    cases: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    slowest: str = ""
    above_idle: int = 0
    findings: list[dict[str, str]] = field(default_factory=list)

    def run(self, target: Target, case: bytes) -> None:
        started = time.perf_counter()
        self.cases[target.name] += 1
        self.accepted[target.name] += target.run(case)
        taken = time.perf_counter() - started
        if taken > self.slowest_seconds:
            self.slowest_seconds, self.slowest = taken, target.name

    def to_dict(self) -> dict[str, object]:
        return {
            "cases": sum(self.cases.values()),
            "targets": {
                name: {"cases": count, "accepted": self.accepted[name]}
                for name, count in self.cases.items()
            },
            "slowest_ms": round(self.slowest_seconds * 1000),
            "slowest_target": self.slowest,
            "above_idle_mb": round(self.above_idle / 1024 / 1024, 1),
            "findings": self.findings,
        }


def cases_of(target: Target) -> st.SearchStrategy[bytes]:
    """Scripts as they come; files made by changing a seed, or out of nothing."""
    if target.script:
        return st.binary(max_size=MAX_SCRIPT)
    changes = st.binary(max_size=MAX_CHANGES * RECORD).map(changes_of)
    return st.builds(changed, st.sampled_from(target.seeds()), changes) | st.binary(
        max_size=MAX_RAW
    )


def search(
    target: Target, count: int, number: int, account: Account, *, shrink: bool = True
) -> None:
    """So many cases of one target; one that fails is made small and kept."""
    failing: list[bytes] = []
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases_of(target))
    def run(case: bytes) -> None:
        failing[:] = [case]  # the last one run is the smallest that fails
        account.run(target, case)

    try:
        run()
    except Exception as error:  # noqa: BLE001 - whatever was let through is the finding
        path = findings.keep(target.name, failing[0])
        traceback.print_exception(error)
        account.findings.append(findings.named(target.name, path, error))


def search_all(
    targets: Mapping[str, Target], *, cases: int | None, seconds: float, number: int
) -> Account:
    """Every target in turn: `cases` of each, or in batches until the time is over."""
    account = Account()
    for target in targets.values():  # whatever is made once for all is made now
        for case in (*target.seeds(), b"", bytes(MAX_SCRIPT)) if not target.script else (b"",):
            account.run(target, case)
    memory.forget_peak()
    idle, end = memory.resident(), time.monotonic() + seconds
    while not account.findings:
        for target in targets.values():
            if cases is None and time.monotonic() > end:
                break
            search(target, cases or BATCH, number, account)
        account.above_idle = max(0, memory.peak() - idle)
        if cases is not None or time.monotonic() > end:
            break
        number += 1
    if account.above_idle > memory.MAX_ABOVE_IDLE:
        account.findings.append({"target": "all", "what": "more than 64 MB above idle"})
    return account


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzzing.search")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--cases", type=int)
    length.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=TARGETS, action="append")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    chosen = {name: TARGETS[name] for name in arguments.target or TARGETS}
    account = search_all(
        chosen, cases=arguments.cases, seconds=arguments.seconds, number=arguments.seed
    )
    print(json.dumps(account.to_dict()))
    return 1 if account.findings else 0


if __name__ == "__main__":
    sys.exit(main())
