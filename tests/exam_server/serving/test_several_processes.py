"""One server of two processes: what one learns the other tells, and what they measure is one."""

import asyncio
import base64
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any

import httpx
import pytest
from kiosk import Kiosk
from nats import connect
from served import PATIENCE, ROOM, Served, process_of
from server_world import FIRST, OFFICE
from sqlmodel import select

from exam_server import settings
from exam_server.auth import officer_of, open_session
from exam_server.centres.models import Room
from exam_server.contract.api import PULSE, StationEvent, StationEventKind, StationState
from exam_server.contract.requests import sign_request
from exam_server.stations.models import StationStatus
from exam_server.web.visit import SESSION_COOKIE
from rig.nats import NatsServer

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


class PageStream:
    """A page's event stream over `client`'s connection; what it says is kept in order."""

    def __init__(self, served: Served, client: httpx.Client) -> None:
        self.said: list[str] = []
        server = served.world.server
        with server.reading() as session:
            room = session.exec(select(Room.id).where(Room.name == ROOM)).one()
        token = open_session(server.engine, FIRST, now=server.now(), rng=os.urandom)
        self._path = f"/rooms/{served.world.shift_id}/{room}/events"
        self._client, self._cookie = client, {"cookie": f"{SESSION_COOKIE}={token}"}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        until(lambda: bool(self.said))

    def _read(self) -> None:
        with (
            suppress(httpx.HTTPError),  # its process was killed
            self._client.stream("GET", self._path, headers=self._cookie) as response,
        ):
            assert response.status_code == 200
            for line in response.iter_lines():
                if line.startswith("event: "):
                    self.said.append(line.removeprefix("event: "))

    def has_ended(self) -> bool:
        self._thread.join(PATIENCE)
        return not self._thread.is_alive()


def test_a_heartbeat_at_one_process_wakes_a_page_at_the_other(served: Served) -> None:
    pages, stations = served.a_client_of_each_process()
    kiosk = served.through(served.kiosk(5), stations)
    kiosk.heartbeat(state=StationState.IDLE)
    stream = PageStream(served, pages)
    told = len(stream.said)
    kiosk.heartbeat(state=StationState.OUT_OF_ORDER)
    until(lambda: "changed" in stream.said[told:])


class StationStream:
    """What a station hears of its server, over `kiosk`'s connection."""

    def __init__(self, kiosk: Kiosk) -> None:
        self.said: list[StationEvent] = []
        self._kiosk = kiosk
        threading.Thread(target=self._read, daemon=True).start()
        until(lambda: bool(self.said))

    def _read(self) -> None:
        with suppress(httpx.HTTPError), self._opened() as response:
            assert response.status_code == 200
            for line in filter(None, response.iter_lines()):
                self.said.append(StationEvent.model_validate_json(line))

    def _opened(self, **body: Any) -> AbstractContextManager[httpx.Response]:
        path = "/api/station/events"
        proof = sign_request(
            self._kiosk.signing,
            station=self._kiosk.station,
            method="POST",
            target=path,
            body=b"",
            now=self._kiosk.clock.now,
            nonce=os.urandom(16),
        )
        return self._kiosk.http.stream("POST", path, headers=proof.headers(), **body)

    def starts(self) -> list[StationEvent]:
        return [event for event in self.said if event.kind is StationEventKind.STARTED]


class Eavesdropper:
    """Hears everything that goes over NATS, as anybody there could."""

    def __init__(self, url: str) -> None:
        self.heard: list[bytes] = []
        self._ready = threading.Event()
        threading.Thread(target=asyncio.run, args=(self._listen(url),), daemon=True).start()
        assert self._ready.wait(PATIENCE)

    async def _listen(self, url: str) -> None:
        client = await connect(url)
        messages = await client.subscribe(">")
        await client.flush()
        self._ready.set()
        async for message in messages.messages:
            self.heard.append(message.subject.encode() + b" " + message.data)


def officer_starts_the_shift(served: Served, client: httpx.Client) -> None:
    """On the page, by whichever process has the connection of `client`."""
    server = served.world.server
    token = open_session(server.engine, OFFICE, now=server.now(), rng=os.urandom)
    officer = officer_of(server.engine, token, now=server.now())
    assert officer is not None
    answer = client.post(
        f"/shifts/{served.world.shift_id}/start",
        data={"csrf": officer.csrf_token, "reason": "chạy thử"},
        headers={"cookie": f"{SESSION_COOKIE}={token}"},
    )
    assert answer.status_code == 303


def test_the_start_at_one_process_reaches_stations_at_both_and_no_secret_goes_over_nats(
    served: Served, nats: NatsServer
) -> None:
    left, right = served.a_client_of_each_process()
    streams = [
        StationStream(served.through(served.kiosk(7), left)),
        StationStream(served.through(served.kiosk(8), right)),
    ]
    spy = Eavesdropper(nats.url)
    officer_starts_the_shift(served, served.a_client_of_each_process()[0])
    until(lambda: all(stream.starts() for stream in streams))
    secrets = {stream.starts()[0].start_secret for stream in streams}
    assert len(secrets) == 1  # both sit in one room
    (secret,) = secrets
    assert secret is not None
    until(lambda: any(b".station.shift." in message for message in spy.heard))
    for message in spy.heard:
        for shape in (secret, secret.hex().encode(), base64.b64encode(secret)):
            assert shape not in message


def test_one_address_gives_the_sum_of_both(served: Served) -> None:
    clients = served.a_client_of_each_process()
    before = metric(served, "exam_request_seconds_count", route="/ready", code="200")
    for client in clients:
        assert client.get("/ready").json()["status"] == "ready"
    until(
        lambda: (
            metric(served, "exam_request_seconds_count", route="/ready", code="200") == before + 2
        )
    )
    assert metric(served, "exam_processes") == 2
    assert metric(served, "exam_bus_connected") == 2
    assert metric(served, "exam_database_reachable") == 1
    until(lambda: metric(served, "exam_connections") >= 2)


def test_a_lost_nats_stops_nobody(served: Served, nats: NatsServer) -> None:
    nats.stop()
    try:
        clients = served.a_client_of_each_process()
        until(lambda: metric(served, "exam_bus_connected") == 0)
        for client in clients:
            until(lambda client=client: client.get("/ready").json()["nats"] == "disconnected")
            answer = client.get("/ready")
            assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        kiosk = served.through(served.kiosk(6), clients[0])
        stream = PageStream(served, clients[1])
        kiosk.heartbeat(state=StationState.READING)
        kiosk.heartbeat(state=StationState.IDLE)
    finally:
        nats.start()
    # Back again, everybody is told to look, since nobody knows what was missed.
    until(lambda: "changed" in stream.said)
    until(lambda: metric(served, "exam_bus_connected") == 2)
    kiosk.heartbeat(state=StationState.OUT_OF_ORDER)


def test_a_killed_process_is_replaced_and_the_others_go_on(served: Served) -> None:
    until(lambda: len(served.server.worker_pids()) == 2)
    replaced = metric(served, "exam_processes_replaced_total")
    killed = served.server.kill_worker()
    until(lambda: metric(served, "exam_processes_replaced_total") == replaced + 1)
    until(lambda: metric(served, "exam_processes") == 2)
    assert killed not in served.server.worker_pids()
    until(lambda: metric(served, "exam_bus_connected") == 2)
    assert len({process_of(client) for client in served.a_client_of_each_process()}) == 2


def metric(served: Served, name: str, **labels: str) -> float:
    """The sum of all samples of `name` that have `labels`."""
    text = httpx.get(f"http://127.0.0.1:{served.metrics_port}/metrics").text
    total = 0.0
    for line in text.splitlines():
        found = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
        if found is None or found[1] != name:
            continue
        given = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
        if labels.items() <= given.items():
            total += float(found[3])
    return total


def test_what_a_command_does_reaches_pages_and_stations_at_once(
    served: Served, nats: NatsServer
) -> None:
    served.start_shift()
    folder = served.server.folder
    kept = settings.load(folder)
    settings.save(folder, kept.model_copy(update={"nats_url": nats.url}))
    left, right = served.a_client_of_each_process()
    page = PageStream(served, left)
    station = StationStream(served.through(served.kiosk(9), right))
    before = len(page.said), len(station.said)
    served.server.call("shift", "close", str(folder))
    until(lambda: "changed" in page.said[before[0] :])
    until(lambda: len(station.said) > before[1])


def test_an_orderly_stop_ends_the_streams_of_both_and_exits_zero(served: Served) -> None:
    streams = [PageStream(served, client) for client in served.a_client_of_each_process()]
    assert served.server.stop() == 0
    assert all(stream.has_ended() for stream in streams)
    served.server.start()
    assert served.client().get("/health").status_code == 200


def test_pulses_at_either_process_keep_a_station_alive(served: Served) -> None:
    kiosk = served.kiosk(9)
    kiosk.heartbeat()
    for client in served.a_client_of_each_process():
        told = seen_at(served, kiosk)
        with Pulses(served.through(kiosk, client)):
            until(lambda told=told: seen_at(served, kiosk) > told)


def seen_at(served: Served, kiosk: Kiosk) -> datetime:
    with served.world.server.reading() as session:
        found = select(StationStatus.seen_at).where(StationStatus.station_id == kiosk.station)
        return session.exec(found).one()


class Pulses(StationStream):
    """A station that gives pulses all the while, over `kiosk`'s connection, and never a heartbeat.

    httpx sends a body whole before it reads, so nothing is heard of the answer.
    """

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk, self._ended = kiosk, threading.Event()
        self._thread = threading.Thread(target=self._pulse, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(PATIENCE)

    def _body(self) -> Iterator[bytes]:
        while not self._ended.wait(0.2):
            yield PULSE

    def _pulse(self) -> None:
        with self._opened(content=self._body()):
            pass
