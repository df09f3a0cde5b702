"""Chained responses, corrected lengths, and files whose header lies."""

import pytest

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.channel import Channel
from card_reader.errors import CardError, CardReason, ChipError
from card_reader.lds import DATA_GROUPS, EF_COM


class Answers:
    """A card that gives fixed answers; the last one for ever."""

    atr = b""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self.sent: list[str] = []

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command.hex())
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def close(self) -> None:
        self._answers = []


class Memory:
    """A plain card with one file that answers READ BINARY of both kinds."""

    atr = b""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.instructions: set[int] = set()

    def transmit(self, raw: bytes) -> bytes:
        command = CommandApdu.from_bytes(raw)
        self.instructions.add(command.ins)
        assert command.le is not None
        if command.ins == 0xB1:
            offset = int.from_bytes(tlv.parse(command.data).value, "big")
            data = self._content[offset:][: command.le - 3]
            return ResponseApdu(tlv.encode(0x53, data), 0x9000).to_bytes()
        offset = 0 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        return ResponseApdu(self._content[offset : offset + command.le], 0x9000).to_bytes()

    def close(self) -> None:
        self._content = b""


def test_get_response_fetches_the_rest() -> None:
    card = Answers(b"\x01\x61\x02", b"\x02\x61\x00", b"\x03\x90\x00")
    channel = Channel(card)
    assert channel.send(CommandApdu(0, 0xB0, 0, 0, le=3)) == ResponseApdu(b"\x01\x02\x03", 0x9000)
    assert card.sent[1:] == ["00c0000002", "00c0000000"]
    assert channel.apdus == 3


def test_a_wrong_expected_length_is_corrected() -> None:
    card = Answers(b"\x6c\x05", b"\x01\x90\x00")
    assert Channel(card).send(CommandApdu(0, 0xB0, 0, 0, le=9)).ok
    assert card.sent == ["00b0000009", "00b0000005"]


def test_a_response_without_end_is_cut() -> None:
    with pytest.raises(ChipError) as caught:
        Channel(Answers(bytes(200) + b"\x61\x00")).send(CommandApdu(0, 0xB0, 0, 0, le=256))
    assert caught.value.reason is CardReason.TOO_LARGE


@pytest.mark.parametrize("size", [5, 200, 300, 32_767, 32_768, 40_000])
def test_files_of_every_size(size: int) -> None:
    content = tlv.encode(0x75, bytes(range(256)) * (size // 256) + bytes(size % 256))
    card = Memory(content)
    assert Channel(card).read_file(DATA_GROUPS[2]) == content
    assert (0xB1 in card.instructions) == (len(content) > 32_768)


def test_a_file_that_claims_too_much_is_refused() -> None:
    with pytest.raises(CardError) as caught:
        Channel(Answers(bytes.fromhex("7583FFFFFF") + b"\x90\x00")).read_file(DATA_GROUPS[2])
    assert caught.value.reason is CardReason.TOO_LARGE


def test_a_file_that_ends_early_is_refused() -> None:
    card = Answers(bytes.fromhex("6005010203") + b"\x90\x00", b"\x90\x00")
    with pytest.raises(ChipError, match="ends before"):
        Channel(card).read_file(EF_COM)


@pytest.mark.parametrize(
    ("sw", "reason"),
    [
        ("6A82", CardReason.FILE_MISSING),
        ("6982", CardReason.FILE_PROTECTED),
        ("6F00", CardReason.CHIP_ANSWERED_WRONGLY),
    ],
)
def test_refusals_have_their_reason(sw: str, reason: CardReason) -> None:
    with pytest.raises(CardError) as caught:
        Channel(Answers(bytes.fromhex(sw))).read_file(EF_COM)
    assert caught.value.reason is reason


def test_an_application_that_is_missing() -> None:
    with pytest.raises(CardError) as caught:
        Channel(Answers(b"\x6a\x82")).select_application(b"\xa0\x00")
    assert caught.value.reason is CardReason.NOT_AN_EMRTD
