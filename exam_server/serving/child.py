"""The program of one process of several; `fleet` starts it.

Standard input brings the handover and then stays open: its end means that the parent is gone.
Standard output takes one line, once this process answers, and from then on a byte every second as
a sign of life: its event loop writes it, so a process that hangs writes none.
"""

import asyncio
import os
import socket
import sys
from contextlib import suppress

from exam_server import db
from exam_server.contract.errors import ContractError
from exam_server.directory import database_url, one_line
from exam_server.errors import ServerError
from exam_server.serving import logs
from exam_server.serving.handover import Handover
from exam_server.serving.process import Process, build

READY, ALIVE = b"ready\n", b"."
LIFE_LINE, ANSWER = 0, 1
ALIVE_EVERY = 1.0
EXIT_UNUSABLE = 2


def main() -> int:
    """Answers until it is told to stop or its parent is gone."""
    try:
        given = Handover.from_pipe(LIFE_LINE)
        logs.configure(given.log_form)
        return _serve(given)
    except (ContractError, ServerError, OSError) as error:
        sys.stderr.write(f"exam-server: a process cannot serve: {error}\n")
        return EXIT_UNUSABLE


def _serve(given: Handover) -> int:
    engine = db.create_engine(database_url(given.directory, given.settings))
    with one_line(engine):
        app = build(given.directory, given.settings, given.keys, engine)
        process: Process

        def started() -> None:
            os.write(ANSWER, READY)
            os.set_blocking(ANSWER, False)
            loop = asyncio.get_running_loop()
            loop.add_reader(LIFE_LINE, process.stop_soon)
            _show_life(loop)

        process = Process(app, given.directory, given.keys, started)
        process.run_until_told(socket.socket(fileno=given.listener))
    return 0


def _show_life(loop: asyncio.AbstractEventLoop) -> None:
    with suppress(OSError):  # a parent that is gone, or does not read
        os.write(ANSWER, ALIVE)
    loop.call_later(ALIVE_EVERY, _show_life, loop)


if __name__ == "__main__":
    sys.exit(main())
