"""What is learnt of kinds of cards, what a card says of itself, and how both are kept."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.errors import UnreadableInputError
from card_reader.reading import capabilities
from card_reader.reading.capabilities import SILENT, Capabilities
from card_reader.reading.strategy import (
    BLOCKS,
    MAX_KINDS,
    CardMemory,
    MasterFileWay,
    SelectForm,
    Strategy,
)

ATR = bytes.fromhex("3B8A80010031C173C84000009000" + "00")
LEARNT = Strategy(
    extended=True,
    max_response=2_000,
    block=1_024,
    first_read=4,
    short_ids=False,
    select=SelectForm.INFORMING_LE,
    master_file=MasterFileWay.SELECT,
    offset_bytes=3,
    exact_le=False,
    pace_in_master_file=True,
    name_pace_parameters=False,
    set_kat=False,
    name_chip_key=False,
    authenticate_extended=False,
)


def test_a_strategy_survives_its_file() -> None:
    assert Strategy.from_dict(LEARNT.to_dict()) == LEARNT
    assert Strategy.from_dict(Strategy().to_dict()) == Strategy()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("block", 1),
        ("block", BLOCKS[0] + 1),
        ("block", True),
        ("first_read", 0),
        ("offset_bytes", 9),
        ("offset_bytes", None),
        ("extended", 1),
        ("short_ids", None),
        ("select", "0D"),
        ("master_file", "by magic"),
    ],
)
def test_a_strategy_that_was_tampered_with_is_refused(name: str, value: object) -> None:
    """Nothing that a memory says makes reading slower than a floor, or fail."""
    with pytest.raises(ValueError):
        Strategy.from_dict(LEARNT.to_dict() | {name: value})


def test_a_memory_knows_a_kind_by_atr_and_card_access() -> None:
    memory = CardMemory()
    memory.learn(ATR, b"one", LEARNT)
    assert memory.recall(ATR, b"one") == LEARNT
    assert memory.recall(ATR, b"other") is None
    assert memory.recall(ATR, None) is None
    assert memory.recall(ATR[:-1], b"one") is None
    assert memory.way_in(ATR) == LEARNT
    assert memory.way_in(ATR[:-1]) is None


def test_a_memory_survives_its_file(tmp_path: Path) -> None:
    memory = CardMemory()
    memory.learn(ATR, None, LEARNT)
    memory.learn(ATR, b"one", Strategy())
    path = tmp_path / "cache" / "memory.json"
    memory.save(path)
    loaded = CardMemory.load(path)
    assert loaded.recall(ATR, None) == LEARNT
    assert loaded.way_in(ATR) == Strategy()
    assert [item.name for item in path.parent.iterdir()] == ["memory.json"]


@pytest.mark.parametrize(
    "content", ["", "[]", "null", '{"format": "card-memory-1", "kinds": {"a": {}}}', "[" * 100_000]
)
def test_a_damaged_memory_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "memory.json"
    path.write_text(content)
    with pytest.raises(UnreadableInputError):
        CardMemory.load(path)


def test_a_memory_stays_small() -> None:
    memory = CardMemory()
    for number in range(MAX_KINDS + 5):
        memory.learn(number.to_bytes(2, "big"), None, LEARNT)
    assert memory.recall((4).to_bytes(2, "big"), None) is None
    assert memory.recall((5).to_bytes(2, "big"), None) == LEARNT


# --- what a card says of itself -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("atr", "extended", "in_atr_info"),
    [
        ("3B8880010000000000000000 09", None, False),  # says nothing
        ("3B8B80018031C17383 0140 009000 00", True, False),
        ("3B8A80010031C173830140 9000 00", True, False),  # category 00: status behind
        ("3B888001 8073830100 000000", False, False),
        ("3B888001 8073830160 000000", True, True),
        ("3B888001 1073830160 000000", None, False),  # category 10: EF.DIR
        ("3B8880", None, False),
        ("3B", None, False),
        ("", None, False),
        ("3BFF", None, False),
        ("3B8F8001 807F", None, False),
    ],
)
def test_the_answer_to_reset(atr: str, extended: bool | None, in_atr_info: bool) -> None:
    stated = capabilities.of_atr(bytes.fromhex(atr))
    assert (stated.extended, stated.lengths_in_atr_info) == (extended, in_atr_info)


@given(st.binary(max_size=40))
def test_no_answer_to_reset_does_harm(atr: bytes) -> None:
    assert capabilities.of_atr(atr).extended in (None, True, False)


@pytest.mark.parametrize(
    ("content", "stated"),
    [
        ("7F66080202040002020800", Capabilities(extended=True, max_response=2048)),
        ("4703838140 7F660802020400 020207D0", Capabilities(extended=True, max_response=2000)),
        ("4703838100", Capabilities(extended=False)),
        ("430184", Capabilities()),
        ("7F66", SILENT),
        ("", SILENT),
    ],
)
def test_atr_info(content: str, stated: Capabilities) -> None:
    assert capabilities.of_atr_info(bytes.fromhex(content)) == stated


def test_what_was_learnt_outweighs_what_is_stated() -> None:
    stated = Capabilities(extended=True, max_response=2048)
    assert Strategy().informed(stated) == Strategy(extended=True, max_response=2048)
    refused = replace(Strategy(), extended=False)
    assert refused.informed(stated).extended is False
