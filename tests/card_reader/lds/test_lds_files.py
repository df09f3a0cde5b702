"""EF.COM, DG1, DG2, DG13, DG14, DG15: inverse codecs; hostile bytes give our error."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds import com, dg1, dg2, dg13, dg14, dg15
from card_reader.lds.dg2 import FaceImage
from card_reader.lds.dg13 import CitizenDetails
from card_reader.lds.dg14 import SecurityInfo
from card_reader.lds.mrz import Mrz

JPEG = b"\xff\xd8\xff\xe0picture\xff\xd9"
JP2 = b"\x00\x00\x00\x0cjP  \r\n\x87\nboxes\xff\xd9"
J2K = b"\xff\x4f\xff\x51codestream\xff\xd9"
CITIZEN = CitizenDetails(
    number="001206012345",
    name="Nguyễn Văn An",
    date_of_birth="17/05/2006",
    gender="Nam",
    nationality="Việt Nam",
    ethnicity="Kinh",
    religion="Không",
    place_of_origin="Xã Kim Liên, huyện Nam Đàn, tỉnh Nghệ An",
    residence="Số 12, ngõ 34, phố Hàng Bông, quận Hoàn Kiếm, Hà Nội, nhà có tên dài hơn 127 byte "
    "để độ dài cần hai byte",
    identifying_features="Nốt ruồi cách 1 cm dưới đuôi mắt trái",
    date_of_issue="15/01/2025",
    date_of_expiry="Không thời hạn",
    father="Nguyễn Văn Bình",
    mother="Trần Thị Cúc",
    old_number="187654321",
    chip_number="0A1B2C3D4E5F6071",
)
ZONE = Mrz(
    "ID",
    "VNM",
    "206012345",
    "001206012345",
    date(2006, 5, 17),
    "M",
    date(2031, 5, 17),
    "VNM",
    "NGUYEN",
    "VAN AN",
)
SECURITY_INFOS = (
    SecurityInfo("0.4.0.127.0.7.2.2.2", b"\x02\x01\x01"),
    SecurityInfo("2.23.136.1.1.5", b"\x02\x01\x01", b"\x06\x03\x2a\x03\x04"),
)
PUBLIC_KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
GOOD: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "com": (com.parse, com.encode(com.Com((1, 2, 3, 13, 14, 15)))),
    "dg1": (dg1.parse, dg1.encode(ZONE)),
    "dg2": (dg2.parse, dg2.encode((FaceImage(JPEG, dg2.JPEG, 413, 531),))),
    "dg13": (dg13.parse, dg13.encode(CITIZEN)),
    "dg14": (dg14.parse, dg14.encode(SECURITY_INFOS)),
    "dg15": (dg15.parse, dg15.encode(PUBLIC_KEY)),
}


@pytest.mark.parametrize("name", GOOD)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_our_error(name: str, data: st.DataObject) -> None:
    parse, raw = GOOD[name]
    position = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:position] + data.draw(st.binary(max_size=3)) + raw[position + 1 :]
    with suppress(MalformedFileError):
        parse(damaged)


@pytest.mark.parametrize("name", GOOD)
def test_a_cut_file_is_refused_at_every_byte(name: str) -> None:
    parse, raw = GOOD[name]
    parse(raw)
    for end in range(len(raw)):
        with pytest.raises(MalformedFileError):
            parse(raw[:end])


@pytest.mark.parametrize("name", GOOD)
@given(raw=st.binary(max_size=200))
def test_any_bytes_give_our_error(name: str, raw: bytes) -> None:
    parse, good = GOOD[name]
    for candidate in (raw, tlv.encode(good[0], raw)):
        with suppress(MalformedFileError):
            parse(candidate)


@pytest.mark.parametrize("name", GOOD)
def test_another_files_tag_is_refused(name: str) -> None:
    parse, raw = GOOD[name]
    with pytest.raises(MalformedFileError):
        parse(b"\x77" + raw[1:])


@given(st.lists(st.integers(1, 16), unique=True).map(tuple))
def test_com_comes_back(groups: tuple[int, ...]) -> None:
    assert com.parse(com.encode(com.Com(groups))) == com.Com(groups)


def test_com_with_an_unknown_tag_is_refused() -> None:
    raw = com.encode(com.Com((1, 2)))
    with pytest.raises(MalformedFileError):
        com.parse(raw[:-1] + b"\x71")


def test_dg1_comes_back() -> None:
    assert dg1.parse(dg1.encode(ZONE)) == ZONE


images = st.builds(
    FaceImage,
    st.binary(max_size=60).map(lambda body: b"\xff\xd8\xff" + body + b"\xff\xd9"),
    st.just(dg2.JPEG),
    st.integers(1, 0xFFFF),
    st.integers(1, 0xFFFF),
)


@given(st.lists(images, min_size=1, max_size=4).map(tuple))
def test_portraits_come_back(pictures: tuple[FaceImage, ...]) -> None:
    assert dg2.parse(dg2.encode(pictures)) == pictures


@pytest.mark.parametrize(("data", "mime"), [(JPEG, dg2.JPEG), (JP2, dg2.JP2), (J2K, dg2.J2K)])
@pytest.mark.parametrize("padding", [b"", bytes(7), b"\xff\xff", b"\x00\xff\x00"])
def test_kinds_of_images_and_padding_behind(data: bytes, mime: str, padding: bytes) -> None:
    (image,) = dg2.parse(dg2.encode((FaceImage(data + padding, mime, 10, 20),)))
    assert image == FaceImage(data, mime, 10, 20)


def test_what_is_no_padding_stays() -> None:
    data = JP2 + b"one more box"
    (image,) = dg2.parse(dg2.encode((FaceImage(data, dg2.JP2, 10, 20),)))
    assert image.data == data


def test_feature_points_are_stepped_over() -> None:
    record = bytearray(dg2.encode_record((FaceImage(JPEG, dg2.JPEG, 10, 20),)))
    record[14:18] = (int.from_bytes(record[14:18], "big") + 16).to_bytes(4, "big")
    record[18:20] = (2).to_bytes(2, "big")
    record[34:34] = b"\xff\xd8\xff\xe0fake\x00\x00\x00\x00\x00\x00\x00\x00"
    record[8:12] = len(record).to_bytes(4, "big")
    (image,) = dg2.parse_record(bytes(record))
    assert image.data == JPEG


@pytest.mark.parametrize("count", [0, 17])
def test_a_record_without_or_with_too_many_images_is_refused(count: int) -> None:
    record = bytearray(dg2.encode_record((FaceImage(JPEG, dg2.JPEG, 10, 20),)))
    record[12:14] = count.to_bytes(2, "big")
    with pytest.raises(MalformedFileError):
        dg2.parse_record(bytes(record))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@settings(max_examples=40)
@given(
    st.fixed_dictionaries(
        {
            field.name: texts
            for field in fields(CitizenDetails)
            if field.name not in ("version", "type", "unknown")
        }
    ),
    st.integers(0, 0x7FFF),
    st.dictionaries(st.integers(17, 200), st.just(b"\x05\x00") | st.just(b"\x0c\x02ok")),
)
def test_citizen_details_come_back(
    values: dict[str, str], version: int, unknown: dict[int, bytes]
) -> None:
    details = CitizenDetails(**values, version=version, unknown=tuple(sorted(unknown.items())))
    assert dg13.parse(dg13.encode(details)) == details


def entry(number: int, value: bytes) -> bytes:
    return tlv.encode(0x30, tlv.encode(0x02, bytes([number])) + value)


def dg13_of(*entries: bytes) -> bytes:
    body = b"\x02\x01\x00" + b"\x06\x03\x2a\x03\x04" + tlv.encode(0x31, b"".join(entries))
    return tlv.encode(0x6D, tlv.encode(0x30, body))


def utf8(text: str) -> bytes:
    return tlv.encode(0x0C, text.encode())


def person(name: str) -> bytes:
    return tlv.encode(0x30, utf8(name))


@pytest.mark.parametrize(
    "parents",
    [
        tlv.encode(0x30, person("Bố") + person("Mẹ")),
        person("Bố") + person("Mẹ"),
        tlv.encode(0x30, utf8("Bố") + utf8("Mẹ")),
    ],
)
def test_parents_in_the_shapes_that_readers_know(parents: bytes) -> None:
    details = dg13.parse(dg13_of(entry(1, b"\x13\x03123"), entry(13, parents)))
    assert (details.number, details.father, details.mother) == ("123", "Bố", "Mẹ")


def test_an_empty_spouse_and_an_unknown_number() -> None:
    details = dg13.parse(dg13_of(entry(14, b""), entry(99, b"\x04\x01x")))
    assert details.spouse == ""
    assert details.unknown == ((99, b"\x04\x01x"),)


@pytest.mark.parametrize(
    "raw",
    [
        dg13_of(entry(1, utf8("a")), entry(1, utf8("b"))),  # twice
        dg13_of(entry(2, b"\x04\x01a")),  # no text
        dg13_of(entry(2, b"\x0c\x01\xff")),  # no UTF-8
        dg13_of(entry(1, b"\x13\x02\xc3\xa1")),  # no ASCII
        dg13_of(entry(2, b"\x0c\x81\x01a")),  # BER length
        dg13_of(entry(2, utf8("x" * 2049))),
        dg13_of(tlv.encode(0x30, b"\x02\x02\x00\x01" + utf8("a"))),  # number with a leading zero
        dg13_of(b"\x30\x00"),
        dg13_of(*(entry(n, utf8("a")) for n in range(20, 85))),
        dg13_of(entry(13, person("only one"))),
    ],
)
def test_a_wrong_dg13_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedFileError):
        dg13.parse(raw)


oids = st.tuples(st.integers(0, 39), st.lists(st.integers(0, 1 << 20), min_size=1, max_size=6)).map(
    lambda parts: ".".join(map(str, (2, parts[0], *parts[1])))
)
values = st.integers(0, 127).map(lambda n: bytes([0x02, 0x01, n])) | st.binary(max_size=200).map(
    lambda data: tlv.encode(0x04, data)
)


@given(st.lists(st.builds(SecurityInfo, oids, values, st.none() | values), max_size=6))
def test_security_infos_come_back(infos: list[SecurityInfo]) -> None:
    back = dg14.parse(dg14.encode(tuple(infos)))
    key = lambda info: (info.oid, info.required, info.optional or b"")  # noqa: E731
    assert sorted(back, key=key) == sorted(infos, key=key)


def test_too_many_security_infos_are_refused() -> None:
    with pytest.raises(MalformedFileError):
        dg14.parse(dg14.encode(SECURITY_INFOS * 40))


def test_public_keys_come_back() -> None:
    key = rsa.generate_private_key(65537, 1024).public_key()
    for der in (PUBLIC_KEY, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)):
        assert dg15.parse(dg15.encode(der)) == der


def test_a_private_key_is_no_public_key() -> None:
    with pytest.raises(MalformedFileError):
        dg15.encode(b"\x30\x03\x02\x01\x00")
