"""Folders and files that are whole or absent."""

import os
from pathlib import Path

import pytest

from exam_server.contract.journal_file import Header
from exam_server.contract.records import SignedHead
from exam_station import durable
from exam_station.journal import Journal


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


def test_where_nothing_can_be_reserved_the_journal_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    monkeypatch.setattr(durable, "_libc", object())  # a system without fallocate
    assert durable.reserve(handle, 4096) is False
    os.close(handle)
    journal = Journal.create(tmp_path / "journal", Header("attempt-1", b"", b""))
    size = (tmp_path / "journal").stat().st_size
    journal.append_head(SignedHead("attempt-1", 1, 0, journal.head, bytes(64)))
    journal.close()
    assert (tmp_path / "journal").stat().st_size > size


def test_what_can_hold_no_room_at_all_is_a_fault() -> None:
    read, write = os.pipe()
    with pytest.raises(OSError, match="seek"):
        durable.reserve(write, 4096)
    os.close(read)
    os.close(write)
