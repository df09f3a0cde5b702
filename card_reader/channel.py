"""Commands to a card over a transport: chaining of responses, secure messaging, files.

The layers, from the card outwards: bytes (transport), GET RESPONSE and the corrected expected
length, secure messaging, files.  An observer may watch every exchange; nothing is logged here.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeVar

from card_reader import tlv
from card_reader.apdu import MAX_SHORT_LE, CommandApdu, ResponseApdu, StatusWord
from card_reader.errors import CardError, CardReason, ChipError
from card_reader.lds import ElementaryFile
from card_reader.secure_messaging import SecureMessaging
from card_reader.transport import Transport

Result = TypeVar("Result")

MAX_FILE = 256 * 1024
MAX_CHAINED = 4096
MAX_B0_OFFSET = 0x7FFF
HEADER_READ = 8
# Data bytes of one READ BINARY: every size fails on some card, so start well and step down.
BLOCK_SIZES = (MAX_SHORT_LE, 231, 223, 160, 96)
LENGTH_REFUSALS = frozenset(
    {StatusWord.WRONG_LENGTH, StatusWord.WRONG_P1_P2, StatusWord.NO_DIAGNOSIS}
)
COMPLETE = frozenset({StatusWord.OK, StatusWord.END_OF_FILE})
MISSING = frozenset({StatusWord.FILE_NOT_FOUND, StatusWord.REFERENCED_DATA_NOT_FOUND})
PROTECTED = frozenset({StatusWord.SECURITY_STATUS, StatusWord.CONDITIONS_NOT_SATISFIED})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its response: as sent, and in plain where they were protected."""

    command: bytes
    response: bytes
    plain_command: bytes | None = None
    plain_response: bytes | None = None


Recorder = Callable[[Exchange], None]


class Channel:
    """One conversation with a card.  Not for use by several threads.

    ``apdus`` counts exchanges, ``traffic`` the bytes both ways.
    """

    def __init__(self, transport: Transport, *, recorder: Recorder | None = None) -> None:
        self._transport = transport
        self._recorder = recorder
        self._secure_messaging: SecureMessaging | None = None
        self._block = 0  # index into BLOCK_SIZES
        self._short_ids = True
        self.apdus = 0
        self.traffic = 0

    @property
    def block_size(self) -> int:
        """Data bytes asked for by one READ BINARY."""
        limit = self._secure_messaging.max_short_data if self._secure_messaging else MAX_SHORT_LE
        return min(BLOCK_SIZES[self._block], limit)

    def step_down(self) -> bool:
        """Read in smaller blocks from now on; False where there is no smaller one."""
        current = self.block_size
        smaller = [index for index, size in enumerate(BLOCK_SIZES) if size < current]
        self._block = smaller[0] if smaller else self._block
        return bool(smaller)

    def protect(self, session: SecureMessaging | None) -> None:
        """Use ``session`` from now on; None goes back to plain commands."""
        self._secure_messaging = session

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Send one command, protected where a session is set, and return the plain response."""
        session = self._secure_messaging
        if session is None:
            response, raw = self._exchange(command)
            self._record(Exchange(command.to_bytes(), raw))
            return response
        protected = session.wrap(command)
        response, raw = self._exchange(protected)
        plain: ResponseApdu | None = None
        try:
            plain = session.unwrap(response)
        finally:
            plain_raw = plain.to_bytes() if plain else None
            self._record(Exchange(protected.to_bytes(), raw, command.to_bytes(), plain_raw))
        return plain

    def run(self, protocol: Generator[CommandApdu, ResponseApdu, Result]) -> Result:
        """Drive a protocol that yields commands until it returns its result."""
        try:
            command = next(protocol)
            while True:
                command = protocol.send(self.send(command))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    def select_application(self, application_id: bytes) -> None:
        """SELECT by name without an expected length, which some cards refuse (7816-4 §11.1.1)."""
        response = self.send(CommandApdu(0x00, 0xA4, 0x04, 0x0C, application_id))
        if not response.ok:
            raise CardError(
                f"the card has no eMRTD application ({response.sw:04X})", CardReason.NOT_AN_EMRTD
            )

    def read_file(self, file: ElementaryFile) -> bytes:
        """The whole file with its outer tag, as its own header says how long it is."""
        first = self._first_block(file)
        total = tlv.header_length(first)
        if total > MAX_FILE:
            raise ChipError(f"{file.name} claims {total} bytes", CardReason.TOO_LARGE)
        content = bytearray(first[:total])
        while len(content) < total:
            content += self._block_at(file, len(content), total - len(content))
        return bytes(content)

    def _first_block(self, file: ElementaryFile) -> bytes:
        """Read the beginning by short file identifier, else after SELECT (7816-4 §11.2.3)."""
        if self._short_ids:
            response = self._by_short_id(file)
            if response.sw in COMPLETE and response.data:
                return response.data
            if response.sw in PROTECTED:
                raise _file_error(file, response.sw)
        self._select(file)
        self._short_ids = False  # the card knows the file, but not by its short identifier
        command = CommandApdu(0x00, 0xB0, 0x00, 0x00, le=HEADER_READ)
        return self._data(file, self._corrected(command))

    def _by_short_id(self, file: ElementaryFile) -> ResponseApdu:
        while True:
            command = CommandApdu(0x00, 0xB0, 0x80 | file.short_id, 0x00, le=self.block_size)
            response = self._corrected(command)
            if response.sw != StatusWord.WRONG_LENGTH or not self.step_down():
                return response

    def _block_at(self, file: ElementaryFile, offset: int, missing: int) -> bytes:
        while True:
            wanted = min(self.block_size, missing)
            if offset <= MAX_B0_OFFSET:
                command = CommandApdu(0x00, 0xB0, offset >> 8, offset & 0xFF, le=wanted)
                response = self._corrected(command)
            else:
                response = self._read_far(offset, wanted)
            if response.sw in LENGTH_REFUSALS and self.step_down():
                continue
            return self._data(file, response)[:missing]

    def _read_far(self, offset: int, wanted: int) -> ResponseApdu:
        """READ BINARY with odd instruction: offset in 54, data in 53 (7816-4 §11.2.3)."""
        place = tlv.encode(0x54, offset.to_bytes(3, "big"))
        overhead = 3  # tag and length field of the answer's data object
        wanted = min(wanted, self.block_size - overhead)
        response = self._corrected(CommandApdu(0x00, 0xB1, 0, 0, place, wanted + overhead))
        if response.sw not in COMPLETE:
            return response
        return ResponseApdu(tlv.find([tlv.parse(response.data)], 0x53).value, response.sw)

    def _select(self, file: ElementaryFile) -> None:
        file_id = file.file_id.to_bytes(2, "big")
        response = self.send(CommandApdu(0x00, 0xA4, 0x02, 0x0C, file_id))
        if not response.ok:
            raise _file_error(file, response.sw)

    def _data(self, file: ElementaryFile, response: ResponseApdu) -> bytes:
        if response.sw not in COMPLETE:
            raise _file_error(file, response.sw)
        if not response.data:
            raise ChipError(f"{file.name} ends before its own length")
        return response.data

    def _corrected(self, command: CommandApdu) -> ResponseApdu:
        """Send; where the card names the right expected length, ask once more with it."""
        response = self.send(command)
        le = StatusWord.right_le(response.sw)
        if le is None:
            return response
        return self.send(replace(command, le=le))

    def _exchange(self, command: CommandApdu) -> tuple[ResponseApdu, bytes]:
        """One command with 6Cxx corrected and 61xx fetched; also the last raw response."""
        raw = self._transmit(command)
        response = ResponseApdu.from_bytes(raw)
        le = StatusWord.right_le(response.sw)
        if le is not None and not response.data and le != command.le:
            command = replace(command, le=le)
            raw = self._transmit(command)
            response = ResponseApdu.from_bytes(raw)
        data = response.data
        for _ in range(MAX_CHAINED):
            more = StatusWord.more_available(response.sw)
            if more is None:
                whole = ResponseApdu(data, response.sw)
                return whole, whole.to_bytes()
            if len(data) > MAX_FILE:
                break
            raw = self._transmit(CommandApdu(command.cla & 0x03, 0xC0, 0x00, 0x00, le=more))
            response = ResponseApdu.from_bytes(raw)
            data += response.data
        raise ChipError("a chained response without end", CardReason.TOO_LARGE)

    def _transmit(self, command: CommandApdu) -> bytes:
        sent = command.to_bytes()
        received = self._transport.transmit(sent)
        self.apdus += 1
        self.traffic += len(sent) + len(received)
        return received

    def _record(self, exchange: Exchange) -> None:
        if self._recorder is not None:
            self._recorder(exchange)


def _file_error(file: ElementaryFile, sw: int) -> CardError:
    if sw in MISSING:
        return CardError(f"{file.name} is not on the card", CardReason.FILE_MISSING)
    if sw in PROTECTED:
        return CardError(f"{file.name} may not be read", CardReason.FILE_PROTECTED)
    return ChipError(f"{file.name}: the chip answered {sw:04X} ({StatusWord.meaning(sw)})")
