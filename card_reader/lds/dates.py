"""Days as documents state them: complete, or with unknown parts.

A document may leave day, month or year of a birth unknown (ICAO 9303-3 §4.8). Such a day is a
:class:`PartialDate`; a complete one is a ``datetime.date`` and nothing else.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from card_reader.errors import MalformedFileError

_LEAP_YEAR = 2000  # any: 29 February may stand where the year is unknown
_FIRST_YEAR, _LAST_YEAR = 1, 9999
_PRINTED = re.compile(r"(?:([0-9]{2})[/.-])?([0-9]{2})[/.-]([0-9]{4})")
_PRINTED_DIGITS = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})|([0-9]{4})")


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A day of which at least one part is unknown (None)."""

    year: int | None
    month: int | None
    day: int | None

    def __post_init__(self) -> None:
        if None not in (self.year, self.month, self.day):
            raise MalformedFileError("a day with all its parts is a date")
        if self.year is not None and not _FIRST_YEAR <= self.year <= _LAST_YEAR:
            raise MalformedFileError(f"{self.year} is no year")
        if self.month is not None and not 1 <= self.month <= 12:
            raise MalformedFileError(f"{self.month} is no month")
        days = 31 if self.month is None else monthrange(self.year or _LEAP_YEAR, self.month)[1]
        if self.day is not None and not 1 <= self.day <= days:
            raise MalformedFileError(f"{self.day} is no day of that month")

    def isoformat(self) -> str:
        """As ISO 8601-2 writes unspecified digits: "1945-XX-XX"."""
        year = "XXXX" if self.year is None else f"{self.year:04}"
        return f"{year}-{_two(self.month, 'XX')}-{_two(self.day, 'XX')}"


Day = date | PartialDate


def day_of(year: int | None, month: int | None, day: int | None) -> Day:
    """A ``date`` where all parts are known, else a :class:`PartialDate`."""
    if year is None or month is None or day is None:
        return PartialDate(year, month, day)
    try:
        return date(year, month, day)
    except ValueError:
        raise MalformedFileError(f"{day}/{month}/{year} is no calendar day") from None


def day_of_digits(text: str) -> Day:
    """The eight digits ``yyyymmdd`` of ICAO 9303-10 §4.7.11; a part of zeros is unknown."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        raise MalformedFileError("a day is not eight digits yyyymmdd")
    return day_of(int(text[:4]) or None, int(text[4:6]) or None, int(text[6:]) or None)


def digits_of_day(day: Day) -> str:
    """The inverse of :func:`day_of_digits`."""
    return f"{day.year or 0:04}{day.month or 0:02}{day.day or 0:02}"


def day_of_printed(text: str) -> Day:
    """A day as Vietnamese documents print it: dd/mm/yyyy, ddmmyyyy, mm/yyyy or yyyy.

    A part of zeros is unknown.
    """
    plain = text.strip()
    if match := _PRINTED.fullmatch(plain):
        day, month, year = match.groups()
    elif match := _PRINTED_DIGITS.fullmatch(plain):
        day, month, year = match[1], match[2], match[3] or match[4]
    else:
        raise MalformedFileError("a day is not written dd/mm/yyyy")
    return day_of(int(year) or None, int(month or 0) or None, int(day or 0) or None)


def mrz_text(day: Day) -> str:
    """YYMMDD as a machine readable zone prints it, ``<<`` for an unknown part."""
    year = "<<" if day.year is None else f"{day.year % 100:02}"
    return year + _two(day.month, "<<") + _two(day.day, "<<")


def _two(part: int | None, unknown: str) -> str:
    return unknown if part is None else f"{part:02}"
