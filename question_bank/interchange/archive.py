"""Reading a zip file from a stranger: no path out of it, no bomb, no surprise."""

import io
import posixpath
import stat
import zipfile
import zlib
from collections.abc import Mapping
from copy import copy
from pathlib import Path

from question_bank.errors import FileRefusedError

MAX_ENTRIES = 20_000
MAX_ENTRY = 64 * 1024 * 1024
MAX_TOTAL = 512 * 1024 * 1024
MAX_RATIO = 200
CHUNK = 64 * 1024


class Archive:
    """A checked zip file; names are normalised, case-sensitive and relative."""

    def __init__(self, source: bytes | Path) -> None:
        """Raises FileRefusedError for a damaged or hostile archive.

        A file on disk is read entry by entry; it is never in memory as a whole.
        """
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise FileRefusedError(f"the zip file is damaged: {str(error)[:80]}") from None
        self._entries = _checked(self._zip.infolist())

    @property
    def names(self) -> tuple[str, ...]:
        """All files, in the archive's order."""
        return tuple(self._entries)

    def inside(self, folder: str) -> "Archive":
        """What lies in a folder, under the names that it has there."""
        view = copy(self)
        view._entries = {
            name.removeprefix(folder): entry
            for name, entry in self._entries.items()
            if name.startswith(folder)
        }
        return view

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def head(self, name: str, count: int) -> bytes:
        """The first bytes of a file, at most `count`; nothing of a damaged one."""
        try:
            with self._zip.open(self._entries[name]) as stream:
                return stream.read(count)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
            return b""  # `read` says what is wrong with it

    def read(self, name: str) -> bytes:
        """The file's bytes, at most 64 MiB; raises FileRefusedError."""
        entry = self._entries.get(name)
        if entry is None:
            raise FileRefusedError(f"the package has no file {name[:100]!r}")
        read = bytearray()
        try:
            with self._zip.open(entry) as stream:
                while chunk := stream.read(CHUNK):
                    read += chunk
                    if len(read) > entry.file_size:
                        raise FileRefusedError(f"{name}: longer than the zip file says")
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise FileRefusedError(f"{name}: damaged in the zip file ({str(error)[:80]})") from None
        return bytes(read)


def opened(data: bytes | Archive) -> Archive:
    """The archive that the bytes are, or the one that is open already."""
    return data if isinstance(data, Archive) else Archive(data)


def resolve(base: str, href: str) -> str | None:
    """The name inside the package that `href`, written in file `base`, means; None if outside."""
    if "\\" in href or ":" in href or href.startswith("/"):
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(base), href))
    return None if joined.startswith("..") or joined == "." else joined


def _checked(entries: list[zipfile.ZipInfo]) -> Mapping[str, zipfile.ZipInfo]:
    if len(entries) > MAX_ENTRIES:
        raise FileRefusedError(f"the zip file has more than {MAX_ENTRIES} files")
    if sum(entry.file_size for entry in entries) > MAX_TOTAL:
        raise FileRefusedError(f"the zip file unpacks to more than {MAX_TOTAL} bytes")
    checked: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.filename.replace("\\", "/")  # an older Windows parts folders by it
        if name.endswith("/"):
            continue
        if resolve("", name) != name:
            raise FileRefusedError(f"the zip file names a path outside of itself: {name[:100]!r}")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise FileRefusedError(f"the zip file holds a link: {name[:100]!r}")
        if entry.flag_bits & 1:
            raise FileRefusedError(
                f"{name[:100]!r} is encrypted; save the package without password"
            )
        if entry.file_size > MAX_ENTRY or entry.file_size > MAX_RATIO * entry.compress_size + 4096:
            raise FileRefusedError(f"{name[:100]!r} unpacks to suspiciously much")
        if name in checked:
            raise FileRefusedError(f"the zip file holds {name[:100]!r} twice")
        checked[name] = entry
    return checked
