"""Wrapping, packages, receipts, tokens, evidence signatures, canonical bytes."""

import base64
import os
from collections.abc import Callable
from datetime import UTC, datetime

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from exam_server.contract import canonical
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.contract.errors import ContractError
from exam_server.contract.evidence_signature import check_evidence, sign_evidence
from exam_server.contract.receipt import Receipt
from exam_server.contract.sealed_package import PackageHeader, check, seal, unseal
from exam_server.contract.wrapping import Purpose, unwrap, wrap

SERVER = Ed25519PrivateKey.generate()
HOLDER = X25519PrivateKey.generate()
HEADER = PackageHeader("p1", "test", "s1", "Toán", "0101")
RECEIPT = Receipt(
    attempt="a1",
    realm="test",
    registration_number="01000001",
    paper="Toán",
    code="0101",
    sequence=24,
    head=bytes(range(32)),
    answered=22,
    submitted_at=datetime(2026, 12, 5, 2, 0, 0, 500_000, tzinfo=UTC),
)


def spoil(raw: bytes, position: int, by: int) -> bytes:
    changed = bytearray(raw)
    changed[position % len(raw)] ^= by
    return bytes(changed)


FLIPS = (st.integers(0, 10_000), st.integers(1, 255))


@given(st.binary(max_size=64), st.lists(st.text(max_size=10), max_size=3))
def test_a_wrapped_secret_comes_back(secret: bytes, context: list[str]) -> None:
    wrapped = wrap(secret, HOLDER.public_key(), Purpose.CONTENT_KEY, *context)
    assert unwrap(wrapped, HOLDER, Purpose.CONTENT_KEY, *context) == secret


@pytest.mark.parametrize(
    "opening",
    [
        lambda w: unwrap(w, X25519PrivateKey.generate(), Purpose.CONTENT_KEY, "p", "s"),
        lambda w: unwrap(w, HOLDER, Purpose.ATTEMPT_KEY, "p", "s"),
        lambda w: unwrap(w, HOLDER, Purpose.CONTENT_KEY, "p", "t"),
        lambda w: unwrap(w, HOLDER, Purpose.CONTENT_KEY, "ps"),
        lambda w: unwrap(w[:-1], HOLDER, Purpose.CONTENT_KEY, "p", "s"),
        lambda w: unwrap(b"", HOLDER, Purpose.CONTENT_KEY, "p", "s"),
    ],
)
def test_it_opens_for_nobody_and_nothing_else(opening: Callable[[bytes], bytes]) -> None:
    wrapped = wrap(b"secret", HOLDER.public_key(), Purpose.CONTENT_KEY, "p", "s")
    with pytest.raises(ContractError):
        opening(wrapped)


@given(st.binary(max_size=500))
def test_a_package_comes_back(form: bytes) -> None:
    key = os.urandom(32)
    sealed = seal(form, HEADER, key, SERVER, os.urandom(12))
    assert unseal(sealed, key, SERVER.public_key()) == (HEADER, form)


@given(*FLIPS)
def test_no_byte_of_a_package_can_be_changed(position: int, by: int) -> None:
    key = bytes(32)
    sealed = spoil(seal(b"form", HEADER, key, SERVER, bytes(12)), position, by)
    with pytest.raises(ContractError):
        unseal(sealed, key, SERVER.public_key())


def test_a_package_is_its_servers_and_opens_with_its_key() -> None:
    sealed = seal(b"form", HEADER, bytes(32), SERVER, bytes(12))
    assert b"form" not in sealed
    with pytest.raises(ContractError, match="not signed by the server"):
        check(sealed, Ed25519PrivateKey.generate().public_key())
    with pytest.raises(ContractError, match="does not open"):
        unseal(sealed, b"\1" * 32, SERVER.public_key())


def test_a_receipt_comes_back_and_is_the_servers_word() -> None:
    signature = RECEIPT.sign(SERVER)
    there = Receipt.from_bytes(RECEIPT.to_bytes())
    assert there == RECEIPT
    there.check(signature, SERVER.public_key())
    with pytest.raises(ContractError):
        there.check(signature, Ed25519PrivateKey.generate().public_key())
    groups = there.short_code.split("-")
    assert [len(group) for group in groups] == [4, 4, 4, 4]
    assert base64.b32decode("".join(groups)) == RECEIPT.head[:10]


@given(*FLIPS)
def test_no_byte_of_a_receipt_can_be_changed(position: int, by: int) -> None:
    signature = RECEIPT.sign(SERVER)
    with pytest.raises(ContractError):
        Receipt.from_bytes(spoil(RECEIPT.to_bytes(), position, by)).check(
            signature, SERVER.public_key()
        )


def test_a_token_comes_back() -> None:
    token = EnrolmentToken("https://10.0.0.1:8443", bytes(range(32)), bytes(range(16)))
    assert EnrolmentToken.from_text(f"  {token.to_text()}\n") == token


@pytest.mark.parametrize("text", ["", "tt1.", "tt2.abc", "tt1.!!!", "tt1." + "A" * 2000])
def test_no_token_gives_our_error(text: str) -> None:
    with pytest.raises(ContractError):
        EnrolmentToken.from_text(text)


@given(st.text(max_size=80))
def test_any_text_is_a_token_or_our_error(text: str) -> None:
    with pytest.raises(ContractError):
        EnrolmentToken.from_text("tt1." + text)


def test_a_token_leads_to_https_only() -> None:
    with pytest.raises(ContractError):
        EnrolmentToken.from_text(EnrolmentToken("http://x", bytes(32), bytes(16)).to_text())


def test_evidence_is_one_stations_for_one_placement() -> None:
    key = Ed25519PrivateKey.generate()
    signature = sign_evidence(key, station="s", placement="p", evidence=b"e")
    check_evidence(signature, key.public_key(), station="s", placement="p", evidence=b"e")
    for changed in (("t", "p", b"e"), ("s", "q", b"e"), ("s", "p", b"f")):
        station, placement, evidence = changed
        with pytest.raises(ContractError):
            check_evidence(
                signature, key.public_key(), station=station, placement=placement, evidence=evidence
            )


@given(st.binary(max_size=200))
def test_canonical_bytes_are_decoded_or_refused(raw: bytes) -> None:
    with pytest.raises(ContractError):
        canonical.decode("truong-thi/x", 1, raw, fields=1)


@pytest.mark.parametrize(
    "raw",
    [
        cbor2.dumps(["truong-thi/y", 1, 2]),
        cbor2.dumps(["truong-thi/x", 2, 2]),
        cbor2.dumps(["truong-thi/x", 1, 2, 3]),
        b"\x9f\x6ctruong-thi/x\x01\x02\xff",
        b"\x83\x6ctruong-thi/x\x01\x18\x02",
        cbor2.dumps(["truong-thi/x", 1, 2]) + b"\0",
        b"\x81" * 1000 + b"\x00",
    ],
)
def test_only_the_canonical_spelling_counts(raw: bytes) -> None:
    assert canonical.decode(
        "truong-thi/x", 1, canonical.encode("truong-thi/x", 1, 2), fields=1
    ) == [2]
    with pytest.raises(ContractError):
        canonical.decode("truong-thi/x", 1, raw, fields=1)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\x83\x61d\x01\xd8\x1c\x81\xd8\x1d\x00", id="a list that holds itself"),
        pytest.param(b"\x83\x61d\x01\xd8\x24\x61x", id="a MIME message"),
        pytest.param(b"\x83\x61d\xf5\x00", id="true for the schema 1"),
        pytest.param(b"\x83\x61d\xf9\x3c\x00\x00", id="1.0 for the schema 1"),
    ],
)
def test_what_cbor_can_tell_and_nobody_can_tell_again_is_refused(raw: bytes) -> None:
    with pytest.raises(ContractError, match="canonical form"):
        canonical.decode("d", 1, raw, fields=1)
