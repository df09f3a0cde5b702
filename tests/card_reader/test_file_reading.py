"""Files of every length, by every way, from cards with habits of their own."""

from collections.abc import Callable

import pytest
from scripted_cards import FILE_NOT_FOUND, Answers, PlainCard

from card_reader import tlv
from card_reader.apdu import CommandApdu
from card_reader.channel import Channel
from card_reader.errors import CardError, CardReason, ChipError
from card_reader.lds import DATA_GROUPS, EF_ATR_INFO, EF_CARD_ACCESS, EF_COM
from card_reader.reading.file_reading import FileReader
from card_reader.reading.strategy import MasterFileWay, SelectForm, Strategy

DG2 = DATA_GROUPS[2]


def file_of(size: int) -> bytes:
    return tlv.encode(0x75, (bytes(range(256)) * (size // 256 + 1))[:size])


def read(card: PlainCard | Answers, strategy: Strategy | None = None) -> tuple[bytes, Channel]:
    channel = Channel(card, strategy=strategy)
    content = bytearray()
    FileReader(channel).read(DG2, content)
    return bytes(content), channel


@pytest.mark.parametrize("extended", [True, False])
@pytest.mark.parametrize("size", [5, 200, 300, 32_767, 32_768, 40_000, 70_000])
def test_files_of_every_size(size: int, extended: bool) -> None:
    content = file_of(size)
    card = PlainCard(content)
    assert read(card, Strategy(extended=extended))[0] == content
    # B0 reaches as far as its last offset and one response.
    assert (0xB1 in {item.ins for item in card.commands}) == (
        len(content) > (65_534 if extended else 32_768)
    )


def test_a_whole_file_comes_in_one_extended_read() -> None:
    content = file_of(18_000)
    assert read(PlainCard(content), Strategy(extended=True))[1].apdus == 1
    _, channel = read(PlainCard(content))
    assert (channel.apdus, channel.strategy.extended) == (2, True)  # the first finds out


@pytest.mark.parametrize("most", [65_535, 10_000, 1_000, 300, 231, 223, 160, 100, 64])
@pytest.mark.parametrize("extended", [True, None, False])
def test_the_size_of_a_block_steps_down_and_is_remembered(most: int, extended: bool | None) -> None:
    content = file_of(20_000)
    card = PlainCard(content, most=most)
    found, channel = read(card, Strategy(extended=extended))
    assert found == content
    again = PlainCard(content, most=most)
    assert read(again, channel.strategy)[0] == content
    refused = [item for item in again.commands if (item.le or 0) > most]
    assert refused == []


def test_a_silently_truncating_card_is_asked_for_what_it_gives() -> None:
    content = file_of(2_000)

    class Truncating(PlainCard):
        def transmit(self, raw: bytes) -> bytes:
            response = super().transmit(raw)
            return response[:-2][:200] + b"\x90\x00"

    found, channel = read(Truncating(content), Strategy(extended=True))
    assert found == content
    assert channel.strategy.block == 200


def test_a_card_that_refuses_to_read_over_the_end_is_asked_for_the_header_first() -> None:
    content = file_of(500)

    def refuse(command: CommandApdu) -> int | None:
        offset = 0 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        over = command.ins == 0xB0 and offset + (command.le or 0) > len(content)
        return 0x6B00 if over else None

    card = PlainCard(content, refuse=refuse)
    found, channel = read(card, Strategy(extended=True))
    assert found == content
    assert (channel.strategy.first_read, channel.strategy.block) == (4, None)
    card.commands.clear()
    assert read(card, channel.strategy)[0] == content
    assert [item.le for item in card.commands] == [4, len(content) - 4]


def test_short_identifiers_give_way_to_select() -> None:
    content = file_of(300)
    card = PlainCard(content, short_ids=False)
    found, channel = read(card)
    assert found == content
    assert channel.strategy.short_ids is False
    card.commands.clear()
    read(card, channel.strategy)
    assert card.commands[0].ins == 0xA4


def test_a_file_that_is_missing_teaches_nothing_about_short_identifiers() -> None:
    channel = Channel(Answers("6A82"))
    with pytest.raises(CardError) as caught:
        FileReader(channel).read(EF_COM, bytearray())
    assert caught.value.reason is CardReason.FILE_MISSING
    assert channel.strategy.short_ids is True


def test_a_card_whose_short_read_selects_nothing() -> None:
    content = file_of(600)
    card = PlainCard(content)
    original = card.transmit

    def forgetful(raw: bytes) -> bytes:
        response = original(raw)
        if CommandApdu.from_bytes(raw).p1 & 0x80:
            card.close()
        return response

    card.transmit = forgetful
    found, channel = read(card, Strategy(extended=False))
    assert found == content
    assert channel.strategy.short_ids is False


@pytest.mark.parametrize("form", SelectForm)
def test_every_form_of_select(form: SelectForm) -> None:
    def refuse(command: CommandApdu) -> int | None:
        wrong = command.ins == 0xA4 and (command.p2, command.le) != (form.p2, form.le)
        return 0x6700 if wrong else None

    content = file_of(20)
    card = PlainCard(content, short_ids=False, refuse=refuse)
    found, channel = read(card)
    assert found == content
    assert channel.strategy.select is form


@pytest.mark.parametrize(("want", "learnt"), [(2, 1), (3, 3)])
def test_the_offset_in_as_many_bytes_as_the_card_wants(want: int, learnt: int) -> None:
    def refuse(command: CommandApdu) -> int | None:
        if command.ins != 0xB1:
            return None
        return None if len(tlv.parse(command.data).value) == want else 0x6A80

    content = file_of(40_000)
    found, channel = read(PlainCard(content, refuse=refuse), Strategy(extended=False))
    assert found == content
    assert channel.strategy.offset_bytes == learnt


def test_reading_goes_on_at_the_very_byte() -> None:
    content = file_of(1_000)
    card = PlainCard(content)
    part = bytearray(content[:700])
    FileReader(Channel(card)).read(DG2, part)
    assert part == content
    assert [item.ins for item in card.commands] == [0xA4, 0xB0]
    assert (card.commands[1].p1 << 8 | card.commands[1].p2) == 700


def test_a_file_that_claims_too_much_is_refused() -> None:
    with pytest.raises(CardError) as caught:
        read(Answers("7583FFFFFF 9000"))
    assert caught.value.reason is CardReason.TOO_LARGE


@pytest.mark.parametrize("rest", ["9000", "6282", "6B00"])
def test_a_file_that_ends_early_is_refused(rest: str) -> None:
    with pytest.raises(ChipError):
        read(Answers("751081020381 9000", "0000 9000", rest))


def test_a_card_that_gives_a_byte_at_a_time_is_read_all_the_same() -> None:
    class Miserly(PlainCard):
        def transmit(self, raw: bytes) -> bytes:
            return super().transmit(raw)[:-2][:1] + b"\x90\x00"

    assert read(Miserly(file_of(60)))[0] == file_of(60)


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
        read(Answers(sw))
    assert caught.value.reason is reason


def test_an_application_that_is_missing() -> None:
    with pytest.raises(CardError) as caught:
        FileReader(Channel(Answers("6A82"))).select_application(b"\xa0\x00")
    assert caught.value.reason is CardReason.NOT_AN_EMRTD


# --- the master file ----------------------------------------------------------------------------

ACCESS = bytes.fromhex("31143012060A04007F0007020204020202010202010D")
Refusal = Callable[[CommandApdu], int | None]


def master_file_card(refuse: Refusal = lambda command: None) -> PlainCard:
    return PlainCard(ACCESS, file_id=0x011C, refuse=refuse)


def no_short_ids(command: CommandApdu) -> int | None:
    return 0x6A81 if command.p1 & 0x80 else None


class NeedsMasterFile(PlainCard):
    """EF.CardAccess is found only after SELECT of the master file."""

    def transmit(self, raw: bytes) -> bytes:
        command = CommandApdu.from_bytes(raw)
        if command.ins == 0xA4 and command.data == b"\x3f\x00":
            self._refuse = lambda command: None
            self.commands.append(command)
            return b"\x90\x00"
        return super().transmit(raw)


@pytest.mark.parametrize(
    ("card", "way", "commands"),
    [
        (master_file_card(), MasterFileWay.SHORT_ID, 1),
        (master_file_card(no_short_ids), MasterFileWay.SELECT_FILE, 2),
        (
            NeedsMasterFile(ACCESS, file_id=0x011C, refuse=lambda command: FILE_NOT_FOUND),
            MasterFileWay.SELECT,
            3,
        ),
    ],
)
def test_card_access_by_every_way(card: PlainCard, way: MasterFileWay, commands: int) -> None:
    channel = Channel(card)
    assert FileReader(channel).read_in_master_file(EF_CARD_ACCESS) == ACCESS
    assert channel.strategy.master_file is way
    card.commands.clear()
    again = Channel(card, strategy=channel.strategy)
    assert FileReader(again).read_in_master_file(EF_CARD_ACCESS) == ACCESS
    assert again.apdus == commands


class WithoutCardAccess(PlainCard):
    """Knows SELECT of the master file, and has no file that anyone asks for."""

    def transmit(self, raw: bytes) -> bytes:
        command = CommandApdu.from_bytes(raw)
        master_file = command.ins == 0xA4 and command.data == b"\x3f\x00"
        return b"\x90\x00" if master_file else b"\x6a\x82"


@pytest.mark.parametrize(("card", "commands"), [(Answers("6A82"), 5), (WithoutCardAccess(b""), 3)])
def test_a_kind_without_card_access_is_asked_for_it_once(
    card: PlainCard | Answers, commands: int
) -> None:
    channel = Channel(card)
    with pytest.raises(CardError) as caught:
        FileReader(channel).read_in_master_file(EF_CARD_ACCESS)
    assert caught.value.reason is CardReason.FILE_MISSING
    assert channel.apdus == commands
    known = Channel(Answers("6A82"), strategy=channel.strategy)
    with pytest.raises(CardError):
        FileReader(known).read_in_master_file(EF_CARD_ACCESS)
    assert known.apdus == 1


def test_an_extended_read_before_access_finds_out_whether_there_are_any() -> None:
    """In plain a refusal costs one command; under secure messaging it may cost the session."""

    def short_only(command: CommandApdu) -> int | None:
        return 0x6700 if command.extended else None

    channel = Channel(master_file_card(short_only))
    assert FileReader(channel).read_in_master_file(EF_CARD_ACCESS) == ACCESS
    assert (channel.strategy.extended, channel.apdus) == (False, 4)
    known = Channel(master_file_card(short_only), strategy=channel.strategy)
    assert FileReader(known).read_in_master_file(EF_CARD_ACCESS) == ACCESS
    assert known.apdus == 1


@pytest.mark.parametrize("size", [5, 255, 256, 257, 1_000])
@pytest.mark.parametrize("extended", [True, False])
def test_a_row_of_objects_is_read_to_the_end_of_the_file(size: int, extended: bool) -> None:
    row = tlv.encode(0x43, b"\x01") + tlv.encode(0x80, bytes(size))
    channel = Channel(PlainCard(row, file_id=0x2F01), strategy=Strategy(extended=extended))
    assert FileReader(channel).read_in_master_file(EF_ATR_INFO) == row
