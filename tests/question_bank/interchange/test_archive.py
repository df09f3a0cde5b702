"""A zip file on disk is the same as its bytes, and is not read as a whole."""

import io
import zipfile
from pathlib import Path

import pytest

from benchmarks import _large_package
from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive


def packed() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "chữ" * 1000)
        archive.writestr("c.bin", bytes(range(256)))
    return out.getvalue()


def test_a_file_and_its_bytes_are_the_same_archive(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(packed())
    of_file, of_bytes = Archive(file), Archive(packed())
    assert of_file.names == of_bytes.names == ("a/b.txt", "c.bin")
    for name in of_file.names:
        assert of_file.read(name) == of_bytes.read(name)
        assert of_file.read(name).startswith(of_file.head(name, 7))
    assert of_file.head("c.bin", 3) == b"\0\1\2"


# Named: the bytes hold the time of day, and workers that collect other names run nothing at all.
@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04", packed()[:-5], packed()[:60]],
    ids=["empty", "signature", "cut", "head"],
)
def test_a_damaged_file_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(data)
    with pytest.raises(FileRefusedError):
        Archive(file)
    with pytest.raises(FileRefusedError):
        Archive(tmp_path / "none.zip")


def test_a_large_package_is_imported_whole(tmp_path: Path) -> None:
    file = tmp_path / "large.zip"
    count = _large_package.write_package(file, _large_package.MEGABYTE)
    found = _large_package.import_here(str(file), str(tmp_path / "bank"))
    assert count == found.items == 4 and found.resident > file.stat().st_size


def _named(*names: str) -> bytes:
    """A zip file with these names as they are written here."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            entry = zipfile.ZipInfo()
            entry.filename = name
            archive.writestr(entry, name)
    return out.getvalue()


def test_names_of_an_older_windows_are_paths() -> None:
    """Some programs part folders by a backslash, against the rules of zip files."""
    archive = Archive(_named("word\\media\\a.png", "word\\"))
    assert archive.names == ("word/media/a.png",)
    assert archive.read("word/media/a.png") == b"word\\media\\a.png"


@pytest.mark.parametrize("name", ["..\\x", "a\\..\\..\\x", "\\x", "C:\\x", "..//x", "\\\\host\\x"])
def test_no_name_leads_out_of_the_file(name: str) -> None:
    with pytest.raises(FileRefusedError, match="outside"):
        Archive(_named(name))


def test_two_spellings_of_one_name_are_refused() -> None:
    with pytest.raises(FileRefusedError, match="twice"):
        Archive(_named("a/b", "a\\b"))
