"""Active authentication: ICAO 9303-11 appendix F, published signatures, and own ones."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from card_reader.chip.active_authentication import (
    ActiveAuthenticationFailedError,
    internal_authenticate,
    recover_message,
    verify_active_authentication,
)
from card_reader.domain_parameters import EcGroup, public_key_info
from card_reader.lds import dg15
from card_reader.lds.security_infos import ActiveAuthenticationInfo, SecurityInfo
from card_reader.trust.curves import CURVES, Curve
from card_reader.trust.keys import RsaKey

CHALLENGE = bytes.fromhex("0011223344556677")
TRAILERS = {"sha1": b"\xbc", "sha224": b"\x38\xcc", "sha256": b"\x34\xcc",
            "sha384": b"\x36\xcc", "sha512": b"\x35\xcc"}  # fmt: skip
KEY = rsa.generate_private_key(65537, 1536)
SPKI = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def digest(name: str, data: bytes) -> bytes:
    context = hashes.Hash(getattr(hashes, name.upper())())
    context.update(data)
    return context.finalize()


def sign(
    name: str, *, m1: bytes | None = None, header: bytes = b"\x6a", other_root: bool = False
) -> bytes:
    """ISO/IEC 9796-2 scheme 1, written from the standard."""
    numbers = KEY.private_numbers()
    modulus = numbers.public_numbers.n
    size = (modulus.bit_length() + 7) // 8
    trailer = TRAILERS[name]
    length = size - len(header) - len(trailer) - len(digest(name, b""))
    message = bytes(range(length)) if m1 is None else m1
    block = header + message + digest(name, message + CHALLENGE) + trailer
    signature = pow(int.from_bytes(block, "big"), numbers.d, modulus)
    if other_root:
        signature = modulus - signature
    return signature.to_bytes(size, "big")


@pytest.mark.parametrize("other_root", [False, True])
@pytest.mark.parametrize("name", TRAILERS)
def test_every_hash_and_both_roots(name: str, other_root: bool) -> None:
    verify_active_authentication(SPKI, CHALLENGE, sign(name, other_root=other_root))


def test_a_shorter_message_with_padding() -> None:
    m1 = bytes(16)
    padding = 192 - 1 - 16 - 32 - 2
    header = b"\x6b" + b"\xbb" * (padding - 1) + b"\xba"
    verify_active_authentication(SPKI, CHALLENGE, sign("sha256", m1=m1, header=header))


@pytest.mark.parametrize("header", [b"\x4a", b"\x6b", b"\x6c", b"\x00"])
def test_other_headers_are_refused(header: bytes) -> None:
    with pytest.raises(ActiveAuthenticationFailedError):
        verify_active_authentication(SPKI, CHALLENGE, sign("sha1", header=header))


def test_another_challenge_or_a_changed_response_is_refused() -> None:
    response = bytearray(sign("sha256"))
    with pytest.raises(ActiveAuthenticationFailedError):
        verify_active_authentication(SPKI, bytes(8), bytes(response))
    response[-1] ^= 1
    with pytest.raises(ActiveAuthenticationFailedError):
        verify_active_authentication(SPKI, CHALLENGE, bytes(response))


@given(st.binary(max_size=200))
def test_hostile_responses(response: bytes) -> None:
    with pytest.raises(ActiveAuthenticationFailedError):
        verify_active_authentication(SPKI, CHALLENGE, response)


def odd_key(bits: int) -> rsa.RSAPrivateKey:
    """A key whose size is no multiple of eight, as RSA generators of chips may make them."""
    return rsa.generate_private_key(65537, bits)


ODD_SIZES = (1025, 1026, 1027, 1028, 1029, 1030, 1031, 1535)


@pytest.mark.parametrize("bits", ODD_SIZES)
@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_key_sizes_that_are_no_multiple_of_eight(bits: int, name: str) -> None:
    """The string of ISO/IEC 9796-2 has as many bits as the modulus: 01, more data, zeros, 1, then
    M1, hash and trailer; the zeros before the last nibble become B, the nibble with the 1 A."""
    key = odd_key(bits)
    numbers = key.private_numbers()
    hashed_bits = 8 * (len(digest(name, b"")) + len(TRAILERS[name]))
    for padding in (0, 3):  # nibbles BB BB BB of a shorter M1
        free = bits - 4 - hashed_bits - 8 * padding
        m1 = bytes(range(1, 200))[: free // 8]
        tail = m1 + digest(name, m1 + CHALLENGE) + TRAILERS[name]
        top = bits - 8 * len(tail)  # header and padding, in bits
        # 011, then zeros and the border: the last nibble A, whole nibbles before it B.
        lead = 0b011 << (top - 3)
        lead |= sum(0xB << shift for shift in range(4, top - 6, 4)) | 0xA if top >= 7 else 1
        block = lead << (8 * len(tail)) | int.from_bytes(tail, "big")
        signature = pow(block, numbers.d, numbers.public_numbers.n).to_bytes((bits + 7) // 8, "big")
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        verify_active_authentication(spki, CHALLENGE, signature)
        with pytest.raises(ActiveAuthenticationFailedError):
            verify_active_authentication(spki, bytes(8), signature)


def test_a_whole_header_byte_before_an_odd_modulus() -> None:
    """As a widespread library signs: 6A in the first byte wherever it fits below the modulus."""
    while True:
        key = odd_key(1535)
        numbers = key.private_numbers()
        if numbers.public_numbers.n >> 1528 > 0x6A:
            break
    m1 = bytes(range(192 - 1 - 20 - 1))
    block = b"\x6a" + m1 + digest("sha1", m1 + CHALLENGE) + b"\xbc"
    signature = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    verify_active_authentication(spki, CHALLENGE, signature.to_bytes(192, "big"))


def ec_key(curve: ec.EllipticCurve) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    key = ec.generate_private_key(curve)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key, public


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.BrainpoolP384R1(), ec.SECP521R1()])
def test_ecdsa_in_both_forms(curve: ec.EllipticCurve) -> None:
    key, public = ec_key(curve)
    der = key.sign(CHALLENGE, ec.ECDSA(hashes.SHA256()))
    size = (curve.key_size + 7) // 8
    plain = b"".join(number.to_bytes(size, "big") for number in utils.decode_dss_signature(der))
    for response in (der, plain):
        verify_active_authentication(public, CHALLENGE, response)
        with pytest.raises(ActiveAuthenticationFailedError):
            verify_active_authentication(public, bytes(8), response)


def own_signature(curve: Curve, private: int, hash_name: str) -> tuple[bytes, bytes, bytes]:
    """SubjectPublicKeyInfo, plain and DER signature over a curve the library may lack."""
    group = EcGroup.of(curve)
    spki = public_key_info(group, group.multiply(private, group.generator))
    hashed = int.from_bytes(digest(hash_name, CHALLENGE), "big")
    hashed >>= max(0, 8 * len(digest(hash_name, b"")) - curve.n.bit_length())
    nonce = 0x1234567890ABCDEF
    r = group.multiply(nonce, group.generator)[0] % curve.n
    s = pow(nonce, -1, curve.n) * (hashed + r * private) % curve.n
    plain = b"".join(number.to_bytes(curve.order_bytes, "big") for number in (r, s))
    return spki, plain, utils.encode_dss_signature(r, s)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_ecdsa_over_every_curve(curve: Curve) -> None:
    for number, name in enumerate(TRAILERS, start=1):
        spki, plain, der = own_signature(curve, 0xC0FFEE, name)
        named = [ActiveAuthenticationInfo(f"0.4.0.127.0.7.1.1.4.1.{number}").security_info()]
        for response in (plain, der):
            verify_active_authentication(spki, CHALLENGE, response, named)
            with pytest.raises(ActiveAuthenticationFailedError):
                verify_active_authentication(spki, bytes(8), response, named)


def test_an_unknown_scheme_in_dg14_proves_nothing() -> None:
    key, public = ec_key(ec.SECP256R1())
    response = key.sign(CHALLENGE, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(ActiveAuthenticationFailedError):
        verify_active_authentication(
            public, CHALLENGE, response, [ActiveAuthenticationInfo("1.2.3").security_info()]
        )


def test_dg14_names_the_hash() -> None:
    key, public = ec_key(ec.SECP256R1())
    response = key.sign(CHALLENGE, ec.ECDSA(hashes.SHA256()))
    version = bytes.fromhex("020101")
    sha256 = SecurityInfo("2.23.136.1.1.5", version, bytes.fromhex("060A04007F00070101040103"))
    sha224 = SecurityInfo("2.23.136.1.1.5", version, bytes.fromhex("060A04007F00070101040102"))
    verify_active_authentication(public, CHALLENGE, response, [sha256])
    with pytest.raises(ActiveAuthenticationFailedError):
        verify_active_authentication(public, CHALLENGE, response, [sha224])


def test_the_command_asks_for_the_signatures_length() -> None:
    command = internal_authenticate(SPKI, CHALLENGE)
    assert command.to_bytes().hex() == "0088000008" + CHALLENGE.hex() + "c0"


def test_published_signatures(vectors: Path) -> None:
    content = json.loads((vectors / "dg14_dg15/active_authentication_rsa1024.json").read_text())
    public = dg15.parse(bytes.fromhex(content["dg15"]))
    for case in content["cases"]:
        challenge, response = (bytes.fromhex(case[name]) for name in ("challenge", "signature"))
        if case["expected"] == "valid":
            verify_active_authentication(public, challenge, response)
        else:
            with pytest.raises(ActiveAuthenticationFailedError):
                verify_active_authentication(public, challenge, response)


def test_appendix_f(vectors: Path) -> None:
    path = vectors / "icao9303/icao9303_p11_worked_examples.json"
    example = json.loads(path.read_text())["AA_RSA"]
    # The document prints the opened signature F but no key: the exponent 1 opens nothing.
    block = bytes.fromhex(example["F"])
    recovered = recover_message(RsaKey((1 << 8 * len(block)) - 1, 1), block)
    assert recovered == (bytes.fromhex(example["M1"]), "sha1", bytes.fromhex(example["H"]))
    assert digest("sha1", recovered[0] + bytes.fromhex(example["RND_IFD"])) == recovered[2]
