"""Backup and restore: one file with database, keys, certificate, settings and trust.

The file is a tar, sealed in pieces with AES-256-GCM under a key that Argon2id derives from the
backup's own passphrase. Each piece's nonce is its number and whether it is the last: pieces
cannot be dropped, moved or cut off (the STREAM construction).
"""

import io
import json
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exam_server import audit, db, keys
from exam_server.audit import ChainReport
from exam_server.directory import DATABASE, PUBLIC_KEY, open_server
from exam_server.errors import InputError
from exam_server.keys import ServerKeys
from exam_server.settings import FILE_NAME, Settings

MAGIC = b"truong-thi/backup/1\n"
PIECE = 1024 * 1024
TAG = 16
MAX_HEADER = 4096
MAX_MEMBERS = 10_000
PLAIN_FILES = (FILE_NAME, PUBLIC_KEY, keys.CERTIFICATE_FILE, keys.TLS_KEY_FILE)
TRUST = "trust"


def backup(
    directory: Path, target: Path, *, own: ServerKeys, chosen: Settings, passphrase: str
) -> int:
    """Writes the backup of the running or stopped server in `directory`; its size in bytes."""
    if chosen.database_url is not None:
        raise InputError("this server's database is not a file here; back it up with pg_dump")
    if target.exists():
        raise InputError(f"{target} exists; choose another name")
    piece_key = os.urandom(32)
    header = json.dumps(json.loads(keys.lock(piece_key, passphrase))).encode() + b"\n"
    unfinished = target.with_name(target.name + ".new")
    try:
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            archive = Path(scratch) / "backup.tar"
            _pack(directory, archive, own, passphrase)
            with archive.open("rb") as source, unfinished.open("xb") as sink:
                unfinished.chmod(0o600)
                sink.write(MAGIC + header)
                _seal(source, sink, AESGCM(piece_key), header)
                sink.flush()
                os.fsync(sink.fileno())
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise InputError(f"the backup cannot be written: {error.strerror}") from error
    return target.stat().st_size


def _pack(directory: Path, archive: Path, own: ServerKeys, passphrase: str) -> None:
    copy = archive.with_name(DATABASE)
    _copy_database(directory / DATABASE, copy)
    with tarfile.open(archive, "w") as tar:
        tar.add(copy, DATABASE)
        for name in PLAIN_FILES:
            tar.add(directory / name, name)
        if (directory / TRUST).is_dir():
            tar.add(directory / TRUST, TRUST)
        # The keys are locked once more, so that no scratch file ever holds them in the clear.
        locked = keys.lock(own.to_bytes(), passphrase)
        entry = tarfile.TarInfo(keys.KEYS_FILE)
        entry.size = len(locked)
        tar.addfile(entry, io.BytesIO(locked))


def _copy_database(source: Path, target: Path) -> None:
    """A consistent copy, also of a database in use (SQLite's online backup)."""
    try:
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
    except sqlite3.Error as error:
        raise InputError(f"the database cannot be copied: {error}") from error


def _nonce(number: int, last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + bytes([last])


def _seal(source: IO[bytes], sink: IO[bytes], cipher: AESGCM, header: bytes) -> None:
    number, piece = 0, source.read(PIECE)
    while True:
        following = source.read(PIECE)
        sink.write(cipher.encrypt(_nonce(number, not following), piece, header))
        if not following:
            return
        number, piece = number + 1, following


def _opened(source: IO[bytes], cipher: AESGCM, header: bytes) -> Iterator[bytes]:
    number, piece = 0, source.read(PIECE + TAG)
    while True:
        following = source.read(PIECE + TAG)
        try:
            yield cipher.decrypt(_nonce(number, not following), piece, header)
        except (InvalidTag, ValueError) as error:
            raise InputError("the backup is damaged or cut off; use another one") from error
        if not following:
            return
        number, piece = number + 1, following


def restore(
    source: Path, directory: Path, *, backup_passphrase: str, passphrase: str
) -> ChainReport:
    """Makes the server of the backup anew in `directory`, under `passphrase`.

    Where the backup's audit log does not hold, its report says so and nothing is restored.
    """
    keys.check_passphrase(passphrase)
    if directory.exists() and any(directory.iterdir()):
        raise InputError(f"{directory} is not empty; choose a new directory")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
            unpacked = Path(scratch) / "server"
            unpacked.mkdir(mode=0o700)
            archive = Path(scratch) / "backup.tar"
            with source.open("rb") as sealed, archive.open("wb") as sink:
                header, cipher = _header(sealed, backup_passphrase)
                for piece in _opened(sealed, cipher, header):
                    sink.write(piece)
            _unpack(archive, unpacked)
            own = keys.load(unpacked, backup_passphrase)
            report = _log_report(unpacked, own)
            if report.fault is not None:
                return report
            keys.save(unpacked, own, passphrase)
            if directory.exists():
                directory.rmdir()
            unpacked.rename(directory)
            return report
    except OSError as error:
        raise InputError(f"{source} cannot be restored: {error.strerror}") from error


def _log_report(unpacked: Path, own: ServerKeys) -> ChainReport:
    with open_server(unpacked) as server, db.reading(server.engine) as session:
        return audit.verify_log(session, own.signing.public_key())


def _header(sealed: IO[bytes], passphrase: str) -> tuple[bytes, AESGCM]:
    if sealed.read(len(MAGIC)) != MAGIC:
        raise InputError("this file is no backup of an examination server")
    header = sealed.readline(MAX_HEADER)
    return header, AESGCM(keys.unlock(header, passphrase))


def _unpack(archive: Path, target: Path) -> None:
    try:
        with tarfile.open(archive, "r:") as tar:
            members = tar.getmembers()
            if len(members) > MAX_MEMBERS:
                raise InputError("the backup holds far too many files")
            tar.extractall(target, members, filter="data")
    except tarfile.TarError as error:
        raise InputError("the backup is damaged; use another one") from error
