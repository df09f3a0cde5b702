"""PostgreSQL as the server meets it: durable or refused, named, and lost and found again."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from exam_server import cli, db, migrations, postgres
from exam_server.centres.models import Centre
from exam_server.errors import InputError
from rig.postgres import PostgresCluster

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    with PostgresCluster() as running:
        yield running


@pytest.fixture
def engine(cluster: PostgresCluster) -> Iterator[sa.Engine]:
    made = db.create_engine(cluster.create_database("here"))
    migrations.upgrade(made)
    yield made
    made.dispose()
    cluster.drop_database("here")


def ask(engine: sa.Engine, statement: str) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql(statement).scalar()


def test_a_session_is_named_patient_for_so_long_and_in_utc(engine: sa.Engine) -> None:
    assert ask(engine, "SHOW application_name") == postgres.APPLICATION
    assert ask(engine, "SHOW lock_timeout") == "10s"
    assert ask(engine, "SHOW statement_timeout") == "30s"
    assert ask(engine, "SHOW timezone") == "UTC"


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_cluster_that_may_lose_what_it_committed_is_refused(
    name: str, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", "long enough for a test")
    with PostgresCluster(settings={name: "off"}) as unsafe:
        words = ["init", str(tmp_path / "server"), "--realm", "test"]
        assert cli.main([*words, "--database", unsafe.url("postgres")]) == 2
    error = capsys.readouterr().err
    assert f"{name} = off" in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_durability_switched_off_for_the_role_is_noticed_at_the_next_connection(
    cluster: PostgresCluster, engine: sa.Engine
) -> None:
    cluster.execute("ALTER ROLE postgres SET synchronous_commit = off")
    try:
        engine.dispose()
        with pytest.raises(InputError, match="synchronous_commit = off"):
            ask(engine, "SELECT 1")
    finally:
        cluster.execute("ALTER ROLE postgres RESET synchronous_commit")
    assert ask(engine, "SELECT 1") == 1


def test_reading_sees_one_moment_and_writes_nothing(engine: sa.Engine) -> None:
    count = sa.select(sa.func.count()).select_from(Centre)
    with db.reading(engine) as session:
        assert session.scalar(count) == 0
        with db.transaction(engine) as other:
            other.add(Centre(code="01", name="x"))
        assert session.scalar(count) == 0
        with pytest.raises(DBAPIError, match="read-only"):
            session.execute(sa.delete(Centre))
    with db.transaction(engine) as session:
        assert session.scalar(count) == 1


def test_a_cluster_that_was_killed_is_gone_and_then_there_again(
    cluster: PostgresCluster, engine: sa.Engine
) -> None:
    with db.transaction(engine) as session:
        session.add(Centre(code="01", name="x"))
    with pytest.raises(OperationalError), db.transaction(engine) as session:
        session.add(Centre(code="02", name="x"))
        session.flush()
        cluster.kill()
    with pytest.raises(OperationalError):
        ask(engine, "SELECT 1")
    cluster.start()
    with db.transaction(engine) as session:
        assert session.scalars(sa.select(Centre.code)).all() == ["01"]


def test_a_database_that_is_in_use_is_not_made_anew(
    engine: sa.Engine, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", "long enough for a test")
    url = engine.url.render_as_string(hide_password=False)
    assert cli.main(["init", str(tmp_path / "s"), "--realm", "test", "--database", url]) == 2
    assert "holds a server already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relayed(cluster: PostgresCluster) -> Iterator[int]:
    """A TCP port that leads to the cluster for one connection; the cluster itself has none."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as inner,
        ThreadPoolExecutor(2) as pool,
    ):

        def relay() -> None:
            outer, _ = listener.accept()
            inner.connect(f"{cluster.folder}/.s.PGSQL.5432")
            with outer:
                back = pool.submit(pump, inner, outer)
                pump(outer, inner)
                back.result()

        pool.submit(relay)
        yield listener.getsockname()[1]


@pytest.mark.usefixtures("engine")
def test_the_kernel_is_told_to_notice_within_half_a_minute_that_a_machine_is_gone(
    cluster: PostgresCluster,
) -> None:
    """A thread that waits for its answer asks nobody. What is asked of the kernel is looked at;
    no machine is taken away."""
    with relayed(cluster) as port:
        far = db.create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{port}/here")
        with far.connect() as connection:
            number = os.dup(connection.connection.driver_connection.fileno())
            with socket.socket(fileno=number) as plain:
                alive = plain.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                idle, between, times, unsent = (
                    plain.getsockopt(socket.IPPROTO_TCP, name)
                    for name in (
                        socket.TCP_KEEPIDLE,
                        socket.TCP_KEEPINTVL,
                        socket.TCP_KEEPCNT,
                        socket.TCP_USER_TIMEOUT,
                    )
                )
        far.dispose()
    assert alive
    assert idle + between * times <= 30
    assert 0 < unsent <= 30_000
