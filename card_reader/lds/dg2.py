"""EF.DG2: the holder's portraits (ICAO 9303-10 §4.7.2), in either format that the world uses.

Biometric templates (ISO/IEC 7816-11) hold a record of ISO/IEC 19794-5 or, since 2020, a block of
ISO/IEC 39794-5.  Which one it is, the block's own first bytes say; the template's header is
compared with them, and a difference is a deviation of the image, no reason to lose it.
"""

from dataclasses import replace
from enum import StrEnum

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds import face_19794, face_39794
from card_reader.lds.images import J2K, JP2, JPEG, Deviation, FaceImage, kind_of
from card_reader.tlv import Tlv

__all__ = [
    "J2K",
    "JP2",
    "JPEG",
    "Deviation",
    "FaceFormat",
    "FaceImage",
    "encode",
    "kind_of",
    "parse",
    "parse_block",
]

TAG = 0x75
_GROUP, _INSTANCES, _TEMPLATE = 0x7F61, 0x02, 0x7F60
_HEADER, _PLAIN_BLOCK, _CONSTRUCTED_BLOCK = 0xA1, 0x5F2E, 0x7F2E
_WRAPPED = 0xA1  # inside 7F2E: the standardised block (ISO/IEC 7816-11 table 3)
_PATRON_VERSION, _TYPE, _FORMAT_OWNER, _FORMAT_TYPE = 0x80, 0x81, 0x87, 0x88
_OWNER = b"\x01\x01"  # ISO/IEC JTC 1/SC 37
_FACIAL_FEATURES = 2
MAX_TEMPLATES = 9  # ICAO 9303-10 table 41


class FaceFormat(StrEnum):
    """The standard of a biometric block."""

    ISO_19794_5 = "19794-5"
    ISO_39794_5 = "39794-5"


_FORMAT_TYPES = {FaceFormat.ISO_19794_5: b"\x00\x08", FaceFormat.ISO_39794_5: b"\x00\x2a"}


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
    return tuple(image for template in templates for image in _images(template))


def encode(
    images: tuple[FaceImage, ...], face_format: FaceFormat = FaceFormat.ISO_19794_5
) -> bytes:
    """An EF.DG2: one record with all images (19794-5), or one template for each (39794-5)."""
    if face_format is FaceFormat.ISO_19794_5:
        blocks = [tlv.encode(_PLAIN_BLOCK, face_19794.encode(images))]
    else:
        blocks = [
            tlv.encode(_CONSTRUCTED_BLOCK, tlv.encode(_WRAPPED, face_39794.encode(image)))
            for image in images
        ]
    if not 1 <= len(blocks) <= MAX_TEMPLATES:
        raise MalformedFileError(f"EF.DG2 holds 1 to {MAX_TEMPLATES} templates")
    header = tlv.encode(_HEADER, _header_fields(face_format))
    templates = b"".join(tlv.encode(_TEMPLATE, header + block) for block in blocks)
    count = tlv.encode(_INSTANCES, bytes([len(blocks)]))
    return tlv.encode(TAG, tlv.encode(_GROUP, count + templates))


def parse_block(raw: bytes) -> tuple[FaceFormat, tuple[FaceImage, ...]]:
    """One biometric block: a record `FAC`, or 39794-5 with or without 7F2E and A1 around it."""
    if raw.startswith(face_19794.FORMAT):
        return FaceFormat.ISO_19794_5, face_19794.parse(raw)
    block = tlv.parse(raw)
    if block.tag == _CONSTRUCTED_BLOCK:
        block = tlv.parse(block.value)
    if block.tag == _WRAPPED:
        block = tlv.parse(block.value)
    return FaceFormat.ISO_39794_5, face_39794.parse(block.raw)


def _images(template: Tlv) -> tuple[FaceImage, ...]:
    parts = template.children()
    blocks = [part for part in parts if part.tag != _HEADER]
    if len(blocks) != 1 or blocks[0].tag not in (_PLAIN_BLOCK, _CONSTRUCTED_BLOCK):
        raise MalformedFileError("EF.DG2 has a template without one biometric block")
    face_format, images = parse_block(blocks[0].value)
    found = _odd_header(parts, face_format)
    return tuple(replace(image, deviations=image.deviations | found) for image in images)


def _odd_header(parts: tuple[Tlv, ...], face_format: FaceFormat) -> set[Deviation]:
    """Owner and type of the format are mandatory (ICAO 9303-10 table 42)."""
    headers = [part for part in parts if part.tag == _HEADER]
    fields = {item.tag: item.value for header in headers for item in header.children()}
    kind = fields.get(_TYPE)
    checks = {
        Deviation.FORMAT_OWNER: fields.get(_FORMAT_OWNER) == _OWNER,
        Deviation.FORMAT_TYPE: fields.get(_FORMAT_TYPE) == _FORMAT_TYPES[face_format],
        Deviation.BIOMETRIC_TYPE: kind is None or int.from_bytes(kind, "big") == _FACIAL_FEATURES,
    }
    return {deviation for deviation, right in checks.items() if not right}


def _header_fields(face_format: FaceFormat) -> bytes:
    """Version of the header, facial features, owner and type of the format (ISO/IEC 19785-3)."""
    return (
        tlv.encode(_PATRON_VERSION, _OWNER)
        + tlv.encode(_TYPE, bytes([_FACIAL_FEATURES]))
        + tlv.encode(_FORMAT_OWNER, _OWNER)
        + tlv.encode(_FORMAT_TYPE, _FORMAT_TYPES[face_format])
    )
