"""What the chip keeps of its printed passwords, and how it bears wrong ones (9303-11 §9.7)."""

import hashlib

from card_reader.apdu import StatusWord
from card_reader.simulator.ciphers import PASSWORD, BlockCipher
from card_reader.simulator.profile import AccessKeys
from card_reader.simulator.quirks import Quirks
from card_reader.simulator.refusal import RefusalError

MRZ_REFERENCE, CAN_REFERENCE = 1, 2  # ICAO 9303-11 §4.4.4.1
_TRIES_LEFT = 0x63C0  # ISO 7816-4 table 6
_MOST_TRIES = 15


def mrz_key(access: AccessKeys) -> bytes:
    """SHA-1 of the MRZ information: 20 bytes, of which BAC takes 16 (§4.3.2, §9.7.3)."""
    information = mrz_information(access).encode("ascii")
    return hashlib.sha1(information, usedforsecurity=False).digest()


def mrz_information(access: AccessKeys) -> str:
    """Number, birth and expiry, each with its check digit (§4.3.2)."""
    number = access.document_number.ljust(9, "<")
    return "".join(
        field + _check_digit(field)
        for field in (number, access.date_of_birth, access.date_of_expiry)
    )


def pace_key(access: AccessKeys, reference: int, cipher: BlockCipher) -> bytes | None:
    """K_pi of the password with that reference, None where the card has none (§9.7.3)."""
    if reference == MRZ_REFERENCE:
        return cipher.derive(mrz_key(access), PASSWORD)
    if reference == CAN_REFERENCE and access.can is not None:
        return cipher.derive(access.can.encode("latin-1"), PASSWORD)
    return None


class TryCounter:
    """Counts wrong passwords; it outlives power, and a right password fills it again.

    ICAO lets a chip only slow down. Others count: 63Cx names the tries left, 6983 is the end.
    """

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self.failures = 0  # since the last right password

    def require_open(self) -> None:
        if self._quirks.password_tries and not self._left:
            raise RefusalError(StatusWord.AUTHENTICATION_BLOCKED)

    @property
    def warning(self) -> int:
        """What selecting the password answers: 9000, or the tries left after a failure."""
        counted = self._quirks.password_tries and self.failures
        return _TRIES_LEFT | self._left if counted else StatusWord.OK

    def failed(self) -> int:
        """Count one; gives the status word."""
        self.failures += 1
        if not self._quirks.password_tries:
            return self._quirks.wrong_password_sw
        return _TRIES_LEFT | self._left

    def succeeded(self) -> None:
        self.failures = 0

    @property
    def _left(self) -> int:
        return min(max(0, self._quirks.password_tries - self.failures), _MOST_TRIES)


def _check_digit(text: str) -> str:
    values = (int(character, 36) for character in text.replace("<", "0"))
    return str(sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(values)) % 10)
