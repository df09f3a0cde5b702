"""A module of ours run in a process of its own, with little time and little memory.

What loops there, or swells, takes that process down and nothing of the server.
"""

import resource
import subprocess
import sys
import threading

from exam_server.errors import ServerError

MEMORY = 2 * 1024**3
_running = set[subprocess.Popen[bytes]]()
_stopped = set[subprocess.Popen[bytes]]()
_of_running = threading.Lock()


class TooMuchError(ServerError):
    """The work took more time or memory than it was given, or gave more than it may."""


class StoppedError(ServerError):
    """The server stops; the work was not done."""


def run(module: str, *arguments: str, data: bytes, seconds: int, most: int) -> bytes:
    """What the module writes to stdout, `most` bytes at most, with `data` on stdin; `seconds` of
    processor, which `hold_to` holds it to there, and twice as many by the clock."""
    command = [sys.executable, "-m", module, *arguments]
    child = subprocess.Popen(  # noqa: S603 - our own module; what was typed is one argument at most
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with _of_running:
        _running.add(child)
    try:
        given, _ = child.communicate(data, timeout=2 * seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        given, _ = child.communicate()
    finally:
        with _of_running:
            _running.discard(child)
            stopped = child in _stopped
            _stopped.discard(child)
    if stopped:
        raise StoppedError("the server stops; try again")
    if child.returncode != 0 or len(given) > most:
        raise TooMuchError(f"{module} took too much time or memory")
    return given


def stop() -> None:
    """Ends what runs: a server that stops waits for none of it."""
    with _of_running:
        for child in _running:
            _stopped.add(child)
            child.kill()


def hold_to(seconds: int) -> None:
    """Holds this process, which `run` began, to so many seconds of processor and to `MEMORY`."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
