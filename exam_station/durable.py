"""Files that are whole or absent, whatever happens while they are written."""

import os
from pathlib import Path

from exam_server.contract.errors import ContractError


def make_folder(path: Path) -> None:
    """`path` with its parents; every level made here is this account's only, and on disk."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """A file's name is on disk only once its folder is."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_file(path: Path, data: bytes) -> None:
    """Writes `data` to `path` (mode 0600): the old content or the new one, never a part.

    Raises OSError with nothing changed.
    """
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        try:
            write_all(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_all(handle: int, data: bytes) -> None:
    """Every byte of `data`, or OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def plain_name(name: str) -> str:
    """`name` where it can be a file's name and nothing else; ContractError otherwise."""
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise ContractError("an id that names no file")
    return name
