"""How many commands a whole reading takes, and in which order a person sees its files."""

import pytest

from benchmarks.card_read import AIR_RATIO, COMBINATIONS, Combination, card, measure
from card_reader.reading.strategy import CardMemory

pytestmark = pytest.mark.slow

FILE_BYTES = {
    "EF.SOD": 2_000,
    "EF.DG1": 95,
    "EF.DG2": 18_000,
    "EF.DG13": 600,
    "EF.DG14": 300,
    "EF.DG15": 300,
}


@pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda item: item.name)
def test_a_whole_reading_stays_within_its_commands(combination: Combination) -> None:
    """Both proofs, all files: an unknown kind of card, and no probe twice on a known one."""
    memory = CardMemory()
    unknown, known = measure(combination, memory), measure(combination, memory)
    again = measure(combination, memory)
    counts = [item.transport.timing.apdus for item in (unknown, known, again)]
    assert counts[0] <= combination.most_commands
    assert counts[1] <= counts[0]
    assert counts[2] == counts[1]
    assert sum(step.apdus for step in known.evidence.steps) == counts[1]


@pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda item: item.name)
def test_the_bytes_decide_how_long_a_reading_takes(combination: Combination) -> None:
    """On the simulated clock, at 424 kbit/s, without what chip and host compute."""
    timing = measure(combination, CardMemory()).transport.timing
    assert timing.ratio <= AIR_RATIO


def test_the_portrait_comes_before_the_files_that_nobody_looks_at() -> None:
    measured = measure(COMBINATIONS[0], CardMemory())
    assert measured.files_behind_portrait == ["EF.DG14", "EF.DG15", "EF.DG13"]
    assert measured.portrait_seconds < measured.transport.clock()


def test_the_card_of_the_benchmark_is_as_large_as_a_citizen_card() -> None:
    measured = measure(COMBINATIONS[0], CardMemory())
    for name, size in FILE_BYTES.items():
        assert abs(len(measured.evidence.files[name]) - size) <= 0.1 * size, name
    assert card(COMBINATIONS[0]).quirks.extended_length
