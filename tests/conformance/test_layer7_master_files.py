"""Layer 7 of the plan, units LDS_J and LDS_K: EF.CardSecurity and EF.ATR/INFO.

EF.CardSecurity is read behind PACE with chip authentication mapping, whose key it holds.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from drafts import SEQUENCE, SET, der
from expectations import EXTERNAL_AUTHENTICATE, accepted, refused
from inspection import Inspect
from strictness import irregular, strictly
from workshop import BAC, CARD_SECURITY_CONTENT, Workshop, pace, with_card_access, with_master_file

from card_reader import tlv
from card_reader.apdu import CommandApdu
from card_reader.lds import EF_ATR_INFO as ATR_INFO
from card_reader.lds import EF_COM, card_access, card_security, dg2
from card_reader.lds.security_infos import (
    ID_PACE,
    ID_PK_ECDH,
    PaceDomainParameterInfo,
    SecurityInfo,
    TerminalAuthenticationInfo,
    encode_infos,
    pace_infos,
)
from card_reader.simulator import signed_data
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import (
    EF_ATR_INFO,
    EF_CARD_ACCESS,
    EF_CARD_SECURITY,
    CardProfile,
    data_group_id,
)
from card_reader.simulator.signature_schemes import default_algorithm

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer7")]

BP256, BP384 = 13, 16
CAM = pace(("PACE-ECDH-CAM-AES-CBC-CMAC-128", BP256), chip_mapping=BP256)
STANDARDISED = "0.4.0.127.0.7.1.2"  # standardizedDomainParameters, TR-03110-3 A.2.1.1
READ_BINARY = 0xB0
LONGEST = 0x780  # response of the cards here
PROTECTION = 64  # bytes around the data of a protected response, and a few more


def signed_infos(card: CardProfile) -> tuple[SecurityInfo, ...]:
    return card_security.parse(card.master_files[EF_CARD_SECURITY]).security_infos


def inconsistent(
    card: CardProfile, infos: Sequence[SecurityInfo], workshop: Workshop, inspect: Inspect
) -> None:
    """The chip proves its key, and is refused for what EF.CardSecurity says of PACE."""
    outcome = strictly(inspect, workshop.with_card_security(card, infos))
    refused(outcome, "card_access_mismatch")
    assert outcome.report["chip_authentication"] == "station_observed"


def without_key(card: CardProfile, content: bytes, inspect: Inspect) -> None:
    """EF.CardSecurity is not believed, so that no key is there to prove the chip with."""
    outcome = strictly(inspect, with_master_file(card, EF_CARD_SECURITY, content))
    refused(outcome, "card_security_invalid", "chip_authentication_missing")
    assert outcome.report["chip_authentication"] == "absent"


def test_lds_h_93(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(CAM)
    accepted(strictly(inspect, card), "pace", chip_authentication="station_observed")
    content = card.master_files[EF_CARD_SECURITY]
    without_key(card, signed_data.with_broken_signature(content), inspect)


# --- EF.CardSecurity ------------------------------------------------------------------------------


def test_lds_j_01(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(CAM)
    more = (*signed_infos(card), TerminalAuthenticationInfo(1).security_info())
    outcome = strictly(inspect, workshop.with_card_security(card, more))
    accepted(outcome, "pace", chip_authentication="station_observed")


def test_lds_j_02(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(CAM)
    fewer = [info for info in signed_infos(card) if not info.oid.startswith(ID_PACE)]
    assert len(fewer) == len(signed_infos(card)) - 1
    inconsistent(card, fewer, workshop, inspect)


def test_lds_j_03(workshop: Workshop, inspect: Inspect) -> None:
    """Another group in the PACEInfo, and in domain parameters that stand beside it."""
    card = workshop.issue(CAM)
    (info,) = pace_infos(signed_infos(card))
    other = replace(info, parameter_id=BP384).security_info()
    kept = [item for item in signed_infos(card) if item.oid != info.oid]
    inconsistent(card, [*kept, other], workshop, inspect)

    offered = [*card_access.parse(card.master_files[EF_CARD_ACCESS]), domain_parameters(BP256)]
    stating = with_card_access(workshop.with_infos(card, offered), offered)
    same = [*signed_infos(card), domain_parameters(BP256)]
    accepted(strictly(inspect, workshop.with_card_security(stating, same)), "pace")
    changed = [*signed_infos(card), domain_parameters(BP384)]
    inconsistent(stating, changed, workshop, inspect)


def domain_parameters(number: int) -> SecurityInfo:
    """PACEDomainParameterInfo of a way of PACE that the card does not offer."""
    oid = tlv.encode(0x06, bytes.fromhex("04007F00070102"))
    return PaceDomainParameterInfo(
        f"{ID_PACE}.2", der(SEQUENCE, oid, tlv.encode(0x02, bytes([number]))), 40
    ).security_info()


def test_lds_j_04(workshop: Workshop, inspect: Inspect) -> None:
    card, signer = workshop.issue(CAM), workshop.issuer.signer
    rows = [
        der(SEQUENCE, *(part.raw for part in row.children()[info.oid == ID_PK_ECDH :]))
        for info in signed_infos(card)
        for row in [tlv.parse(tlv.parse(encode_infos([info])).value)]
    ]
    algorithm, now = default_algorithm(signer.key), datetime.now(UTC)
    content = signed_data.sign(
        CARD_SECURITY_CONTENT, der(SET, *rows), signer, algorithm, now, os.urandom
    )
    without_key(card, content, inspect)


# --- EF.ATR/INFO ----------------------------------------------------------------------------------


def with_lengths(workshop: Workshop, content: str) -> CardProfile:
    """A card with a long portrait and this EF.ATR/INFO."""
    card = workshop.issue(BAC)
    (face,) = dg2.parse(card.files[data_group_id(2)])
    longer = replace(face, data=face.data.ljust(5000, b"\0"))
    changed = workshop.with_groups(card, {2: dg2.encode((longer,))})
    return with_master_file(changed, EF_ATR_INFO, bytes.fromhex(content))


@pytest.mark.parametrize(
    "content",
    ["7F6608 02020780 02020780", "7F660A 0203000780 0203000780"],
    ids=["LDS_K_01", "LDS_K_02"],
)
def test_lengths(content: str, workshop: Workshop, inspect: Inspect) -> None:
    """Long responses are asked for, but never longer ones than the card gives."""
    outcome = strictly(inspect, with_lengths(workshop, content), extras=(EF_COM, ATR_INFO))
    accepted(outcome)
    assert outcome.files["EF.ATR/INFO"] == bytes.fromhex(content)
    commands = [CommandApdu.from_bytes(command) for command in outcome.commands]
    opened = [command.ins for command in commands].index(EXTERNAL_AUTHENTICATE)
    asked = [command.le or 0 for command in commands[opened:] if command.ins == READ_BINARY]
    assert LONGEST - PROTECTION <= max(asked) <= LONGEST


@pytest.mark.parametrize(
    "content",
    ["7F6604 02020780", "7F6508 02020780 02020780"],
    ids=["LDS_K_03", "LDS_K_04"],
)
def test_wrong_lengths(content: str, workshop: Workshop, inspect: Inspect) -> None:
    """Nobody signs the file and it steers lengths alone; only a strict inspection refuses it."""
    card = with_lengths(workshop, content)
    irregular(inspect, card, extras=(EF_COM, ATR_INFO))
    assert "EF.ATR/INFO" not in inspect(Chip(card)).files
