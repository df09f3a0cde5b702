"""A server with the demo exam, its stations, and cards of a test issuer."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi.testclient import TestClient
from kiosk import Clock
from server_world import PORTRAIT, START, World, load_demo

from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from card_reader.trust.certificates import parse_certificates
from card_reader.trust.crl import parse_crl
from card_reader.trust.store import Realm, TrustStore
from exam_server import db, migrations
from exam_server.app import create_app
from exam_server.items import apart
from exam_server.keys import ServerKeys
from exam_server.settings import Settings
from tests.databases import Databases


@pytest.fixture(autouse=True)
def begun_again() -> None:
    """A server that an earlier test stopped in this process lets nothing more begin apart."""
    apart.begin()


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer.generate(now=START - timedelta(days=100))


@pytest.fixture(scope="session")
def issue(issuer: Issuer) -> Callable[[Holder], CardProfile]:
    made: dict[Holder, CardProfile] = {}

    def card(holder: Holder) -> CardProfile:
        if holder not in made:
            made[holder] = issuer.issue(holder, PORTRAIT.read_bytes(), key_bits=1024, now=START)
        return made[holder]

    return card


@pytest.fixture(scope="session")
def trust(issuer: Issuer) -> TrustStore:
    anchors = parse_certificates(issuer.csca.certificate.public_bytes(Encoding.PEM))
    return TrustStore(
        anchors, crls=[parse_crl(issuer.crl.public_bytes(Encoding.DER))], realm=Realm.TEST
    )


@pytest.fixture(scope="session")
def keys() -> ServerKeys:
    return ServerKeys.generate()


@pytest.fixture(scope="session")
def loaded_database(databases: Databases, keys: ServerKeys) -> str:
    """The demo exam with three members of staff, loaded once and copied for every test."""
    url = databases.new()
    engine = db.create_engine(url)
    migrations.upgrade(engine)
    load_demo(engine, keys)
    engine.dispose()
    return url


@pytest.fixture
def world(
    databases: Databases, loaded_database: str, keys: ServerKeys, trust: TrustStore
) -> Iterator[World]:
    url = databases.copy(loaded_database)
    engine = db.create_engine(url)
    clock = Clock(START)
    app = create_app(Settings(realm=Realm.TEST), keys, engine, trust, clock)
    with TestClient(app, base_url="https://testserver") as http:
        yield World(app.state.server, http, clock)
    app.state.stop_announcing()
    app.state.stop_announcing_to_stations()
    engine.dispose()
    databases.remove(url)
