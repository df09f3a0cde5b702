"""Every call of a station, and a page, while processes and PostgreSQL end and come back.

What is heard is an answer, "come again" or a broken connection: never a fault, never a no.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import httpx
import pytest
from kiosk import Kiosk, RefusalError
from served import PATIENCE, Served, make_server
from server_world import FIRST

from card_reader.trust.store import TrustStore
from exam_server.auth import open_session
from exam_server.contract.api import HistoryRequest, Refusal
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Record
from exam_server.contract.requests import NONCE_BYTES, sign_request
from exam_server.postgres import APPLICATION
from exam_server.web.visit import SESSION_COOKIE
from rig.nats import NatsServer
from rig.postgres import PostgresCluster

pytestmark = [
    pytest.mark.processes,
    pytest.mark.xdist_group("processes"),
    pytest.mark.timeout(400),
]

EVENTS = "/api/station/events"
SEATS = range(1, 4)


@pytest.fixture
def cluster() -> Iterator[PostgresCluster]:
    """One that no other test has."""
    with PostgresCluster() as running:
        yield running


@pytest.fixture
def running(
    cluster: PostgresCluster,
    nats: NatsServer,
    tmp_path_factory: pytest.TempPathFactory,
    trust: TrustStore,
) -> Iterator[Served]:
    """A started shift, two processes."""
    where = {"database": cluster.create_database("outages"), "workers": 2, "nats": nats.url}
    server = make_server(tmp_path_factory.mktemp("outages"), **where)
    with Served.of(server, trust) as served:
        served.world.open_shift()
        served.start_shift()
        yield served


class Caller:
    """A station that writes, and an officer beside it; each call is made again and again."""

    def __init__(self, served: Served, kiosk: Kiosk) -> None:
        self._served, self._kiosk = served, kiosk
        placement, server = kiosk.heartbeat().placement, served.world.server
        assert placement is not None
        attempt = served.attempt_at(kiosk)
        self._desk = kiosk.lease(attempt)
        self._cookie = open_session(server.engine, FIRST, now=server.now(), rng=os.urandom)
        self._unsent: list[Record] = []
        self.rounds = 0
        self.wrong: Counter[str] = Counter()
        self._calls: dict[str, Callable[[], object]] = {
            "heartbeat": kiosk.heartbeat,
            "challenge": partial(kiosk.challenge, placement.id),
            "kit": kiosk.kit,
            "lease": partial(kiosk.lease, attempt),
            "form": partial(kiosk.open_form, attempt),
            "history": partial(
                kiosk.call, "POST", f"/attempts/{attempt}/history", HistoryRequest(after=0)
            ),
            "records": self._send_records,
            "events": self._begin_stream,
            "page": self._look,
        }

    def run(self, enough: threading.Event) -> None:
        while not enough.is_set():
            answered = sum(self._made(name, call) for name, call in self._calls.items())
            self.rounds += answered == len(self._calls)

    def _made(self, name: str, call: Callable[[], object]) -> bool:
        """Whether it was answered; what is no reason to come again is noted."""
        try:
            call()
        except httpx.TransportError:
            time.sleep(0.05)  # as a kiosk, which does not come back at once
            self._kiosk.http = self._served.client()
            return False
        except RefusalError as refusal:
            if refusal.code is not ErrorCode.TOO_BUSY:
                self.wrong[f"{name}: {refusal}"] += 1
            return False
        except Exception as error:  # noqa: BLE001 - told to the test
            self.wrong[f"{name}: {error!r}"] += 1
            return False
        return True

    def _send_records(self) -> None:
        self._unsent.append(self._desk.answer("q1", {"kind": "numeric", "text": "1"}))
        assert self._desk.send(*self._unsent).head == self._desk.head
        self._unsent.clear()

    def _begin_stream(self) -> None:
        proof = sign_request(
            self._kiosk.signing,
            station=self._kiosk.station,
            method="POST",
            target=EVENTS,
            body=b"",
            now=self._kiosk.clock.now,
            nonce=os.urandom(NONCE_BYTES),
        )
        with self._kiosk.http.stream("POST", EVENTS, headers=proof.headers()) as answer:
            if answer.status_code != 200:
                refusal = Refusal.model_validate_json(answer.read())
                raise RefusalError(answer.status_code, refusal)
            next(answer.iter_lines())

    def _look(self) -> None:
        answer = self._kiosk.http.get("/", headers={"cookie": f"{SESSION_COOKIE}={self._cookie}"})
        if answer.status_code == 503:
            refusal = Refusal(
                code=ErrorCode.TOO_BUSY, message="page", server_time=self._kiosk.clock.now
            )
            raise RefusalError(503, refusal)
        assert answer.status_code == 200, answer.text


def once_more(callers: list[Caller]) -> None:
    """Until every call of every one was answered twice more in a row."""
    wanted = [caller.rounds + 2 for caller in callers]
    end = time.monotonic() + 2 * PATIENCE
    while any(caller.rounds < rounds for caller, rounds in zip(callers, wanted, strict=True)):
        assert time.monotonic() < end, "they do not get on"
        time.sleep(0.02)


def stopped_and_started(running: Served, _cluster: PostgresCluster) -> None:
    assert running.server.stop() == 0
    running.server.start()


def one_process_killed(running: Served, _cluster: PostgresCluster) -> None:
    running.server.kill_worker()


def database_restarted(_running: Served, cluster: PostgresCluster) -> None:
    cluster.stop()
    cluster.start()


def database_killed(_running: Served, cluster: PostgresCluster) -> None:
    cluster.kill()
    cluster.start()


def connections_cut(_running: Served, cluster: PostgresCluster) -> None:
    for _ in range(5):
        cluster.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE application_name = '{APPLICATION}'"
        )


def test_whatever_ends_and_comes_back_nobody_hears_of_a_fault(
    running: Served, cluster: PostgresCluster
) -> None:
    enough = threading.Event()
    callers = [Caller(running, running.kiosk(seat)) for seat in SEATS]
    threads = [threading.Thread(target=one.run, args=(enough,), daemon=True) for one in callers]
    for thread in threads:
        thread.start()
    heard: dict[str, Counter[str]] = {}
    outages = (
        stopped_and_started,
        one_process_killed,
        database_restarted,
        database_killed,
        connections_cut,
    )
    once_more(callers)
    for outage in outages:
        outage(running, cluster)
        once_more(callers)
        heard[outage.__name__] = sum((one.wrong for one in callers), Counter())
    enough.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert heard == {outage.__name__: Counter() for outage in outages}
