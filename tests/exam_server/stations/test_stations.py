"""Enrolment once, requests signed and never replayed, nothing open that should not be."""

import asyncio
import json
import logging
import os
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fastapi import FastAPI
from kiosk import Kiosk, RefusalError
from server_world import FIRST, World
from starlette.routing import Mount, Route
from starlette.types import Message

from exam_server.contract import api
from exam_server.contract.api import Heartbeat, StationState
from exam_server.contract.batches import CONTENT_TYPE, Batch
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.contract.errors import ErrorCode
from exam_server.contract.requests import NONCE_BYTES, STATION_HEADER, TOLERANCE, sign_request
from exam_server.errors import NotPossibleError
from exam_server.forms.models import Exam, Realm
from exam_server.stations import service
from exam_server.stations.models import EnrolmentSecret, RequestNonce, Station

BEAT = Heartbeat(state=StationState.IDLE, program_version="1", reader_ready=True, camera_ready=True)


def refused(code: ErrorCode, call, *arguments, **more) -> None:
    with pytest.raises(RefusalError) as refusal:
        call(*arguments, **more)
    assert refusal.value.code is code


def test_a_token_enrols_one_station_once(world: World) -> None:
    token = world.token("P.101", "01")
    assert EnrolmentToken.from_text(token.to_text()) == token
    kiosk = Kiosk(world.http, world.clock)
    enrolled = kiosk.enrol(token)
    assert enrolled.realm == "test"
    assert enrolled.server_key == world.server.keys.signing.public_key().public_bytes_raw()
    view = kiosk.heartbeat()
    assert (view.room, view.seat) == ("P.101", "01")
    refused(ErrorCode.TOKEN_USED, Kiosk(world.http, world.clock).enrol, token)
    refused(ErrorCode.BAD_REQUEST, kiosk.enrol, world.token("P.101", "02"))
    with world.server.reading() as session:
        stored = session.scalars(sa.select(EnrolmentSecret.digest)).all()
    assert token.secret not in stored


def test_whoever_lost_the_answer_to_its_enrolment_is_the_station_already(world: World) -> None:
    token, kiosk = world.token("P.101", "01"), Kiosk(world.http, world.clock)
    first = kiosk.enrol(token)
    assert kiosk.enrol(token) == first
    # Keys that the server does not have would open nothing that it wraps for them.
    half_new = replace(kiosk, wrapping=X25519PrivateKey.generate())
    refused(ErrorCode.TOKEN_USED, half_new.enrol, token)
    with world.server.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Station)) == 1
    with world.server.transaction() as session:
        service.revoke(session, first.station, officer=FIRST, reason="mất máy", now=world.clock.now)
    refused(ErrorCode.TOKEN_USED, kiosk.enrol, token)


def test_an_old_or_unknown_token_enrols_nobody(world: World) -> None:
    token = world.token("P.101", "01")
    unknown = EnrolmentToken(token.url, token.fingerprint, bytes(16))
    refused(ErrorCode.TOKEN_INVALID, Kiosk(world.http, world.clock).enrol, unknown)
    world.clock.pass_by(hours=1)
    refused(ErrorCode.TOKEN_INVALID, Kiosk(world.http, world.clock).enrol, token)


def test_the_enrolment_is_signed_with_the_key_it_brings(world: World) -> None:
    kiosk = Kiosk(world.http, world.clock)
    stranger = Ed25519PrivateKey.generate()
    refused(ErrorCode.BAD_SIGNATURE, kiosk.enrol, world.token("P.101", "01"), key=stranger)


def test_a_replayed_request_is_refused(world: World) -> None:
    kiosk, nonce = world.kiosk(), os.urandom(NONCE_BYTES)
    kiosk.call("POST", "/heartbeat", BEAT, nonce=nonce)
    refused(ErrorCode.REPLAYED_REQUEST, kiosk.call, "POST", "/heartbeat", BEAT, nonce=nonce)


def test_a_nonce_is_forgotten_only_when_its_request_is_stale(world: World) -> None:
    kiosk = world.kiosk()
    kiosk.heartbeat()
    world.clock.now += 2 * TOLERANCE + timedelta(seconds=1)
    kiosk.heartbeat()
    with world.server.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(RequestNonce)) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": Ed25519PrivateKey.generate()}, ErrorCode.BAD_SIGNATURE),
        ({"signed_target": "/api/station/challenges"}, ErrorCode.BAD_SIGNATURE),
        ({"signed_body": b"{}"}, ErrorCode.BAD_SIGNATURE),
        ({"signed_method": "GET"}, ErrorCode.BAD_SIGNATURE),
        ({"station": "0" * 32}, ErrorCode.UNKNOWN_STATION),
    ],
)
def test_a_request_without_its_own_proof_is_refused(world: World, changes, code) -> None:
    refused(code, world.kiosk().call, "POST", "/heartbeat", BEAT, **changes)


def test_a_request_from_another_time_is_refused(world: World) -> None:
    kiosk = world.kiosk()
    for away in (timedelta(minutes=2), -timedelta(minutes=2)):
        moment = world.clock.now + away
        refused(ErrorCode.STALE_REQUEST, kiosk.call, "POST", "/heartbeat", BEAT, now=moment)


def test_a_station_of_the_other_realm_is_refused(world: World) -> None:
    kiosk = world.kiosk()
    with world.server.transaction() as session:
        session.execute(sa.update(Station).values(realm=Realm.LIVE))
    refused(ErrorCode.WRONG_REALM, kiosk.heartbeat)


def test_a_revoked_station_is_refused(world: World) -> None:
    kiosk = world.kiosk()
    with world.server.transaction() as session:
        with pytest.raises(NotPossibleError):
            service.revoke(session, kiosk.station, officer=FIRST, reason=" ", now=world.clock.now)
        service.revoke(session, kiosk.station, officer=FIRST, reason="mất", now=world.clock.now)
    refused(ErrorCode.STATION_REVOKED, kiosk.heartbeat)


def test_a_new_station_takes_the_seat_of_the_old_one(world: World) -> None:
    old = world.kiosk()
    new = Kiosk(world.http, world.clock)
    new.enrol(world.token("P.101", "01"))
    assert new.heartbeat().seat == "01"
    assert old.heartbeat().seat is None


def test_numbers_beyond_all_reason_give_a_refusal(world: World) -> None:
    kiosk = world.kiosk()
    beat = {"state": "idle", "program_version": "t", "reader_ready": True, "camera_ready": True}
    for wrong in (2**70, 2**31, -1):
        body = json.dumps({**beat, "unsent_records": wrong}).encode()
        answer = kiosk.send("POST", "/heartbeat", body)
        assert answer.status_code == 400
        assert api.Refusal.model_validate_json(answer.content).code is ErrorCode.BAD_REQUEST


def test_a_fault_of_ours_is_one_line_to_the_station_and_the_story_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kiosk = world.kiosk()

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(service, "heartbeat", broken)
    with pytest.raises(RefusalError) as refusal:
        kiosk.heartbeat()
    assert (refusal.value.status, refusal.value.code) == (500, ErrorCode.INTERNAL)
    assert "secret" not in str(refusal.value)
    assert "a secret detail" in caplog.text


def test_an_exam_of_the_other_realm_lets_nobody_in(world: World) -> None:
    world.open_shift()
    kiosk = world.kiosk()
    placement = kiosk.heartbeat().placement.id
    with world.server.transaction() as session:
        session.execute(sa.update(Exam).values(realm=Realm.LIVE))
    refused(ErrorCode.WRONG_REALM, kiosk.challenge, placement)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b'{"state": "idle"}', b'{"a": ' + b"[" * 5000]
)
def test_a_spoiled_body_gives_a_refusal(world: World, body: bytes) -> None:
    response = world.kiosk().send("POST", "/heartbeat", body)
    assert response.status_code == 400
    assert response.json()["code"] == "bad_request"


def test_a_text_that_no_database_keeps_is_refused(world: World) -> None:
    body = b'{"state": "idle", "program_version": "a\\u0000b", "reader_ready": true, '
    response = world.kiosk().send("POST", "/heartbeat", body + b'"camera_ready": true}')
    assert response.status_code == 400
    assert "program_version" in response.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/packages/a%00b"),
        ("GET", "/checkins/%00"),
        ("POST", "/attempts/a%00/lease"),
        ("POST", "/terminals/%00/response"),
    ],
)
def test_an_id_that_no_row_can_have_is_refused(world: World, method: str, path: str) -> None:
    body = b'{"response": "kAA="}' if path.endswith("response") else b""
    response = world.kiosk().send(method, path, body)
    assert response.status_code in (400, 404)
    assert response.json()["code"] in ("bad_request", "not_found")


def test_a_batch_of_an_attempt_that_no_row_can_have_is_refused(world: World) -> None:
    body = Batch("a\0b", 1, (), None).to_bytes(bytes(32))
    response = world.http.post(
        "/api/station/attempts/a%00b/records", content=body,
        headers={"content-type": CONTENT_TYPE, STATION_HEADER: world.kiosk().station},
    )  # fmt: skip
    assert response.json()["code"] in ("bad_request", "not_found")


def test_a_body_that_is_too_large_is_not_read(world: World) -> None:
    response = world.http.post("/api/station/enrolment", content=bytes(12 * 1024 * 1024 + 1))
    assert response.status_code == 413
    pieces = (bytes(1024 * 1024) for _ in range(13))
    response = world.http.post("/api/station/enrolment", content=pieces)
    assert response.status_code == 413


def test_a_package_is_had_by_stations_of_its_centre_only(world: World) -> None:
    kiosk = world.kiosk()
    package = kiosk.heartbeat().packages[0]
    sealed = kiosk.call("GET", f"/packages/{package.id}")
    assert len(sealed) == package.size
    refused(ErrorCode.NOT_FOUND, kiosk.call, "GET", "/packages/none")
    assert world.http.get(f"/api/station/packages/{package.id}").status_code == 401


#: What answers without a station's proof and without a member of staff.
OPEN = {
    ("POST", "/api/station/enrolment"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/language"),
}


def test_every_other_route_is_closed(world: World) -> None:
    app: FastAPI = world.http.app
    closed = 0
    for path, methods in every_route(app):
        for method in methods - {"HEAD", "OPTIONS"}:
            if (method, path) in OPEN:
                continue
            concrete = path.replace("{", "").replace("}", "")
            response = world.http.request(method, concrete, follow_redirects=False)
            where = response.headers.get("location", "")
            refused_here = response.status_code in (401, 403) or where.startswith("/login")
            assert refused_here, f"{method} {path} answered {response.status_code}"
            closed += 1
    assert closed > 8
    assert world.http.get("/health").json() == {"status": "ok"}
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert world.http.get(path).status_code == 404


def every_route(app: FastAPI) -> list[tuple[str, set[str]]]:
    """Path and methods of all routes; mounted static files are open on purpose."""
    found = []
    pending = list(app.routes)
    while pending:
        route = pending.pop()
        if isinstance(route, Route):
            found.append((route.path, set(route.methods)))
        elif isinstance(route, Mount):
            assert route.path == "/static"
        else:
            pending.extend(routes_inside(route))
    return found


def routes_inside(route: object) -> list[object]:
    inner = getattr(route, "routes", None) or getattr(
        getattr(route, "original_router", None), "routes", None
    )
    assert inner, f"a route of an unknown kind: {route!r}"
    return list(inner)


@pytest.mark.parametrize("path", ["/api/station/heartbeat", "/api/station/checkins", "/login"])
def test_a_request_that_is_cut_off_is_nobodys_fault(
    world: World, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A kiosk that is switched off, or whose network goes, in the middle of what it sends."""
    kiosk = world.kiosk()
    body = b"csrf=" if path == "/login" else b"{"
    proof = sign_request(
        kiosk.signing, station=kiosk.station, method="POST", target=path, body=body,
        now=kiosk.clock.now, nonce=os.urandom(NONCE_BYTES),
    )  # fmt: skip
    headers = proof.headers() | {
        "content-length": "1000",
        "content-type": "application/x-www-form-urlencoded",
    }
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": b"", "scheme": "https", "http_version": "1.1",
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
        "server": ("testserver", 443), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    coming = [
        {"type": "http.request", "body": body, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return coming.pop(0) if len(coming) > 1 else coming[0]

    async def send(_message: Message) -> None:
        """To nobody."""

    asyncio.run(world.app(scope, receive, send))
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
