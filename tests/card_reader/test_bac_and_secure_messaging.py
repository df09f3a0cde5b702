"""BAC and secure messaging against the worked examples of ICAO 9303-11, appendix D."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from card_reader.access.bac import bac
from card_reader.access.passwords import MrzPassword
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.channel import Channel, Exchange
from card_reader.errors import AccessDeniedError, ChipError, SecureMessagingError
from card_reader.secure_messaging import SecureMessaging, TripleDes, pad, unpad

SESSIONS = Path(__file__).parents[2] / "../shared/vectors/sessions"

# ICAO 9303-11, appendix D.1 to D.4 (values printed there).
PASSWORD = MrzPassword("L898902C", "690806", "940623")
RANDOM = (bytes.fromhex("781723860C06C226"), bytes.fromhex("0B795240CB7049B01C19B33E32804F0B"))
BAC = [
    ("0084000008", "4608F919887022129000"),
    (
        "008200002872C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A728",
        "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D74499000",
    ),
]
SESSION = TripleDes(
    bytes.fromhex("979EC13B1CBFE9DCD01AB0FED307EAE5"),
    bytes.fromhex("F1CB1F1FB5ADF208806B89DC579DC1F8"),
)
SSC = bytes.fromhex("887022120C06C226")
SELECT_COM = CommandApdu.from_bytes(bytes.fromhex("00A4020C02011E"))
PROTECTED_SELECT = "0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800"
SELECT_ANSWER = "990290008E08FA855A5D4C50A8ED9000"


class Script:
    """A card that answers a fixed row of commands and accepts no other."""

    atr = b""

    def __init__(self, exchanges: list[tuple[str, str]]) -> None:
        self._exchanges = list(exchanges)

    def transmit(self, command: bytes) -> bytes:
        expected, response = self._exchanges.pop(0)
        assert command.hex().upper() == expected
        return bytes.fromhex(response)

    def close(self) -> None:
        assert not self._exchanges


def drawn(*values: bytes) -> Callable[[int], bytes]:
    rest = list(values)

    def draw(length: int) -> bytes:
        value = rest.pop(0)
        assert len(value) == length
        return value

    return draw


def test_mrz_information_and_seed() -> None:
    assert PASSWORD.information == "L898902C<369080619406236"
    assert PASSWORD.key_seed[:16].hex().upper() == "239AB9CB282DAF66231DC5A4DF6BFBAE"


def test_bac_sends_the_printed_commands_and_ends_with_the_printed_counter() -> None:
    channel = Channel(Script(BAC))
    session = channel.run(bac(PASSWORD, drawn(*RANDOM)))
    assert session.ssc == SSC
    assert session.wrap(SELECT_COM).to_bytes().hex().upper() == PROTECTED_SELECT
    assert channel.apdus == 2


def test_bac_with_a_wrong_key_is_access_denied() -> None:
    script = Script([BAC[0], (BAC[1][0], "6300")])
    with pytest.raises(AccessDeniedError):
        Channel(script).run(bac(PASSWORD, drawn(*RANDOM)))


@pytest.mark.parametrize("position", range(40))
def test_bac_accepts_no_altered_token(position: int) -> None:
    token = bytearray.fromhex(BAC[1][1])
    token[position] ^= 1
    script = Script([BAC[0], (BAC[1][0], token.hex())])
    with pytest.raises(ChipError):
        Channel(script).run(bac(PASSWORD, drawn(*RANDOM)))


@pytest.mark.parametrize("name", ["icao_D_bac", "icao_D4_read_ef_com_3des"])
def test_printed_sessions(name: str) -> None:
    path = SESSIONS / f"{name}.json"
    if not path.exists():
        pytest.skip("shared vectors are absent")
    session = json.loads(path.read_text())
    if session["procedure"] == "bac":
        pairs = [(item["command"], item["response"]) for item in session["exchanges"]]
        draw = drawn(*(bytes.fromhex(item) for item in session["randomness"]))
        end = Channel(Script(pairs)).run(bac(PASSWORD, draw))
    else:
        end = SecureMessaging(SESSION, SSC)
        for item in session["exchanges"]:
            command = CommandApdu.from_bytes(bytes.fromhex(item["plain_command"]))
            assert end.wrap(command).to_bytes().hex().upper() == item["command"]
            response = end.unwrap(ResponseApdu.from_bytes(bytes.fromhex(item["response"])))
            assert response.to_bytes().hex().upper() == item["plain_response"]
    assert end.ssc.hex().upper() == session["end"]["ssc"]


def test_protected_exchange_is_recorded_in_both_forms() -> None:
    seen: list[Exchange] = []
    channel = Channel(Script([(PROTECTED_SELECT, SELECT_ANSWER)]), recorder=seen.append)
    channel.protect(SecureMessaging(SESSION, SSC))
    assert channel.send(SELECT_COM) == ResponseApdu(b"", 0x9000)
    assert seen[0].plain_command == SELECT_COM.to_bytes()
    assert seen[0].response == bytes.fromhex(SELECT_ANSWER)


@pytest.mark.parametrize("position", range(14))
def test_no_altered_response_is_accepted(position: int) -> None:
    answer = bytearray.fromhex(SELECT_ANSWER)
    answer[position] ^= 1
    session = SecureMessaging(SESSION, SSC)
    session.wrap(SELECT_COM)
    with pytest.raises(SecureMessagingError):
        session.unwrap(ResponseApdu.from_bytes(bytes(answer)))


def test_an_unprotected_answer_is_refused() -> None:
    session = SecureMessaging(SESSION, SSC)
    session.wrap(SELECT_COM)
    with pytest.raises(SecureMessagingError, match="without secure messaging"):
        session.unwrap(ResponseApdu(b"", 0x9000))


def test_largest_short_answer() -> None:
    session = SecureMessaging(SESSION, SSC)
    assert session.max_short_data == 231
    assert not session.wrap(CommandApdu(0, 0xB0, 0, 0, le=231)).extended
    assert session.wrap(CommandApdu(0, 0x88, 0, 0, bytes(8), 256)).extended


@pytest.mark.parametrize("length", range(0, 20))
def test_padding_is_undone(length: int) -> None:
    assert unpad(pad(b"\x80" * length, 8)) == b"\x80" * length
    assert len(pad(bytes(length), 8)) % 8 == 0


def test_wrong_padding_is_refused() -> None:
    with pytest.raises(SecureMessagingError):
        unpad(bytes(8))
