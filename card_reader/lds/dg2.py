"""EF.DG2: the holder's portrait (ICAO 9303-10 §4.7.2, ISO/IEC 19794-5:2005 §5).

Images are found by walking the record's length fields, never by searching for their first bytes.
"""

import struct
from dataclasses import dataclass

from card_reader import tlv
from card_reader.errors import CardReason, MalformedFileError

TAG = 0x75
_GROUP, _INSTANCES, _TEMPLATE = 0x7F61, 0x02, 0x7F60
_HEADER, _PLAIN_BLOCK, _CONSTRUCTED_BLOCK = 0xA1, 0x5F2E, 0x7F2E
MAX_TEMPLATES = 9  # ICAO 9303-10 table 41
MAX_IMAGES = 16
MAX_IMAGE_BYTES = 1024 * 1024

JPEG, JP2, J2K = "image/jpeg", "image/jp2", "image/j2c"
_MAGIC = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", JP2),
    (b"\xff\x4f\xff\x51", J2K),  # a codestream without the JP2 boxes
)
_END_OF_IMAGE = b"\xff\xd9"  # EOI of JPEG, EOC of JPEG 2000

# ISO/IEC 19794-5:2005 §5.4 to §5.7, all big-endian.
_RECORD_HEADER = struct.Struct(">4s4sIH")
_FACE_INFORMATION = struct.Struct(">IH14s")
_FEATURE_POINT_BYTES = 8
_IMAGE_INFORMATION = struct.Struct(">BBHHBBHH")
_FORMAT, _VERSION = b"FAC\x00", b"010\x00"


@dataclass(frozen=True, slots=True)
class FaceImage:
    """One portrait: the image file's bytes, its kind, and pixels as the record states them."""

    data: bytes
    mime: str
    width: int
    height: int


def parse(raw: bytes) -> tuple[FaceImage, ...]:
    """The portraits of an EF.DG2, in the file's order; at least one."""
    outer = tlv.parse(raw)
    if outer.tag != TAG:
        raise MalformedFileError(f"EF.DG2 starts with tag {outer.tag:X}, not 75")
    parts = tlv.find(outer.children(), _GROUP).children()
    templates = [part for part in parts if part.tag == _TEMPLATE]
    stated = tlv.find(parts, _INSTANCES).value
    if not 1 <= len(templates) <= MAX_TEMPLATES or stated != bytes([len(templates)]):
        raise MalformedFileError("EF.DG2 states another number of portraits than it holds")
    return tuple(image for template in templates for image in parse_record(_block(template)))


def parse_record(record: bytes) -> tuple[FaceImage, ...]:
    """The images of one facial record (`FAC`) of ISO/IEC 19794-5."""
    if len(record) < _RECORD_HEADER.size:
        raise MalformedFileError("the facial record is cut off")
    name, version, length, count = _RECORD_HEADER.unpack_from(record)
    if name != _FORMAT or version != _VERSION:
        raise MalformedFileError("the facial record is not of ISO/IEC 19794-5:2005")
    if length > len(record) or not 1 <= count <= MAX_IMAGES:
        raise MalformedFileError("the facial record's length or number of images is wrong")
    images: list[FaceImage] = []
    position = _RECORD_HEADER.size
    for _ in range(count):
        image, position = _face(record[:length], position)
        images.append(image)
    return tuple(images)


def encode(images: tuple[FaceImage, ...]) -> bytes:
    """An EF.DG2 with one biometric template that holds all the images."""
    header = (  # ISO/IEC 19785-3: version, facial features, format owner and type
        tlv.encode(0x80, b"\x01\x01")
        + tlv.encode(0x81, b"\x02")
        + tlv.encode(0x87, b"\x01\x01")
        + tlv.encode(0x88, b"\x00\x08")
    )
    record = tlv.encode(_PLAIN_BLOCK, encode_record(images))
    template = tlv.encode(_TEMPLATE, tlv.encode(_HEADER, header) + record)
    return tlv.encode(TAG, tlv.encode(_GROUP, tlv.encode(_INSTANCES, b"\x01") + template))


def encode_record(images: tuple[FaceImage, ...]) -> bytes:
    if not 1 <= len(images) <= MAX_IMAGES:
        raise MalformedFileError(f"a facial record holds 1 to {MAX_IMAGES} images")
    faces = b"".join(_encode_face(image) for image in images)
    length = _RECORD_HEADER.size + len(faces)
    return _RECORD_HEADER.pack(_FORMAT, _VERSION, length, len(images)) + faces


def kind_of(data: bytes) -> str:
    """The MIME type by the first bytes; what is no known image is an error."""
    for magic, mime in _MAGIC:
        if data.startswith(magic):
            return mime
    raise MalformedFileError("the portrait is neither JPEG nor JPEG 2000")


def _block(template: tlv.Tlv) -> bytes:
    blocks = [part for part in template.children() if part.tag != _HEADER]
    if len(blocks) != 1 or blocks[0].tag not in (_PLAIN_BLOCK, _CONSTRUCTED_BLOCK):
        raise MalformedFileError("EF.DG2 has a template without one biometric block")
    return blocks[0].value


def _face(record: bytes, start: int) -> tuple[FaceImage, int]:
    """One facial record data block from `start`, and where the next one begins."""
    if start + _FACE_INFORMATION.size > len(record):
        raise MalformedFileError("a facial image's block is cut off")
    length, points, _ = _FACE_INFORMATION.unpack_from(record, start)
    end = start + length
    head = start + _FACE_INFORMATION.size + points * _FEATURE_POINT_BYTES
    body = head + _IMAGE_INFORMATION.size
    if end > len(record) or body >= end:
        raise MalformedFileError("a facial image's block has a wrong length")
    if end - body > MAX_IMAGE_BYTES:
        raise MalformedFileError("the portrait is larger than 1 MiB", CardReason.TOO_LARGE)
    _, _, width, height, *_ = _IMAGE_INFORMATION.unpack_from(record, head)
    data = _without_padding(record[body:end])
    return FaceImage(data, kind_of(data), width, height), end


def _without_padding(data: bytes) -> bytes:
    """Some issuers fill the block with 00 or FF behind the image; anything else stays."""
    end = data.rfind(_END_OF_IMAGE) + len(_END_OF_IMAGE)
    return data[:end] if end >= len(_END_OF_IMAGE) and not data[end:].strip(b"\x00\xff") else data


def _encode_face(image: FaceImage) -> bytes:
    if len(image.data) > MAX_IMAGE_BYTES:
        raise MalformedFileError("the portrait is larger than 1 MiB", CardReason.TOO_LARGE)
    if not (0 < image.width <= 0xFFFF and 0 < image.height <= 0xFFFF):
        raise MalformedFileError("the portrait's width and height are 1 to 65535 pixels")
    data_type = 0 if image.mime == JPEG else 1
    length = _FACE_INFORMATION.size + _IMAGE_INFORMATION.size + len(image.data)
    information = _FACE_INFORMATION.pack(length, 0, bytes(14))
    # Full frontal image, sRGB; source, device and quality not specified.
    size = _IMAGE_INFORMATION.pack(1, data_type, image.width, image.height, 1, 0, 0, 0)
    return information + size + image.data
