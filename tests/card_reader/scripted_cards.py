"""Small cards for the tests of the channel: fixed answers, and one plain file with habits."""

from collections.abc import Callable

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu

FILE_NOT_FOUND, WRONG_LENGTH, WRONG_OFFSET = 0x6A82, 0x6700, 0x6B00


class Answers:
    """A card that gives fixed answers; the last one for ever."""

    atr = b""

    def __init__(self, *answers: bytes | str) -> None:
        self._answers = [bytes.fromhex(item) if isinstance(item, str) else item for item in answers]
        self.sent: list[str] = []

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command.hex())
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def close(self) -> None:
        self._answers = []


class PlainCard:
    """A card with one file, open to everyone.

    ``refuse`` sees every command first and may answer it with a status word.
    """

    atr = b""

    def __init__(
        self,
        content: bytes,
        *,
        file_id: int = 0x0102,
        most: int = 65_536,
        short_ids: bool = True,
        refuse: Callable[[CommandApdu], int | None] = lambda command: None,
    ) -> None:
        self._content = content
        self._file_id = file_id
        self._most = most
        self._short_ids = short_ids
        self._refuse = refuse
        self._selected = False
        self.commands: list[CommandApdu] = []

    def transmit(self, raw: bytes) -> bytes:
        command = CommandApdu.from_bytes(raw)
        self.commands.append(command)
        sw = self._refuse(command)
        response = ResponseApdu(b"", sw) if sw else self._answer(command)
        return response.to_bytes()

    def close(self) -> None:
        self._selected = False

    def _answer(self, command: CommandApdu) -> ResponseApdu:
        if command.ins == 0xA4:
            self._selected = command.data == self._file_id.to_bytes(2, "big")
            return ResponseApdu(b"", 0x9000 if self._selected else FILE_NOT_FOUND)
        if command.p1 & 0x80 and command.ins == 0xB0:
            if not self._short_ids or command.p1 & 0x1F != self._file_id & 0x1F:
                return ResponseApdu(b"", FILE_NOT_FOUND)
            self._selected = True
            return self._piece(command.p2, command.le or 0)
        if not self._selected:
            return ResponseApdu(b"", 0x6986)
        if command.ins == 0xB1:
            offset = int.from_bytes(tlv.parse(command.data).value, "big")
            le = command.le or 0
            piece = self._piece(offset, le - len(tlv.encode_length(le)) - 1)
            return ResponseApdu(tlv.encode(0x53, piece.data), piece.sw)
        return self._piece(command.p1 << 8 | command.p2, command.le or 0)

    def _piece(self, offset: int, le: int) -> ResponseApdu:
        if offset >= len(self._content):
            return ResponseApdu(b"", WRONG_OFFSET)
        if le > self._most:
            return ResponseApdu(b"", WRONG_LENGTH)
        data = self._content[offset : offset + le]
        return ResponseApdu(data, 0x9000 if len(data) == le else 0x6282)
