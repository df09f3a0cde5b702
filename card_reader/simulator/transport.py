"""The simulated chip without a reader: a `card_reader.transport.Transport` in the same process."""

from card_reader.errors import CardReason, ReaderError
from card_reader.simulator.chip import Chip


class SimulatedTransport:
    """Passes bytes to the chip. With `tear_after` the card leaves after that many commands."""

    def __init__(self, chip: Chip, tear_after: int | None = None) -> None:
        self._chip = chip
        self._left = tear_after
        self._open = True
        chip.reset()

    @property
    def atr(self) -> bytes:
        return self._chip.atr

    def transmit(self, command: bytes) -> bytes:
        if self._left is not None:
            if self._left == 0:
                self._open = False
            self._left -= 1
        if not self._open:
            raise ReaderError("the card was taken off the reader", CardReason.CARD_REMOVED)
        return self._chip.transmit(command)

    def close(self) -> None:
        self._open = False
        self._chip.reset()
