"""Passwords that open a chip, and how they follow from what is known of a person."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from card_reader.errors import CardReason, UnreadableInputError
from card_reader.lds.mrz import check_digit

CCCD_NUMBER_LENGTH = 12
# The MRZ of a citizen card prints the last nine digits as its document number.
CCCD_DOCUMENT_NUMBER_LENGTH = 9
# Law 26/2023/QH15, article 21: a card is renewed at these ages ...
RENEWAL_AGES = (14, 25, 40, 60)
# ... and one issued within two years before such a birthday runs to the next one.
EARLY_RENEWAL_YEARS = 2
MAX_QR_FIELDS = 16
# Chip cards are issued since 2021.
FIRST_CHIP_CARD = date(2021, 1, 1)
# Unproven: what the MRZ of a card without end holds.
NO_EXPIRY = "991231"


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


def cccd_passwords(number: str, date_of_birth: date, *, today: date) -> tuple[MrzPassword, ...]:
    """The few passwords that can open a citizen's card, likeliest first.

    ``number`` has 12 digits.  The date of expiry follows from date of birth and the law.
    """
    if len(number) != CCCD_NUMBER_LENGTH or not (number.isascii() and number.isdigit()):
        raise UnreadableInputError("a citizen card number has 12 digits", CardReason.NO_PASSWORD)
    if date_of_birth > today:
        raise UnreadableInputError("the date of birth lies in the future", CardReason.NO_PASSWORD)
    document_number = number[-CCCD_DOCUMENT_NUMBER_LENGTH:]
    birth = date_of_birth.strftime("%y%m%d")
    return tuple(
        MrzPassword(document_number, birth, expiry)
        for expiry in _expiry_dates(date_of_birth, today)
    )


def citizen_of_qr(text: str) -> tuple[str, date]:
    """Number and date of birth from the text of the card's QR code.

    ``number|old number|name|ddmmyyyy|...``; cards without an old number may leave its field out.
    """
    fields = text.strip().split("|")
    births = [item for item in fields[2:4] if re.fullmatch(r"[0-9]{8}", item)]
    if not 6 <= len(fields) <= MAX_QR_FIELDS or not births:
        raise UnreadableInputError("the QR code is none of a citizen card", CardReason.NO_PASSWORD)
    try:
        birth = datetime.strptime(births[0], "%d%m%Y").replace(tzinfo=UTC).date()
    except ValueError:
        raise UnreadableInputError(
            "the QR code holds no date of birth", CardReason.NO_PASSWORD
        ) from None
    return fields[0], birth


def _expiry_dates(birth: date, today: date) -> list[str]:
    """Every expiry a chip card held today may carry: running ones first, the nearest first."""
    first_issue = max(birth, FIRST_CHIP_CARD)
    ends = [end for age in RENEWAL_AGES for end in _birthdays(birth, age)]
    possible = [end for end in ends if _can_end(end, first_issue, birth, today)]
    running = [end for end in possible if end >= today]
    expired = [end for end in reversed(possible) if end < today]
    texts = [end.strftime("%y%m%d") for end in running]
    if today >= _years_before(_birthdays(birth, RENEWAL_AGES[-1])[0], EARLY_RENEWAL_YEARS):
        texts.append(NO_EXPIRY)
    return texts + [end.strftime("%y%m%d") for end in expired]


def _can_end(end: date, first_issue: date, birth: date, today: date) -> bool:
    """Whether some day of issue from ``first_issue`` to ``today`` gives this expiry."""
    earlier = [other for age in RENEWAL_AGES for other in _birthdays(birth, age) if other < end]
    before = [other for other in earlier if other.year < end.year]
    opens = _years_before(before[-1], EARLY_RENEWAL_YEARS) if before else birth
    closes = _years_before(end, EARLY_RENEWAL_YEARS)
    return opens <= today and first_issue <= closes


def _birthdays(birth: date, age: int) -> list[date]:
    """The birthday at ``age``; for one born on 29 February both neighbours in other years."""
    year = birth.year + age
    if (birth.month, birth.day) == (2, 29) and not _is_leap(year):
        return [date(year, 2, 28), date(year, 3, 1)]
    return [date(year, birth.month, birth.day)]


def _years_before(day: date, years: int) -> date:
    year = day.year - years
    if (day.month, day.day) == (2, 29) and not _is_leap(year):
        return date(year, 2, 28)
    return date(year, day.month, day.day)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
