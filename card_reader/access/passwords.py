"""Passwords that open a chip."""

import hashlib
from dataclasses import dataclass, field

from card_reader.errors import CardReason, UnreadableInputError
from card_reader.lds.mrz import check_digit


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
    def information(self) -> str:
        """MRZ information: number, birth and expiry, each with check digit (9303-11 §4.3.2)."""
        number = self.document_number.upper().ljust(9, "<")
        fields = (number, self.date_of_birth, self.date_of_expiry)
        return "".join(value + check_digit(value) for value in fields)

    @property
    def key_seed(self) -> bytes:
        """SHA-1 of the MRZ information: 20 bytes, of which BAC takes 16."""
        return hashlib.sha1(self.information.encode("ascii")).digest()  # noqa: S324 - §4.3.2
