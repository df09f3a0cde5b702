"""What stations and people hear while the database is in trouble: come again, and never a fault.

The trouble is PostgreSQL's own, raised by triggers within the calls' transactions.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from kiosk import Desk, RefusalError
from server_world import OFFICE, World

from exam_server import db
from exam_server.app import create_app
from exam_server.attempts.models import JournalRecord
from exam_server.auth import officer_of, open_session
from exam_server.context import Server
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Visited
from exam_server.web.visit import SESSION_COOKIE

POSTGRES = pytest.mark.parametrize(
    "databases", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)

#: What PostgreSQL may say of itself, by SQLSTATE: all of it goes by.
RAISED = {
    "serialization failure": "40001",
    "deadlock": "40P01",
    "lock not available": "55P03",
    "statement timeout": "57014",
    "too many connections": "53300",
    "disk full": "53100",
    "out of memory": "53200",
    "admin shutdown": "57P01",
    "cannot connect now": "57P03",
    "a disk's error": "58030",
    "read only": "25006",
    "idle in transaction": "25P03",
    "transaction timeout": "25P04",
}
TROUBLES = {
    **{name: f"RAISE EXCEPTION 'x' USING ERRCODE = '{code}'" for name, code in RAISED.items()},
    "connection cut": "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(30)",
}
#: An internal error, and a statement after one that failed: neither goes by.
FAULTS = [f"RAISE EXCEPTION 'x' USING ERRCODE = '{code}'" for code in ("XX000", "25P02")]


@contextmanager
def trouble(server: Server, what: str, table: str) -> Iterator[None]:
    """Whoever writes to `table` meets `what`."""
    function = (
        f"CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what}; END $$"
    )
    trigger = (
        f"CREATE TRIGGER trouble BEFORE INSERT OR UPDATE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION trouble()"
    )
    with server.engine.begin() as connection:
        connection.execute(sa.text(function))
        connection.execute(sa.text(trigger))
    try:
        yield
    finally:
        with server.engine.begin() as connection:
            connection.execute(sa.text("DROP FUNCTION trouble CASCADE"))


def refused(call: Callable[[], object]) -> tuple[ErrorCode, int]:
    with pytest.raises(RefusalError) as refusal:
        call()
    return refusal.value.code, refusal.value.status


COME_AGAIN = dict.fromkeys(TROUBLES, (ErrorCode.TOO_BUSY, 503))


@POSTGRES
def test_a_signed_call_is_told_to_come_again(world: World) -> None:
    kiosk, heard = world.kiosk(), {}
    for name, what in TROUBLES.items():
        with trouble(world.server, what, "request_nonce"):
            heard[name] = refused(kiosk.heartbeat)
        kiosk.heartbeat()
    assert heard == COME_AGAIN


@pytest.fixture
def desk(world: World) -> Desk:
    """A candidate who writes; the form is open."""
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    world.start_shift()
    desk = kiosk.lease(kiosk.heartbeat().placement.attempt)
    desk.send(desk.record(Visited("i0")))
    return desk


@POSTGRES
@pytest.mark.parametrize("table", ["journal_record", "attempt"])
def test_records_are_told_to_come_again_and_are_kept_once(
    world: World, desk: Desk, table: str
) -> None:
    heard = {}
    for name, what in TROUBLES.items():
        record = desk.record(Visited("i1"))
        with trouble(world.server, what, table):
            heard[name] = refused(lambda record=record: desk.send(record))
        assert desk.send(record).sequence == record.sequence
    assert heard == COME_AGAIN
    with world.server.reading() as session:
        kept = session.scalars(sa.select(JournalRecord.sequence).order_by(JournalRecord.sequence))
        assert list(kept) == list(range(1, desk.next_sequence))


@POSTGRES
def test_a_fault_of_the_database_itself_is_told_to_the_operator(
    world: World, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    record = desk.record(Visited("i1"))
    for fault in FAULTS:
        caplog.clear()
        with trouble(world.server, fault, "journal_record"):
            assert refused(lambda: desk.send(record)) == (ErrorCode.INTERNAL, 500)
        assert "a station's call failed" in caplog.text
    assert desk.send(record).sequence == 2


@POSTGRES
def test_people_are_asked_to_try_again(world: World) -> None:
    server, heard = world.server, {}
    world.open_shift()
    token = open_session(server.engine, OFFICE, now=world.clock.now, rng=os.urandom)
    officer = officer_of(server.engine, token, now=world.clock.now)
    assert officer is not None
    for name, what in TROUBLES.items():
        with trouble(server, what, "audit_entry"):
            answer = world.http.post(
                f"/shifts/{world.shift_id}/start",
                data={"csrf": officer.csrf_token},
                headers={"cookie": f"{SESSION_COOKIE}={token}"},
            )
        heard[name] = answer.status_code, "Thử lại" in answer.text or "thử lại" in answer.text
    assert heard == dict.fromkeys(TROUBLES, (503, True))


def test_without_a_database_people_see_a_proper_page(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    server = world.server
    nowhere = db.create_engine("sqlite:////nowhere/at/all.db")
    app = create_app(server.settings, server.keys, nowhere, server.trust, server.clock)
    with TestClient(app, base_url="https://testserver") as http:
        answer = http.get("/", headers={"cookie": f"{SESSION_COOKIE}=somebody"})
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert "Máy chủ đang bận" in answer.text
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
