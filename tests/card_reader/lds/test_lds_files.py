"""Every file: hostile bytes give our error; EF.COM, DG1, DG14 and DG15 are inverse codecs."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds import (
    APPLICATION_ID,
    FILES_BY_TAG,
    MASTER_FILE_EFS,
    atr_info,
    com,
    dg1,
    dg2,
    dg7,
    dg11,
    dg12,
    dg13,
    dg14,
    dg15,
    directory,
)
from card_reader.lds.dg2 import FaceFormat, FaceImage
from card_reader.lds.dg13 import CitizenDetails
from card_reader.lds.mrz import Mrz
from card_reader.lds.security_infos import SecurityInfo

pytestmark = pytest.mark.slow

JPEG = b"\xff\xd8\xff\xe0picture\xff\xd9"
FACE = FaceImage(JPEG, dg2.JPEG, 413, 531)
PERSON = dg11.PersonalDetails(
    name="NGUYỄN<<VĂN<AN", other_names=("AN<<NGUYỄN",), place_of_birth=("Vinh", "Nghệ An")
)
DOCUMENT = dg12.DocumentDetails(issuing_authority="Cục QLXNC", date_of_issue=date(2025, 1, 15))
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
    "dg2": (dg2.parse, dg2.encode((FACE,))),
    "dg2 of 39794-5": (dg2.parse, dg2.encode((FACE, FACE), FaceFormat.ISO_39794_5)),
    "dg7": (dg7.parse, dg7.encode((dg7.DisplayedImage(JPEG, dg2.JPEG),))),
    "dg11": (dg11.parse, dg11.encode(PERSON)),
    "dg12": (dg12.parse, dg12.encode(DOCUMENT)),
    "dg13": (dg13.parse, dg13.encode(CITIZEN)),
    "dg14": (dg14.parse, dg14.encode(SECURITY_INFOS)),
    "dg15": (dg15.parse, dg15.encode(PUBLIC_KEY)),
    "atr info": (atr_info.parse, atr_info.encode(atr_info.AtrInfo(True, True, True, 900, 2000))),
    "dir": (directory.parse, directory.encode((directory.Application(APPLICATION_ID, "eMRTD"),))),
}
DATA_GROUPS = [name for name in GOOD if name.startswith(("com", "dg"))]


@pytest.mark.parametrize("name", GOOD)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_our_error(name: str, data: st.DataObject) -> None:
    parse, raw = GOOD[name]
    position = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:position] + data.draw(st.binary(max_size=3)) + raw[position + 1 :]
    with suppress(MalformedFileError):
        parse(damaged)


@pytest.mark.parametrize("name", DATA_GROUPS)
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


@pytest.mark.parametrize("name", DATA_GROUPS)
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


def test_files_of_the_master_file_are_not_known_by_their_tag() -> None:
    found = {file.name: (file.file_id, file.short_id) for file in MASTER_FILE_EFS}
    assert found == {
        "EF.CardAccess": (0x011C, 0x1C),
        "EF.CardSecurity": (0x011D, 0x1D),
        "EF.ATR/INFO": (0x2F01, 0x01),
        "EF.DIR": (0x2F00, 0x1E),
    }
    assert FILES_BY_TAG[0x61].name == "EF.DG1"
    assert not set(found) & {file.name for file in FILES_BY_TAG.values()}


@pytest.mark.parametrize("name", GOOD)
def test_a_hundred_thousand_objects_are_refused_at_once(name: str) -> None:
    parse, raw = GOOD[name]
    many = b"\x61\x00" * 100_000
    with pytest.raises(MalformedFileError):
        parse(tlv.encode(raw[0], many) if name in DATA_GROUPS else many)


@pytest.mark.parametrize("name", DATA_GROUPS)
def test_deep_nesting_is_refused_at_once(name: str) -> None:
    parse, raw = GOOD[name]
    nested = b""
    for _ in range(5000):
        nested = tlv.encode(0x30, nested)
    with pytest.raises(MalformedFileError):
        parse(tlv.encode(raw[0], nested))


def test_dg1_comes_back() -> None:
    assert dg1.parse(dg1.encode(ZONE)) == ZONE


oids = st.tuples(st.integers(0, 39), st.lists(st.integers(0, 1 << 20), min_size=1, max_size=6)).map(
    lambda parts: ".".join(map(str, (2, parts[0], *parts[1])))
)
values = st.integers(0, 127).map(lambda n: bytes([0x02, 0x01, n])) | st.binary(max_size=200).map(
    lambda data: tlv.encode(0x04, data)
)


@given(st.lists(st.builds(SecurityInfo, oids, values, st.none() | values), max_size=6))
def test_security_infos_come_back(infos: list[SecurityInfo]) -> None:
    back = dg14.parse(dg14.encode(tuple(infos)))
    key = lambda info: (info.oid, info.required, info.optional or b"")  # noqa: E731 - used in two sorts
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
