"""Groups of key agreement against other implementations and printed values.

Brainpool P192, P224 and P320, which ``cryptography`` lacks, were computed with OpenSSL 3.0
(``openssl pkeyutl -derive``); the prime field values are those of RFC 5114, appendix A.
"""

import os
from functools import partial
from itertools import product
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.domain_parameters import (
    AnyGroup,
    DhGroup,
    EcGroup,
    group_of_key,
    group_of_parameters,
    is_standardised,
    public_key_info,
    standardised,
    standardised_key_info,
)
from card_reader.errors import (
    CardError,
    ChipError,
    MalformedFileError,
    UnreadableInputError,
    UnsupportedAlgorithmError,
)
from card_reader.trust.curves import CURVES, Curve, library_curve

IDS = [0, 1, 2, *range(8, 19)]
EC_IDS = range(8, 19)
GROUPS = [group for number in IDS if (group := standardised(number)) is not None]
LIBRARY_CURVES = [curve for curve in CURVES if library_curve(curve) is not None]
BRAINPOOL_P256 = EcGroup.of(next(curve for curve in CURVES if curve.name == "brainpoolP256r1"))

EC_NAMES = [
    "secp192r1",
    "brainpoolP192r1",
    "secp224r1",
    "brainpoolP224r1",
    "secp256r1",
    "brainpoolP256r1",
    "brainpoolP320r1",
    "secp384r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "secp521r1",
]
OPENSSL = {
    "brainpoolP192r1": (
        "8a98620c6207218311017799d83420ce0f71f7215287d1aa",
        "046d2c85fb065577c768b13bee6d378b6e5d45ff98dcc4adcc58591516ce29a53869028d27b461185d5d"
        "aea30c6d94127b",
        "040632727376092cf90154e2a09efd1188f716d4d8e5ba40f91117b9f70afc3c0790f70115bac532e3e4"
        "d717c488b52cda",
        "8dc7482385f15308ea5ca65db8e6ca7adf2ee1052dc87c36",
    ),
    "brainpoolP224r1": (
        "3eb5e71f3219703a9d04eb247180a7b873387b102f77d52a750ad524",
        "04b3c834bd8157f8ba147c82cde9e9dade4e33c6106a341a791644f4db73a96b3e1ff3091fee1ff5638e"
        "a6213df9d49ff73526ff4c79dac6f8",
        "0442028b74c162d5a35c842e4fe077e92da7550b75d3ede613017e2dbcb5005b283c126ab5b72fffa1ab"
        "17cfaa6ad496240b4d2bbb17a3ffe5",
        "67f203fbbe682c3242449e379795c328cf5f64a4b01277e10ba005e2",
    ),
    "brainpoolP320r1": (
        "5e7500515d412f40375e6c001d11a53265e1d87833f412223965f924638d5514d84cfd0bbc47d86e",
        "0453fa1cc1145031e209af07b2af0f1a9b2245738d6d7c65bb645a9fd7da2bde5224e6102b889392f51a"
        "d0c1ae6ddff6a18237b6976d3604673b877b5357ce21206c02bc7c4b7c838532a803064e8fd709",
        "046f459b1507b246fd4ecdc38a5e045dec9ce2c63942cf1a78a309c9227ceeb9b61916d15a1b15a66316"
        "6014aea08855d5191db27c7b9d5c73f1063f793872505e5e76720992cd45ff6c4e0bb284279892",
        "28641b3c56b45f5ae584533efc366e514efb7a03b6d418e0850ee6c919036514a645817f3416a9c1",
    ),
}

# xA, xB, and the first and last 16 bytes of yA and of Z.
RFC_5114 = {
    0: (
        "B9A3B3AE8FEFC1A2930496507086F8455D48943E",
        "9392C9F9EB6A7A6A9022F7D83E7223C6835BBDDA",
        ("2A853B3D92197501B9015B2DEB3ED84F", "0C4279CEB07F989540AE96D5D88ED776"),
        ("5C804F454D30D9C4DF85271F93528C91", "7ECD9155416F46F408ED31B63C6E6D"),
    ),
    1: (
        "22E62601DBFFD06708A680F747F361F76D8F4F721A0548E483294B0C",
        "4FF3BC96C7FC6A6D71D3B363800A7CDFEF6FC41B4417EA15353B7590",
        ("1B3A63451BD886E699E67B494E288BD7", "AB8D786A68178FA8FF7C2F5C71648D6F"),
        ("34D9BDDC1B42176C313FEA034C21034D", "7FCB510B6998FFD3AA6DE73CF9F63869"),
    ),
    2: (
        "0881382CDB87660C6DC13E614938D5B9C8B2F248581CC5E31B35454397FCE50E",
        "7D62A7E3EF36DE617B13D1AFB82C780D83A23BD4EE6705645121F371F546A53D",
        ("2E9380C8323AF97545BC4941DEB0EC37", "4EF37E868A8126FF3F2279B57CA67E29"),
        ("86C70BF8D0BB81BB01078A17219CB7D2", "EA87FEBE63B6C8F846EC6DB0C26C5D7C"),
    ),
}


def numbered(parameter_id: int) -> AnyGroup:
    group = standardised(parameter_id)
    assert group is not None
    return group


FIELD = numbered(0)
assert isinstance(FIELD, DhGroup)


def scalars(curve: Curve) -> st.SearchStrategy[int]:
    edges = st.sampled_from([1, 2, 3, 15, 16, 17, curve.n - 2, curve.n - 1])
    return edges | st.integers(1, curve.n - 1)


@pytest.mark.parametrize("curve", LIBRARY_CURVES, ids=lambda curve: curve.name)
def test_own_arithmetic_agrees_with_the_library(curve: Curve) -> None:
    library = library_curve(curve)
    assert library is not None
    group, generator = EcGroup.of(curve), (curve.gx, curve.gy)

    @settings(max_examples=8, deadline=None)
    @given(scalars(curve), scalars(curve))
    def check(first: int, second: int) -> None:
        private = ec.derive_private_key(first, library)
        numbers = private.public_key().public_numbers()
        point = curve.multiply(first, generator)
        assert point == (numbers.x, numbers.y) == group.public(first)
        other = ec.derive_private_key(second, library)
        shared = other.exchange(ec.ECDH(), private.public_key())
        own = curve.multiply(second, point)
        assert own is not None and own[0].to_bytes(curve.field_bytes, "big") == shared
        assert group.multiply(second, point) == own
        assert group.mapped(point).public(second) == own
        assert group.shared_secret(second, point) == shared

    check()


@pytest.mark.parametrize("name", OPENSSL)
def test_curves_that_the_library_lacks(name: str) -> None:
    curve = next(curve for curve in CURVES if curve.name == name)
    group = EcGroup.of(curve)
    scalar, own, peer, secret = OPENSSL[name]
    assert library_curve(curve) is None
    assert group.encode(group.public(int(scalar, 16))).hex() == own
    assert group.shared_secret(int(scalar, 16), group.decode(bytes.fromhex(peer))).hex() == secret


@pytest.mark.parametrize("parameter_id", RFC_5114)
def test_prime_fields_of_rfc_5114(parameter_id: int) -> None:
    group = numbered(parameter_id)
    x_a, x_b, (y_start, y_end), (z_start, z_end) = RFC_5114[parameter_id]
    y_a, y_b = group.public(int(x_a, 16)), group.public(int(x_b, 16))
    assert group.encode(y_a).hex().upper().startswith(y_start)
    assert group.encode(y_a).hex().upper().endswith(y_end)
    z = group.shared_secret(int(x_a, 16), y_b).hex().upper()
    assert z.startswith(z_start) and z.endswith(z_end)
    assert group.shared_secret(int(x_b, 16), y_a).hex().upper() == z
    assert group.decode(group.encode(y_b)) == y_b


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_points_form_a_group(curve: Curve) -> None:
    generator = (curve.gx, curve.gy)
    assert curve.contains(*generator)
    assert curve.multiply(curve.n, generator) is None
    assert curve.multiply(0, generator) is None
    negative = curve.multiply(curve.n - 1, generator)
    assert negative == (curve.gx, curve.p - curve.gy)
    assert curve.add(generator, negative) is None
    assert curve.add(generator, None) == generator == curve.add(None, generator)
    five, seven = curve.multiply(5, generator), curve.multiply(7, generator)
    assert curve.add(five, seven) == curve.multiply(12, generator)
    assert curve.add(five, five) == curve.multiply(10, generator)
    assert curve.multiply(curve.n + 5, generator) == five


def test_the_table_of_parameters_is_the_standards() -> None:
    names = [numbered(number).name for number in EC_IDS]
    assert names == EC_NAMES
    sizes = [(numbered(n).field_bits, numbered(n).order.bit_length()) for n in range(3)]
    assert sizes == [(1024, 160), (2048, 224), (2048, 256)]
    reserved = [*range(3, 8), *range(19, 32), -1, 255]
    assert [standardised(number) for number in reserved] == [None] * len(reserved)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_both_ends_agree(group: AnyGroup) -> None:
    mapped = group.mapped(group.public(group.draw_scalar(os.urandom)))
    a, b = mapped.draw_scalar(os.urandom), mapped.draw_scalar(os.urandom)
    public_a, public_b = mapped.public(a), mapped.public(b)
    assert mapped.shared_secret(a, public_b) == mapped.shared_secret(b, public_a)
    assert mapped.decode(mapped.encode(public_a)) == public_a
    assert mapped.combine(public_a, public_b) == mapped.public((a + b) % mapped.order)
    assert mapped.name == group.name and not is_standardised(mapped) and is_standardised(group)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_keys_outside_the_group_are_refused(group: AnyGroup) -> None:
    good = group.encode(group.public(group.draw_scalar(os.urandom)))
    bad = [b"", b"\x00", bytes(len(good)), good + good, b"\xff" * len(good)]
    if isinstance(group, EcGroup):
        bad += [good[:-1], b"\x02" + good[1 : 1 + len(good) // 2], b"\x05" + good[1:]]
        bad += [good[:-1] + bytes([good[-1] ^ 1]), good + b"\x00"]
    elif isinstance(group, DhGroup):
        size = group.p.bit_length() // 8
        bad += [n.to_bytes(size, "big") for n in (0, 1, group.p - 1, group.p, group.p + 2)]
        bad.append(next(n for n in range(2, 99) if pow(n, group.order, group.p) != 1).to_bytes(1))
    for encoded in bad:
        with pytest.raises(ChipError):
            group.decode(encoded)


def test_a_prime_field_key_may_carry_zero_bytes_in_front() -> None:
    group = numbered(0)
    key = group.public(3)
    assert group.decode(b"\x00" + group.encode(key)) == key
    assert group.encode(5) == b"\x05"  # ICAO 9303-11 §9.4.3: least number of bytes


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_recorded_scalar_is_drawn_as_it_is(group: AnyGroup) -> None:
    for scalar in (1, group.order - 1, group.order // 3):
        assert group.draw_scalar(partial(scalar.to_bytes, byteorder="big")) == scalar
    draws = [bytes(group.scalar_bytes), group.order.to_bytes(group.scalar_bytes, "big")]
    draws.append((7).to_bytes(group.scalar_bytes, "big"))
    assert group.draw_scalar(lambda _: draws.pop(0)) == 7
    with pytest.raises(UnreadableInputError):
        group.draw_scalar(lambda length: bytes(length))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_nothing_ends_at_the_neutral_element(group: AnyGroup) -> None:
    with pytest.raises(ChipError):
        group.multiply(group.order, group.generator)
    with pytest.raises(ChipError):
        group.public(0)
    with pytest.raises(ChipError):
        group.combine(group.generator, group.public(group.order - 1))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_numbers_map_into_the_group(group: AnyGroup) -> None:
    if group.name == "secp224r1":  # ICAO 9303-11 §9.5.1
        assert not group.maps_numbers
        with pytest.raises(UnsupportedAlgorithmError, match="integrated mapping"):
            group.element_of(12345)
        return
    elements = [group.element_of(number) for number in range(2, 12)]
    assert len({group.encode(element) for element in elements}) == 10
    for element in elements:
        assert group.decode(group.encode(element)) == element
    with pytest.raises(ChipError):
        group.element_of(0)
    with pytest.raises(ChipError):
        group.element_of(1)


@pytest.mark.parametrize("parameter_id, explicit", list(product(IDS, [False, True])))
def test_keys_survive_their_encoding(parameter_id: int, explicit: bool) -> None:
    group = numbered(parameter_id)
    element = group.public(group.draw_scalar(os.urandom))
    assert group_of_key(public_key_info(group, element, explicit=explicit)) == (group, element)
    assert group_of_key(standardised_key_info(parameter_id, element)) == (group, element)


def test_the_library_reads_our_keys() -> None:
    key = load_der_public_key(public_key_info(BRAINPOOL_P256, BRAINPOOL_P256.public(77)))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    numbers = key.public_numbers()
    assert (numbers.x, numbers.y) == BRAINPOOL_P256.public(77)


def test_a_curve_with_another_generator_is_no_known_curve() -> None:
    generator = BRAINPOOL_P256.encode(BRAINPOOL_P256.generator)
    other = BRAINPOOL_P256.encode(BRAINPOOL_P256.public(2))
    honest = public_key_info(BRAINPOOL_P256, BRAINPOOL_P256.public(5), explicit=True)
    assert honest.count(generator) == 1
    with pytest.raises(UnsupportedAlgorithmError):
        group_of_key(honest.replace(generator, other))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_parameters_alone_give_the_group(group: AnyGroup) -> None:
    info = public_key_info(group, group.public(9), explicit=True)
    assert group_of_parameters(algorithm_of(info)) == group


def test_prime_field_parameters_without_an_order() -> None:
    group = numbered(1)
    assert isinstance(group, DhGroup)
    unknown = DhGroup("dh2048", group.p, pow(group.generator, 5, group.p), None)
    found, element = group_of_key(public_key_info(unknown, unknown.public(99)))
    assert (found, element) == (unknown, unknown.public(99))
    assert not is_standardised(found) and not found.maps_numbers
    key = public_key_info(DhGroup("", group.p, group.generator, None), group.public(3))
    assert group_of_key(key) == (group, group.public(3))


@pytest.mark.parametrize(
    "p, g, q",
    [
        (23, 5, 11),
        (1 << 1100, 3, None),
        ((1 << 5000) + 1, 3, None),
        ((1 << 1100) + 1, 1, None),
        ((1 << 1100) + 1, 3, 5),
        (FIELD.p, FIELD.p - 1, FIELD.q),
        (FIELD.p, FIELD.generator, numbered(1).order),
        (FIELD.p, 2, FIELD.q),
    ],
)
def test_unusable_prime_fields_are_refused(p: int, g: int, q: int | None) -> None:
    with pytest.raises(CardError):
        group_of_key(public_key_info(DhGroup("bad", p, g, q), 2))


def test_reserved_numbers_name_no_group() -> None:
    info = standardised_key_info(13, BRAINPOOL_P256.public(3))
    with pytest.raises(UnsupportedAlgorithmError):
        group_of_key(info.replace(b"\x02\x01\x0d", b"\x02\x01\x07"))
    with pytest.raises(UnsupportedAlgorithmError):
        standardised_key_info(7, BRAINPOOL_P256.public(3))


HOSTILE: list[Any] = [
    public_key_info(BRAINPOOL_P256, BRAINPOOL_P256.public(5)),
    public_key_info(BRAINPOOL_P256, BRAINPOOL_P256.public(5), explicit=True),
    public_key_info(numbered(0), FIELD.public(5)),
    standardised_key_info(13, BRAINPOOL_P256.public(5)),
    standardised_key_info(2, numbered(2).public(5)),
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(HOSTILE), st.integers(0, 2000), st.integers(1, 255), st.booleans())
def test_damaged_keys_give_our_errors(key: bytes, place: int, change: int, cut: bool) -> None:
    place %= len(key)
    damaged = key[:place] if cut else key[:place] + bytes([key[place] ^ change]) + key[place + 1 :]
    try:
        group, element = group_of_key(damaged)
    except CardError:
        return
    assert group.decode(group.encode(element)) == element


@given(st.binary(max_size=80))
def test_rubbish_is_no_key(rubbish: bytes) -> None:
    with pytest.raises((MalformedFileError, CardError)):
        group_of_key(rubbish)
    with pytest.raises((MalformedFileError, CardError)):
        group_of_parameters(rubbish)


def algorithm_of(spki: bytes) -> bytes:
    return tlv.parse(spki).children()[0].raw
