"""Machine readable zones TD1, TD2 and TD3 (ICAO 9303-3, -4, -5, -6).

Two-digit years. A day of expiry lies in 2000-2099: no chip document expired earlier. A day of birth
lies in the century which the Vietnamese personal number names, where there is one; elsewhere in the
latest century that puts it before the day of expiry. The rule needs no clock, so that stored
evidence decodes to the same values for ever. A day of birth may be known in part.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from card_reader.errors import MalformedFileError
from card_reader.lds.dates import Day, day_of, mrz_text

VIETNAM = "VNM"
MAX_TYPED = 1024  # characters of a zone typed or scanned, white space included
_ALPHABET = re.compile(r"[0-9A-Z<]*")
_STATE = re.compile(r"[A-Z]{1,3}")
_NAMES = re.compile(r"[A-Z][A-Z<]*")
_WEIGHTS = (7, 3, 1)
# Letters that no accent explains (ICAO 9303-3 §6.A).
_LETTERS = str.maketrans(
    {"Đ": "D", "đ": "d", "Æ": "AE", "Ø": "OE", "Œ": "OE", "Ł": "L", "ẞ": "SS", "ß": "SS",
     "Þ": "TH", "Ð": "D", "æ": "AE", "ø": "OE", "œ": "OE", "ł": "L", "þ": "TH", "ð": "D",
     "Ɖ": "D", "ɖ": "D", "ı": "I", "'": "", "’": "", "ʼ": "", "‘": ""}
)  # fmt: skip


class Layout(StrEnum):
    """Size of the document, which decides where the fields lie."""

    TD1 = "TD1"  # three lines of 30
    TD2 = "TD2"  # two lines of 36
    TD3 = "TD3"  # two lines of 44


_LENGTHS = {90: Layout.TD1, 72: Layout.TD2, 88: Layout.TD3}
_LINES = {Layout.TD1: (30, 30, 30), Layout.TD2: (36, 36), Layout.TD3: (44, 44)}
#: Characters of the name field (ICAO 9303-5, -6 and -4 §4.2); a longer name is cut.
NAME_WIDTHS = {Layout.TD1: 30, Layout.TD2: 31, Layout.TD3: 39}


@dataclass(frozen=True, slots=True)
class Mrz:
    """The fields of a machine readable zone, without fillers.

    `document_number` is the number on the card (for the Vietnamese card the last nine digits of the
    citizen's number, which BAC uses). `personal_number` is the twelve-digit number of the
    Vietnamese card, elsewhere the issuer's optional data. `sex` is "M", "F" or "X" (not stated).
    Names are in the alphabet of the MRZ.
    """

    document_code: str
    issuing_state: str
    document_number: str = field(repr=False)
    personal_number: str = field(repr=False)
    date_of_birth: Day = field(repr=False)
    sex: str = field(repr=False)
    date_of_expiry: date = field(repr=False)
    nationality: str
    primary_identifier: str = field(repr=False)
    secondary_identifier: str = field(repr=False)
    layout: Layout = Layout.TD1
    optional_data: str = field(default="", repr=False)  # second optional field, TD1 only


_WRONG_CHARACTER = "the machine readable zone holds a character other than 0-9, A-Z, <"


def check_digit(text: str) -> str:
    """The check digit of ICAO 9303-3 §4.9: weights 7, 3, 1, modulo 10."""
    total = 0
    for position, character in enumerate(text):
        if character == "<":
            continue
        if not (character.isascii() and (character.isdigit() or "A" <= character <= "Z")):
            raise MalformedFileError(f"{character!r} is not a character of a machine readable zone")
        total += int(character, 36) * _WEIGHTS[position % 3]
    return str(total % 10)


def to_mrz_name(name: str) -> str:
    """A Vietnamese (or other Latin) name in the MRZ's alphabet, words parted by one space.

    Accents go, Đ becomes D (ICAO 9303-3 §6.A); what is neither letter nor white space parts words.
    """
    plain = unicodedata.normalize("NFD", name.translate(_LETTERS))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign)).upper()
    return " ".join(re.findall(r"[A-Z]+", letters))


def parse_lines(lines: str | Iterable[str]) -> Mrz:
    """A zone as somebody typed or scanned it: its lines, or one text with line breaks.

    White space and the case of letters do not matter; every check digit must be right.
    """
    text = lines if isinstance(lines, str) else "\n".join(lines)
    if len(text) > MAX_TYPED:
        raise MalformedFileError("the text is no machine readable zone: it is too long")
    rows = ["".join(line.split()).upper() for line in text.splitlines() if line.strip()]
    widths = tuple(len(row) for row in rows)
    whole = len(rows) == 1 and widths[0] in _LENGTHS
    if not whole and widths not in _LINES.values():
        found = ", ".join(str(width) for width in widths[:8]) or "none"
        raise MalformedFileError(
            "a machine readable zone has three lines of 30 characters, two of 36 or two of 44; "
            f"the lines given have: {found}"
        )
    joined = "".join(rows)
    if not joined.isascii():
        raise MalformedFileError(_WRONG_CHARACTER)
    return parse(joined.encode("ascii"))


def parse(raw: bytes) -> Mrz:
    """Decode the 90, 72 or 88 characters of an MRZ; every check digit must be right."""
    layout = _LENGTHS.get(len(raw))
    if layout is None:
        raise MalformedFileError(
            f"a machine readable zone has 90, 72 or 88 characters, not {len(raw)}"
        )
    text = raw.decode("latin-1")
    if not _ALPHABET.fullmatch(text):
        raise MalformedFileError(_WRONG_CHARACTER)
    return _PARSERS[layout](text)


def encode(mrz: Mrz) -> bytes:
    """Encode the fields; a name too long for its field is cut (ICAO 9303-3 §4.6)."""
    text = _ENCODERS[mrz.layout](mrz)
    if not _ALPHABET.fullmatch(text) or _LENGTHS.get(len(text)) is not mrz.layout:
        raise MalformedFileError(f"the fields do not fit into a {mrz.layout} machine readable zone")
    return text.encode("ascii")


# --- TD1 (ICAO 9303-5 §4.2) ---------------------------------------------------------------------


def _parse_td1(text: str) -> Mrz:
    upper, middle, names = text[:30], text[30:60], text[60:]
    number, optional = _long_number(upper[5:14], upper[14], upper[15:30])
    _check("composite", upper[5:30] + middle[0:7] + middle[8:15] + middle[18:29], middle[29])
    return _build(
        Layout.TD1, upper, number, optional, middle[0:15], middle[15:18], names, middle[18:29]
    )


def _encode_td1(mrz: Mrz) -> str:
    optional = mrz.personal_number
    if _is_vietnamese_number(mrz.issuing_state, optional):
        optional = f"{optional}<<{check_digit(optional)}"
    upper = _head(mrz) + _number_fields(mrz.document_number, optional, 15)
    middle = _dates(mrz) + _pad(mrz.nationality, 3) + _pad(mrz.optional_data, 11)
    composite = check_digit(upper[5:30] + middle[0:7] + middle[8:15] + middle[18:29])
    return upper + middle + composite + _name_field(mrz)


# --- TD2 (ICAO 9303-6 §4.2) ---------------------------------------------------------------------


def _parse_td2(text: str) -> Mrz:
    upper, lower = text[:36], text[36:]
    number, optional = _long_number(lower[0:9], lower[9], lower[28:35])
    _check("composite", lower[0:10] + lower[13:20] + lower[21:35], lower[35])
    return _build(Layout.TD2, upper, number, optional, lower[13:28], lower[10:13], upper[5:])


def _encode_td2(mrz: Mrz) -> str:
    number = _number_fields(mrz.document_number, mrz.personal_number, 7)
    lower = number[:10] + _pad(mrz.nationality, 3) + _dates(mrz) + number[10:]
    composite = check_digit(lower[0:10] + lower[13:20] + lower[21:35])
    return _head(mrz) + _name_field(mrz) + lower + composite


# --- TD3 (ICAO 9303-4 §4.2) ---------------------------------------------------------------------


def _parse_td3(text: str) -> Mrz:
    upper, lower = text[:44], text[44:]
    _check("document number", lower[0:9], lower[9])
    optional = lower[28:42]
    if lower[42] != "<" or optional.strip("<"):
        _check("optional data", optional, lower[42])
    _check("composite", lower[0:10] + lower[13:20] + lower[21:43], lower[43])
    number, personal = lower[0:9].rstrip("<"), optional.rstrip("<")
    return _build(Layout.TD3, upper, number, personal, lower[13:28], lower[10:13], upper[5:])


def _encode_td3(mrz: Mrz) -> str:
    number, optional = _pad(mrz.document_number, 9), _pad(mrz.personal_number, 14)
    lower = number + check_digit(number) + _pad(mrz.nationality, 3) + _dates(mrz)
    lower += optional + (check_digit(optional) if mrz.personal_number else "<")
    composite = check_digit(lower[0:10] + lower[13:20] + lower[21:43])
    return _head(mrz) + _name_field(mrz) + lower + composite


_PARSERS = {Layout.TD1: _parse_td1, Layout.TD2: _parse_td2, Layout.TD3: _parse_td3}
_ENCODERS = {Layout.TD1: _encode_td1, Layout.TD2: _encode_td2, Layout.TD3: _encode_td3}


# --- fields -------------------------------------------------------------------------------------


def _build(
    layout: Layout,
    head: str,
    number: str,
    optional: str,
    dates: str,
    nationality: str,
    names: str,
    optional_data: str = "",
) -> Mrz:
    """`dates` are the 15 characters: birth, check digit, sex, expiry, check digit."""
    _check("date of birth", dates[0:6], dates[6])
    _check("date of expiry", dates[8:14], dates[14])
    if dates[7] not in "MFX<":
        raise MalformedFileError(f"sex is M, F or <, not {dates[7]}")
    state, nationality = _state("issuing state", head[2:5]), _state("nationality", nationality)
    if not head[0].isalpha():
        raise MalformedFileError(f"no kind of document begins with {head[0]}")
    if not _NAMES.fullmatch(names):
        raise MalformedFileError("the name is missing, or holds what is no letter")
    personal = _personal_number(state, optional) if layout is Layout.TD1 else optional
    expiry = _expiry(dates[8:14])
    primary, _, secondary = names.rstrip("<").partition("<<")
    return Mrz(
        document_code=head[0:2].rstrip("<"),
        issuing_state=state,
        document_number=number,
        personal_number=personal,
        date_of_birth=_birth(dates[0:6], state, personal, expiry),
        sex=dates[7].replace("<", "X"),
        date_of_expiry=expiry,
        nationality=nationality,
        primary_identifier=primary.replace("<", " "),
        secondary_identifier=secondary.replace("<", " "),
        layout=layout,
        optional_data=optional_data.rstrip("<"),
    )


def _head(mrz: Mrz) -> str:
    return _pad(mrz.document_code, 2) + _pad(mrz.issuing_state, 3)


def _dates(mrz: Mrz) -> str:
    birth, expiry = mrz_text(mrz.date_of_birth), mrz_text(mrz.date_of_expiry)
    sex = mrz.sex.replace("X", "<")
    return birth + check_digit(birth) + sex + expiry + check_digit(expiry)


def _name_field(mrz: Mrz) -> str:
    width = NAME_WIDTHS[mrz.layout]
    names = f"{mrz.primary_identifier}<<{mrz.secondary_identifier}".replace(" ", "<")
    return names.rstrip("<")[:width].ljust(width, "<")


def _pad(value: str, width: int) -> str:
    if len(value) > width:
        raise MalformedFileError(f"{value!r} is longer than its field of {width} characters")
    return value.ljust(width, "<")


def _check(field: str, text: str, digit: str) -> None:
    if check_digit(text) != digit:
        raise MalformedFileError(
            f"the check digit of the {field} is wrong; read the document again"
        )


def _long_number(number: str, digit: str, optional: str) -> tuple[str, str]:
    """Document number and optional data; a long number goes on there (ICAO 9303-5 §4.2.2)."""
    if digit != "<":
        _check("document number", number, digit)
        return number.rstrip("<"), optional.rstrip("<")
    rest, _, optional = optional.partition("<")
    if len(rest) < 2:
        raise MalformedFileError("the document number has no check digit")
    _check("document number", number + rest[:-1], rest[-1])
    return number + rest[:-1], optional.rstrip("<")


def _number_fields(number: str, optional: str, width: int) -> str:
    if len(number) <= 9:
        padded = _pad(number, 9)
        return padded + check_digit(padded) + _pad(optional, width)
    rest = number[9:] + check_digit(number)
    return number[:9] + "<" + _pad(f"{rest}<{optional}" if optional else rest, width)


def _personal_number(state: str, optional: str) -> str:
    """The twelve digits of the Vietnamese card stand as `number<<check digit`."""
    number, separator, digit = optional.partition("<<")
    if not separator or not _is_vietnamese_number(state, number):
        return optional
    _check("personal number", number, digit)
    return number


def _is_vietnamese_number(state: str, number: str) -> bool:
    return state == VIETNAM and len(number) == 12 and number.isascii() and number.isdigit()


def _state(which: str, text: str) -> str:
    """One to three letters, fillers behind (ICAO 9303-3 §5)."""
    state = text.rstrip("<")
    if not _STATE.fullmatch(state):
        raise MalformedFileError(f"the {which} is no code of a state: {text}")
    return state


def _birth(text: str, state: str, personal: str, expiry: date) -> Day:
    """The day of birth; unknown parts are ``<<`` (ICAO 9303-3 §4.8)."""
    year, month, day = (_part("date of birth", text[start : start + 2]) for start in (0, 2, 4))
    if year is None:
        return day_of(None, month, day)
    if _is_vietnamese_number(state, personal):
        # Fourth digit: sex and century of birth; 0 and 1 are 1900-1999, 2 and 3 are 2000-2099.
        return day_of(1900 + 100 * (int(personal[3]) // 2) + year, month, day)
    born_late = (2000 + year, month or 1, day or 1) < (expiry.year, expiry.month, expiry.day)
    return day_of((2000 if born_late else 1900) + year, month, day)


def _part(which: str, text: str) -> int | None:
    if text == "<<":
        return None
    if not text.isdigit():
        raise MalformedFileError(f"the {which} is neither digits nor unknown: {text}")
    return int(text)


def _expiry(text: str) -> date:
    if not text.isdigit():
        raise MalformedFileError("the date of expiry is not six digits")
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        raise MalformedFileError("the date of expiry is no calendar day") from None
