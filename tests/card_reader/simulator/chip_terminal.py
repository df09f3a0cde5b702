"""A terminal for tests of the simulated chip: the reader's protocols, and raw commands.

Reader and chip share no protocol code, so that each checks the other's mathematics.
"""

from collections.abc import Generator
from dataclasses import replace
from typing import TypeVar

from card_reader.access.bac import bac
from card_reader.access.passwords import MrzPassword
from card_reader.apdu import MAX_EXTENDED_LE, MAX_SHORT_LE, CommandApdu, ResponseApdu
from card_reader.secure_messaging import SecureMessaging
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import AccessKeys, CardProfile

Result = TypeVar("Result")

SELECT_APPLICATION = bytes.fromhex("00A4040C07A0000002471001")
GET_CHALLENGE = bytes.fromhex("0084000008")


def mrz_password(access: AccessKeys) -> MrzPassword:
    return MrzPassword(access.document_number, access.date_of_birth, access.date_of_expiry)


class Terminal:
    """Speaks to a chip in plain, then in protected commands. It starts in the application."""

    def __init__(self, profile: CardProfile, chip: Chip | None = None) -> None:
        self.chip = chip or Chip(profile)
        self.password = mrz_password(profile.access)
        self.session: SecureMessaging | None = None
        self.responses: list[bytes] = []  # as they came

    def select_application(self) -> None:
        command = CommandApdu.from_bytes(SELECT_APPLICATION)
        assert self.send_command(command) == ResponseApdu(b"", 0x9000)

    def open(self) -> None:
        """Select the application and run BAC with the right keys."""
        self.select_application()
        self.session = self.run(bac(self.password))

    def run(self, protocol: Generator[CommandApdu, ResponseApdu, Result]) -> Result:
        """Drive a protocol of the reader."""
        try:
            command = next(protocol)
            while True:
                command = protocol.send(self.send_command(command))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    def transmit(self, command: str) -> str:
        """Hex in, hex out, without protection; the terminal believes in its session still."""
        return self.chip.transmit(bytes.fromhex(command)).hex().upper()

    def send(
        self, header: str, data: bytes = b"", le: int | None = None, *, extended: bool = False
    ) -> tuple[bytes, str]:
        """One command, protected where there is a session; data and status word."""
        command = CommandApdu(*bytes.fromhex(header), data, le)
        response = self.send_command(command, extended=extended)
        return response.data, f"{response.sw:04X}"

    def send_command(self, command: CommandApdu, *, extended: bool = False) -> ResponseApdu:
        if self.session is None:
            return self._fetch(command.to_bytes())
        protected = self.protect(command, extended=extended)
        return self.session.unwrap(self._fetch(protected))

    def protect(self, command: CommandApdu, *, extended: bool = False) -> bytes:
        assert self.session is not None
        protected = self.session.wrap(command)
        long = extended or len(protected.data) > 255
        return replace(protected, le=MAX_EXTENDED_LE if long else MAX_SHORT_LE).to_bytes()

    def _fetch(self, command: bytes) -> ResponseApdu:
        """The whole response, pieces put together."""
        raw = self.chip.transmit(command)
        whole = raw[:-2]
        while raw[-2] == 0x61:
            raw = self.chip.transmit(bytes([0x00, 0xC0, 0x00, 0x00, raw[-1]]))
            whole += raw[:-2]
        self.responses.append(whole + raw[-2:])
        return ResponseApdu.from_bytes(whole + raw[-2:])
