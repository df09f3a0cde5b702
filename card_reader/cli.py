"""The command ``card-reader``.

Exit 0: done, the verdict is positive; 1: done, the verdict is negative; 2: the input or the call
is unusable, with one line saying why and what to do.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from card_reader import commands, read_command
from card_reader.errors import CardError
from card_reader.sessions import replay_command
from card_reader.simulator import commands as simulator_commands

EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_UNUSABLE, f"{self.prog}: {message}. See {self.prog} --help.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _Parser(prog="card-reader", description="Read and verify chip identity cards.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    commands.register(subparsers)
    read_command.register(subparsers)
    replay_command.register(subparsers)
    simulator_commands.register(subparsers)
    try:
        parsed = parser.parse_args(arguments)
        return int(parsed.run(parsed))
    except CardError as error:
        if parsed.json:
            commands.print_json({"error": error.reason.value, "message": str(error)})
        print(f"card-reader: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        print("card-reader: stopped", file=sys.stderr)
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
