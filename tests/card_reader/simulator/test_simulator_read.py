"""The project's own reader against the simulated chip: every defect gets its verdict."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from card_reader.access.citizen_card import cccd_passwords
from card_reader.access.passwords import MrzPassword
from card_reader.errors import AccessDeniedError, CardReason, ReaderError
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.reader import read_card
from card_reader.simulator import defects
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer, KeyKind
from card_reader.simulator.profile import CardProfile, Defect, Quirks
from card_reader.simulator.transport import SimulatedTransport
from card_reader.trust.findings import Finding
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import (
    ChipProof,
    IdentityRefusedError,
    IdentityUnprovenError,
    Policy,
    examine,
    verify,
)

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
CHALLENGE = Challenge("challenge-1", bytes.fromhex("F173589974BF40C6"), Freshness.SERVER)
PASSWORDS = cccd_passwords("001206012345", date(2006, 5, 17), today=NOW.date())
POLICY = Policy(Realm.TEST)


@pytest.fixture(scope="module")
def foreign() -> Issuer:
    return Issuer.generate(country="XX", kind=KeyKind.P256)


@pytest.fixture(scope="module")
def trust(issuer: Issuer, foreign: Issuer, tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    """Both issuers' authorities and revocation lists, as an operator would load them."""
    folders = [tmp_path_factory.mktemp(name) for name in ("issuer", "foreign")]
    issuer.save(folders[0])
    foreign.save(folders[1])
    return TrustStore.load(
        [folder / "csca.pem" for folder in folders],
        crls=[folder / "crl.pem" for folder in folders],
        realm=Realm.TEST,
    )


def read(profile: CardProfile) -> ChipEvidence:
    transport = SimulatedTransport(Chip(profile))
    return read_card(transport, PASSWORDS, challenge=CHALLENGE, now=lambda: NOW)


@pytest.mark.parametrize(
    "kind",
    [
        KeyKind.BRAINPOOL_P384R1,
        KeyKind.P256,
        pytest.param(KeyKind.RSA_3072, marks=pytest.mark.slow),
    ],
)
def test_a_good_card_is_authentic(
    kind: KeyKind, holder: object, portrait: bytes, card: CardProfile, tmp_path: Path
) -> None:
    issuer = Issuer.create(tmp_path, kind=kind)
    evidence = read(issuer.issue(holder, portrait))
    trust = TrustStore.load([tmp_path / "csca.pem"], crls=[tmp_path / "crl.pem"], realm=Realm.TEST)
    identity = verify(evidence, trust, POLICY, at=None, expected_challenge=CHALLENGE.value, now=NOW)
    assert identity.personal_number == "001206012345"
    assert identity.full_name == "Nguyễn Văn An"
    assert identity.portrait == portrait
    assert identity.report.active_authentication is ChipProof.PASSED


def test_what_was_read_is_what_was_issued(card: CardProfile) -> None:
    evidence = read(card)
    by_name = {"EF.SOD": 0x011D}  # nobody needs EF.COM where the proofs are there
    by_name |= {f"EF.DG{n}": 0x0100 + n for n in (1, 2, 13, 14, 15)}
    assert evidence.files == {name: card.files[number] for name, number in by_name.items()}
    assert evidence.atr == card.atr


@pytest.mark.parametrize(
    ("defect", "finding"),
    [
        (Defect.PORTRAIT_EXCHANGED, Finding.DATA_GROUP_MISMATCH),
        (Defect.KEY_EXCHANGED, Finding.DATA_GROUP_MISMATCH),
        (Defect.CLONE, Finding.ACTIVE_AUTHENTICATION_FAILED),
        (Defect.FOREIGN_ISSUER, Finding.ISSUER_MISMATCH),
    ],
)
def test_each_defect_is_refused_with_its_reason(
    defect: Defect,
    finding: Finding,
    card: CardProfile,
    issuer: Issuer,
    foreign: Issuer,
    trust: TrustStore,
    other_portrait: bytes,
) -> None:
    broken = defects.apply(
        card, defect, issuer=issuer, portrait=other_portrait, foreign=foreign, now=NOW
    )
    with pytest.raises(IdentityRefusedError) as caught:
        verify(read(broken), trust, POLICY, at=None, now=NOW)
    assert finding in caught.value.report.reasons


def test_a_broken_signature_is_refused(
    card: CardProfile, issuer: Issuer, trust: TrustStore
) -> None:
    broken = defects.apply(card, Defect.SIGNATURE_BROKEN, issuer=issuer)
    with pytest.raises(IdentityRefusedError) as caught:
        verify(read(broken), trust, POLICY, at=None, now=NOW)
    assert caught.value.report.signature == "invalid"


def test_a_revoked_signer_is_refused(card: CardProfile, issuer: Issuer, trust: TrustStore) -> None:
    broken = defects.apply(card, Defect.SIGNER_REVOKED, issuer=issuer, now=NOW)
    with pytest.raises(IdentityRefusedError) as caught:
        verify(read(broken), trust, POLICY, at=None, now=NOW)
    assert caught.value.report.revocation == "revoked"


def test_an_unknown_authority_proves_nothing(
    card: CardProfile, issuer: Issuer, trust: TrustStore
) -> None:
    broken = defects.apply(card, Defect.UNKNOWN_CSCA, issuer=issuer, now=NOW)
    with pytest.raises(IdentityUnprovenError) as caught:
        verify(read(broken), trust, POLICY, at=None, now=NOW)
    assert caught.value.report.chain == "no_anchor"


def test_a_listed_file_that_is_missing_is_refused(
    card: CardProfile, issuer: Issuer, trust: TrustStore
) -> None:
    broken = defects.apply(card, Defect.FILE_MISSING, issuer=issuer)
    with pytest.raises(IdentityRefusedError) as caught:
        verify(read(broken), trust, POLICY, at=None, now=NOW)
    assert caught.value.report.data_groups[15] == "not_read"


def test_a_card_of_realm_test_is_nothing_in_realm_live(
    card: CardProfile, trust: TrustStore
) -> None:
    report = examine(read(card), trust, Policy(Realm.LIVE), at=None, now=NOW)
    assert report.verdict == "refused"


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(short_file_identifiers=False),
        Quirks(longest_read=160),
        Quirks(select_with_le_refused=True, select_mf_refused=True),
        Quirks(extended_length=False),
    ],
)
def test_quirks_do_not_hinder_the_reader(
    quirks: Quirks, card: CardProfile, trust: TrustStore
) -> None:
    identity = verify(read(replace(card, quirks=quirks)), trust, POLICY, at=None, now=NOW)
    assert identity.report.verdict == "authentic"


def test_wrong_mrz_data_open_nothing(card: CardProfile) -> None:
    wrong = (MrzPassword("206012345", "060517", "310518"),)
    with pytest.raises(AccessDeniedError):
        read_card(SimulatedTransport(Chip(card)), wrong, challenge=CHALLENGE)


def test_a_card_torn_off_at_any_moment_is_our_error(card: CardProfile) -> None:
    chip = Chip(card)
    counter = _Counting(chip)
    read_card(counter, PASSWORDS, challenge=CHALLENGE)
    for count in range(0, counter.commands, 7):
        transport = SimulatedTransport(chip, tear_after=count)
        with pytest.raises(ReaderError) as caught:
            read_card(transport, PASSWORDS, challenge=CHALLENGE)
        assert caught.value.reason is CardReason.CARD_REMOVED


class _Counting:
    """Counts the commands that pass."""

    def __init__(self, chip: Chip) -> None:
        self._transport = SimulatedTransport(chip)
        self.transmit_inside: Callable[[bytes], bytes] = self._transport.transmit
        self.commands = 0

    @property
    def atr(self) -> bytes:
        return self._transport.atr

    def transmit(self, command: bytes) -> bytes:
        self.commands += 1
        return self.transmit_inside(command)

    def close(self) -> None:
        self._transport.close()
