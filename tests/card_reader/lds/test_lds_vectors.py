"""Files of real specimens (third-party data beside the project; skipped where it is absent)."""

import json
from pathlib import Path

import pytest

from card_reader.errors import MalformedFileError
from card_reader.lds import com, dg1, dg2, dg14, dg15

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
    assert portrait.mime == dg2.JP2
    assert portrait.data in files[2]
    assert dg15.encode(dg15.parse(files[3])) == files[3]


def test_face_records() -> None:
    folder = VECTORS / "dg2"
    (image,) = dg2.parse_record((folder / "gmrtd_ISO19794_Test1_Data.bin").read_bytes())
    assert image.data == (folder / "gmrtd_ISO19794_Test1_Face.jpg").read_bytes()
    assert image.mime == dg2.JPEG
    with pytest.raises(MalformedFileError):
        dg2.parse_record((folder / "gmrtd_ISO19794_Test2_Data_InvalidImage.bin").read_bytes())


def test_security_infos() -> None:
    vector = json.loads((VECTORS / "dg14_dg15/dg14.json").read_text())
    infos = dg14.parse(bytes.fromhex(vector["dg14"]))
    assert [info.oid for info in infos] == [text.split()[0] for text in vector["security_infos"]]


def test_active_authentication_key() -> None:
    vector = json.loads((VECTORS / "dg14_dg15/active_authentication_rsa1024.json").read_text())
    raw = bytes.fromhex(vector["dg15"])
    assert dg15.encode(dg15.parse(raw)) == raw
