"""Passwords that open a chip: the MRZ's three fields, their hash, or the card access number."""

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

from card_reader.errors import CardReason, UnreadableInputError
from card_reader.lds.mrz import check_digit

KEY_SEED_LENGTH = 20
CAN_LENGTHS = range(6, 17)  # ICAO prints six digits; longer ones are in the field


class PasswordReference(IntEnum):
    """Data object 83 of MSE:Set AT (ICAO 9303-11 §4.4.4.1)."""

    MRZ = 1
    CAN = 2


@dataclass(frozen=True, slots=True)
class MrzPassword:
    """Document number, date of birth and date of expiry (YYMMDD) as the MRZ prints them."""

    document_number: str = field(repr=False)
    date_of_birth: str = field(repr=False)
    date_of_expiry: str = field(repr=False)

    def __post_init__(self) -> None:
        for value in (self.date_of_birth, self.date_of_expiry):
            if len(value) != 6 or not (value.isascii() and value.replace("<", "0").isdigit()):
                raise UnreadableInputError(
                    "a date must be six digits: YYMMDD", CardReason.NO_PASSWORD
                )
        number = self.document_number
        if not number or not (number.isascii() and number.replace("<", "A").isalnum()):
            raise UnreadableInputError(
                "a document number consists of letters and digits", CardReason.NO_PASSWORD
            )

    @property
    def reference(self) -> PasswordReference:
        return PasswordReference.MRZ

    @property
    def information(self) -> str:
        """MRZ information: number, birth and expiry, each with check digit (9303-11 §4.3.2)."""
        number = self.document_number.upper().ljust(9, "<")
        fields = (number, self.date_of_birth, self.date_of_expiry)
        return "".join(value + check_digit(value) for value in fields)

    @property
    def key_seed(self) -> bytes:
        """SHA-1 of the MRZ information: 20 bytes, of which BAC takes 16."""
        return hashlib.sha1(self.information.encode("ascii")).digest()  # noqa: S324 - §4.3.2

    @property
    def pace_secret(self) -> bytes:
        """The input of PACE's key derivation, which takes all 20 bytes (§9.7.3)."""
        return self.key_seed


@dataclass(frozen=True, slots=True)
class MrzKeySeed:
    """The SHA-1 of MRZ information, where a recording keeps it in place of the MRZ."""

    k: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.k) != KEY_SEED_LENGTH:
            raise UnreadableInputError(
                f"a key seed of the MRZ has {KEY_SEED_LENGTH} bytes", CardReason.NO_PASSWORD
            )

    @property
    def reference(self) -> PasswordReference:
        return PasswordReference.MRZ

    @property
    def key_seed(self) -> bytes:
        return self.k

    @property
    def pace_secret(self) -> bytes:
        return self.k


@dataclass(frozen=True, slots=True)
class CanPassword:
    """The card access number printed on the card; it opens PACE, never BAC."""

    can: str = field(repr=False)

    def __post_init__(self) -> None:
        digits = self.can.isascii() and self.can.isdigit()
        if len(self.can) not in CAN_LENGTHS or not digits:
            raise UnreadableInputError(
                "a card access number consists of six digits", CardReason.NO_PASSWORD
            )

    @property
    def reference(self) -> PasswordReference:
        return PasswordReference.CAN

    @property
    def pace_secret(self) -> bytes:
        """The characters themselves (§9.7.3, table 14)."""
        return self.can.encode("ascii")


MrzBasedPassword = MrzPassword | MrzKeySeed
Password = MrzPassword | MrzKeySeed | CanPassword
