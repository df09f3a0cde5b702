"""PACE against the exchanges printed in ICAO 9303-11, appendices G.1, G.2 and I.

The values of G.1 stand here too, so that a fresh clone checks them; all three come from the
shared vectors where those are at hand.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from card_reader.access.pace import PaceResult, pace
from card_reader.access.passwords import CanPassword, MrzKeySeed, MrzPassword, Password
from card_reader.channel import Channel
from card_reader.domain_parameters import group_of_key
from card_reader.lds.security_infos import Mapping, PaceInfo

SESSIONS = Path(__file__).parents[3] / "../shared/vectors/sessions"

MRZ = MrzPassword("T22000129", "640812", "101031")
MRZ_HASH = "7E2D2A41C74EA0B38CD36F863939BFA8E9032AAD"
INFO = PaceInfo("0.4.0.127.0.7.2.2.4.2.2", 2, 13)
RANDOM = (
    "7F4EF07B9EA82FD78AD689B38D0BC78CF21F249D953BC46F4C6E19259C010F99",
    "A73FB703AC1436A18E0CFA5ABB3F7BEC7A070E7A6788486BEE230C4A22762595",
)
G1 = (
    ("0022C1A40F800A04007F00070202040202830101", "9000"),
    ("10860000027C0000", "7C12801095A3A016522EE98D01E76CB6B98B42C39000"),
    (
        "10860000457C438141047ACF3EFC982EC45565A4B155129EFBC74650DCBFA6362D896FC70262E0C2CC5E"
        "544552DCB6725218799115B55C9BAA6D9F6BC3A9618E70C25AF71777A9C4922D00",
        "7C43824104824FBA91C9CBE26BEF53A0EBE7342A3BF178CEA9F45DE0B70AA601651FBA3F5730D8C879AA"
        "A9C9F73991E61B58F4D52EB87A0A0C709A49DC63719363CCD13C549000",
    ),
    (
        "10860000457C438341042DB7A64C0355044EC9DF190514C625CBA2CEA48754887122F3A5EF0D5EDD301C"
        "3556F3B3B186DF10B857B58F6A7EB80F20BA5DC7BE1D43D9BF850149FBB3646200",
        "7C438441049E880F842905B8B3181F7AF7CAA9F0EFB743847F44A306D2D28C1D9EC65DF6DB7764B22277"
        "A2EDDC3C265A9F018F9CB852E111B768B326904B59A0193776F0949000",
    ),
    ("008600000C7C0A8508C2B0BD78D94BA86600", "7C0A86083ABB9674BCE93C089000"),
)
G1_KEYS = ("F5F0E35C0D7161EE6724EE513A0D9A7F", "FE251C7858B356B24514B3BD5F4297D1")


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


def drawn(*values: str) -> Callable[[int], bytes]:
    rest = [bytes.fromhex(value) for value in values]

    def draw(length: int) -> bytes:
        value = rest.pop(0)
        assert len(value) == length
        return value

    return draw


@pytest.mark.parametrize("password", [MRZ, MrzKeySeed(bytes.fromhex(MRZ_HASH))])
def test_g1_sends_the_printed_commands(password: Password) -> None:
    script = Script(list(G1))
    result = Channel(script).run(pace(password, INFO, drawn(*RANDOM)))
    script.close()
    keys = result.session.keys
    assert (keys.ks_enc.hex().upper(), keys.ks_mac.hex().upper()) == G1_KEYS
    assert keys.ssc == bytes(16)
    assert result.chip_mapping is None


def test_the_parameters_are_named_where_asked_for() -> None:
    named = ("0022C1A412800A04007F0007020204020283010184010D", "9000")
    script = Script([named, *G1[1:]])
    Channel(script).run(pace(MRZ, INFO, drawn(*RANDOM), name_parameters=True))
    script.close()


def test_the_mrz_hash_is_the_printed_one() -> None:
    assert MRZ.pace_secret.hex().upper() == MRZ_HASH
    assert "T22000129" not in repr(MRZ)
    assert "500540" not in repr(CanPassword("500540"))


@pytest.mark.parametrize(
    "name",
    [
        "icao_G1_pace_gm_ecdh_aes128",
        "icao_G1_with_parameter_id",
        "icao_G2_pace_gm_dh_aes128",
        "icao_I_pace_cam_ecdh_aes128",
    ],
)
def test_printed_sessions(name: str) -> None:
    path = SESSIONS / f"{name}.json"
    if not path.exists():
        pytest.skip("shared vectors are absent")
    session = json.loads(path.read_text())
    parameters = session["parameters"]
    info = PaceInfo(parameters["protocol_oid"], 2, parameters["parameter_id"])
    mrz = session["password"]
    script = Script([(item["command"], item["response"]) for item in session["exchanges"]])
    result = Channel(script).run(
        pace(
            MrzPassword(mrz["doc"], mrz["dob"], mrz["expiry"]),
            info,
            drawn(*session["randomness"]),
            name_parameters=parameters["mse_has_parameter_id"],
        )
    )
    script.close()
    keys = result.session.keys
    end = {
        "cipher": str(keys.cipher),
        "ks_enc": keys.ks_enc.hex().upper(),
        "ks_mac": keys.ks_mac.hex().upper(),
        "ssc": keys.ssc.hex().upper(),
    }
    assert end == session["end"]
    if info.mapping is Mapping.CHIP_AUTHENTICATION:
        assert_genuine(result, session)


def assert_genuine(result: PaceResult, session: dict[str, Any]) -> None:
    """CA_IC × PK_IC is the chip's mapping key (§4.4.3.5.2), with the key of EF.CardSecurity."""
    mapping = result.chip_mapping
    assert mapping is not None
    assert mapping.data.hex().upper() == session["result"]["chip_authentication_data"]
    key_info = bytes.fromhex(session["files"]["EF.CardSecurity:ChipAuthenticationPublicKeyInfo"])
    group, public_key = group_of_key(key_info[13:-3])  # behind the OID, before the key id
    product = group.multiply(int.from_bytes(mapping.data, "big"), public_key)
    assert group.encode(product) == mapping.mapping_public_key
