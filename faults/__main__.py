"""``make faults N=1000 [SEED=…]``: N faults, and L, how many promised changes are lost.

    python -m faults 1000 [--seed S] [--database sqlite|postgresql|both] [--json]

The last line is ``faults N lost L``; exit 0 where L is 0. `build/bench/faults.json` has the rest.
"""

import argparse
import json
import math
import os
import platform
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from faults import shim
from faults.episode import Outcome, play
from faults.kinds import Kind, deal, kinds_for, schedule
from faults.site import PROCESSES, Conditions
from faults.waiting import StalledError
from faults.world import Setting
from rig.processes import ProcessFailedError

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
#: So many faults fall on one exam; then another begins, on the other database.
AN_EPISODE = 112
GOOD, BAD, UNUSABLE = 0, 1, 2


def main() -> int:
    options = _arguments()
    try:
        report = run(options)
    except (ProcessFailedError, StalledError) as error:
        print(f"faults: {error}", file=sys.stderr)
        return UNUSABLE
    target = BUILD / "bench" / "faults.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, ensure_ascii=False, indent=1), "utf-8")
    faults, lost = report["details"]["faults"], report["value"]
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
    print(f"faults {faults} lost {lost}", file=sys.stderr if options.json else sys.stdout)
    sys.stdout.flush()
    missed = [
        kind for kind, count in report["details"]["fired"].items() if count < max(1, faults // 20)
    ]
    if missed:
        print(f"faults: too few of {', '.join(missed)}", file=sys.stderr)
    return GOOD if lost == 0 and not missed else BAD


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("faults", type=int, metavar="N", help="how many, each kind at least once")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    if not len(Kind) <= options.faults <= 100_000:
        parser.error(f"N is {len(Kind)} to 100000: each kind has to happen")
    return options


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All episodes; the report as `build/bench/faults.json` has it."""
    began = time.monotonic()
    folder = BUILD / "faults"
    shutil.rmtree(folder, ignore_errors=True)
    library = shim.build(BUILD)
    rng = random.Random(options.seed)
    sites = conditions(options.database, options.faults, rng)
    several = [site.several for site in sites]
    kinds = schedule(options.faults, rng, several=any(several))
    fired: Counter[Kind] = Counter()
    episodes = []
    lost = 0
    for number, (site, hand) in enumerate(zip(sites, deal(kinds, several, rng), strict=True)):
        setting = Setting(
            folder=folder / f"episode-{number}",
            library=library,
            conditions=site,
            seed=f"{options.seed}/{number}",
        )
        outcome = play(setting, hand)
        fired += outcome.fired
        lost += outcome.verdict.lost
        episodes.append(_told(setting, outcome))
        _say(options, number, setting, outcome)
        if outcome.verdict.lost == 0:
            shutil.rmtree(setting.folder)
    return {
        "name": "faults",
        "value": lost,
        "unit": "promised changes lost",
        "ceiling": 0,
        "ratio": None,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {
            "faults": options.faults,
            "seed": options.seed,
            "seconds": round(time.monotonic() - began, 1),
            "fired": {kind.value: fired[kind] for kind in kinds_for(several=any(several))},
            "promised": sum(episode["promised"] for episode in episodes),
            "episodes": episodes,
        },
    }


def conditions(database: str, faults: int, rng: random.Random) -> list[Conditions]:
    """What each episode's server is made of: SQLite and PostgreSQL in turn where it is `both`. Of
    four on PostgreSQL one, which is drawn, has a single process; the others have several."""
    sites = []
    fewest = 2 if database == "both" else 1
    for number in range(max(fewest, math.ceil(faults / AN_EPISODE))):
        postgres = database == "postgresql" or (database == "both" and number % 2 == 1)
        sites.append(Conditions(postgres=postgres, several=postgres))
    served = [number for number, site in enumerate(sites) if site.postgres]
    for first in range(0, len(served) - 1, 4):
        sites[rng.choice(served[first : first + 4])] = Conditions(postgres=True)
    return sites


def _told(setting: Setting, outcome: Outcome) -> dict[str, Any]:
    return {
        "database": "postgresql" if setting.conditions.postgres else "sqlite",
        "processes": PROCESSES if setting.conditions.several else 1,
        "seconds": round(outcome.seconds, 1),
        "promised": outcome.verdict.promised,
        "lost": outcome.verdict.lost,
        "findings": outcome.verdict.findings,
        "receipts": outcome.receipts,
        "candidates": outcome.candidates,
        "notes": outcome.notes,
    }


def _say(options: argparse.Namespace, number: int, setting: Setting, outcome: Outcome) -> None:
    told = _told(setting, outcome)
    line = (
        f"episode {number}: {told['database']}, {told['processes']} of its processes, "
        f"{sum(outcome.fired.values())} faults, "
        f"{told['promised']} changes promised, {told['lost']} lost, "
        f"{told['receipts']} of {told['candidates']} receipts, {told['seconds']} s"
    )
    print(line, file=sys.stderr if options.json else sys.stdout, flush=True)
    for name, found in outcome.verdict.findings.items():
        print(f"  {name}: {len(found)}: {', '.join(found[:5])}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
