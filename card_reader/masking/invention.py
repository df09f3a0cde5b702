"""Values of equal shape that belong to nobody, for recordings that leave the room.

Every value keeps its length and, where it is a text, the kind of each character, so that whatever
parsed before parses the same way afterwards.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from card_reader.domain_parameters import AnyGroup, group_of_key
from card_reader.errors import CardError, MalformedFileError
from card_reader.lds import mrz

# One DH key in 256 begins with a zero byte, and half of all have the other sign byte: so many draws
# find no key of equal length once in 3,000 of those.
MAX_DRAWS = 4096
_UPPER, _LOWER, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
# Letters by the length of their UTF-8 form, so that a text keeps its bytes.
_ACCENTED = {
    2: ("ÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝĂĐĨŨƠƯ", "àáâãèéêìíòóôõùúýăđĩũơư"),
    3: (
        "ẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸ",
        "ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    ),
}
_PRINTED_DAY = re.compile(rb"[0-9]{2}/[0-9]{2}/[0-9]{4}")
_FIRST_DAY, _LAST_DAY = date(1950, 1, 1), date(2020, 12, 31)


@dataclass(frozen=True, slots=True)
class InventedKey:
    """A key of the chip that nobody's card has: ``scalar`` is its private half."""

    spki: bytes
    group: AnyGroup
    scalar: int


class Inventor:
    """Draws values from ``rng``; the same chip key is always replaced by the same one."""

    def __init__(self, rng: Callable[[int], bytes]) -> None:
        self._rng = rng
        self._keys: dict[bytes, InventedKey] = {}

    @property
    def keys(self) -> tuple[InventedKey, ...]:
        """The chip keys drawn so far."""
        return tuple(self._keys.values())

    def octets(self, length: int) -> bytes:
        return self._rng(length) if length else b""

    def below(self, bound: int) -> int:
        """A number from 0 to ``bound`` - 1; the slight bias of a remainder harms nothing here."""
        return int.from_bytes(self._rng(8), "big") % bound

    def value(self, original: bytes) -> bytes:
        """A text for a text, bytes for bytes; padding of 00 or FF alone says nothing and stays."""
        if not original.strip(b"\x00") or not original.strip(b"\xff"):
            return original
        if _PRINTED_DAY.fullmatch(original):
            return self.day().strftime("%d/%m/%Y").encode("ascii")
        try:
            text = original.decode("utf-8")
        except UnicodeDecodeError:
            return self.octets(len(original))
        if any(ord(character) < 0x20 for character in text):
            return self.octets(len(original))
        return self.text(text).encode("utf-8")

    def text(self, original: str) -> str:
        """Letters for letters, digits for digits; spaces, fillers and punctuation stay."""
        return "".join(self._character(character) for character in original)

    def day(self) -> date:
        first, last = _FIRST_DAY.toordinal(), _LAST_DAY.toordinal()
        return date.fromordinal(first + self.below(last - first))

    def machine_readable_zone(self, original: bytes) -> bytes:
        """Another person's MRZ on the same kind of card, with right check digits.

        One that does not parse becomes characters of the same kinds.
        """
        try:
            zone = mrz.parse(original)
            invented = mrz.encode(self._person(zone))
            mrz.parse(invented)
        except MalformedFileError:
            return self.value(original)
        return invented if len(invented) == len(original) else self.value(original)

    def chip_key(self, spki: bytes) -> InventedKey | None:
        """A key on the same group whose encoding has the same length; None where unreadable."""
        if spki not in self._keys:
            try:
                group, element = group_of_key(spki)
            except CardError:
                return None
            key = self._key_like(spki, group, element)
            if key is None:
                return None
            self._keys[spki] = key
        return self._keys[spki]

    def _key_like(self, spki: bytes, group: AnyGroup, element: Any) -> InventedKey | None:
        old = group.encode(element)
        head = spki.removesuffix(old)
        if len(head) + len(old) != len(spki):
            return None
        for _ in range(MAX_DRAWS):
            scalar = group.draw_scalar(self._rng)
            new = group.encode(group.public(scalar))
            # A DH key is an INTEGER: it keeps its length and its sign byte.
            if len(new) == len(old) and (old[0] ^ new[0]) < 0x80:
                return InventedKey(head + new, group, scalar)
        return None

    def _person(self, zone: mrz.Mrz) -> mrz.Mrz:
        birth = self.day()
        expiry = date(2030 + self.below(20), 1 + self.below(12), 1 + self.below(28))
        personal = self.text(zone.personal_number)
        if len(personal) == 12 and personal.isdigit() and zone.issuing_state == mrz.VIETNAM:
            # Fourth digit: sex and century of birth.
            personal = personal[:3] + str(2 * (birth.year // 100 - 19)) + personal[4:]
        return replace(
            zone,
            document_number=self.text(zone.document_number),
            personal_number=personal,
            optional_data=self.text(zone.optional_data),
            date_of_birth=birth,
            sex="M",
            date_of_expiry=expiry,
            nationality=zone.issuing_state,
            primary_identifier=self.text(zone.primary_identifier),
            secondary_identifier=self.text(zone.secondary_identifier),
        )

    def _character(self, character: str) -> str:
        for alphabet in (_UPPER, _LOWER, _DIGITS):
            if character in alphabet:
                return self._another(character, alphabet)
        size = len(character.encode("utf-8"))
        if size == 1:
            return character
        if size in _ACCENTED:
            upper, lower = _ACCENTED[size]
            return self._another(character, upper if character.isupper() else lower)
        return chr(0x1F600 + self.below(64))

    def _another(self, character: str, alphabet: str) -> str:
        """Never the character itself: no run of letters comes back by chance."""
        others = alphabet.replace(character, "")
        return others[self.below(len(others))]


def cms_time(original: bytes) -> bytes:
    """A neutral signing time in the form of the original: UTCTime or GeneralizedTime."""
    neutral = {13: b"200101000000Z", 15: b"20200101000000Z"}
    return neutral.get(len(original), b"0" * len(original))


def rsa_modulus(original: bytes, inventor: Inventor) -> bytes:
    """An odd number of as many bits; ``original`` is the value of a DER INTEGER."""
    digits = original.lstrip(b"\x00")
    if len(digits) < 2:
        return original
    middle = inventor.octets(len(digits) - 2)
    lead = bytes(len(original) - len(digits)) + digits[:1]
    return lead + middle + bytes([inventor.octets(1)[0] | 1])
