"""The QR code that is printed on a citizen card.

    number|old number|name|ddmmyyyy|sex|address|ddmmyyyy of issue

Seven fields, of which the old number may be empty or, in a variant of six, be missing.  Cards since
July 2024 carry it on the back and may go on behind the day of issue; the issuer publishes no
specification.  What follows a known layout is kept by its position; of a layout that is not known
the number and the day of birth are used, because passwords need no more, and nothing else is
guessed.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from card_reader.errors import CardReason, MalformedFileError, UnreadableInputError
from card_reader.lds.dates import Day, day_of_printed

MAX_QR_CHARACTERS = 2048
MAX_QR_FIELDS = 32
_NUMBER = re.compile(r"[0-9]{12}")
_OLD_NUMBER = re.compile(r"[0-9]{9}|[0-9]{12}|")
_SEXES = frozenset(("nam", "nữ"))
_BYTE_ORDER_MARK = "\ufeff"


class QrLayout(StrEnum):
    """How the fields lie."""

    SEVEN = "seven"  # with the old number's field
    SIX = "six"  # without it
    EXTENDED = "extended"  # seven, and further fields behind
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CitizenQr:
    """What the QR code says; None where the layout has no such field, "" where it is empty.

    `number` has twelve digits. `date_of_birth` may be known in part. `fields` are all of them as
    they stand, by position.
    """

    layout: QrLayout
    number: str = field(repr=False)
    date_of_birth: Day = field(repr=False)
    fields: tuple[str, ...] = field(repr=False)
    old_number: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    sex: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    date_of_issue: date | None = field(default=None, repr=False)


def parse_qr(text: str) -> CitizenQr:
    """The fields of the code's text; UnreadableInputError where it is no citizen card's."""
    if len(text) > MAX_QR_CHARACTERS:
        raise _no_card_code()
    plain = text.strip().removeprefix(_BYTE_ORDER_MARK).strip()
    fields = tuple(" ".join(item.split()) for item in plain.split("|"))
    if len(fields) > MAX_QR_FIELDS or not _NUMBER.fullmatch(fields[0]):
        raise _no_card_code()
    return _with_old_number(fields) or _without_old_number(fields) or _unknown(fields)


def _with_old_number(fields: tuple[str, ...]) -> CitizenQr | None:
    if len(fields) < 7 or not _OLD_NUMBER.fullmatch(fields[1]):
        return None
    # Empty fields behind are how some codes end.
    layout = QrLayout.EXTENDED if any(fields[7:]) else QrLayout.SEVEN
    return _known(layout, fields, fields[1], fields[2:7])


def _without_old_number(fields: tuple[str, ...]) -> CitizenQr | None:
    if len(fields) < 6 or any(fields[6:]):
        return None
    return _known(QrLayout.SIX, fields, None, fields[1:6])


def _known(
    layout: QrLayout, fields: tuple[str, ...], old_number: str | None, rest: tuple[str, ...]
) -> CitizenQr | None:
    name, birth, sex, address, issued = rest
    born, issue_day = _day(birth), _day(issued)
    if born is None or not name or unicodedata.normalize("NFC", sex).casefold() not in _SEXES:
        return None
    if issued and not isinstance(issue_day, date):
        return None
    return CitizenQr(
        layout=layout,
        number=fields[0],
        date_of_birth=born,
        fields=fields,
        old_number=old_number,
        name=name,
        sex=sex,
        address=address,
        date_of_issue=issue_day if isinstance(issue_day, date) else None,
    )


def _unknown(fields: tuple[str, ...]) -> CitizenQr:
    """The day of birth is the earliest day, whatever its place: a card is issued later."""
    days = [day for day in map(_day, fields[1:]) if isinstance(day, date)]
    if not days:
        raise UnreadableInputError("the QR code holds no date of birth", CardReason.NO_PASSWORD)
    return CitizenQr(QrLayout.UNKNOWN, fields[0], min(days), fields)


def _day(text: str) -> Day | None:
    try:
        return day_of_printed(text)
    except MalformedFileError:
        return None


def _no_card_code() -> UnreadableInputError:
    return UnreadableInputError("the QR code is none of a citizen card", CardReason.NO_PASSWORD)
