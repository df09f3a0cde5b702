"""What both layers of the plan share: one slot, one issuer, one inspection."""

from collections.abc import Iterator
from pathlib import Path

import inspection
import pytest
from inspection import Inspect, Order, Outcome
from workshop import Slot, Workshop

from card_reader.access.passwords import MrzPassword, Password
from card_reader.simulator.chip import Chip
from card_reader.simulator.pcscd import PrivatePcscd
from card_reader.simulator.vpcd import VpcdLink
from tests.reading_process import ReaderProcess


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The issuer of the plan's cards, with a folder of what readers trust."""
    return Workshop(tmp_path_factory.mktemp("trust"))


@pytest.fixture(scope="module")
def slot(pcscd: PrivatePcscd, reader: ReaderProcess, workshop: Workshop) -> Iterator[Slot]:
    """A virtual reader with a card in it; which chip that is may change between inspections."""
    slot = Slot(workshop.atr)
    with VpcdLink(slot, port=pcscd.ports[0]):
        yield slot
    assert reader.run(inspection.is_empty, 0)


@pytest.fixture
def inspect(slot: Slot, reader: ReaderProcess, workshop: Workshop) -> Inspect:
    """Inspect a chip through pcscd; by default with the password of its machine readable zone."""

    def run(
        chip: Chip,
        *,
        passwords: tuple[Password, ...] = (),
        trust: Path | None = None,
        **more: object,
    ) -> Outcome:
        slot.chip = chip
        access = chip.profile.access
        printed = MrzPassword(access.document_number, access.date_of_birth, access.date_of_expiry)
        order = Order(0, trust or workshop.trust, passwords or (printed,), **more)
        return reader.run(inspection.inspect, order)

    return run
