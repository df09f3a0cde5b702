"""Bound sockets, so that a busy port is told before anything starts."""

import socket

from exam_server.errors import InputError

BACKLOG = 2048


def listen(address: str, port: int, processes: int = 1) -> list[socket.socket]:
    """A listening socket for each of so many processes; InputError where the port is taken.

    Each process has a socket of its own, and the kernel spreads connections over them by their
    addresses (SO_REUSEPORT): of one shared socket, whichever process wakes first takes the most.
    Whoever keeps the sockets open keeps the connections that wait in them while a process that
    died is replaced.
    """
    if processes == 1:
        return [_bound(address, port, shared=False)]
    # With SO_REUSEPORT alone, a second server of the same user would share the port unnoticed.
    probe = _bound(address, port, shared=False)
    port = probe.getsockname()[1]
    probe.close()
    return [_bound(address, port, shared=True) for _ in range(processes)]


def _bound(address: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise InputError(
            f"port {port} of {address} cannot be used ({error}); choose another with --port"
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address that `listener` answers at."""
    host, port = listener.getsockname()[:2]
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
