"""The face image data block of ISO/IEC 39794-5:2019, in the profile of ICAO's schema.

    FaceImageDataBlock ::= [APPLICATION 5] SEQUENCE { versionBlock [0], representationBlocks [1] }
    RepresentationBlock ::= SEQUENCE { representationId [0], imageRepresentation [1] CHOICE {
        base [0] CHOICE { imageRepresentation2DBlock [0] SEQUENCE {
            representationData2D [0] OCTET STRING, imageInformation2DBlock [1], ... } } }, ... }

Tags are implicit; a CHOICE keeps its own tag inside.  Fields that are not named here (quality,
landmarks, metadata, later additions) are stepped over.
"""

from asn1crypto import core

from card_reader import tlv
from card_reader.errors import CardReason, MalformedFileError
from card_reader.lds.images import (
    J2K,
    JP2,
    JPEG,
    MAX_IMAGE_BYTES,
    Deviation,
    FaceImage,
    kind_of,
    portrait,
)
from card_reader.tlv import Tlv

TAG = 0x65  # [APPLICATION 5]
MAX_REPRESENTATIONS = 16
_SEQUENCE = 0x30
_P0, _P1 = 0x80, 0x81  # context tags of simple fields
_C0, _C1, _C7 = 0xA0, 0xA1, 0xA7  # of constructed ones
_GENERATION, _YEAR = 3, 2019
# ImageDataFormatCode; lossy JPEG 2000 is what documents hold.
_CODES = {JPEG: 2, JP2: 3, J2K: 3}
_MIMES = {2: {JPEG}, 3: {JP2, J2K}, 4: {JP2, J2K}}
_MAX_SIZE = 0xFFFF


def parse(raw: bytes) -> tuple[FaceImage, ...]:
    """The images of one block (from tag 65 on), in its order; at least one."""
    outer = tlv.parse(raw)
    if outer.tag != TAG:
        raise MalformedFileError("the face image block is not of ISO/IEC 39794-5")
    fields = outer.children()
    found = _version(tlv.find(fields, _C0))
    blocks = tlv.find(fields, _C1).children()
    if not 1 <= len(blocks) <= MAX_REPRESENTATIONS or any(b.tag != _SEQUENCE for b in blocks):
        raise MalformedFileError("the face image block holds no, or too many, representations")
    return tuple(_representation(block, found) for block in blocks)


def encode(image: FaceImage) -> bytes:
    """One block with one representation, as ICAO's profile asks; size and kind stated."""
    if len(image.data) > MAX_IMAGE_BYTES:
        raise MalformedFileError("the portrait is larger than 1 MiB", CardReason.TOO_LARGE)
    if not (0 < image.width <= _MAX_SIZE and 0 < image.height <= _MAX_SIZE):
        raise MalformedFileError("the portrait's width and height are 1 to 65535 pixels")
    size = _integer(_P0, image.width) + _integer(_P1, image.height)
    information = tlv.encode(_C0, _integer(_P0, _CODES[image.mime])) + tlv.encode(_C7, size)
    block = tlv.encode(_P0, image.data) + tlv.encode(_C1, information)
    representation = tlv.encode(_C0, tlv.encode(_C0, block))
    fields = _integer(_P0, 0) + tlv.encode(_C1, representation)
    version = tlv.encode(_C0, _integer(_P0, _GENERATION) + _integer(_P1, _YEAR))
    return tlv.encode(TAG, version + tlv.encode(_C1, tlv.encode(_SEQUENCE, fields)))


def _version(block: Tlv) -> frozenset[Deviation]:
    parts = block.children()
    generation, year = (_number(tlv.find(parts, tag)) for tag in (_P0, _P1))
    if generation == _GENERATION and year >= _YEAR:
        return frozenset()
    return frozenset((Deviation.VERSION,))


def _representation(block: Tlv, found: frozenset[Deviation]) -> FaceImage:
    chosen = _only(tlv.find(block.children(), _C1))
    base = _only(chosen) if chosen.tag == _C0 else chosen
    if chosen.tag != _C0 or base.tag != _C0:
        raise MalformedFileError("the face image block holds no flat picture")
    fields = base.children()
    data = tlv.find(fields, _P0).value
    information = tlv.find(fields, _C1).children()
    if _MIMES.get(_format(information), set()).isdisjoint({kind_of(data)}):
        found = found | {Deviation.IMAGE_DATA_TYPE}
    return portrait(data, _size(information), found)


def _format(information: tuple[Tlv, ...]) -> int:
    choice = _only(tlv.find(information, _C0))
    return _number(choice) if choice.tag == _P0 else -1  # -1: a code of a later edition


def _size(information: tuple[Tlv, ...]) -> tuple[int, int] | None:
    if not any(field.tag == _C7 for field in information):
        return None
    parts = tlv.find(information, _C7).children()
    return _number(tlv.find(parts, _P0)), _number(tlv.find(parts, _P1))


def _only(item: Tlv) -> Tlv:
    """What a CHOICE has chosen."""
    children = item.children()
    if len(children) != 1:
        raise MalformedFileError(f"a choice in the face image block has {len(children)} values")
    return children[0]


def _number(item: Tlv) -> int:
    if not 1 <= len(item.value) <= 3 or item.value[0] & 0x80:
        raise MalformedFileError("the face image block has a number that is out of range")
    return int.from_bytes(item.value, "big")


def _integer(tag: int, value: int) -> bytes:
    return tlv.encode(tag, bytes(core.Integer(value).contents))
