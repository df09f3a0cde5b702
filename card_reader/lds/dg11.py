"""EF.DG11: further details of the holder (ICAO 9303-10 §4.7.11)."""

from dataclasses import dataclass, field
from typing import Any

from card_reader.lds import listed_fields
from card_reader.lds.dates import Day, digits_of_day
from card_reader.lds.images import checked
from card_reader.lds.listed_fields import Fields, joined, text_bytes

TAG = 0x6B
_OTHER_NAME = 0x5F0F
_BIRTH = 0x5F2B
_PICTURE = 0x5F16
_TEXTS = {
    0x5F0E: "name",
    0x5F10: "personal_number",
    0x5F12: "telephone",
    0x5F13: "profession",
    0x5F14: "title",
    0x5F15: "personal_summary",
    0x5F18: "custody_information",
}
_LISTS = {
    0x5F11: "place_of_birth",
    0x5F42: "permanent_address",
    0x5F17: "other_documents",
}


@dataclass(frozen=True, slots=True)
class PersonalDetails:
    """Texts in national characters; an absent object is empty.

    `name` is as the file has it: family name, ``<<``, given names, ``<`` between words. A place
    or address is its components. `proof_of_citizenship` is an image file. `unknown` holds (tag,
    value) of objects that the standard does not name, in the file's order.
    """

    name: str = field(default="", repr=False)
    other_names: tuple[str, ...] = field(default=(), repr=False)
    personal_number: str = field(default="", repr=False)
    date_of_birth: Day | None = field(default=None, repr=False)
    place_of_birth: tuple[str, ...] = field(default=(), repr=False)
    permanent_address: tuple[str, ...] = field(default=(), repr=False)
    telephone: str = field(default="", repr=False)
    profession: str = field(default="", repr=False)
    title: str = field(default="", repr=False)
    personal_summary: str = field(default="", repr=False)
    proof_of_citizenship: bytes = field(default=b"", repr=False)
    other_documents: tuple[str, ...] = field(default=(), repr=False)
    custody_information: str = field(default="", repr=False)
    unknown: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)


def parse(raw: bytes) -> PersonalDetails:
    fields = Fields(raw, tag=TAG, name="EF.DG11", repeated=_OTHER_NAME)
    picture = fields.raw(_PICTURE)
    values: dict[str, Any] = {name: fields.text(tag) for tag, name in _TEXTS.items()}
    values |= {name: fields.texts(tag) for tag, name in _LISTS.items()}
    return PersonalDetails(
        **values,
        other_names=fields.repeated(),
        date_of_birth=fields.day(_BIRTH),
        proof_of_citizenship=checked(picture)[0] if picture else b"",
        unknown=fields.unknown(),
    )


def encode(details: PersonalDetails) -> bytes:
    """The file's bytes; the day of birth in ASCII, as the standard has it since 2015."""
    birth = details.date_of_birth
    values = {tag: text_bytes(getattr(details, name)) for tag, name in _TEXTS.items()}
    values |= {tag: joined(getattr(details, name)) for tag, name in _LISTS.items()}
    values[_BIRTH] = digits_of_day(birth).encode("ascii") if birth else b""
    values[_PICTURE] = details.proof_of_citizenship
    return listed_fields.encode(
        TAG,
        [*sorted(values.items()), *details.unknown],
        repeated=_OTHER_NAME,
        names=details.other_names,
    )
