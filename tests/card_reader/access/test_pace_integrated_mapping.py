"""Integrated mapping against the values of ICAO 9303-11, appendices H.1 and H.2.

The document prints no exchanges for them.  H.1 stands here; H.2 and H.1 again come from the
shared vectors where those are at hand.
"""

import json
from pathlib import Path

import pytest

from card_reader.access.pace import pseudo_random_number, public_key_object
from card_reader.domain_parameters import AnyGroup, standardised
from card_reader.secure_messaging import (
    Cipher,
    decrypt_cbc,
    derive_session_keys,
    encrypt_cbc,
    session_cipher,
)

EXAMPLES = (
    Path(__file__).parents[3] / "../shared/vectors/icao9303/icao9303_p11_worked_examples.json"
)

K_PI = "591468CDA83D65219CCCB8560233600F"
S = "2923BE84E16CD6AE529049F1F1BBE9EB"
Z = "143DC40C08C8E891FBED7DEDB92B64AD"
T = "5DD4CBFC96F5453B130D890A1CDBAE32"
R = (
    "E4447E2DFB3586BAC05DDB00156B57FBB2179A3949294C97254189800C517BAA8DA0FF397ED8C445D3E421E4FE"
    "B57322"
)
R_P = "A2F8FF2DF50E52C6599F386ADCB595D229F6A167ADE2BE5F2C3296ADD5B7430E"
GENERATOR = (
    "8E82D31559ED0FDE92A4D0498ADD3C23BABA94FB77691E31E90AEA77FB17D427"
    "4C1AE14BD0C3DBAC0C871B7F3608169364437CA30AC243A089D3F266C1E60FAD"
)


def numbered(parameter_id: int) -> AnyGroup:
    group = standardised(parameter_id)
    assert group is not None
    return group


def test_h1_mapped_generator() -> None:
    group = numbered(13)
    key, s, t = (bytes.fromhex(value) for value in (K_PI, S, T))
    assert decrypt_cbc(Cipher.AES_128, key, bytes.fromhex(Z)) == s
    number = pseudo_random_number(Cipher.AES_128, s, t, group.field_bits)
    assert number == int(R, 16)
    assert group.element_of(number) == group.element_of(int(R_P, 16))
    assert group.encode(group.element_of(number)).hex().upper() == "04" + GENERATOR


@pytest.mark.parametrize(
    "example, parameter_id, agreement",
    [("H1_PACE_ECDH_IM_AES128", 13, "ecdh"), ("H2_PACE_DH_IM_AES128", 0, "dh")],
)
def test_printed_values(example: str, parameter_id: int, agreement: str) -> None:
    values = printed(example)
    cipher, group = Cipher.AES_128, numbered(parameter_id)
    s, t = values["Decrypted Nonce s"], values["Nonce t"]
    assert encrypt_cbc(cipher, values["Kπ"], s) == values["Encrypted Nonce z"]
    number = pseudo_random_number(cipher, s, t, group.field_bits)
    assert number == as_integer(values["Pseudo-random R(s,t)"])
    mapped = group.mapped(group.element_of(number))
    assert group.element_of(as_integer(values["Rp(s,t)"])) == mapped.generator

    prefix = b"\x04" if agreement == "ecdh" else b""
    chip = prefix + values["Chip's public key PKIC"]
    terminal = prefix + values["Terminal's public key PKIFD"]
    own_scalar = as_integer(values["Terminal's private key SKIFD"])
    chip_scalar = as_integer(values["Chip's private key SKIC"])
    assert mapped.encode(mapped.public(own_scalar)) == terminal
    assert mapped.encode(mapped.public(chip_scalar)) == chip
    secret = mapped.shared_secret(own_scalar, mapped.decode(chip))
    assert secret == values["Shared secret K"]

    keys = derive_session_keys(cipher, secret)
    assert (keys.ks_enc, keys.ks_mac) == (values["KEnc"], values["KMAC"])
    oid = "0.4.0.127.0.7.2.2.4." + ("4.2" if agreement == "ecdh" else "3.2")
    for covered, name in ((terminal, "TIC"), (chip, "TIFD")):
        covered_object = public_key_object(oid, covered, agreement)
        assert covered_object == values[f"Input data for {name}"]
        assert session_cipher(keys).token(covered_object) == values[name]


def test_the_rounds_fill_the_field_and_64_bits_more() -> None:
    for cipher, block in ((Cipher.DES3, 128), (Cipher.AES_192, 256), (Cipher.AES_256, 256)):
        s, t = bytes(range(block // 8)), bytes(range(cipher.key_bytes))
        for field_bits in (192, 256, 521, 2048):
            number = pseudo_random_number(cipher, s, t, field_bits)
            rounds = -(-(field_bits + 64) // block)
            assert rounds * block - 40 < number.bit_length() <= rounds * block


def printed(example: str) -> dict[str, bytes]:
    if not EXAMPLES.exists():
        pytest.skip("shared vectors are absent")
    entries = json.loads(EXAMPLES.read_text())["PACE"][example]
    return {entry["label"]: bytes.fromhex(entry["hex"]) for entry in entries}


def as_integer(value: bytes) -> int:
    return int.from_bytes(value, "big")
