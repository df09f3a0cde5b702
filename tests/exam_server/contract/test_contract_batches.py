"""Batches: what is sent arrives, and no byte of it can be changed unseen."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exam_server.contract import canonical
from exam_server.contract.batches import (
    AUTHENTICATED,
    BATCH,
    MAX_BATCH_BYTES,
    MAX_RECORDS,
    Batch,
    ReceivedBatch,
    fitting,
)
from exam_server.contract.errors import ContractError
from exam_server.contract.records import MAX_NUMBER, MAX_RECORD_BYTES, SignedHead

KEY = bytes(range(32))
ATTEMPT = "attempt-1"
NUMBERS = st.integers(1, MAX_NUMBER - 1)
HEADS = st.builds(
    SignedHead,
    st.just(ATTEMPT),
    NUMBERS,
    st.integers(0, MAX_NUMBER - 1),
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=70),
)
BATCHES = st.builds(
    Batch,
    st.just(ATTEMPT),
    NUMBERS,
    st.lists(st.binary(max_size=40), max_size=6).map(tuple),
    st.none() | HEADS,
)


@given(BATCHES)
def test_a_batch_survives_the_wire(batch: Batch) -> None:
    received = ReceivedBatch.from_bytes(batch.to_bytes(KEY))
    received.check_mac(KEY)
    assert received.batch == batch


@given(BATCHES, st.data())
def test_no_byte_can_be_changed_unseen(batch: Batch, data: st.DataObject) -> None:
    spoiled = bytearray(batch.to_bytes(KEY))
    place = data.draw(st.integers(0, len(spoiled) - 1))
    spoiled[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ContractError):
        ReceivedBatch.from_bytes(bytes(spoiled)).check_mac(KEY)


@given(BATCHES, st.data())
def test_no_batch_can_be_cut_or_lengthened(batch: Batch, data: st.DataObject) -> None:
    whole = batch.to_bytes(KEY)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    for spoiled in (cut, whole + data.draw(st.binary(min_size=1, max_size=4))):
        with pytest.raises(ContractError):
            ReceivedBatch.from_bytes(spoiled)


@given(BATCHES, st.binary(min_size=32, max_size=32))
def test_another_key_proves_nothing(batch: Batch, other: bytes) -> None:
    received = ReceivedBatch.from_bytes(batch.to_bytes(KEY))
    if other == KEY:
        received.check_mac(other)
    else:
        with pytest.raises(ContractError):
            received.check_mac(other)


@given(st.binary(max_size=200))
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError):
        ReceivedBatch.from_bytes(data)


@pytest.mark.parametrize(
    "fields",
    [
        ["a", 0, [], None],
        ["a", MAX_NUMBER, [], None],
        [1, 1, [], None],
        ["a", 1, ["text"], None],
        ["a", 1, [b""] * (MAX_RECORDS + 1), None],
        ["a", 1, [], [1, 1, b"short", b""]],
        ["a", 1, [], [1, MAX_NUMBER, bytes(32), b""]],
        ["a", 1, [], "head"],
        ["a", 1, []],
    ],
)
def test_fields_of_the_wrong_kind_are_refused(fields: list[object]) -> None:
    sealed = canonical.encode(BATCH, 1, *fields)
    data = canonical.encode(AUTHENTICATED, 1, sealed, bytes(32))
    with pytest.raises(ContractError):
        ReceivedBatch.from_bytes(data)


def test_a_batch_has_an_end() -> None:
    with pytest.raises(ContractError, match="several"):
        Batch(ATTEMPT, 1, (b"",) * (MAX_RECORDS + 1)).to_bytes(KEY)
    with pytest.raises(ContractError, match="several"):
        Batch(ATTEMPT, 1, (bytes(MAX_BATCH_BYTES),)).to_bytes(KEY)
    with pytest.raises(ContractError, match="longer"):
        ReceivedBatch.from_bytes(bytes(MAX_BATCH_BYTES + 1))


@given(st.lists(st.integers(0, MAX_RECORD_BYTES), max_size=12), st.integers(0, 520))
def test_what_fits_goes_and_always_something(sizes: list[int], small: int) -> None:
    records = [bytes(size) for size in sizes] + [b"r"] * small
    chosen = fitting(records)
    assert list(chosen) == records[: len(chosen)]
    assert len(chosen) > 0 or not records
    head = SignedHead("a" * 64, MAX_NUMBER - 1, MAX_NUMBER - 1, bytes(32), os.urandom(64))
    Batch("a" * 64, MAX_NUMBER - 1, tuple(chosen), head).to_bytes(KEY)
