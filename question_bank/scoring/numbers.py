"""Numbers as candidates type them."""

import re
from decimal import Decimal

# An optional minus (ASCII or U+2212), digits, and at most one decimal comma or point between
# digits. No thousands separators, no exponent, no sign alone.
_NUMBER = re.compile(r"([-\u2212]?)([0-9]{1,30})(?:[.,]([0-9]{1,30}))?", re.ASCII)


def parse_number(text: str) -> Decimal | None:
    """The exact value of `text`, or None where it is no number.

    Only the value counts: "3", "3,0", "03" and "3.0" are the same number, "-0" is 0. What is no
    number ("3,", ",5", "1,2,3", "--1") is no answer and earns nothing.
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    sign, whole, fraction = found.groups()
    return Decimal(f"{'-' if sign else ''}{whole}.{fraction or '0'}")
