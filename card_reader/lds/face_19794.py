"""The facial record of ISO/IEC 19794-5:2005 (§5.4 to §5.7); all numbers are big-endian.

Images are found by walking the record's length fields, never by searching for their first bytes.
"""

import struct

from card_reader.errors import CardReason, MalformedFileError
from card_reader.lds.images import JPEG, MAX_IMAGE_BYTES, Deviation, FaceImage, portrait

FORMAT = b"FAC\x00"
MAX_IMAGES = 16
_VERSION = b"010\x00"
_RECORD_HEADER = struct.Struct(">4s4sIH")
_FACE_INFORMATION = struct.Struct(">IHBBB3sH3s3s")
_FEATURE_POINT_BYTES = 8
_IMAGE_INFORMATION = struct.Struct(">BBHHBBHH")
# The codes that §5.5 and §5.7 define; 255 is "unknown".
_GENDERS = frozenset((0, 1, 2, 255))
_EYE_COLOURS = frozenset((*range(8), 255))
_HAIR_COLOURS = frozenset((*range(10), 255))
_MAX_ANGLE = 181
_BASIC, _FULL_FRONTAL, _TOKEN_FRONTAL = range(3)
_DATA_JPEG, _DATA_JPEG2000 = range(2)


def parse(record: bytes) -> tuple[FaceImage, ...]:
    """The images of one record, in its order; at least one."""
    if len(record) < _RECORD_HEADER.size:
        raise MalformedFileError("the facial record is cut off")
    name, version, length, count = _RECORD_HEADER.unpack_from(record)
    if name != FORMAT or version != _VERSION:
        raise MalformedFileError("the facial record is not of ISO/IEC 19794-5:2005")
    if length > len(record) or not 1 <= count <= MAX_IMAGES:
        raise MalformedFileError("the facial record's length or number of images is wrong")
    behind = frozenset() if _ends_exactly(record, length, count) else {Deviation.BYTES_BEHIND}
    images: list[FaceImage] = []
    position = _RECORD_HEADER.size
    for _ in range(count):
        image, position = _face(record[:length], position, frozenset(behind))
        images.append(image)
    return tuple(images)


def encode(images: tuple[FaceImage, ...]) -> bytes:
    """One record with all the images: full frontal, nothing else stated."""
    if not 1 <= len(images) <= MAX_IMAGES:
        raise MalformedFileError(f"a facial record holds 1 to {MAX_IMAGES} images")
    faces = b"".join(_encode_face(image) for image in images)
    length = _RECORD_HEADER.size + len(faces)
    return _RECORD_HEADER.pack(FORMAT, _VERSION, length, len(images)) + faces


def _ends_exactly(record: bytes, length: int, count: int) -> bool:
    """Whether the images' blocks fill the record."""
    position = _RECORD_HEADER.size
    for _ in range(count):
        if position + 4 > length:
            return False
        position += int.from_bytes(record[position : position + 4], "big")
    return position == length == len(record)


def _face(record: bytes, start: int, found: frozenset[Deviation]) -> tuple[FaceImage, int]:
    """One facial record data block from `start`, and where the next one begins."""
    if start + _FACE_INFORMATION.size > len(record):
        raise MalformedFileError("a facial image's block is cut off")
    length, points, *description = _FACE_INFORMATION.unpack_from(record, start)
    end = start + length
    head = start + _FACE_INFORMATION.size + points * _FEATURE_POINT_BYTES
    body = head + _IMAGE_INFORMATION.size
    if end > len(record) or body >= end:
        raise MalformedFileError("a facial image's block has a wrong length")
    kind, data_type, width, height, *_ = _IMAGE_INFORMATION.unpack_from(record, head)
    if end - body > MAX_IMAGE_BYTES:
        raise MalformedFileError("the portrait is larger than 1 MiB", CardReason.TOO_LARGE)
    data = record[body:end]
    return portrait(data, (width, height), found | _odd(description, kind, data_type, data)), end


def _odd(description: list[int], kind: int, data_type: int, data: bytes) -> set[Deviation]:
    """The codes that the standard does not define, or that the image belies."""
    gender, eyes, hair, _, _, angles, uncertainties = description
    is_jpeg = data.startswith(b"\xff\xd8")
    checks = {
        Deviation.GENDER: gender in _GENDERS,
        Deviation.EYE_COLOUR: eyes in _EYE_COLOURS,
        Deviation.HAIR_COLOUR: hair in _HAIR_COLOURS,
        Deviation.POSE_ANGLE: max(bytes(angles)) <= _MAX_ANGLE,
        Deviation.POSE_ANGLE_UNCERTAINTY: max(bytes(uncertainties)) <= _MAX_ANGLE,
        Deviation.FACE_IMAGE_TYPE: kind in (_BASIC, _FULL_FRONTAL, _TOKEN_FRONTAL),
        Deviation.IMAGE_DATA_TYPE: data_type == (_DATA_JPEG if is_jpeg else _DATA_JPEG2000),
    }
    return {deviation for deviation, right in checks.items() if not right}


def _encode_face(image: FaceImage) -> bytes:
    if len(image.data) > MAX_IMAGE_BYTES:
        raise MalformedFileError("the portrait is larger than 1 MiB", CardReason.TOO_LARGE)
    if not (0 < image.width <= 0xFFFF and 0 < image.height <= 0xFFFF):
        raise MalformedFileError("the portrait's width and height are 1 to 65535 pixels")
    data_type = _DATA_JPEG if image.mime == JPEG else _DATA_JPEG2000
    length = _FACE_INFORMATION.size + _IMAGE_INFORMATION.size + len(image.data)
    information = _FACE_INFORMATION.pack(length, 0, 0, 0, 0, bytes(3), 0, bytes(3), bytes(3))
    # sRGB; source, device and quality not specified.
    size = (image.width, image.height, 1, 0, 0, 0)
    return information + _IMAGE_INFORMATION.pack(_FULL_FRONTAL, data_type, *size) + image.data
