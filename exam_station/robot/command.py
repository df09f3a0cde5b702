"""``exam-station robot``: candidates by the hundred, bounded in number and time."""

import argparse
import os
import resource
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from exam_station import durable
from exam_station.clock import boot_seconds
from exam_station.robot.plan import PlanError, load_codes, load_plan
from exam_station.robot.tally import Tally, Witness

MOST_CANDIDATES = 20_000
MOST_MINUTES = 240.0
#: A whole paper answered, and some of it changed again.
CHANGES = 40
CODES = "a room's codes: candidates come once the server is lost, and are let in by them"
SPARE = "kiosks at seats with nobody, for those who are moved; all then stay until the time is up"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that `play` takes."""
    parser.add_argument("--candidates", type=int, required=True, metavar="N")
    parser.add_argument("--plan", type=Path, required=True, help="of exam-server rehearsal")
    parser.add_argument("--first", type=int, default=0, metavar="K", help="begin at candidate K")
    parser.add_argument("--spare", type=int, default=0, metavar="N", help=SPARE)
    parser.add_argument("--first-spare", type=int, default=0, metavar="K")
    parser.add_argument("--seed", default="1", help="what the robots answer, and when")
    parser.add_argument("--think", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--changes", type=int, default=CHANGES, help="of each, before handing in")
    parser.add_argument("--minutes", type=float, default=10.0, help="the longest it may take")
    parser.add_argument("--data", type=Path, help="keep the stations there, and go on from there")
    parser.add_argument("--admission", choices=["officers", "chip"], default="officers")
    parser.add_argument("--codes", type=Path, metavar="FILE", help=CODES)
    parser.add_argument("--witness", type=Path, help="a line for each change and acknowledgement")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--verbose", action="store_true", help="more on stderr")


def play(options: argparse.Namespace) -> dict[str, Any]:
    """Plays the plan; the report. PlanError where it cannot be played."""
    from exam_station.robot.crowd import Crowd, Run
    from exam_station.robot.person import Manner

    _check(options)
    _allow_many_files()
    plan = load_plan(
        options.plan,
        first=options.first,
        count=options.candidates,
        first_spare=options.first_spare,
        spare=options.spare,
    )
    with ExitStack() as kept:
        data = options.data or Path(kept.enter_context(tempfile.TemporaryDirectory()))
        durable.make_folder(data)
        tally = Tally(boot_seconds, Witness(options.witness) if options.witness else None)
        run = Run(
            data=data,
            keep=options.data is not None,
            seed=options.seed,
            manner=Manner(options.think, options.changes),
            chip=options.admission == "chip",
            codes=load_codes(options.codes) if options.codes else None,
            seconds=options.minutes * 60,
        )
        began = boot_seconds()
        finished = Crowd(plan, run, tally, boot_seconds).run()
        seconds = boot_seconds() - began
    return {
        "candidates": options.candidates,
        "finished": finished,
        "seconds": round(seconds, 3),
        "process": os.getpid(),
        **tally.report(),
    }


def _allow_many_files() -> None:
    """A robot has a handful of connections and files of its own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _check(options: argparse.Namespace) -> None:
    if not 1 <= options.candidates <= MOST_CANDIDATES or min(options.first, options.spare) < 0:
        raise PlanError(f"one process plays 1 to {MOST_CANDIDATES} candidates")
    if not 0 < options.minutes <= MOST_MINUTES:
        raise PlanError(f"robots play at most {MOST_MINUTES:.0f} minutes")
    if options.think < 0.01 or options.changes < 0:
        raise PlanError("a robot thinks a hundredth of a second at least")
