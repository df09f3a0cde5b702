"""Recipes: strict JSON, and every card that they make is read and proven."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from card_reader import tlv
from card_reader.access.passwords import CanPassword, MrzPassword, Password
from card_reader.errors import UnreadableInputError
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.lds import card_access, dg1, dg2, dg7, dg11, dg12, dg14, dg15, sod
from card_reader.lds.security_infos import (
    chip_authentication_choices,
    offers_pace,
    pace_infos,
)
from card_reader.reader import read_card
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer, KeyKind
from card_reader.simulator.passport import Traveller
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.presets import PRESETS
from card_reader.simulator.profile import (
    EF_CARD_ACCESS,
    EF_SOD,
    CardProfile,
    Defect,
    data_group_id,
)
from card_reader.simulator.recipe import (
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    ImageKind,
    PaceRecipe,
    ParameterEncoding,
    PortraitRecipe,
    Recipe,
    SecurityObjectRecipe,
    Shape,
    SignerRecipe,
)
from card_reader.simulator.security_object import ContentType
from card_reader.simulator.signed_data import Envelope
from card_reader.simulator.transport import SimulatedTransport
from card_reader.trust.certificates import parse_certificate
from card_reader.trust.keys import describe_public_key
from card_reader.trust.signatures import HASHES, Scheme, SignatureAlgorithm
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import STORED_FILES, ChipProof, Policy, Report, examine, verify

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
CHALLENGE = Challenge("challenge-1", bytes.fromhex("F173589974BF40C6"), Freshness.SERVER)
ANY_DOCUMENT = Policy(Realm.TEST, None, None)
SMALL_KEY = ActiveAuthenticationRecipe(KeyKind.RSA_1024)


@pytest.fixture(scope="module")
def trust(issuer: Issuer) -> TrustStore:
    return TrustStore([parse_certificate(issuer.csca.der)], realm=Realm.TEST)


def password_of(card: CardProfile) -> Password:
    keys = card.access
    return MrzPassword(keys.document_number, keys.date_of_birth, keys.date_of_expiry)


def read(card: CardProfile, *passwords: Password) -> ChipEvidence:
    chosen = passwords or (password_of(card),)
    transport = SimulatedTransport(Chip(card))
    return read_card(transport, chosen, challenge=CHALLENGE, now=lambda: NOW)


def stored(card: CardProfile, trust: TrustStore) -> Report:
    """Passive authentication of the files as they were issued."""
    files = {"EF.SOD": card.files[EF_SOD]}
    for number in range(1, 17):
        if data_group_id(number) in card.files:
            files[f"EF.DG{number}"] = card.files[data_group_id(number)]
    return examine(files, trust, STORED_FILES[Realm.TEST], at=NOW, now=NOW)


# --- every preset is read and proven ------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_makes_a_card_that_proves_itself(
    name: str, issuer: Issuer, holder: Holder, portrait: bytes, trust: TrustStore
) -> None:
    recipe = PRESETS[name].recipe
    if recipe.active_authentication and recipe.active_authentication.key is KeyKind.RSA_2048:
        recipe = replace(recipe, active_authentication=SMALL_KEY)  # for the tests' speed
    evidence = read(issuer.issue(holder, portrait, recipe=recipe, now=NOW))
    identity = verify(
        evidence, trust, ANY_DOCUMENT, at=NOW, expected_challenge=CHALLENGE.value, now=NOW
    )
    report = identity.report
    assert report.verdict == "authentic"
    assert identity.date_of_birth == holder.date_of_birth
    active = ChipProof.PASSED if recipe.active_authentication else ChipProof.ABSENT
    assert report.active_authentication is active
    proves = bool(recipe.chip_authentication) or recipe.chip_mapping is not None
    observed = ChipProof.STATION_OBSERVED if proves else ChipProof.ABSENT
    assert report.chip_authentication is observed
    protocol = "pace" if recipe.access.pace else "bac"
    assert recipe.access.plain or evidence.access.protocol == protocol


def test_the_default_is_the_vietnamese_card(
    issuer: Issuer, holder: Holder, portrait: bytes, card: CardProfile
) -> None:
    same = issuer.issue(holder, portrait, recipe=PRESETS["vietnam"].recipe)
    assert same.files.keys() == card.files.keys()
    assert (card.master_files, card.pace, card.chip_keys, card.basic_access) == ({}, (), (), True)
    assert [f.hex() for n, f in card.files.items() if n in (0x101, 0x10E)] == [
        f.hex() for n, f in same.files.items() if n in (0x101, 0x10E)
    ]


def test_a_card_that_opens_with_its_can(issuer: Issuer, holder: Holder, portrait: bytes) -> None:
    recipe = PRESETS["identity-card-can"].recipe
    evidence = read(issuer.issue(holder, portrait, recipe=recipe, now=NOW), CanPassword("123456"))
    assert evidence.access.password == "can"


# --- the security object ------------------------------------------------------------------------


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("version", [0, 1])
def test_the_data_groups_hash_is_a_choice(
    hash_name: str,
    version: int,
    issuer: Issuer,
    holder: Holder,
    portrait: bytes,
    trust: TrustStore,
) -> None:
    recipe = Recipe(
        security_object=SecurityObjectRecipe(hash_name, version), active_authentication=SMALL_KEY
    )
    card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
    assert stored(card, trust).verdict == "authentic"
    parsed = sod.parse(card.files[EF_SOD])
    assert parsed.version == version
    assert {len(h) for h in parsed.data_group_hashes.values()} == {HASHES[hash_name].digest_size}


@pytest.mark.parametrize("indefinite", [False, True])
@pytest.mark.parametrize("by_key_id", [False, True])
@pytest.mark.parametrize("content_type", ContentType)
@pytest.mark.parametrize("attributes", [True, False])
def test_the_envelope_is_a_choice(
    indefinite: bool,
    by_key_id: bool,
    content_type: ContentType,
    attributes: bool,
    issuer: Issuer,
    holder: Holder,
    portrait: bytes,
    trust: TrustStore,
) -> None:
    envelope = Envelope(
        signed_attributes=attributes, signer_by_key_id=by_key_id, indefinite_length=indefinite
    )
    choice = SecurityObjectRecipe(content_type=content_type, envelope=envelope)
    recipe = Recipe(security_object=choice, active_authentication=None)
    card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
    assert stored(card, trust).verdict == "authentic"
    raw = tlv.parse(card.files[EF_SOD]).value
    assert (raw[1] == 0x80) is indefinite
    signed = cms.ContentInfo.load(raw)["content"]
    (information,) = signed["signer_infos"]
    assert information["sid"].name == (
        "subject_key_identifier" if by_key_id else "issuer_and_serial_number"
    )
    assert bool(information["signed_attrs"].native) is attributes
    assert signed["encap_content_info"]["content_type"].dotted == content_type.oid


def test_a_signer_that_is_not_inside(
    issuer: Issuer, holder: Holder, portrait: bytes, trust: TrustStore
) -> None:
    choice = SecurityObjectRecipe(envelope=Envelope(certificate_inside=False))
    recipe = Recipe(security_object=choice, active_authentication=None)
    card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
    report = stored(card, trust)
    assert "no_signer_certificate" in report.reasons


@pytest.mark.parametrize(
    "signer",
    [
        SignerRecipe(KeyKind.RSA_2048, SignatureAlgorithm(Scheme.RSA, "sha1")),
        SignerRecipe(KeyKind.RSA_2048_E3, SignatureAlgorithm(Scheme.PSS, "sha512", "sha1", 7)),
        SignerRecipe(KeyKind.BRAINPOOL_P192R1, SignatureAlgorithm(Scheme.ECDSA, "sha512")),
        SignerRecipe(
            KeyKind.BRAINPOOL_P320R1, SignatureAlgorithm(Scheme.PLAIN_ECDSA, "sha1"), True
        ),
        SignerRecipe(KeyKind.P521, SignatureAlgorithm(Scheme.ECDSA, "sha224"), True),
        SignerRecipe(KeyKind.P192),
    ],
)
def test_the_document_signer_is_a_choice(
    signer: SignerRecipe, issuer: Issuer, holder: Holder, portrait: bytes, trust: TrustStore
) -> None:
    recipe = Recipe(signer=signer, active_authentication=None)
    card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
    report = stored(card, trust)
    assert report.verdict == "authentic"
    if signer.signature is not None:
        assert report.algorithm == signer.signature.describe()
    (inside,) = sod.parse(card.files[EF_SOD]).signed_data.certificates
    assert parse_certificate(inside).has_explicit_parameters is signer.explicit_parameters


def test_the_issuers_own_signer_is_used_where_it_fits(
    issuer: Issuer, holder: Holder, portrait: bytes
) -> None:
    recipe = Recipe(signer=SignerRecipe(KeyKind.BRAINPOOL_P384R1), active_authentication=None)
    card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
    assert sod.parse(card.files[EF_SOD]).signed_data.certificates == (issuer.signer.der,)


# --- the chip's keys ----------------------------------------------------------------------------


def test_what_a_chip_offers_stands_in_its_files(
    issuer: Issuer, holder: Holder, portrait: bytes
) -> None:
    recipe = PRESETS["passport-many-keys"].recipe
    card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
    open_infos = card_access.parse(card.master_files[EF_CARD_ACCESS])
    signed_infos = dg14.parse(card.files[data_group_id(14)])
    assert offers_pace(open_infos) and set(open_infos) <= set(signed_infos)
    assert [(i.oid, i.parameter_id) for i in pace_infos(open_infos)] == sorted(
        (offer.oid, offer.parameter_id) for offer in card.pace
    )
    choices = chip_authentication_choices(signed_infos)
    assert {(i.oid, k.key_id) for i, k in choices} == {(k.oid, k.key_id) for k in card.chip_keys}


@pytest.mark.parametrize("encoding", ParameterEncoding)
@pytest.mark.parametrize(
    ("protocol", "parameter_id"), [("CA-ECDH-AES-CBC-CMAC-256", 14), ("CA-DH-3DES-CBC-CBC", 1)]
)
def test_a_public_key_in_any_encoding(
    encoding: ParameterEncoding,
    protocol: str,
    parameter_id: int,
    issuer: Issuer,
    holder: Holder,
    portrait: bytes,
    trust: TrustStore,
) -> None:
    choice = ChipAuthenticationRecipe((protocol,), parameter_id, 3, encoding)
    recipe = Recipe(chip_authentication=(choice,), active_authentication=None)
    evidence = read(issuer.issue(holder, portrait, recipe=recipe, now=NOW))
    report = examine(evidence, trust, ANY_DOCUMENT, at=NOW, now=NOW)
    assert report.chip_authentication is ChipProof.STATION_OBSERVED


def test_an_unannounced_key_is_left_to_inference(
    issuer: Issuer, holder: Holder, portrait: bytes
) -> None:
    card = issuer.issue(holder, portrait, recipe=PRESETS["passport-eac-3des"].recipe, now=NOW)
    ((info, _),) = chip_authentication_choices(dg14.parse(card.files[data_group_id(14)]))
    assert info.cipher == "3DES"
    assert card.chip_keys[0].oid == info.oid


@pytest.mark.parametrize(
    "choice",
    [
        {"access": AccessRecipe(pace=(PaceRecipe("PACE-ECDH-GM-AES", 13),))},
        {"access": AccessRecipe(pace=(PaceRecipe(parameter_id=2),))},
        {"access": AccessRecipe(pace=(PaceRecipe("PACE-DH-GM-3DES-CBC-CBC", 13),))},
        {"access": AccessRecipe(pace=(PaceRecipe(parameter_id=99),))},
        {"chip_authentication": (ChipAuthenticationRecipe(("CA",)),)},
        {"chip_authentication": (ChipAuthenticationRecipe(parameter_id=0),)},
        {"chip_mapping": 1},
        {"chip_mapping": 7},
    ],
)
def test_keys_that_cannot_be(
    choice: dict[str, Any], issuer: Issuer, holder: Holder, portrait: bytes
) -> None:
    with pytest.raises(UnreadableInputError) as caught:
        issuer.issue(holder, portrait, recipe=replace(Recipe(), **choice), now=NOW)
    assert "\n" not in str(caught.value)


# --- the contents -------------------------------------------------------------------------------

ANNA = Traveller("L898902C3", "Eriksson", "Anna Maria", date(1974, 8, 12), "F", date(2032, 4, 15))


@pytest.mark.parametrize("shape", [Shape.TD1, Shape.TD2, Shape.TD3])
def test_a_traveller_in_three_sizes(shape: Shape, portrait: bytes) -> None:
    issuer = Issuer.generate(country="UT", kind=KeyKind.P256, now=NOW)
    recipe = Recipe(shape, data_groups=(7, 11, 12), active_authentication=None)
    card = issuer.issue(ANNA, portrait, recipe=recipe, now=NOW)
    zone = dg1.parse(card.files[data_group_id(1)])
    assert zone.layout == shape.upper()
    assert (zone.issuing_state, zone.secondary_identifier) == ("UTO", "ANNA MARIA")
    assert zone.document_code == ("P" if shape is Shape.TD3 else "I")
    (signature,) = dg7.parse(card.files[data_group_id(7)])
    with Image.open(BytesIO(signature.data)) as image:
        assert image.size == (320, 100)
    assert dg11.parse(card.files[data_group_id(11)]).date_of_birth == ANNA.date_of_birth
    assert dg12.parse(card.files[data_group_id(12)]).issuing_authority == ANNA.issuing_authority
    trust = TrustStore([parse_certificate(issuer.csca.der)], realm=Realm.TEST)
    groups = (1, 2, 7, 11, 12)
    evidence = read_card(
        SimulatedTransport(Chip(card)), [password_of(card)], challenge=None, groups=groups
    )
    report = examine(evidence, trust, ANY_DOCUMENT, at=None, now=NOW)
    assert (report.verdict, report.issuer_match) == ("authentic", True)
    assert set(report.data_groups) == set(groups)


def test_a_traveller_has_no_citizen_card(issuer: Issuer, portrait: bytes) -> None:
    with pytest.raises(UnreadableInputError, match="citizen's number"):
        issuer.issue(ANNA, portrait, now=NOW)


def test_a_number_too_long_for_its_zone(issuer: Issuer, portrait: bytes) -> None:
    recipe = Recipe(Shape.TD3, active_authentication=None)
    with pytest.raises(UnreadableInputError, match="longer than"):
        issuer.issue(replace(ANNA, document_number="L898902C3X"), portrait, recipe=recipe, now=NOW)


@pytest.mark.parametrize("face_format", dg2.FaceFormat)
@pytest.mark.parametrize(
    ("image", "mime"),
    [
        (None, dg2.JPEG),
        (ImageKind.JPEG, dg2.JPEG),
        (ImageKind.JP2, dg2.JP2),
        (ImageKind.CODESTREAM, dg2.J2K),
    ],
)
def test_any_portrait(
    face_format: dg2.FaceFormat,
    image: ImageKind | None,
    mime: str,
    issuer: Issuer,
    holder: Holder,
    portrait: bytes,
) -> None:
    choice = PortraitRecipe(face_format, image, copies=3, padding=17)
    recipe = Recipe(portrait=choice, active_authentication=None)
    card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
    faces = dg2.parse(card.files[data_group_id(2)])
    assert [face.mime for face in faces] == [mime] * 3
    with Image.open(BytesIO(faces[0].data)) as opened:
        assert opened.size == (faces[0].width, faces[0].height) == (413, 531)
        opened.load()


def test_a_card_without_active_authentication(
    issuer: Issuer, holder: Holder, portrait: bytes
) -> None:
    recipe = Recipe(Shape.TD3, active_authentication=None)
    card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
    assert card.authentication_key is None
    assert not {data_group_id(14), data_group_id(15)} & card.files.keys()


@pytest.mark.parametrize("kind", [KeyKind.P224, KeyKind.P521, KeyKind.BRAINPOOL_P384R1])
def test_active_authentication_with_any_curve(
    kind: KeyKind, issuer: Issuer, holder: Holder, portrait: bytes, trust: TrustStore
) -> None:
    recipe = Recipe(active_authentication=ActiveAuthenticationRecipe(kind, "sha512"))
    card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
    assert kind.curve is not None and kind.curve.name in key_in_words(card)
    report = examine(read(card), trust, ANY_DOCUMENT, at=None, now=NOW)
    assert report.active_authentication is ChipProof.PASSED


def key_in_words(card: CardProfile) -> str:
    return describe_public_key(dg15.parse(card.files[data_group_id(15)]))[0]


# --- as JSON ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_recipes_come_back_from_json(name: str, tmp_path: Path) -> None:
    recipe = PRESETS[name].recipe
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe.to_document()), "utf-8")
    assert Recipe.load(path) == recipe


def test_absent_entries_have_their_defaults() -> None:
    assert Recipe.from_document({}) == Recipe()
    assert Recipe.from_document({"signer": {"key": "P-256"}}).signer == SignerRecipe(KeyKind.P256)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "recipe is an object"),
        ({"shapes": "td3"}, "no entry 'shapes'"),
        ({"shape": "TD3"}, "recipe.shape is one of"),
        ({"shape": ["td3"]}, "recipe.shape is one of"),
        ({"atr_info": 1}, "recipe.atr_info is no bool"),
        ({"chip_mapping": True}, "recipe.chip_mapping is no int"),
        ({"data_groups": [1]}, "any of 7, 11, 12"),
        ({"data_groups": [7]}, "has no data_groups"),
        ({"data_groups": 7}, "recipe.data_groups is a list"),
        ({"data_groups": [7] * 17}, "at most 16"),
        ({"access": {"pace": [{"protocol": 1}]}}, r"recipe.access.pace\[0\].protocol is no str"),
        ({"security_object": {"hash": "md5"}}, "hash 'md5'"),
        ({"security_object": {"lds_version": 2}}, "lds_version"),
        ({"active_authentication": {"hash": "sha3"}}, "hash 'sha3'"),
        ({"portrait": {"copies": 0}}, "copies"),
        ({"portrait": {"padding": 70_000}}, "padding"),
        ({"access": {"can": "12 34"}}, "can is"),
        ({"signer": {"signature": {"scheme": "rsa"}}}, "incomplete"),
        ({"signer": {"signature": {"scheme": "rsa", "hash_name": "sha256"}}}, "does not sign"),
        (
            {
                "authority": {
                    "key": "RSA-2048",
                    "signature": {"scheme": "pss", "hash_name": "sha256", "salt_length": 32},
                }
            },
            "mask_hash_name",
        ),
    ],
)
def test_a_recipe_that_is_none(document: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(UnreadableInputError, match=message) as caught:
        Recipe.load(path)
    assert "\n" not in str(caught.value)


_NAMES = st.sampled_from([*Recipe().to_document(), "key", "pace", "envelope", "hash"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 300) | st.sampled_from([*Shape, "P-256", "sha1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_is_a_recipe_or_a_value_error(document: object) -> None:
    try:
        recipe = Recipe.from_document(document)
    except ValueError as error:
        assert "\n" not in str(error)
        return
    assert Recipe.from_document(json.loads(json.dumps(recipe.to_document()))) == recipe


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 50_000, b" " * 70_000])
def test_a_file_that_is_no_json(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_bytes(content)
    with pytest.raises(UnreadableInputError):
        Recipe.load(tmp_path / "recipe.json")


def test_the_example_of_the_docs_is_a_recipe() -> None:
    page = (Path(__file__).parents[3] / "docs/simulator.md").read_text("utf-8")
    example = page.split("```json\n")[1].split("```")[0]
    recipe = Recipe.from_document(json.loads(example))
    assert recipe.chip_mapping == 16


def test_the_docs_name_every_entry_and_defect() -> None:
    page = (Path(__file__).parents[3] / "docs/simulator.md").read_text("utf-8")
    for name in Recipe().to_document():
        assert f"`{name}`" in page
    for defect in Defect:
        assert f"| `{defect}` |" in page
