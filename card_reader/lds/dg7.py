"""EF.DG7: the holder's signature or usual mark, as pictures (ICAO 9303-10 §4.7.7)."""

from dataclasses import dataclass, field

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds.images import checked

TAG = 0x67
MAX_PICTURES = 9
_COUNT, _PICTURE = 0x02, 0x5F43


@dataclass(frozen=True, slots=True)
class DisplayedImage:
    """One picture: the image file's bytes, and its MIME type."""

    data: bytes = field(repr=False)
    mime: str


def parse(raw: bytes) -> tuple[DisplayedImage, ...]:
    """The pictures, in the file's order; at least one."""
    outer = tlv.parse(raw)
    if outer.tag != TAG:
        raise MalformedFileError(f"EF.DG7 starts with tag {outer.tag:X}, not 67")
    parts = outer.children()
    pictures = [part.value for part in parts if part.tag == _PICTURE]
    stated = tlv.find(parts, _COUNT).value
    if not 1 <= len(pictures) <= MAX_PICTURES or stated != bytes([len(pictures)]):
        raise MalformedFileError("EF.DG7 states another number of pictures than it holds")
    return tuple(DisplayedImage(*checked(data)) for data in pictures)


def encode(pictures: tuple[DisplayedImage, ...]) -> bytes:
    if not 1 <= len(pictures) <= MAX_PICTURES:
        raise MalformedFileError(f"EF.DG7 holds 1 to {MAX_PICTURES} pictures")
    for picture in pictures:
        checked(picture.data)
    count = tlv.encode(_COUNT, bytes([len(pictures)]))
    return tlv.encode(TAG, count + b"".join(tlv.encode(_PICTURE, p.data) for p in pictures))
