"""Chained commands and responses, corrected lengths, secure messaging, what is logged."""

import logging

import pytest
from scripted_cards import Answers

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.channel import TRAFFIC, Channel, Exchange
from card_reader.errors import CardReason, ChipError, SecureMessagingError
from card_reader.reading.strategy import Strategy
from card_reader.secure_messaging import (
    Cipher,
    SecureMessaging,
    derive_session_keys,
    pad,
    session_cipher,
)

KEYS = derive_session_keys(Cipher.AES_128, b"shared secret")
READ = CommandApdu(0x00, 0xB0, 0x00, 0x00, le=16)


def protected(command: CommandApdu) -> CommandApdu:
    """The command as a session of these keys sends it first."""
    return SecureMessaging.of(KEYS).wrap(command)


def answer(data: bytes, sw: int, counter: int, outer: int | None = None) -> bytes:
    """A chip's protected response, written down from ICAO 9303-11 §9.8.5."""
    cipher, ssc = session_cipher(KEYS), counter.to_bytes(16, "big")
    objects = b""
    if data:
        cryptogram = cipher.encrypt(pad(data, 16), ssc)
        objects = tlv.encode(0x87, b"\x01" + cryptogram)
    objects += tlv.encode(0x99, sw.to_bytes(2, "big"))
    mac = cipher.mac(pad(ssc + objects, 16))
    return objects + tlv.encode(0x8E, mac) + (outer or sw).to_bytes(2, "big")


def channel_over(card: Answers, **strategy: bool) -> Channel:
    channel = Channel(card, strategy=Strategy(**strategy))
    channel.protect(SecureMessaging.of(KEYS))
    return channel


def test_get_response_fetches_the_rest() -> None:
    card = Answers("01 6102", "02 6100", "03 9000")
    channel = Channel(card)
    assert channel.send(CommandApdu(0, 0xB0, 0, 0, le=3)) == ResponseApdu(b"\x01\x02\x03", 0x9000)
    assert card.sent[1:] == ["00c0000002", "00c0000000"]
    assert channel.apdus == 3


def test_a_protected_response_in_pieces_is_put_together_before_it_is_unwrapped() -> None:
    whole = answer(bytes(range(200)), 0x9000, 2)
    card = Answers(whole[:100] + b"\x61\x70", whole[100:])
    assert channel_over(card).send(READ).data == bytes(range(200))
    assert card.sent[1] == "00c0000070"


def test_a_protected_status_may_say_that_there_is_more() -> None:
    card = Answers(answer(b"first", 0x6105, 2, 0x9000), answer(b"other", 0x9000, 4))
    assert channel_over(card).send(READ) == ResponseApdu(b"firstother", 0x9000)
    assert [sent[:8] for sent in card.sent] == ["0cb00000", "0cc00000"]


def test_a_wrong_expected_length_is_corrected() -> None:
    card = Answers("6C05", "01 9000")
    assert Channel(card).send(CommandApdu(0, 0xB0, 0, 0, le=9)).ok
    assert card.sent == ["00b0000009", "00b0000005"]


@pytest.mark.parametrize("protect", [False, True])
def test_a_response_without_end_is_cut(protect: bool) -> None:
    channel = Channel(Answers(bytes(200) + b"\x61\x00"))
    if protect:
        channel.protect(SecureMessaging.of(KEYS))
    with pytest.raises(ChipError) as caught:
        channel.send(CommandApdu(0, 0xB0, 0, 0, le=256))
    assert caught.value.reason is CardReason.TOO_LARGE


def test_long_data_goes_in_a_chain_where_the_card_has_no_extended_length() -> None:
    card = Answers("9000")
    command = CommandApdu(0x00, 0x22, 0x41, 0xA6, bytes(300), 256)
    Channel(card, strategy=Strategy(extended=False)).send(command)
    first, last = (CommandApdu.from_bytes(bytes.fromhex(sent)) for sent in card.sent)
    assert (first.cla, first.data, first.le) == (0x10, bytes(255), None)
    assert (last.cla, last.data, last.le) == (0x00, bytes(45), 256)


def test_a_chain_under_secure_messaging_protects_each_command() -> None:
    card = Answers(answer(b"", 0x9000, 2), answer(b"", 0x9000, 4))
    channel = channel_over(card, extended=False)
    assert channel.send(CommandApdu(0x00, 0x86, 0x00, 0x00, bytes(300), 256)).ok
    sent = [CommandApdu.from_bytes(bytes.fromhex(item)) for item in card.sent]
    assert [item.cla for item in sent] == [0x1C, 0x0C]
    assert all(len(item.to_bytes()) <= 261 for item in sent)
    assert channel.session_keys is not None
    assert channel.session_keys.ssc == (4).to_bytes(16, "big")


def test_a_chain_ends_where_the_card_refuses_a_link() -> None:
    card = Answers("6884", "9000")
    channel = Channel(card, strategy=Strategy(extended=False))
    assert channel.send(CommandApdu(0x00, 0x22, 0x41, 0xA6, bytes(300))).sw == 0x6884
    assert len(card.sent) == 1


def test_a_link_of_a_protocol_is_not_divided_again() -> None:
    """PACE's own commands are links already (ICAO 9303-11 §4.4.4.2)."""
    card = Answers("9000")
    channel = Channel(card, strategy=Strategy(extended=False))
    channel.send(CommandApdu(0x10, 0x86, 0x00, 0x00, bytes(300), 256))
    assert card.sent[0].startswith("1086000000012c")


@pytest.mark.parametrize(
    ("le", "extended", "form", "outer"),
    [
        (16, None, None, 256),
        (256, None, None, 256),  # "all there is" stays short
        (1000, None, None, 65_536),
        (1000, False, None, 256),
        (256, None, True, 65_536),
        (1000, None, False, 256),
    ],
)
def test_the_form_of_a_protected_command(
    le: int, extended: bool | None, form: bool | None, outer: int
) -> None:
    card = Answers(answer(b"x", 0x9000, 2))
    channel = Channel(card, strategy=Strategy(extended=extended))
    channel.protect(SecureMessaging.of(KEYS))
    channel.send(CommandApdu(0x00, 0xB0, 0x00, 0x00, le=le), extended=form)
    assert CommandApdu.from_bytes(bytes.fromhex(card.sent[0])).le == outer
    assert channel.sent_extended == (outer > 256)


def test_an_answer_without_protection_is_not_taken() -> None:
    card = Answers("6982")
    channel = channel_over(card)
    with pytest.raises(SecureMessagingError):
        channel.send(READ)
    assert channel.last_status == 0x6982


def test_the_first_response_under_new_keys_is_kept_as_it_came() -> None:
    first = answer(b"one", 0x9000, 2)
    channel = channel_over(Answers(first, answer(b"two", 0x9000, 4)))
    channel.send(READ)
    channel.send(READ)
    assert channel.first_response == first
    channel.protect(None)
    assert channel.first_response == b""


def test_a_command_of_another_terminal_goes_as_it_is() -> None:
    sent = protected(READ).to_bytes()
    card = Answers("6988")
    seen: list[Exchange] = []
    channel = Channel(card, recorder=seen.append)
    assert channel.send_as_it_is(sent) == b"\x69\x88"
    assert bytes.fromhex(card.sent[0]) == sent
    assert seen == [Exchange(sent, b"\x69\x88")]


def test_the_recorder_sees_both_forms() -> None:
    seen: list[Exchange] = []
    channel = Channel(Answers(answer(b"data", 0x9000, 2)), recorder=seen.append)
    channel.protect(SecureMessaging.of(KEYS))
    channel.send(READ)
    assert seen[0].command == protected(READ).to_bytes()
    assert seen[0].plain_command == READ.to_bytes()
    assert seen[0].plain_response == b"data\x90\x00"


def test_the_log_is_silent_by_default_and_never_tells_data(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = b"NGUYEN<<VAN<AN"
    command = CommandApdu(0x00, 0x82, 0x00, 0x00, secret, 256)
    with caplog.at_level(logging.DEBUG):
        Channel(Answers(secret + b"\x90\x00")).send(command)
    assert caplog.text == ""
    with caplog.at_level(logging.DEBUG, logger=TRAFFIC.name):
        Channel(Answers(secret + b"\x90\x00")).send(command)
    assert "00820000 Lc 14 Le 256 -> 14 bytes, 9000" in caplog.text
    assert secret.decode() not in caplog.text
    assert secret.hex().upper() not in caplog.text.upper()
