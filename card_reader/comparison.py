"""What the MRZ, EF.DG13, the QR code and the roster say of one person, field by field.

A field `differs` where any two sources do.  It is the `same` where each source agrees with another
one; else it is `not_comparable`: fewer than two state it, or one states it in a form that settles
nothing.  The code tells why.  Nothing here decides about a candidate: a screen shows it, a policy
weighs it.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import combinations
from types import MappingProxyType
from typing import Any

from card_reader.access.citizen_card import NO_EXPIRY
from card_reader.access.citizen_qr import CitizenQr
from card_reader.errors import MalformedFileError
from card_reader.lds.dates import Day, PartialDate, day_of_printed, mrz_text
from card_reader.lds.dg13 import NO_END, CitizenDetails
from card_reader.lds.mrz import NAME_WIDTHS, VIETNAM, Mrz
from card_reader.names import MrzFit, fits_mrz, same_spelling


class Source(StrEnum):
    """Who says it."""

    MRZ = "mrz"
    DG13 = "dg13"
    QR = "qr"
    ROSTER = "roster"


class ComparedField(StrEnum):
    """What is said."""

    NUMBER = "number"
    OLD_NUMBER = "old_number"
    NAME = "name"
    DATE_OF_BIRTH = "date_of_birth"
    SEX = "sex"
    ADDRESS = "address"
    DATE_OF_ISSUE = "date_of_issue"
    DATE_OF_EXPIRY = "date_of_expiry"


class Sameness(StrEnum):
    """A verdict."""

    SAME = "same"
    DIFFERS = "differs"
    NOT_COMPARABLE = "not_comparable"


class ComparisonCode(StrEnum):
    """Why, from the strongest agreement down."""

    EQUAL = "equal"
    NO_END = "no_end"
    WITHOUT_DIACRITICS = "without_diacritics"
    CUT_OFF = "cut_off"
    ABBREVIATED = "abbreviated"
    INCOMPLETE_DATE = "incomplete_date"
    UNREADABLE = "unreadable"
    ONE_SOURCE = "one_source"
    ABSENT = "absent"
    DIFFERENT = "different"

    @property
    def explanation(self) -> str:
        """One English line."""
        return _EXPLANATIONS[self]

    @property
    def sameness(self) -> Sameness:
        if self is ComparisonCode.DIFFERENT:
            return Sameness.DIFFERS
        return Sameness.SAME if self in _AGREEMENTS else Sameness.NOT_COMPARABLE


_EXPLANATIONS = {
    ComparisonCode.EQUAL: "Two sources say the same, and no other contradicts.",
    ComparisonCode.NO_END: "The card has no end, in EF.DG13 and in the MRZ.",
    ComparisonCode.WITHOUT_DIACRITICS: "Equal in the MRZ's alphabet; no source confirms the marks.",
    ComparisonCode.CUT_OFF: "The MRZ's name field is full and holds the name's beginning.",
    ComparisonCode.ABBREVIATED: "The MRZ's short form of a long name would fit several names.",
    ComparisonCode.INCOMPLETE_DATE: "What both sources know of the day agrees; one knows less.",
    ComparisonCode.UNREADABLE: "A source's value cannot be understood.",
    ComparisonCode.ONE_SOURCE: "Only one source states this field.",
    ComparisonCode.ABSENT: "No source states this field.",
    ComparisonCode.DIFFERENT: "Two sources contradict each other.",
}
_AGREEMENTS = frozenset(
    {
        ComparisonCode.EQUAL,
        ComparisonCode.NO_END,
        ComparisonCode.WITHOUT_DIACRITICS,
        ComparisonCode.CUT_OFF,
    }
)
_STRENGTH = {code: rank for rank, code in enumerate(ComparisonCode)}
_FITS = {
    MrzFit.WHOLE: ComparisonCode.WITHOUT_DIACRITICS,
    MrzFit.CUT_OFF: ComparisonCode.CUT_OFF,
    MrzFit.ABBREVIATED: ComparisonCode.ABBREVIATED,
    MrzFit.NO: ComparisonCode.DIFFERENT,
}
_PUNCTUATION = re.compile(r"[,.;]")
_SEXES = {"m": "M", "nam": "M", "male": "M", "f": "F", "nữ": "F", "nu": "F", "female": "F"}


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """Whom the roster expects; None where it does not say."""

    name: str = field(repr=False)
    date_of_birth: Day | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)
    sex: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """`values` as each source has them; `pairs` are the codes of every two sources."""

    name: ComparedField
    code: ComparisonCode
    values: Mapping[Source, str] = field(repr=False)
    pairs: Mapping[tuple[Source, Source], ComparisonCode]

    @property
    def sameness(self) -> Sameness:
        return self.code.sameness

    def to_dict(self, *, with_values: bool = False) -> dict[str, Any]:
        pairs = [{"sources": [a, b], "code": code} for (a, b), code in self.pairs.items()]
        shown: dict[str, Any] = {
            "verdict": self.sameness,
            "code": self.code,
            "sources": list(self.values),
            "pairs": pairs,
        }
        return shown | ({"values": dict(self.values)} if with_values else {})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One entry for each :class:`ComparedField`."""

    fields: Mapping[ComparedField, FieldComparison]

    @property
    def sameness(self) -> Sameness:
        """`differs` where one field does, `same` where one is compared and none differs."""
        found = {compared.sameness for compared in self.fields.values()}
        order = (Sameness.DIFFERS, Sameness.SAME, Sameness.NOT_COMPARABLE)
        return next(verdict for verdict in order if verdict in found)

    @property
    def differing(self) -> tuple[ComparedField, ...]:
        found = self.fields.items()
        return tuple(name for name, item in found if item.sameness is Sameness.DIFFERS)

    def to_dict(self, *, with_values: bool = False) -> dict[str, Any]:
        """Codes for JSON; the person's data only where they are asked for."""
        return {
            "verdict": self.sameness,
            "fields": {
                name.value: item.to_dict(with_values=with_values)
                for name, item in self.fields.items()
            },
        }


def compare(
    zone: Mrz | None = None,
    details: CitizenDetails | None = None,
    qr: CitizenQr | None = None,
    roster: RosterEntry | None = None,
) -> Comparison:
    """Compares what the sources given say; every one may be absent."""
    stated: dict[ComparedField, dict[Source, str]] = {name: {} for name in ComparedField}
    said = (
        (Source.MRZ, _of_zone(zone) if zone else {}),
        (Source.DG13, _of_details(details) if details else {}),
        (Source.QR, _of_qr(qr) if qr else {}),
        (Source.ROSTER, _of_roster(roster) if roster else {}),
    )
    for source, values in said:
        for name, text in values.items():
            if text:
                stated[name][source] = text
    rules = _rules(NAME_WIDTHS[zone.layout] if zone else 0)
    return Comparison(
        MappingProxyType(
            {name: _compare(name, values, rules[name]) for name, values in stated.items()}
        )
    )


# --- what each source says ----------------------------------------------------------------------


def _of_zone(zone: Mrz) -> dict[ComparedField, str]:
    number = zone.personal_number
    if not (zone.issuing_state == VIETNAM and len(number) == 12 and number.isdigit()):
        number = zone.document_number
    return {
        ComparedField.NUMBER: number,
        ComparedField.NAME: f"{zone.primary_identifier} {zone.secondary_identifier}".strip(),
        ComparedField.DATE_OF_BIRTH: _printed(zone.date_of_birth),
        ComparedField.SEX: zone.sex.replace("X", ""),
        ComparedField.DATE_OF_EXPIRY: _printed(zone.date_of_expiry),
    }


def _of_details(details: CitizenDetails) -> dict[ComparedField, str]:
    return {
        ComparedField.NUMBER: details.number,
        ComparedField.OLD_NUMBER: details.old_number,
        ComparedField.NAME: details.name,
        ComparedField.DATE_OF_BIRTH: details.date_of_birth,
        ComparedField.SEX: details.gender,
        ComparedField.ADDRESS: details.residence,
        ComparedField.DATE_OF_ISSUE: details.date_of_issue,
        ComparedField.DATE_OF_EXPIRY: details.date_of_expiry,
    }


def _of_qr(qr: CitizenQr) -> dict[ComparedField, str]:
    return {
        ComparedField.NUMBER: qr.number,
        ComparedField.OLD_NUMBER: qr.old_number or "",
        ComparedField.NAME: qr.name or "",
        ComparedField.DATE_OF_BIRTH: _printed(qr.date_of_birth),
        ComparedField.SEX: qr.sex or "",
        ComparedField.ADDRESS: qr.address or "",
        ComparedField.DATE_OF_ISSUE: _printed(qr.date_of_issue),
    }


def _of_roster(roster: RosterEntry) -> dict[ComparedField, str]:
    return {
        ComparedField.NUMBER: roster.number or "",
        ComparedField.NAME: roster.name,
        ComparedField.DATE_OF_BIRTH: _printed(roster.date_of_birth),
        ComparedField.SEX: roster.sex or "",
    }


def _printed(day: Day | None) -> str:
    """dd/mm/yyyy, zeros for what is unknown."""
    return "" if day is None else f"{day.day or 0:02}/{day.month or 0:02}/{day.year or 0:04}"


# --- the rules ----------------------------------------------------------------------------------

_Value = tuple[Source, str]
_Rule = Callable[[_Value, _Value], ComparisonCode]


def _rules(name_width: int) -> dict[ComparedField, _Rule]:
    return {
        ComparedField.NUMBER: _numbers,
        ComparedField.OLD_NUMBER: _numbers,
        ComparedField.NAME: lambda one, other: _names(one, other, name_width),
        ComparedField.DATE_OF_BIRTH: _days,
        ComparedField.SEX: _sexes,
        ComparedField.ADDRESS: _addresses,
        ComparedField.DATE_OF_ISSUE: _days,
        ComparedField.DATE_OF_EXPIRY: _expiries,
    }


def _compare(name: ComparedField, values: dict[Source, str], rule: _Rule) -> FieldComparison:
    pairs = {
        (one, other): rule((one, values[one]), (other, values[other]))
        for one, other in combinations(values, 2)
    }
    return FieldComparison(
        name, _code(values, pairs), MappingProxyType(values), MappingProxyType(pairs)
    )


def _code(
    values: Mapping[Source, str], pairs: Mapping[tuple[Source, Source], ComparisonCode]
) -> ComparisonCode:
    if len(values) < 2:
        return ComparisonCode.ONE_SOURCE if values else ComparisonCode.ABSENT
    if ComparisonCode.DIFFERENT in pairs.values():
        return ComparisonCode.DIFFERENT
    # Each source's best agreement with another; a source without any leaves the field open.
    best = [
        min((code for pair, code in pairs.items() if source in pair), key=_STRENGTH.__getitem__)
        for source in values
    ]
    weakest = max(best, key=_STRENGTH.__getitem__)
    return weakest if weakest not in _AGREEMENTS else min(best, key=_STRENGTH.__getitem__)


def _numbers(one: _Value, other: _Value) -> ComparisonCode:
    first, second = ("".join(text.split()).upper() for _, text in (one, other))
    return _equal(first == second)


def _names(one: _Value, other: _Value, width: int) -> ComparisonCode:
    """Only the MRZ, which comes first of a pair, has no diacritics."""
    if one[0] is Source.MRZ:
        return _FITS[fits_mrz(other[1], one[1], width=width)]
    return _equal(same_spelling(one[1], other[1]))


def _sexes(one: _Value, other: _Value) -> ComparisonCode:
    first, second = (_sex(text) for _, text in (one, other))
    if first is None or second is None:
        return ComparisonCode.UNREADABLE
    return _equal(first == second)


def _sex(text: str) -> str | None:
    return _SEXES.get(unicodedata.normalize("NFC", text).strip().casefold())


def _addresses(one: _Value, other: _Value) -> ComparisonCode:
    first, second = (_PUNCTUATION.sub(" ", text) for _, text in (one, other))
    return _equal(same_spelling(first, second))


def _days(one: _Value, other: _Value) -> ComparisonCode:
    try:
        first, second = day_of_printed(one[1]), day_of_printed(other[1])
    except MalformedFileError:
        return ComparisonCode.UNREADABLE
    return _same_day(first, second)


def _expiries(one: _Value, other: _Value) -> ComparisonCode:
    """`Không thời hạn` in EF.DG13 stands for the last day that an MRZ can print."""
    endless = [same_spelling(text, NO_END) for _, text in (one, other)]
    if not any(endless):
        return _days(one, other)
    if all(endless):
        return ComparisonCode.NO_END
    stated = other if endless[0] else one
    try:
        last = mrz_text(day_of_printed(stated[1])) == NO_EXPIRY
    except MalformedFileError:
        return ComparisonCode.UNREADABLE
    return ComparisonCode.NO_END if last else ComparisonCode.DIFFERENT


def _same_day(first: Day, second: Day) -> ComparisonCode:
    if isinstance(first, date) and isinstance(second, date):
        return _equal(first == second)
    parts = [
        (first.year, second.year),
        (first.month, second.month),
        (first.day, second.day),
    ]
    if any(None not in pair and pair[0] != pair[1] for pair in parts):
        return ComparisonCode.DIFFERENT
    same = isinstance(first, PartialDate) and first == second
    return ComparisonCode.EQUAL if same else ComparisonCode.INCOMPLETE_DATE


def _equal(same: bool) -> ComparisonCode:
    return ComparisonCode.EQUAL if same else ComparisonCode.DIFFERENT
