"""Sessions with cards, run again: the vectors, altered ones, protocols of simulated cards."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_sessions import NOW, contact, record_procedure

from card_reader import cli, tlv
from card_reader.access.bac import bac
from card_reader.access.pace import pace
from card_reader.access.passwords import CanPassword, MrzKeySeed, MrzPassword
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.channel import Channel
from card_reader.chip.chip_authentication import chip_authentication
from card_reader.errors import AccessDeniedError, CardReason, UnreadableInputError
from card_reader.lds import APPLICATION_ID, DATA_GROUPS, EF_COM, dg14
from card_reader.lds.security_infos import chip_authentication_choices, pace_infos, parse_infos
from card_reader.reading.file_reading import FileReader
from card_reader.reading.strategy import Strategy
from card_reader.secure_messaging import SecureMessaging
from card_reader.sessions.replay import ReplayResult, replay
from card_reader.sessions.session_file import Fields, Procedure, Session
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.quirks import Quirks
from card_reader.simulator.recipe import (
    AccessRecipe,
    ChipAuthenticationRecipe,
    PaceRecipe,
    ParameterEncoding,
    Recipe,
)

ROOT = Path(__file__).parents[2]
SESSIONS = sorted((ROOT / "../shared/vectors/sessions").glob("*.json"))
CAN = CanPassword("240815")
Make = Callable[[Recipe], CardProfile]


@pytest.fixture(scope="module")
def make(issuer: Issuer, portrait: bytes) -> Make:
    holder = Holder("001206012345", "Nguyễn Văn An", date(2006, 5, 17), "M")
    return lambda recipe: issuer.issue(holder, portrait, recipe=recipe, now=NOW)


@pytest.fixture(params=SESSIONS, ids=lambda path: path.stem)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(request.param.read_bytes())
    return content


def outcome(document: dict[str, Any]) -> ReplayResult:
    return replay(Session.parse(document))


def flipped(text: str, byte: int) -> str:
    raw = bytearray.fromhex(text)
    raw[byte] ^= 1
    return raw.hex().upper()


# --- the vectors ----------------------------------------------------------------------------------


def test_vectors_replay_identically(document: dict[str, Any]) -> None:
    result = outcome(document)
    assert result.to_dict() == {
        "identical": True,
        "first_difference": None,
        "end_matches": True,
        "result_matches": dict.fromkeys(result.result_matches, True),
        "exchanges": len(document["exchanges"]),
        "reader_error": None,
    }


def test_an_altered_command_is_the_first_difference(document: dict[str, Any]) -> None:
    for index, exchange in enumerate(document["exchanges"]):
        altered = copy.deepcopy(document)
        altered["exchanges"][index]["command"] = flipped(exchange["command"], -2)
        result = outcome(altered).to_dict()
        assert result["identical"] is False
        assert result["first_difference"] == {
            "exchange": index,
            "expected": flipped(exchange["command"], -2),
            "sent": exchange["command"],
        }


def test_an_altered_answer_is_found(document: dict[str, Any]) -> None:
    for exchange in document["exchanges"]:
        if len(exchange["response"]) > 12:  # more than a status word and a small object
            altered = copy.deepcopy(document)
            index = document["exchanges"].index(exchange)
            altered["exchanges"][index]["response"] = flipped(exchange["response"], 5)
            result = outcome(altered)
            assert not result.identical
            difference = result.first_difference
            assert difference is None or difference.exchange > index


def test_altered_randomness_shows_in_the_command_it_enters(document: dict[str, Any]) -> None:
    for index, value in enumerate(document["randomness"]):
        altered = copy.deepcopy(document)
        altered["randomness"][index] = flipped(value, -1)
        difference = outcome(altered).first_difference
        assert difference is not None
        assert difference.sent is not None


@pytest.mark.parametrize("key", ["ks_enc", "ks_mac", "ssc"])
def test_another_end_is_no_identical_session(document: dict[str, Any], key: str) -> None:
    document["end"][key] = flipped(document["end"][key], -1)
    result = outcome(document)
    assert (result.identical, result.first_difference, result.end_matches) == (False, None, False)


def test_a_session_that_was_cut_short_and_one_with_a_command_too_many(
    document: dict[str, Any],
) -> None:
    last = document["exchanges"][-1]
    number = len(document["exchanges"])
    short = outcome(document | {"exchanges": document["exchanges"][:-1]}).first_difference
    if "under" not in last:  # what follows a protocol is taken from the recording
        assert short is not None
        assert (short.exchange, short.expected) == (number - 1, None)
    surplus = document["exchanges"] + [{"command": "FFFFFFFF", "response": "6D00"}]
    long = outcome(document | {"exchanges": surplus})
    assert not long.identical


def test_further_values_are_compared(document: dict[str, Any]) -> None:
    for name in outcome(document).result_matches:
        value = document["result"][name]
        wrong = not value if isinstance(value, bool) else "00"
        result = outcome(document | {"result": document["result"] | {name: wrong}})
        assert not result.identical
        assert result.result_matches[name] is False


def vector(name: str) -> dict[str, Any]:
    path = ROOT / f"../shared/vectors/sessions/{name}.json"
    if not path.exists():
        pytest.skip("shared vectors are absent")
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def test_a_refusal_that_was_recorded_is_the_reader_s_too() -> None:
    document = vector("icao_G1_pace_gm_ecdh_aes128")
    document["exchanges"][-1]["response"] = "6300"
    document |= {"end": None, "result": {}}
    result = outcome(document)
    assert result.identical
    assert isinstance(result.error, AccessDeniedError)
    document["exchanges"] = document["exchanges"][:2]
    document["exchanges"][-1]["response"] = "6A80"
    result = outcome(document)
    assert result.identical
    assert result.error is not None
    assert result.error.reason is CardReason.CHIP_ANSWERED_WRONGLY


def test_a_key_seed_opens_like_the_mrz_it_came_from() -> None:
    document = vector("icao_D_bac")
    password = MrzPassword("L898902C", "690806", "940623")
    seed = {"type": "mrz_key_seed", "k": password.key_seed.hex()}
    assert outcome(document | {"password": seed}).identical


def test_a_chip_that_is_not_genuine() -> None:
    document = vector("icao_I_pace_cam_ecdh_aes128")
    name = "EF.CardSecurity:ChipAuthenticationPublicKeyInfo"
    # Another point of the curve in place of the chip's key: the generator of brainpoolP256r1.
    generator = (
        "048BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262"
        "547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997"
    )
    own = document["files"][name]
    at = own.index("041872709494")
    document["files"][name] = own[:at] + generator + own[at + len(generator) :]
    assert outcome(document).result_matches["chip_genuine"] is False
    document["result"]["chip_genuine"] = False
    assert outcome(document).identical


def test_the_proof_of_chip_authentication_is_a_response_under_the_new_keys() -> None:
    document = vector("real_AT_chip_authentication_ecdh_aes128")
    document["result"]["chip_genuine"] = True
    assert outcome(document).identical
    document["exchanges"][-1]["response"] = flipped(document["exchanges"][-1]["response"], -4)
    document["result"]["chip_genuine"] = False
    document["end"] = None
    result = outcome(document)
    assert result.identical
    assert result.error is not None
    assert result.error.reason is CardReason.SECURE_MESSAGING_BROKEN


def test_an_authentic_refusal_under_the_new_keys_is_a_proof_too(
    make: Make, passwords: tuple[MrzPassword, ...]
) -> None:
    card = make(Recipe(chip_authentication=(ChipAuthenticationRecipe(),)))
    group_14 = card.files[DATA_GROUPS[14].file_id]
    choice = chip_authentication_choices(dg14.parse(group_14))[0]
    transport = contact(card)
    opened = Channel(transport)
    FileReader(opened).select_application(APPLICATION_ID)
    opened.protect(opened.run(bac(passwords[0])))
    start = opened.session_keys
    assert start is not None

    def drive(channel: Channel, rng: Callable[[int], bytes]) -> None:
        channel.protect(SecureMessaging.of(start))
        channel.protect(channel.run(chip_authentication(choice, rng)).session)
        channel.send(CommandApdu(0x00, 0xA4, 0x02, 0x0C, b"\x01\x10"))

    session = record_procedure(
        Procedure.CHIP_AUTHENTICATION,
        transport,
        drive,
        files={"EF.DG14": group_14},
        parameters={"then_selects": {"file": "EF.DG16", "file_id": "0110"}},
    )
    session = replace(session, start=start, result={"chip_genuine": True})
    result = replay(Session.parse(session.to_document()))
    assert result.identical, result.to_dict()
    assert result.error is not None
    assert result.error.reason is CardReason.FILE_MISSING


@pytest.mark.parametrize("number", range(4))
def test_active_authentication(number: int) -> None:
    path = ROOT / "../shared/vectors/dg14_dg15/active_authentication_rsa1024.json"
    if not path.exists():
        pytest.skip("shared vectors are absent")
    content = json.loads(path.read_bytes())
    cases = [case for case in content["cases"] if len(case["challenge"]) == 16]
    case = cases[number] if number < 2 else cases[-number + 1]
    document = {
        "procedure": "active_authentication",
        "files": {"EF.DG15": content["dg15"]},
        "randomness": [case["challenge"]],
        "exchanges": [
            {
                "command": f"0088000008{case['challenge']}00",
                "response": case["signature"] + "9000",
            }
        ],
        "end": None,
        "result": {
            "signature": case["signature"],
            "chip_genuine": case["expected"] == "valid",
        },
    }
    result = outcome(document)
    assert result.identical, result.to_dict()
    assert set(result.result_matches) == {"signature", "chip_genuine"}


# --- protocols of simulated cards, under the parameters of their sessions -------------------------


@pytest.mark.parametrize(
    ("protocol", "parameter_id"),
    [
        ("PACE-ECDH-GM-3DES-CBC-CBC", 10),
        ("PACE-ECDH-GM-AES-CBC-CMAC-256", 18),
        ("PACE-ECDH-IM-AES-CBC-CMAC-128", 13),
        ("PACE-ECDH-CAM-AES-CBC-CMAC-192", 12),
        ("PACE-DH-GM-AES-CBC-CMAC-128", 2),
        ("PACE-DH-IM-3DES-CBC-CBC", 0),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_pace_with_a_card_access_number(
    make: Make, protocol: str, parameter_id: int, named: bool
) -> None:
    recipe = Recipe(
        access=AccessRecipe(pace=(PaceRecipe(protocol, parameter_id),), can=CAN.can),
        chip_mapping=parameter_id if "CAM" in protocol else None,
    )
    card = make(recipe)
    card_access = card.master_files[0x011C]
    info = pace_infos(parse_infos(card_access))[0]

    def drive(channel: Channel, rng: Callable[[int], bytes]) -> None:
        result = channel.run(pace(CAN, info, rng, name_parameters=named))
        channel.protect(result.session)
        FileReader(channel).select_application(APPLICATION_ID)

    session = record_procedure(
        Procedure.PACE,
        contact(card),
        drive,
        passwords=[CAN],
        files={"EF.CardAccess": card_access},
        parameters={
            "protocol_oid": info.oid,
            "parameter_id": parameter_id,
            "mse_has_parameter_id": named,
            "password_reference": 2,
        },
    )
    assert (b"\x84\x01" in session.exchanges[0].command) is named
    result = replay(Session.parse(session.to_document()))
    assert result.identical, result.to_dict()
    wrong = replace(session, passwords=(CanPassword("000000"),))
    assert not replay(wrong).identical


@pytest.mark.parametrize(
    ("protocol", "parameter_id", "key_id", "encoding", "announced"),
    [
        ("CA-ECDH-3DES-CBC-CBC", 13, None, ParameterEncoding.NAMED, True),
        ("CA-ECDH-3DES-CBC-CBC", 12, None, ParameterEncoding.EXPLICIT, False),
        ("CA-ECDH-AES-CBC-CMAC-256", 16, 5, ParameterEncoding.NAMED, True),
        ("CA-DH-3DES-CBC-CBC", 0, 1, ParameterEncoding.NAMED, True),
        ("CA-DH-AES-CBC-CMAC-128", 2, None, ParameterEncoding.STANDARDISED, True),
    ],
)
@pytest.mark.parametrize("extended", [None, False])
def test_chip_authentication_then_files_under_the_new_keys(
    make: Make,
    passwords: tuple[MrzPassword, ...],
    protocol: str,
    parameter_id: int,
    key_id: int | None,
    encoding: ParameterEncoding,
    announced: bool,
    extended: bool | None,
) -> None:
    chip_key = ChipAuthenticationRecipe((protocol,), parameter_id, key_id, encoding, announced)
    card = make(Recipe(chip_authentication=(chip_key,)))
    group_14 = card.files[DATA_GROUPS[14].file_id]
    choice = chip_authentication_choices(dg14.parse(group_14))[0]
    transport = contact(card)
    opened = Channel(transport)
    FileReader(opened).select_application(APPLICATION_ID)
    opened.protect(opened.run(bac(passwords[0])))
    start = opened.session_keys
    assert start is not None

    def drive(channel: Channel, rng: Callable[[int], bytes]) -> None:
        channel.protect(SecureMessaging.of(start))
        channel.protect(channel.run(chip_authentication(choice, rng)).session)
        channel.strategy = replace(channel.strategy, short_ids=False, first_read=8, block=100)
        files = FileReader(channel)
        files.select_file(DATA_GROUPS[14])
        files.read(EF_COM, bytearray())
        files.read(DATA_GROUPS[1], bytearray())

    session = record_procedure(
        Procedure.CHIP_AUTHENTICATION,
        transport,
        drive,
        files={"EF.DG14": group_14},
        parameters={
            "protocol_oid": choice[0].oid,
            "key_id": key_id,
            "then_selects": {"file": "EF.DG14", "file_id": "010E"},
            "then_reads": ["EF.COM", {"file": "EF.DG1", "file_id": "0101", "first_read": 8}],
        },
        strategy=Strategy(extended=extended),
    )
    session = replace(session, start=start, result={"chip_genuine": True, "EF.COM": "00"})
    com = card.files[EF_COM.file_id].hex().upper()
    session = replace(session, result={"chip_genuine": True, "EF.COM": com})
    result = replay(Session.parse(session.to_document()))
    assert result.identical, result.to_dict()
    assert set(result.result_matches) == {"chip_genuine", "EF.COM"}
    without = replace(session, parameters=Fields({}, "parameters"))
    assert replay(without).identical


class PlainCard:
    """A card without access control that holds one file."""

    atr = b""

    def __init__(self, content: bytes, most: int) -> None:
        self._content = content
        self._most = most

    def transmit(self, raw: bytes) -> bytes:
        command = CommandApdu.from_bytes(raw)
        if command.ins == 0xA4:
            return b"\x90\x00"
        assert command.le is not None
        offset = 0 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        data = self._content[offset : offset + min(command.le, self._most)]
        return ResponseApdu(data, 0x9000).to_bytes()

    def close(self) -> None:
        self._content = b""


@settings(deadline=None)
@given(
    size=st.integers(4, 2000),
    first=st.integers(4, 64),
    block=st.integers(8, 256),
    by_short_id=st.booleans(),
)
def test_files_are_read_the_way_the_recorded_terminal_read_them(
    size: int, first: int, block: int, by_short_id: bool
) -> None:
    content = tlv.encode(0x75, bytes(index % 251 for index in range(size)))
    exchanges: list[dict[str, str]] = []
    card = PlainCard(content, 256)

    def send(command: CommandApdu) -> None:
        raw = command.to_bytes()
        exchanges.append({"command": raw.hex(), "response": card.transmit(raw).hex()})

    if not by_short_id:
        send(CommandApdu(0, 0xA4, 2, 0x0C, b"\x01\x02"))
    send(CommandApdu(0, 0xB0, 0x82 if by_short_id else 0, 0, le=first))
    for offset in range(min(first, len(content)), len(content), block):
        wanted = min(block, len(content) - offset)
        send(CommandApdu(0, 0xB0, offset >> 8, offset & 0xFF, le=wanted))
    document = {
        "procedure": "read_file",
        "parameters": {"file_id": "0102"},
        "exchanges": exchanges,
        "result": {"EF.DG2": content.hex()},
    }
    result = outcome(document)
    assert result.identical, result.to_dict()
    assert result.result_matches == {"EF.DG2": True}
    assert result.exchanges == len(exchanges) >= math.ceil(len(content) / 256)


@pytest.mark.parametrize("sw", ["6982", "6A82", "6300"])
def test_a_file_that_is_refused(sw: str) -> None:
    document = {
        "procedure": "read_file",
        "parameters": {"file": "EF.DG3"},
        "exchanges": [{"command": "00B0830000", "response": sw}],
        "end": None,
    }
    result = outcome(document)
    assert result.identical
    assert result.error is None or result.error.reason is not CardReason.MALFORMED_FILE


def test_a_wrong_password_that_a_simulated_chip_refuses(make: Make) -> None:
    card = replace(make(Recipe()), quirks=Quirks(wrong_password_sw=0x6985))
    password = MrzKeySeed(bytes(20))

    def drive(channel: Channel, rng: Callable[[int], bytes]) -> None:
        FileReader(channel).select_application(APPLICATION_ID)
        channel.run(bac(password, rng))

    session = record_procedure(Procedure.BAC, contact(card), drive, passwords=[password])
    assert session.exchanges[-1].response == b"\x69\x85"
    result = replay(Session.parse(session.to_document()))
    assert result.identical
    assert isinstance(result.error, AccessDeniedError)


# --- sessions that are none -----------------------------------------------------------------------

SOUND = {
    "procedure": "read_file",
    "parameters": {"file": "EF.COM"},
    "exchanges": [{"command": "00B09E0000", "response": "6982"}],
}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"procedure": "tea"}, "procedure"),
        ({"procedure": None}, "procedure"),
        ({"exchanges": []}, "exchanges"),
        ({"exchanges": {}}, "exchanges"),
        ({"exchanges": [{"command": "00"}]}, "response"),
        ({"exchanges": [{"command": "xyz", "response": "9000"}]}, "command"),
        ({"exchanges": [{"command": 3, "response": "9000"}]}, "command"),
        ({"exchanges": [{"command": "00", "response": "90", "lost": "eaten"}]}, "lost"),
        ({"exchanges": ["00B0"]}, "exchanges[0]"),
        ({"randomness": ["0"]}, "randomness[0]"),
        ({"randomness": "00"}, "randomness"),
        ({"start": {"secure_messaging": {"cipher": "ROT13"}}}, "cipher"),
        (
            {"start": {"secure_messaging": {"cipher": "3DES", "ks_enc": "00"}}},
            "ks_mac",
        ),
        (
            {"end": {"cipher": "3DES", "ks_enc": "00", "ks_mac": "00", "ssc": "00"}},
            "end",
        ),
        ({"password": {"type": "guess"}}, "password"),
        ({"password": {"type": "can", "can": "12"}}, "password"),
        ({"password": {"type": "mrz", "doc": "1", "dob": "1", "expiry": "1"}}, "password"),
        ({"password": {"type": "mrz_key_seed", "k": "00"}}, "password"),
        ({"files": {"EF.DG14": "?"}}, "EF.DG14"),
        ({"parameters": []}, "parameters"),
        ({"parameters": {"file_id": "01"}}, "file_id"),
        ({"parameters": {"file": "EF.Nothing"}}, "file"),
        ({"parameters": {"file": "EF.COM", "first_read": "4"}}, "first_read"),
        ({"parameters": {"file": "EF.COM", "first_read": True}}, "first_read"),
        ({"procedure": "pace"}, "password"),
        ({"procedure": "bac", "password": {"type": "can", "can": "123456"}}, "BAC"),
        ({"procedure": "pace", "password": {"type": "can", "can": "123456"}}, "PACE"),
        ({"procedure": "chip_authentication"}, "key"),
        ({"procedure": "active_authentication"}, "EF.DG15"),
        ({"procedure": "read_card", "parameters": {"groups": [0]}}, "groups"),
        ({"procedure": "read_card", "parameters": {"strategy": {}}}, "strategy"),
        ({"procedure": "read_card", "parameters": {"challenge": {"value": "00"}}}, "challenge"),
        ({"procedure": "read_card", "parameters": {"access_policy": "all"}}, "access_policy"),
    ],
)
def test_an_unusable_session_is_named_in_one_line(change: dict[str, Any], place: str) -> None:
    with pytest.raises(UnreadableInputError) as caught:
        outcome(SOUND | change)
    assert place in caught.value.detail
    assert "\n" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["00", "9000"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    procedure=st.sampled_from(list(Procedure)),
    change=st.dictionaries(
        st.sampled_from(
            ["start", "end", "password", "files", "parameters", "randomness", "exchanges", "atr"]
        ),
        json_values,
        max_size=3,
    ),
)
def test_any_document_gives_a_result_or_one_line(
    procedure: Procedure, change: dict[str, Any]
) -> None:
    try:
        result = outcome(SOUND | {"procedure": procedure.value} | change)
    except UnreadableInputError as error:
        assert "\n" not in str(error)
    else:
        json.dumps(result.to_dict())


# --- the command ----------------------------------------------------------------------------------


def call(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> tuple[int, str, str]:
    code = cli.main(["replay", str(path), *options])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    path.write_text(json.dumps(SOUND))
    code, out, err = call(capsys, path, "--json")
    assert (code, json.loads(out)["identical"], err) == (0, True, "")
    path.write_text(json.dumps(SOUND | {"parameters": {"file": "EF.SOD"}}))
    code, out, _ = call(capsys, path, "--json")
    assert code == 1
    assert json.loads(out)["first_difference"] == {
        "exchange": 0,
        "expected": "00B09E0000",
        "sent": "00B09D0000",
    }
    code, out, _ = call(capsys, path)
    assert code == 1
    assert out.splitlines()[0].startswith("different")
    path.write_bytes(b"\xff[")
    code, out, err = call(capsys, path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    code, out, err = call(capsys, tmp_path / "absent.json", "--json")
    assert (code, json.loads(out)["error"], err.count("\n")) == (2, "unreadable_input", 1)
