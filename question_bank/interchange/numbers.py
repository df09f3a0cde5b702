"""Numbers as people write them in keys: one reading for every format that teachers type.

A comma or a point parts the decimals; blanks, points or commas before groups of three digits part
thousands. "1.234" can be both: in Vietnam it is 1234, and that has to be said. ",5", "1/2", "1e5"
and "2^3" are no numbers here: what they may mean is for their writer to say.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from question_bank.interactions import MAX_NUMERIC_TEXT
from question_bank.item import MAX_WORD

_SIGNS = str.maketrans("−–‒﹣＋", "----+")
_WRITTEN = re.compile(r"(?P<sign>[+-]?)\s*(?P<digits>\d(?:[\d.,\s]*\d)?)\s*(?P<unit>\D.*)?")
_PLAIN = re.compile(r"(\d+)(?:\s*[.,]\s*(\d+))?")
_GROUPED = re.compile(
    r"([1-9]\d{0,2}(?:\.\d{3})+)(?:,(\d+))?|([1-9]\d{0,2}(?: \d{3})+)(?:[.,](\d+))?"
    r"|([1-9]\d{0,2}(?:,\d{3})+)\.(\d+)|([1-9]\d{0,2}(?:,\d{3}){2,})"
)
_UNIT = re.compile(r"(?:[%°‰]|[^\W\d_])[\w%°/^·*.²³-]*(?: [^\W\d_]+){0,2}")
_NO_UNIT = re.compile(
    r"(?<!\w)(?:hoặc|hay|và|đến|or|and|to)(?!\w)|[eE][+-]?\d|\d{2}", re.IGNORECASE
)
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}\.\d{3}")
#: The same for who writes a decimal point.
_AMBIGUOUS_COMMA = re.compile(r"[1-9]\d{0,2},\d{3}")


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """A number, how it is written with a decimal comma and no parted thousands, its unit.
    `is_doubtful`: it may have been meant to be another one."""

    value: Decimal
    text: str
    unit: str = ""
    is_doubtful: bool = False


def written_number(text: str, *, decimal_comma: bool = True) -> WrittenNumber | None:
    """The number that a text is, None for what is anything else. `decimal_comma`: the writer's
    language has one, so that "1,234" leaves no doubt."""
    plain = " ".join(text.translate(_SIGNS).split())
    found = _WRITTEN.fullmatch(plain)
    if found is None or len(found["digits"]) > MAX_NUMERIC_TEXT:
        return None
    unit = re.sub(r"\s*([/·*])\s*", r"\1", found["unit"] or "")
    digits = _digits(found["digits"])
    if digits is None or not _is_unit(unit):
        return None
    doubtful = bool(_AMBIGUOUS.fullmatch(found["digits"])) or (
        not decimal_comma and bool(_AMBIGUOUS_COMMA.fullmatch(found["digits"]))
    )
    whole, decimals = digits
    sign = found["sign"].replace("+", "")
    value = Decimal(f"{sign}{whole}.{decimals}" if decimals else sign + whole)
    shown = f"{sign}{whole},{decimals}" if decimals else sign + whole
    return WrittenNumber(value, shown, unit, doubtful)


def _digits(text: str) -> tuple[str, str] | None:
    """What stands before and after the decimal sign."""
    if found := _GROUPED.fullmatch(text):
        whole, decimals, *others = (group or "" for group in found.groups())
        whole, decimals = (
            whole + others[0] + others[2] + others[4],
            decimals + others[1] + others[3],
        )
        return re.sub(r"\D", "", whole), decimals
    plain = _PLAIN.fullmatch(text)
    return None if plain is None else (plain[1], plain[2] or "")


def _is_unit(text: str) -> bool:
    if not text:
        return True
    return len(text) <= MAX_WORD and bool(_UNIT.fullmatch(text)) and not _NO_UNIT.search(text)
