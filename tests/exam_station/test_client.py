"""Calls over real TLS: the pin, the proof, the clock, and what becomes of a server that is gone."""

import hashlib
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from station_server import SECRET, Answer, StationServer, self_signed

from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_station.client import (
    Client,
    ServerRefusedError,
    ServerUnreachableError,
    fetch_certificate,
    pinned_context,
)
from exam_station.clock import ServerClock
from exam_station.enrolment import enrol
from exam_station.vault import FILE, Vault, VaultError

BEAT = api.Heartbeat(
    state=api.StationState.IDLE, program_version="test", reader_ready=True, camera_ready=True
)


@pytest.fixture
def client(vault: Vault) -> Iterator[Client]:
    made = Client(vault, ServerClock())
    yield made
    made.close()


def test_enrolment_keeps_who_the_station_is_and_whom_it_believes(
    server: StationServer, vault: Vault, data: Path
) -> None:
    assert Vault.load(data, SECRET) == vault
    assert (vault.station, vault.realm, vault.certificate) == ("station-1", "test", server.der)
    assert server.station.signing_key == vault.signing.public_key().public_bytes_raw()
    assert server.station.wrapping_key == vault.wrapping.public_key().public_bytes_raw()


def test_a_wrong_fingerprint_sends_nothing(server: StationServer, data: Path) -> None:
    token = replace(server.token(), fingerprint=os.urandom(32))
    with pytest.raises(ServerUnreachableError, match="not the one this token was made for"):
        enrol(token, name="x", data=data, secret=SECRET, version="test")
    assert server.calls == []
    assert not (data / FILE).exists()


def test_a_refused_token_leaves_nothing(server: StationServer, data: Path) -> None:
    token = replace(server.token(), secret=os.urandom(16))
    with pytest.raises(ServerRefusedError) as caught:
        enrol(token, name="x", data=data, secret=SECRET, version="test")
    assert caught.value.code is ErrorCode.TOKEN_INVALID
    assert not (data / FILE).exists()


def test_a_lost_answer_spends_no_token(server: StationServer, data: Path) -> None:
    server.forget.add("enrolment")
    vault = enrol(server.token(), name="x", data=data, secret=SECRET, version="test")
    assert Vault.load(data, SECRET).station == vault.station == "station-1"
    assert server.calls == ["enrolment", "enrolment"]


def test_a_second_enrolment_into_one_directory_is_refused(
    server: StationServer, vault: Vault, data: Path
) -> None:
    with pytest.raises(VaultError, match="already holds"):
        enrol(server.token(), name="x", data=data, secret=SECRET, version="test")
    assert server.calls == ["enrolment"]


def test_a_directory_that_cannot_be_written_does_not_spend_the_token(
    server: StationServer, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    with pytest.raises(VaultError, match="cannot be written"):
        enrol(server.token(), name="x", data=blocked, secret=SECRET, version="test")
    assert server.calls == []


def test_the_heartbeat_is_proven_answered_and_sets_the_clock(
    server: StationServer, vault: Vault
) -> None:
    clock = ServerClock()
    client = Client(vault, clock)
    before = server.now()
    view = client.heartbeat(BEAT)
    client.close()
    assert (view.seat, view.placement.id) == ("03", "p1")
    told, after = clock.now(), server.now()
    assert told is not None and clock.error is not None
    assert before <= told <= after + timedelta(seconds=clock.error)


@pytest.mark.parametrize("skew", [timedelta(hours=7), timedelta(days=-400)])
def test_a_wrong_wall_clock_costs_one_refusal_and_then_nothing(
    server: StationServer, client: Client, skew: timedelta
) -> None:
    server.skew = skew
    client.heartbeat(BEAT)
    client.heartbeat(BEAT)
    assert server.calls == ["enrolment", "heartbeat", "heartbeat", "heartbeat"]


def test_a_refusal_has_the_servers_code(server: StationServer, client: Client) -> None:
    server.refuse["heartbeat"] = ErrorCode.STATION_REVOKED
    with pytest.raises(ServerRefusedError) as caught:
        client.heartbeat(BEAT)
    assert caught.value.code is ErrorCode.STATION_REVOKED
    server.refuse["heartbeat"] = ErrorCode.STALE_REQUEST
    with pytest.raises(ServerRefusedError):
        client.heartbeat(BEAT)
    assert server.calls.count("heartbeat") == 3


def test_an_answer_outside_the_contract_is_a_refusal(
    server: StationServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status, body in ((200, b"<html>"), (302, b""), (404, b"<html>")):
        monkeypatch.setattr(server, "answer", lambda *_, said=(status, body): said)
        with pytest.raises(ServerRefusedError) as caught:
            client.heartbeat(BEAT)
        assert caught.value.code is ErrorCode.INTERNAL


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_whoever_answers_in_the_stead_of_the_server_is_not_its_word(
    server: StationServer, client: Client, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A proxy before it, or a process of it that was stopped in the middle."""
    monkeypatch.setattr(server, "answer", lambda *_: (status, b"<html>Bad Gateway</html>"))
    with pytest.raises(ServerUnreachableError):
        client.heartbeat(BEAT)
    with pytest.raises(ServerUnreachableError), client.events():
        pass


def test_what_something_on_the_way_sent_twice_is_asked_once_more(
    server: StationServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, seen = server.answer, []

    def answer_to_the_second(*request: Any) -> Answer:
        if not seen:
            seen.append(answer(*request))
        return answer(*request)

    monkeypatch.setattr(server, "answer", answer_to_the_second)
    assert client.heartbeat(BEAT).realm == "test"
    assert server.calls.count("heartbeat") == 3


def test_a_server_that_is_gone_is_unreachable_and_comes_back(
    server: StationServer, client: Client
) -> None:
    server.stop()
    with pytest.raises(ServerUnreachableError):
        client.heartbeat(BEAT)
    server.serve()
    assert client.heartbeat(BEAT).realm == "test"


def test_another_certificate_at_the_same_address_is_not_the_server(
    server: StationServer, client: Client, tmp_path: Path
) -> None:
    server.stop()
    (tmp_path / "other").mkdir()
    impostor = StationServer(tmp_path / "other")
    impostor.port, impostor.station = server.port, server.station
    impostor.serve()
    try:
        with pytest.raises(ServerUnreachableError):
            client.heartbeat(BEAT)
        assert impostor.calls == []
        wanted = hashlib.sha256(impostor.der).digest()
        assert fetch_certificate(impostor.url, wanted) == impostor.der
    finally:
        impostor.stop()


def test_another_stations_key_is_not_believed(server: StationServer, vault: Vault) -> None:
    stranger = Client(replace(vault, signing_seed=os.urandom(32)), ServerClock())
    with pytest.raises(ServerRefusedError) as caught:
        stranger.heartbeat(BEAT)
    stranger.close()
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


@pytest.mark.parametrize("days", [-400, 400])
def test_a_pinned_certificate_outside_its_dates_is_still_the_server(
    tmp_path: Path, days: int
) -> None:
    """What a station sees whose clock is wrong by more than a year."""
    moment = datetime.now(UTC) + timedelta(days=days)
    certificate, key, der = self_signed(tmp_path, moment)
    (tmp_path / "other").mkdir()
    _, _, other = self_signed(tmp_path / "other", moment)
    assert shakes_hands(certificate, key, der)
    assert not shakes_hands(certificate, key, other)


def shakes_hands(certificate: Path, key: Path, pinned: bytes) -> bool:
    """Whether a station that pinned `pinned` speaks with the server of `certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve() -> None:
        plain, _ = listening.accept()
        with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as secured:
            secured.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        try:
            with (
                socket.create_connection(listening.getsockname(), timeout=60) as plain,
                pinned_context(pinned).wrap_socket(plain) as secured,
            ):
                return secured.version() == "TLSv1.3"
        except ssl.SSLError:
            return False
        finally:
            serving.join(timeout=60)
