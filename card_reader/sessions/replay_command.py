"""``card-reader replay``: the reader against a recorded session (contract: docs, "Commands")."""

import argparse
from pathlib import Path
from typing import Any

from card_reader.commands import EXIT_NEGATIVE, EXIT_POSITIVE, print_json
from card_reader.sessions.replay import ReplayResult, replay
from card_reader.sessions.session_file import Session

Subparsers = Any  # argparse gives its type no public name


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("replay", help="run the reader against a recorded session")
    parser.add_argument("session", type=Path, metavar="SESSION.json")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_replay)


def _replay(arguments: argparse.Namespace) -> int:
    result = replay(Session.load(arguments.session))
    if arguments.json:
        print_json(result.to_dict())
    else:
        for line in _lines(result):
            print(line)  # noqa: T201 - the command's output
    return EXIT_POSITIVE if result.identical else EXIT_NEGATIVE


def _lines(result: ReplayResult) -> list[str]:
    """The result in words."""
    lines = [f"{'identical' if result.identical else 'different'}: {result.exchanges} exchanges"]
    difference = result.first_difference
    if difference is not None:
        values = difference.to_dict()
        lines.append(f"exchange {difference.exchange}")
        lines += [f"  {name}: {values[name] or 'nothing'}" for name in ("expected", "sent")]
    if result.end_matches is False:
        lines.append("the session's keys or its counter end otherwise than recorded")
    wrong = [name for name, matches in result.result_matches.items() if not matches]
    if wrong:
        lines.append(f"other values than recorded: {', '.join(wrong)}")
    if result.error is not None:
        lines.append(f"the reader ended with: {result.error.detail}")
    return lines
