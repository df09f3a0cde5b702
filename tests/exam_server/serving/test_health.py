"""What monitoring is told: that a process lives, and what it lacks."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from server_world import World

from exam_server import db
from exam_server.app import create_app
from exam_server.context import Server
from exam_server.errors import InputError
from exam_server.serving import health
from exam_server.serving.health import Readiness, readiness


class Bus:
    """As much of a bus as readiness looks at."""

    def __init__(self, *, connected: bool) -> None:
        self.connected = connected


def test_a_sound_server_is_ready(world: World) -> None:
    answer = world.http.get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "database": "ok",
        "migrations": "ok",
        "trust": "ok",
        "nats": "not_used",
    }


def test_without_its_database_it_lives_and_is_not_ready(world: World) -> None:
    server = world.server
    nowhere = db.create_engine("sqlite:////nowhere/at/all.db")
    app = create_app(server.settings, server.keys, nowhere, server.trust, server.clock)
    with TestClient(app, base_url="https://testserver") as http:
        assert http.get("/health").json() == {"status": "ok"}
        answer = http.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")
    assert answer.json()["database"] == "unreachable"


def test_an_older_schema_is_not_ready(world: World) -> None:
    with world.server.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    assert readiness(world.server, None)["migrations"] is Readiness.NOT_AT_HEAD
    assert world.http.get("/ready").status_code == 503


def _untrusting() -> None:
    raise InputError("the trust is damaged")


@pytest.mark.parametrize(
    ("server_of", "bus", "lacking"),
    [
        (lambda server: replace(server, trust_source=_untrusting), None, "trust"),
        (lambda server: server, Bus(connected=False), "nats"),
    ],
)
def test_what_hinders_no_answer_from_being_kept_sends_no_station_away(
    world: World, monkeypatch: pytest.MonkeyPatch, server_of, bus, lacking: str
) -> None:
    server: Server = server_of(world.server)
    found = readiness(server, bus)
    monkeypatch.setattr(health, "readiness", lambda *_: found)
    answer = world.http.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert [name for name, state in answer.json().items() if state not in ("ok", "not_used")] == [
        "status",
        lacking,
    ]


def test_the_database_is_not_asked_for_everybody_who_asks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(*_: object) -> dict[str, Readiness]:
        asked.append(1)
        return {"database": Readiness.OK, "migrations": Readiness.OK}

    monkeypatch.setattr(health, "readiness", counted)
    for freshness, times in ((3600.0, 1), (-1.0, 4)):
        asked.clear()
        monkeypatch.setattr(health, "FRESH_SECONDS", freshness)
        for _ in range(4):
            assert world.http.get("/ready").json()["status"] == "ready"
        assert len(asked) == times
