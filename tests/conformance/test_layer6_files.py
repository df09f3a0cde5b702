"""Layer 6 of the plan, unit ISO7816_C: reading files, their ends, and files that are long."""

from dataclasses import replace

import pytest
from expectations import accepted, ended, refused, sent
from inspection import Inspect
from workshop import BAC, Workshop, without_file

from card_reader.lds import dg2
from card_reader.lds.images import JPEG, FaceImage
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import EF_SOD, CardProfile, data_group_id
from card_reader.simulator.quirks import EndOfFile, Quirks

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer6")]

READ_BINARY, READ_BINARY_ODD = 0xB0, 0xB1
LAST_EVEN_OFFSET = 0x7FFF  # of READ BINARY B0
FORMS = pytest.mark.parametrize("extended", [True, False], ids=["extended", "short"])


def with_portrait_of(length: int, card: CardProfile, workshop: Workshop) -> CardProfile:
    """The card with zeros behind its portrait, up to so many bytes of EF.DG2 and a few more."""
    (face,) = dg2.parse(card.files[data_group_id(2)])
    longer = replace(face, data=face.data.ljust(length, b"\0"))
    return workshop.with_groups(card, {2: dg2.encode((longer,))})


def with_quirks(card: CardProfile, **switches: object) -> Chip:
    return Chip(replace(card, quirks=Quirks(**switches)))


def test_iso7816_c_01(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    ended(inspect(Chip(without_file(card, EF_SOD))), "file_missing", "EF.SOD")
    for number in (1, 2):
        outcome = inspect(Chip(without_file(card, data_group_id(number))))
        refused(outcome, "data_group_missing")
        assert outcome.report["data_groups"][str(number)] == "not_read"


@FORMS
@pytest.mark.parametrize("length", [40_000, 70_000])
def test_iso7816_c_02(length: int, extended: bool, workshop: Workshop, inspect: Inspect) -> None:
    card = with_portrait_of(length, workshop.issue(BAC), workshop)
    outcome = inspect(with_quirks(card, extended_length=extended))
    accepted(outcome, data_groups={"1": "match", "2": "match"})
    assert outcome.files["EF.DG2"] == card.files[data_group_id(2)]
    assert len(outcome.files["EF.DG2"]) > length


@FORMS
def test_iso7816_c_03(extended: bool, workshop: Workshop, inspect: Inspect) -> None:
    """A read over the end gives what is left as if it were all that was wanted."""
    read_over_the_end(EndOfFile.SILENT, extended, workshop, inspect)


@FORMS
def test_iso7816_c_04(extended: bool, workshop: Workshop, inspect: Inspect) -> None:
    read_over_the_end(EndOfFile.REFUSED, extended, workshop, inspect)


@FORMS
def test_iso7816_c_05(extended: bool, workshop: Workshop, inspect: Inspect) -> None:
    read_over_the_end(EndOfFile.WARNING, extended, workshop, inspect)


@FORMS
def test_iso7816_c_06(extended: bool, workshop: Workshop, inspect: Inspect) -> None:
    read_over_the_end(EndOfFile.CORRECTED, extended, workshop, inspect)


def read_over_the_end(end: EndOfFile, extended: bool, workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    outcome = inspect(with_quirks(card, extended_length=extended, end_of_file=end))
    accepted(outcome, data_groups={"1": "match", "2": "match"})
    for number in (1, 2):
        assert outcome.files[f"EF.DG{number}"] == card.files[data_group_id(number)]


@FORMS
def test_iso7816_c_07(extended: bool, workshop: Workshop, inspect: Inspect) -> None:
    card = with_portrait_of(2 * LAST_EVEN_OFFSET + 1, workshop.issue(BAC), workshop)
    outcome = inspect(with_quirks(card, extended_length=extended))
    accepted(outcome)
    far = sent(outcome, READ_BINARY_ODD)
    assert far and all(command[2:4] == b"\0\0" for command in far)
    assert outcome.files["EF.DG2"] == card.files[data_group_id(2)]
    unable = inspect(with_quirks(card, extended_length=extended, odd_read_binary=False))
    ended(unable, "chip_answered_wrongly", "EF.DG2", "6D00")


def test_iso7816_c_08(workshop: Workshop, inspect: Inspect) -> None:
    empty = dg2.encode((FaceImage(b"", JPEG, 1, 1),))
    outcome = inspect(Chip(workshop.with_groups(workshop.issue(BAC), {2: empty})))
    refused(outcome, "data_group_malformed")
    assert outcome.files["EF.DG2"] == empty
    assert outcome.report["data_groups"]["2"] == "match"
