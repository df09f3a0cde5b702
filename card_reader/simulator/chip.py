"""The chip: bytes of a command in, bytes of a response out (ICAO 9303-10 §3, 9303-11).

It starts closed. Only the open files of the master file and the application's name can be had
before access control; all else answers 6982 until BAC or PACE has made a secure session, and again
as soon as that session ends.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace

from card_reader.apdu import MAX_EXTENDED_DATA, CommandApdu, ResponseApdu, StatusWord
from card_reader.errors import MalformedApduError
from card_reader.simulator.authentication import (
    GENERAL_AUTHENTICATE,
    Authentication,
    complete_authentication_data,
)
from card_reader.simulator.files import Files, Rights, SessionLostError
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.refusal import RefusalError
from card_reader.simulator.secure_messaging import CardSession

_SECURE, _CHAINED = 0x0C, 0x10  # bits of the class byte (ISO 7816-4 §5.4.1)
_SHORT_RESPONSE = 256
_LONGEST_RESPONSE = 65_533  # pcscd and vpcd pass no longer message
# A protected response carries 87 (header, indicator, padding), 99 and 8E besides the data.
_SM_OVERHEAD = 35
_CHAINING_UNSUPPORTED = 0x6884

SELECT, READ_BINARY, READ_BINARY_ODD, GET_RESPONSE = 0xA4, 0xB0, 0xB1, 0xC0


class Chip:
    """One powered chip. `transmit` answers everything and raises nothing.

    `sleep` takes seconds; a chip of a quirk that is slow calls it.
    """

    def __init__(
        self,
        profile: CardProfile,
        rng: Callable[[int], bytes] = os.urandom,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.profile = profile
        self._quirks = profile.quirks
        self._sleep = sleep
        self._files = Files(profile)
        self._authentication = Authentication(profile, self._files, rng, sleep)
        self._file_handlers: dict[int, Callable[[CommandApdu, Rights], ResponseApdu]] = {
            SELECT: self._files.select,
            READ_BINARY: self._files.read_binary,
            READ_BINARY_ODD: self._files.read_binary_odd,
        }
        self.reset()

    @property
    def atr(self) -> bytes:
        return self.profile.atr

    def reset(self) -> None:
        """Power off and on: every right is gone."""
        self._files.reset()
        self._authentication.reset()
        self._session: CardSession | None = None
        self._outer, self._inner = Pieces(), Pieces()  # around secure messaging, and inside
        self._chain: CommandApdu | None = None  # what has come of a chain that goes on
        self._commands = 0

    def transmit(self, command: bytes) -> bytes:
        self._count_command()
        try:
            apdu = CommandApdu.from_bytes(command)
        except MalformedApduError:
            return _status(StatusWord.WRONG_LENGTH).to_bytes()
        protected_piece = self._quirks.protected_pieces and apdu.cla == _SECURE
        if apdu.ins == GET_RESPONSE and not protected_piece:
            return self._outer.next(apdu.le or _SHORT_RESPONSE).to_bytes()
        self._outer.forget()
        # ISO 7816-4 §5.1: a body that starts with 00 and goes on is in the extended form.
        extended = len(command) > 5 and command[4] == 0
        if extended and not self._quirks.extended_length:
            return _status(StatusWord.WRONG_LENGTH).to_bytes()
        longest = _LONGEST_RESPONSE if extended else _SHORT_RESPONSE
        response = self._answer(apdu, longest)
        piece = _LONGEST_RESPONSE if extended else self._quirks.longest_response
        return self._outer.first(response, piece).to_bytes()

    def _count_command(self) -> None:
        if self._quirks.command_delay_ms:
            self._sleep(self._quirks.command_delay_ms / 1000)
        if self._quirks.commands_before_reset == self._commands > 0:
            self.reset()
        self._commands += 1

    # --- secure messaging around the command ---

    def _answer(self, apdu: CommandApdu, longest: int) -> ResponseApdu:
        if apdu.cla & ~_CHAINED == 0x00:
            # ICAO 9303-11 §9.8.3: a command without protection ends the session.
            self._session = None
            try:
                return self._execute(apdu, longest)
            except SessionLostError as lost:
                return _status(lost.sw)
        if apdu.cla & ~_CHAINED != _SECURE:
            return _status(StatusWord.CLA_UNSUPPORTED)
        if self._session is None:
            return _status(StatusWord.SECURE_MESSAGING_UNSUPPORTED)
        return self._answer_protected(apdu, self._session, longest)

    def _answer_protected(
        self, apdu: CommandApdu, session: CardSession, longest: int
    ) -> ResponseApdu:
        short = longest == _SHORT_RESPONSE
        longest_data = session.longest_short_data if short else longest - _SM_OVERHEAD
        try:
            plain = session.unwrap(apdu)
            response = self._execute(plain, longest_data)
        except (RefusalError, SessionLostError) as fault:
            self._session = None
            return _status(fault.sw)
        if self._quirks.plain_errors and response.sw >> 8 not in (0x90, 0x61, 0x62, 0x63):
            self._session = None
            return response
        if self._quirks.protected_pieces and plain.ins != GET_RESPONSE:
            response = self._inner.first(response, longest_data)
        protected = session.wrap(response, plain.ins)
        # Inside protection 61xx is the status; outside it would ask for another kind of piece.
        return replace(protected, sw=StatusWord.OK) if self._inner.waiting else protected

    def _execute(self, apdu: CommandApdu, longest_data: int) -> ResponseApdu:
        """The answer to a command without protection."""
        self._authentication.expect(apdu.ins)
        try:
            if (apdu.le or 0) > self._quirks.longest_extended:
                raise RefusalError(StatusWord.WRONG_LENGTH)
            if apdu.ins == GET_RESPONSE:
                return self._inner.next(min(apdu.le or _SHORT_RESPONSE, longest_data))
            self._inner.forget()
            whole = self._whole(apdu)
            return self._dispatch(whole, longest_data) if whole else _status(StatusWord.OK)
        except RefusalError as refusal:
            return _status(refusal.sw)

    def _dispatch(self, apdu: CommandApdu, longest_data: int) -> ResponseApdu:
        granted = self.profile.plain or self._session is not None
        if apdu.ins in self._file_handlers:
            return self._file_handlers[apdu.ins](apdu, Rights(granted, longest_data))
        response, session = self._authentication.answer(
            apdu, granted=granted, protected=self._session is not None, longest_data=longest_data
        )
        if session is not None:
            self._session = session
        return response

    def _whole(self, apdu: CommandApdu) -> CommandApdu | None:
        """The command with the data of its chain (ISO 7816-4 §5.3.3); None while that goes on.

        The steps of PACE are a chain too, but each of them is answered (ICAO 9303-11 §4.4.4.3).
        """
        begun, self._chain = self._chain, None
        data = apdu.data
        if begun is not None and begun.header[1:] == apdu.header[1:]:
            data = begun.data + data
        if len(data) > MAX_EXTENDED_DATA:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        whole = replace(apdu, data=data)
        step = apdu.ins == GENERAL_AUTHENTICATE and complete_authentication_data(data)
        if step or not apdu.cla & _CHAINED:
            return whole
        if not self._quirks.command_chaining:
            raise RefusalError(_CHAINING_UNSUPPORTED)
        self._chain = whole
        return None


class Pieces:
    """A response that is longer than one answer; the rest waits for GET RESPONSE (§5.3.4)."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.waiting = b""
        self._sw: int = StatusWord.OK
        self._longest = _SHORT_RESPONSE

    def first(self, response: ResponseApdu, longest: int) -> ResponseApdu:
        """The response itself, or its beginning."""
        self.waiting, self._sw = response.data, response.sw
        self._longest = min(longest, _SHORT_RESPONSE)
        return self._cut(longest)

    def next(self, count: int) -> ResponseApdu:
        if not self.waiting:
            return _status(StatusWord.CONDITIONS_NOT_SATISFIED)
        return self._cut(min(count, self._longest))

    def _cut(self, count: int) -> ResponseApdu:
        data, self.waiting = self.waiting[:count], self.waiting[count:]
        if not self.waiting:
            return ResponseApdu(data, self._sw)
        left = min(len(self.waiting), self._longest)
        return ResponseApdu(data, 0x6100 | (left if left < _SHORT_RESPONSE else 0))


def _status(sw: int) -> ResponseApdu:
    return ResponseApdu(b"", sw)
