"""Files that are whole or absent, whatever happens while they are written."""

import ctypes
import errno
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
    draft = draft_of(path)
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


def rename(path: Path, to: Path) -> None:
    """Gives a file of the same folder another name, for good; what had that name is replaced."""
    path.replace(to)
    sync_folder(to.parent)


def draft_of(path: Path) -> Path:
    """Where `path` is written before it has its name; the folder is made."""
    make_folder(path.parent)
    return path.with_name(f".{path.name}.{os.getpid()}.draft")


def write_all(handle: int, data: bytes) -> None:
    """Every byte of `data`, or OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE of linux/falloc.h
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_libc = ctypes.CDLL(None, use_errno=True)


def reserve(handle: int, size: int) -> bool:
    """Room on the disk for the file's first `size` bytes; its length stays what it is.

    False where this system or file system cannot reserve. OSError where there is no room.
    """
    fallocate = getattr(_libc, "fallocate64", None)
    if fallocate is None:
        return False
    if fallocate(handle, _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(size)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code))


def plain_name(name: str) -> str:
    """`name` where it can be a file's name and nothing else; ContractError otherwise."""
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise ContractError("an id that names no file")
    return name
