"""The journal's file: torn at any byte, garbled at any byte, told apart and named."""

import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from exam_server.contract import journal_file, records
from exam_server.contract.journal_file import (
    MAGIC,
    SECTOR,
    DamagedFileError,
    Header,
)
from exam_server.contract.records import Record, SignedHead, WritingKeys, genesis

KEYS = WritingKeys("attempt-1", 1, b"L" * 32, b"A" * 32)
HEADER = Header("attempt-1", b"wrapped for the station", b"wrapped for recovery")
STATION = Ed25519PrivateKey.from_private_bytes(bytes(32))
RNG = random.Random(4)


def chain(count: int) -> list[Record]:
    written: list[Record] = []
    for sequence in range(1, count + 1):
        previous = written[-1].head if written else genesis("attempt-1")
        body = records.Visited(f"item-{sequence}")
        record = KEYS.seal(
            body, sequence=sequence, previous=previous, acknowledged=0, at=1_000, rng=RNG.randbytes
        )
        written.append(record)
    return written


def head_over(record: Record) -> SignedHead:
    fields = {"attempt": "attempt-1", "epoch": 1}
    return SignedHead.sign(STATION, **fields, sequence=record.sequence, head=record.head)


RECORDS = chain(6)
ENTRIES = [
    *(journal_file.record_entry(record) for record in RECORDS[:3]),
    journal_file.head_entry(head_over(RECORDS[2])),
    *(journal_file.record_entry(record) for record in RECORDS[3:]),
]
FIRST = journal_file.begin(HEADER)
WHOLE = FIRST + b"".join(ENTRIES)
#: Where each entry ends, and how many records there are then.
STEPS = [
    (len(FIRST) + sum(map(len, ENTRIES[:count])), count if count < 4 else count - 1)
    for count in range(len(ENTRIES) + 1)
]


def upto(cut: int) -> tuple[int, int]:
    """Size and number of records of the longest whole prefix of `cut` bytes."""
    return max(step for step in STEPS if step[0] <= cut)


def test_what_was_written_is_read() -> None:
    contents = journal_file.read(WHOLE)
    assert contents.header == HEADER
    assert contents.records == tuple(RECORDS)
    assert contents.heads == (head_over(RECORDS[2]),)
    assert contents.signed == head_over(RECORDS[2])
    assert (contents.size, contents.torn) == (len(WHOLE), 0)
    assert journal_file.read(journal_file.begin(HEADER, RECORDS)).records == tuple(RECORDS)


def test_cut_at_every_byte_it_holds_the_longest_whole_prefix() -> None:
    for cut in range(len(FIRST), len(WHOLE) + 1):
        contents = journal_file.read(WHOLE[:cut])
        assert (contents.size, len(contents.records)) == upto(cut)
        assert contents.size + contents.torn == cut
    for cut in range(len(FIRST)):
        with pytest.raises(DamagedFileError) as caught:
            journal_file.read(WHOLE[:cut])
        assert caught.value.sound is None


def test_sectors_of_the_last_write_that_never_came_are_a_torn_write() -> None:
    """Whichever of its sectors are missing."""
    tried = 0
    for shift in range(SECTOR):
        first = journal_file.begin(Header("attempt-1", bytes(shift), b""), RECORDS[:5])
        whole = first + ENTRIES[-1]
        border = len(first) - len(first) % SECTOR + SECTOR
        if not len(first) < border < len(whole):
            continue
        tried += 1
        for torn in (
            whole[: len(first)] + bytes(border - len(first)) + whole[border:],
            whole[:border] + bytes(len(whole) - border),
            whole[:border],
        ):
            contents = journal_file.read(torn)
            assert (contents.size, len(contents.records)) == (len(first), 5)
    assert tried > 100


def test_a_tail_of_zeros_is_a_torn_write() -> None:
    for cut in range(STEPS[-2][0], len(WHOLE) - 16):
        contents = journal_file.read(WHOLE[:cut] + bytes(len(WHOLE) - cut))
        assert len(contents.records) == 5
    assert len(journal_file.read(WHOLE + bytes(4096)).records) == 6


@settings(max_examples=300)
@given(at=st.integers(0, len(WHOLE) - 1), flip=st.integers(1, 255))
def test_a_changed_byte_is_damage_and_what_is_before_and_behind_is_read(at: int, flip: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] ^= flip
    with pytest.raises(DamagedFileError) as caught:
        journal_file.read(bytes(changed))
    assert "\n" not in str(caught.value)
    if at < len(FIRST):
        assert caught.value.sound is None
        assert caught.value.behind == tuple(RECORDS)  # the header alone is lost
        return
    sound = caught.value.sound
    assert sound is not None
    size, before = upto(at)
    assert (sound.size, sound.records) == (size, tuple(RECORDS[:before]))
    is_record = size != STEPS[3][0]
    assert caught.value.behind == tuple(RECORDS[before + is_record :])


@settings(max_examples=200)
@given(
    cut=st.integers(len(FIRST), len(WHOLE)),
    more=st.integers(1, 4),
    again=st.integers(0, 10_000),
)
def test_what_is_appended_after_a_cut_is_read(cut: int, more: int, again: int) -> None:
    """As the station does it: the torn write is taken off, then writing goes on."""
    kept = journal_file.read(WHOLE[:cut])
    going_on, previous = WHOLE[: kept.size], kept.records[-1].head if kept.records else None
    added: list[Record] = []
    for number in range(more):
        record = KEYS.seal(
            records.Flagged("a", bool(number % 2)),
            sequence=len(kept.records) + number + 1,
            previous=previous or genesis("attempt-1"),
            acknowledged=0,
            at=2_000,
            rng=RNG.randbytes,
        )
        going_on, previous = going_on + journal_file.record_entry(record), record.head
        added.append(record)
    end = len(going_on) - again % len(journal_file.record_entry(added[-1]))
    contents = journal_file.read(going_on[:end])
    assert contents.records == (*kept.records, *(added if end == len(going_on) else added[:-1]))


@settings(max_examples=200)
@given(
    at=st.integers(len(FIRST), len(WHOLE) - 1),
    length=st.integers(1, 2_000),
    seed=st.integers(0, 2**32),
)
def test_a_garbled_stretch_never_gives_a_record_that_was_not_written(
    at: int, length: int, seed: int
) -> None:
    stretch = min(length, len(WHOLE) - at)
    garbled = WHOLE[:at] + random.Random(seed).randbytes(stretch) + WHOLE[at + stretch :]
    try:
        contents = journal_file.read(garbled)
    except DamagedFileError as error:
        assert error.sound is not None
        contents = error.sound
        assert set(error.behind) <= set(RECORDS)
    assert contents.records == tuple(RECORDS[: len(contents.records)])
    assert len(contents.records) >= upto(at)[1]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_journal_or_named_damage(data: bytes) -> None:
    for candidate in (data, MAGIC + data):
        with pytest.raises(DamagedFileError):
            journal_file.read(candidate)


def test_records_out_of_order_twice_or_left_out_are_damage() -> None:
    one, two, three, _head, four, *_rest = ENTRIES
    for order, sound in (
        ((two, one), 0),
        ((one, one), 1),
        ((one, three), 1),
        ((one, two, four), 2),
    ):
        with pytest.raises(DamagedFileError, match="continue the chain") as caught:
            journal_file.read(FIRST + b"".join(order))
        assert caught.value.sound is not None
        assert len(caught.value.sound.records) == sound
        assert len(caught.value.behind) == len(order) - sound


def test_a_second_header_or_a_head_before_it_is_damage() -> None:
    with pytest.raises(DamagedFileError, match="out of place"):
        journal_file.read(FIRST + FIRST[len(MAGIC) :])
    with pytest.raises(DamagedFileError, match="out of place"):
        journal_file.read(MAGIC + ENTRIES[3] + WHOLE[len(MAGIC) :])
