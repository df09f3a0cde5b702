"""Layer 7 of the plan, units LDS_F and LDS_I: EF.DG14 and EF.DG15.

Where these files are listed they are needed: one that cannot be read, or that leaves no way of
proving the chip, refuses it.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from drafts import SEQUENCE, SET, der, oid
from expectations import accepted, ended, refused
from inspection import Inspect, Outcome
from strictness import stating_too_little, strictly, with_length, with_tag
from workshop import Workshop, eac, infos_of, signing

from card_reader import tlv
from card_reader.lds import dg14
from card_reader.lds.security_infos import (
    ID_PK,
    ID_PK_ECDH,
    ChipAuthenticationInfo,
    SecurityInfo,
    chip_authentication_infos,
)
from card_reader.simulator.profile import CardProfile, data_group_id
from card_reader.simulator.recipe import ActiveAuthenticationRecipe, ChipAuthenticationRecipe
from card_reader.simulator.signing_keys import KeyKind

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer7")]

BP256 = 13
EAC = eac(ChipAuthenticationRecipe(("CA-ECDH-3DES-CBC-CBC",), BP256))
SIGNING = signing(ActiveAuthenticationRecipe(KeyKind.RSA_1024, "sha224"))
UNKNOWN_KEY = f"{ID_PK}.3"
MSE, GENERAL_AUTHENTICATE, INTERNAL_AUTHENTICATE = 0x22, 0x86, 0x88


def content_of(card: CardProfile, number: int) -> bytes:
    return card.files[data_group_id(number)]


def inspected(
    card: CardProfile, number: int, content: bytes, workshop: Workshop, inspect: Inspect
) -> Outcome:
    return strictly(inspect, workshop.with_groups(card, {number: content}))


def with_rows(card: CardProfile, rows: Sequence[bytes]) -> bytes:
    """EF.DG14 with these entries, whatever they are."""
    return der(0x6E, der(SET, *rows))


def rows_of(card: CardProfile) -> dict[str, bytes]:
    """The entries of EF.DG14 in DER, by their identifier."""
    entries = tlv.parse(tlv.parse(content_of(card, 14)).value).children()
    return {info.oid: entry.raw for info, entry in zip(infos_of(card), entries, strict=True)}


def test_the_right_files_are_accepted(workshop: Workshop, inspect: Inspect) -> None:
    eac_card = strictly(inspect, workshop.issue(EAC))
    accepted(eac_card, chip_authentication="station_observed")
    accepted(strictly(inspect, workshop.issue(SIGNING)), active_authentication="passed")


# --- EF.DG14 --------------------------------------------------------------------------------------


def test_lds_f_01(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(EAC)
    wrong = with_tag(content_of(card, 14), 0x6F)
    outcome = inspected(card, 14, wrong, workshop, inspect)
    refused(outcome, "data_group_malformed")
    assert outcome.chip_authentication is None


def test_lds_f_02(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(EAC)
    stored, as_read = stating_too_little(workshop, card, 14, content_of(card, 14))
    refused(strictly(inspect, stored), "data_group_mismatch")
    refused(strictly(inspect, as_read), "data_group_malformed")


def test_lds_f_03(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(EAC)
    outcome = inspected(card, 14, with_length(content_of(card, 14), 1), workshop, inspect)
    ended(outcome, "chip_answered_wrongly", "EF.DG14: the chip answered 6B00")


def test_lds_f_04(workshop: Workshop, inspect: Inspect) -> None:
    """A key of an unknown kind, with its protocol beside it and without."""
    card = workshop.issue(EAC)
    unknown = [
        replace(info, oid=UNKNOWN_KEY) if info.oid == ID_PK_ECDH else info
        for info in infos_of(card)
    ]
    assert unknown != list(infos_of(card))
    alone = [info for info in unknown if info.oid == UNKNOWN_KEY]
    for infos in (unknown, alone):
        without_proof(card, infos, workshop, inspect)


def without_proof(
    card: CardProfile, infos: Sequence[SecurityInfo], workshop: Workshop, inspect: Inspect
) -> None:
    """Chip authentication was offered and could not be run."""
    outcome = inspected(card, 14, dg14.encode(infos), workshop, inspect)
    refused(outcome, "chip_authentication_missing")
    assert outcome.chip_authentication is None


@pytest.mark.parametrize("which", ["key", "protocol"])
def test_lds_f_05(which: str, workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(EAC)
    rows = rows_of(card)
    (protocol,) = (info.oid for info in chip_authentication_infos(infos_of(card)))
    nameless = ID_PK_ECDH if which == "key" else protocol
    parts = tlv.parse(rows[nameless]).children()
    rows[nameless] = der(SEQUENCE, *(part.raw for part in parts[1:]))
    outcome = inspected(card, 14, with_rows(card, list(rows.values())), workshop, inspect)
    refused(outcome, "data_group_malformed")


def test_lds_f_06(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(EAC)
    (protocol,) = chip_authentication_infos(infos_of(card))
    others = [info for info in infos_of(card) if info.oid != protocol.oid]
    newer = ChipAuthenticationInfo(protocol.oid, 10).security_info()
    without_proof(card, [*others, newer], workshop, inspect)


def test_lds_f_07(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(EAC)
    (protocol,) = chip_authentication_infos(infos_of(card))
    rows = {**rows_of(card), protocol.oid: der(SEQUENCE, oid(protocol.oid))}
    outcome = inspected(card, 14, with_rows(card, list(rows.values())), workshop, inspect)
    refused(outcome, "data_group_malformed")


# --- EF.DG15 --------------------------------------------------------------------------------------


def unsigned(outcome: Outcome, *findings: str) -> None:
    """The chip was not asked to sign, since nobody knows with which key."""
    refused(outcome, "active_authentication_missing", *findings)
    assert all(command[1] != INTERNAL_AUTHENTICATE for command in outcome.commands)


def test_lds_i_01(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(SIGNING)
    wrong = with_tag(content_of(card, 15), 0x70)
    unsigned(inspected(card, 15, wrong, workshop, inspect), "data_group_malformed")


def test_lds_i_02(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(SIGNING)
    stored, as_read = stating_too_little(workshop, card, 15, content_of(card, 15))
    unsigned(strictly(inspect, stored), "data_group_mismatch")
    unsigned(strictly(inspect, as_read), "data_group_malformed")


def test_lds_i_03(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(SIGNING)
    outcome = inspected(card, 15, with_length(content_of(card, 15), 1), workshop, inspect)
    ended(outcome, "chip_answered_wrongly", "EF.DG15: the chip answered 6B00")
