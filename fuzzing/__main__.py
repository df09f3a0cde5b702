"""``make fuzz [SECONDS=…]``: hostile bytes for every parser and every conversation.

    python -m fuzzing --seconds 600 [--seed N]   Hypothesis, and coverage-guided where atheris is
    python -m fuzzing --short                    the same few cases each time, by Hypothesis alone
    python -m fuzzing --target NAME --case FILE  one case again, with its traceback
    python -m fuzzing --list                     the targets

Writes build/bench/fuzz.json.  Ends with 1 where something was found.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fuzzing.findings import FOLDER, FUZZ, ROOT

SHORT_CASES = 50  # of each target
SPARE_SECONDS = 120.0  # for starting, and for a last case
CASE_SECONDS = 20
MAX_CASE = 16 * 1024
GUIDED_GROUPS = ("parsers", "forgeries", "conversation")
INSTALL = (
    "coverage-guided fuzzing needs atheris: .venv/bin/pip install atheris "
    "(CPython on x86-64 Linux); going on with Hypothesis alone"
)
Json = dict[str, Any]
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_PEAK = re.compile(r"stat::peak_rss_mb:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+)")
_FINDING = re.compile(r"FINDING (\{.*\})")


def by_hypothesis(options: list[str], seconds: float) -> Json:
    """Hypothesis over all targets, in a process whose memory is watched."""
    ended = _run(["fuzzing.search", *options], seconds)
    try:
        account: Json = json.loads(ended.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return {"cases": 0, "findings": [_broken("fuzzing.search", ended)]}
    return account


def by_coverage(group: str, seconds: float) -> Json:
    """One group of targets by atheris; its corpus stays for the next time."""
    options = [
        f"-max_total_time={max(1, round(seconds))}",
        f"-timeout={CASE_SECONDS}",
        f"-max_len={MAX_CASE}",
        f"-artifact_prefix={FOLDER}/{group}-",
        "-print_final_stats=1",
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    ended = _run(["fuzzing.guided", group, *options, str(FUZZ / "corpus" / group)], seconds)
    said = ended.stderr
    found = [json.loads(item) for item in _FINDING.findall(said)]
    if ended.returncode and not found:
        found = [_broken(group, ended)]
    return {
        "cases": _number(_EXECUTED, said),
        "covered_edges": _number(_COVERED, said),
        "peak_mb": _number(_PEAK, said),
        "findings": found,
    }


def _run(module: list[str], seconds: float) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", *module]
    try:
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + SPARE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "a case does not end")


def _broken(name: str, ended: "subprocess.CompletedProcess[str]") -> Json:
    last = ended.stderr.strip().splitlines()[-1:] or [f"ended with {ended.returncode}"]
    return {"target": name, "what": last[0][:200], "again": f"the cases of {name} in {FOLDER}"}


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.findall(text)
    return int(found[-1]) if found else 0


def long_run(seconds: float, number: int) -> Mapping[str, Json]:
    """All jobs side by side on all cores, each with its share of the time."""
    guided = find_spec("atheris") is not None
    if not guided:
        print(f"fuzzing: {INSTALL}", file=sys.stderr)
    groups = GUIDED_GROUPS if guided else ()
    cores = os.cpu_count() or 1
    share = seconds * min(1.0, cores / (1 + len(groups)))
    options = [f"--seconds={share}", f"--seed={number}"]
    jobs: dict[str, Callable[[], Json]] = {"hypothesis": lambda: by_hypothesis(options, share)}
    for group in groups:
        jobs[f"guided_{group}"] = lambda group=group: by_coverage(group, share)  # type: ignore[misc]  # bound by its default
    with ThreadPoolExecutor(cores) as pool:
        running = {name: pool.submit(job) for name, job in jobs.items()}
        return {name: job.result() for name, job in running.items()}


def report(jobs: Mapping[str, Json], seconds: float, number: int) -> Json:
    findings = [item for job in jobs.values() for item in job["findings"]]
    return {
        "name": "fuzz",
        "value": sum(job["cases"] for job in jobs.values()),
        "unit": "cases",
        "ceiling": None,
        "ratio": None,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {
            "seconds": round(seconds, 1),
            "seed": number,
            "guided": len(jobs) > 1,
            "findings": findings,
            "jobs": dict(jobs),
        },
    }


def repeat(target: str, case: Path) -> int:
    """One case again, whatever comes of it."""
    from fuzzing.targets import TARGETS

    accepted = TARGETS[target].run(case.read_bytes())
    print(f"{target}: {'accepted' if accepted else 'refused as it should be'}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzzing", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--target")
    parser.add_argument("--case", type=Path)
    arguments = parser.parse_args()
    if arguments.list or arguments.case or arguments.target:
        return _one(parser, arguments)
    started = time.monotonic()
    jobs: Mapping[str, Json]
    if arguments.short:
        options = [f"--cases={SHORT_CASES}", f"--seed={arguments.seed}"]
        jobs = {"hypothesis": by_hypothesis(options, 0.0)}
    else:
        jobs = long_run(arguments.seconds, arguments.seed)
    result = report(jobs, time.monotonic() - started, arguments.seed)
    path = ROOT / "build" / "bench" / "fuzz.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    return _say(result)


def _one(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from fuzzing.targets import TARGETS

    if arguments.list:
        print("\n".join(TARGETS))
        return 0
    if arguments.target not in TARGETS or not (arguments.case and arguments.case.is_file()):
        parser.error("--target and --case go together: a target of --list and a file")
    return repeat(arguments.target, arguments.case)


def _say(result: Json) -> int:
    details = result["details"]
    for name, job in details["jobs"].items():
        above, peak = job.get("above_idle_mb"), job.get("peak_mb")
        memory = f"{peak} MB in all" if above is None else f"{above} MB above idle"
        print(f"  {name:22} {job['cases']:>9} cases, {memory}")
    for item in details["findings"]:
        print(f"  {item['target']}: {item['what']}\n    {item.get('again', '')}", file=sys.stderr)
    found = len(details["findings"])
    print(f"fuzz {result['value']} cases in {details['seconds']} s, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
