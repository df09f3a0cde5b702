"""The chip's files: master file, eMRTD application, SELECT and READ BINARY (ICAO 9303-10 §3)."""

from dataclasses import dataclass

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu, StatusWord
from card_reader.errors import MalformedTlvError
from card_reader.simulator.profile import (
    EF_ATR_INFO,
    EF_CARD_ACCESS,
    EF_DIR,
    CardProfile,
)
from card_reader.simulator.quirks import EndOfFile, OverlongRead
from card_reader.simulator.refusal import RefusalError

EMRTD_APPLICATION = bytes.fromhex("A0000002471001")  # ICAO 9303-10 §3.4
MASTER_FILE = b"\x3f\x00"
# Open to everyone (ICAO 9303-10 §3.11); EF.CardSecurity is not.
OPEN_MASTER_FILES = frozenset({EF_CARD_ACCESS, EF_DIR, EF_ATR_INFO})
# ICAO 9303-10 tables 3 and 38; every other short identifier is the low part of the identifier.
_SHORT_IN_MASTER_FILE = {0x01: EF_ATR_INFO, 0x1E: EF_DIR}
_LAST_SHORT = 0x1E
_BY_IDENTIFIER, _UNDER_CURRENT, _PARENT, _BY_NAME, _PATH_FROM_MF = 0x00, 0x02, 0x03, 0x04, 0x08
_FCI, _APPLICATION_NAME = 0x6F, 0x84
_OFFSET, _DATA = 0x54, 0x53
_EVERYTHING = (256, 65_536)  # Le 00 and 0000: as much as there is
CORRECT_LENGTH = 0x6C00


class SessionLostError(Exception):
    """The chip answers with an unprotected status word and drops the session."""

    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


@dataclass(frozen=True, slots=True)
class Rights:
    """What holds for one command: may it read, and how much fits into its answer."""

    granted: bool
    longest_data: int


class Files:
    """Where a terminal stands in the files of a powered chip."""

    def __init__(self, profile: CardProfile) -> None:
        self._profile = profile
        self._quirks = profile.quirks
        self.reset()

    def reset(self) -> None:
        self.in_application = False
        self.master_file_selected = False  # by command, not by power alone
        self._current: int | None = None

    # --- SELECT (ISO 7816-4 §11.2.2, ICAO 9303-10 §3.6) ---

    def select(self, apdu: CommandApdu, rights: Rights) -> ResponseApdu:
        if apdu.le is not None and self._quirks.select_with_le_refused:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        if apdu.p2 not in (0x00, 0x0C):
            raise RefusalError(StatusWord.INCORRECT_P1_P2)
        if apdu.p1 == _BY_NAME:
            return self._select_application(apdu, rights)
        if apdu.p1 == _BY_IDENTIFIER and apdu.data in (b"", MASTER_FILE):
            return self._select_master_file(named=bool(apdu.data))
        if apdu.p1 == _PARENT and not apdu.data:
            return self._select_master_file(named=True)
        if apdu.p1 == _PATH_FROM_MF and len(apdu.data) == 2:
            self._select_master_file(named=True)
        elif apdu.p1 not in (_BY_IDENTIFIER, _UNDER_CURRENT) or len(apdu.data) != 2:
            raise RefusalError(StatusWord.INCORRECT_P1_P2)
        self._open(int.from_bytes(apdu.data, "big"), rights)
        return ResponseApdu(b"", StatusWord.OK)

    def _select_master_file(self, *, named: bool) -> ResponseApdu:
        quirks = self._quirks
        if quirks.select_mf_refused or (named and quirks.select_mf_by_identifier_refused):
            raise RefusalError(quirks.select_mf_status)
        if named or not quirks.select_mf_without_data_ignored:
            self._enter(application=False)
            self.master_file_selected = True
        return ResponseApdu(b"", StatusWord.OK)

    def _select_application(self, apdu: CommandApdu, rights: Rights) -> ResponseApdu:
        if not apdu.data or not EMRTD_APPLICATION.startswith(apdu.data):
            raise RefusalError(StatusWord.FILE_NOT_FOUND)
        if self._quirks.application_needs_access and not rights.granted:
            raise RefusalError(StatusWord.SECURITY_STATUS)
        self._enter(application=True)
        asked = apdu.p2 == 0x00 and apdu.le is not None
        if not asked and not self._quirks.select_answers_fci:
            return ResponseApdu(b"", StatusWord.OK)
        fci = tlv.encode(_FCI, tlv.encode(_APPLICATION_NAME, EMRTD_APPLICATION))
        return ResponseApdu(fci, StatusWord.OK)

    def _enter(self, *, application: bool) -> None:
        self.in_application = application
        self._current = None

    # --- opening a file, or refusing to ---

    def _open(self, identifier: int, rights: Rights) -> bytes:
        """Make a file the current one and give its contents."""
        self._current = None
        if self.in_application:
            contents = self._in_application(identifier, rights)
        else:
            contents = self._in_master_file(identifier, rights)
        self._current = identifier
        return contents

    def _in_application(self, identifier: int, rights: Rights) -> bytes:
        # ICAO 9303-11 §4.4.2: whether a file exists is no business of strangers.
        if not rights.granted or identifier in self._profile.protected:
            raise RefusalError(StatusWord.SECURITY_STATUS)
        if identifier not in self._profile.files:
            raise RefusalError(StatusWord.FILE_NOT_FOUND)
        return self._profile.files[identifier]

    def _in_master_file(self, identifier: int, rights: Rights) -> bytes:
        files = self._profile.master_files
        if identifier not in files or self._card_access_hidden(identifier):
            raise RefusalError(StatusWord.FILE_NOT_FOUND)
        hidden = self._quirks.directory_protected and identifier == EF_DIR
        if (hidden or identifier not in OPEN_MASTER_FILES) and not rights.granted:
            raise RefusalError(StatusWord.SECURITY_STATUS)
        return files[identifier]

    def _card_access_hidden(self, identifier: int) -> bool:
        if identifier != EF_CARD_ACCESS:
            return False
        if self.master_file_selected:
            return self._quirks.card_access_lost_in_mf
        return self._quirks.card_access_needs_mf

    def _open_current(self, rights: Rights) -> bytes:
        if self._current is None:
            raise RefusalError(StatusWord.NO_CURRENT_EF)
        return self._open(self._current, rights)

    def _open_short(self, short: int, rights: Rights) -> bytes:
        if not self._quirks.short_file_identifiers:
            raise RefusalError(StatusWord.FUNCTION_UNSUPPORTED)
        if not 0 < short <= _LAST_SHORT:
            raise RefusalError(StatusWord.INCORRECT_P1_P2)
        identifier = 0x0100 + short
        if not self.in_application:
            identifier = _SHORT_IN_MASTER_FILE.get(short, identifier)
        before = self._current
        contents = self._open(identifier, rights)
        if not self._quirks.short_read_selects:
            self._current = before
        return contents

    # --- READ BINARY (ISO 7816-4 §11.3.3) ---

    def read_binary(self, apdu: CommandApdu, rights: Rights) -> ResponseApdu:
        if apdu.p1 & 0x80:  # short file identifier in P1
            if apdu.p1 & 0x60:
                raise RefusalError(StatusWord.INCORRECT_P1_P2)
            contents = self._open_short(apdu.p1 & 0x1F, rights)
            return self._piece(contents, apdu.p2, apdu.le, rights.longest_data)
        offset = apdu.p1 << 8 | apdu.p2
        return self._piece(self._open_current(rights), offset, apdu.le, rights.longest_data)

    def read_binary_odd(self, apdu: CommandApdu, rights: Rights) -> ResponseApdu:
        """Offset in data object 54, data in data object 53."""
        if not self._quirks.odd_read_binary:
            raise RefusalError(StatusWord.INS_UNSUPPORTED)
        reference = apdu.p1 << 8 | apdu.p2
        if reference > _LAST_SHORT:
            raise RefusalError(StatusWord.INCORRECT_P1_P2)
        try:
            offset = tlv.parse(apdu.data)
        except MalformedTlvError:
            raise RefusalError(StatusWord.WRONG_DATA) from None
        if offset.tag != _OFFSET or not 1 <= len(offset.value) <= 3 or apdu.le is None:
            raise RefusalError(StatusWord.WRONG_DATA)
        contents = self._open_short(reference, rights) if reference else self._open_current(rights)
        room = min(apdu.le, rights.longest_data)
        header = len(tlv.encode(_DATA, bytes(room))) - room
        if room <= header:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        start = int.from_bytes(offset.value, "big")
        wanted = apdu.le if apdu.le in _EVERYTHING else apdu.le - header
        piece = self._piece(contents, start, wanted, room - header)
        return ResponseApdu(tlv.encode(_DATA, piece.data), piece.sw)

    def _piece(self, contents: bytes, offset: int, le: int | None, room: int) -> ResponseApdu:
        if le is None:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        if offset >= len(contents):
            raise RefusalError(StatusWord.WRONG_P1_P2)
        if le > self._quirks.longest_read:
            le = self._shortened()
        count = min(le, room, len(contents) - offset)
        at_end = offset + count == len(contents) and count < le
        sw = self._at_end(count, everything=le in _EVERYTHING) if at_end else StatusWord.OK
        return ResponseApdu(contents[offset : offset + count], sw)

    def _shortened(self) -> int:
        """The length that a read gets instead of one that is too long for this chip."""
        longest = self._quirks.longest_read
        match self._quirks.overlong_read:
            case OverlongRead.TRUNCATED:
                return longest
            case OverlongRead.EMPTY:
                return 0
            case OverlongRead.CORRECTED:
                raise RefusalError(CORRECT_LENGTH | longest & 0xFF)
            case OverlongRead.ENDS_SESSION:
                raise SessionLostError(StatusWord.WRONG_LENGTH)
            case OverlongRead.REFUSED:
                raise RefusalError(StatusWord.WRONG_LENGTH)

    def _at_end(self, count: int, *, everything: bool) -> int:
        """The status word of a read that reaches over the end."""
        if self._quirks.end_of_file is EndOfFile.CORRECTED:
            raise RefusalError(CORRECT_LENGTH | count & 0xFF)
        if self._quirks.end_of_file is EndOfFile.REFUSED:
            raise RefusalError(StatusWord.WRONG_P1_P2)
        if everything or self._quirks.end_of_file is EndOfFile.SILENT:
            return StatusWord.OK
        return StatusWord.END_OF_FILE
