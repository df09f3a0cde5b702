"""Whole readings, recorded and run again: good cards, odd ones, lost contacts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from recorded_sessions import contact, reading_with, record

from card_reader.access.passwords import CanPassword, MrzPassword
from card_reader.apdu import CommandApdu
from card_reader.channel import Channel
from card_reader.errors import CardReason, ReaderError, UnreadableInputError
from card_reader.sessions.recording import SessionRecording
from card_reader.sessions.replay import replay
from card_reader.sessions.session_file import Session
from card_reader.simulator.faults import TornTransport, WrongMacChip
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.quirks import OverlongRead, Quirks
from card_reader.simulator.transport import SimulatedTransport


def stored(session: Session, path: Path) -> Session:
    """Through the file and back."""
    session.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    return Session.load(path)


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(),
        Quirks(extended_length=False, longest_response=120),
        Quirks(longest_read=223, overlong_read=OverlongRead.CORRECTED),
        Quirks(longest_read=160, overlong_read=OverlongRead.ENDS_SESSION),
        Quirks(short_file_identifiers=False, plain_errors=True),
    ],
)
def test_a_reading_replays_identically(
    card: CardProfile, passwords: tuple[MrzPassword, ...], quirks: Quirks, tmp_path: Path
) -> None:
    session = record(reading_with(passwords), contact(replace(card, quirks=quirks)))
    assert session.result["outcome"] == "done"
    result = replay(stored(session, tmp_path / "session.json"))
    assert result.identical, result.to_dict()
    assert result.exchanges == len(session.exchanges)
    assert "files_sha256" in result.result_matches


def test_every_byte_of_the_wire_is_recorded(
    card: CardProfile, passwords: tuple[MrzPassword, ...]
) -> None:
    """Pieces of a response, too, with the plain forms at the ends of the logical exchange."""
    quirks = Quirks(extended_length=False, longest_response=120)
    session = record(reading_with(passwords), contact(replace(card, quirks=quirks)))
    pieces = [item for item in session.exchanges if item.command[1] == 0xC0]
    assert pieces
    first = next(item for item in session.exchanges if item.continues and item.plain_command)
    assert first.response is not None
    assert first.response[-2] == 0x61
    assert first.plain_response is None
    assert all(item.plain_command is None for item in pieces)
    assert any(item.plain_response for item in pieces)


def test_the_mrz_itself_is_not_kept(
    card: CardProfile, passwords: tuple[MrzPassword, ...], tmp_path: Path
) -> None:
    session = record(reading_with(passwords), contact(card))
    path = tmp_path / "session.json"
    session.save(path)
    document = json.loads(path.read_bytes())
    assert document["password"] == {
        "type": "mrz_key_seed",
        "k": passwords[0].key_seed.hex().upper(),
    }
    assert "001206012345" not in json.dumps({**document, "exchanges": []})
    assert passwords[0].key_seed.hex() not in repr(session).lower()


def test_another_answer_is_another_session(
    card: CardProfile, passwords: tuple[MrzPassword, ...]
) -> None:
    session = record(reading_with(passwords), contact(card))
    exchanges = list(session.exchanges)
    last = exchanges[-1].response
    assert last is not None
    exchanges[-1] = replace(exchanges[-1], response=last[:-12] + bytes(10) + last[-2:])
    assert not replay(replace(session, exchanges=tuple(exchanges))).identical
    assert not replay(replace(session, randomness=session.randomness[:-1])).identical


def test_a_wrong_password(card: CardProfile) -> None:
    session = record(reading_with([MrzPassword("L898902C", "690806", "940623")]), contact(card))
    assert session.result == {"outcome": "access_denied"}
    result = replay(session)
    assert result.identical
    assert result.to_dict()["reader_error"] == "access_denied"
    other = replace(session, result={"outcome": "done"})
    assert not replay(other).identical


def test_a_card_that_withstands_a_card_access_number(card: CardProfile) -> None:
    session = record(reading_with([CanPassword("123456")]), contact(card))
    assert session.result == {"outcome": "no_password"}
    assert replay(session).identical


@pytest.mark.parametrize("bytes_before", [0, 3, 40, 500, 3_000, 9_000])
def test_a_lost_contact_is_recorded(
    card: CardProfile, passwords: tuple[MrzPassword, ...], bytes_before: int, tmp_path: Path
) -> None:
    quirks = Quirks(extended_length=False)
    torn = TornTransport(contact(replace(card, quirks=quirks)), bytes_before)
    session = stored(record(reading_with(passwords), torn), tmp_path / "session.json")
    assert session.exchanges[-1].lost is CardReason.CARD_REMOVED
    assert session.exchanges[-1].response is None
    assert session.result == {"outcome": "card_removed"}
    assert replay(session).identical


def test_a_card_that_comes_back_is_recorded_as_one_session(
    card: CardProfile, passwords: tuple[MrzPassword, ...]
) -> None:
    short = replace(card, quirks=Quirks(extended_length=False))
    session = record(
        reading_with(passwords), TornTransport(contact(short), 6_000), lambda: contact(short)
    )
    assert session.result["outcome"] == "done"
    assert sum(item.lost is not None for item in session.exchanges) == 1
    assert replay(session).identical


def test_a_wrong_mac_is_recorded(card: CardProfile, passwords: tuple[MrzPassword, ...]) -> None:
    session = record(reading_with(passwords), SimulatedTransport(WrongMacChip(card, at=2)))
    broken = [item for item in session.exchanges if item.plain_command and not item.plain_response]
    assert broken
    assert replay(session).identical


def test_a_reader_that_says_nothing_sensible_is_recorded() -> None:
    class Mumbling:
        atr = b""

        def transmit(self, command: bytes) -> bytes:
            return b"\x61"

        def close(self) -> None: ...

    recording = SessionRecording()
    channel = Channel(recording.over(Mumbling()), recorder=recording.exchange)
    with pytest.raises(Exception, match="a response of 1 bytes"):
        channel.send(CommandApdu(0, 0xA4, 4, 0))
    session = recording.session(reading_with([CanPassword("123456")]), ReaderError("lost"))
    assert [item.response for item in session.exchanges] == [b"\x61"]


def test_a_folder_that_cannot_be_written(
    card: CardProfile, passwords: tuple[MrzPassword, ...], tmp_path: Path
) -> None:
    session = record(reading_with(passwords), contact(card))
    (tmp_path / "file").write_text("")
    with pytest.raises(UnreadableInputError, match="cannot be written"):
        session.save(tmp_path / "file" / "session.json")
