"""What is trusted, and why: the way a chip was opened, and EF.CardSecurity."""

from dataclasses import replace

import pytest
from proof_cards import (
    ACTIVE,
    BAC,
    BOTH,
    CAM_OID,
    CAM_ONLY,
    GM_OID,
    NOW,
    PACE_CAM,
    PACE_GM,
    POLICY,
    Cards,
    cards,
    evidence_of,
    files_of,
    mapping_of,
    report_of,
    resigned,
)

from card_reader.evidence import (
    Access,
    AccessPolicy,
    AccessProtocol,
    Challenge,
    Downgrade,
)
from card_reader.lds import card_access, card_security
from card_reader.lds import security_infos as si
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.recipe import Recipe
from card_reader.trust.findings import Finding
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import Verdict, examine_card_security

__all__ = ["cards"]


# --- EF.CardAccess against the signed files ---


def offer(*entries: si.PaceInfo) -> bytes:
    return card_access.encode(entry.security_info() for entry in entries)


@pytest.mark.parametrize(
    "content",
    [
        offer(),  # the offer was taken away
        offer(si.PaceInfo(f"{si.ID_PACE}.2.1", 2, 13)),  # a weaker cipher
        offer(si.PaceInfo(GM_OID, 2, 8)),  # another group
        offer(si.PaceInfo(GM_OID, 2, 13), si.PaceInfo(f"{si.ID_PACE}.2.1", 2, 13)),  # one more
        b"\x31\x02\x30\x00",
    ],
)
def test_another_offer_than_the_signed_one_refuses(
    cards: Cards, challenge: Challenge, trust: TrustStore, content: bytes
) -> None:
    card = cards(BOTH)
    files = {**files_of(card), "EF.CardAccess": content}
    evidence = evidence_of(card, PACE_GM, challenge=challenge, files=files)
    assert report_of(evidence, trust).reasons == (Finding.CARD_ACCESS_MISMATCH,)


@pytest.mark.parametrize(
    "change",
    [
        {"oid": f"{si.ID_PACE}.2.1"},
        {"parameter_id": 8},
        {"parameter_id": None},
        {"oid": f"{si.ID_PACE}.4.2", "mapping": si.Mapping.INTEGRATED},
        {"mapping": si.Mapping.INTEGRATED},  # not what the protocol's name says
        {"oid": "1.2.3"},
    ],
)
def test_a_pace_that_no_signed_file_offers_refuses(
    cards: Cards, challenge: Challenge, trust: TrustStore, change: dict[str, object]
) -> None:
    evidence = evidence_of(cards(BOTH), replace(PACE_GM, **change), challenge=challenge)
    assert report_of(evidence, trust).reasons == (Finding.CARD_ACCESS_MISMATCH,)


def test_an_offer_that_nothing_signed_repeats_is_remarked(
    cards: Cards, issuer: Issuer, challenge: Challenge, trust: TrustStore
) -> None:
    card = cards(Recipe(active_authentication=ACTIVE))
    files = {
        **resigned(card, issuer, **{"EF.DG14": None}),
        "EF.CardAccess": offer(si.PaceInfo(GM_OID, 2, 13)),
    }
    report = report_of(evidence_of(card, PACE_GM, challenge=challenge, files=files), trust)
    assert (report.verdict, report.reasons) == (
        Verdict.AUTHENTIC,
        (Finding.CARD_ACCESS_UNSIGNED,),
    )


def test_ef_card_security_signs_the_offer_where_there_is_no_dg14(
    cards: Cards, issuer: Issuer, trust: TrustStore
) -> None:
    card = cards(CAM_ONLY)
    files = resigned(card, issuer, **{"EF.DG14": None})
    good = evidence_of(card, PACE_CAM, files=files, mapping=mapping_of(card))
    assert report_of(good, trust).reasons == ()
    other = {**files, "EF.CardAccess": offer(si.PaceInfo(CAM_OID, 2, 13))}
    changed = evidence_of(card, PACE_CAM, files=other, mapping=mapping_of(card))
    assert report_of(changed, trust).reasons == (Finding.CARD_ACCESS_MISMATCH,)


# --- the way of opening, and its downgrade ---


@pytest.mark.parametrize(
    ("access", "policy", "verdict", "reasons"),
    [
        (BAC, AccessPolicy.BAC_IF_NOT_OFFERED, Verdict.AUTHENTIC, {Finding.PACE_NOT_USED}),
        (BAC, AccessPolicy.BAC_AFTER_FAILURE, Verdict.AUTHENTIC, {Finding.PACE_NOT_USED}),
        (BAC, AccessPolicy.PACE_ONLY, Verdict.REFUSED,
         {Finding.PACE_NOT_USED, Finding.ACCESS_NOT_ACCEPTED}),
        (replace(BAC, downgrade=Downgrade.PACE_FAILED), AccessPolicy.BAC_IF_NOT_OFFERED,
         Verdict.REFUSED,
         {Finding.PACE_NOT_USED, Finding.ACCESS_DOWNGRADED, Finding.ACCESS_NOT_ACCEPTED}),
        (replace(BAC, downgrade=Downgrade.PACE_FAILED), AccessPolicy.BAC_AFTER_FAILURE,
         Verdict.AUTHENTIC, {Finding.PACE_NOT_USED, Finding.ACCESS_DOWNGRADED}),
        (replace(BAC, downgrade=Downgrade.PACE_UNSUPPORTED), AccessPolicy.BAC_IF_NOT_OFFERED,
         Verdict.AUTHENTIC, {Finding.PACE_NOT_USED}),
        (Access(AccessProtocol.NONE), AccessPolicy.BAC_IF_NOT_OFFERED, Verdict.AUTHENTIC,
         {Finding.PACE_NOT_USED}),
        (PACE_GM, AccessPolicy.PACE_ONLY, Verdict.AUTHENTIC, set()),
    ],
)  # fmt: skip
def test_a_downgrade_is_named_and_a_policy_governs_it(
    cards: Cards,
    challenge: Challenge,
    trust: TrustStore,
    access: Access,
    policy: AccessPolicy,
    verdict: Verdict,
    reasons: set[Finding],
) -> None:
    evidence = evidence_of(cards(BOTH), access, challenge=challenge)
    report = report_of(evidence, trust, replace(POLICY, access=policy))
    assert report.verdict is verdict
    assert set(report.reasons) == reasons


def test_a_card_that_offers_no_pace_is_opened_with_bac(
    cards: Cards, challenge: Challenge, trust: TrustStore
) -> None:
    evidence = evidence_of(cards(Recipe(active_authentication=ACTIVE)), challenge=challenge)
    assert report_of(evidence, trust).reasons == ()
    demanding = replace(POLICY, access=AccessPolicy.PACE_ONLY)
    assert report_of(evidence, trust, demanding).reasons == (Finding.ACCESS_NOT_ACCEPTED,)


# --- EF.CardSecurity alone ---


def test_ef_card_security_alone(cards: Cards, trust: TrustStore) -> None:
    content = files_of(cards(CAM_ONLY))["EF.CardSecurity"]
    assert card_security.parse(content).security_infos
    report = examine_card_security(content, trust, at=NOW, now=NOW)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())
    nobody = TrustStore((), realm=Realm.TEST)
    assert examine_card_security(content, nobody, at=NOW, now=NOW).verdict is Verdict.UNPROVEN
    for damaged in (content[:-1] + bytes([content[-1] ^ 1]), b"\x30\x00"):
        report = examine_card_security(damaged, trust, at=NOW, now=NOW)
        assert report.verdict is Verdict.REFUSED
        assert report.reasons


def test_an_ef_sod_is_no_ef_card_security(cards: Cards, trust: TrustStore) -> None:
    """A signature for one kind of content does not serve for another."""
    sod = files_of(cards(CAM_ONLY))["EF.SOD"]
    report = examine_card_security(sod[4:], trust, at=NOW, now=NOW)
    assert report.verdict is Verdict.REFUSED
