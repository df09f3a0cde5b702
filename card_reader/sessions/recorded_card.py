"""A card made of recorded responses, and the recorded random numbers of its terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from card_reader.apdu import CommandApdu, StatusWord
from card_reader.errors import CardReason, MalformedApduError, ReaderError
from card_reader.sessions.session_file import RecordedExchange, Session, hex_of

PROTECTED = 0x0C  # class bits of secure messaging with an authenticated header


@dataclass(frozen=True, slots=True)
class Difference:
    """The first command that was not the recorded one.

    ``exchange`` counts from 0 within the session's exchanges.  ``sent`` is None where the reader
    sent no further command, ``expected`` where nothing further is recorded.
    """

    exchange: int
    expected: bytes | None
    sent: bytes | None

    def to_dict(self) -> dict[str, object]:
        return {
            "exchange": self.exchange,
            "expected": None if self.expected is None else hex_of(self.expected),
            "sent": None if self.sent is None else hex_of(self.sent),
        }


class ReplayStoppedError(Exception):
    """The reader left the recording: not a :class:`CardError`, which protocols may handle."""


class RecordedCard:
    """A transport that answers from a recording as long as the commands are the recorded ones."""

    def __init__(self, session: Session) -> None:
        self.exchanges = session.exchanges
        self.sent = 0
        self.difference: Difference | None = None
        self.elapsed = 0.0  # seconds that the recorded card had taken so far
        self._atr = session.atr

    @property
    def atr(self) -> bytes:
        return self._atr

    def transmit(self, command: bytes) -> bytes:
        index = self.sent
        recorded = self.next
        if recorded is None or recorded.command != command:
            expected = recorded.command if recorded else None
            self.difference = Difference(index, expected, command)
            raise ReplayStoppedError
        self.sent += 1
        self.elapsed += recorded.milliseconds / 1000
        if recorded.response is None:
            reason = recorded.lost or CardReason.CARD_REMOVED
            raise ReaderError("the recording's contact with the card was lost here", reason)
        return recorded.response

    def close(self) -> None:
        """A recording stays where it is."""

    @property
    def next(self) -> RecordedExchange | None:
        """What the reader should send next, None behind the last."""
        return self.exchanges[self.sent] if self.sent < len(self.exchanges) else None

    @property
    def rest(self) -> Sequence[RecordedExchange]:
        """What is recorded and not sent yet."""
        return self.exchanges[self.sent :]

    def recorded_plain(self) -> list[CommandApdu]:
        """The plain forms of the commands that are not sent yet, as far as they are known."""
        plain = (_plain_command(item) for item in self.rest)
        return [command for command in takewhile(bool, plain) if command]

    @property
    def next_plain(self) -> CommandApdu | None:
        """The plain form of the next command, None where there is none or it is not known."""
        return None if self.next is None else _plain_command(self.next)

    def finish(self, *, may_go_on: bool) -> Difference | None:
        """The first difference once the reader has ended.

        ``may_go_on``: what the reader tries after a refusal that ends the recording is no
        difference.
        """
        if self.difference is None and self.next is not None:
            return Difference(self.sent, self.next.command, None)
        beyond = self.difference is not None and self.difference.expected is None
        if beyond and may_go_on and _refused(self.exchanges[-1]):
            return None
        return self.difference


class RecordedRandomness:
    """The recorded random values in their order, each in the length that is asked for.

    A private scalar may have been written down without its leading zero bytes, or with more.
    """

    def __init__(self, values: Sequence[bytes]) -> None:
        self._values = list(values)

    def __call__(self, length: int) -> bytes:
        if not self._values:
            raise ReplayStoppedError
        value = self._values.pop(0)
        if len(value) > length and not any(value[:-length]):
            value = value[-length:]
        return value.rjust(length, b"\x00")


def _plain_command(exchange: RecordedExchange) -> CommandApdu | None:
    try:
        command = CommandApdu.from_bytes(exchange.plain_command or exchange.command)
    except MalformedApduError:
        return None
    if exchange.plain_command is None and command.cla & PROTECTED == PROTECTED:
        return None  # its lengths are those of the protection
    return command


def _refused(exchange: RecordedExchange) -> bool:
    raw = exchange.plain_response or exchange.response or b""
    return int.from_bytes(raw[-2:], "big") not in (StatusWord.OK, StatusWord.END_OF_FILE)
