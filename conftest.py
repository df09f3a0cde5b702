"""What all tests share: how properties are checked, two databases, and a pcscd of the tests' own.

Whatever uses `databases` runs on both kinds: on SQLite in `make check`, on PostgreSQL, too, in
`make test` (mark `postgres`). One cluster serves a whole process of tests.

libpcsclite reads PCSCLITE_CSOCK_NAME once in the life of a process, so the reading side runs in a
process of its own, whatever other tests have done with PC/SC before. A set that was asked for and
cannot run fails; it does not skip.
"""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest
from hypothesis import settings

from card_reader.simulator.pcscd import PrivatePcscd
from rig.postgres import PostgresCluster
from tests import reading_process
from tests.databases import Databases, PostgresDatabases, SqliteFiles
from tests.reading_process import ReaderProcess

# Properties are checked with the same examples at every run; `make fuzz` looks for new ones. No
# example has a time limit: these tests run on machines whose speed nobody knows.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    with PostgresCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session", params=["sqlite", POSTGRES])
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    if request.param == "sqlite":
        return SqliteFiles(tmp_path_factory.mktemp("databases"))
    return PostgresDatabases(request.getfixturevalue("postgres_cluster"))


@pytest.fixture(scope="session")
def pcscd() -> Iterator[PrivatePcscd]:
    with PrivatePcscd() as service:
        yield service


@pytest.fixture(scope="session")
def reader(pcscd: PrivatePcscd) -> Iterator[ReaderProcess]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, reading_process.use, (dict(pcscd.environment),)) as pool:
        yield ReaderProcess(pool)
