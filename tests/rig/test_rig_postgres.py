"""The private cluster: durable, unreachable by network, and ended alone."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rig.postgres import PostgresCluster
from rig.processes import ProcessFailedError

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    with PostgresCluster(environment={"RIG_PROBE": "here"}) as running:
        yield running


def ask(cluster: PostgresCluster, database: str, statement: str) -> object:
    url = cluster.url(database).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else None


def write(cluster: PostgresCluster, database: str, statement: str) -> None:
    url = cluster.url(database).replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute(statement)


def test_it_is_durable_and_has_no_port(cluster: PostgresCluster) -> None:
    assert ask(cluster, "postgres", "SHOW fsync") == "on"
    assert ask(cluster, "postgres", "SHOW synchronous_commit") == "on"
    assert ask(cluster, "postgres", "SHOW full_page_writes") == "on"
    assert ask(cluster, "postgres", "SHOW listen_addresses") == ""
    sockets = [path for path in cluster.folder.iterdir() if path.is_socket()]
    assert len(sockets) == 1
    assert sockets[0].stat().st_mode & 0o077 == 0
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", 5432), timeout=1):
        pass


def test_a_database_is_a_copy_of_its_template(cluster: PostgresCluster) -> None:
    cluster.create_database("pattern")
    write(cluster, "pattern", "CREATE TABLE kept AS SELECT 7 AS number")
    cluster.create_database("copy", template="pattern")
    write(cluster, "copy", "UPDATE kept SET number = 8")
    assert ask(cluster, "copy", "SELECT number FROM kept") == 8
    assert ask(cluster, "pattern", "SELECT number FROM kept") == 7
    cluster.drop_database("copy")
    with pytest.raises(psycopg.OperationalError):
        ask(cluster, "copy", "SELECT 1")


def test_its_processes_alone_have_the_environment(cluster: PostgresCluster) -> None:
    given = Path(f"/proc/{cluster.pid}/environ").read_bytes().split(b"\0")
    assert b"RIG_PROBE=here" in given
    assert "RIG_PROBE" not in os.environ


@pytest.mark.parametrize("end", ["stop", "stop_at_once", "kill"])
def test_what_was_committed_outlives_every_end(cluster: PostgresCluster, end: str) -> None:
    cluster.create_database(end)
    write(cluster, end, "CREATE TABLE kept AS SELECT 7 AS number")
    held = psycopg.connect(cluster.url(end).replace("+psycopg", ""))
    held.execute("INSERT INTO kept VALUES (8)")
    before = cluster.pid
    getattr(cluster, end)()
    assert not cluster.running
    with pytest.raises(ProcessFailedError, match="not running"):
        _ = cluster.pid
    cluster.start()
    assert cluster.pid != before
    assert ask(cluster, end, "SELECT sum(number) FROM kept") == 7
    held.close()


def test_a_locale_orders_texts() -> None:
    with PostgresCluster(locale="vi") as cluster:
        order = ask(cluster, "postgres", "SELECT string_agg(x, '' ORDER BY x) FROM "
                    "unnest(ARRAY['đ', 'z', 'd', 'ă', 'b']) AS x")  # fmt: skip
        folder = cluster.folder
    assert order == "ăbdđz"
    assert not folder.exists()


def test_a_cluster_that_cannot_start_says_why() -> None:
    with pytest.raises(ProcessFailedError, match="no_such_setting"):
        PostgresCluster(settings={"no_such_setting": "1"}).__enter__()
