"""Killed, stopped and started again while stations write: nothing acknowledged is lost."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from kiosk import RefusalError
from served import PATIENCE, Served, make_server
from sqlalchemy.engine import Connection
from sqlmodel import col, select
from writers import begin_writing, wait_for_more

from card_reader.trust.store import TrustStore
from exam_server import settings
from exam_server.audit import AuditEntry, AuditSeal, verify_log
from exam_server.contract.errors import ErrorCode

pytestmark = [
    pytest.mark.processes,
    pytest.mark.xdist_group("processes"),
    pytest.mark.timeout(400),
]

SEED = 20261205
SEVERAL = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture(scope="module", params=["sqlite", SEVERAL])
def running(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    trust: TrustStore,
) -> Iterator[Served]:
    """A started shift: SQLite in one process, or PostgreSQL and two."""
    where = {}
    if request.param == "postgresql":
        cluster = request.getfixturevalue("postgres_cluster")
        nats = request.getfixturevalue("nats")
        where = {"database": cluster.create_database("load"), "workers": 2, "nats": nats.url}
    folder: Path = tmp_path_factory.mktemp("load")
    with Served.of(make_server(folder, **where), trust) as served:
        served.world.open_shift()
        served.start_shift()
        yield served


def test_killed_at_random_moments_it_keeps_what_it_acknowledged(running: Served) -> None:
    rng, enough = random.Random(SEED), threading.Event()
    writers = begin_writing(running, range(1, 5), enough)
    for _ in range(3):
        wait_for_more(writers, 5)
        time.sleep(rng.random() * 0.2)
        running.server.kill()
        for writer in writers:
            writer.check()
        running.server.start()
    wait_for_more(writers, 5)
    enough.set()
    for writer in writers:
        writer.join()
        assert writer.check() >= 20


@pytest.mark.parametrize("running", [SEVERAL], indirect=True)
def test_a_process_killed_at_random_moments_loses_nothing_acknowledged(running: Served) -> None:
    rng, enough = random.Random(SEED + 1), threading.Event()
    writers = begin_writing(running, range(7, 11), enough)
    for _ in range(3):
        wait_for_more(writers, 5)
        time.sleep(rng.random() * 0.2)
        os.kill(rng.choice(running.server.worker_pids()), signal.SIGKILL)
    wait_for_more(writers, 5)
    enough.set()
    for writer in writers:
        writer.join()
        writer.check()


def replaced(running: Served, gone: int) -> None:
    """Waits until another process has the place of `gone`."""
    end = time.monotonic() + 3 * PATIENCE
    while gone in (now := running.server.worker_pids()) or len(now) < 2:
        assert time.monotonic() < end, "it was not replaced"
        time.sleep(0.01)


@pytest.mark.parametrize("running", [SEVERAL], indirect=True)
def test_a_process_that_hangs_is_replaced_and_loses_nothing_acknowledged(
    running: Served,
) -> None:
    server = running.server
    kept = settings.load(server.folder)
    settings.save(server.folder, kept.model_copy(update={"silent_seconds": 2.0}))
    server.stop()
    server.start()
    enough = threading.Event()
    writers = begin_writing(running, range(15, 19), enough)
    wait_for_more(writers, 5)
    hanging = server.freeze_worker()
    replaced(running, hanging)
    assert "a process hangs and is killed" in server.log.read_text()
    # One that hangs before it answers for the first time.
    killed = server.kill_worker()
    replaced(running, killed)
    beginning = server.worker_pids()[-1]
    os.kill(beginning, signal.SIGSTOP)
    replaced(running, beginning)
    wait_for_more(writers, 5)
    enough.set()
    for writer in writers:
        writer.join()
        writer.check()
    # A busy machine may take a sound one for hanging, too.
    assert server.log.read_text().count("a process hangs and is killed") >= 2


def test_stopped_in_order_it_has_answered_all_that_it_kept(running: Served) -> None:
    enough = threading.Event()
    writers = begin_writing(running, range(13, 17), enough)
    wait_for_more(writers, 10)
    before = seals(running)
    assert running.server.stop() == 0
    # Committed and answered are one: nobody has to send anything again.
    assert [writer.check() for writer in writers] == [writer.acknowledged for writer in writers]
    assert last_sealed(running) == last_entry(running)
    assert seals(running) - before in (0, 1)
    running.server.start()
    wait_for_more(writers, 5)
    enough.set()
    for writer in writers:
        writer.join()
        writer.check()
    with running.world.server.reading() as session:
        assert verify_log(session, running.world.server.keys.signing.public_key()).fault is None


def test_started_again_and_again_under_load_nobody_is_refused(running: Served) -> None:
    enough = threading.Event()
    writers = begin_writing(running, range(19, 23), enough)
    for _ in range(2):
        wait_for_more(writers, 5)
        assert running.server.stop() == 0
        running.server.start()
    wait_for_more(writers, 5)
    enough.set()
    for writer in writers:
        writer.join()
        writer.check()


@pytest.mark.parametrize("running", [SEVERAL], indirect=True)
def test_a_batch_that_the_database_keeps_waiting_at_the_end_is_told_to_come_again(
    running: Served,
) -> None:
    kiosk = running.kiosk(24)
    attempt = running.attempt_at(kiosk)
    desk = kiosk.lease(attempt)
    kiosk.open_form(attempt)
    written = desk.answer("q1", {"kind": "numeric", "text": "12"})
    with ThreadPoolExecutor(1) as pool, running.world.server.engine.connect() as holding:
        holding.execute(sa.text("SELECT 1 FROM attempt WHERE id = :id FOR UPDATE"), {"id": attempt})
        sending = pool.submit(desk.send, written)
        waited_for(holding)
        running.server.terminate()
        with pytest.raises(RefusalError) as refused:
            sending.result(PATIENCE)
        assert refused.value.code is ErrorCode.TOO_BUSY
    assert running.server.stop() == 0
    running.server.start()
    desk.kiosk.http = running.client()
    assert desk.send(written).sequence == 1


def waited_for(holding: Connection) -> None:
    """Until some other connection waits for a lock."""
    end = time.monotonic() + PATIENCE
    query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    while not holding.execute(query).scalar_one():
        assert time.monotonic() < end, "nobody waits"
        time.sleep(0.02)


def last_entry(served: Served) -> int:
    with served.world.server.reading() as session:
        query = select(AuditEntry.sequence).order_by(col(AuditEntry.sequence).desc()).limit(1)
        return session.exec(query).one()


def last_sealed(served: Served) -> int:
    with served.world.server.reading() as session:
        query = select(AuditSeal.sequence).order_by(col(AuditSeal.sequence).desc()).limit(1)
        return session.exec(query).one()


def seals(served: Served) -> int:
    with served.world.server.reading() as session:
        return len(session.exec(select(AuditSeal.sequence)).all())
