"""What the parameters of a session say, the reader does; what they leave out it finds itself."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from recorded_sessions import NOW, contact, record_procedure

from card_reader.access.bac import bac
from card_reader.access.passwords import MrzPassword
from card_reader.apdu import CommandApdu
from card_reader.channel import Channel
from card_reader.chip.active_authentication import internal_authenticate
from card_reader.chip.chip_authentication import chip_authentication
from card_reader.errors import UnreadableInputError
from card_reader.lds import APPLICATION_ID, DATA_GROUPS, EF_SOD, dg14, dg15
from card_reader.lds.security_infos import chip_authentication_choices
from card_reader.reading.file_reading import FileReader
from card_reader.reading.strategy import Strategy
from card_reader.secure_messaging import SecureMessaging, SessionKeys
from card_reader.sessions.replay import replay
from card_reader.sessions.session_file import Fields, Procedure, Session
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.recipe import (
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    Recipe,
)
from card_reader.simulator.signing_keys import KeyKind
from card_reader.simulator.transport import SimulatedTransport

ROOT = Path(__file__).parents[2]
Make = Callable[[Recipe], CardProfile]


@pytest.fixture(scope="module")
def make(issuer: Issuer, portrait: bytes) -> Make:
    holder = Holder("001206012345", "Nguyễn Văn An", date(2006, 5, 17), "M")
    return lambda recipe: issuer.issue(holder, portrait, recipe=recipe, now=NOW)


def printed_pace() -> dict[str, Any]:
    path = ROOT / "../shared/vectors/sessions/icao_G1_pace_gm_ecdh_aes128.json"
    if not path.exists():
        pytest.skip("shared vectors are absent")
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def opened_by_bac(
    card: CardProfile, password: MrzPassword
) -> tuple[SimulatedTransport, SessionKeys]:
    """A contact in the application, and the session in force there."""
    transport = contact(card)
    channel = Channel(transport)
    FileReader(channel).select_application(APPLICATION_ID)
    channel.protect(channel.run(bac(password)))
    assert channel.session_keys is not None
    return transport, channel.session_keys


def chip_authentication_session(
    card: CardProfile,
    password: MrzPassword,
    *,
    set_kat: bool | None = None,
    parameters: dict[str, object] | None = None,
) -> Session:
    """Chip authentication under BAC, then SELECT of EF.DG14 under the new keys."""
    group_14 = card.files[DATA_GROUPS[14].file_id]
    choice = chip_authentication_choices(dg14.parse(group_14))[0]
    transport, start = opened_by_bac(card, password)

    def drive(channel: Channel, rng: Callable[[int], bytes]) -> None:
        channel.protect(SecureMessaging.of(start))
        channel.protect(channel.run(chip_authentication(choice, rng, set_kat=set_kat)).session)
        FileReader(channel).select_file(DATA_GROUPS[14])

    session = record_procedure(
        Procedure.CHIP_AUTHENTICATION,
        transport,
        drive,
        files={"EF.DG14": group_14},
        parameters={"then_selects": {"file": "EF.DG14", "file_id": "010E"}} | (parameters or {}),
    )
    return replace(session, start=start, result={"chip_genuine": True})


@pytest.mark.parametrize(
    ("set_kat", "name", "commands"),
    [(True, "MSE:Set KAT", 2), (False, "MSE:Set AT + GENERAL AUTHENTICATE", 3)],
)
def test_chip_authentication_with_3des_starts_as_the_parameters_say(
    make: Make, passwords: tuple[MrzPassword, ...], set_kat: bool, name: str, commands: int
) -> None:
    # ICAO 9303-11 §6.2.4: with 3DES a chip takes either command; passports in the field do.
    card = make(Recipe(chip_authentication=(ChipAuthenticationRecipe(("CA-ECDH-3DES-CBC-CBC",)),)))
    session = chip_authentication_session(
        card, passwords[0], set_kat=set_kat, parameters={"mse": name}
    )
    result = replay(Session.parse(session.to_document()))
    assert result.identical, result.to_dict()
    assert (result.exchanges, result.result_matches) == (commands, {"chip_genuine": True})
    other = "MSE:Set AT" if set_kat else "MSE:Set KAT"
    difference = replay(replace(session, parameters=Fields({"mse": other}, "parameters")))
    assert difference.first_difference is not None
    assert difference.first_difference.exchange == 0


def test_mse_that_cannot_be(make: Make, passwords: tuple[MrzPassword, ...]) -> None:
    card = make(Recipe(chip_authentication=(ChipAuthenticationRecipe(),)))
    for name in ("MSE:Set KAT", "tea"):  # the former knows 3DES alone
        session = chip_authentication_session(card, passwords[0], parameters={"mse": name})
        with pytest.raises(UnreadableInputError, match="mse"):
            replay(session)


@pytest.mark.parametrize("key_id", [195, "C3", "00C3"])
def test_a_key_id_is_a_number_or_its_bytes(
    make: Make, passwords: tuple[MrzPassword, ...], key_id: int | str
) -> None:
    card = make(Recipe(chip_authentication=(ChipAuthenticationRecipe(key_id=195),)))
    session = chip_authentication_session(card, passwords[0], parameters={"key_id": key_id})
    assert b"\x84\x01\xc3" in (session.exchanges[0].plain_command or b"")
    assert replay(Session.parse(session.to_document())).identical


def test_the_parameters_name_the_password() -> None:
    document = printed_pace()
    document["parameters"]["password_reference"] = 2
    difference = replay(Session.parse(document)).first_difference
    assert difference is not None
    assert (difference.exchange, (difference.sent or b"").hex()[-6:]) == (0, "830102")
    document["parameters"]["password_reference"] = 300
    with pytest.raises(UnreadableInputError, match="password_reference"):
        replay(Session.parse(document))


def test_protected_exchanges_need_no_plain_forms(
    make: Make, passwords: tuple[MrzPassword, ...]
) -> None:
    card = make(Recipe(chip_authentication=(ChipAuthenticationRecipe(),)))
    session = chip_authentication_session(card, passwords[0])
    bare = tuple(
        replace(item, plain_command=None, plain_response=None) for item in session.exchanges
    )
    result = replay(replace(session, exchanges=bare))
    assert result.identical, result.to_dict()
    assert result.exchanges == len(bare)


def test_a_file_under_protection_read_with_all_there_is(
    make: Make, passwords: tuple[MrzPassword, ...]
) -> None:
    """The recorded terminal asks for 256 bytes and gets as many as a short response holds."""
    card = make(Recipe())
    transport, start = opened_by_bac(card, passwords[0])
    content = card.files[EF_SOD.file_id]

    def drive(channel: Channel, _: Callable[[int], bytes]) -> None:
        channel.protect(SecureMessaging.of(start))
        channel.send(CommandApdu(0, 0xA4, 2, 0x0C, EF_SOD.file_id.to_bytes(2, "big")))
        position = len(channel.send(CommandApdu(0, 0xB0, 0, 0, le=4)).data)
        while position < len(content):
            wanted = min(256, len(content) - position)
            command = CommandApdu(0, 0xB0, position >> 8, position & 0xFF, le=wanted)
            position += len(channel.send(command, extended=False).data)

    session = record_procedure(
        Procedure.READ_FILE,
        transport,
        drive,
        parameters={"file": "EF.SOD", "first_read": 4},
        strategy=Strategy(extended=False),
    )
    assert (session.exchanges[2].plain_command or b"")[-1] == 0
    session = replace(session, start=start, result={"EF.SOD": content.hex().upper()})
    result = replay(Session.parse(session.to_document()))
    assert result.identical, result.to_dict()


def test_a_file_named_by_its_short_identifier() -> None:
    document = {
        "procedure": "read_file",
        "parameters": {"short_id": 30},
        "exchanges": [{"command": "00B09E0000", "response": "6982"}],
    }
    assert replay(Session.parse(document)).identical


@pytest.mark.parametrize("le", [256, 64])
def test_active_authentication_with_the_length_the_recorded_terminal_asked_for(
    make: Make, passwords: tuple[MrzPassword, ...], le: int
) -> None:
    """All there is, or just enough for a plain ECDSA signature."""
    card = make(Recipe(active_authentication=ActiveAuthenticationRecipe(KeyKind.P256)))
    transport, start = opened_by_bac(card, passwords[0])
    group_15 = card.files[DATA_GROUPS[15].file_id]

    def drive(channel: Channel, rng: Callable[[int], bytes]) -> None:
        channel.protect(SecureMessaging.of(start))
        channel.send(replace(internal_authenticate(dg15.parse(group_15), rng(8)), le=le))

    files = {"EF.DG15": group_15, "EF.DG14": card.files[DATA_GROUPS[14].file_id]}
    session = record_procedure(Procedure.ACTIVE_AUTHENTICATION, transport, drive, files=files)
    session = replace(session, start=start, result={"chip_genuine": True})
    result = replay(Session.parse(session.to_document()))
    assert result.identical, result.to_dict()
    assert result.result_matches == {"chip_genuine": True}
