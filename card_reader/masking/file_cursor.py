"""Which file a recorded READ BINARY reads: the card's view of SELECT and short identifiers."""

from dataclasses import dataclass

from card_reader import tlv
from card_reader.apdu import CommandApdu, StatusWord
from card_reader.errors import MalformedTlvError
from card_reader.lds import EF_ATR_INFO, EF_DIR, FILES_BY_NAME, MASTER_FILE_EFS
from card_reader.reading.file_reading import (
    BY_NAME,
    DO_OFFSET,
    READ_BINARY,
    READ_BINARY_ODD,
    SELECT,
)

SHORT_ID_READ = 0x80
GET_RESPONSE = 0xC0
COMPLETE = (StatusWord.OK, StatusWord.END_OF_FILE)
_MASTER_FILE = b"\x3f\x00"
# ICAO 9303-10 §3.11: the two whose short identifier is not the low part of the identifier.
_SHORT_IN_MASTER_FILE = {file.short_id: file.file_id for file in (EF_ATR_INFO, EF_DIR)}


@dataclass(frozen=True, slots=True)
class FileKey:
    """A file of the application or of the master file, by its identifier."""

    in_application: bool
    file_id: int

    @property
    def name(self) -> str:
        """The file's name, empty for one that no standard names."""
        files = FILES_BY_NAME.values() if self.in_application else MASTER_FILE_EFS
        return next((file.name for file in files if file.file_id == self.file_id), "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the data of a response comes from."""

    file: FileKey
    offset: int


class FileCursor:
    """Follows the commands of a session in their plain form."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The card lost power."""
        self._in_application = False
        self._current: FileKey | None = None
        self._rest: Place | None = None  # of a response that comes in pieces

    def follow(self, command: CommandApdu, sw: int, length: int) -> Place | None:
        """Take one command answered by ``sw`` with ``length`` bytes; where those were read."""
        if command.ins == SELECT:
            self._select(command, sw)
            return None
        place = self._place(command)
        if place is None or not length:
            return None
        if sw in COMPLETE and command.ins != GET_RESPONSE:
            self._current = place.file
        more = StatusWord.more_available(sw) is not None
        self._rest = Place(place.file, place.offset + length) if more else None
        return place

    def _select(self, command: CommandApdu, sw: int) -> None:
        if sw != StatusWord.OK and StatusWord.more_available(sw) is None:
            return
        self._current = None
        if command.p1 == BY_NAME:
            self._in_application = True
        elif command.data in (b"", _MASTER_FILE):
            self._in_application = False
        elif len(command.data) == 2:
            self._current = FileKey(self._in_application, int.from_bytes(command.data, "big"))

    def _place(self, command: CommandApdu) -> Place | None:
        if command.ins == GET_RESPONSE:
            return self._rest
        if command.ins == READ_BINARY:
            if command.p1 & SHORT_ID_READ:
                return Place(self._by_short_id(command.p1 & 0x1F), command.p2)
            return self._in_current(command.p1 << 8 | command.p2)
        if command.ins == READ_BINARY_ODD:
            return self._odd_place(command)
        return None

    def _odd_place(self, command: CommandApdu) -> Place | None:
        try:
            offset = tlv.find(tlv.parse_all(command.data), DO_OFFSET).value
        except MalformedTlvError:
            return None
        number = int.from_bytes(offset, "big")
        short_id = command.p2 & 0x1F
        if short_id:
            return Place(self._by_short_id(short_id), number)
        return self._in_current(number)

    def _in_current(self, offset: int) -> Place | None:
        return None if self._current is None else Place(self._current, offset)

    def _by_short_id(self, short_id: int) -> FileKey:
        file_id = 0x0100 | short_id
        if not self._in_application:
            file_id = _SHORT_IN_MASTER_FILE.get(short_id, file_id)
        return FileKey(self._in_application, file_id)
