"""Machine readable zones of passports, right or wrong in any field (ICAO 9303-4 §4.2)."""

from dataclasses import dataclass

from card_reader import tlv
from card_reader.lds.mrz import check_digit


@dataclass(frozen=True)
class Zone:
    """The fields without fillers.

    `wrong_digit` names the field whose check digit is off by one: number, birth, expiry, optional
    or composite.  `empty_digit` stands behind optional data that are empty: < or 0.
    """

    code: str = "P"
    state: str = "VNM"
    names: str = "NGUYEN<<VAN<AN"
    number: str = "C6012345"
    nationality: str = "VNM"
    birth: str = "060517"
    sex: str = "M"
    expiry: str = "350115"
    optional: str = ""
    wrong_digit: str = ""
    empty_digit: str = "<"

    def text(self) -> str:
        number, optional = self.number.ljust(9, "<"), self.optional.ljust(14, "<")
        lower = number + self._digit("number", number) + self.nationality.ljust(3, "<")
        lower += self.birth + self._digit("birth", self.birth) + self.sex
        lower += self.expiry + self._digit("expiry", self.expiry)
        lower += optional
        lower += self._digit("optional", optional) if self.optional else self.empty_digit
        lower += self._digit("composite", lower[0:10] + lower[13:20] + lower[21:43])
        upper = self.code.ljust(2, "<") + self.state.ljust(3, "<") + self.names.ljust(39, "<")
        return upper + lower

    def file(self) -> bytes:
        return tlv.encode(0x61, tlv.encode(0x5F1F, self.text().encode("ascii")))

    def _digit(self, name: str, text: str) -> str:
        """Of characters that belong into a zone; others count as fillers."""
        known = "".join(sign if sign.isalnum() and sign.isascii() else "<" for sign in text)
        right = int(check_digit(known))
        return str((right + (name == self.wrong_digit)) % 10)
