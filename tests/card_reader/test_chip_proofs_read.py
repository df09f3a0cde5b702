"""From a simulated chip to the report: every way in which it can prove itself, and clones."""

import pytest
from proof_cards import (
    ACTIVE,
    BOTH,
    CA_ONLY,
    CAM_ONLY,
    NOW,
    Cards,
    cards,
    report_of,
)

from card_reader.access.passwords import MrzPassword
from card_reader.chip.chip_authentication import RemoteOffer
from card_reader.chip.terminal_session import RemoteProof, TerminalSession
from card_reader.evidence import Challenge, ChipEvidence
from card_reader.reader import read_card
from card_reader.secure_messaging import SessionKeys
from card_reader.simulator import defects
from card_reader.simulator.catalogue import profile_with, recipe_with
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.simulator.recipe import (
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    ParameterEncoding,
    Recipe,
)
from card_reader.simulator.signing_keys import KeyKind
from card_reader.simulator.transport import SimulatedTransport
from card_reader.trust.findings import Finding
from card_reader.trust.store import TrustStore
from card_reader.verify import ChipProof, Report, Verdict

pytestmark = pytest.mark.slow

__all__ = ["cards"]

Passwords = tuple[MrzPassword, ...]


def chip_key(
    protocol: str, parameter_id: int, key_id: int | None = None, **options: object
) -> ChipAuthenticationRecipe:
    return ChipAuthenticationRecipe((protocol,), parameter_id, key_id, **options)


KEYS = {
    "first generation": chip_key("CA-DH-3DES-CBC-CBC", 1, announced=False),
    "3DES": chip_key("CA-ECDH-3DES-CBC-CBC", 11, 1, encoding=ParameterEncoding.EXPLICIT),
    "AES-128": chip_key("CA-ECDH-AES-CBC-CMAC-128", 8),
    "AES-192": chip_key("CA-ECDH-AES-CBC-CMAC-192", 14, 0x1234),
    "AES-256": chip_key("CA-ECDH-AES-CBC-CMAC-256", 18, encoding=ParameterEncoding.STANDARDISED),
    "long DH key": chip_key("CA-DH-AES-CBC-CMAC-256", 2),
}


class Server:
    """A remote terminal in one process: its sessions live through their bytes alone."""

    def __init__(self) -> None:
        self._stored = b""

    def begin(self, security_infos_file: bytes) -> RemoteOffer:
        session = TerminalSession.create(security_infos_file)
        self._stored = session.to_bytes()
        return session.offer

    def release(self, session: str, response: bytes) -> SessionKeys:
        run = TerminalSession.from_bytes(self._stored)
        assert run.offer.session == session
        try:
            return run.release(response)
        finally:
            self._stored = run.to_bytes()

    def proof(self) -> RemoteProof | None:
        return TerminalSession.from_bytes(self._stored).proof()


def judged(
    card: CardProfile,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    server: Server | None = None,
) -> Report:
    evidence = read_card(
        SimulatedTransport(Chip(card)),
        passwords,
        challenge=challenge,
        terminal=server,
        now=lambda: NOW,
    )
    again = ChipEvidence.from_bytes(evidence.to_bytes())
    return report_of(again, trust, remote=server.proof() if server else None)


@pytest.mark.parametrize("name", KEYS)
def test_the_station_observes_and_the_server_proves(
    cards: Cards, passwords: Passwords, challenge: Challenge, trust: TrustStore, name: str
) -> None:
    card = cards(Recipe(chip_authentication=(KEYS[name],), active_authentication=None))
    report = judged(card, passwords, challenge, trust)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())
    assert report.chip_authentication is ChipProof.STATION_OBSERVED
    report = judged(card, passwords, challenge, trust, Server())
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())
    assert report.chip_authentication is ChipProof.PASSED


def test_of_several_keys_the_strongest_is_used(
    cards: Cards, passwords: Passwords, challenge: Challenge
) -> None:
    keys = (
        chip_key("CA-ECDH-3DES-CBC-CBC", 8, 1),
        chip_key("CA-ECDH-AES-CBC-CMAC-256", 13, 2),
        chip_key("CA-DH-AES-CBC-CMAC-256", 0, 3),
    )
    card = cards(Recipe(chip_authentication=keys, active_authentication=None))
    evidence = read_card(SimulatedTransport(Chip(card)), passwords, challenge=challenge)
    assert evidence.chip_authentication is not None
    assert evidence.chip_authentication.key_id == 2


@pytest.mark.parametrize(
    "active",
    [ACTIVE, ActiveAuthenticationRecipe(KeyKind.RSA_1536, "sha512"),
     ActiveAuthenticationRecipe(KeyKind.RSA_1024, "sha1"),
     ActiveAuthenticationRecipe(KeyKind.P256, "sha224"),
     ActiveAuthenticationRecipe(KeyKind.BRAINPOOL_P384R1, "sha384")],
)  # fmt: skip
def test_both_proofs_of_one_chip(
    cards: Cards,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    active: ActiveAuthenticationRecipe,
) -> None:
    card = cards(Recipe(chip_authentication=(KEYS["AES-128"],), active_authentication=active))
    report = judged(card, passwords, challenge, trust)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())
    assert report.active_authentication is ChipProof.PASSED
    assert report.chip_authentication is ChipProof.STATION_OBSERVED


def test_pace_with_chip_mapping_needs_no_further_proof(
    cards: Cards, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    report = judged(cards(CAM_ONLY), passwords, challenge, trust)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())
    assert report.chip_authentication is ChipProof.STATION_OBSERVED


@pytest.mark.parametrize("server", [None, Server()])
@pytest.mark.parametrize("recipe", [CA_ONLY, BOTH])
def test_a_clone_without_the_chips_key_is_refused(
    cards: Cards,
    issuer: Issuer,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    recipe: Recipe,
    server: Server | None,
) -> None:
    clone = defects.apply(cards(recipe), Defect.CHIP_KEY_CLONED, issuer=issuer, now=NOW)
    report = judged(clone, passwords, challenge, trust, server)
    assert report.verdict is Verdict.REFUSED
    assert Finding.CHIP_AUTHENTICATION_FAILED in report.reasons
    assert report.chip_authentication is ChipProof.FAILED


@pytest.mark.parametrize("server", [None, Server()])
def test_a_chip_that_takes_no_key_id_proves_itself_all_the_same(
    cards: Cards,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    server: Server | None,
) -> None:
    """Its files give the key an id, which it refuses to hear."""
    card = profile_with(cards(CA_ONLY), "chip_authentication_key_id_refused")
    report = judged(card, passwords, challenge, trust, server)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())
    proof = ChipProof.PASSED if server else ChipProof.STATION_OBSERVED
    assert report.chip_authentication is proof


@pytest.mark.parametrize("server", [None, Server()])
def test_triple_des_goes_the_way_that_the_chip_knows(
    cards: Cards,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    server: Server | None,
) -> None:
    recipe = recipe_with(CA_ONLY, "chip_authentication_without_set_kat")
    card = profile_with(cards(recipe), "chip_authentication_without_set_kat")
    report = judged(card, passwords, challenge, trust, server)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())
    proof = ChipProof.PASSED if server else ChipProof.STATION_OBSERVED
    assert report.chip_authentication is proof


def test_a_clone_without_the_mapping_key_is_refused(
    cards: Cards, issuer: Issuer, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    clone = defects.apply(cards(CAM_ONLY), Defect.MAPPING_KEY_CLONED, issuer=issuer, now=NOW)
    report = judged(clone, passwords, challenge, trust)
    assert report.reasons == (Finding.CHIP_MAPPING_FAILED,)


def test_a_weaker_offer_in_ef_card_access_is_refused(
    cards: Cards, issuer: Issuer, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    altered = defects.apply(cards(BOTH), Defect.CARD_ACCESS_ALTERED, issuer=issuer, now=NOW)
    report = judged(altered, passwords, challenge, trust)
    assert report.verdict is Verdict.REFUSED
    assert Finding.CARD_ACCESS_MISMATCH in report.reasons
