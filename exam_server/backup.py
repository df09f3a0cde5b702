"""Backup and restore: one file with database, keys, certificate, settings and trust.

The database goes along as a dump that names no database's kind (`exam_server.dump`): what was
backed up from PostgreSQL can be restored to a file of SQLite, and the other way round.

The file is a tar, sealed in pieces with AES-256-GCM under a key that Argon2id derives from the
backup's own passphrase. Each piece's nonce is its number and whether it is the last: pieces
cannot be dropped, moved or cut off (the STREAM construction).
"""

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exam_server import audit, db, dump, durable, keys, migrations, settings
from exam_server.audit import ChainReport
from exam_server.directory import PUBLIC_KEY, OpenServer, new_database
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
DUMP = "database.cbor"


def backup(server: OpenServer, target: Path, *, own: ServerKeys, passphrase: str) -> int:
    """Writes the backup of the running or stopped `server`; its size in bytes."""
    directory = server.directory
    if target.exists():
        raise InputError(f"{target} exists; choose another name")
    piece_key = os.urandom(32)
    header = json.dumps(json.loads(keys.lock(piece_key, passphrase))).encode() + b"\n"
    unfinished = target.with_name(target.name + ".new")
    try:
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            archive = Path(scratch) / "backup.tar"
            _pack(server, archive, own, passphrase)
            with archive.open("rb") as source, unfinished.open("xb") as sink:
                unfinished.chmod(0o600)
                sink.write(MAGIC + header)
                _seal(source, sink, AESGCM(piece_key), header)
                sink.flush()
                os.fsync(sink.fileno())
        unfinished.replace(target)
        durable.sync_folder(target.parent)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise InputError(f"the backup cannot be written: {error.strerror}") from error
    return target.stat().st_size


def _pack(server: OpenServer, archive: Path, own: ServerKeys, passphrase: str) -> None:
    directory, rows = server.directory, archive.with_name(DUMP)
    dump.dump(server.engine, rows)
    with tarfile.open(archive, "w") as tar:
        tar.add(rows, DUMP)
        for name in PLAIN_FILES:
            tar.add(directory / name, name)
        if (directory / TRUST).is_dir():
            tar.add(directory / TRUST, TRUST)
        # The keys are locked once more, so that no scratch file ever holds them in the clear.
        locked = keys.lock(own.to_bytes(), passphrase)
        entry = tarfile.TarInfo(keys.KEYS_FILE)
        entry.size = len(locked)
        tar.addfile(entry, io.BytesIO(locked))


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
    source: Path,
    directory: Path,
    *,
    backup_passphrase: str,
    passphrase: str,
    database: str | None = None,
) -> ChainReport:
    """Makes the server of the backup anew in `directory`, under `passphrase`.

    Its database becomes a file there, or fills the empty one at the URL `database`. Where the
    backup's audit log does not hold, its report says so and nothing is restored.
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
            settings.save(unpacked, _settings(unpacked, database))
            report = _restore_database(unpacked, own)
            if report.fault is not None:
                return report
            keys.save(unpacked, own, passphrase)
            if directory.exists():
                directory.rmdir()
            durable.sync_tree(unpacked)
            unpacked.rename(directory)
            durable.sync_folder(directory.parent)
            return report
    except OSError as error:
        raise InputError(f"{source} cannot be restored: {error.strerror}") from error


def _settings(unpacked: Path, database: str | None) -> Settings:
    """Those of the backup; its database may still be in use and is left alone."""
    return settings.load(unpacked).model_copy(update={"database_url": database})


def _restore_database(unpacked: Path, own: ServerKeys) -> ChainReport:
    """Fills the database; empties it again where the log does not hold."""
    rows = unpacked / DUMP
    with new_database(unpacked, settings.load(unpacked)) as engine:
        # Backups of former versions hold a file of SQLite.
        if rows.exists():
            dump.restore(engine, rows)
            rows.unlink()
        with db.reading(engine) as session:
            report = audit.verify_log(session, own.signing.public_key())
        if report.fault is not None:
            migrations.downgrade(engine, "base")
        return report


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
