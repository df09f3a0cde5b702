"""A server with the demo exam, its stations, and cards of a test issuer."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi.testclient import TestClient
from kiosk import Clock
from server_world import DEMO, PORTRAIT, START, World

from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from card_reader.trust.certificates import parse_certificates
from card_reader.trust.crl import parse_crl
from card_reader.trust.store import Realm, TrustStore
from exam_server import db, loading, migrations
from exam_server.app import create_app
from exam_server.keys import ServerKeys
from exam_server.settings import Settings
from exam_server.staff import Role, Staff


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
def loaded_database(tmp_path_factory: pytest.TempPathFactory, keys: ServerKeys) -> Path:
    """The demo exam with three members of staff, loaded once and copied for every test."""
    path = tmp_path_factory.mktemp("loaded") / "server.db"
    engine = db.create_engine(f"sqlite:///{path}")
    migrations.upgrade(engine)
    with db.transaction(engine) as session:
        loading.load_exam(session, DEMO, realm=Realm.TEST, keys=keys, now=START, starts_at=START)
        for name, role in (
            ("giamthi1", Role.PROCTOR),
            ("giamthi2", Role.PROCTOR),
            ("hoidong", Role.EXAM_OFFICE),
        ):
            session.add(
                Staff(
                    id=name, username=name, name=name, role=role, password_hash="-",
                    created_at=START,
                )
            )  # fmt: skip
    engine.dispose()
    return path


@pytest.fixture
def world(
    tmp_path: Path, loaded_database: Path, keys: ServerKeys, trust: TrustStore
) -> Iterator[World]:
    path = tmp_path / "server.db"
    shutil.copyfile(loaded_database, path)
    engine = db.create_engine(f"sqlite:///{path}")
    clock = Clock(START)
    app = create_app(Settings(realm=Realm.TEST), keys, engine, trust, clock)
    with TestClient(app, base_url="https://testserver") as http:
        yield World(app.state.server, http, clock)
    engine.dispose()
