"""A module of ours run in a process of its own, with little time and little memory.

What loops there, or swells, takes that process down and nothing of the server.
"""

import logging
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from exam_server.errors import ServerError

log = logging.getLogger(__name__)

MEMORY = 2 * 1024**3
#: What a process that found no more memory returns; Python itself returns 1 or 2.
_NO_MEMORY = 3
#: The system kills what takes more than it has, or more processor than it may.
_TAKEN_TOO_MUCH = {_NO_MEMORY, -signal.SIGKILL, -signal.SIGXCPU}
#: What ends a whole server reaches this process, too, and maybe first.
_ENDED = {-signal.SIGTERM, -signal.SIGINT}
_running = set[subprocess.Popen[bytes]]()
_stopping = threading.Event()
_of_running = threading.Lock()


class TooMuchError(ServerError):
    """The work took more time or memory than it was given, or gave more than it may."""


class BrokenOffError(ServerError):
    """The work broke off by a fault of its program; the log has the module and its code."""


class StoppedError(ServerError):
    """The server stops; the work was not done."""


def run(module: str, *arguments: str, data: bytes, seconds: int, most: int) -> bytes:
    """What the module writes to stdout, `most` bytes at most, with `data` on stdin; `seconds` of
    processor, which `held_to` holds it to there, and twice as many by the clock. Raises the errors
    of this module."""
    child = _begun([sys.executable, "-m", module, *arguments])
    try:
        given, _ = child.communicate(data, timeout=2 * seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        given, _ = child.communicate()
    finally:
        with _of_running:
            _running.discard(child)
    _judge(module, child.returncode)
    if len(given) > most:
        raise TooMuchError(f"{module} gave too much")
    return given


def _begun(command: list[str]) -> subprocess.Popen[bytes]:
    with _of_running:  # `stop` finds it, or it does not begin
        if _stopping.is_set():
            raise StoppedError("the server stops; try again")
        child = subprocess.Popen(  # noqa: S603 - our own module; what was typed is one argument at most
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        _running.add(child)
    return child


def _judge(module: str, code: int) -> None:
    if code == 0:
        return
    if _stopping.is_set() or code in _ENDED:
        raise StoppedError("the server stops; try again")
    if code in _TAKEN_TOO_MUCH:
        raise TooMuchError(f"{module} took too much time or memory")
    # Not what it wrote to stderr: that may hold what was worked on.
    log.error("%s broke off with code %d", module, code)
    raise BrokenOffError(f"{module} broke off; the log has its code")


def begin() -> None:
    """What a process that had its `stop` needs before it serves again."""
    _stopping.clear()


def stop() -> None:
    """Ends what runs, and lets nothing begin: a server that stops waits for none of it."""
    with _of_running:
        _stopping.set()
        for child in _running:
            child.kill()


@contextmanager
def held_to(seconds: int) -> Iterator[None]:
    """Holds this process, which `run` began, to so many seconds of processor and to `MEMORY`."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        yield
    except MemoryError:
        sys.exit(_NO_MEMORY)
