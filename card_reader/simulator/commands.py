"""`card-reader issue` and `card-reader simulate`."""

import argparse
import json
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from card_reader.simulator import issue_command
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.timing import PROFILES, TimedChip
from card_reader.simulator.vpcd import DEFAULT_HOST, DEFAULT_PORT, VpcdLink

_POLL_SECONDS = 0.1


Subparsers = Any  # argparse gives its type no public name


def register(subparsers: Subparsers) -> None:
    """Add both commands; each sets `run`, a function from the arguments to the exit code."""
    _register_issue(subparsers)
    _register_simulate(subparsers)


def _register_issue(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "issue", help="make a simulated card", description="Make a simulated card of realm test."
    )
    issue_command.add_arguments(parser)
    parser.add_argument("--list", action=_List, nargs=0, help="print presets, defects and more")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_issue)


class _List(argparse.Action):
    """Prints what may be named, as JSON, and ends: nothing else is required then."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 - argparse's shape
        values: object,  # noqa: ARG002 - argparse
        option_string: str | None = None,  # noqa: ARG002 - argparse
    ) -> None:
        print(json.dumps(issue_command.listing(), ensure_ascii=False))
        parser.exit(0)


def _issue(arguments: argparse.Namespace) -> int:
    result = issue_command.issue(arguments)
    line = f"{arguments.out}: card of {arguments.name}"
    print(json.dumps(result, ensure_ascii=False) if arguments.json else line)
    return 0


def _register_simulate(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "simulate",
        help="put a simulated card into a virtual reader",
        description="Put a simulated card into a virtual PC/SC reader until Ctrl-C.",
    )
    parser.add_argument("card", type=Path, metavar="CARD.json")
    default = (DEFAULT_HOST, DEFAULT_PORT)
    parser.add_argument("--vpcd", type=_address, default=default, metavar="HOST:PORT")
    parser.add_argument("--tear-after", type=int, metavar="N", help="take it out after N commands")
    parser.add_argument(
        "--timing",
        type=int,
        choices=list(PROFILES),
        metavar="KBIT",
        help="answer as slowly as a card at 106, 424 or 848 kbit/s",
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_simulate)


def _simulate(arguments: argparse.Namespace) -> int:
    host, port = arguments.vpcd
    chip = _chip(CardProfile.load(arguments.card), arguments.timing)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's shape
        stop.set()

    previous = {s: signal.signal(s, on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
    started = time.monotonic()
    try:
        with VpcdLink(chip, host, port, arguments.tear_after) as link:
            print(f"card in the reader at {host}:{port}; Ctrl-C takes it out", file=sys.stderr)
            while not stop.is_set() and not link.wait_removed(_POLL_SECONDS):
                pass
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    torn = arguments.tear_after is not None and not stop.is_set()
    ended = "stopped" if stop.is_set() else "torn" if torn else "reader_gone"
    result: dict[str, Any] = {
        "card": str(arguments.card),
        "vpcd": f"{host}:{port}",
        "ended": ended,
        "seconds": round(time.monotonic() - started, 3),
    }
    if isinstance(chip, TimedChip):
        result["timing"] = chip.timing.to_dict()
    line = f"card out of the reader ({ended})"
    print(json.dumps(result, ensure_ascii=False) if arguments.json else line)
    return 1 if ended == "reader_gone" else 0


def _chip(profile: CardProfile, kilobits: int | None) -> Chip:
    if kilobits is None:
        return Chip(profile)
    # The virtual reader has a delay of its own: only the air and the chip are imitated.
    return TimedChip(profile, replace(PROFILES[kilobits], reader_latency=0.0), time.sleep)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: write HOST:PORT")
    return host, int(port)
