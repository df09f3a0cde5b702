"""Layer 6 of the plan, unit ISO7816_G from 29 on: PACE with chip authentication mapping."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from asn1crypto import core
from expectations import aborted, accepted, refused
from inspection import Inspect
from mistakes import data, pace_objects, pace_step
from workshop import Workshop, pace

from card_reader import tlv
from card_reader.domain_parameters import public_key_info, standardised
from card_reader.lds import card_access, card_security, dg14
from card_reader.lds.security_infos import (
    ID_PACE,
    ID_PK_ECDH,
    ChipAuthenticationPublicKeyInfo,
    SecurityInfo,
)
from card_reader.simulator import defects
from card_reader.simulator.chip import Chip
from card_reader.simulator.chip_keys import PACE_PROTOCOLS
from card_reader.simulator.faults import ChipDataChip, Fault, FaultyChip
from card_reader.simulator.profile import (
    EF_CARD_ACCESS,
    EF_CARD_SECURITY,
    CardProfile,
    Defect,
)

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer6")]

BP256 = 13
CHIP_DATA = 0x8A
DATA_STEP = 4
CIPHERS = ("AES-CBC-CMAC-128", "AES-CBC-CMAC-192", "AES-CBC-CMAC-256")
CAM = pace(("PACE-ECDH-CAM-AES-CBC-CMAC-128", BP256), chip_mapping=BP256)
GENERIC = pace(("PACE-ECDH-GM-AES-CBC-CMAC-128", BP256))
GENERIC_3DES = pace(("PACE-ECDH-GM-3DES-CBC-CBC", BP256))

Objects = dict[int, bytes]


def aborts(change: Callable[[Objects], Objects], workshop: Workshop, inspect: Inspect) -> None:
    """PACE ends with its last step, and BAC is not tried though the chip has it."""
    gives_up(pace_objects(DATA_STEP, change), workshop, inspect)


def gives_up(fault: Fault, workshop: Workshop, inspect: Inspect) -> None:
    chip = FaultyChip(replace(workshop.issue(CAM), basic_access=True), fault)
    aborted(inspect(chip), "chip_answered_wrongly", "PACE")


def signed_infos(card: CardProfile) -> tuple[SecurityInfo, ...]:
    return card_security.parse(card.master_files[EF_CARD_SECURITY]).security_infos


def test_iso7816_g_29(workshop: Workshop, inspect: Inspect) -> None:
    aborts(lambda objects: {0x86: objects[0x86]}, workshop, inspect)

    def untagged(answer: bytes) -> bytes:
        token, encrypted = tlv.parse(answer).children()
        return tlv.encode(0x7C, token.raw + encrypted.value)

    gives_up(pace_step(DATA_STEP, data(untagged)), workshop, inspect)


@pytest.mark.parametrize("kind", [core.Integer, core.BitString, core.Sequence])
def test_iso7816_g_30(kind: type[core.Asn1Value], workshop: Workshop, inspect: Inspect) -> None:
    """Instead of the number's octets, another ASN.1 value around them."""
    chip = ChipDataChip(workshop.issue(CAM), lambda number: tlv.encode(kind.tag, number))
    outcome = inspect(chip)
    refused(outcome, "chip_mapping_failed")
    assert outcome.report["chip_authentication"] == "failed"


def test_iso7816_g_31(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(CAM)
    wrong: tuple[Callable[[bytes], bytes], ...] = (
        lambda number: number[:-1] + bytes([number[-1] ^ 1]),
        lambda number: bytes(len(number)),
        lambda number: b"\xff" * len(number),
        lambda _: b"",
    )
    for content in wrong:
        refused(inspect(ChipDataChip(card, content)), "chip_mapping_failed")
    cloned = defects.apply(card, Defect.MAPPING_KEY_CLONED, issuer=workshop.issuer)
    refused(inspect(Chip(cloned)), "chip_mapping_failed")
    aborts(lambda objects: {**objects, CHIP_DATA: objects[CHIP_DATA][:-1]}, workshop, inspect)


def test_iso7816_g_32(workshop: Workshop, inspect: Inspect) -> None:
    aborts(lambda objects: {0x86: objects[0x86], 0x8B: objects[CHIP_DATA]}, workshop, inspect)


def test_iso7816_g_33(workshop: Workshop, inspect: Inspect) -> None:
    aborts(lambda objects: {**objects, CHIP_DATA: b""}, workshop, inspect)


def test_iso7816_g_34(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(CAM)
    outcome = inspect(Chip(card))
    accepted(
        outcome, "pace", signature="valid", chain="trusted", chip_authentication="station_observed"
    )
    assert outcome.access is not None and outcome.access.mapping == "cam"
    assert outcome.files["EF.CardSecurity"] == card.master_files[EF_CARD_SECURITY]


def test_iso7816_g_35(workshop: Workshop, inspect: Inspect) -> None:
    """Chip data that nobody asked for prove nothing and harm nothing."""
    fault = pace_objects(DATA_STEP, lambda objects: {**objects, CHIP_DATA: bytes(48)})
    outcome = inspect(FaultyChip(workshop.issue(GENERIC), fault))
    accepted(outcome, "pace", chip_authentication="absent")
    assert outcome.access is not None and outcome.access.mapping == "gm"


def test_iso7816_g_36(workshop: Workshop, inspect: Inspect) -> None:
    """No protocol has chip authentication mapping over prime fields: generic mapping is used."""
    card = workshop.issue(GENERIC_3DES)
    invalid = SecurityInfo(
        f"{ID_PACE}.5.2", bytes(core.Integer(2).dump()), bytes(core.Integer(0).dump())
    )
    infos = (*card_access.parse(card.master_files[EF_CARD_ACCESS]), invalid)
    key = [info for info in signed_infos(workshop.issue(CAM)) if info.oid == ID_PK_ECDH]
    changed = workshop.with_infos(card, infos, infos)
    outcome = inspect(Chip(workshop.with_card_security(changed, (*infos, *key))))
    accepted(outcome, "pace")
    assert outcome.access is not None
    assert outcome.access.oid == PACE_PROTOCOLS["PACE-ECDH-GM-3DES-CBC-CBC"]


def test_iso7816_g_38(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.with_groups(workshop.issue(CAM), {14: dg14.encode(())})
    refused(inspect(Chip(card)), "card_access_mismatch")


def test_iso7816_g_39(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(CAM)
    group = standardised(BP256)
    assert group is not None
    spki = public_key_info(group, group.public(2**200))
    another = ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, spki, BP256).security_info()
    others = [info for info in signed_infos(card) if info.oid != ID_PK_ECDH]
    outcome = inspect(Chip(workshop.with_card_security(card, (*others, another))))
    refused(outcome, "chip_mapping_failed")


def test_iso7816_g_40(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(CAM)
    others = [info for info in signed_infos(card) if info.oid != ID_PK_ECDH]
    outcome = inspect(Chip(workshop.with_card_security(card, others)))
    refused(outcome, "chip_authentication_missing")


@pytest.mark.parametrize("parameters", range(8, 19))
def test_iso7816_g_41(parameters: int, workshop: Workshop, inspect: Inspect) -> None:
    protocol = f"PACE-ECDH-CAM-{CIPHERS[parameters % len(CIPHERS)]}"
    card = workshop.issue(pace((protocol, parameters), chip_mapping=parameters))
    outcome = inspect(Chip(card))
    accepted(outcome, "pace", chip_authentication="station_observed")
    assert outcome.access is not None
    assert (outcome.access.oid, outcome.access.parameter_id) == (
        PACE_PROTOCOLS[protocol],
        parameters,
    )
