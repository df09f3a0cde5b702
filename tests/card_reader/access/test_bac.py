"""BAC against the worked example of ICAO 9303-11, appendix D.3."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from card_reader.access.bac import bac
from card_reader.access.passwords import MrzBasedPassword, MrzKeySeed, MrzPassword
from card_reader.apdu import CommandApdu
from card_reader.channel import Channel
from card_reader.errors import AccessDeniedError, ChipError, UnreadableInputError

SESSIONS = Path(__file__).parents[3] / "../shared/vectors/sessions"

PASSWORD = MrzPassword("L898902C", "690806", "940623")
KEY_SEED = MrzKeySeed(bytes.fromhex("239AB9CB282DAF66231DC5A4DF6BFBAEDF477565"))
RANDOM = (bytes.fromhex("781723860C06C226"), bytes.fromhex("0B795240CB7049B01C19B33E32804F0B"))
BAC = [
    ("0084000008", "4608F919887022129000"),
    (
        "008200002872C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A7"
        "28",
        "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D74499000",
    ),
]
SSC = "887022120C06C226"
SELECT_COM = CommandApdu.from_bytes(bytes.fromhex("00A4020C02011E"))
PROTECTED_SELECT = "0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800"


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
    assert PASSWORD.key_seed == KEY_SEED.key_seed == PASSWORD.pace_secret == KEY_SEED.pace_secret


@pytest.mark.parametrize("password", [PASSWORD, KEY_SEED], ids=["MRZ", "key seed"])
def test_bac_sends_the_printed_commands_and_ends_with_the_printed_counter(
    password: MrzBasedPassword,
) -> None:
    channel = Channel(Script(BAC))
    session = channel.run(bac(password, drawn(*RANDOM)))
    assert session.keys.ssc.hex().upper() == SSC
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


def test_the_printed_session() -> None:
    path = SESSIONS / "icao_D_bac.json"
    if not path.exists():
        pytest.skip("shared vectors are absent")
    session = json.loads(path.read_text())
    script = Script([(item["command"], item["response"]) for item in session["exchanges"]])
    draw = drawn(*(bytes.fromhex(item) for item in session["randomness"]))
    keys = Channel(script).run(bac(PASSWORD, draw)).keys
    script.close()
    found = {name: getattr(keys, name).hex().upper() for name in ("ks_enc", "ks_mac", "ssc")}
    assert found | {"cipher": str(keys.cipher)} == session["end"]


@pytest.mark.parametrize("length", [0, 16, 19, 21])
def test_a_key_seed_has_twenty_bytes(length: int) -> None:
    with pytest.raises(UnreadableInputError):
        MrzKeySeed(bytes(length))
