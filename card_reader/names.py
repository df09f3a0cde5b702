"""When two names are one: Vietnamese spelling, and the alphabet of the MRZ.

Two spellings are one name if they differ in case, white space, hyphens, apostrophes, composed or
decomposed letters, or in the vowel that carries the tone ("hòa", "hoà").  The tone itself and the
marks of the vowels (â, ă, ơ, ...) always count.
"""

import re
import unicodedata
from enum import StrEnum

from card_reader.lds.mrz import NAME_WIDTHS, Layout, to_mrz_name

_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")  # huyền, sắc, ngã, hỏi, nặng
# Typed as one of its doubles, đ is still đ; hyphens part words, apostrophes do not.
_FOLDED = str.maketrans({"ð": "đ", "ɖ": "đ", "'": "", "’": "", "ʼ": "", "‘": ""})
_HYPHENS = re.compile(r"[-\u2010-\u2015]")
# The other transliterations that ICAO 9303-3 §6.A lets a state choose.
_DIGRAPHS = str.maketrans(
    {"Ä": "AE", "Ö": "OE", "Ü": "UE", "Å": "AA", "ä": "AE", "ö": "OE", "ü": "UE", "å": "AA"}
)
MAX_NAME = 1024  # characters; a longer text is no name, and the same as nothing


class MrzFit(StrEnum):
    """How the MRZ's name stands to a full one."""

    WHOLE = "whole"
    CUT_OFF = "cut_off"  # its beginning, up to the end of the field
    ABBREVIATED = "abbreviated"  # too long for the field, and shortened word by word
    NO = "no"


def same_spelling(one: str, other: str) -> bool:
    """Whether two names, both with their diacritics, are the same."""
    if max(len(one), len(other)) > MAX_NAME:
        return False
    return _spelling(one) == _spelling(other)


def fits_mrz(name: str, mrz_name: str, *, width: int = NAME_WIDTHS[Layout.TD1]) -> MrzFit:
    """How `mrz_name` (family name first; ``<`` or spaces between words) stands to `name`.

    `width` is that of the name field. A name that fills it may be cut (ICAO 9303-3 §4.6), one of
    up to two characters less too, for the fillers between the two identifiers and at the end.
    """
    given = " ".join(mrz_name.replace("<", " ").split())
    if not given or len(name) > MAX_NAME:
        return MrzFit.NO
    composed = unicodedata.normalize("NFC", name)
    fits = {_fit(to_mrz_name(n), given, width) for n in (composed, composed.translate(_DIGRAPHS))}
    return next((fit for fit in MrzFit if fit in fits), MrzFit.NO)


def same_name(
    expected: str,
    *,
    full_name: str | None,
    mrz_name: str,
    width: int = NAME_WIDTHS[Layout.TD1],
) -> bool:
    """Whether the expected name is the card's: with diacritics where the card has them."""
    if full_name is not None:
        return same_spelling(expected, full_name)
    return fits_mrz(expected, mrz_name, width=width) in (MrzFit.WHOLE, MrzFit.CUT_OFF)


def _fit(wanted: str, given: str, width: int) -> MrzFit:
    if wanted == given:
        return MrzFit.WHOLE
    if len(given) >= width - 2 and wanted.startswith(given):
        return MrzFit.CUT_OFF
    words, shortened = wanted.split(), given.split()
    too_long = len(wanted) >= width  # one filler more than spaces stands between the identifiers
    fewer = len(shortened) <= len(words)
    if too_long and fewer and all(map(str.startswith, words, shortened)):
        return MrzFit.ABBREVIATED
    return MrzFit.NO


def _spelling(name: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each word's letters, and its tone marks apart."""
    plain = unicodedata.normalize("NFD", _HYPHENS.sub(" ", name[: MAX_NAME + 1]).casefold())
    return [_word(word) for word in plain.translate(_FOLDED).split()]


def _word(word: str) -> tuple[str, tuple[str, ...]]:
    seen = [sign for sign in word if unicodedata.category(sign) != "Cf"]  # no invisible signs
    letters = "".join(sign for sign in seen if sign not in _TONES)
    return letters, tuple(sorted(sign for sign in seen if sign in _TONES))
