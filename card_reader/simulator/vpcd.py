"""Puts a simulated chip into a virtual PC/SC reader: a client of vpcd.

vpcd listens, one port for each slot, and speaks first: two bytes of length (big-endian), then a
message. One-byte messages are power off (00), power on (01), reset (02), which get no answer, and
"ATR, please" (04), which also asks whether the card is still there. Anything else is a command.
Closing the connection takes the card out. pcscd looks at its readers every 0.4 s and takes a
card that follows sooner for the one before, so `remove` leaves the slot empty long enough.
"""

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from card_reader.errors import CardReason, ReaderError
from card_reader.simulator.chip import Chip

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 35963
CONNECT_SECONDS = 5.0
_POWER_OFF, _POWER_ON, _RESET, _ATR = 0x00, 0x01, 0x02, 0x04
_STOP_SECONDS = 5.0
NOTICE_SECONDS = 0.5  # pcscd's polling interval and a little more


class NoVirtualReaderError(ReaderError):
    """Nobody listens where vpcd should."""

    reason = CardReason.NO_READER

    @property
    def remedy(self) -> str:
        return "Start pcscd with vsmartcard-vpcd, or give its address."


class VpcdLink:
    """One card in one slot; a context manager. The card is in from `insert` to `remove`.

    With `tear_after` the card is torn off after that many commands of a power cycle: the next one
    gets no answer.
    """

    def __init__(
        self,
        chip: Chip,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        tear_after: int | None = None,
    ) -> None:
        self._chip = chip
        self._address = (host, port)
        self._tear_after = tear_after
        self._connection: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._removed = threading.Event()

    def insert(self) -> None:
        """Connect and answer in a thread; raises `ReaderError` where nobody listens."""
        if self._thread is not None:
            raise ReaderError("the card is already in the virtual reader")
        host, port = self._address
        try:
            connection = self._connected()
        except OSError as error:
            raise NoVirtualReaderError(
                f"no virtual reader (vpcd) at {host}:{port}: {error.strerror or error}"
            ) from None
        self._chip.reset()
        self._removed.clear()
        self._connection = connection
        self._thread = threading.Thread(
            target=self._serve, args=(connection,), name=f"vpcd:{port}", daemon=True
        )
        self._thread.start()

    def remove(self) -> None:
        """Take the card out, and wait until pcscd has noticed; does nothing where it is out."""
        connection, thread = self._connection, self._thread
        self._connection = self._thread = None
        if connection is None or thread is None:
            return
        with suppress(OSError):  # the reader may have gone first
            connection.shutdown(socket.SHUT_RDWR)
        thread.join(_STOP_SECONDS)
        time.sleep(NOTICE_SECONDS)

    def wait_removed(self, seconds: float | None = None) -> bool:
        """Whether the card left the reader (torn off, or the reader gone) within `seconds`."""
        return self._removed.wait(seconds)

    def __enter__(self) -> Self:
        self.insert()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=CONNECT_SECONDS)
        connection.settimeout(None)
        # Without it and TCP_QUICKACK every command waits 40 ms for a delayed acknowledgement.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                self._answer(connection)
        except OSError:
            pass  # the reader is gone: to the card that is being taken out
        finally:
            self._chip.reset()
            self._removed.set()

    def _answer(self, connection: socket.socket) -> None:
        """Answer until the connection ends or the card is torn off."""
        left = self._tear_after
        while True:
            message = _receive(connection)
            if len(message) == 1:
                left = self._tear_after if message[0] == _POWER_ON else left
                self._control(connection, message[0])
                continue
            if left == 0:
                return
            left = None if left is None else left - 1
            _send(connection, self._chip.transmit(message))

    def _control(self, connection: socket.socket, code: int) -> None:
        if code in (_POWER_OFF, _POWER_ON, _RESET):
            self._chip.reset()
        elif code == _ATR:
            _send(connection, self._chip.atr)


def _receive(connection: socket.socket) -> bytes:
    length = int.from_bytes(_exactly(connection, 2), "big")
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        quick = getattr(socket, "TCP_QUICKACK", None)  # Linux; falls back to off by itself
        if quick is not None:
            connection.setsockopt(socket.IPPROTO_TCP, quick, 1)
        piece = connection.recv(count - len(received))
        if not piece:
            raise ConnectionError("the virtual reader closed the connection")
        received += piece
    return bytes(received)


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(len(message).to_bytes(2, "big") + message)
