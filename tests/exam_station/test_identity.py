"""One tap: the portrait as soon as it is read, and every trouble by its own name."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from station_papers import NOON, placement

from card_reader.errors import CardReason
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer, KeyKind
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.transport import SimulatedTransport
from card_reader.trust.store import Realm, TrustStore
from exam_server.contract import api
from exam_station.flow.codes import CardTrouble
from exam_station.identity import DG2, STEPS, Identification, TapError, trouble
from exam_station.vault import Vault

PORTRAIT = Path(__file__).parents[2] / "fixtures" / "portrait" / "portrait.jpg"
HOLDER = Holder("001309012345", "Nguyễn Thị Hạnh", date(2009, 3, 4), "F")


class Challenger:
    """The one call of a client that a tap makes."""

    def challenge(self, placement: str) -> api.ChallengeView:
        return api.ChallengeView(
            id="challenge-1", value=bytes(range(8)), expires_at=NOON + timedelta(seconds=60)
        )


@pytest.fixture
def vault() -> Vault:
    return Vault("s", "test", "n", "https://x", b"", b"", b"", bytes(32), bytes(32))


def test_the_portrait_is_there_as_soon_as_it_is_read_and_the_deadline_with_the_reading(
    vault: Vault,
) -> None:
    heard: list[tuple[str, int, int, bytes | None]] = []
    chip = Chip(Issuer.generate(kind=KeyKind.P256).issue(HOLDER, PORTRAIT.read_bytes()))
    tap = Identification(Challenger(), vault, TrustStore.load([], realm=Realm.TEST))
    reading = tap.read(
        placement(),
        lambda: SimulatedTransport(chip),
        reader="r",
        today=NOON,
        progress=lambda *step: heard.append(step),
    )
    assert reading.portrait == PORTRAIT.read_bytes()
    assert reading.expires_at == NOON + timedelta(seconds=60)
    without = [step for step, _, _, portrait in heard if portrait is None]
    having = [step for step, _, _, portrait in heard if portrait == reading.portrait]
    assert without[-1] == having[0] == DG2 and "EF.DG13" in having
    assert {total for _, _, total, _ in heard} == {STEPS}
    assert [done for _, done, _, _ in heard][-1] < STEPS


def test_another_persons_card_is_named_so(vault: Vault) -> None:
    chip = Chip(Issuer.generate(kind=KeyKind.P256).issue(HOLDER, PORTRAIT.read_bytes()))
    tap = Identification(Challenger(), vault, TrustStore.load([], realm=Realm.TEST))
    with pytest.raises(TapError) as caught:
        tap.read(
            placement(citizen_number="001309099999"),
            lambda: SimulatedTransport(chip),
            reader="r",
            today=NOON,
            progress=lambda *_: None,
        )
    assert caught.value.reason is CardTrouble.ACCESS_DENIED


@pytest.mark.parametrize("reason", list(CardReason))
def test_every_reason_of_the_card_reader_is_some_trouble(reason: CardReason) -> None:
    assert trouble(reason) in CardTrouble
    if reason.value in {each.value for each in CardTrouble}:
        assert trouble(reason).value == reason.value


def test_what_opens_no_chip_is_missing_data_and_no_fault_of_the_chip() -> None:
    assert trouble(CardReason.NO_PASSWORD) is CardTrouble.NO_IDENTITY_DATA
