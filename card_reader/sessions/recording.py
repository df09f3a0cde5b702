"""Recording a reading, so that the reader can be run against it again (format: docs/recording.md).

A recording as it comes off the card holds what the card said, hence personal data, and the key
seed of its MRZ: :mod:`card_reader.masking.mask` makes one of it that belongs to nobody.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace

from card_reader.access.passwords import CanPassword, MrzKeySeed, Password
from card_reader.apdu import StatusWord
from card_reader.channel import Exchange
from card_reader.errors import CardError, ReaderError
from card_reader.evidence import ChipEvidence
from card_reader.sessions.recorded_reading import Reading, outcome
from card_reader.sessions.session_file import Fields, Procedure, RecordedExchange, Session
from card_reader.transport import Transport

DESCRIPTION = "a card read by card-reader"


class SessionRecording:
    """Collects what a reading sends, receives and draws.

    Give the reader ``over(transport)``, ``exchange`` as its recorder and ``rng``; a contact that
    is lost and made anew is recorded over its new transport in the same way.
    """

    def __init__(
        self,
        source: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._clock = clock
        self._randomness: list[bytes] = []
        self._exchanges: list[RecordedExchange] = []
        self._open = 0  # exchanges at the end whose logical exchange is not closed yet
        self._atr = b""

    def rng(self, length: int) -> bytes:
        value = self._source(length)
        self._randomness.append(value)
        return value

    def over(self, transport: Transport) -> Transport:
        """The transport, recorded."""
        self._atr = transport.atr
        return _RecordedTransport(transport, self)

    def exchange(self, exchange: Exchange) -> None:
        """Take the plain forms of what has just passed the transport."""
        if not self._open:
            return
        first = len(self._exchanges) - self._open
        self._exchanges[first] = replace(
            self._exchanges[first], plain_command=exchange.plain_command
        )
        self._exchanges[-1] = replace(self._exchanges[-1], plain_response=exchange.plain_response)
        self._open = 0

    def session(
        self, reading: Reading, ended: ChipEvidence | CardError, description: str = DESCRIPTION
    ) -> Session:
        """What was recorded, with what the reader came to: its evidence or its error."""
        return Session(
            procedure=Procedure.READ_CARD,
            description=description,
            exchanges=tuple(self._exchanges),
            randomness=tuple(self._randomness),
            passwords=tuple(_key_seed(item) for item in reading.passwords),
            parameters=Fields(reading.to_parameters(), "parameters"),
            result=outcome(ended),
            atr=self._atr,
        )

    def transmit(self, transport: Transport, command: bytes) -> bytes:
        """One command over ``transport``, written down whatever comes of it."""
        if self._open and not _goes_on(self._exchanges[-1]):
            self._open = 0  # the reader made nothing of the last answer
        started = self._clock()
        try:
            response = transport.transmit(command)
        except ReaderError as error:
            self._note(RecordedExchange(command, None, lost=error.reason), started)
            self._open = 0
            raise
        self._note(RecordedExchange(command, response), started)
        return response

    def _note(self, exchange: RecordedExchange, started: float) -> None:
        if self._open:
            self._exchanges[-1] = replace(self._exchanges[-1], continues=True)
        milliseconds = max(0, round((self._clock() - started) * 1000))
        self._exchanges.append(replace(exchange, milliseconds=milliseconds))
        self._open += 1


class _RecordedTransport:
    """A transport whose traffic is written down."""

    def __init__(self, transport: Transport, recording: SessionRecording) -> None:
        self._transport = transport
        self._recording = recording

    @property
    def atr(self) -> bytes:
        return self._transport.atr

    def transmit(self, command: bytes) -> bytes:
        return self._recording.transmit(self._transport, command)

    def close(self) -> None:
        self._transport.close()


def _goes_on(exchange: RecordedExchange) -> bool:
    """Whether a logical exchange goes on: GET RESPONSE, or the command with another length."""
    sw = int.from_bytes((exchange.response or b"")[-2:], "big")
    return StatusWord.more_available(sw) is not None or StatusWord.right_le(sw) is not None


def _key_seed(password: Password) -> Password:
    """The MRZ itself need not be kept: its hash opens the card."""
    return password if isinstance(password, CanPassword) else MrzKeySeed(password.key_seed)
