"""Ports that stay ours, also while nobody listens at them."""

import fcntl
import os
import random
import socket
import tempfile
import weakref
from pathlib import Path
from typing import IO

from rig.processes import ProcessFailedError

#: Outgoing connections of this machine take their ports from here.
_TAKEN_BY_CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST, MANY = 10_000, 12_000


def own_port(owner: object) -> int:
    """A loopback port that no other test and no connection takes for as long as `owner` lives.

    One that the kernel chooses is anybody's again once its server is stopped or not yet started.
    """
    folder = Path(tempfile.gettempdir()) / f"exam-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    first_taken = int(_TAKEN_BY_CONNECTIONS.read_text().split()[0])
    highest = first_taken if first_taken > LOWEST + 1000 else LOWEST + MANY
    ports = range(max(LOWEST, highest - MANY), highest)
    for port in random.sample(ports, len(ports)):
        mark = (folder / str(port)).open("wb")
        if _locked(mark) and _free(port):
            weakref.finalize(owner, mark.close)
            return port
        mark.close()
    raise ProcessFailedError("every port is taken")


def _locked(mark: IO[bytes]) -> bool:
    """Whether `mark` is ours now; until it is closed, or this process ends."""
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
