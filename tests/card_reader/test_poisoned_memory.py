"""What one card taught of its kind may cost the next one time, never its proof or its protocol."""

from dataclasses import replace
from typing import Any

import pytest
from proof_cards import ACTIVE, CAM_ONLY, CHIP_KEYS, GM, NOW, Cards, cards, report_of

from card_reader.access.passwords import MrzPassword
from card_reader.apdu import CommandApdu, StatusWord
from card_reader.evidence import AccessProtocol, Challenge, ChipEvidence
from card_reader.reader import read_card
from card_reader.reading.strategy import (
    MIN_BLOCK,
    CardMemory,
    MasterFileWay,
    SelectForm,
    Strategy,
)
from card_reader.simulator.catalogue import profile_with
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.recipe import AccessRecipe, ChipAuthenticationRecipe, Recipe
from card_reader.simulator.transport import SimulatedTransport
from card_reader.transport import Transport
from card_reader.trust.store import TrustStore
from card_reader.verify import ChipProof, Verdict

__all__ = ["cards"]

Passwords = tuple[MrzPassword, ...]
PLAIN = Recipe(active_authentication=ACTIVE)
PACE = Recipe(access=AccessRecipe(pace=(GM,)), active_authentication=ACTIVE)
ONE_KEY = Recipe(
    access=AccessRecipe(pace=(GM,)), chip_authentication=CHIP_KEYS, active_authentication=None
)
#: Where its key is not named, such a chip answers with the first, which is not the strongest.
TWO_KEYS = Recipe(
    chip_authentication=(
        ChipAuthenticationRecipe(("CA-ECDH-AES-CBC-CMAC-128",), 13, 1),
        ChipAuthenticationRecipe(("CA-ECDH-AES-CBC-CMAC-128",), 16, 2),
    ),
    active_authentication=None,
)


def read(
    card: CardProfile | Transport, passwords: Passwords, challenge: Challenge, memory: CardMemory
) -> ChipEvidence:
    transport = SimulatedTransport(Chip(card)) if isinstance(card, CardProfile) else card
    return read_card(transport, passwords, challenge=challenge, memory=memory, now=lambda: NOW)


def card_access(card: CardProfile) -> bytes | None:
    return card.master_files.get(0x011C)


@pytest.mark.parametrize(
    "lesson",
    [
        {"extended": False, "block": MIN_BLOCK, "first_read": 1},
        {"extended": True, "max_response": 1 << 31},
        {"short_ids": False},
        {"select": SelectForm.INFORMING_LE},
        *({"master_file": way} for way in MasterFileWay),
        {"offset_bytes": 3},
        {"exact_le": False},
        {"pace_in_master_file": True},
        {"name_pace_parameters": True},
        {"name_pace_parameters": False},
        {"name_chip_key": False},
        {"set_kat": False},
        {"authenticate_extended": False},
        {"authenticate_extended": True},
    ],
)
@pytest.mark.parametrize("recipe", [PLAIN, PACE, ONE_KEY, TWO_KEYS, CAM_ONLY])
def test_a_wrong_lesson_spoils_no_reading(
    cards: Cards,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    recipe: Recipe,
    lesson: dict[str, Any],
) -> None:
    card, memory = cards(recipe), CardMemory()
    memory.learn(card.atr, card_access(card), Strategy(**lesson))
    evidence = read(card, passwords, challenge, memory)
    report = report_of(evidence, trust)
    assert (report.verdict, report.reasons) == (Verdict.AUTHENTIC, ())
    assert evidence.access.protocol is (
        AccessProtocol.PACE if recipe.access.pace else AccessProtocol.BAC
    )


def test_a_card_without_ef_card_access_talks_no_other_out_of_pace(
    cards: Cards, passwords: Passwords, challenge: Challenge
) -> None:
    """The other one has it where the first was not asked for it, and the same answer to reset."""
    genuine = profile_with(cards(PACE), "card_access_needs_mf")
    other = replace(cards(PLAIN), atr=genuine.atr)
    memory = CardMemory()
    read(genuine, passwords, challenge, memory)
    read(other, passwords, challenge, memory)
    assert read(genuine, passwords, challenge, memory).access.protocol is AccessProtocol.PACE


def test_a_missed_offer_is_searched_anew(
    cards: Cards, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    """Where no card with this answer to reset had EF.CardAccess, the signed files show the loss."""
    genuine = profile_with(cards(PACE), "card_access_needs_mf")
    memory = CardMemory()
    read(replace(cards(PLAIN), atr=genuine.atr), passwords, challenge, memory)
    read(genuine, passwords, challenge, memory)
    assert read(genuine, passwords, challenge, memory).access.protocol is AccessProtocol.PACE


def test_a_chip_that_wants_the_exact_length_is_opened_whatever_was_learnt(
    cards: Cards, passwords: Passwords, challenge: Challenge
) -> None:
    class Exact:
        """Refuses to be asked for all there is while BAC runs."""

        def __init__(self, card: CardProfile) -> None:
            self._inner = SimulatedTransport(Chip(card))
            self.atr = self._inner.atr

        def transmit(self, command: bytes) -> bytes:
            apdu = CommandApdu.from_bytes(command)
            if apdu.ins in (0x82, 0x84) and apdu.le == 256:
                return StatusWord.WRONG_LENGTH.to_bytes(2, "big")
            return self._inner.transmit(command)

        def close(self) -> None:
            self._inner.close()

    card, memory = cards(PLAIN), CardMemory()
    memory.learn(card.atr, None, Strategy(exact_le=False))
    evidence = read(Exact(card), passwords, challenge, memory)
    assert evidence.access.protocol is AccessProtocol.BAC
    learnt = memory.recall(card.atr, None)
    assert learnt is not None
    assert learnt.exact_le


def test_of_several_keys_the_one_that_is_meant_is_named(
    cards: Cards, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    card, memory = cards(TWO_KEYS), CardMemory()
    memory.learn(card.atr, None, Strategy(name_chip_key=False))
    report = report_of(read(card, passwords, challenge, memory), trust)
    assert report.chip_authentication is ChipProof.STATION_OBSERVED
