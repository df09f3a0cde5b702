"""Reading the files of a card: SELECT, READ BINARY, and what cards make of them.

A reader of files learns the card's kind as it goes on
(:class:`card_reader.reading.strategy.Strategy`): short file identifiers, form of SELECT, size of a
block.  Contents are appended to the caller's
buffer, so that a reading that breaks off goes on at the very byte.
"""

import logging
from dataclasses import replace

from card_reader import tlv
from card_reader.apdu import MAX_SHORT_LE, CommandApdu, ResponseApdu, StatusWord
from card_reader.channel import Channel
from card_reader.errors import (
    CardError,
    CardReason,
    ChipError,
    MalformedTlvError,
    ReaderError,
    SecureMessagingError,
)
from card_reader.lds import ElementaryFile
from card_reader.reading.strategy import BLOCKS, SELECT_FORMS, MasterFileWay, SelectForm

LOG = logging.getLogger("card_reader")

MAX_FILE = 256 * 1024
MAX_B0_OFFSET = 0x7FFF  # of READ BINARY with even instruction
HEADER_READ = 4  # tag and length field of every file up to 65,535 bytes
MAX_HEADER = 8
LOST_SESSION_BLOCK = 2_048
PROBE_LENGTH = 1_024  # asks for the extended form, and no more than every card that has it gives
MASTER_FILE = b"\x3f\x00"
DO_OFFSET, DO_DISCRETIONARY = 0x54, 0x53
SET, SEQUENCE = 0x31, 0x30
MAX_DATA_HEADER = 4  # of data object 53 with up to 65,535 bytes
FIXED_OFFSET_BYTES = 3

SELECT, READ_BINARY, READ_BINARY_ODD = 0xA4, 0xB0, 0xB1
BY_NAME, BY_MASTER_FILE, BY_FILE_ID = 0x04, 0x00, 0x02

COMPLETE = frozenset({StatusWord.OK, StatusWord.END_OF_FILE})
MISSING = frozenset({StatusWord.FILE_NOT_FOUND, StatusWord.REFERENCED_DATA_NOT_FOUND})
PROTECTED = frozenset({StatusWord.SECURITY_STATUS, StatusWord.CONDITIONS_NOT_SATISFIED})
# What cards say to a length, or to a form of command, that they do not take.
LENGTH_REFUSALS = frozenset(
    {
        StatusWord.WRONG_LENGTH,
        StatusWord.WRONG_P1_P2,
        StatusWord.INCORRECT_P1_P2,
        StatusWord.WRONG_DATA,
        StatusWord.NO_DIAGNOSIS,
    }
)
FORM_REFUSALS = LENGTH_REFUSALS | {StatusWord.FUNCTION_UNSUPPORTED, StatusWord.CLA_UNSUPPORTED}


class FileReader:
    """Files over one channel.  Raises CardError; a lost session is the caller's to open again."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._current: ElementaryFile | None = None
        self._in_master_file = False
        self._refused_over_end = False  # perhaps: the next block of the file will tell

    @property
    def block_size(self) -> int:
        """Data bytes asked for by one READ BINARY."""
        most = self._channel.max_data
        size = min(self._channel.strategy.block or most, most)
        short = self._channel.max_short_data
        return short if short < size <= MAX_SHORT_LE else size

    def step_down(self) -> bool:
        """Ask for less from now on; False where there is no less.

        A card that refuses the extended form without ever having promised it has none.
        """
        current = self.block_size
        if current > self._channel.max_short_data and self._channel.strategy.extended is None:
            self._channel.learn(extended=False)
            return True
        smaller = [size for size in BLOCKS if size < current]
        if smaller:
            self._channel.learn(block=smaller[0])
        return bool(smaller)

    def forget(self) -> None:
        """The card was reset: no file is selected any more."""
        self._current = None
        self._in_master_file = False

    # --- SELECT -------------------------------------------------------------------------------

    def select_application(self, application_id: bytes) -> None:
        """SELECT by name, without expected length first, which some cards refuse (§11.1.1)."""
        response = self._select(BY_NAME, application_id)
        self.forget()
        if not response.ok:
            raise CardError(
                f"the card has no eMRTD application ({response.sw:04X})", CardReason.NOT_AN_EMRTD
            )

    def select_file(self, file: ElementaryFile) -> None:
        """SELECT by file identifier below the current application."""
        self._current = None
        response = self._select(BY_FILE_ID, file.file_id.to_bytes(2, "big"))
        if not response.ok:
            raise file_error(file, response.sw)
        self._current = file

    def _select(self, p1: int, data: bytes) -> ResponseApdu:
        """SELECT in the form this kind of card takes; a refused form gives way to the next."""
        known = self._channel.strategy.select
        response = self._select_as(known, p1, data)
        if response.sw not in FORM_REFUSALS:
            return response
        for form in SELECT_FORMS:
            other = response if form is known else self._select_as(form, p1, data)
            if other.ok:
                self._channel.learn(select=form)
                return other
        return response

    def _select_as(self, form: SelectForm, p1: int, data: bytes) -> ResponseApdu:
        return self._channel.send(CommandApdu(0x00, SELECT, p1, form.p2, data, form.le))

    # --- files of the master file ---------------------------------------------------------------

    def select_master_file(self, way: MasterFileWay | None = None) -> None:
        """SELECT of the master file; a card that knows no such command may stand there already."""
        way = way or self._channel.strategy.master_file
        identifier = b"" if way is MasterFileWay.SELECT_NAMELESS else MASTER_FILE
        response = self._select_as(self._channel.strategy.select, BY_MASTER_FILE, identifier)
        self._current = None
        self._in_master_file = response.ok

    def read_in_master_file(self, file: ElementaryFile, *, searched: bool = True) -> bytes:
        """A whole file of the master file, before an application is selected.

        ``searched``: that it is missing is believed by the one way that is known.
        """
        known = self._channel.strategy.master_file
        if known is not None:
            found = self._try(file, known)
            if isinstance(found, bytes):
                return found
            if searched and found.reason is CardReason.FILE_MISSING:
                raise found
        return self._search(file)

    def _search(self, file: ElementaryFile) -> bytes:
        """By every way in turn, and learn which it was.

        Not every card knows short identifiers, or SELECT of the master file, nor does every card
        start there.  What is missing by one identifier where the card stands is so by the other.
        """
        asked = self._channel.strategy.extended
        found = self._try(file, MasterFileWay.SHORT_ID)
        if isinstance(found, bytes):
            self._channel.learn(master_file=MasterFileWay.SHORT_ID)
            return found
        # A short identifier that went with a vain probe of the extended form had no fair chance:
        # now the surest way, and next time the short identifier once more.
        in_vain = asked is None and self._channel.strategy.extended is False
        missing = found.reason is CardReason.FILE_MISSING
        way = MasterFileWay.SHORT_ID
        if not (missing or in_vain):
            way = MasterFileWay.SELECT_FILE
            found = self._try(file, way)
        for other in (MasterFileWay.SELECT, MasterFileWay.SELECT_NAMELESS):
            if not isinstance(found, bytes) and not self._in_master_file:
                found = self._try(file, other)
                way = other if isinstance(found, bytes) else way
        if isinstance(found, bytes):
            self._channel.learn(master_file=None if in_vain else way)
            return found
        self._channel.learn(master_file=way)
        raise found

    def _try(self, file: ElementaryFile, way: MasterFileWay) -> bytes | CardError:
        """The file by one way, or why not; a lost session or contact raises."""
        try:
            if way is MasterFileWay.SHORT_ID:
                self._current = file
                response = self._beginning(file, by_short_id=True, repeat=False)
            else:
                if way is not MasterFileWay.SELECT_FILE and not self._in_master_file:
                    self.select_master_file(way)
                self.select_file(file)
                response = self._beginning(file, by_short_id=False)
            return self._rest(file, self._data(file, response))
        except (SecureMessagingError, ReaderError):
            raise
        except CardError as error:
            return error

    def _rest(self, file: ElementaryFile, first: bytes) -> bytes:
        content = bytearray(first)
        if file.tag in (SET, SEQUENCE):  # one object, whose header says how long it is
            try:
                self.read(file, content)
            except (SecureMessagingError, ReaderError):
                raise
            except CardError as error:
                # The file is there: what a part of it is worth, its parser says.
                LOG.warning("%s is not whole: %s", file.name, error.detail)
            return bytes(content)
        asked = (HEADER_READ, PROBE_LENGTH, self._channel.strategy.first_read, self.block_size)
        more = len(first) in asked  # fewer bytes than were asked for are the end of the file
        while more and len(content) <= MAX_FILE:  # a row of objects
            wanted = self._block_at(len(content))
            response = self._read_at(len(content), wanted)
            more = response.sw == StatusWord.OK and len(response.data) == wanted
            content += response.data if response.sw in COMPLETE else b""
        return bytes(content)

    # --- files of the application ---------------------------------------------------------------

    def read(self, file: ElementaryFile, content: bytearray) -> None:
        """Append to ``content`` what is missing of the file, its outer tag included."""
        self._refused_over_end = False
        if not content:
            content += self._first_block(file)
        elif self._current is not file:
            self.select_file(file)
        while len(content) < (total := self._total(file, content)):
            missing = total - len(content)
            content += self._block(file, len(content), missing)[:missing]
        del content[total:]

    def sample(self, file: ElementaryFile, offset: int, length: int) -> bytes:
        """Some bytes of a file: to know again the card they were read from."""
        self.select_file(file)
        return self._block(file, offset, length)[:length]

    def _total(self, file: ElementaryFile, content: bytearray) -> int:
        """The file's length by its own header; a header that is not there yet needs more."""
        try:
            total = tlv.header_length(bytes(content[:MAX_HEADER]))
        except MalformedTlvError:
            if len(content) >= MAX_HEADER:
                raise
            return len(content) + 1
        if total > MAX_FILE:
            raise ChipError(f"{file.name} claims {total} bytes", CardReason.TOO_LARGE)
        return total

    def _first_block(self, file: ElementaryFile) -> bytes:
        """The beginning by short file identifier, else after SELECT (§11.3.2)."""
        if self._channel.strategy.short_ids:
            response = self._beginning(file, by_short_id=True)
            if response.sw in COMPLETE and response.data:
                self._current = file
                return response.data
            if response.sw in PROTECTED:
                raise file_error(file, response.sw)
        self.select_file(file)
        self._channel.learn(short_ids=False)  # the file is there, but not by its short identifier
        return self._data(file, self._beginning(file, by_short_id=False))

    def _beginning(
        self, file: ElementaryFile, *, by_short_id: bool, repeat: bool = True
    ) -> ResponseApdu:
        """A file's first bytes, as many as the card gives at once.

        A card that refuses the length refuses either its size or reading over the end: the file's
        header is read alone, and how the rest goes tells which.
        """
        size = self._first_size()
        response = self._read_start(file, size, by_short_id=by_short_id)
        if response.sw == StatusWord.WRONG_LENGTH and self._is_probe(size):
            self.step_down()
            if not repeat:
                return response
            size = self._first_size()
            response = self._read_start(file, size, by_short_id=by_short_id)
        empty = response.sw in COMPLETE and not response.data
        if size <= HEADER_READ or not (empty or response.sw in LENGTH_REFUSALS):
            return response
        header = self._read_start(file, HEADER_READ, by_short_id=by_short_id)
        if header.sw not in COMPLETE or not header.data:
            return response
        long = size > MAX_SHORT_LE and response.sw == StatusWord.WRONG_LENGTH
        self._refused_over_end = not long  # a refusal of the size will show at the next long block
        return header

    def _first_size(self) -> int:
        size = self._channel.strategy.first_read or self.block_size
        return min(size, PROBE_LENGTH) if self._is_probe(size) else size

    def _is_probe(self, size: int) -> bool:
        """Whether this length tries the extended form on a card that never promised it."""
        return self._channel.strategy.extended is None and size > self._channel.max_short_data

    def _read_start(self, file: ElementaryFile, size: int, *, by_short_id: bool) -> ResponseApdu:
        p1 = 0x80 | file.short_id if by_short_id else 0x00
        return self._corrected(CommandApdu(0x00, READ_BINARY, p1, 0x00, le=size))

    def _block(self, file: ElementaryFile, offset: int, missing: int) -> bytes:
        """The next bytes of the current file; a card that gives fewer is asked for fewer."""
        while True:
            wanted = min(self._block_at(offset), missing)
            response = self._read_at(offset, wanted)
            if response.sw == StatusWord.NO_CURRENT_EF and self._channel.strategy.short_ids:
                self._channel.learn(short_ids=False)  # reading so made no file the current one
                self.select_file(file)
                continue
            empty = response.sw in COMPLETE and not response.data
            if empty or response.sw in LENGTH_REFUSALS:
                self._refused_over_end = False
                if self._fix_offset(offset) or (wanted > BLOCKS[-1] and self._ask_less(wanted)):
                    continue
            data = self._data(file, response)
            self._judge(wanted, len(data))
            return data

    def _ask_less(self, wanted: int) -> bool:
        """Step down below a length that was refused, be it a whole block or less."""
        while self.block_size >= wanted:
            if not self.step_down():
                return False
        return True

    def _judge(self, wanted: int, given: int) -> None:
        """What a block that came teaches about lengths."""
        if self._refused_over_end:  # the header's file was refused for reading over its end
            self._refused_over_end = False
            self._channel.learn(first_read=HEADER_READ)
        if given < wanted and wanted > BLOCKS[-1]:
            self._channel.learn(block=max(given, BLOCKS[-1]))

    def _block_at(self, offset: int) -> int:
        return self.block_size - (MAX_DATA_HEADER if offset > MAX_B0_OFFSET else 0)

    def _read_at(self, offset: int, wanted: int) -> ResponseApdu:
        if offset <= MAX_B0_OFFSET:
            command = CommandApdu(0x00, READ_BINARY, offset >> 8, offset & 0xFF, le=wanted)
            return self._corrected(command)
        return self._read_far(offset, wanted)

    def _read_far(self, offset: int, wanted: int) -> ResponseApdu:
        """READ BINARY with odd instruction: offset in 54, data in 53 (§11.3.2)."""
        fewest = self._channel.strategy.offset_bytes
        length = max(fewest, (offset.bit_length() + 7) // 8)
        place = tlv.encode(DO_OFFSET, offset.to_bytes(length, "big"))
        le = wanted + len(tlv.encode_length(wanted)) + 1
        response = self._corrected(CommandApdu(0x00, READ_BINARY_ODD, 0, 0, place, le))
        if response.sw not in COMPLETE:
            return response
        data = tlv.find([tlv.parse(response.data)], DO_DISCRETIONARY).value
        return ResponseApdu(data, response.sw)

    def _fix_offset(self, offset: int) -> bool:
        """Some cards want the offset in three bytes, some in as few as it needs."""
        fixed = self._channel.strategy.offset_bytes == FIXED_OFFSET_BYTES
        if fixed or offset <= MAX_B0_OFFSET:
            return False
        self._channel.learn(offset_bytes=FIXED_OFFSET_BYTES)
        return True

    # --- what a response means ------------------------------------------------------------------

    def _corrected(self, command: CommandApdu) -> ResponseApdu:
        """Send; where the card names the right expected length, ask once more with it."""
        response = self._send(command)
        le = StatusWord.right_le(response.sw)
        if le is not None:
            return self._send(replace(command, le=le))
        understood = response.sw not in FORM_REFUSALS and (response.data or not response.ok)
        if self._channel.sent_extended and understood:
            self._channel.learn(extended=True)
        return response

    def _send(self, command: CommandApdu) -> ResponseApdu:
        """In the extended form where the answer would not fit into a short one as a whole."""
        fits = (command.le or 0) <= self._channel.max_short_data
        short = fits or self._channel.strategy.extended is False
        return self._channel.send(command, extended=None if short else True)

    def _data(self, file: ElementaryFile, response: ResponseApdu) -> bytes:
        if response.sw not in COMPLETE:
            raise file_error(file, response.sw)
        if not response.data:
            raise ChipError(f"{file.name} ends before its own length")
        return response.data

    def after_lost_session(self, file: ElementaryFile) -> CardError | None:
        """What the loss of a session over this file teaches; an error where it was a refusal.

        Some chips drop the session over a length, a form or a file they do not know.
        """
        command, sw = self._channel.last_command, self._channel.last_status
        self.forget()
        refusal = None if sw in COMPLETE else file_error(file, sw)  # None: it was not authentic
        if command is not None and command.ins == SELECT:
            return refusal
        beginning = command is not None and command.ins == READ_BINARY and command.p1 & 0x80
        if beginning and sw not in LENGTH_REFUSALS and sw not in COMPLETE:
            self._channel.learn(short_ids=False)
            return None
        size = self.block_size
        if size > LOST_SESSION_BLOCK:  # opening the chip again costs more than shorter blocks
            self._channel.learn(block=LOST_SESSION_BLOCK)
        elif size > self._channel.max_short_data:
            self._channel.learn(extended=False)
        elif not self.step_down():
            return refusal
        return None


def file_error(file: ElementaryFile, sw: int) -> CardError:
    """The error that a status word other than "done" means for a file."""
    if sw in MISSING:
        return CardError(f"{file.name} is not on the card", CardReason.FILE_MISSING)
    if sw in PROTECTED:
        return CardError(f"{file.name} may not be read", CardReason.FILE_PROTECTED)
    return ChipError(f"{file.name}: the chip answered {sw:04X} ({StatusWord.meaning(sw)})")
