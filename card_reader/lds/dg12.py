"""EF.DG12: further details of the document (ICAO 9303-10 §4.7.12)."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from card_reader.errors import MalformedFileError
from card_reader.lds import listed_fields
from card_reader.lds.images import checked
from card_reader.lds.listed_fields import Fields, text_bytes

TAG = 0x6C
_OTHER_PERSON = 0x5F1A
_ISSUED, _PERSONALISED = 0x5F26, 0x5F55
_TIME = "%Y%m%d%H%M%S"
_TEXTS = {
    0x5F19: "issuing_authority",
    0x5F1B: "endorsements",
    0x5F1C: "tax_or_exit_requirements",
    0x5F56: "personalisation_system",
}
_PICTURES = {0x5F1D: "front", 0x5F1E: "rear"}


@dataclass(frozen=True, slots=True)
class DocumentDetails:
    """An absent object is empty or None; `front` and `rear` are image files of the document.

    `personalised_at` is the issuer's local time, whose zone the file does not tell (naive).
    `unknown` holds (tag, value) of objects that the standard does not name, in the file's order.
    """

    issuing_authority: str = ""
    date_of_issue: date | None = None
    other_persons: tuple[str, ...] = field(default=(), repr=False)
    endorsements: str = ""
    tax_or_exit_requirements: str = ""
    front: bytes = field(default=b"", repr=False)
    rear: bytes = field(default=b"", repr=False)
    personalised_at: datetime | None = None
    personalisation_system: str = ""
    unknown: tuple[tuple[int, bytes], ...] = ()


def parse(raw: bytes) -> DocumentDetails:
    fields = Fields(raw, tag=TAG, name="EF.DG12", repeated=_OTHER_PERSON)
    values: dict[str, Any] = {name: fields.text(tag) for tag, name in _TEXTS.items()}
    for tag, name in _PICTURES.items():
        picture = fields.raw(tag)
        values[name] = checked(picture)[0] if picture else b""
    return DocumentDetails(
        **values,
        date_of_issue=fields.whole_day(_ISSUED),
        other_persons=fields.repeated(),
        personalised_at=_time(fields.digits(_PERSONALISED, 14)),
        unknown=fields.unknown(),
    )


def encode(details: DocumentDetails) -> bytes:
    """The file's bytes; day and time in ASCII, as the standard has them since 2015."""
    issued, personalised = details.date_of_issue, details.personalised_at
    values = {tag: text_bytes(getattr(details, name)) for tag, name in _TEXTS.items()}
    values |= {tag: getattr(details, name) for tag, name in _PICTURES.items()}
    values[_ISSUED] = f"{issued.year:04}{issued:%m%d}".encode() if issued else b""
    values[_PERSONALISED] = (
        f"{personalised.year:04}{personalised:%m%d%H%M%S}".encode() if personalised else b""
    )
    return listed_fields.encode(
        TAG,
        [*sorted(values.items()), *details.unknown],
        repeated=_OTHER_PERSON,
        names=details.other_persons,
    )


def _time(digits: str) -> datetime | None:
    if not digits:
        return None
    try:
        return datetime.strptime(digits, _TIME)
    except ValueError:
        raise MalformedFileError("EF.DG12: the time of personalisation does not exist") from None
