"""Whatever bytes come: success or this package's error, soon, and nothing believed wrongly."""

import base64
import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trust_builder import (
    NOW,
    Form,
    certificate,
    der,
    ec_key,
    integer,
    master_list,
    name,
    octets,
    oid,
    revocation_list,
    rsa_key,
    sample_state,
    security_object,
    sequence,
    set_of,
    signed_data,
)
from trust_builder import Scheme as BuiltScheme

from card_reader.asn1 import definite_form
from card_reader.cms import parse_signed_data
from card_reader.errors import CardError, CardReason, MalformedFileError, MalformedTlvError
from card_reader.lds import sod
from card_reader.trust.certificates import parse_certificate
from card_reader.trust.crl import parse_crl
from card_reader.trust.inventory import take_inventory
from card_reader.trust.keys import describe_public_key, parse_public_key
from card_reader.trust.master_list import parse_certificate_file
from card_reader.trust.passive_authentication import Chain, authenticate, authenticate_signed_data
from card_reader.trust.signatures import parse_signature_algorithm
from card_reader.trust.store import Realm, TrustStore

pytestmark = pytest.mark.slow

VECTORS = Path(__file__).parents[3] / "../shared/vectors"
MASTER_LIST = VECTORS / "masterlists/DE_ML_2024-08-07-07-38-24.ml"
REAL = sorted((VECTORS / "sod/real").glob("*.bin"))
CSCA, SIGNER = sample_state()
RSA = certificate(name("UT", "RSA"), rsa_key(), BuiltScheme("pss"))
CONTENT = security_object({1: b"one", 14: b"fourteen"})
SEEDS = {
    "certificate": CSCA.raw,
    "rsa": RSA.raw,
    "crl": revocation_list(CSCA, [b"\x05", b"\x06"]),
    "sod": signed_data(CONTENT, SIGNER, form=Form(signing_time=NOW)),
    "ber": signed_data(CONTENT, SIGNER, form=Form(indefinite=True, constructed=True)),
    "two signers": signed_data(CONTENT, SIGNER, RSA),
    "list": master_list([CSCA.raw, SIGNER.raw], SIGNER),
}


@st.composite
def damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    """Bytes changed, put in, taken out, or the end cut off."""
    data = bytearray(raw)
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from((0, 0, 1, 2, 7)))
        data[position : position + length] = draw(st.binary(min_size=length > 0, max_size=4))
        if position < len(data):
            data[position] ^= draw(st.sampled_from((0, 1, 0x20, 0x80, 0xFF)))
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])


def try_everything(raw: bytes) -> None:
    """Every parser over the same bytes."""
    for parse in (
        parse_certificate, parse_certificate_file, parse_crl, parse_signed_data, sod.parse,
        definite_form, parse_public_key,
    ):  # fmt: skip
        with contextlib.suppress(CardError):
            parse(raw)
    with contextlib.suppress(CardError):
        parse_signature_algorithm(raw, "sha256")
    assert isinstance(describe_public_key(raw)[0], str)


@pytest.mark.parametrize("seed", SEEDS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_every_parser(data: st.DataObject, seed: str) -> None:
    try_everything(data.draw(damaged(SEEDS[seed])))


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(raw: bytes) -> None:
    try_everything(raw)
    for head in (b"dn: x\n", b"-----BEGIN CERTIFICATE-----\n", b"\x30\x80"):
        with contextlib.suppress(CardError):
            parse_certificate_file(head + raw)
        with contextlib.suppress(CardError):
            parse_certificate_file(head + b"userCertificate:: " + base64.b64encode(raw))


@settings(max_examples=100, deadline=None)
@given(raw=damaged(CSCA.raw))
def test_a_damaged_certificate_is_used_by_nobody(raw: bytes) -> None:
    with contextlib.suppress(CardError):
        found = parse_certificate(raw)
        entry = take_inventory([found])[0]
        assert isinstance(entry.to_dict(), dict)
        assert found.raw == CSCA.raw or not found.signed_by(parse_certificate(CSCA.raw))
        assert found.raw == CSCA.raw or not found.signed_by(found)


STORE = TrustStore([parse_certificate(CSCA.raw), parse_certificate(RSA.raw)], realm=Realm.LIVE)


@pytest.mark.parametrize("seed", ["sod", "ber", "two signers"])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_nothing_damaged_is_believed(data: st.DataObject, seed: str) -> None:
    raw = data.draw(damaged(SEEDS[seed]))
    with contextlib.suppress(CardError):
        found = parse_signed_data(raw)
        result = authenticate_signed_data(sod.CONTENT_TYPES, found, STORE, at=None, now=NOW)
        if result.chain is Chain.TRUSTED and not result.refused:
            assert found.content == CONTENT


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="shared vectors are absent")
@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_no_damaged_real_document_is_believed(data: st.DataObject) -> None:
    store = TrustStore.load([MASTER_LIST], realm=Realm.LIVE)
    original = data.draw(st.sampled_from(REAL)).read_bytes()
    with contextlib.suppress(CardError):
        found = sod.parse(data.draw(damaged(original)))
        result = authenticate(found, store, at=None, now=datetime(2026, 6, 1, tzinfo=UTC))
        if result.chain is Chain.TRUSTED and not result.refused:
            assert found.signed_data.content == sod.parse(original).signed_data.content


# --- bounded ------------------------------------------------------------------------------------


def nested(levels: int, opening: bytes, closing: bytes = b"") -> bytes:
    return opening * levels + closing * levels


@pytest.mark.parametrize(
    "raw",
    [
        nested(20_000, b"\x30\x80", b"\x00\x00"),
        nested(20_000, b"\x24\x80"),
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x80" + b"\x05\x00" * 30_000,
        b"\x30\x82\xff\xf0" + b"\x05\x00" * 32_760,
        der(0x31, *[sequence()] * 20_000),
        b"\x30\x80" + b"\x1f" + b"\xff" * 60_000,
        b"dn: x\n" + b"userCertificate:: AAAA\n" * 2_000,
        b"dn: x\n" + b" " * 60_000 + b"\n :: " * 1_000,
    ],
    ids=range(9),
)
def test_everything_ends_soon(raw: bytes) -> None:
    begin = time.thread_time()  # what else the machine does is not counted
    try_everything(raw)
    assert time.thread_time() - begin < 3


def signed_object(content: bytes, **parts: bytes) -> bytes:
    """A SignedData whose parts are given."""
    whole = {
        "digests": set_of(),
        "certificates": b"",
        "signers": set_of(),
    } | parts
    body = sequence(
        integer(3),
        whole["digests"],
        sequence(oid("1.2.840.113549.1.7.1"), der(0xA0, octets(content))),
        whole["certificates"],
        whole["signers"],
    )
    return sequence(oid("1.2.840.113549.1.7.2"), der(0xA0, body))


@pytest.mark.parametrize(
    "parts",
    [
        {"signers": der(0x31, *[sequence(integer(1))] * 500)},
        {"signers": set_of()},
        {"certificates": der(0xA0, *[CSCA.raw] * 17)},
    ],
    ids=["signers", "no signer", "certificates"],
)
def test_counts_have_caps(parts: dict[str, bytes]) -> None:
    with pytest.raises(MalformedFileError):
        parse_signed_data(signed_object(b"x", **parts))


def test_the_caps_say_so() -> None:
    with pytest.raises(MalformedFileError) as caught:
        parse_signed_data(signed_data(b"x", *[SIGNER] * 5))
    assert "5 signers" in caught.value.detail
    with pytest.raises(MalformedTlvError, match="too deeply"):
        definite_form(nested(40, b"\x30\x80", b"\x00\x00"))
    long = name("UT", "x" * 5000)
    with pytest.raises(CardError) as refused:
        parse_certificate(certificate(long, ec_key(), BuiltScheme("ecdsa")).raw)
    assert refused.value.reason is CardReason.TOO_LARGE


@given(
    st.recursive(
        st.binary(max_size=20).map(octets),
        lambda inner: st.lists(inner, max_size=4).map(lambda i: sequence(*i)),
        max_leaves=12,
    )
)
def test_definite_form_leaves_der_alone(raw: bytes) -> None:
    assert definite_form(raw) == raw
    header = 2 + (raw[1] & 0x7F if raw[1] & 0x80 else 0)
    if raw[0] == 0x30:
        assert definite_form(b"\x30\x80" + raw[header:] + b"\x00\x00") == raw
    else:
        middle = len(raw[header:]) // 2
        parts = octets(raw[header:][:middle]) + octets(raw[header:][middle:])
        assert definite_form(der(0x24, parts)) == raw
        assert definite_form(b"\x24\x80" + parts + b"\x00\x00") == raw
