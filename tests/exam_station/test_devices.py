"""The disk's room: warned early, then closed before a candidate comes."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from exam_station import devices
from exam_station.flow.codes import Problem
from exam_station.readers import ReaderWatch
from exam_station.settings import Settings


@pytest.mark.parametrize(
    ("free", "low", "full"),
    [
        (devices.LOW_FREE, False, False),
        (devices.LOW_FREE - 1, True, False),
        (devices.LEAST_FREE, True, False),
        (devices.LEAST_FREE - 1, True, True),
    ],
)
def test_a_filling_disk_is_told_of_before_it_closes_the_kiosk(
    free: int, low: bool, full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    settings = Settings(data=tmp_path, camera="9", models=tmp_path)
    watch = ReaderWatch(None, lambda _event: None, lambda: None)
    seen = devices.look(settings, watch)
    assert (seen.disk_low, Problem.DISK_FULL in seen.problems) == (low, full)


def test_a_disk_that_cannot_be_asked_counts_as_full(tmp_path: Path) -> None:
    assert devices.free_space(tmp_path / "away") == 0
    assert devices.disk_problems(tmp_path / "away") == (Problem.DISK_FULL,)
