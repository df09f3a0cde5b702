"""A chip scripted from a recording: the same behaviour, the secrets of nobody.

Each answer has the recorded one's status word, length and structure.  The protocols are computed
anew with the simulator's card side, files come from their masked contents, all else is noise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.errors import CardReason, MalformedApduError, MalformedTlvError, ReaderError
from card_reader.masking.file_cursor import FileCursor, FileKey
from card_reader.masking.invention import Inventor
from card_reader.masking.masked_files import mask_answer
from card_reader.masking.masked_protocols import (
    EXTERNAL_AUTHENTICATE,
    GET_CHALLENGE,
    ChipSecrets,
    MaskedProtocols,
    NoAnswerError,
)
from card_reader.reading.file_reading import READ_BINARY_ODD
from card_reader.sessions.session_file import RecordedExchange
from card_reader.simulator.refusal import RefusalError
from card_reader.simulator.secure_messaging import CardSession

SECURE_CLASS = 0x0C
DO_STATUS = 0x99
INTERNAL_AUTHENTICATE = 0x88
# They are answered with numbers, cryptograms, signatures: a header of an object there is chance.
ANSWERED_WITHOUT_OBJECTS = frozenset({GET_CHALLENGE, EXTERNAL_AUTHENTICATE, INTERNAL_AUTHENTICATE})


class ScriptLeftError(Exception):
    """The reader does not send what it sent before; ``exchange`` is where.

    ``answer``: it is the chip's own answer that has another length.  ``surplus`` is the difference
    in bytes where nothing else differs: numbers lose their leading zero bytes, by chance.

    Not a :class:`CardError`, which protocols may handle.
    """

    def __init__(self, exchange: int, *, answer: bool = False, surplus: int = 0) -> None:
        super().__init__(f"exchange {exchange}")
        self.exchange = exchange
        self.answer = answer
        self.surplus = surplus


@dataclass(frozen=True, slots=True)
class Script:
    """What the chip follows: the recording, its files in both forms, and the chip's new secrets.

    ``noise`` are the first exchanges of answers that the reader could make nothing of.
    """

    exchanges: Sequence[RecordedExchange] = field(repr=False)
    original: Mapping[FileKey, bytes] = field(repr=False)
    masked: Mapping[FileKey, bytes] = field(repr=False)
    secrets: ChipSecrets = field(repr=False)
    noise: Set[int] = frozenset()


def files_read(exchanges: Iterable[RecordedExchange]) -> dict[FileKey, bytes]:
    """The contents of every file as far as the session read it."""
    cursor, files = FileCursor(), dict[FileKey, bytearray]()
    for group in grouped(exchanges):
        if group[-1].response is None:
            cursor.reset()
            continue
        command, response = _plain(group)
        if command is None or response is None:
            continue
        data = _data_of_read(command, response.data)[1]
        place = cursor.follow(command, response.sw, len(data))
        if place is not None:
            content = files.setdefault(place.file, bytearray())
            end = place.offset + len(data)
            if content[place.offset : end] != data[: max(0, len(content) - place.offset)]:
                del content[place.offset :]  # read anew, to another result
            content.extend(bytes(max(0, end - len(content))))
            content[place.offset : end] = data
    return {file: bytes(content) for file, content in files.items()}


def grouped(exchanges: Iterable[RecordedExchange]) -> list[list[RecordedExchange]]:
    """Exchanges on the wire by the logical exchange they belong to."""
    groups: list[list[RecordedExchange]] = [[]]
    for item in exchanges:
        groups[-1].append(item)
        if not item.continues:
            groups.append([])
    return [group for group in groups if group]


class MaskedCard:
    """A transport; raises :class:`ScriptLeftError` where the reader leaves the recording."""

    def __init__(
        self, atr: bytes, script: Script, inventor: Inventor, rng: Callable[[int], bytes]
    ) -> None:
        self.atr = atr
        self.sent = 0
        self.elapsed = 0.0  # seconds that the recorded card had taken so far
        self._script = script
        self._inventor = inventor
        self._protocols = MaskedProtocols(script.secrets, inventor, rng)
        self._session: CardSession | None = None
        self._cursor = FileCursor()
        self._groups = grouped(script.exchanges)
        self._pieces: list[bytes] = []  # of the answer that is under way

    def transmit(self, command: bytes) -> bytes:
        index = self.sent
        if index >= len(self._script.exchanges):
            raise ScriptLeftError(index)
        recorded = self._script.exchanges[index]
        if command[:4] != recorded.command[:4]:
            raise ScriptLeftError(index)
        if len(command) != len(recorded.command):
            raise ScriptLeftError(index, surplus=len(command) - len(recorded.command))
        self.sent += 1
        self.elapsed += recorded.milliseconds / 1000
        if not self._pieces:
            self._pieces = self._answer(index, command, self._groups.pop(0))
        answer = self._pieces.pop(0)
        if recorded.response is None:
            self._pieces = []
            self._lose_contact()
            raise ReaderError(
                "the recording's contact with the card was lost here",
                recorded.lost or CardReason.CARD_REMOVED,
            )
        return answer

    def close(self) -> None:
        self._lose_contact()

    def _lose_contact(self) -> None:
        self._session = None
        self._cursor.reset()

    # --- one logical exchange -----------------------------------------------------------------

    def _answer(self, index: int, command: bytes, group: list[RecordedExchange]) -> list[bytes]:
        """The masked responses on the wire of one logical exchange."""
        responses = [item.response for item in group if item.response is not None]
        recorded = b"".join(item[:-2] for item in responses)
        whole = recorded
        if responses:
            whole = self._whole(index, command, group, recorded)
        if len(whole) != len(recorded):
            raise ScriptLeftError(index, answer=True, surplus=len(whole) - len(recorded))
        pieces: list[bytes] = []
        for response in responses:
            size = len(response) - 2
            pieces.append(whole[:size] + response[-2:])
            whole = whole[size:]
        return pieces + [b""] * (len(group) - len(responses))

    def _whole(
        self, index: int, raw: bytes, group: list[RecordedExchange], recorded: bytes
    ) -> bytes:
        """The data of a whole response, all its pieces together."""
        try:
            command = CommandApdu.from_bytes(raw)
        except MalformedApduError:
            raise ScriptLeftError(index) from None
        sw = _status(group)
        session = self._session if command.cla & SECURE_CLASS else None
        if session is None:
            return self._plain_answer(index, command, ResponseApdu(recorded, sw)).data
        plain = _unwrapped(session, command)
        wanted, answered = group[0].plain_command, group[-1].plain_response
        if wanted is not None and answered is not None:
            if plain is None or plain.to_bytes()[:4] != wanted[:4]:
                raise ScriptLeftError(index)
            masked = self._plain_answer(index, plain, ResponseApdu.from_bytes(answered))
            return session.wrap(masked, plain.ins).data
        if wanted is not None:  # the reader took the answer, in vain: the counter goes on
            session.wrap(ResponseApdu(b"", sw), command.ins)
        return self._noise_in_objects(recorded)

    def _plain_answer(self, index: int, plain: CommandApdu, recorded: ResponseApdu) -> ResponseApdu:
        """The masked form of a response without protection."""
        header, content = _data_of_read(plain, recorded.data)
        place = self._cursor.follow(plain, recorded.sw, len(content))
        if place is not None:
            original = self._script.original.get(place.file, b"")
            end = place.offset + len(content)
            if original[place.offset : end] == content:
                masked = self._script.masked[place.file][place.offset : end]
                return ResponseApdu(header + masked, recorded.sw)
        noise = index in self._script.noise
        try:
            data = self._protocols.answer(plain, recorded)
        except NoAnswerError:
            data, noise = b"", True
        self._session = self._protocols.take_session() or self._session
        if noise or len(data) != len(recorded.data):
            if not noise and recorded.data:
                surplus = len(data) - len(recorded.data)
                raise ScriptLeftError(index, answer=True, surplus=surplus)
            data = self._noise(plain, recorded.data)
        return ResponseApdu(data, recorded.sw)

    def _noise(self, command: CommandApdu, recorded: bytes) -> bytes:
        """An answer that nothing is computed for: noise between the headers that it may have."""
        if command.ins in ANSWERED_WITHOUT_OBJECTS:
            return self._inventor.octets(len(recorded))
        return mask_answer(recorded, self._inventor)

    def _noise_in_objects(self, recorded: bytes) -> bytes:
        """A protected response that was not authentic: its status stays, no MAC fits it."""
        try:
            items = tlv.parse_all(recorded)
        except MalformedTlvError:
            return mask_answer(recorded, self._inventor)
        masked = b""
        for item in items:
            header = item.raw[: len(item.raw) - len(item.value)]
            value = item.value
            masked += header + (
                value if item.tag == DO_STATUS else self._inventor.octets(len(value))
            )
        return masked


def _unwrapped(session: CardSession, command: CommandApdu) -> CommandApdu | None:
    """The plain command, None where it is not authentic; the counter goes on either way."""
    try:
        return session.unwrap(command)
    except RefusalError:
        return None


def _plain(group: list[RecordedExchange]) -> tuple[CommandApdu | None, ResponseApdu | None]:
    """Command and response of a logical exchange without protection; None where unreadable."""
    raw = group[0].plain_command or group[0].command
    try:
        command = CommandApdu.from_bytes(raw)
    except MalformedApduError:
        return None, None
    if group[0].plain_command is not None:
        answered = group[-1].plain_response
        return command, None if answered is None else ResponseApdu.from_bytes(answered)
    data = b"".join((item.response or b"")[:-2] for item in group)
    return command, ResponseApdu(data, _status(group))


def _status(group: list[RecordedExchange]) -> int:
    """The status word that ends a logical exchange, 0 where contact was lost before it."""
    return int.from_bytes((group[-1].response or b"")[-2:], "big")


def _data_of_read(command: CommandApdu, data: bytes) -> tuple[bytes, bytes]:
    """Header and contents of a READ BINARY's data: the odd instruction wraps it in 53."""
    if command.ins == READ_BINARY_ODD:
        try:
            item, rest = tlv.parse_prefix(data)
        except MalformedTlvError:
            return b"", data
        if not rest:
            return data[: len(data) - len(item.value)], item.value
    return b"", data
