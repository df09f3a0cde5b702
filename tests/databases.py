"""Where the tests' servers keep their data: files of SQLite, or a PostgreSQL of the tests' own.

A database is filled once and copied for every test that needs it filled.
"""

import itertools
import shutil
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session

from exam_server.shards import Row, anywhere
from rig.postgres import PostgresCluster


class Databases(Protocol):
    """Makes databases of one kind; all of them are URLs for `exam_server.db.create_engine`."""

    kind: str

    def new(self) -> str:
        """An empty database."""
        ...

    def copy(self, url: str) -> str:
        """A copy of the database at `url`, which nobody may have open."""
        ...

    def remove(self, url: str) -> None:
        """Removes a database that no test needs any more."""
        ...


class SqliteFiles:
    """Files in `folder`."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    def new(self) -> str:
        return f"sqlite:///{self._folder / f'{next(self._numbers)}.db'}"

    def copy(self, url: str) -> str:
        made = self.new()
        shutil.copyfile(_path(url), _path(made))
        return made

    def remove(self, url: str) -> None:
        for path in self._folder.glob(f"{_path(url).name}*"):
            path.unlink()


class PostgresDatabases:
    """Databases of one running cluster."""

    kind = "postgresql"

    def __init__(self, cluster: PostgresCluster) -> None:
        self.cluster = cluster
        self._numbers = itertools.count(1)

    def new(self) -> str:
        return self.cluster.create_database(f"test_{next(self._numbers)}")

    def copy(self, url: str) -> str:
        template = sa.make_url(url).database or ""
        return self.cluster.create_database(f"test_{next(self._numbers)}", template=template)

    def remove(self, url: str) -> None:
        self.cluster.drop_database(sa.make_url(url).database or "")


def _path(url: str) -> Path:
    return Path(sa.make_url(url).database or "")


def row_of(session: Session, kind: type[Row], row_id: str) -> Row:
    """The row of that id, in whichever centre."""
    found = anywhere(session, kind, row_id)
    assert found is not None
    return found
