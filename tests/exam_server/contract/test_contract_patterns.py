"""Patterns of canonical bytes: they take nothing that decoding would refuse, or take otherwise."""

import os
import re
import struct
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from exam_server.contract import batches, canonical, patterns, records
from exam_server.contract.batches import BATCH, Batch, ReceivedBatch
from exam_server.contract.errors import ContractError
from exam_server.contract.records import (
    BODY,
    MAX_MOMENT,
    RECORD,
    Answered,
    Flagged,
    Record,
    WritingKeys,
    genesis,
)

ATTEMPT = "0123456789abcdef" * 2
KEYS = WritingKeys(ATTEMPT, 1, bytes(32), bytes(range(32)))
EDGES = [0, 1, 23, 24, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**64 - 1]
NUMBERS = st.sampled_from(EDGES) | st.integers(0, 2**33) | st.booleans() | st.none()
IDS = st.just(ATTEMPT) | st.sampled_from(["attempt-1", ATTEMPT.upper(), ATTEMPT + "0", "ă" * 16])


def loose(data: st.DataObject, value: object) -> bytes:
    """CBOR of `value`, now and then with a length or a number told in more bytes than it needs."""
    match value:
        case bool() | None:
            return cbor2.dumps(value)
        case int():
            return head(data, 0, value)
        case bytes():
            return head(data, 2, len(value)) + value
        case str():
            return head(data, 3, len(value.encode())) + value.encode()
        case list():
            return head(data, 4, len(value)) + b"".join(loose(data, one) for one in value)
    raise TypeError(value)


def head(data: st.DataObject, major: int, number: int) -> bytes:
    forms = [bytes([major << 5 | number])] if number < 24 else []
    for kind, (form, limit) in enumerate(zip("BHIQ", (8, 16, 32, 64), strict=True), 24):
        if number < 2**limit:
            forms.append(bytes([major << 5 | kind]) + struct.pack(f">{form}", number))
    longer = data.draw(st.integers(0, 12)) == 0
    return data.draw(st.sampled_from(forms)) if longer else forms[0]


def spoiled(data: st.DataObject, whole: bytes) -> bytes:
    """`whole`, or with a byte changed, left out or added."""
    how = data.draw(st.sampled_from(["as it is", "as it is", "changed", "cut", "added"]))
    place = data.draw(st.integers(0, len(whole) - 1))
    other = bytes([data.draw(st.integers(0, 255))])
    match how:
        case "changed":
            return whole[:place] + other + whole[place + 1 :]
        case "cut":
            return whole[:place] + whole[place + 1 :]
        case "added":
            return whole[:place] + other + whole[place:]
    return whole


def outcome(read: Callable[[bytes], object], data: bytes) -> object:
    try:
        return read(data)
    except ContractError:
        return ContractError


@given(st.data())
def test_a_record_is_read_as_decoding_reads_it(data: st.DataObject) -> None:
    fields: list[Any] = [RECORD, 1, data.draw(IDS), data.draw(NUMBERS), data.draw(NUMBERS)]
    fields += [bytes(data.draw(st.sampled_from([31, 32, 32, 32]))), data.draw(NUMBERS)]
    fields += [bytes(data.draw(st.sampled_from([11, 12, 12, 12])))]
    fields += [bytes(data.draw(st.sampled_from([0, 23, 24, 80, 255, 256, 70_000])))]
    sealed, mac = loose(data, fields), bytes(data.draw(st.sampled_from([31, 32, 32, 32])))
    whole = spoiled(data, loose(data, [records.AUTHENTICATED, 1, sealed, mac]))
    with patch.object(Record, "_usual", lambda _data: None):
        decoded = outcome(Record.from_bytes, whole)
    assert outcome(Record.from_bytes, whole) == decoded


@given(st.data())
def test_a_batch_is_read_as_decoding_reads_it(data: st.DataObject) -> None:
    lengths = st.sampled_from([0, 1, 23, 24, 255, 256])
    inside = [bytes(data.draw(lengths)) for _ in range(data.draw(st.integers(0, 25)))]
    signed: object = data.draw(st.sampled_from([None, None, [1, 2, bytes(32), bytes(64)], [1]]))
    sealed = loose(data, [BATCH, 1, data.draw(IDS), data.draw(NUMBERS), inside, signed])
    mac = bytes(data.draw(st.sampled_from([31, 32, 32, 32])))
    whole = spoiled(data, loose(data, [batches.AUTHENTICATED, 1, sealed, mac]))
    with patch.object(ReceivedBatch, "_usual", lambda _data: None):
        decoded = outcome(ReceivedBatch.from_bytes, whole)
    assert outcome(ReceivedBatch.from_bytes, whole) == decoded


@given(st.data())
def test_a_body_is_opened_as_decoding_opens_it(data: st.DataObject) -> None:
    moments = st.integers(0, MAX_MOMENT - 1) | st.sampled_from([*EDGES, MAX_MOMENT])
    bodies = st.sampled_from([["answered", "q", None], ["flagged", "q", True], ["flagged", 1], 5])
    inside = data.draw(bodies)
    plain = spoiled(data, loose(data, [BODY, 1, data.draw(moments), inside]))
    record = sealed_as_it_is(plain)
    assert outcome(lambda _plain: record.open(KEYS.attempt_key), plain) == outcome(decoded, plain)


def decoded(plain: bytes) -> tuple[object, int]:
    at, body = canonical.decode(BODY, 1, plain, fields=2)
    if type(at) is not int or not 0 <= at < MAX_MOMENT:
        raise ContractError("no moment")
    match body:
        case ["answered", str(item), None]:
            return Answered(item, None), at
        case ["flagged", str(item), bool(on)]:
            return Flagged(item, on), at
    raise ContractError("no body")


def sealed_as_it_is(plain: bytes) -> Record:
    """A record of which `plain` is the content, whatever it is."""
    nonce = os.urandom(12)
    aad = canonical.encode(f"{BODY}/context", 1, ATTEMPT, 1, 1)
    text = AESGCM(KEYS.attempt_key).encrypt(nonce, plain, aad)
    return Record(ATTEMPT, 1, 1, genesis(ATTEMPT), 0, nonce, text, b"", bytes(32))


def test_what_stations_send_is_read_by_its_pattern() -> None:
    record = KEYS.seal(
        Answered("q1", {"kind": "single", "options": ["a"]}),
        sequence=300,
        previous=genesis(ATTEMPT),
        acknowledged=299,
        at=1_800_000_000_000,
        rng=os.urandom,
    )
    assert Record._usual(record.to_bytes()) == record
    batch = Batch(ATTEMPT, 1, (record.to_bytes(), record.to_bytes()))
    received = ReceivedBatch._usual(batch.to_bytes(KEYS.lease_key))
    assert received is not None and received.batch == batch


@pytest.mark.parametrize("number", EDGES)
def test_a_number_has_one_form(number: int) -> None:
    found = cbor2.dumps(number)
    long = re.fullmatch(patterns.LONG_NUMBER, found)
    assert long is not None and patterns.number(long[1]) == number
    assert (re.fullmatch(patterns.NUMBER, found) is not None) == (number < 2**31)
