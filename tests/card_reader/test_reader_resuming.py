"""A card that leaves in the middle: reading goes on at the byte, and never with another card."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from card_reader.access.passwords import MrzPassword
from card_reader.apdu import CommandApdu
from card_reader.errors import CardError, CardReason, ReaderError
from card_reader.evidence import Challenge, ChipEvidence
from card_reader.reader import read_card
from card_reader.reading.strategy import Strategy
from card_reader.simulator.catalogue import profile_with
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.presets import PRESETS
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.transport import SimulatedTransport
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import Policy, Verdict, examine

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)  # as in conftest.py
Passwords = tuple[MrzPassword, ...]
SHORT = Strategy(extended=False)


class Field:
    """A reader's field: cards laid on it leave after so many commands, one after the other.

    ``plan``: each card with the commands it bears, None for as many as may come.  ``sent`` are all
    commands that any card heard.
    """

    def __init__(self, *plan: tuple[CardProfile, int | None]) -> None:
        self._plan = list(plan)
        self.sent: list[CommandApdu] = []

    def lay(self) -> "FieldTransport":
        if not self._plan:
            raise ReaderError("the card stayed away", CardReason.CARD_REMOVED)
        card, bears = self._plan.pop(0)
        return FieldTransport(SimulatedTransport(Chip(card), tear_after=bears), self)


class FieldTransport:
    def __init__(self, inner: SimulatedTransport, field: Field) -> None:
        self._inner = inner
        self._field = field

    @property
    def atr(self) -> bytes:
        return self._inner.atr

    def transmit(self, command: bytes) -> bytes:
        response = self._inner.transmit(command)
        self._field.sent.append(CommandApdu.from_bytes(command))
        return response

    def close(self) -> None:
        self._inner.close()


def read(field: Field, passwords: Passwords, challenge: Challenge, **options: Any) -> ChipEvidence:
    return read_card(
        field.lay(),
        passwords,
        challenge=challenge,
        reconnect=field.lay,
        now=lambda: NOW,
        **options,
    )


def verdict(evidence: ChipEvidence, trust: TrustStore) -> Verdict:
    return examine(evidence, trust, Policy(Realm.TEST), at=NOW, now=NOW).verdict


@pytest.fixture(scope="module", params=["vietnam", "vietnam-2024-pace"])
def whole_card(
    request: pytest.FixtureRequest, issuer: Issuer, holder: Holder, portrait: bytes
) -> CardProfile:
    return issuer.issue(holder, portrait, recipe=PRESETS[request.param].recipe, now=NOW)


@pytest.mark.slow
def test_a_card_may_leave_at_any_command(
    whole_card: CardProfile, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    undisturbed = Field((whole_card, None))
    expected = read(undisturbed, passwords[:1], challenge)
    for left in range(len(undisturbed.sent)):
        field = Field((whole_card, left), (whole_card, None))
        evidence = read(field, passwords[:1], challenge)
        assert dict(evidence.files) == dict(expected.files)
        assert verdict(evidence, trust) is Verdict.AUTHENTIC


def test_no_byte_of_a_long_file_is_read_again(
    whole_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    undisturbed = Field((whole_card, None))
    read(undisturbed, passwords[:1], challenge, strategy=SHORT)
    field = Field(*[(whole_card, 60)] * 3, (whole_card, None))
    read(field, passwords[:1], challenge, strategy=SHORT)
    reads = [item.header for item in field.sent if item.ins == 0xB0 and item.cla == 0x0C]
    in_portrait = [item for item in reads if int.from_bytes(item[2:4], "big") > 3_000]
    assert len(in_portrait) == len(set(in_portrait))
    # Each return costs access, SELECT, 32 bytes of EF.SOD to know the card again, and the file.
    assert len(field.sent) <= len(undisturbed.sent) + 3 * 12


def test_a_card_that_stays_away_ends_the_reading(
    whole_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    with pytest.raises(ReaderError) as caught:
        read(Field((whole_card, 8)), passwords, challenge)
    assert caught.value.reason is CardReason.CARD_REMOVED


def test_a_card_that_leaves_again_and_again_ends_the_reading(
    whole_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    field = Field(*[(whole_card, 3)] * 50)
    with pytest.raises(ReaderError):
        read(field, passwords, challenge)
    assert len(field.sent) <= 3 * 9


@pytest.fixture(scope="module")
def second_card(issuer: Issuer, holder: Holder, portrait: bytes) -> CardProfile:
    """The same person's other card: the same password opens it."""
    return issuer.issue(holder, portrait, now=NOW)


@pytest.mark.parametrize("left", [6, 7, 8, 9, 10, 11, 12])
def test_two_cards_are_never_read_as_one(
    card: CardProfile,
    second_card: CardProfile,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    left: int,
) -> None:
    """Also where the same password opens both and both are genuine."""
    field = Field((card, left), (second_card, None))
    try:
        evidence = read(field, passwords[:1], challenge)
    except CardError as error:
        assert error.reason is CardReason.CARD_REMOVED
        assert "another card" in error.detail
        return
    # Nothing of the first card's files had been read: the second one is read as a whole.
    assert evidence.files["EF.SOD"] == second_card.files[0x011D]
    assert verdict(evidence, trust) is Verdict.AUTHENTIC


@pytest.mark.parametrize("left", range(7, 13))
def test_a_security_object_of_two_cards_is_refused(
    card: CardProfile,
    second_card: CardProfile,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    left: int,
) -> None:
    """Its part may look the same in both; its signature does not. How long that is is a matter of
    chance: where the second card's file is the shorter one, nothing stands at the first's end."""
    field = Field((card, left), (second_card, None))
    refused = (
        CardReason.CARD_REMOVED,
        CardReason.MALFORMED_FILE,
        CardReason.CHIP_ANSWERED_WRONGLY,
    )
    try:
        evidence = read(field, passwords[:1], challenge, strategy=SHORT)
    except CardError as error:
        assert error.reason in refused
    else:
        assert verdict(evidence, trust) is Verdict.REFUSED


def test_a_card_with_another_answer_to_reset_is_not_the_same(
    card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    other = replace(card, atr=card.atr[:-1] + b"\x00")
    with pytest.raises(CardError, match="another card"):
        read(Field((card, 8), (other, None)), passwords[:1], challenge)


@pytest.mark.parametrize(
    "exchange",
    [
        lambda card, other: replace(card, files=card.files | {0x0102: other.files[0x0102]}),
        lambda card, other: replace(card, authentication_key=other.authentication_key),
    ],
)
def test_what_gets_past_the_comparison_is_refused_by_verification(
    card: CardProfile,
    issuer: Issuer,
    portrait: bytes,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    exchange: Callable[[CardProfile, CardProfile], CardProfile],
) -> None:
    """A forger's chip with the genuine EF.SOD takes the genuine card's place in the middle."""
    stranger = Holder("001301099999", "Lê Thị Bình", datetime(2001, 2, 3).date(), "F")
    other = issuer.issue(stranger, portrait + b"\x00", now=NOW)
    field = Field((card, 8), (exchange(card, other), None))
    evidence = read(field, passwords[:1], challenge)
    assert verdict(evidence, trust) is Verdict.REFUSED


@pytest.mark.parametrize("quirk", ["overlong_read_ends_session", "plain_errors"])
def test_a_session_that_is_lost_is_opened_again(
    whole_card: CardProfile,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    quirk: str,
) -> None:
    card = profile_with(whole_card, quirk)
    missing = {name: raw for name, raw in card.files.items() if name != 0x010D}
    evidence = read(Field((replace(card, files=missing), None)), passwords, challenge)
    assert "EF.DG13" not in evidence.files
    assert evidence.active_authentication is not None
