"""Every quirk of the catalogue: the project's reader copes with it, or refuses with the reason."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from card_reader.access.citizen_card import cccd_passwords
from card_reader.access.passwords import MrzPassword, Password
from card_reader.errors import AccessDeniedError, CardError, CardReason, UnreadableInputError
from card_reader.evidence import AccessPolicy, Challenge, ChipEvidence, Downgrade, Freshness
from card_reader.reader import read_card
from card_reader.reading.strategy import CardMemory
from card_reader.simulator import catalogue
from card_reader.simulator.catalogue import CATALOGUE
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.quirks import Quirks, from_document, to_document
from card_reader.simulator.recipe import Recipe
from card_reader.simulator.transport import SimulatedTransport
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import Policy, examine

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
CHALLENGE = Challenge("challenge-1", bytes.fromhex("F173589974BF40C6"), Freshness.SERVER)
PASSWORDS = cccd_passwords("001206012345", date(2006, 5, 17), today=NOW.date())
WRONG = MrzPassword("206012345", "060517", "310518")
POLICY = Policy(Realm.TEST)

# The quirks with which PACE is offered and cannot succeed: no reading without a named downgrade.
PACE_DEAD = ("pace_fails", "pace_refused")

Make = Callable[..., CardProfile]


@pytest.fixture(scope="module")
def trust(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    folder = tmp_path_factory.mktemp("issuer")
    issuer.save(folder)
    return TrustStore.load([folder / "csca.pem"], crls=[folder / "crl.pem"], realm=Realm.TEST)


@pytest.fixture(scope="module")
def make(issuer: Issuer, holder: Holder, portrait: bytes, card: CardProfile) -> Make:
    """The card with these quirks, made anew only where they need it."""

    @cache
    def made(*names: str) -> CardProfile:
        if not any(CATALOGUE[name].needs_recipe for name in names):
            return catalogue.profile_with(card, *names)
        recipe = catalogue.recipe_with(Recipe(), *names)
        return catalogue.profile_with(issuer.issue(holder, portrait, recipe=recipe), *names)

    return made


class Counting(SimulatedTransport):
    """Counts the commands that pass."""

    commands = 0

    def transmit(self, command: bytes) -> bytes:
        self.commands += 1
        return super().transmit(command)


def read(
    profile: CardProfile,
    passwords: Sequence[Password] = PASSWORDS,
    *,
    transport: SimulatedTransport | None = None,
    **changes: Any,
) -> ChipEvidence:
    transport = transport or SimulatedTransport(Chip(profile, sleep=lambda seconds: None))
    return read_card(
        transport,
        passwords,
        challenge=CHALLENGE,
        now=lambda: NOW,
        **changes,
    )


def test_the_catalogue_is_large_and_says_what_and_where() -> None:
    assert len(CATALOGUE) >= 25
    for name, known in CATALOGUE.items():
        assert name.isidentifier()
        assert known.summary
        assert known.seen
        changed = Quirks(**known.behaviour) != Quirks()
        assert changed or known.needs_recipe or known.contents is not CATALOGUE["slow"].contents
        assert from_document(to_document(Quirks(**known.behaviour))) == Quirks(**known.behaviour)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in PACE_DEAD])
def test_the_reader_copes(name: str, make: Make, trust: TrustStore) -> None:
    """And what the first card of the kind taught is not found out again with the second."""
    profile = make(name)
    memory = CardMemory()
    first, second = (Counting(Chip(profile, sleep=lambda seconds: None)) for _ in range(2))
    evidence = read(profile, transport=first, memory=memory)
    report = examine(evidence, trust, POLICY, at=None, now=NOW)
    assert report.verdict == "authentic"
    assert report.active_authentication == "passed"
    if profile.chip_keys:
        assert report.chip_authentication in ("passed", "station_observed")
    assert read(profile, transport=second, memory=memory).files == evidence.files
    assert second.commands <= first.commands


@pytest.mark.parametrize("name", PACE_DEAD)
def test_pace_that_cannot_succeed_is_no_silent_bac(
    name: str, make: Make, trust: TrustStore
) -> None:
    profile = make(name)
    with pytest.raises(CardError):
        read(profile)
    evidence = read(profile, access_policy=AccessPolicy.BAC_AFTER_FAILURE)
    assert evidence.access.downgrade is Downgrade.PACE_FAILED
    assert examine(evidence, trust, POLICY, at=None, now=NOW).verdict == "refused"
    lenient = replace(POLICY, access=AccessPolicy.BAC_AFTER_FAILURE)
    assert examine(evidence, trust, lenient, at=None, now=NOW).verdict == "authentic"


@pytest.mark.parametrize("name", ["pace_wrong_password_6a80", "pace_alone", "passwords_counted"])
def test_a_wrong_password_is_said_to_be_one(name: str, make: Make) -> None:
    with pytest.raises(AccessDeniedError) as caught:
        read(make(name), (WRONG,))
    assert caught.value.reason is CardReason.ACCESS_DENIED


def test_a_counted_password_ends(make: Make) -> None:
    chip = Chip(make("passwords_counted"))
    for _ in range(5):
        with pytest.raises(AccessDeniedError):
            read(chip.profile, (WRONG,), transport=SimulatedTransport(chip))
    with pytest.raises(AccessDeniedError):  # blocked for the right one too
        read(chip.profile, transport=SimulatedTransport(chip))


def test_several_quirks_at_once(make: Make, trust: TrustStore) -> None:
    names = (
        "select_mf_6d00",
        "select_with_le_refused",
        "no_short_file_identifiers",
        "reads_of_160",
        "no_extended_length",
        "com_missing",
        "pace_wants_parameters",
    )
    report = examine(read(make(*names)), trust, POLICY, at=None, now=NOW)
    assert report.verdict == "authentic"


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_card_comes_back_from_json(name: str, make: Make, tmp_path: Path) -> None:
    profile = make(name)
    profile.save(tmp_path / "card.json")
    assert CardProfile.load(tmp_path / "card.json") == profile


def test_a_name_that_is_none() -> None:
    with pytest.raises(UnreadableInputError, match="none of"):
        catalogue.named("unknown")


@pytest.mark.parametrize(
    "document",
    [
        {"longest_read": 0},
        {"longest_read": True},
        {"longest_read": "many"},
        {"overlong_read": "odd"},
        {"overlong_read": 1},
        {"wrong_password_sw": 0x10000},
        {"command_delay_ms": -1},
        {"extended_length": 1},
        {"unasked_authority": 5},
    ],
)
def test_switches_that_cannot_be(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        from_document(document)
    with pytest.raises(TypeError):
        from_document({"unknown": True})


def test_a_slow_chip_waits_before_every_answer(card: CardProfile) -> None:
    slept: list[float] = []
    chip = Chip(replace(card, quirks=Quirks(command_delay_ms=20)), sleep=slept.append)
    for _ in range(3):
        chip.transmit(bytes.fromhex("0084000008"))
    assert slept == [0.02] * 3
