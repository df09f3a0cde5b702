"""A server's data directory: made, opened, and what lies in it."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from card_reader.trust.store import TrustStore
from exam_server import db, durable, keys, migrations, settings
from exam_server.errors import InputError
from exam_server.keys import ServerKeys
from exam_server.settings import Settings
from exam_server.trust.source import read_trust

DATABASE = "server.db"
PUBLIC_KEY = "server.pub"


@dataclass(frozen=True, slots=True)
class OpenServer:
    """An opened directory. `keys` is None where no passphrase was asked for."""

    directory: Path
    settings: Settings
    engine: Engine

    def trust(self) -> TrustStore:
        """Whom the server believes on."""
        with db.reading(self.engine) as session:
            return read_trust(
                session, self.directory, own=self.public_key(), realm=self.settings.realm
            )

    def public_key(self) -> Ed25519PublicKey:
        """What receipts and packages of this server are signed with."""
        path = self.directory / PUBLIC_KEY
        try:
            return Ed25519PublicKey.from_public_bytes(bytes.fromhex(path.read_text("ascii")))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read; restore it from a backup") from error


def create(directory: Path, chosen: Settings, passphrase: str, now: datetime) -> ServerKeys:
    """A new server in `directory`, which must be new or empty."""
    keys.check_passphrase(passphrase)
    if any(not host.strip() for host in chosen.hosts):
        raise InputError("an empty host name; give the name or address that stations will use")
    # Made beside its place and moved there whole: a failure leaves nothing behind.
    aside = directory.with_name(f".{directory.name}.being-made")
    try:
        if directory.exists() and any(directory.iterdir()):
            raise InputError(f"{directory} is not empty; choose a new directory")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700, parents=True)
        fresh = _fill(aside, chosen, passphrase, now)
        aside.rename(directory)
        durable.sync_folder(directory.parent)
    except OSError as error:
        raise InputError(f"{directory} cannot be made: {error.strerror}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return fresh


def _fill(directory: Path, chosen: Settings, passphrase: str, now: datetime) -> ServerKeys:
    fresh = ServerKeys.generate()
    keys.save(directory, fresh, passphrase)
    keys.make_certificate(directory, fresh, chosen.hosts, now)
    write_public_key(directory, fresh)
    settings.save(directory, chosen)
    with new_database(directory, chosen) as engine:
        if migrations.current(engine) is not None:
            raise InputError("this database holds a server already; name an empty one")
        migrations.upgrade(engine)
    return fresh


@contextlib.contextmanager
def new_database(directory: Path, chosen: Settings) -> Iterator[Engine]:
    """The database that `chosen` names, to be made or filled; InputError where it cannot be."""
    try:
        engine = db.create_engine(database_url(directory, chosen))
    except (ArgumentError, ModuleNotFoundError) as error:
        raise InputError("no database can be reached by the URL that was given") from error
    with one_line(engine):  # SQLite finds its write-ahead log by the path it was opened under
        yield engine


def write_public_key(directory: Path, own: ServerKeys) -> None:
    """Beside the secret keys, for whoever checks a receipt."""
    text = own.signing.public_key().public_bytes_raw().hex()
    durable.write_file(directory / PUBLIC_KEY, text.encode(), durable.PUBLIC)


def database_url(directory: Path, chosen: Settings) -> str:
    """Where the database is; a file in the directory unless the settings say otherwise."""
    return chosen.database_url or f"sqlite:///{(directory / DATABASE).resolve()}"


@contextlib.contextmanager
def open_server(directory: Path) -> Iterator[OpenServer]:
    """The server in `directory`; InputError where settings or database cannot be used."""
    chosen = settings.load(directory)
    if chosen.database_url is None and not (directory / DATABASE).is_file():
        raise InputError(f"{directory / DATABASE} is missing; restore it from a backup")
    engine = db.create_engine(database_url(directory, chosen))
    with one_line(engine):
        if migrations.current(engine) is None:
            raise InputError(f"the database of {directory} is empty; restore it from a backup")
        migrations.upgrade(engine)
        yield OpenServer(directory, chosen, engine)


@contextlib.contextmanager
def one_line(engine: Engine) -> Iterator[None]:
    """Turns what a database can raise into one clear line, and closes its connections."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        if "locked" in cause:
            raise InputError(
                "the database is locked by another program; stop it and try again"
            ) from error
        raise InputError(f"the database cannot be used: {cause}") from error
    finally:
        engine.dispose()
