"""Certificates as real issuers write them: curves spelled out, odd names, numbers and encodings."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from trust_builder import (
    CSCA,
    SIGNER,
    Party,
    Scheme,
    bits,
    certificate,
    der,
    ec_key,
    integer,
    name,
    octets,
    oid,
    rsa_key,
    sequence,
    spki,
)

from card_reader.distinguished_names import name_text
from card_reader.errors import CardReason, MalformedCertificateError, UnsupportedAlgorithmError
from card_reader.trust.certificates import (
    MAX_CERTIFICATE,
    Certificate,
    parse_certificate,
    parse_certificates,
)
from card_reader.trust.curves import CURVES, Curve, library_curve
from card_reader.trust.inventory import Kind, SignatureState, take_inventory
from card_reader.trust.keys import EcKey, describe_public_key, parse_public_key

OPENSSL = parse_certificates((Path(__file__).parent / "openssl_curves.pem").read_bytes())


@pytest.mark.parametrize("found", OPENSSL, ids=lambda item: item.subject_text)
def test_every_curve_against_openssl(found: Certificate) -> None:
    """Signatures of another implementation, over the curves that the library lacks too."""
    curve = found.subject_text.split()[2].replace("prime192v1", "secp192r1")
    key = found.public_key
    assert isinstance(key, EcKey)
    assert key.curve.name == curve.replace("prime256v1", "secp256r1")
    assert key.explicit is found.has_explicit_parameters is ("explicit" in found.subject_text)
    assert found.signed_by(found)
    other = next(item for item in OPENSSL if item.key_bits != found.key_bits)
    assert not found.signed_by(other)
    broken = bytearray(found.raw)
    broken[-1] ^= 1
    assert not parse_certificate(bytes(broken)).signed_by(found)


def test_the_openssl_certificates_reach_our_own_arithmetic() -> None:
    used = {item.public_key.curve.name for item in OPENSSL if isinstance(item.public_key, EcKey)}
    assert {curve.name for curve in CURVES if library_curve(curve) is None} <= used


# --- explicit parameters ------------------------------------------------------------------------


def explicit_key(curve: Curve, **changes: int | None) -> bytes:
    """A key that spells its curve out (RFC 3279 §2.3.5), with some numbers changed."""
    numbers: dict[str, int | None] = {
        name: getattr(curve, name) for name in ("p", "a", "b", "gx", "gy", "n", "h")
    }
    numbers |= changes
    p, a, b, gx, gy, n = (int(numbers[name] or 0) for name in ("p", "a", "b", "gx", "gy", "n"))
    size = curve.field_bytes

    def element(value: int) -> bytes:
        return value.to_bytes(size, "big")

    point = b"\x04" + element(curve.gx) + element(curve.gy)
    parameters = sequence(
        integer(1),
        sequence(oid("1.2.840.10045.1.1"), integer(p)),
        sequence(octets(element(a)), octets(element(b))),
        octets(b"\x04" + element(gx) + element(gy)),
        integer(n),
        integer(numbers["h"]) if numbers["h"] is not None else b"",
    )
    return sequence(sequence(oid("1.2.840.10045.2.1"), parameters), bits(point))


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_explicit_parameters_count_only_as_a_known_curve(curve: Curve) -> None:
    assert parse_public_key(explicit_key(curve)) == EcKey(curve, curve.gx, curve.gy, True)
    assert parse_public_key(explicit_key(curve, h=None)).explicit
    opposite = curve.p - curve.gy
    changes: list[dict[str, int]] = [
        {"a": curve.a - 1}, {"b": curve.b - 1}, {"gy": opposite}, {"n": curve.n - 2}, {"h": 2},
        {"p": curve.p - 2}, {"h": 0},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(UnsupportedAlgorithmError):
            parse_public_key(explicit_key(curve, **change))
        key = explicit_key(curve, **change)
        assert describe_public_key(key) == (f"ec{curve.bits} explicit", True)


def test_a_generator_of_ones_own_choice_is_refused() -> None:
    """CVE-2020-0601: the key itself as generator, its private key one."""
    curve = next(item for item in CURVES if item.name == "secp256r1")
    numbers = ec_key(which=1).public_key().public_numbers()
    with pytest.raises(UnsupportedAlgorithmError, match="unknown curve"):
        parse_public_key(explicit_key(curve, gx=numbers.x, gy=numbers.y))


@pytest.mark.parametrize(
    "point",
    [
        b"\x04" + bytes(64),
        b"\x04" + b"\xff" * 64,
        b"\x02" + b"\xff" * 32,
        b"\x02" + bytes(31) + b"\x07",
        b"\x00",
        b"",
        b"\x04" + bytes(60),
    ],
)
def test_points_that_are_on_no_curve(point: bytes) -> None:
    algorithm = sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"))
    with pytest.raises(UnsupportedAlgorithmError):
        parse_public_key(sequence(algorithm, bits(point)))


# --- oddities -----------------------------------------------------------------------------------


def made(subject: bytes, shape: object = CSCA, scheme: Scheme | None = None) -> Party:
    return certificate(subject, ec_key(), scheme or Scheme("ecdsa"), shape=shape)


ODD = {
    "empty subject": made(sequence()),
    "negative serial": made(name("UT", "CSCA"), replace(CSCA, serial=b"\xf0\x01")),
    "no serial": made(name("UT", "CSCA"), replace(CSCA, serial=b"")),
    "Latin-1 in UTF-8": made(name("UT", "CSCA").replace(b"CSCA", b"CSC\xc9")),
    "Teletex": made(name("UT", "CSCA", 0x14)),
    "unknown string type": made(name("UT", "CSCA", 0x04)),
    "a country in small letters": made(name("ut", "CSCA")),
    "version 1": made(name("UT", "CSCA"), replace(CSCA, ca=None, usage=None)),
    "no key id": made(name("UT", "CSCA")),
    "a broken key id": made(
        name("UT", "CSCA"),
        replace(CSCA, further=(sequence(oid("2.5.29.14"), octets(octets(b""))),)),
    ),
    "a broken alternative name": made(
        name("UT", "CSCA"),
        replace(CSCA, further=(sequence(oid("2.5.29.17"), octets(b"\xff\xff")),)),
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_certificates_load_and_verify(case: str) -> None:
    found = parse_certificate(ODD[case].raw)
    assert found.is_ca
    assert found.signed_by(found)
    assert isinstance(found.subject_text, str)
    entry = take_inventory([found])[0]
    assert (entry.kind, entry.signature) == (Kind.SELF_SIGNED, SignatureState.VALID)
    assert found.country in ("UT", None)


def test_a_certificate_with_indefinite_lengths() -> None:
    raw = made(name("UT", "CSCA")).raw
    header = 2 + (raw[1] & 0x7F)
    found = parse_certificate(raw[:1] + b"\x80" + raw[header:] + b"\x00\x00")
    assert found.signed_by(found)


def test_an_rsa_modulus_that_looks_negative() -> None:
    key = rsa_key()
    numbers = key.public_key().public_numbers()
    modulus = der(0x02, numbers.n.to_bytes(256, "big"))  # its first bit is set
    inner = sequence(modulus, integer(numbers.e))
    public = sequence(sequence(oid("1.2.840.113549.1.1.1"), der(0x05)), bits(inner))
    party = certificate(name("UT", "CSCA"), key, Scheme("rsa"), public=public)
    found = parse_certificate(party.raw)
    assert found.signed_by(found)
    assert found.key_text == "rsa2048 e=65537"
    assert parse_public_key(public) == parse_public_key(spki(key))


def test_dates_in_both_forms() -> None:
    shape = replace(
        CSCA,
        not_before=datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
        not_after=datetime(2049, 1, 1, tzinfo=UTC),
    )
    found = parse_certificate(made(name("UT", "CSCA"), shape).raw)
    assert (found.not_before, found.not_after) == (shape.not_before, shape.not_after)
    for unreadable in (b"20190231000000Z", b"991399000000Z", b"\xff" * 13):
        tag = 0x18 if len(unreadable) == 15 else 0x17
        raw = made(name("UT", "CSCA"), shape).raw
        old = der(0x17, b"490101000000Z")
        if len(unreadable) == 13:
            with pytest.raises(MalformedCertificateError):
                parse_certificate(raw.replace(old, der(tag, unreadable)))


def test_who_may_issue() -> None:
    def is_ca(**changes: object) -> bool:
        return parse_certificate(made(name("UT", "X"), replace(SIGNER, **changes)).raw).is_ca

    assert not is_ca()
    assert is_ca(ca=True)
    assert is_ca(usage=0x04)
    assert not is_ca(ca=False)
    assert is_ca(usage=None)  # version 1, self-issued
    issuer = made(name("UT", "CSCA"))
    nobody = certificate(
        name("UT", "X"), ec_key(), Scheme("ecdsa"), issuer, replace(SIGNER, usage=None)
    )
    assert not parse_certificate(nobody.raw).is_ca


def test_a_name_stays_in_its_line() -> None:
    shown = name_text(name("UT", "CSCA\n\x1b[2K\u202eViệt\xa0Nam"))
    assert shown == "Common Name: CSCA \ufffd[2K\ufffdViệt Nam, Country: UT"


def test_what_is_too_large() -> None:
    with pytest.raises(MalformedCertificateError) as caught:
        parse_certificate(bytes(MAX_CERTIFICATE + 1))
    assert caught.value.reason is CardReason.TOO_LARGE
