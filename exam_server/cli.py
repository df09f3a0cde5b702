"""The command ``exam-server``.

Exit 0: done, the verdict is positive; 1: done, the verdict is negative; 2: the input or the call
is unusable, with one line saying why and what to do.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

from exam_server import commands, operating, registering, rehearsal, verifying
from exam_server.attempts import commands as attempts
from exam_server.attempts import journal_commands as journals
from exam_server.errors import InputError, ServerError
from exam_server.items import commands as bank
from exam_server.serving import commands as serving
from exam_server.trust import commands as trust

EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_UNUSABLE, f"{self.prog}: {message}. See {self.prog} --help.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    parser: argparse.ArgumentParser = _Parser(
        prog="exam-server", description="The examination server."
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    operating.register(subparsers)
    serving.register(subparsers)
    registering.register(subparsers)
    commands.register(subparsers)
    verifying.register(subparsers)
    rehearsal.register(subparsers)
    attempts.register(subparsers)
    journals.register(subparsers)
    trust.register(subparsers)
    bank.register(subparsers)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except InputError as error:
        _complain(parsed, str(error), error.problems)
    except ServerError as error:
        _complain(parsed, str(error), ())
    except OSError as error:
        _complain(parsed, f"{error.filename or 'a file'}: {error.strerror}", ())
    except KeyboardInterrupt:
        print("exam-server: stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_UNUSABLE


def _complain(parsed: argparse.Namespace, message: str, problems: Sequence[str]) -> None:
    if parsed.json:
        print(json.dumps({"error": message, "problems": list(problems)}, ensure_ascii=False))
    for line in problems:
        print(line, file=sys.stderr)
    print(f"exam-server: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
