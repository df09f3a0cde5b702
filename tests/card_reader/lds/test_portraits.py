"""EF.DG2 in both formats, EF.DG7, and the images inside them."""

import struct
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from card_reader import tlv
from card_reader.errors import CardReason, MalformedFileError
from card_reader.lds import dg2, dg7, face_19794, face_39794, images
from card_reader.lds.dg2 import Deviation, FaceFormat, FaceImage

SIZE = (24, 32)


def picture(kind: str) -> bytes:
    out = BytesIO()
    image = Image.new("RGB", SIZE, (200, 150, 120))
    if kind == dg2.JPEG:
        image.save(out, "JPEG")
    else:
        image.save(out, "JPEG2000", no_jp2=kind == dg2.J2K)
    return out.getvalue()


PICTURES = {kind: picture(kind) for kind in (dg2.JPEG, dg2.JP2, dg2.J2K)}
JPEG = PICTURES[dg2.JPEG]
FACE = FaceImage(JPEG, dg2.JPEG, *SIZE)


def frame(width: int, height: int, body: bytes) -> bytes:
    """A JPEG up to its frame header, with anything behind."""
    header = struct.pack(">BHHB", 8, height, width, 0)
    return b"\xff\xd8\xff\xc0\x00\x08" + header + body + b"\xff\xd9"


faces = st.builds(
    lambda width, height, body: FaceImage(frame(width, height, body), dg2.JPEG, width, height),
    st.integers(1, 0xFFFF),
    st.integers(1, 0xFFFF),
    st.binary(max_size=40),
)


@pytest.mark.parametrize("face_format", FaceFormat)
@given(pictures=st.lists(faces, min_size=1, max_size=9).map(tuple))
def test_portraits_come_back(face_format: FaceFormat, pictures: tuple[FaceImage, ...]) -> None:
    assert dg2.parse(dg2.encode(pictures, face_format)) == pictures


@pytest.mark.parametrize("face_format", FaceFormat)
@pytest.mark.parametrize("mime", PICTURES)
@pytest.mark.parametrize("padding", [b"", bytes(7), b"\xff\xff", b"\x00\xff\x00"])
def test_kinds_of_images_and_padding_behind(
    face_format: FaceFormat, mime: str, padding: bytes
) -> None:
    data = PICTURES[mime]
    (image,) = dg2.parse(dg2.encode((FaceImage(data + padding, mime, *SIZE),), face_format))
    assert image == FaceImage(data, mime, *SIZE)
    assert images.pixels(data, mime) == SIZE


def test_what_is_no_padding_stays() -> None:
    data = PICTURES[dg2.JP2] + b"one more box"
    (image,) = dg2.parse(dg2.encode((FaceImage(data, dg2.JP2, *SIZE),)))
    assert image.data == data


def test_several_templates_of_19794() -> None:
    one = tlv.find(tlv.parse(dg2.encode((FACE,))).children(), 0x7F61).children()[1].raw
    raw = tlv.encode(0x75, tlv.encode(0x7F61, b"\x02\x01\x03" + one * 3))
    assert dg2.parse(raw) == (FACE,) * 3
    with pytest.raises(MalformedFileError):
        dg2.parse(tlv.encode(0x75, tlv.encode(0x7F61, b"\x02\x01\x02" + one * 3)))
    with pytest.raises(MalformedFileError):
        dg2.parse(tlv.encode(0x75, tlv.encode(0x7F61, b"\x02\x01\x0a" + one * 10)))


def test_blocks_are_known_by_their_own_bytes() -> None:
    block = face_39794.encode(FACE)
    for raw in (block, tlv.encode(0xA1, block), tlv.encode(0x7F2E, tlv.encode(0xA1, block))):
        assert dg2.parse_block(raw) == (FaceFormat.ISO_39794_5, (FACE,))
    assert dg2.parse_block(face_19794.encode((FACE,)))[0] is FaceFormat.ISO_19794_5


def test_feature_points_are_stepped_over() -> None:
    record = bytearray(face_19794.encode((FACE,)))
    record[14:18] = (int.from_bytes(record[14:18], "big") + 16).to_bytes(4, "big")
    record[18:20] = (2).to_bytes(2, "big")
    record[34:34] = b"\xff\xd8\xff\xe0fake\x00\x00\x00\x00\x00\x00\x00\x00"
    record[8:12] = len(record).to_bytes(4, "big")
    assert face_19794.parse(bytes(record)) == (FACE,)


@pytest.mark.parametrize("count", [0, 17])
def test_a_record_without_or_with_too_many_images_is_refused(count: int) -> None:
    record = bytearray(face_19794.encode((FACE,)))
    record[12:14] = count.to_bytes(2, "big")
    with pytest.raises(MalformedFileError):
        face_19794.parse(bytes(record))


@pytest.mark.parametrize(
    ("position", "value", "deviation"),
    [
        (20, 3, Deviation.GENDER),
        (21, 99, Deviation.EYE_COLOUR),
        (22, 99, Deviation.HAIR_COLOUR),
        (28, 182, Deviation.POSE_ANGLE),
        (29, 255, Deviation.POSE_ANGLE),
        (33, 200, Deviation.POSE_ANGLE_UNCERTAINTY),
        (34, 9, Deviation.FACE_IMAGE_TYPE),
        (35, 1, Deviation.IMAGE_DATA_TYPE),
        (37, 25, Deviation.IMAGE_SIZE),
    ],
)
def test_a_wrong_description_costs_nobody_the_portrait(
    position: int, value: int, deviation: Deviation
) -> None:
    record = bytearray(face_19794.encode((FACE,)))
    record[position] = value
    (image,) = face_19794.parse(bytes(record))
    assert image.data == JPEG
    assert image.deviations == {deviation}


@pytest.mark.parametrize(
    ("old", "new", "deviation"),
    [
        ("87020101", "87020202", Deviation.FORMAT_OWNER),
        ("87020101", "89020101", Deviation.FORMAT_OWNER),
        ("88020008", "88020009", Deviation.FORMAT_TYPE),
        ("88020008", "8902002a", Deviation.FORMAT_TYPE),
        ("810102", "810108", Deviation.BIOMETRIC_TYPE),
    ],
)
def test_a_wrong_header_of_the_template(old: str, new: str, deviation: Deviation) -> None:
    raw = dg2.encode((FACE,)).replace(bytes.fromhex(old), bytes.fromhex(new))
    (image,) = dg2.parse(raw)
    assert image.data == JPEG
    assert image.deviations == {deviation}


def test_bytes_behind_the_record_are_a_deviation() -> None:
    (image,) = face_19794.parse(face_19794.encode((FACE,)) + bytes(3))
    assert image == FaceImage(JPEG, dg2.JPEG, *SIZE, frozenset({Deviation.BYTES_BEHIND}))


def test_a_record_without_a_size_takes_the_images_own() -> None:
    record = bytearray(face_19794.encode((FACE,)))
    record[36:40] = bytes(4)
    (image,) = face_19794.parse(bytes(record))
    assert (image.width, image.height) == SIZE
    assert image.deviations == {Deviation.IMAGE_SIZE}


def without_size(block: bytes) -> bytes:
    """The 39794-5 block again, its optional size left away and its lengths mended."""

    def rebuilt(item: tlv.Tlv) -> bytes:
        if item.tag == 0xA7:
            return b""
        inside = item.children() if item.constructed else ()
        return tlv.encode(item.tag, b"".join(map(rebuilt, inside)) if inside else item.value)

    return rebuilt(tlv.parse(block))


def test_39794_may_leave_the_size_open() -> None:
    assert face_39794.parse(without_size(face_39794.encode(FACE))) == (FACE,)


def test_fields_of_39794_that_nobody_needs_are_stepped_over() -> None:
    block = face_39794.encode(FACE)
    fields = tlv.find(tlv.parse(block).children(), 0xA1).children()[0]
    more = tlv.encode(0x30, fields.value + tlv.encode(0xA2, b"\x80\x02\x07\xea") + b"\x9f\x7f\x00")
    version = tlv.find(tlv.parse(block).children(), 0xA0).raw
    assert face_39794.parse(tlv.encode(0x65, version + tlv.encode(0xA1, more))) == (FACE,)


def test_another_generation_of_39794_is_a_deviation() -> None:
    block = face_39794.encode(FACE).replace(
        b"\x80\x01\x03\x81\x02\x07\xe3", b"\x80\x01\x02\x81\x02\x07\xe3"
    )
    assert face_39794.parse(block)[0].deviations == {Deviation.VERSION}


def zero_sized(kind: str) -> bytes:
    data = bytearray(PICTURES[kind])
    if kind == dg2.JPEG:
        position = data.index(b"\xff\xc0") + 5
        data[position : position + 2] = bytes(2)
    elif kind == dg2.JP2:
        position = data.index(b"ihdr") + 4
        data[position : position + 4] = bytes(4)
    else:
        data[8:12] = bytes(4)
    return bytes(data)


@pytest.mark.parametrize("face_format", FaceFormat)
@pytest.mark.parametrize("kind", PICTURES)
def test_an_image_of_size_0_is_refused(face_format: FaceFormat, kind: str) -> None:
    raw = dg2.encode((FaceImage(zero_sized(kind), kind, *SIZE),), face_format)
    with pytest.raises(MalformedFileError, match="no pixels"):
        dg2.parse(raw)


@pytest.mark.parametrize("face_format", FaceFormat)
@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xfe\xe0broken"])
def test_what_is_no_image_is_refused(face_format: FaceFormat, data: bytes) -> None:
    with pytest.raises(MalformedFileError):
        dg2.parse(dg2.encode((FaceImage(data, dg2.JPEG, *SIZE),), face_format))


@pytest.mark.parametrize("face_format", FaceFormat)
def test_a_portrait_too_large_is_neither_written_nor_read(face_format: FaceFormat) -> None:
    large = FaceImage(JPEG + bytes(images.MAX_IMAGE_BYTES), dg2.JPEG, *SIZE)
    with pytest.raises(MalformedFileError) as caught:
        dg2.encode((large,), face_format)
    assert caught.value.reason is CardReason.TOO_LARGE
    with pytest.raises(MalformedFileError) as caught:
        images.checked(large.data)
    assert caught.value.reason is CardReason.TOO_LARGE


@pytest.mark.parametrize("face_format", FaceFormat)
@pytest.mark.parametrize("size", [(0, 1), (1, 0), (0x10000, 1), (1, -1)])
def test_a_size_that_no_record_can_state(face_format: FaceFormat, size: tuple[int, int]) -> None:
    with pytest.raises(MalformedFileError):
        dg2.encode((FaceImage(JPEG, dg2.JPEG, *size),), face_format)


@pytest.mark.parametrize("face_format", FaceFormat)
def test_no_portrait_is_no_file(face_format: FaceFormat) -> None:
    with pytest.raises(MalformedFileError):
        dg2.encode((), face_format)


@given(st.sampled_from(list(PICTURES)), st.integers(0, 400), st.binary(max_size=3))
def test_a_damaged_image_has_a_size_or_none(kind: str, position: int, put: bytes) -> None:
    data = PICTURES[kind]
    damaged = data[:4] + (data[4:position] + put + data[position + 1 :])
    size = images.pixels(damaged, kind)
    assert size is None or min(size) >= 0


signatures = st.lists(
    st.sampled_from(list(PICTURES.items())).map(lambda item: dg7.DisplayedImage(item[1], item[0])),
    min_size=1,
    max_size=9,
).map(tuple)


@given(signatures)
def test_signatures_come_back(pictures: tuple[dg7.DisplayedImage, ...]) -> None:
    assert dg7.parse(dg7.encode(pictures)) == pictures


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"\x02\x01\x02" + body[3:],
        lambda body: b"\x02\x01\x00",
        lambda body: body[3:],
        lambda body: b"\x02\x01\x01" + tlv.encode(0x5F43, b"no picture"),
    ],
)
def test_a_wrong_dg7_is_refused(change: Callable[[bytes], bytes]) -> None:
    body = tlv.parse(dg7.encode((dg7.DisplayedImage(JPEG, dg2.JPEG),))).value
    with pytest.raises(MalformedFileError):
        dg7.parse(tlv.encode(0x67, change(body)))


def test_every_deviation_is_explained() -> None:
    assert all(deviation.explanation.endswith(".") for deviation in Deviation)
