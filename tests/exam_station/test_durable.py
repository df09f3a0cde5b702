"""Folders and files that are whole or absent."""

from pathlib import Path

import pytest

from exam_station import durable


def test_every_level_made_is_the_accounts_alone_and_its_name_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    sound = durable.sync_folder

    def noted(path: Path) -> None:
        synced.append(path)
        sound(path)

    monkeypatch.setattr(durable, "sync_folder", noted)
    deep = tmp_path / "a" / "b" / "c"
    durable.make_folder(deep)
    for made in (deep, deep.parent, deep.parent.parent):
        assert made.stat().st_mode & 0o777 == 0o700
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    durable.make_folder(deep)
    assert len(synced) == 3
