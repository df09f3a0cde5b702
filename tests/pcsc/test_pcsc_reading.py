"""PACE, long commands and cards that leave and come back, through a real pcscd."""

from datetime import date

import pytest
import reading_side

from card_reader.simulator.catalogue import profile_with
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.pcscd import PrivatePcscd
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.presets import PRESETS
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.vpcd import VpcdLink
from tests.reading_process import ReaderProcess

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("pcsc")]

PATIENCE = 60.0


@pytest.fixture(scope="module")
def pace_card(issuer: Issuer, portrait: bytes) -> CardProfile:
    holder = Holder("001206012345", "Nguyễn Văn An", date(2006, 5, 17), "M")
    return issuer.issue(holder, portrait, recipe=PRESETS["vietnam-2024-pace"].recipe)


@pytest.mark.parametrize(
    ("quirks", "most"), [((), 18), (("no_extended_length",), 118), (("responses_in_pieces",), 225)]
)
def test_pace_and_both_proofs(
    reader: ReaderProcess,
    pcscd: PrivatePcscd,
    pace_card: CardProfile,
    quirks: tuple[str, ...],
    most: int,
) -> None:
    card = profile_with(pace_card, *quirks)
    with VpcdLink(Chip(card), port=pcscd.ports[0]):
        result = reader.run(reading_side.read_patiently, 0, PATIENCE)
    assert (result["reason"], result["waits"], result["access"]) == (None, 0, "pace")
    assert result["chip_authentication"]
    assert result["active_authentication"]
    assert result["files"]["EF.DG2"] == card.files[0x0102]
    assert result["apdus"] <= most


@pytest.mark.slow
def test_a_card_that_leaves_is_waited_for_and_read_on(
    reader: ReaderProcess, pcscd: PrivatePcscd, pace_card: CardProfile
) -> None:
    card = profile_with(pace_card, "no_extended_length")
    reading = None
    for left in (30, 40, None):
        with VpcdLink(Chip(card), port=pcscd.ports[0], tear_after=left) as link:
            reading = reading or reader.start(reading_side.read_patiently, 0, PATIENCE)
            if left is None:
                result = reading.result(90)
            else:
                assert link.wait_removed(PATIENCE)
    assert (result["reason"], result["waits"]) == (None, 2)
    assert result["files"]["EF.DG2"] == card.files[0x0102]
    assert result["active_authentication"]


@pytest.mark.slow
def test_a_card_that_stays_away_is_not_waited_for_for_ever(
    reader: ReaderProcess, pcscd: PrivatePcscd, pace_card: CardProfile
) -> None:
    with VpcdLink(Chip(pace_card), port=pcscd.ports[0], tear_after=8) as link:
        reading = reader.start(reading_side.read_patiently, 0, 1.0)
        assert link.wait_removed(PATIENCE)
    result = reading.result(90)
    assert (result["reason"], result["waits"]) in [("no_card", 1), ("card_removed", 1)]
