"""Commands to a card over a transport: chaining, response chaining, secure messaging.

The layers, from the card outwards: bytes (transport), GET RESPONSE and the corrected expected
length, secure messaging, command chaining.  An observer may watch every exchange.  The logger
``card_reader.traffic`` tells headers, lengths and status words, never data; it is silent unless
its own level is set to DEBUG.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, TypeVar

from card_reader.apdu import (
    MAX_EXTENDED_LE,
    MAX_SHORT_DATA,
    MAX_SHORT_LE,
    CommandApdu,
    ResponseApdu,
    StatusWord,
)
from card_reader.errors import CardReason, ChipError
from card_reader.reading.strategy import BLOCKS, Strategy
from card_reader.secure_messaging import SecureMessaging, SessionKeys
from card_reader.transport import Transport

Result = TypeVar("Result")

MAX_RESPONSE_DATA = 256 * 1024
MAX_CHAINED = 4096
MAX_APDUS = 10_000  # of one conversation: 256 KB in the smallest blocks, and twice as many more
CHAINED = 0x10  # class bit: further commands of the chain follow (ISO 7816-4 §5.4.1)
GET_RESPONSE = 0xC0
# Most bytes that protection adds to a long response: 87 and 99 and 8E, padding, status word.
PROTECTION_OVERHEAD = 64

TRAFFIC = logging.getLogger("card_reader.traffic")
TRAFFIC.setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its response: as sent, and in plain where they were protected.

    A response that came in pieces stands here as a whole.
    """

    command: bytes
    response: bytes
    plain_command: bytes | None = None
    plain_response: bytes | None = None


Recorder = Callable[[Exchange], None]


class Channel:
    """One conversation with a card.  Not for use by several threads.

    ``apdus`` counts exchanges, ``traffic`` the bytes both ways.  ``sent_extended``: whether the
    last command had the extended form; ``last_status``: the last status word, the protected one
    where it was authentic; ``first_response``: the first response, as the card sent it, since
    :meth:`protect` last changed the session.  ``strategy`` is what is known of this kind of card;
    it grows by :meth:`learn`.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        strategy: Strategy | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._transport = transport
        self._recorder = recorder
        self._secure_messaging: SecureMessaging | None = None
        self.strategy = strategy or Strategy()
        self.last_command: CommandApdu | None = None
        self.last_status = 0
        self.sent_extended = False
        self.first_response = b""
        self.apdus = 0
        self.traffic = 0

    @property
    def atr(self) -> bytes:
        return self._transport.atr

    @property
    def session_keys(self) -> SessionKeys | None:
        """Keys and counter of the session in force, None without one."""
        return self._secure_messaging.keys if self._secure_messaging else None

    @property
    def max_short_data(self) -> int:
        """Most plain bytes that a command or a response in the short form holds."""
        session = self._secure_messaging
        return session.max_short_data if session else MAX_SHORT_LE

    @property
    def max_data(self) -> int:
        """Most plain bytes that one response may be asked for."""
        if self.strategy.extended is False:
            return self.max_short_data
        stated = self.strategy.max_response
        if stated is None:
            return BLOCKS[0]
        return max(self.max_short_data, min(stated - PROTECTION_OVERHEAD, BLOCKS[0]))

    def learn(self, **lesson: Any) -> None:
        """Note what this card has shown: fields of :class:`Strategy`."""
        self.strategy = replace(self.strategy, **lesson)

    def attach(self, transport: Transport) -> None:
        """Go on over a new contact; the session of the old one is gone."""
        self._transport = transport
        self._secure_messaging = None

    def protect(self, session: SecureMessaging | None) -> None:
        """Use ``session`` from now on; None goes back to plain commands."""
        self._secure_messaging = session
        self.first_response = b""

    def send(self, command: CommandApdu, *, extended: bool | None = None) -> ResponseApdu:
        """Send one command, protected where a session is set, and return the plain response.

        ``extended``: True asks for the extended form, False forbids it; else it is used where it
        is needed and this kind of card takes it.  In the short form data that is too long goes in
        a chain of commands, and an answer that is too long comes in pieces.
        """
        form = _Form.of(extended, self.strategy)
        for link in self._links(command, form):
            response = self._send_one(link, form)
            if not response.ok:
                break
        return response

    def send_as_it_is(self, command: bytes) -> bytes:
        """Transmit a command that was protected elsewhere; the raw response, unchecked."""
        response = self._exchange(CommandApdu.from_bytes(command))
        self._record(Exchange(command, response.to_bytes()))
        return response.to_bytes()

    def run(self, protocol: Generator[CommandApdu, ResponseApdu, Result]) -> Result:
        """Drive a protocol that yields commands until it returns its result."""
        try:
            command = next(protocol)
            while True:
                command = protocol.send(self.send(command))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    def _links(self, command: CommandApdu, form: "_Form") -> Iterator[CommandApdu]:
        """The command itself, or the chain that carries its data (ISO 7816-4 §5.4.1)."""
        size = self.max_short_data if self._secure_messaging else MAX_SHORT_DATA
        # A command that is itself a link, as PACE sends them, cannot be divided once more.
        if form is not _Form.SHORT or len(command.data) <= size or command.cla & CHAINED:
            yield command
            return
        for start in range(0, len(command.data), size):
            piece = command.data[start : start + size]
            if start + size < len(command.data):
                yield replace(command, cla=command.cla | CHAINED, data=piece, le=None)
            else:
                yield replace(command, data=piece)

    def _send_one(self, command: CommandApdu, form: "_Form") -> ResponseApdu:
        self.last_command = command
        if form is _Form.SHORT and (command.le or 0) > self.max_short_data:
            command = replace(command, le=MAX_SHORT_LE)  # all there is, in pieces
        if self._secure_messaging is None:
            response = self._exchange(command)
            self._record(Exchange(command.to_bytes(), response.to_bytes()))
            return response
        response = self._protected(self._secure_messaging, command, form)
        data = response.data
        for _ in range(MAX_CHAINED):
            more = StatusWord.more_available(response.sw)
            if more is None or len(data) > MAX_RESPONSE_DATA:
                return ResponseApdu(data, response.sw)
            fetch = CommandApdu(0x00, GET_RESPONSE, 0x00, 0x00, le=more)
            response = self._protected(self._secure_messaging, fetch, form)
            data += response.data
        raise _endless()

    def _protected(
        self, session: SecureMessaging, command: CommandApdu, form: "_Form"
    ) -> ResponseApdu:
        """One protected exchange; the session is over once a response is not authentic.

        The outer expected length is not authenticated: it only chooses the form of the APDU.
        """
        protected = session.wrap(command)
        needed = len(protected.data) > MAX_SHORT_DATA or (command.le or 0) > MAX_SHORT_LE
        long = needed or form is _Form.EXTENDED
        protected = replace(protected, le=MAX_EXTENDED_LE if long else MAX_SHORT_LE)
        sent = self._exchange(protected)
        plain: ResponseApdu | None = None
        try:
            plain = session.unwrap(sent)
            self.last_status = plain.sw
        finally:
            plain_raw = plain.to_bytes() if plain else None
            self._record(
                Exchange(protected.to_bytes(), sent.to_bytes(), command.to_bytes(), plain_raw)
            )
        return plain

    def _exchange(self, command: CommandApdu) -> ResponseApdu:
        """One command on the wire, with 6Cxx corrected and 61xx fetched."""
        response = self._transmit(command)
        le = StatusWord.right_le(response.sw)
        if le is not None and not response.data and le != command.le:
            command = replace(command, le=le)
            response = self._transmit(command)
        data = response.data
        for _ in range(MAX_CHAINED):
            more = StatusWord.more_available(response.sw)
            if more is None:
                whole = ResponseApdu(data, response.sw)
                self.last_status = whole.sw
                self.first_response = self.first_response or whole.to_bytes()
                return whole
            if len(data) > MAX_RESPONSE_DATA:
                break
            fetch = CommandApdu(command.cla & 0x03, GET_RESPONSE, 0x00, 0x00, le=more)
            response = self._transmit(fetch)
            data += response.data
        raise _endless()

    def _transmit(self, command: CommandApdu) -> ResponseApdu:
        if self.apdus == MAX_APDUS:
            raise ChipError("the card keeps the reader busy without end", CardReason.TOO_LARGE)
        sent = command.to_bytes()
        self.sent_extended = command.extended
        received = self._transport.transmit(sent)
        self.apdus += 1
        self.traffic += len(sent) + len(received)
        response = ResponseApdu.from_bytes(received)
        TRAFFIC.debug(
            "%s Lc %d Le %s -> %d bytes, %04X",
            command.header.hex().upper(),
            len(command.data),
            command.le,
            len(response.data),
            response.sw,
        )
        return response

    def _record(self, exchange: Exchange) -> None:
        if self._recorder is not None:
            self._recorder(exchange)


class _Form(Enum):
    """Which form a command takes (ISO 7816-4 §5.2)."""

    SHORT = auto()
    AS_NEEDED = auto()
    EXTENDED = auto()

    @classmethod
    def of(cls, extended: bool | None, strategy: Strategy) -> "_Form":
        if extended is None:
            return cls.SHORT if strategy.extended is False else cls.AS_NEEDED
        return cls.EXTENDED if extended else cls.SHORT


def _endless() -> ChipError:
    return ChipError("a chained response without end", CardReason.TOO_LARGE)
