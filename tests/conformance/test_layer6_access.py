"""Layer 6 of the plan, units ISO7816_A and B: application, basic access control, sessions."""

import pytest
from expectations import EXTERNAL_AUTHENTICATE, accepted, ended, refused, sent
from inspection import Inspect
from mistakes import data, session_ended_with, status
from workshop import BAC, PLAIN, Workshop

from card_reader.simulator import defects
from card_reader.simulator.basic_access import CRYPTOGRAM_BYTES, BasicAccess
from card_reader.simulator.chip import Chip
from card_reader.simulator.ciphers import TRIPLE_DES
from card_reader.simulator.faults import (
    Fault,
    FaultyChip,
    FaultySessionChip,
    SessionFault,
    WrongMacChip,
)
from card_reader.simulator.profile import Defect

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer6")]

SELECT, READ_BINARY, GET_CHALLENGE = 0xA4, 0xB0, 0x84


def test_iso7816_a_01(workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspect(Chip(workshop.issue(PLAIN)))
    accepted(outcome, "none", active_authentication="absent")
    assert not sent(outcome, EXTERNAL_AUTHENTICATE)


def test_iso7816_a_02(workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspect(Chip(workshop.issue(BAC)))
    accepted(outcome, data_groups={"1": "match", "2": "match"})
    assert len(sent(outcome, EXTERNAL_AUTHENTICATE)) == 1


@pytest.mark.parametrize("sw", [0x6A82, 0x6A86, 0x6982, 0x6D00, 0x6F00], ids="{:04X}".format)
def test_iso7816_a_03(sw: int, workshop: Workshop, inspect: Inspect) -> None:
    chip = FaultyChip(workshop.issue(BAC), Fault(SELECT, status(sw)))
    outcome = inspect(chip)
    ended(outcome, "not_an_emrtd", f"{sw:04X}")
    assert not sent(outcome, GET_CHALLENGE)


def test_iso7816_b_01(workshop: Workshop, inspect: Inspect) -> None:
    fault = Fault(EXTERNAL_AUTHENTICATE, data(lambda token: token[:-1] + bytes([token[-1] ^ 1])))
    outcome = inspect(FaultyChip(workshop.issue(BAC), fault))
    ended(outcome, "chip_answered_wrongly", "MAC", "authentication token")
    assert not sent(outcome, READ_BINARY)[1:]


@pytest.mark.parametrize("position", [0, 8], ids=["chip's", "terminal's"])
def test_iso7816_b_02(position: int, workshop: Workshop, inspect: Inspect) -> None:
    """Another random number than was sent, under a MAC that is right."""
    card = workshop.issue(BAC)
    keys = BasicAccess(card.access)

    def encrypt_otherwise(token: bytes) -> bytes:
        plain = bytearray(TRIPLE_DES.decrypt(keys.k_enc, token[:CRYPTOGRAM_BYTES]))
        plain[position] ^= 1
        cryptogram = TRIPLE_DES.encrypt(keys.k_enc, bytes(plain))
        return cryptogram + TRIPLE_DES.token(keys.k_mac, cryptogram)

    outcome = inspect(FaultyChip(card, Fault(EXTERNAL_AUTHENTICATE, data(encrypt_otherwise))))
    ended(outcome, "chip_answered_wrongly", "another challenge")


@pytest.mark.parametrize("sw", [0x6300, 0x6982, 0x6988, 0x6A80], ids="{:04X}".format)
def test_iso7816_b_03(sw: int, workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspect(FaultyChip(workshop.issue(BAC), Fault(EXTERNAL_AUTHENTICATE, status(sw))))
    ended(outcome, "access_denied", f"{sw:04X}")
    assert len(sent(outcome, EXTERNAL_AUTHENTICATE)) == 1


@pytest.mark.parametrize("sw", [0x6987, 0x6988], ids="{:04X}".format)
def test_iso7816_b_04(sw: int, workshop: Workshop, inspect: Inspect) -> None:
    fault = Fault(READ_BINARY, session_ended_with(sw))
    outcome = inspect(FaultyChip(workshop.issue(BAC), fault))
    ended(outcome, "secure_messaging_broken", f"{sw:04X}")


def test_iso7816_b_05(workshop: Workshop, inspect: Inspect) -> None:
    chip = FaultySessionChip(workshop.issue(BAC), SessionFault.MAC_MISSING)
    ended(inspect(chip), "secure_messaging_broken", "lacks or repeats data objects")


def test_iso7816_b_06(workshop: Workshop, inspect: Inspect) -> None:
    chip = FaultySessionChip(workshop.issue(BAC), SessionFault.CRYPTOGRAM_MISSING)
    ended(inspect(chip), "chip_answered_wrongly", "EF.SOD ends before its own length")


def test_iso7816_b_07(workshop: Workshop, inspect: Inspect) -> None:
    chip = FaultySessionChip(workshop.issue(BAC), SessionFault.STATUS_MISSING)
    ended(inspect(chip), "secure_messaging_broken", "lacks or repeats data objects")


@pytest.mark.parametrize("at", [1, 2, 3])
def test_iso7816_b_08(at: int, workshop: Workshop, inspect: Inspect) -> None:
    """One wrong MAC ends the session: its response is not used, the card opened anew."""
    outcome = inspect(WrongMacChip(workshop.issue(BAC), at))
    accepted(outcome)
    assert len(sent(outcome, EXTERNAL_AUTHENTICATE)) == 2


def test_iso7816_b_09(workshop: Workshop, inspect: Inspect) -> None:
    chip = FaultySessionChip(workshop.issue(BAC), SessionFault.CRYPTOGRAM_WRONG)
    ended(inspect(chip), "secure_messaging_broken", "padding")


def test_iso7816_b_10(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    accepted(inspect(Chip(card)), revocation="good")
    revoked = defects.apply(card, Defect.SIGNER_REVOKED, issuer=workshop.issuer)
    outcome = inspect(Chip(revoked))
    refused(outcome, "signer_revoked")
    assert outcome.report["revocation"] == "revoked"
