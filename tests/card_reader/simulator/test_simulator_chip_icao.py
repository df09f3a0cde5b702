"""The chip's side of every conversation and computation that ICAO 9303-11 prints.

The chip draws what the document says it drew and must then answer byte for byte. Appendices D, G.1
and H.1 stand here, so that a fresh clone checks them; the others come from the shared vectors.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.domain_parameters import group_of_key, standardised
from card_reader.simulator.basic_access import BasicAccess
from card_reader.simulator.chip import Chip
from card_reader.simulator.ciphers import CIPHERS
from card_reader.simulator.pace import PaceRun, PaceSuite, integrated_mapping, pseudo_random
from card_reader.simulator.profile import AccessKeys, CardProfile, ChipKey, PaceOffer
from card_reader.simulator.quirks import Quirks
from card_reader.simulator.secure_messaging import CardSession

VECTORS = Path(__file__).parents[3] / "../shared/vectors"
SESSIONS = VECTORS / "sessions"
EXAMPLES = VECTORS / "icao9303/icao9303_p11_worked_examples.json"
ATR = bytes.fromhex("3B80800101")
SELECT_APPLICATION = bytes.fromhex("00A4040C07A0000002471001")

# Appendix D: what the terminal sends, and what the chip must answer.
BAC_KEYS = AccessKeys("L898902C", "690806", "940623")
BAC_DRAWN = ("4608F91988702212", "0B4F80323EB3191CB04970CB4052790B")
BAC_COM = bytes.fromhex("60145F0104303130365F36063034303030305C026175")
BAC = (
    ("0084000008", "4608F919887022129000"),
    (
        "008200002872C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F2"
        "5F1448EEA8AD90A728",
        "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D74499000",
    ),
    (
        "0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800",
        "990290008E08FA855A5D4C50A8ED9000",
    ),
    (
        "0CB000000D9701048E08ED6705417E96BA5500",
        "8709019FF0EC34F9922651990290008E08AD55CC17140B2DED9000",
    ),
    (
        "0CB000040D9701128E082EA28A70F3C7B53500",
        "871901FB9235F4E4037F2327DCC8964F1F9B8C30F42C8E2FFF224A990290008E08C8B2787EAEA07D749000",
    ),
)

# Appendix G.1: PACE, generic mapping, brainpoolP256r1, AES-128.
PACE_KEYS = AccessKeys("T22000129", "640812", "101031")
GM_ECDH, GM_DH, IM_ECDH, IM_DH, CAM_ECDH = (
    f"0.4.0.127.0.7.2.2.4.{number}.2" for number in (2, 1, 4, 3, 6)
)
PACE_DRAWN = (
    "3F00C4D39D153F2B2A214A078D899B22",
    "498FF49756F2DC1587840041839A85982BE7761D14715FB091EFA7BCE9058560",
    "107CF58696EF6155053340FD633392BA81909DF7B9706F226F32086C7AFF974A",
)
PACE = (
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

# Appendix H.1: PACE, integrated mapping, brainpoolP256r1, AES-128; computations without APDUs.
H1_K_PI = "591468CDA83D65219CCCB8560233600F"
H1_S, H1_Z = "2923BE84E16CD6AE529049F1F1BBE9EB", "143DC40C08C8E891FBED7DEDB92B64AD"
H1_T = "5DD4CBFC96F5453B130D890A1CDBAE32"
H1_RANDOM = (
    "E4447E2DFB3586BAC05DDB00156B57FBB2179A3949294C97254189800C517BAA8DA0FF397ED8C445D3E421E4FE"
    "B57322"
)
H1_CHIP_SCALAR = "107CF58696EF6155053340FD633392BA81909DF7B9706F226F32086C7AFF974A"
H1_CHIP_KEY = (
    "0467F78E5F7F7686082B293E8D087E056916D0F74BC01A5F8957D0DE45691E51E8"
    "932B69A962B52A0985AD2C0A271EE6A13A8ADDDCD1A3A994B9DED257F4D22753"
)
H1_TERMINAL_KEY = (
    "0489CBA23FFE96AA18D824627C3E934E54A9FD0B87A95D1471DC1C0ABFDCD640D4"
    "6755DE9B7B778280B6BEBD57439ADFEB0E21FD4ED6DF42578C13418A59B34C37"
)
H1_TOKENS = ("450F02B86F6A0909", "75D4D96E8D5B0308")  # terminal's, chip's


def drawing(values: Iterable[str]) -> Callable[[int], bytes]:
    """A source of randomness that gives these values and no others."""
    left = [bytes.fromhex(value) for value in values]

    def rng(count: int) -> bytes:
        value = left.pop(0)
        assert len(value) == count
        return value

    return rng


def converse(chip: Chip, exchanges: Iterable[tuple[str, str]]) -> None:
    for command, response in exchanges:
        assert chip.transmit(bytes.fromhex(command)).hex().upper() == response


def session(name: str) -> dict[str, Any]:
    path = SESSIONS / f"{name}.json"
    if not path.is_file():
        pytest.skip("shared vectors are absent")
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def example(name: str) -> list[tuple[str, str]]:
    if not EXAMPLES.is_file():
        pytest.skip("shared vectors are absent")
    return [(item["label"], item["hex"]) for item in json.loads(EXAMPLES.read_text())["PACE"][name]]


def chip_drawn(values: list[tuple[str, str]]) -> list[str]:
    """The nonce and the chip's private keys, in the order it draws them."""
    wanted = ("Decrypted Nonce s", "Chip's Private Key")
    return [text for label, text in values if label in wanted]


def exchanges(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["command"], item["response"]) for item in document["exchanges"]]


def test_appendix_d_basic_access_and_secure_messaging() -> None:
    profile = CardProfile(ATR, BAC_KEYS, {0x011E: BAC_COM})
    chip = Chip(profile, rng=drawing(BAC_DRAWN))
    assert chip.transmit(SELECT_APPLICATION) == b"\x90\x00"
    converse(chip, BAC)


def test_appendix_d_document_keys() -> None:
    keys = BasicAccess(BAC_KEYS)
    assert keys.k_enc.hex().upper() == "AB94FDECF2674FDFB9B391F85D7F76F2"
    assert keys.k_mac.hex().upper() == "7962D9ECE03D1ACD4C76089DCE131543"


def test_appendix_g1_generic_mapping_over_a_curve() -> None:
    profile = CardProfile(ATR, PACE_KEYS, {}, pace=(PaceOffer(GM_ECDH, 13),))
    converse(Chip(profile, rng=drawing(PACE_DRAWN)), PACE)


def test_appendix_g1_with_named_parameters() -> None:
    profile = CardProfile(ATR, PACE_KEYS, {}, pace=(PaceOffer(GM_ECDH, 13), PaceOffer(GM_ECDH, 12)))
    chip = Chip(profile, rng=drawing(PACE_DRAWN))
    assert chip.transmit(bytes.fromhex(PACE[0][0])) == b"\x6a\x88"  # which curve?
    converse(chip, (("0022C1A412800A04007F0007020204020283010184010D", "9000"), *PACE[1:]))


def test_appendix_g2_generic_mapping_over_a_prime_field() -> None:
    document = session("icao_G2_pace_gm_dh_aes128")
    # The printed chip also names its certification authority, though nobody asked.
    quirks = Quirks(unasked_authority=document["result"]["car"])
    profile = CardProfile(ATR, PACE_KEYS, {}, pace=(PaceOffer(GM_DH, 0),), quirks=quirks)
    drawn = chip_drawn(example("G2_PACE_DH_GM_AES128"))
    converse(Chip(profile, rng=drawing(drawn)), exchanges(document))


def test_appendix_h1_pseudo_random_number() -> None:
    output = pseudo_random(CIPHERS["AES-128"], 256, bytes.fromhex(H1_S), bytes.fromhex(H1_T))
    assert output.hex().upper() == H1_RANDOM


def test_appendix_h1_integrated_mapping_over_a_curve() -> None:
    suite = PaceSuite.of(PaceOffer(IM_ECDH, 13))
    run = PaceRun(suite, bytes.fromhex(H1_K_PI), drawing((H1_S, H1_CHIP_SCALAR)))
    steps = [
        ("", f"8010{H1_Z}"),
        (f"8110{H1_T}", "8200"),
        (f"8341{H1_TERMINAL_KEY}", f"8441{H1_CHIP_KEY}"),
        (f"8508{H1_TOKENS[0]}", f"8608{H1_TOKENS[1]}"),
    ]
    for command, response in steps:
        assert run.step(tlv.parse_all(bytes.fromhex(command))).hex().upper() == response
    assert run.session is not None
    assert run.session.ks_enc.hex().upper() == "0D3FEB33251A6370893D62AE8DAAF51B"
    assert run.session.ks_mac.hex().upper() == "B01E89E3D9E8719E586B50B4A7506E0B"


def test_appendix_h2_integrated_mapping_over_a_prime_field() -> None:
    values = dict(example("H2_PACE_DH_IM_AES128"))
    group = standardised(0)
    assert group is not None
    s, t = (bytes.fromhex(values[name]) for name in ("Decrypted Nonce s", "Nonce t"))
    mapped = integrated_mapping(CIPHERS["AES-128"], group, s, t)
    expected = next(text for label, text in values.items() if label.startswith("Mapped Generator"))
    assert mapped.encode(mapped.generator).hex().upper() == expected


def test_appendix_i_chip_authentication_mapping() -> None:
    document, values = (
        session("icao_I_pace_cam_ecdh_aes128"),
        example("I_PACE_ECDH_CAM_AES128"),
    )
    drawn = chip_drawn(values)
    group = standardised(13)
    assert group is not None
    # The last printed key is no smaller than the order; our chips draw none such.
    drawn[2] = f"{int(drawn[2], 16) % group.order:064X}"
    # CA_IC = SK_Map / SK_IC (§4.4.3.5.1), so the printed values tell the chip's static key.
    data = int(dict(values)["Decrypted Chip Authentication Data"], 16)
    static = int(drawn[1], 16) * pow(data, -1, group.order) % group.order
    shown = bytes.fromhex(document["files"]["EF.CardSecurity:ChipAuthenticationPublicKeyInfo"])
    assert group_of_key(tlv.parse(shown).children()[1].raw) == (group, group.public(static))
    password = document["password"]
    profile = CardProfile(
        ATR,
        AccessKeys(password["doc"], password["dob"], password["expiry"]),
        {},
        pace=(PaceOffer(CAM_ECDH, 13),),
        chip_keys=(ChipKey("0.4.0.127.0.7.2.2.3.2.2", static, 13, 13, mapping=True),),
    )
    converse(Chip(profile, rng=drawing(drawn)), exchanges(document))


def test_secure_messaging_of_a_real_passport_with_aes() -> None:
    """Of the real chip the private key is unknown, but not its session keys."""
    document = session("real_AT_chip_authentication_ecdh_aes128")
    start, end = document["start"]["secure_messaging"], document["end"]
    chip = card_session(start)
    for item in document["exchanges"]:
        if item.get("under") == "new keys":
            chip = card_session(end | {"ssc": "00"})
        command = CommandApdu.from_bytes(bytes.fromhex(item["command"]))
        plain = CommandApdu.from_bytes(bytes.fromhex(item["plain_command"]))
        assert chip.unwrap(command) == plain
        response = ResponseApdu.from_bytes(bytes.fromhex(item["plain_response"]))
        assert chip.wrap(response, plain.ins).to_bytes().hex().upper() == item["response"]
    assert chip.counter == int(end["ssc"], 16)


def card_session(state: dict[str, str]) -> CardSession:
    ks_enc, ks_mac = (bytes.fromhex(state[name]) for name in ("ks_enc", "ks_mac"))
    return CardSession(CIPHERS[state["cipher"]], ks_enc, ks_mac, int(state["ssc"], 16))
