"""Images inside data groups: their kind, their end, and the size that they state themselves.

Nothing is decoded here; a picture's bytes go to whoever shows or compares it.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum

from card_reader.errors import CardReason, MalformedFileError

MAX_IMAGE_BYTES = 1024 * 1024
MAX_SEGMENTS = 512  # of a JPEG before its frame, boxes of a JP2
JPEG, JP2, J2K = "image/jpeg", "image/jp2", "image/j2c"
_MAGIC = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", JP2),
    (b"\xff\x4f\xff\x51", J2K),  # a codestream without the JP2 boxes
)
_END_OF_IMAGE = b"\xff\xd9"  # EOI of JPEG, EOC of JPEG 2000
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn, without DHT, JPG and DAC
_START_OF_SCAN = 0xDA


class Deviation(StrEnum):
    """Where a portrait's record departs from its standard though the image can be had.

    Descriptions that nobody relies upon do not cost the candidate the portrait: it is handed out,
    and the departure is named. The value is the stable code.
    """

    FORMAT_OWNER = "format_owner"
    FORMAT_TYPE = "format_type"
    BIOMETRIC_TYPE = "biometric_type"
    VERSION = "version"
    GENDER = "gender"
    EYE_COLOUR = "eye_colour"
    HAIR_COLOUR = "hair_colour"
    POSE_ANGLE = "pose_angle"
    POSE_ANGLE_UNCERTAINTY = "pose_angle_uncertainty"
    FACE_IMAGE_TYPE = "face_image_type"
    IMAGE_DATA_TYPE = "image_data_type"
    IMAGE_SIZE = "image_size"
    BYTES_BEHIND = "bytes_behind"

    @property
    def explanation(self) -> str:
        """One English line."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Deviation.FORMAT_OWNER: "The template's header names no, or another, owner of the format.",
    Deviation.FORMAT_TYPE: "The template's header names no format, or not the one it holds.",
    Deviation.BIOMETRIC_TYPE: "The template's header does not say that it holds a face.",
    Deviation.VERSION: "The block is of an edition of ISO/IEC 39794 that is not known here.",
    Deviation.GENDER: "The record's code for the gender is not defined.",
    Deviation.EYE_COLOUR: "The record's code for the colour of the eyes is not defined.",
    Deviation.HAIR_COLOUR: "The record's code for the colour of the hair is not defined.",
    Deviation.POSE_ANGLE: "The record states a pose that is no angle.",
    Deviation.POSE_ANGLE_UNCERTAINTY: "The record states an uncertainty that is no angle.",
    Deviation.FACE_IMAGE_TYPE: "The record's code for the kind of portrait is not defined.",
    Deviation.IMAGE_DATA_TYPE: "The record names another kind of image than it holds.",
    Deviation.IMAGE_SIZE: "The record states another size than the image has.",
    Deviation.BYTES_BEHIND: "Something stands behind the record's last image.",
}


@dataclass(frozen=True, slots=True)
class FaceImage:
    """One portrait: the image file's bytes, its kind, and pixels as the record states them."""

    data: bytes
    mime: str
    width: int
    height: int
    deviations: frozenset[Deviation] = frozenset()


def kind_of(data: bytes) -> str:
    """The MIME type by the first bytes; what is no known image is an error."""
    for magic, mime in _MAGIC:
        if data.startswith(magic):
            return mime
    raise MalformedFileError("the picture is neither JPEG nor JPEG 2000")


def checked(data: bytes) -> tuple[bytes, str]:
    """An image's bytes without padding behind them, and its MIME type."""
    if len(data) > MAX_IMAGE_BYTES:
        raise MalformedFileError("a picture is larger than 1 MiB", CardReason.TOO_LARGE)
    mime = kind_of(data)
    return without_padding(data), mime


def without_padding(data: bytes) -> bytes:
    """Some issuers fill the block with 00 or FF behind the image; anything else stays."""
    end = data.rfind(_END_OF_IMAGE) + len(_END_OF_IMAGE)
    return data[:end] if end >= len(_END_OF_IMAGE) and not data[end:].strip(b"\x00\xff") else data


def portrait(
    data: bytes, stated: tuple[int, int] | None, deviations: frozenset[Deviation] = frozenset()
) -> FaceImage:
    """A record's image. Where the record states no size (None), or 0, it is the image's own."""
    data, mime = checked(data)
    own = pixels(data, mime)
    if own is not None and 0 in own:
        raise MalformedFileError("the portrait has no pixels")
    if stated is not None and own is not None and own != stated:
        deviations |= {Deviation.IMAGE_SIZE}
    size = stated if stated is not None and 0 not in stated else own
    if size is None:
        raise MalformedFileError("neither the portrait nor its record states a size")
    return FaceImage(data, mime, *size, deviations)


def pixels(data: bytes, mime: str) -> tuple[int, int] | None:
    """Width and height out of the image's own header, None where it has none."""
    try:
        return _HEADERS[mime](data)
    except (struct.error, IndexError):
        return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """The frame header of ISO/IEC 10918-1 §B.2.2."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        while data[position : position + 2] == b"\xff\xff":
            position += 1
        marker, kind, length = struct.unpack_from(">BBH", data, position)
        if marker != 0xFF or kind == _START_OF_SCAN:
            return None
        if kind in _FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        position += 2 + length
    return None


def _jp2_size(data: bytes) -> tuple[int, int] | None:
    """The image header box (ISO/IEC 15444-1 §I.5.3.1), first in the header box."""
    position = 0
    for _ in range(MAX_SEGMENTS):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"jp2h":
            inner, height, width = struct.unpack_from(">4sII", data, position + 12)
            return (width, height) if inner == b"ihdr" else None
        if length < 8:  # 0: up to the end; 1: a length of eight bytes, which no portrait needs
            return None
        position += length
    return None


def _codestream_size(data: bytes) -> tuple[int, int] | None:
    """The SIZ segment (ISO/IEC 15444-1 §A.5.1)."""
    right, bottom, left, top = struct.unpack_from(">IIII", data, 8)
    return max(0, right - left), max(0, bottom - top)


_HEADERS = {JPEG: _jpeg_size, JP2: _jp2_size, J2K: _codestream_size}
