"""The whole way from a card's commands to a verified identity, with good and bad cards."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from card_reader.access.passwords import MrzPassword
from card_reader.errors import AccessDeniedError, CardError, CardReason
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.lds import DATA_GROUP_BY_NAME
from card_reader.reader import StepName, read_card
from card_reader.simulator import defects
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer, KeyKind
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile, Defect, Quirks
from card_reader.simulator.transport import SimulatedTransport
from card_reader.trust.certificates import parse_certificates
from card_reader.trust.findings import Finding
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import (
    ChipProof,
    IdentityRefusedError,
    IdentityUnprovenError,
    Policy,
    Verdict,
    VerifiedIdentity,
    examine,
    verify,
)

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)  # as in conftest.py
POLICY = Policy(Realm.TEST)
Passwords = tuple[MrzPassword, ...]


def read(
    card: CardProfile,
    passwords: Passwords,
    challenge: Challenge | None,
    groups: tuple[int, ...] = (1, 2, 13, 14, 15),
) -> ChipEvidence:
    return read_card(
        SimulatedTransport(Chip(card)),
        passwords,
        challenge=challenge,
        groups=groups,
        now=lambda: NOW,
    )


def check(
    evidence: ChipEvidence,
    trust: TrustStore,
    policy: Policy = POLICY,
    expected: bytes | None = None,
) -> VerifiedIdentity:
    return verify(evidence, trust, policy, at=NOW, now=NOW, expected_challenge=expected)


@pytest.fixture(scope="module")
def evidence(card: CardProfile, passwords: Passwords, challenge: Challenge) -> ChipEvidence:
    return read(card, passwords, challenge)


def refused(call: Callable[[], object]) -> tuple[Finding, ...]:
    with pytest.raises(IdentityRefusedError) as caught:
        call()
    assert caught.value.report.verdict is Verdict.REFUSED
    assert "\n" not in str(caught.value)
    return caught.value.report.reasons


def test_a_good_card_gives_the_citizen(
    evidence: ChipEvidence,
    trust: TrustStore,
    holder: Holder,
    portrait: bytes,
    challenge: Challenge,
) -> None:
    identity = check(evidence, trust, expected=challenge.value)
    assert identity.personal_number == holder.number
    assert identity.document_number == holder.number[-9:]
    assert identity.full_name == "Nguyễn Văn An"
    assert identity.names == ("NGUYEN", "VAN AN")
    assert identity.date_of_birth == holder.date_of_birth
    assert (identity.sex, identity.nationality) == ("M", "VNM")
    assert identity.date_of_expiry == holder.date_of_expiry
    assert identity.portrait == portrait
    assert identity.freshness is Freshness.SERVER
    assert identity.report.active_authentication is ChipProof.PASSED
    assert identity.report.reasons == ()


def test_steps_are_announced_timed_and_counted(
    card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    announced: list[StepName] = []
    files: list[str] = []
    ticks = iter(range(100))
    evidence = read_card(
        SimulatedTransport(Chip(card)),
        passwords,
        challenge=challenge,
        progress=announced.append,
        on_file=lambda name, content: files.append(f"{name} {content[0]:02X}"),
        clock=lambda: float(next(ticks)),
    )
    assert [step.name for step in evidence.steps] == announced
    assert announced[0] == "EF.CardAccess"
    assert announced[1:6] == ["select_application", "access", "EF.SOD", "EF.DG1", "EF.DG2"]
    assert files[:3] == ["EF.SOD 77", "EF.DG1 61", "EF.DG2 75"]
    # One tick for each time a step is entered; a step may be entered again.
    assert all(step.milliseconds in (1000, 2000) for step in evidence.steps)
    size = sum(len(content) for content in evidence.files.values())
    assert size < sum(step.bytes for step in evidence.steps) < 1.1 * size
    assert sum(step.apdus for step in evidence.steps) <= 16


def test_fingerprints_are_never_asked_for(
    card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    evidence = read(card, passwords, challenge, groups=(1, 2, 3, 4, 15))
    assert "EF.DG3" not in evidence.files
    assert "EF.DG3" not in [step.name for step in evidence.steps]


def test_dg13_is_left_alone_where_nobody_asks(
    card: CardProfile, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    evidence = read(card, passwords, challenge, groups=(1, 2, 14, 15))
    assert "EF.DG13" not in evidence.files
    assert check(evidence, trust).full_name is None


def test_the_right_password_is_found_among_several(
    card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    wrong = replace(passwords[0], date_of_expiry="300101")
    assert read(card, (wrong, *passwords), challenge).files["EF.DG1"][0] == 0x61


def test_wrong_passwords_are_access_denied(
    card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    with pytest.raises(AccessDeniedError):
        read(card, (replace(passwords[0], date_of_expiry="300101"),), challenge)
    with pytest.raises(AccessDeniedError) as caught:
        read(card, (), challenge)
    assert caught.value.reason is CardReason.NO_PASSWORD


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(short_file_identifiers=False),
        Quirks(longest_read=160),
        Quirks(longest_read=100, short_file_identifiers=False),
        Quirks(select_mf_refused=True, select_with_le_refused=True),
    ],
)
def test_real_cards_peculiarities(
    card: CardProfile,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    quirks: Quirks,
) -> None:
    evidence = read(replace(card, quirks=quirks), passwords, challenge)
    assert check(evidence, trust).report.verdict is Verdict.AUTHENTIC


@pytest.mark.parametrize("commands", [0, 1, 3, 8, 10])
def test_a_card_taken_away_is_said_so(
    card: CardProfile, passwords: Passwords, challenge: Challenge, commands: int
) -> None:
    transport = SimulatedTransport(Chip(card), tear_after=commands)
    with pytest.raises(CardError) as caught:
        read_card(transport, passwords, challenge=challenge)
    assert caught.value.reason is CardReason.CARD_REMOVED


@pytest.mark.parametrize(
    ("defect", "finding"),
    [
        (Defect.PORTRAIT_EXCHANGED, Finding.DATA_GROUP_MISMATCH),
        (Defect.KEY_EXCHANGED, Finding.DATA_GROUP_MISMATCH),
        (Defect.CLONE, Finding.ACTIVE_AUTHENTICATION_FAILED),
        (Defect.SIGNATURE_BROKEN, Finding.SIGNATURE_INVALID),
        (Defect.SIGNER_REVOKED, Finding.SIGNER_REVOKED),
        (Defect.FILE_MISSING, Finding.ACTIVE_AUTHENTICATION_MISSING),
    ],
)
def test_a_defective_card_is_refused_with_its_reason(
    card: CardProfile,
    issuer: Issuer,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    portrait: bytes,
    defect: Defect,
    finding: Finding,
) -> None:
    bad = defects.apply(card, defect, issuer=issuer, portrait=portrait + b"\x00", now=NOW)
    evidence = read(bad, passwords, challenge)
    assert finding in refused(lambda: check(evidence, trust))


def test_a_card_of_an_unknown_issuer_is_unproven(
    card: CardProfile,
    issuer: Issuer,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
) -> None:
    bad = defects.apply(card, Defect.UNKNOWN_CSCA, issuer=issuer, now=NOW)
    with pytest.raises(IdentityUnprovenError) as caught:
        verify(read(bad, passwords, challenge), trust, POLICY, at=None, now=NOW)
    assert caught.value.report.verdict is Verdict.UNPROVEN
    assert Finding.NO_ANCHOR in caught.value.report.reasons


def test_another_states_signer_is_refused(
    card: CardProfile,
    issuer: Issuer,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
) -> None:
    foreign = Issuer.generate(country="UT", kind=KeyKind.P256, now=NOW)
    bad = defects.apply(card, Defect.FOREIGN_ISSUER, issuer=issuer, foreign=foreign, now=NOW)
    both = TrustStore(
        [
            *trust.anchors,
            *parse_certificates(foreign.csca.certificate.public_bytes(Encoding.DER)),
        ],
        realm=Realm.TEST,
    )
    evidence = read(bad, passwords, challenge)
    assert Finding.ISSUER_MISMATCH in refused(lambda: check(evidence, both))


def test_the_answer_to_another_challenge_is_refused(
    evidence: ChipEvidence, trust: TrustStore
) -> None:
    reasons = refused(lambda: check(evidence, trust, expected=bytes(8)))
    assert reasons == (Finding.CHALLENGE_MISMATCH,)


def test_a_claimed_challenge_does_not_help(
    evidence: ChipEvidence, trust: TrustStore, challenge: Challenge
) -> None:
    forged = replace(evidence, challenge=replace(challenge, value=bytes(8)))
    reasons = refused(lambda: check(forged, trust, expected=bytes(8)))
    assert reasons == (Finding.ACTIVE_AUTHENTICATION_FAILED,)


def test_skipped_active_authentication_is_refused(
    card: CardProfile, passwords: Passwords, trust: TrustStore, evidence: ChipEvidence
) -> None:
    skipped = read(card, passwords, None)
    assert refused(lambda: check(skipped, trust)) == (Finding.CHALLENGE_MISSING,)
    silent = replace(evidence, active_authentication=None)
    assert refused(lambda: check(silent, trust)) == (Finding.ACTIVE_AUTHENTICATION_MISSING,)


@pytest.mark.parametrize("name", ["EF.DG1", "EF.DG2", "EF.DG15", "EF.SOD"])
def test_a_file_left_out_is_refused(evidence: ChipEvidence, trust: TrustStore, name: str) -> None:
    files = {key: value for key, value in evidence.files.items() if key != name}
    assert refused(lambda: check(replace(evidence, files=files), trust))


@pytest.mark.parametrize("name", ["EF.DG1", "EF.DG2", "EF.DG13", "EF.DG14", "EF.DG15"])
def test_one_bit_in_a_data_group_is_refused(
    evidence: ChipEvidence, trust: TrustStore, name: str
) -> None:
    changed = bytearray(evidence.files[name])
    changed[-1] ^= 1
    forged = replace(evidence, files={**evidence.files, name: bytes(changed)})
    assert Finding.DATA_GROUP_MISMATCH in refused(lambda: check(forged, trust))


def test_a_group_outside_the_sod_is_reported_and_not_used(
    evidence: ChipEvidence, trust: TrustStore
) -> None:
    more = replace(evidence, files={**evidence.files, "EF.DG11": b"\x6b\x00"})
    report = examine(more, trust, POLICY, at=NOW, now=NOW)
    assert report.verdict is Verdict.AUTHENTIC
    assert report.data_groups[11] == "not_in_sod"
    assert report.reasons == (Finding.DATA_GROUP_NOT_IN_SOD,)


def resigned(evidence: ChipEvidence, issuer: Issuer, name: str, content: bytes) -> ChipEvidence:
    """The evidence of a card that the issuer signed with other content in one file."""
    files = {**evidence.files, name: content}
    groups = {DATA_GROUP_BY_NAME[key]: raw for key, raw in files.items() if "DG" in key}
    return replace(evidence, files={**files, "EF.SOD": issuer.sign(groups, now=NOW)})


def test_a_citizen_file_of_unknown_form_refuses_nobody(
    evidence: ChipEvidence, trust: TrustStore, issuer: Issuer
) -> None:
    odd = resigned(evidence, issuer, "EF.DG13", b"\x6d\x02\x05\x00")
    identity = check(odd, trust)
    assert identity.full_name is None
    assert identity.report.reasons == (Finding.DATA_GROUP_MALFORMED,)


@pytest.mark.parametrize("name", ["EF.DG1", "EF.DG2"])
def test_without_name_or_face_there_is_no_identity(
    evidence: ChipEvidence, trust: TrustStore, issuer: Issuer, name: str
) -> None:
    odd = resigned(evidence, issuer, name, evidence.files[name][:1] + b"\x02\x05\x00")
    assert Finding.DATA_GROUP_MALFORMED in refused(lambda: check(odd, trust))


def test_test_and_live_never_meet(evidence: ChipEvidence, trust: TrustStore) -> None:
    reasons = refused(lambda: check(evidence, trust, Policy(Realm.LIVE)))
    assert reasons == (Finding.REALM_MISMATCH,)


def test_policy_decides_on_states_and_documents(evidence: ChipEvidence, trust: TrustStore) -> None:
    other_state = Policy(Realm.TEST, frozenset({"UTO"}))
    assert refused(lambda: check(evidence, trust, other_state)) == (Finding.STATE_NOT_ACCEPTED,)
    passports = Policy(Realm.TEST, None, frozenset({"P"}))
    assert refused(lambda: check(evidence, trust, passports)) == (
        Finding.DOCUMENT_CODE_NOT_ACCEPTED,
    )


def test_a_proof_never_outranks_the_signature(
    card: CardProfile,
    issuer: Issuer,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
) -> None:
    """A forger signs his own DG15: its proof counts as absent."""
    bad = defects.apply(card, Defect.SIGNATURE_BROKEN, issuer=issuer, now=NOW)
    report = examine(read(bad, passwords, challenge), trust, POLICY, at=NOW, now=NOW)
    assert (report.verdict, report.active_authentication) == (Verdict.REFUSED, ChipProof.ABSENT)


def test_nothing_else_builds_a_verified_identity(evidence: ChipEvidence, trust: TrustStore) -> None:
    identity = check(evidence, trust)
    with pytest.raises(TypeError):
        VerifiedIdentity(
            None, "", "", ("", ""), None, NOW.date(), "M", "VNM", NOW.date(), b"", "", None,
            identity.report,
        )  # fmt: skip
    with pytest.raises((TypeError, ValueError)):
        replace(identity, personal_number="001206012346")
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            attempt(identity)
    assert identity.personal_number not in repr(identity)


def test_evidence_survives_its_bytes(evidence: ChipEvidence, trust: TrustStore) -> None:
    again = ChipEvidence.from_bytes(evidence.to_bytes())
    assert again == evidence
    assert check(again, trust).personal_number == "001206012345"


def test_a_report_has_the_keys_of_the_command(evidence: ChipEvidence, trust: TrustStore) -> None:
    report = examine(evidence, trust, POLICY, at=NOW, now=NOW).to_dict()
    assert report["verdict"] == "authentic"
    assert report["data_groups"] == {
        "1": "match", "2": "match", "3": "not_read", "13": "match", "14": "match", "15": "match",
    }  # fmt: skip
    assert report["revocation"] == "good"
    assert report["anchors"] == [anchor.sha256 for anchor in trust.anchors]


@pytest.mark.parametrize("number", [14, 15])
def test_a_file_that_proves_the_chip_is_not_to_be_left_away(
    evidence: ChipEvidence, trust: TrustStore, number: int
) -> None:
    files = {name: raw for name, raw in evidence.files.items() if name != f"EF.DG{number}"}
    reasons = refused(lambda: check(replace(evidence, files=files), trust))
    assert Finding.DATA_GROUP_MISSING in reasons


def test_an_authority_signs_no_documents(
    evidence: ChipEvidence, trust: TrustStore, issuer: Issuer
) -> None:
    groups = {
        DATA_GROUP_BY_NAME[name]: raw
        for name, raw in evidence.files.items()
        if name in DATA_GROUP_BY_NAME
    }
    sod = issuer.sign(groups, now=NOW, signer=issuer.csca)
    files = {**evidence.files, "EF.SOD": sod}
    reasons = refused(lambda: check(replace(evidence, files=files), trust))
    assert Finding.SIGNER_MAY_NOT_SIGN in reasons


def test_what_an_unproven_card_claims_is_what_its_sod_covers(
    evidence: ChipEvidence, holder: Holder
) -> None:
    with pytest.raises(IdentityUnprovenError) as caught:
        check(evidence, TrustStore((), realm=Realm.TEST))
    claimed = caught.value.claimed
    assert (claimed.personal_number, claimed.full_name) == (holder.number, "Nguyễn Văn An")
    assert holder.number not in repr(claimed)
