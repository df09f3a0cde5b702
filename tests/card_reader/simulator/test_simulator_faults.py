"""Chips that answer wrongly on purpose: at the command that was asked for, and nowhere else."""

import pytest
from chip_terminal import Terminal

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.errors import SecureMessagingError
from card_reader.simulator.faults import Fault, FaultyChip, FaultySessionChip, SessionFault
from card_reader.simulator.profile import CardProfile

READ = "00B08100"  # EF.DG1, by short identifier
READ_INS = 0xB0


def turn_last_byte(_: CommandApdu, response: ResponseApdu) -> ResponseApdu:
    return ResponseApdu(response.data[:-1] + bytes([response.data[-1] ^ 1]), response.sw)


@pytest.mark.parametrize(("at", "wrong"), [(2, [False, True, False]), (0, [True, True, True])])
def test_a_fault_comes_when_it_shall(at: int, wrong: list[bool], card: CardProfile) -> None:
    terminal = Terminal(card, FaultyChip(card, Fault(READ_INS, turn_last_byte, at)))
    terminal.open()
    right = card.files[0x0101][:8]
    answers = [terminal.send(READ, le=8) for _ in wrong]
    assert [answer != (right, "9000") for answer in answers] == wrong
    assert {status for _, status in answers} == {"9000"}


def test_power_off_starts_the_count_again(card: CardProfile) -> None:
    chip = FaultyChip(card, Fault(READ_INS, turn_last_byte, 1))
    for _ in range(2):
        chip.reset()
        terminal = Terminal(card, chip)
        terminal.open()
        assert terminal.send(READ, le=8)[0] != card.files[0x0101][:8]
        assert terminal.send(READ, le=8)[0] == card.files[0x0101][:8]


@pytest.mark.parametrize(
    ("fault", "tags"),
    [
        (SessionFault.MAC_MISSING, [0x87, 0x99]),
        (SessionFault.STATUS_MISSING, [0x87, 0x8E]),
        (SessionFault.CRYPTOGRAM_WRONG, [0x87, 0x99, 0x8E]),
    ],
)
def test_a_faulty_session_is_noticed(
    fault: SessionFault, tags: list[int], card: CardProfile
) -> None:
    terminal = Terminal(card, FaultySessionChip(card, fault, at=2))
    terminal.open()
    assert terminal.send(READ, le=8) == (card.files[0x0101][:8], "9000")
    with pytest.raises(SecureMessagingError):
        terminal.send(READ, le=8)
    answer = terminal.responses[-1]
    assert [item.tag for item in tlv.parse_all(answer[:-2])] == tags


def test_a_response_without_its_data_has_a_right_mac(card: CardProfile) -> None:
    terminal = Terminal(card, FaultySessionChip(card, SessionFault.CRYPTOGRAM_MISSING))
    terminal.open()
    assert terminal.send(READ, le=8) == (b"", "9000")
