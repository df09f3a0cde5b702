"""Issuer, cards as data, SOD: checked with the libraries, not with the reader."""

import hashlib
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from card_reader import tlv
from card_reader.errors import CardError, UnreadableInputError
from card_reader.lds import com, dg1, dg2, dg13
from card_reader.simulator import defects
from card_reader.simulator.issuer import KEYS_FILE, Issuer, KeyKind
from card_reader.simulator.personalisation import Holder, expiry
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.simulator.quirks import Quirks
from card_reader.simulator.recipe import (
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    PaceRecipe,
    Recipe,
)
from card_reader.simulator.security_object import build
from card_reader.simulator.signature_schemes import default_algorithm
from card_reader.simulator.signing_keys import private_key_der

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def test_the_chain_is_sound(issuer: Issuer) -> None:
    root = issuer.csca.certificate
    root.verify_directly_issued_by(root)
    for signer in (issuer.signer, issuer.revoked):
        signer.certificate.verify_directly_issued_by(root)
    assert root.subject.rfc4514_string() == "CN=CSCA TEST,O=Trường Thi TEST,C=VN"
    assert issuer.crl.is_signature_valid(root.public_key())
    listed = [entry.serial_number for entry in issuer.crl]
    assert listed == [issuer.revoked.certificate.serial_number]


def test_an_issuer_is_saved_and_loaded(tmp_path: Path) -> None:
    made = Issuer.create(tmp_path / "issuer", kind=KeyKind.P256)
    back = Issuer.load(tmp_path / "issuer")
    assert back.csca.certificate == made.csca.certificate
    assert private_key_der(back.signer.key) == private_key_der(made.signer.key)
    assert (tmp_path / "issuer" / KEYS_FILE).stat().st_mode & 0o077 == 0
    with pytest.raises(UnreadableInputError):
        Issuer.create(tmp_path / "issuer")


@pytest.mark.parametrize("file", ["csca.pem", "ds.pem", "crl.pem", KEYS_FILE])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----\n?\n", b"\xff"])
def test_an_incomplete_issuer_is_refused(tmp_path: Path, file: str, content: bytes | None) -> None:
    Issuer.create(tmp_path, kind=KeyKind.P256)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(UnreadableInputError):
        Issuer.load(tmp_path)


def test_keys_of_another_issuer_are_refused(tmp_path: Path) -> None:
    Issuer.create(tmp_path / "a", kind=KeyKind.P256)
    Issuer.create(tmp_path / "b", kind=KeyKind.P256)
    (tmp_path / "a" / KEYS_FILE).write_bytes((tmp_path / "b" / KEYS_FILE).read_bytes())
    with pytest.raises(UnreadableInputError, match="does not belong"):
        Issuer.load(tmp_path / "a")


def test_randomness_is_a_parameter() -> None:
    made = [Issuer.generate(rng=lambda count: b"\x5a" * count, now=NOW) for _ in range(2)]
    assert private_key_der(made[0].csca.key) == private_key_der(made[1].csca.key)
    assert made[0].csca.certificate.serial_number == made[1].csca.certificate.serial_number


def signed_data(sod: bytes) -> Any:
    outer = tlv.parse(sod)
    assert outer.tag == 0x77
    return cms.ContentInfo.load(outer.value, strict=True)["content"]


@pytest.mark.parametrize("kind", [KeyKind.BRAINPOOL_P384R1, KeyKind.P256])
@pytest.mark.parametrize("version", [0, 1])
def test_the_sod_is_signed_data_over_the_hashes(kind: KeyKind, version: int) -> None:
    issuer = Issuer.generate(kind=kind)
    groups = {1: b"\x61\x00", 2: b"\x75\x00"}
    signer = issuer.signer
    algorithm = default_algorithm(signer.key)
    sod = build(groups, signer, algorithm, NOW, os.urandom, lds_version=version)
    signed = signed_data(sod)
    assert signed["encap_content_info"]["content_type"].dotted == "2.23.136.1.1.1"
    raw = signed["encap_content_info"]["content"].parsed.dump()
    (information,) = signed["signer_infos"]
    attributes = {item["type"].native: item["values"][0] for item in information["signed_attrs"]}
    assert attributes["message_digest"].native == hashlib.sha256(raw).digest()
    assert attributes["signing_time"].native == NOW
    to_sign = information["signed_attrs"].untag().dump(force=True)
    key = issuer.signer.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(information["signature"].native, to_sign, ec.ECDSA(hashes.SHA256()))
    parts = tlv.parse(raw).children()
    assert [part.value for part in parts[:1]] == [bytes([version])]
    listed = [tuple(child.value for child in item.children()) for item in parts[2].children()]
    assert listed == [(bytes([n]), hashlib.sha256(file).digest()) for n, file in groups.items()]
    assert len(parts) == 3 + version


@pytest.mark.slow
def test_an_rsa_issuer_signs_too(tmp_path: Path) -> None:
    issuer = Issuer.create(tmp_path, kind=KeyKind.RSA_3072)
    (information,) = signed_data(issuer.sign({1: b"\x61\x00"}, now=NOW))["signer_infos"]
    key = Issuer.load(tmp_path).signer.certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    to_sign = information["signed_attrs"].untag().dump(force=True)
    signature = information["signature"].native
    key.verify(signature, to_sign, padding.PKCS1v15(), hashes.SHA256())


def test_the_card_has_the_vietnamese_shape(
    card: CardProfile, holder: Holder, portrait: bytes
) -> None:
    assert com.parse(card.files[0x011E]).data_groups == (1, 2, 3, 13, 14, 15)
    zone = dg1.parse(card.files[0x0101])
    assert (zone.document_number, zone.personal_number) == ("206012345", holder.number)
    assert zone.date_of_expiry == date(2031, 5, 17)
    (image,) = dg2.parse(card.files[0x0102])
    assert (image.data, image.width, image.height) == (portrait, 413, 531)
    details = dg13.parse(card.files[0x010D])
    assert (details.name, details.date_of_birth) == ("Nguyễn Văn An", "17/05/2006")
    assert card.protected == {0x0103}
    check = 0
    for byte in card.atr[1:]:
        check ^= byte
    assert check == 0


@pytest.mark.parametrize(
    ("birth", "issued", "end"),
    [
        (date(2006, 5, 17), date(2025, 1, 15), date(2031, 5, 17)),  # 18: runs to 25
        (date(2006, 5, 17), date(2029, 5, 16), date(2031, 5, 17)),
        (date(2006, 5, 17), date(2029, 5, 17), date(2046, 5, 17)),  # within two years: to 40
        (date(2013, 3, 2), date(2025, 3, 1), date(2027, 3, 2)),  # 11: to 14
        (date(2013, 3, 2), date(2025, 3, 2), date(2038, 3, 2)),  # 12: to 25
        (date(1970, 1, 1), date(2025, 1, 1), date(2030, 1, 1)),
        (date(1970, 1, 1), date(2028, 1, 1), None),  # 58: no end
        (date(1950, 1, 1), date(2025, 1, 1), None),
        (date(2004, 2, 29), date(2025, 1, 1), date(2029, 2, 28)),
    ],
)
def test_days_of_expiry_by_law(birth: date, issued: date, end: date | None) -> None:
    assert expiry(birth, issued) == end


def test_a_card_without_end(issuer: Issuer, portrait: bytes) -> None:
    holder = Holder("001050000001", "Lê Văn Bốn", date(1950, 1, 1), "M")
    card = issuer.issue(holder, portrait)
    assert card.access.date_of_expiry == "991231"
    assert dg13.parse(card.files[0x010D]).date_of_expiry == "Không thời hạn"


@pytest.mark.parametrize(
    ("number", "name", "sex", "message"),
    [
        ("00120601234", "An", "M", "12 digits"),
        ("00120601234٣", "An", "M", "12 digits"),
        ("001206012345", "123", "M", "no name"),
        ("001206012345", "An", "X", "M or F"),
        ("001206012345", "An", "F", "fourth digit"),
    ],
)
def test_a_holder_that_cannot_be(number: str, name: str, sex: str, message: str) -> None:
    with pytest.raises(UnreadableInputError, match=message):
        Holder(number, name, date(2006, 5, 17), sex)


@pytest.mark.parametrize("picture", [b"", b"GIF89a", b"\xff\xd8\xff\xe0 no picture"])
def test_a_portrait_that_is_none(issuer: Issuer, holder: Holder, picture: bytes) -> None:
    with pytest.raises(CardError):
        issuer.issue(holder, picture)


@pytest.fixture(scope="module")
def card_with_everything(issuer: Issuer, holder: Holder, portrait: bytes) -> CardProfile:
    recipe = Recipe(
        access=AccessRecipe(pace=(PaceRecipe("PACE-ECDH-CAM-AES-CBC-CMAC-128"),), can="123456"),
        chip_mapping=13,
        chip_authentication=(ChipAuthenticationRecipe(key_id=1),),
        active_authentication=ActiveAuthenticationRecipe(KeyKind.P256),
        atr_info=True,
        directory=True,
    )
    return issuer.issue(holder, portrait, recipe=recipe, now=NOW)


@pytest.mark.parametrize("defect", Defect)
def test_profiles_come_back_from_json(
    defect: Defect,
    card_with_everything: CardProfile,
    issuer: Issuer,
    other_portrait: bytes,
    tmp_path: Path,
) -> None:
    card = card_with_everything
    foreign = Issuer.generate(country="XX", kind=KeyKind.P256)
    broken = defects.apply(
        card,
        defect,
        issuer=issuer,
        portrait=other_portrait,
        foreign=foreign,
        withdrawn=foreign,
        now=NOW,
    )
    assert broken != card
    assert broken.defects == (defect,)
    broken.save(tmp_path / "card.json")
    assert CardProfile.load(tmp_path / "card.json") == broken


@pytest.mark.parametrize("defect", [Defect.PORTRAIT_EXCHANGED, Defect.FOREIGN_ISSUER])
def test_a_defect_says_what_it_needs(defect: Defect, card: CardProfile, issuer: Issuer) -> None:
    with pytest.raises(UnreadableInputError):
        defects.apply(card, defect, issuer=issuer)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"realm": "live"},
        {"files": {"0101": "zz"}},
        {"files": {"10101": "00"}},
        {"files": []},
        {"access": {"document_number": 1, "date_of_birth": "", "date_of_expiry": ""}},
        {"access": {}},
        {"access": {"document_number": "é", "date_of_birth": "060517", "date_of_expiry": "3"}},
        {"access": {"document_number": "", "date_of_birth": "060517", "date_of_expiry": "3"}},
        {"quirks": {"longest_read": "many"}},
        {"quirks": {"longest_read": 0}},
        {"quirks": {"extended_length": 1}},
        {"quirks": {"unknown": True}},
        {"defects": ["unknown"]},
        {"atr": None},
    ],
)
def test_a_file_that_is_no_card(card: CardProfile, tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "card.json"
    card.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UnreadableInputError, match="no simulated card"):
        CardProfile.load(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_json(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(UnreadableInputError):
        CardProfile.load(tmp_path / "card.json")


def test_a_missing_card_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="cannot read"):
        CardProfile.load(tmp_path / "none.json")


def test_quirks_have_defaults() -> None:
    assert Quirks() == Quirks(longest_read=65_536)


def test_certificates_say_what_they_are_for(issuer: Issuer) -> None:
    usage = issuer.signer.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign) == (True, False)
    assert not any(
        isinstance(extension.value, x509.BasicConstraints) and extension.value.ca
        for extension in issuer.signer.certificate.extensions
    )
