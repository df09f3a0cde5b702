"""Files of real specimens (third-party data beside the project; skipped where it is absent)."""

import json
from pathlib import Path

import pytest

from card_reader.errors import MalformedFileError
from card_reader.lds import com, dg1, dg2, dg7, dg14, dg15
from card_reader.lds.images import Deviation, FaceImage, pixels

VECTORS = Path(__file__).parents[3] / "../shared/vectors"
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="no vectors beside the checkout")
CARDS = {
    "bsi2008": ("EF_COM.bin", "Datagroup1.bin", "Datagroup2.bin", "Datagroup15.bin"),
    "loes2006": ("ef011E.bin", "ef0101.bin", "ef0102.bin", "ef010F.bin"),
}


@pytest.mark.parametrize("card", CARDS)
def test_whole_cards(card: str) -> None:
    expected = json.loads((VECTORS / "card_images/expected.json").read_text())[card]
    files = [(VECTORS / "card_images" / card / name).read_bytes() for name in CARDS[card]]
    assert com.encode(com.parse(files[0])) == files[0]
    zone = dg1.parse(files[1])
    assert dg1.encode(zone) == files[1]
    assert expected["mrz"].encode() in files[1]
    (portrait,) = dg2.parse(files[2])
    assert portrait.deviations <= {Deviation.IMAGE_SIZE, Deviation.IMAGE_DATA_TYPE}
    assert portrait.mime == dg2.JP2
    assert portrait.data in files[2]
    assert dg15.encode(dg15.parse(files[3])) == files[3]


IMAGES = VECTORS / "dg2"
EXPECTED_IMAGES = json.loads((IMAGES / "expected.json").read_text()) if VECTORS.is_dir() else {}
KINDS = {"JPEG": dg2.JPEG, "JPEG 2000 (JP2)": dg2.JP2}


def images_of(raw: bytes) -> tuple[FaceImage, ...]:
    return dg2.parse(raw) if raw[0] == dg2.TAG else dg2.parse_block(raw)[1]


@pytest.mark.parametrize(
    "name", [name for name, told in EXPECTED_IMAGES.items() if told.get("contains_exactly")]
)
def test_portraits_come_out_byte_for_byte(name: str) -> None:
    told = EXPECTED_IMAGES[name]
    (image,) = images_of((IMAGES / name).read_bytes())
    assert image.data == (IMAGES / told["contains_exactly"]).read_bytes()
    assert image.mime == KINDS[told["image"]]
    assert (image.width > 0, image.height > 0) == (True, True)


@pytest.mark.parametrize(
    "name", [name for name, told in EXPECTED_IMAGES.items() if not told["valid"]]
)
def test_a_broken_portrait_is_refused(name: str) -> None:
    with pytest.raises(MalformedFileError):
        images_of((IMAGES / name).read_bytes())


@pytest.mark.parametrize(
    "name", [name for name, told in EXPECTED_IMAGES.items() if told["image_offset"] == 0]
)
def test_whole_images_are_signatures_too(name: str) -> None:
    data = (IMAGES / name).read_bytes()
    mime = KINDS[EXPECTED_IMAGES[name]["image"]]
    (image,) = dg7.parse(dg7.encode((dg7.DisplayedImage(data, mime),)))
    assert (image.data, image.mime) == (data, mime)
    assert pixels(data, mime) is not None


def test_the_specimen_of_39794_takes_its_size_from_the_image() -> None:
    (image,) = dg2.parse((IMAGES / "gmrtd_ICAO_39794_5_AP_DG2_MandFields.dat").read_bytes())
    assert (image.width, image.height) == (0x19D, 0x213)
    assert image.deviations == frozenset()


def test_security_infos() -> None:
    vector = json.loads((VECTORS / "dg14_dg15/dg14.json").read_text())
    infos = dg14.parse(bytes.fromhex(vector["dg14"]))
    assert [info.oid for info in infos] == [text.split()[0] for text in vector["security_infos"]]


def test_active_authentication_key() -> None:
    vector = json.loads((VECTORS / "dg14_dg15/active_authentication_rsa1024.json").read_text())
    raw = bytes.fromhex(vector["dg15"])
    assert dg15.encode(dg15.parse(raw)) == raw
