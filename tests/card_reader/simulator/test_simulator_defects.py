"""Every defect, read from the chip and refused or limited for its own reason."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from card_reader.access.passwords import MrzPassword
from card_reader.channel import Exchange
from card_reader.errors import CardError, CardReason, ChipError, ReaderError
from card_reader.evidence import AccessPolicy, Challenge, ChipEvidence, Freshness
from card_reader.reader import read_card
from card_reader.simulator import defects
from card_reader.simulator.chip import Chip
from card_reader.simulator.faults import ReplayingChip, TornTransport, WrongMacChip
from card_reader.simulator.issuer import Issuer, KeyKind
from card_reader.simulator.personalisation import CannotIssueError, Holder
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.simulator.recipe import (
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    PaceRecipe,
    Recipe,
)
from card_reader.simulator.transport import SimulatedTransport
from card_reader.trust.certificates import parse_certificate
from card_reader.trust.crl import parse_crl
from card_reader.trust.findings import Finding
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import (
    ChipProof,
    IdentityRefusedError,
    IdentityUnprovenError,
    Policy,
    ProofRule,
    Report,
    Verdict,
    examine,
    verify,
)

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
CHALLENGE = Challenge("challenge-1", bytes.fromhex("F173589974BF40C6"), Freshness.SERVER)
OTHER_CHALLENGE = Challenge("challenge-2", bytes.fromhex("0011223344556677"), Freshness.SERVER)
POLICY = Policy(Realm.TEST)
EC_KEY = ActiveAuthenticationRecipe(KeyKind.P256)
PACE = PaceRecipe("PACE-ECDH-GM-AES-CBC-CMAC-128", 13)
CAM = PaceRecipe("PACE-ECDH-CAM-AES-CBC-CMAC-128", 13)


@pytest.fixture(scope="module")
def withdrawn() -> Issuer:
    """The former issuer of the same name, whose authority its successor revoked."""
    return Issuer.generate(kind=KeyKind.P256, now=NOW)


@pytest.fixture(scope="module")
def issuer(withdrawn: Issuer) -> Issuer:
    renewed = withdrawn.renew(now=NOW)
    return renewed.revoking([withdrawn.csca.certificate.serial_number], now=NOW)


@pytest.fixture(scope="module")
def foreign() -> Issuer:
    return Issuer.generate(country="XX", kind=KeyKind.P256, now=NOW)


@pytest.fixture(scope="module")
def trust(issuer: Issuer, withdrawn: Issuer, foreign: Issuer) -> TrustStore:
    anchors = [parse_certificate(item.csca.der) for item in (issuer, withdrawn, foreign)]
    lists = [parse_crl(item.crl.public_bytes(Encoding.DER)) for item in (issuer, foreign)]
    return TrustStore(anchors, crls=lists, realm=Realm.TEST)


Make = Callable[[Recipe], CardProfile]
Break = Callable[..., CardProfile]


@pytest.fixture
def make(issuer: Issuer, holder: Holder, portrait: bytes) -> Make:
    return lambda recipe: issuer.issue(holder, portrait, recipe=recipe, now=NOW)


@pytest.fixture(scope="module")
def good(issuer: Issuer, holder: Holder, portrait: bytes) -> CardProfile:
    recipe = Recipe(active_authentication=EC_KEY)
    return issuer.issue(holder, portrait, recipe=recipe, now=NOW)


@pytest.fixture
def broken(issuer: Issuer, foreign: Issuer, withdrawn: Issuer, other_portrait: bytes) -> Break:
    def apply(card: CardProfile, defect: Defect, data_group: int | None = None) -> CardProfile:
        return defects.apply(
            card,
            defect,
            issuer=issuer,
            portrait=other_portrait,
            foreign=foreign,
            withdrawn=withdrawn,
            data_group=data_group,
            now=NOW,
        )

    return apply


def password_of(card: CardProfile) -> MrzPassword:
    keys = card.access
    return MrzPassword(keys.document_number, keys.date_of_birth, keys.date_of_expiry)


def read(card: CardProfile, chip: Chip | None = None) -> ChipEvidence:
    transport = SimulatedTransport(chip or Chip(card))
    return read_card(transport, [password_of(card)], challenge=CHALLENGE, now=lambda: NOW)


def refusal(evidence: ChipEvidence, trust: TrustStore, policy: Policy = POLICY) -> Report:
    with pytest.raises(IdentityRefusedError) as caught:
        verify(evidence, trust, policy, at=NOW, expected_challenge=CHALLENGE.value, now=NOW)
    return caught.value.report


def test_the_good_card_is_authentic(good: CardProfile, trust: TrustStore) -> None:
    identity = verify(
        read(good), trust, POLICY, at=NOW, expected_challenge=CHALLENGE.value, now=NOW
    )
    assert identity.report.verdict is Verdict.AUTHENTIC
    assert identity.report.reasons == ()


@pytest.mark.parametrize(
    ("defect", "finding"),
    [
        (Defect.PORTRAIT_EXCHANGED, Finding.DATA_GROUP_MISMATCH),
        (Defect.KEY_EXCHANGED, Finding.DATA_GROUP_MISMATCH),
        (Defect.CLONE, Finding.ACTIVE_AUTHENTICATION_FAILED),
        (Defect.SIGNATURE_BROKEN, Finding.SIGNATURE_INVALID),
        (Defect.SIGNER_REVOKED, Finding.SIGNER_REVOKED),
        (Defect.AUTHORITY_REVOKED, Finding.ANCHOR_REVOKED),
        (Defect.SIGNER_EXPIRED, Finding.SIGNER_EXPIRED),
        (Defect.FOREIGN_ISSUER, Finding.ISSUER_MISMATCH),
        (Defect.FILE_MISSING, Finding.DATA_GROUP_MISSING),
    ],
)
def test_each_defect_is_refused_for_its_reason(
    defect: Defect, finding: Finding, good: CardProfile, broken: Break, trust: TrustStore
) -> None:
    report = refusal(read(broken(good, defect)), trust)
    assert finding in report.reasons


@pytest.mark.parametrize("number", [1, 2, 13, 14, 15])
def test_any_data_group_that_was_tampered_with(
    number: int, good: CardProfile, broken: Break, trust: TrustStore
) -> None:
    report = refusal(read(broken(good, Defect.DATA_GROUP_TAMPERED, number)), trust)
    assert report.data_groups[number] == "mismatch"
    assert Finding.DATA_GROUP_MISMATCH in report.reasons


@pytest.mark.parametrize("number", [1, 2, 14, 15])
def test_any_needed_file_that_is_missing(
    number: int, good: CardProfile, broken: Break, trust: TrustStore
) -> None:
    report = refusal(read(broken(good, Defect.FILE_MISSING, number)), trust)
    assert report.data_groups[number] == "not_read"
    assert Finding.DATA_GROUP_MISSING in report.reasons


def test_an_unknown_authority_leaves_it_unproven(
    good: CardProfile, broken: Break, trust: TrustStore
) -> None:
    evidence = read(broken(good, Defect.UNKNOWN_CSCA))
    with pytest.raises(IdentityUnprovenError) as caught:
        verify(evidence, trust, POLICY, at=NOW, now=NOW)
    assert Finding.NO_ANCHOR in caught.value.report.reasons


def test_an_expired_signer_changes_nothing_without_a_day(
    good: CardProfile, broken: Break, trust: TrustStore
) -> None:
    report = examine(read(broken(good, Defect.SIGNER_EXPIRED)), trust, POLICY, at=None, now=NOW)
    assert (report.verdict, report.dates) == ("authentic", "expired")


def test_a_group_outside_the_sod_is_not_used(
    good: CardProfile, broken: Break, trust: TrustStore
) -> None:
    """EF.DG15 that nobody signed: the chip's proof with it counts for nothing."""
    card = broken(good, Defect.DATA_GROUP_UNSIGNED, 15)
    evidence = read(card)
    assert "EF.DG15" not in evidence.files
    demanding = replace(POLICY, require_active_authentication=ProofRule.ALWAYS)
    report = refusal(evidence, trust, demanding)
    assert Finding.ACTIVE_AUTHENTICATION_MISSING in report.reasons
    smuggled = replace(evidence, files={**evidence.files, "EF.DG15": card.files[0x010F]})
    report = examine(smuggled, trust, demanding, at=NOW, now=NOW)
    assert Finding.DATA_GROUP_NOT_IN_SOD in report.reasons
    assert report.active_authentication is ChipProof.ABSENT


def test_a_weaker_offer_than_the_signed_one(make: Make, broken: Break, trust: TrustStore) -> None:
    recipe = Recipe(access=AccessRecipe(pace=(PACE,)), active_authentication=EC_KEY)
    evidence = read(broken(make(recipe), Defect.CARD_ACCESS_ALTERED))
    assert evidence.access.oid == "0.4.0.127.0.7.2.2.4.2.1"  # ECDH-GM-3DES: the attack worked
    assert Finding.CARD_ACCESS_MISMATCH in refusal(evidence, trust).reasons


@pytest.mark.parametrize("cipher", ["CA-ECDH-AES-CBC-CMAC-128", "CA-ECDH-3DES-CBC-CBC"])
def test_a_clone_without_the_key_of_chip_authentication(
    cipher: str, make: Make, broken: Break, trust: TrustStore
) -> None:
    choice = ChipAuthenticationRecipe((cipher,), 13)
    card = make(Recipe(chip_authentication=(choice,), active_authentication=None))
    proven = verify(read(card), trust, POLICY, at=NOW, now=NOW).report
    assert proven.chip_authentication is ChipProof.STATION_OBSERVED
    report = refusal(read(broken(card, Defect.CHIP_KEY_CLONED)), trust)
    assert report.chip_authentication is ChipProof.FAILED
    assert Finding.CHIP_AUTHENTICATION_FAILED in report.reasons


def test_a_clone_without_the_key_of_chip_mapping(
    make: Make, broken: Break, trust: TrustStore
) -> None:
    recipe = Recipe(access=AccessRecipe(pace=(CAM,)), chip_mapping=13, active_authentication=None)
    card = make(recipe)
    proven = verify(read(card), trust, POLICY, at=NOW, now=NOW).report
    assert proven.chip_authentication is ChipProof.STATION_OBSERVED
    report = refusal(read(broken(card, Defect.MAPPING_KEY_CLONED)), trust)
    assert Finding.CHIP_MAPPING_FAILED in report.reasons


# --- faults while reading -----------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 2, 5, 9])
def test_a_wrong_mac_yields_no_file(at: int, good: CardProfile, trust: TrustStore) -> None:
    """The reader opens the chip again or gives up: a forged response is never taken."""
    try:
        evidence = read(good, WrongMacChip(good, at))
    except ChipError:
        return
    assert all(good.files[number] == evidence.files[name] for name, number in NAMES.items())


NAMES = {"EF.SOD": 0x011D, "EF.DG1": 0x0101, "EF.DG2": 0x0102, "EF.DG13": 0x010D}


class _AlwaysWrong(WrongMacChip):
    """Every protected response is forged."""

    def transmit(self, command: bytes) -> bytes:
        self._at = self._protected + 1
        return super().transmit(command)


@pytest.mark.parametrize("pace", [(), (PACE,)])
def test_wrong_macs_throughout_are_refused(pace: tuple[PaceRecipe, ...], make: Make) -> None:
    card = make(Recipe(access=AccessRecipe(pace=pace), active_authentication=EC_KEY))
    with pytest.raises(ChipError):
        read(card, _AlwaysWrong(card, 1))


def test_a_card_torn_off_at_any_byte(good: CardProfile, make: Make) -> None:
    """Every command and every response is cut once: our error, never half a file."""
    recorded: list[Exchange] = []
    read_card(
        SimulatedTransport(Chip(good)),
        [password_of(good)],
        challenge=CHALLENGE,
        recorder=recorded.append,
    )
    total, cuts = 0, [0]
    for exchange in recorded:
        for part in (exchange.command, exchange.response):
            cuts += [total + len(part) // 2, total + len(part) - 1]
            total += len(part)
    for cut in cuts:
        torn = TornTransport(SimulatedTransport(Chip(good)), cut)
        given: dict[str, bytes] = {}
        with pytest.raises(ReaderError) as caught:
            read_card(torn, [password_of(good)], challenge=CHALLENGE, on_file=given.__setitem__)
        assert caught.value.reason is CardReason.CARD_REMOVED
        assert all(
            good.files[NAMES[name]] == content for name, content in given.items() if name in NAMES
        )


@pytest.mark.parametrize("pace", [(), (PACE,)])
def test_a_replayed_session_opens_nothing(pace: tuple[PaceRecipe, ...], make: Make) -> None:
    card = make(Recipe(access=AccessRecipe(pace=pace), active_authentication=EC_KEY))
    recorded: list[Exchange] = []
    password = [password_of(card)]
    read_card(
        SimulatedTransport(Chip(card)), password, challenge=CHALLENGE, recorder=recorded.append
    )
    responses = tuple(exchange.response for exchange in recorded)
    with pytest.raises(CardError) as caught:
        read(card, ReplayingChip(card, responses))
    assert "\n" not in str(caught.value)


def test_replayed_evidence_is_refused(good: CardProfile, trust: TrustStore) -> None:
    """What a station kept of an earlier reading does not answer a new challenge."""
    evidence = read(good)
    with pytest.raises(IdentityRefusedError) as caught:
        verify(evidence, trust, POLICY, at=NOW, expected_challenge=OTHER_CHALLENGE.value, now=NOW)
    assert Finding.CHALLENGE_MISMATCH in caught.value.report.reasons
    relabelled = replace(evidence, challenge=OTHER_CHALLENGE)
    with pytest.raises(IdentityRefusedError) as caught:
        verify(relabelled, trust, POLICY, at=NOW, expected_challenge=OTHER_CHALLENGE.value, now=NOW)
    assert Finding.ACTIVE_AUTHENTICATION_FAILED in caught.value.report.reasons


# --- making defects -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "defect",
    [
        Defect.PORTRAIT_EXCHANGED,
        Defect.FOREIGN_ISSUER,
        Defect.AUTHORITY_REVOKED,
        Defect.CARD_ACCESS_ALTERED,
        Defect.CHIP_KEY_CLONED,
        Defect.MAPPING_KEY_CLONED,
    ],
)
def test_a_defect_says_what_it_needs(defect: Defect, good: CardProfile, issuer: Issuer) -> None:
    with pytest.raises(CannotIssueError):
        defects.apply(good, defect, issuer=issuer, now=NOW)


def test_a_card_without_a_key_has_no_clone(make: Make, issuer: Issuer) -> None:
    card = make(Recipe(active_authentication=None))
    for defect in (Defect.CLONE, Defect.KEY_EXCHANGED, Defect.FILE_MISSING):
        with pytest.raises(CannotIssueError):
            defects.apply(card, defect, issuer=issuer, now=NOW)


def test_defects_add_up(good: CardProfile, broken: Break) -> None:
    twice = broken(broken(good, Defect.CLONE), Defect.SIGNATURE_BROKEN)
    assert twice.defects == (Defect.CLONE, Defect.SIGNATURE_BROKEN)


def test_an_expired_signer_was_valid_once(
    good: CardProfile, broken: Break, trust: TrustStore
) -> None:
    card = broken(good, Defect.SIGNER_EXPIRED)
    earlier = NOW - timedelta(days=30)
    report = examine(read(card), trust, POLICY, at=earlier, now=earlier)
    assert report.dates == "valid"


def test_the_policy_decides_over_a_downgrade(make: Make, trust: TrustStore) -> None:
    """The good card with PACE, read with BAC by an old reader's evidence."""
    recipe = Recipe(access=AccessRecipe(pace=(PACE,)), active_authentication=EC_KEY)
    evidence = read(make(recipe))
    assert evidence.access.protocol == "pace"
    strict = replace(POLICY, access=AccessPolicy.PACE_ONLY)
    assert verify(evidence, trust, strict, at=NOW, now=NOW).report.verdict is Verdict.AUTHENTIC
