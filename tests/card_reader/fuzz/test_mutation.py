"""Changes to bytes and to trees of data objects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds import sod
from fuzzing.mutation import (
    KINDS,
    MAX_CHANGES,
    MAX_RESULT,
    RECORD,
    TREE_KINDS,
    Change,
    changed,
    changes_of,
)

NESTED = bytes.fromhex("300C 0201 05 0404 3002 0500 A001 61".replace(" ", ""))


@given(st.binary(max_size=400), st.binary(max_size=100))
def test_any_bytes_change_any_bytes(data: bytes, raw: bytes) -> None:
    changes = changes_of(raw)
    assert len(changes) == min(len(raw) // RECORD, MAX_CHANGES)
    assert len(changed(data, changes)) <= MAX_RESULT
    assert changed(data, changes) == changed(data, changes)


def kind(name: str) -> int:
    [at] = [at for at, edit in enumerate(TREE_KINDS) if edit.__name__ == name]
    return len(KINDS) - len(TREE_KINDS) + at


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_changes_of_the_tree_keep_the_lengths_right(place: int, value: int) -> None:
    item = tlv.encode(0x30, tlv.encode(0x02, b"\x05") + tlv.encode(0x04, b"text"))
    for name in ("_drop", "_double", "_swap", "_value", "_turn", "_nest"):
        data = changed(item, [Change(kind(name), place, value)])
        assert tlv.parse_all(data) is not None
    dropped = changed(item, [Change(kind("_drop"), place, value)])
    assert len(dropped) < len(item)


def test_objects_inside_octet_strings_are_reached() -> None:
    inside = tlv.encode(0x30, tlv.encode(0x02, b"\x05"))
    data = tlv.encode(0x30, tlv.encode(0x04, inside))
    results = {changed(data, [Change(kind("_value"), place << 14, 1)]) for place in range(4)}
    wanted = tlv.encode(0x30, tlv.encode(0x04, tlv.encode(0x30, tlv.encode(0x02, b"\x00"))))
    assert wanted in results


def test_one_object_takes_the_place_of_another() -> None:
    data = tlv.encode(0x02, b"\x05") + tlv.encode(0x04, b"text")
    copy = KINDS.index(next(item for item in KINDS if item.__name__ == "_copy"))
    assert changed(data, [Change(copy, 0, 0xFFFF)]) == tlv.encode(0x04, b"text") * 2


def test_a_case_nests_deeper_than_a_parser_goes() -> None:
    deep = changed(NESTED, [Change(kind("_nest"), 0, 599)])
    assert len(deep) > 1_200
    assert tlv.parse(deep).tag == 0x30
    with pytest.raises(MalformedFileError):
        sod.parse(deep)
