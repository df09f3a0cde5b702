"""How a citizen card's passwords follow from what is known of the person.

Number and date of birth, the QR code on the card, or the lines of its MRZ.  The day of expiry,
which nobody types, follows from the law.
"""

from collections.abc import Iterable
from datetime import date

from card_reader.access.citizen_qr import CitizenQr, parse_qr
from card_reader.access.passwords import MrzPassword
from card_reader.errors import CardReason, MalformedFileError, UnreadableInputError
from card_reader.lds import mrz
from card_reader.lds.dates import Day, mrz_text

CCCD_NUMBER_LENGTH = 12
# The MRZ of a citizen card prints the last nine digits as its document number.
CCCD_DOCUMENT_NUMBER_LENGTH = 9
# Law 26/2023/QH15, article 21: a card is renewed at these ages ...
RENEWAL_AGES = (14, 25, 40, 60)
# ... and one issued within two years before such a birthday runs to the next one.
EARLY_RENEWAL_YEARS = 2
# Chip cards are issued since 2021.
FIRST_CHIP_CARD = date(2021, 1, 1)
# Unproven: what the MRZ of a card without end holds.
NO_EXPIRY = "991231"


def cccd_passwords(
    number: str,
    date_of_birth: date,
    *,
    today: date,
    date_of_issue: date | None = None,
    no_expiry: str = NO_EXPIRY,
) -> tuple[MrzPassword, ...]:
    """The few passwords that can open a citizen's card, likeliest first.

    ``number`` has 12 digits.  The date of expiry follows from date of birth and the law; a known
    ``date_of_issue`` puts the one or two that fit it first.  ``no_expiry`` is what the MRZ of a
    card without end is taken to hold (six characters; no public source settles it).
    """
    if len(number) != CCCD_NUMBER_LENGTH or not (number.isascii() and number.isdigit()):
        raise UnreadableInputError("a citizen card number has 12 digits", CardReason.NO_PASSWORD)
    if date_of_birth > today:
        raise UnreadableInputError("the date of birth lies in the future", CardReason.NO_PASSWORD)
    ends: list[date | None] = []
    if date_of_issue is not None and date_of_birth <= date_of_issue <= today:
        ends += _ends(date_of_birth, date_of_issue, date_of_issue)
    first_issue = max(date_of_birth, FIRST_CHIP_CARD)
    ends += _likeliest_first(_ends(date_of_birth, first_issue, today), today)
    document_number = number[-CCCD_DOCUMENT_NUMBER_LENGTH:]
    birth = mrz_text(date_of_birth)
    return tuple(
        MrzPassword(document_number, birth, no_expiry if end is None else mrz_text(end))
        for end in dict.fromkeys(ends)
    )


def passwords_of_qr(
    qr: CitizenQr, *, today: date, no_expiry: str = NO_EXPIRY
) -> tuple[MrzPassword, ...]:
    """The passwords that the card's QR code leads to, likeliest first."""
    return cccd_passwords(
        qr.number,
        _whole(qr.date_of_birth),
        today=today,
        date_of_issue=qr.date_of_issue,
        no_expiry=no_expiry,
    )


def citizen_of_qr(text: str) -> tuple[str, date]:
    """Number and date of birth from the text of the card's QR code."""
    qr = parse_qr(text)
    return qr.number, _whole(qr.date_of_birth)


def password_of_mrz(lines: str | Iterable[str]) -> MrzPassword:
    """The password that the lines of a machine readable zone are, typed or scanned."""
    try:
        zone = mrz.parse_lines(lines)
    except MalformedFileError as error:
        raise UnreadableInputError(error.detail, CardReason.NO_PASSWORD) from error
    return MrzPassword(
        zone.document_number, mrz_text(zone.date_of_birth), mrz_text(zone.date_of_expiry)
    )


def _whole(birth: Day) -> date:
    if isinstance(birth, date):
        return birth
    raise UnreadableInputError(
        "the QR code holds no complete date of birth", CardReason.NO_PASSWORD
    )


def _likeliest_first(ends: Iterable[date | None], today: date) -> list[date | None]:
    """Running cards first, the nearest end first; then the expired ones, the latest first."""
    known = list(ends)
    expired = [end for end in known if end is not None and end < today]
    return [end for end in known if end not in expired] + expired[::-1]


def _ends(birth: date, first: date, last: date) -> list[date | None]:
    """Every expiry (None: without end) of cards issued on the days from ``first`` to ``last``.

    Each birthday of renewal has its window of issue.  Neighbouring windows share their edge, since
    the law's words leave that day open.
    """
    ends: list[date | None] = []
    opens = birth
    for age in RENEWAL_AGES:
        birthdays = _birthdays(birth, age)
        if opens <= last and first <= _years_before(birthdays[-1], EARLY_RENEWAL_YEARS):
            ends += birthdays
        opens = _years_before(birthdays[0], EARLY_RENEWAL_YEARS)
    return [*ends, None] if opens <= last else ends


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
