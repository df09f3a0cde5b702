"""The seam between protocol and device: bytes out, bytes in."""

from typing import Protocol


class Transport(Protocol):
    """A connection to one card.

    ``transmit`` sends one command APDU and returns one response APDU (data and status word),
    raising :class:`card_reader.errors.ReaderError` where the contact is lost.  ``atr`` is the
    card's answer to reset.
    """

    @property
    def atr(self) -> bytes: ...

    def transmit(self, command: bytes) -> bytes: ...

    def close(self) -> None: ...
