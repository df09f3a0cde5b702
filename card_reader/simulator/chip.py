"""The chip: bytes of a command in, bytes of a response out (ICAO 9303-10 §3, 9303-11 §4, §6.1).

It starts closed. Only EF.CardAccess and the application's name are open before access control; all
else answers 6982 until BAC has made a secure session, and again as soon as that session ends.
"""

import os
from collections.abc import Callable

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu, StatusWord
from card_reader.errors import MalformedApduError, MalformedTlvError
from card_reader.simulator.active_authentication import load_key, sign
from card_reader.simulator.profile import EF_CARD_ACCESS, CardProfile
from card_reader.simulator.secure_messaging import BasicAccess, CardSession, RefusalError

EMRTD_APPLICATION = bytes.fromhex("A0000002471001")  # ICAO 9303-10 §3.4
MASTER_FILE = b"\x3f\x00"
MASTER_FILE_EFS = frozenset({EF_CARD_ACCESS})
_OFFSET, _DATA = 0x54, 0x53
_SHORT_RESPONSE = 256
_LONGEST_RESPONSE = 65_533  # pcscd and vpcd pass no longer message
# Protected responses carry 87 (header, indicator, padding), 99 and 8E besides the data.
_LONGEST_PROTECTED_DATA = 231
_SM_OVERHEAD = 35

SELECT, READ_BINARY, READ_BINARY_ODD = 0xA4, 0xB0, 0xB1
GET_CHALLENGE, EXTERNAL_AUTHENTICATE, INTERNAL_AUTHENTICATE = 0x84, 0x82, 0x88
GET_RESPONSE = 0xC0


class Chip:
    """One powered chip. `transmit` answers everything and raises nothing."""

    def __init__(self, profile: CardProfile, rng: Callable[[int], bytes] = os.urandom) -> None:
        self.profile = profile
        self._rng = rng
        self._access = BasicAccess(profile.access)
        pkcs8 = profile.authentication_key
        self._key = load_key(pkcs8) if pkcs8 is not None else None
        self._handlers: dict[int, Callable[[CommandApdu], ResponseApdu]] = {
            SELECT: self._select,
            READ_BINARY: self._read_binary,
            READ_BINARY_ODD: self._read_binary_odd,
            GET_CHALLENGE: self._get_challenge,
            EXTERNAL_AUTHENTICATE: self._external_authenticate,
            INTERNAL_AUTHENTICATE: self._internal_authenticate,
        }
        self.reset()

    @property
    def atr(self) -> bytes:
        return self.profile.atr

    def reset(self) -> None:
        """Power off and on: every right is gone."""
        self._in_application = False
        self._current: int | None = None
        self._challenge: bytes | None = None
        self._session: CardSession | None = None
        self._pending = b""

    def transmit(self, command: bytes) -> bytes:
        try:
            apdu = CommandApdu.from_bytes(command)
        except MalformedApduError:
            return ResponseApdu(b"", StatusWord.WRONG_LENGTH).to_bytes()
        # ISO 7816-4 §5.1: a body that starts with 00 and goes on is in the extended form.
        extended = len(command) > 5 and command[4] == 0
        if apdu.ins == GET_RESPONSE:
            return self._get_response(apdu).to_bytes()
        self._pending = b""
        if extended and not self.profile.quirks.extended_length:
            return ResponseApdu(b"", StatusWord.WRONG_LENGTH).to_bytes()
        longest = _LONGEST_RESPONSE if extended else _SHORT_RESPONSE
        return self._in_pieces(self._answer(apdu, longest), longest).to_bytes()

    # --- secure messaging around the command ---

    def _answer(self, apdu: CommandApdu, longest: int) -> ResponseApdu:
        if apdu.cla == 0x00:
            # ICAO 9303-11 §9.8.3: a command without protection ends the session.
            self._session = None
            self._longest_data = longest
            return self._execute(apdu)
        if apdu.cla != 0x0C:
            return ResponseApdu(b"", StatusWord.CLA_UNSUPPORTED)
        if self._session is None:
            return ResponseApdu(b"", StatusWord.SECURE_MESSAGING_UNSUPPORTED)
        session = self._session
        try:
            plain = session.unwrap(apdu)
        except RefusalError as refusal:
            self._session = None
            return ResponseApdu(b"", refusal.sw)
        short = longest == _SHORT_RESPONSE
        self._longest_data = _LONGEST_PROTECTED_DATA if short else longest - _SM_OVERHEAD
        return session.wrap(self._execute(plain), plain.ins)

    def _execute(self, apdu: CommandApdu) -> ResponseApdu:
        challenge, self._challenge = self._challenge, None  # good for the next command only
        handler = self._handlers.get(apdu.ins)
        if handler is None:
            return ResponseApdu(b"", StatusWord.INS_UNSUPPORTED)
        if apdu.ins == EXTERNAL_AUTHENTICATE:
            self._challenge = challenge
        try:
            return handler(apdu)
        except RefusalError as refusal:
            return ResponseApdu(b"", refusal.sw)

    def _in_pieces(self, response: ResponseApdu, longest: int) -> ResponseApdu:
        """What is too long for a short response waits for GET RESPONSE (ISO 7816-4 §5.3.4)."""
        if len(response.data) <= longest:
            return response
        self._pending = response.data[longest:]
        return ResponseApdu(response.data[:longest], self._more())

    def _more(self) -> int:
        return 0x6100 | (len(self._pending) if len(self._pending) < _SHORT_RESPONSE else 0)

    def _get_response(self, apdu: CommandApdu) -> ResponseApdu:
        if apdu.cla not in (0x00, 0x0C) or not self._pending:
            return ResponseApdu(b"", StatusWord.CONDITIONS_NOT_SATISFIED)
        count = min(apdu.le or _SHORT_RESPONSE, _SHORT_RESPONSE)
        data, self._pending = self._pending[:count], self._pending[count:]
        return ResponseApdu(data, self._more() if self._pending else StatusWord.OK)

    # --- files (ICAO 9303-10 §3.6) ---

    def _select(self, apdu: CommandApdu) -> ResponseApdu:
        quirks = self.profile.quirks
        if apdu.le is not None and quirks.select_with_le_refused:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        if apdu.p2 not in (0x00, 0x0C):
            raise RefusalError(StatusWord.INCORRECT_P1_P2)
        if apdu.p1 == 0x04:
            return self._select_application(apdu.data)
        if apdu.p1 == 0x00 and apdu.data in (b"", MASTER_FILE):
            if quirks.select_mf_refused:
                raise RefusalError(StatusWord.INS_UNSUPPORTED)
            self._enter(application=False)
            return ResponseApdu(b"", StatusWord.OK)
        if apdu.p1 not in (0x00, 0x02) or len(apdu.data) != 2:
            raise RefusalError(StatusWord.INCORRECT_P1_P2)
        self._open(int.from_bytes(apdu.data, "big"))
        return ResponseApdu(b"", StatusWord.OK)

    def _select_application(self, name: bytes) -> ResponseApdu:
        if not name or not EMRTD_APPLICATION.startswith(name):
            raise RefusalError(StatusWord.FILE_NOT_FOUND)
        self._enter(application=True)
        return ResponseApdu(b"", StatusWord.OK)

    def _enter(self, *, application: bool) -> None:
        self._in_application = application
        self._current = None

    def _open(self, identifier: int) -> bytes:
        """Make a file the current one and give its contents, or refuse."""
        self._current = None
        if not self._in_application:
            if identifier not in MASTER_FILE_EFS or identifier not in self.profile.files:
                raise RefusalError(StatusWord.FILE_NOT_FOUND)
        elif self._session is None or identifier in self.profile.protected:
            raise RefusalError(StatusWord.SECURITY_STATUS)
        elif identifier in MASTER_FILE_EFS or identifier not in self.profile.files:
            raise RefusalError(StatusWord.FILE_NOT_FOUND)
        self._current = identifier
        return self.profile.files[identifier]

    def _open_current(self) -> bytes:
        if self._current is None:
            raise RefusalError(StatusWord.NO_CURRENT_EF)
        return self._open(self._current)

    def _open_short(self, short: int) -> bytes:
        if not self.profile.quirks.short_file_identifiers:
            raise RefusalError(StatusWord.FUNCTION_UNSUPPORTED)
        return self._open(0x0100 + short)

    def _read_binary(self, apdu: CommandApdu) -> ResponseApdu:
        if apdu.p1 & 0x80:  # ISO 7816-4 §11.3.3: short file identifier in P1
            if apdu.p1 & 0x60:
                raise RefusalError(StatusWord.INCORRECT_P1_P2)
            return self._piece(self._open_short(apdu.p1 & 0x1F), apdu.p2, apdu.le)
        return self._piece(self._open_current(), apdu.p1 << 8 | apdu.p2, apdu.le)

    def _read_binary_odd(self, apdu: CommandApdu) -> ResponseApdu:
        """Offset in data object 54, data in data object 53 (ISO 7816-4 §11.3.3)."""
        if not self.profile.quirks.odd_read_binary:
            raise RefusalError(StatusWord.INS_UNSUPPORTED)
        reference = apdu.p1 << 8 | apdu.p2
        if reference > 0x1E:
            raise RefusalError(StatusWord.INCORRECT_P1_P2)
        try:
            offset = tlv.parse(apdu.data)
        except MalformedTlvError:
            raise RefusalError(StatusWord.WRONG_DATA) from None
        if offset.tag != _OFFSET or not 1 <= len(offset.value) <= 3 or apdu.le is None:
            raise RefusalError(StatusWord.WRONG_DATA)
        data = self._open_short(reference) if reference else self._open_current()
        room = min(apdu.le, self._longest_data)
        header = len(tlv.encode(_DATA, bytes(room))) - room
        if room <= header:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        piece = self._piece(data, int.from_bytes(offset.value, "big"), room - header)
        return ResponseApdu(tlv.encode(_DATA, piece.data), piece.sw)

    def _piece(self, data: bytes, offset: int, le: int | None) -> ResponseApdu:
        if le is None or le > self.profile.quirks.longest_read:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        if offset >= len(data):
            raise RefusalError(StatusWord.WRONG_P1_P2)
        count = min(le, self._longest_data, len(data) - offset)
        everything = le in (_SHORT_RESPONSE, 65_536)  # "as much as there is"
        at_end = offset + count == len(data) and count < le and not everything
        sw = StatusWord.END_OF_FILE if at_end else StatusWord.OK
        return ResponseApdu(data[offset : offset + count], sw)

    # --- authentication ---

    def _get_challenge(self, apdu: CommandApdu) -> ResponseApdu:
        if not self._in_application:
            raise RefusalError(StatusWord.CONDITIONS_NOT_SATISFIED)
        if apdu.le != 8:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        self._challenge = self._rng(8)
        return ResponseApdu(self._challenge, StatusWord.OK)

    def _external_authenticate(self, apdu: CommandApdu) -> ResponseApdu:
        challenge, self._challenge = self._challenge, None
        if challenge is None:
            raise RefusalError(StatusWord.CONDITIONS_NOT_SATISFIED)
        answer, session = self._access.authenticate(apdu.data, challenge, self._rng)
        self._session = session
        return ResponseApdu(answer, StatusWord.OK)

    def _internal_authenticate(self, apdu: CommandApdu) -> ResponseApdu:
        """Active authentication over the terminal's 8 bytes (ICAO 9303-11 §6.1)."""
        if self._session is None:
            raise RefusalError(StatusWord.SECURITY_STATUS)
        if self._key is None:
            raise RefusalError(StatusWord.INS_UNSUPPORTED)
        if len(apdu.data) != 8:
            raise RefusalError(StatusWord.WRONG_DATA)
        return ResponseApdu(sign(self._key, apdu.data, self._rng), StatusWord.OK)
