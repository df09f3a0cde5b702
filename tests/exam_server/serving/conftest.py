"""Several processes with PostgreSQL and NATS; one set of them serves a whole module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from served import Served, make_server
from server_world import BACH, CHAU

from card_reader.simulator.issuer import Issuer
from card_reader.trust.store import TrustStore
from rig.nats import NatsServer
from rig.postgres import PostgresCluster


@pytest.fixture(scope="session")
def nats() -> Iterator[NatsServer]:
    with NatsServer() as server:
        yield server


@pytest.fixture(scope="session")
def anchors(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anchors")
    (folder / "csca.pem").write_bytes(issuer.csca.certificate.public_bytes(Encoding.PEM))
    (folder / "crl.der").write_bytes(issuer.crl.public_bytes(Encoding.DER))
    return folder


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_cluster: PostgresCluster,
    nats: NatsServer,
    trust: TrustStore,
    anchors: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Served]:
    """Two processes; an exam of forty candidates, the first two of whom have cards."""
    name = request.module.__name__.rpartition(".")[2]
    database = postgres_cluster.create_database(name)
    people = [
        (one.name, one.date_of_birth.strftime("%d/%m/%Y"), one.number) for one in (BACH, CHAU)
    ]
    server = make_server(
        tmp_path_factory.mktemp("served"), *people, database=database, workers=2, nats=nats.url
    )
    server.call("load", "trust", str(server.folder), str(anchors))
    with Served.of(server, trust) as running:
        running.world.open_shift()
        yield running
    postgres_cluster.drop_database(name)
