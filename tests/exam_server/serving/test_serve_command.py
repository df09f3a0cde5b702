"""What ``serve`` refuses, in one line, before it binds or starts anything."""

import json
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from served import Served

from rig.nats import NatsServer
from rig.ports import own_port
from rig.postgres import PostgresCluster
from rig.processes import command
from rig.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    server = Server(tmp_path_factory.mktemp("plain") / "server")
    server.make()
    return server


def refused(server: Server, *options: str) -> str:
    """The one line with which ``serve`` refuses."""
    done = subprocess.run(
        command("exam-server", "serve", str(server.folder), "--port", "0", "--json", *options),
        env={"PATH": "/usr/bin:/bin", **server.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    return str(json.loads(done.stdout)["error"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "2", "--nats", "nats://127.0.0.1:4222"], "SQLite serves one process"),
        (["--workers", "0"], "workers"),
        (["--nats", "http://127.0.0.1:4222"], "names no NATS server"),
        (["--metrics", "99999"], "metrics_port"),
    ],
)
def test_an_unusable_call(sqlite_server: Server, options: list[str], said: str) -> None:
    assert said in refused(sqlite_server, *options)


def test_a_taken_metrics_port(sqlite_server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused(sqlite_server, "--metrics", str(taken.getsockname()[1]))
    assert "--metrics" in said


def test_metrics_of_one_process_are_offered_where_they_were_asked_for(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    port = own_port(server)
    server.options = ("--metrics", str(port))
    server.make()
    server.start()
    try:
        assert httpx.get(f"{server.url}/health", verify=server.tls()).status_code == 200
        assert httpx.get(f"{server.url}/metrics", verify=server.tls()).status_code == 404
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    finally:
        assert server.stop() == 0
    assert 'exam_request_seconds_count{code="200",method="GET",route="/health"} 1.0' in text
    assert 'exam_stations{state="silent"} 0.0' in text


@pytest.mark.processes
@pytest.mark.xdist_group("processes")
def test_several_processes_without_nats_are_refused(
    tmp_path: Path, postgres_cluster: PostgresCluster
) -> None:
    database = postgres_cluster.create_database("without_nats")
    server = Server(tmp_path / "server", database=database)
    server.make()
    assert "need NATS" in refused(server, "--workers", "2")


@pytest.mark.processes
@pytest.mark.xdist_group("processes")
def test_a_second_server_does_not_share_the_port_unnoticed(
    served: Served, nats: NatsServer
) -> None:
    port = served.server.url.rpartition(":")[2]
    again = ("--port", port, "--workers", "2", "--nats", nats.url)
    assert f"port {port}" in refused(served.server, *again)


@pytest.mark.processes
@pytest.mark.xdist_group("processes")
def test_the_keys_are_in_no_environment_and_no_file_of_a_process(served: Served) -> None:
    passphrase = served.server.environment["EXAM_SERVER_PASSPHRASE"].encode()
    for pid in served.server.worker_pids():
        process = Path(f"/proc/{pid}")
        assert passphrase not in (process / "environ").read_bytes()
        words = (process / "cmdline").read_bytes().split(b"\0")
        assert b"exam_server.serving.child" in words
        assert not any(b"nats" in word for word in words)


@pytest.mark.processes
@pytest.mark.xdist_group("processes")
def test_a_process_that_cannot_begin_ends_the_whole(
    tmp_path: Path, postgres_cluster: PostgresCluster, nats: NatsServer
) -> None:
    database = postgres_cluster.create_database("cannot_begin")
    server = Server(tmp_path / "server", database=database)
    server.make()
    (server.folder / "tls.crt").write_text("no certificate")
    done = subprocess.run(
        command(
            "exam-server",
            "serve",
            str(server.folder),
            "--port",
            "0",
            "--json",
            "--workers",
            "2",
            "--nats",
            nats.url,
        ),
        env={"PATH": "/usr/bin:/bin", **server.environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 2
    assert "could not start" in json.loads(done.stdout)["error"]
    assert "Traceback" not in done.stderr
