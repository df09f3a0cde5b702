"""Records: what is sealed opens again, and no byte of it can be changed unseen."""

import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from exam_server.contract.errors import ContractError
from exam_server.contract.records import (
    MAX_MOMENT,
    MAX_NUMBER,
    MAX_PLAYS,
    Answered,
    Body,
    Flagged,
    Heard,
    Opened,
    Record,
    SignedHead,
    Submitted,
    Visited,
    WritingKeys,
    genesis,
)

KEYS = WritingKeys("attempt-1", 2, bytes(range(32)), bytes(range(32, 64)))
TEXT = st.text(max_size=20)
BODIES: st.SearchStrategy[Body] = st.one_of(
    st.builds(
        Answered,
        TEXT,
        st.none()
        | st.fixed_dictionaries({"kind": st.just("numeric"), "text": TEXT})
        | st.fixed_dictionaries({"kind": st.just("single"), "options": st.lists(TEXT)}),
    ),
    st.builds(Flagged, TEXT, st.booleans()),
    st.builds(Visited, TEXT),
    st.builds(Heard, TEXT, st.integers(1, MAX_PLAYS), st.integers(0, MAX_NUMBER - 1)),
    st.builds(Opened, TEXT),
    st.sampled_from([Submitted("candidate"), Submitted("time")]),
)


def seal(body: Body, sequence: int = 1, previous: bytes | None = None, at: int = 0) -> Record:
    return KEYS.seal(
        body,
        sequence=sequence,
        previous=previous or genesis(KEYS.attempt),
        acknowledged=0,
        at=at,
        rng=os.urandom,
    )


@given(BODIES, st.integers(1, MAX_NUMBER - 1), st.integers(0, MAX_MOMENT - 1))
def test_a_record_survives_the_wire(body: Body, sequence: int, at: int) -> None:
    record = Record.from_bytes(seal(body, sequence, at=at).to_bytes())
    record.check_mac(KEYS.lease_key)
    assert record.open(KEYS.attempt_key) == (body, at)
    assert record.sequence == sequence


@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    """Every changed byte is either no record, or fails the MAC, or breaks the chain."""
    record = seal(Answered("i1", {"kind": "single", "options": ["o1"]}))
    raw = bytearray(record.to_bytes())
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ContractError):
        Record.from_bytes(bytes(raw)).check_mac(KEYS.lease_key)


@given(st.binary(max_size=300))
def test_hostile_bytes_give_our_error(raw: bytes) -> None:
    with pytest.raises(ContractError):
        Record.from_bytes(raw)


def test_every_cut_is_refused() -> None:
    raw = seal(Visited("i1")).to_bytes()
    for length in range(len(raw)):
        with pytest.raises(ContractError):
            Record.from_bytes(raw[:length])


def test_the_chain_names_its_predecessor() -> None:
    first = seal(Visited("i1"))
    second = seal(Visited("i1"), 2, first.head)
    other = seal(Visited("i2"))
    assert second.previous == first.head != other.head
    assert genesis("attempt-1") != genesis("attempt-2")


def test_a_record_opens_under_its_own_key_and_place_only() -> None:
    record = seal(Visited("i1"))
    with pytest.raises(ContractError, match="does not open"):
        record.open(bytes(32))
    moved = replace(record, sequence=7)
    with pytest.raises(ContractError, match="does not open"):
        moved.open(KEYS.attempt_key)
    with pytest.raises(ContractError, match="not written under this lease"):
        record.check_mac(bytes(32))


def test_a_signed_head_is_one_stations_word() -> None:
    key = Ed25519PrivateKey.generate()
    head = SignedHead.sign(key, attempt="a", epoch=1, sequence=3, head=bytes(32))
    head.check(key.public_key())
    for changed in (
        SignedHead("b", 1, 3, bytes(32), head.signature),
        SignedHead("a", 2, 3, bytes(32), head.signature),
        SignedHead("a", 1, 4, bytes(32), head.signature),
        SignedHead("a", 1, 3, b"\1" * 32, head.signature),
    ):
        with pytest.raises(ContractError):
            changed.check(key.public_key())
