"""How a citizen card's passwords follow from what is known of the person: number, birth, QR."""

import re
from datetime import UTC, date, datetime

from card_reader.access.passwords import MrzPassword
from card_reader.errors import CardReason, UnreadableInputError

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
