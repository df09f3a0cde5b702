"""What is trusted, and why: the rules over the chip's proofs."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from proof_cards import (
    ACTIVE,
    BAC,
    BOTH,
    CA_ONLY,
    CAM_ONLY,
    KEY_ID,
    NOW,
    PACE_CAM,
    PACE_GM,
    POLICY,
    Cards,
    cards,
    evidence_of,
    files_of,
    mapping_of,
    record_of,
    remote_of,
    report_of,
    resigned,
)

from card_reader.chip.chip_authentication import agree
from card_reader.domain_parameters import standardised
from card_reader.evidence import Challenge, ChipAuthenticationRecord
from card_reader.lds import dg14
from card_reader.lds import security_infos as si
from card_reader.simulator import certificates
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.recipe import ChipAuthenticationRecipe, Recipe
from card_reader.simulator.signing_keys import KeyKind, new_key
from card_reader.trust.certificates import parse_certificates
from card_reader.trust.findings import Finding
from card_reader.trust.passive_authentication import Chain
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import (
    STORED_FILES,
    ChipProof,
    ProofRule,
    RemoteProof,
    Verdict,
    examine,
)

__all__ = ["cards"]


# --- the verdict of a proof is capped by passive authentication ---


def test_a_forgers_own_keys_prove_nothing(
    cards: Cards, challenge: Challenge, trust: TrustStore
) -> None:
    """A forger signs his own DG14 and DG15: without the issuer's signature no proof counts."""
    card = cards(BOTH)
    good = evidence_of(card, PACE_GM, challenge=challenge, record=record_of(card))
    report = report_of(good, trust)
    proofs = (report.active_authentication, report.chip_authentication)
    assert proofs == (ChipProof.PASSED, ChipProof.STATION_OBSERVED)
    sod = bytearray(good.files["EF.SOD"])
    sod[-1] ^= 1
    report = report_of(replace(good, files={**good.files, "EF.SOD": bytes(sod)}), trust)
    assert report.verdict is Verdict.REFUSED
    assert report.active_authentication is report.chip_authentication is ChipProof.ABSENT


def test_a_revoked_signer_caps_the_proofs_too(
    cards: Cards, issuer: Issuer, challenge: Challenge, trust: TrustStore
) -> None:
    card = cards(BOTH)
    groups = {
        int(name[5:]): raw for name, raw in files_of(card).items() if name.startswith("EF.DG")
    }
    files = {**files_of(card), "EF.SOD": issuer.sign(groups, now=NOW, signer=issuer.revoked)}
    evidence = evidence_of(card, PACE_GM, challenge=challenge, files=files, record=record_of(card))
    report = report_of(evidence, trust)
    assert Finding.SIGNER_REVOKED in report.reasons
    assert report.active_authentication is report.chip_authentication is ChipProof.ABSENT


def test_without_an_anchor_a_proof_stays_below_authentic(
    cards: Cards, challenge: Challenge
) -> None:
    card = cards(CA_ONLY)
    nobody = TrustStore((), realm=Realm.TEST)
    report = examine(evidence_of(card, record=record_of(card)), nobody, POLICY, at=NOW, now=NOW)
    assert report.verdict is Verdict.UNPROVEN
    assert report.chip_authentication is ChipProof.STATION_OBSERVED


# --- the issuer must be the state of EF.DG1 ---


def test_an_authority_that_signs_in_another_states_name_is_refused(
    issuer: Issuer, holder: Holder, portrait: bytes, challenge: Challenge, trust: TrustStore
) -> None:
    """An authority writes any name into what it signs, and its key's id finds it all the same."""
    foreign = Issuer.generate(country="UT", kind=KeyKind.P256, now=NOW)
    key = new_key(KeyKind.P256, os.urandom)
    named = certificates.distinguished_name("VN", "CSCA TEST")
    certificate = certificates.document_signer_certificate(
        named,
        key,
        replace(certificates.Authority.of(foreign.csca), name=named),
        certificates.Period(NOW - timedelta(days=1), NOW + timedelta(days=900)),
        os.urandom,
        document_types=["ID"],
    )
    signer = replace(foreign.signer, certificate=certificate, key=key)
    recipe = Recipe(active_authentication=ACTIVE)
    card = replace(foreign, signer=signer).issue(holder, portrait, recipe=recipe, now=NOW)
    csca = parse_certificates(foreign.csca.certificate.public_bytes(Encoding.DER))
    both = TrustStore([*trust.anchors, *csca], realm=Realm.TEST)
    report = report_of(evidence_of(card, challenge=challenge), both)
    assert report.chain is Chain.TRUSTED
    assert (report.verdict, report.issuer_match) == (Verdict.REFUSED, False)
    assert report.reasons == (Finding.ISSUER_MISMATCH,)
    stored = examine(files_of(card), both, STORED_FILES[Realm.TEST], at=None, now=NOW)
    assert stored.verdict is Verdict.REFUSED


# --- EF.COM is not signed ---


@pytest.mark.parametrize("com", [None, b"\x60\x00", b"\x60\x05\x5c\x03\x61\x75\x6e", b"\xff"])
def test_ef_com_is_never_consulted(
    cards: Cards, challenge: Challenge, trust: TrustStore, com: bytes | None
) -> None:
    card = cards(BOTH)
    files = {name: raw for name, raw in files_of(card).items() if name != "EF.COM"}
    if com is not None:
        files["EF.COM"] = com
    evidence = evidence_of(card, PACE_GM, challenge=challenge, files=files, record=record_of(card))
    report = report_of(evidence, trust)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())


# --- what the signed files list must be shown ---


@pytest.mark.parametrize("name", ["EF.DG14", "EF.DG15"])
def test_a_listed_file_left_away_refuses(
    cards: Cards, challenge: Challenge, trust: TrustStore, name: str
) -> None:
    card = cards(BOTH)
    files = {key: raw for key, raw in files_of(card).items() if key != name}
    report = report_of(evidence_of(card, PACE_GM, challenge=challenge, files=files), trust)
    assert Finding.DATA_GROUP_MISSING in report.reasons


@pytest.mark.parametrize(
    ("recipe", "name"),
    [(CA_ONLY, "EF.DG14"), (BOTH, "EF.DG14"), (BOTH, "EF.DG15"), (CAM_ONLY, "EF.DG14")],
)
def test_a_chip_that_withholds_its_keys_is_refused_without_an_identity_too(
    cards: Cards, challenge: Challenge, trust: TrustStore, recipe: Recipe, name: str
) -> None:
    """`card-reader read` asks for no identity; stored files alone prove no chip anyway."""
    card = cards(recipe)
    access = PACE_GM if recipe.access.pace else BAC
    files = {key: raw for key, raw in files_of(card).items() if key != name}
    evidence = evidence_of(card, access, challenge=challenge, files=files)
    report = examine(evidence, trust, POLICY, at=NOW, now=NOW)
    assert report.verdict is Verdict.REFUSED
    assert Finding.DATA_GROUP_MISSING in report.reasons
    stored = examine(files, trust, STORED_FILES[Realm.TEST], at=NOW, now=NOW)
    assert stored.verdict is Verdict.AUTHENTIC


def test_chip_authentication_left_away_refuses_where_nothing_else_proves_the_chip(
    cards: Cards, challenge: Challenge, trust: TrustStore
) -> None:
    report = report_of(evidence_of(cards(CA_ONLY)), trust)
    assert report.reasons == (Finding.CHIP_AUTHENTICATION_MISSING,)
    assert report.chip_authentication is ChipProof.ABSENT
    report = report_of(evidence_of(cards(BOTH), PACE_GM, challenge=challenge), trust)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())


def test_chip_mapping_left_away_refuses(cards: Cards, trust: TrustStore) -> None:
    report = report_of(evidence_of(cards(CAM_ONLY), PACE_GM), trust)
    assert report.reasons == (Finding.CHIP_AUTHENTICATION_MISSING,)


@pytest.mark.parametrize(
    ("rule", "recipe", "reasons"),
    [
        (ProofRule.NEVER, CA_ONLY, ()),
        (ProofRule.ALWAYS, BOTH, (Finding.CHIP_AUTHENTICATION_MISSING,)),
        (ProofRule.ALWAYS, Recipe(active_authentication=ACTIVE),
         (Finding.CHIP_AUTHENTICATION_MISSING,)),
        (ProofRule.WHEN_LISTED, Recipe(active_authentication=ACTIVE), ()),
    ],
)  # fmt: skip
def test_a_policy_says_whether_chip_authentication_is_demanded(
    cards: Cards,
    challenge: Challenge,
    trust: TrustStore,
    rule: ProofRule,
    recipe: Recipe,
    reasons: tuple[Finding, ...],
) -> None:
    card = cards(recipe)
    policy = replace(POLICY, require_chip_authentication=rule)
    access = PACE_GM if recipe is BOTH else BAC
    report = report_of(evidence_of(card, access, challenge=challenge), trust, policy)
    assert report.reasons == reasons


def test_without_active_authentication_the_other_proof_is_demanded(
    cards: Cards, challenge: Challenge, trust: TrustStore
) -> None:
    policy = replace(POLICY, require_active_authentication=ProofRule.NEVER)
    card = cards(BOTH)
    silent = replace(evidence_of(card, PACE_GM, challenge=challenge), active_authentication=None)
    assert report_of(silent, trust, policy).reasons == (Finding.CHIP_AUTHENTICATION_MISSING,)
    shown = replace(silent, chip_authentication=record_of(card))
    assert report_of(shown, trust, policy).verdict is Verdict.AUTHENTIC


# --- groups outside the SOD are not used ---


def test_chip_authentication_with_a_dg14_outside_the_sod_is_absent(
    cards: Cards, issuer: Issuer, trust: TrustStore
) -> None:
    card = cards(CA_ONLY)
    inside = resigned(card, issuer, **{"EF.DG14": None})
    files = {**inside, "EF.DG14": files_of(card)["EF.DG14"]}
    report = report_of(evidence_of(card, files=files, record=record_of(card)), trust)
    assert report.chip_authentication is ChipProof.ABSENT
    assert report.reasons == (Finding.DATA_GROUP_NOT_IN_SOD,)
    always = replace(POLICY, require_chip_authentication=ProofRule.ALWAYS)
    report = report_of(evidence_of(card, files=files, record=record_of(card)), trust, always)
    assert Finding.CHIP_AUTHENTICATION_MISSING in report.reasons


def test_active_authentication_with_a_dg15_outside_the_sod_is_absent(
    cards: Cards, issuer: Issuer, challenge: Challenge, trust: TrustStore
) -> None:
    card = cards(Recipe(active_authentication=ACTIVE))
    files = {
        **resigned(card, issuer, **{"EF.DG15": None}),
        "EF.DG15": files_of(card)["EF.DG15"],
    }
    report = report_of(evidence_of(card, challenge=challenge, files=files), trust)
    assert report.active_authentication is ChipProof.ABSENT


# --- chip authentication convinces whoever held the ephemeral key ---


def test_the_stations_own_run_is_only_observed(cards: Cards, trust: TrustStore) -> None:
    card = cards(CA_ONLY)
    for session in (None, "a run that nobody here knows"):
        report = report_of(evidence_of(card, record=record_of(card, session)), trust)
        assert report.verdict is Verdict.AUTHENTIC
        assert report.chip_authentication is ChipProof.STATION_OBSERVED
    assert report.to_dict()["chip_authentication"] == "station_observed"


def test_the_servers_own_run_proves_the_chip(cards: Cards, trust: TrustStore) -> None:
    card = cards(CA_ONLY)
    record = record_of(card, "run")
    report = report_of(evidence_of(card, record=record), trust, remote=remote_of(card, record))
    assert report.verdict is Verdict.AUTHENTIC
    assert report.chip_authentication is ChipProof.PASSED


@pytest.mark.parametrize(
    "change",
    [
        {"session": "another run"},
        {"spki": b"\x30\x00"},
        {"key_id": None},
        {"oid": f"{si.ID_CA_ECDH}.4"},
        {"terminal_public_key": b"\x04"},
    ],
)
def test_the_servers_run_with_another_chip_refuses(
    cards: Cards, trust: TrustStore, change: dict[str, object]
) -> None:
    """A station could have had its own chip answer the server, and sent another card's files."""
    card = cards(CA_ONLY)
    record = record_of(card, "run")
    remote = replace(remote_of(card, record), **change)
    report = report_of(evidence_of(card, record=record), trust, remote=remote)
    assert report.reasons == (Finding.CHIP_KEY_MISMATCH,)
    assert report.chip_authentication is ChipProof.FAILED


def test_of_two_keys_without_ids_the_servers_must_be_one(cards: Cards, trust: TrustStore) -> None:
    keys = tuple(
        ChipAuthenticationRecipe(("CA-ECDH-AES-CBC-CMAC-128",), number) for number in (13, 16)
    )
    card = cards(Recipe(chip_authentication=keys, active_authentication=None))
    infos = dg14.parse(files_of(card)["EF.DG14"])
    for _, key in si.chip_authentication_choices(infos):
        public = agree(key.spki, os.urandom).public_key
        oid = f"{si.ID_CA_ECDH}.2"
        record = ChipAuthenticationRecord(oid, None, public, "run", b"\x90\x00")
        remote = RemoteProof("run", oid, None, key.spki, public)
        report = report_of(evidence_of(card, record=record), trust, remote=remote)
        assert (report.chip_authentication, report.reasons) == (ChipProof.PASSED, ())


def test_a_servers_run_that_the_evidence_does_not_name_proves_nothing(
    cards: Cards, trust: TrustStore
) -> None:
    card = cards(CA_ONLY)
    remote = remote_of(card, record_of(card, "run"))
    report = report_of(evidence_of(card), trust, remote=remote)
    assert report.reasons == (Finding.CHIP_AUTHENTICATION_MISSING,)


@pytest.mark.parametrize(
    "change",
    [
        {"oid": f"{si.ID_CA_ECDH}.1"},  # a weaker one than the signed file offers
        {"oid": "1.2.3"},
        {"key_id": KEY_ID + 1},
        {"terminal_public_key": b"\x04" + bytes(64)},  # no point of the chip's curve
        {"response": b""},  # the chip's answer under the new keys was not authentic
    ],
)
def test_a_run_that_does_not_fit_the_signed_key_refuses(
    cards: Cards, trust: TrustStore, change: dict[str, object]
) -> None:
    card = cards(CA_ONLY)
    record = replace(record_of(card), **change)
    report = report_of(evidence_of(card, record=record), trust)
    assert report.reasons == (Finding.CHIP_AUTHENTICATION_FAILED,)


# --- PACE with chip authentication mapping, recomputed ---


def test_chip_mapping_is_recomputed_from_the_signed_key(cards: Cards, trust: TrustStore) -> None:
    card = cards(CAM_ONLY)
    report = report_of(evidence_of(card, PACE_CAM, mapping=mapping_of(card)), trust)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())
    assert report.chip_authentication is ChipProof.STATION_OBSERVED


@pytest.mark.parametrize("part", ["mapping_public_key", "data", "zero", "order"])
def test_a_wrong_chip_mapping_refuses(cards: Cards, trust: TrustStore, part: str) -> None:
    card = cards(CAM_ONLY)
    good, other = mapping_of(card), mapping_of(card)
    group = standardised(13)
    assert group is not None
    changes = {
        "mapping_public_key": {"mapping_public_key": other.mapping_public_key},
        "data": {"data": other.data},
        "zero": {"data": bytes(32)},
        "order": {"data": group.order.to_bytes(32, "big")},
    }
    wrong = replace(good, **changes[part])
    report = report_of(evidence_of(card, PACE_CAM, mapping=wrong), trust)
    assert report.reasons == (Finding.CHIP_MAPPING_FAILED,)
    assert report.chip_authentication is ChipProof.FAILED


def test_a_chip_mapping_without_the_signed_key_is_absent(cards: Cards, trust: TrustStore) -> None:
    card = cards(CAM_ONLY)
    files = {name: raw for name, raw in files_of(card).items() if name != "EF.CardSecurity"}
    evidence = evidence_of(card, PACE_CAM, files=files, mapping=mapping_of(card))
    assert report_of(evidence, trust).reasons == (Finding.CHIP_AUTHENTICATION_MISSING,)


@pytest.mark.parametrize(
    "spoil", [lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), lambda raw: b"\x30"]
)
def test_a_changed_ef_card_security_refuses(
    cards: Cards, trust: TrustStore, spoil: Callable[[bytes], bytes]
) -> None:
    card = cards(CAM_ONLY)
    files = files_of(card)
    files["EF.CardSecurity"] = spoil(files["EF.CardSecurity"])
    evidence = evidence_of(card, PACE_CAM, files=files, mapping=mapping_of(card))
    assert Finding.CARD_SECURITY_INVALID in report_of(evidence, trust).reasons


def test_an_ef_card_security_of_an_unknown_issuer_proves_no_chip(
    cards: Cards, trust: TrustStore, holder: Holder, portrait: bytes
) -> None:
    card = cards(CAM_ONLY)
    forger = Issuer.generate(name="CSCA OF A FORGER", kind=KeyKind.P256, now=NOW)
    forged = forger.issue(holder, portrait, recipe=CAM_ONLY, now=NOW)
    files = {**files_of(card), "EF.CardSecurity": files_of(forged)["EF.CardSecurity"]}
    report = report_of(evidence_of(card, PACE_CAM, files=files, mapping=mapping_of(forged)), trust)
    assert Finding.CARD_SECURITY_UNPROVEN in report.reasons
    assert Finding.CHIP_AUTHENTICATION_MISSING in report.reasons


def test_an_ef_card_security_of_another_state_refuses(
    cards: Cards, trust: TrustStore, holder: Holder, portrait: bytes
) -> None:
    card = cards(CAM_ONLY)
    foreign = Issuer.generate(country="UT", kind=KeyKind.P256, now=NOW)
    other = foreign.issue(holder, portrait, recipe=CAM_ONLY, now=NOW)
    both = TrustStore(
        [
            *trust.anchors,
            *parse_certificates(foreign.csca.certificate.public_bytes(Encoding.DER)),
        ],
        realm=Realm.TEST,
    )
    files = {**files_of(card), "EF.CardSecurity": files_of(other)["EF.CardSecurity"]}
    report = report_of(evidence_of(card, PACE_CAM, files=files, mapping=mapping_of(other)), both)
    assert Finding.ISSUER_MISMATCH in report.reasons
