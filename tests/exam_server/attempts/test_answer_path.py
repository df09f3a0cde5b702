"""The records' call: who is let in, how it refuses, and a database that fails in the middle."""

from collections.abc import Sequence
from datetime import datetime

import pytest
import sqlalchemy as sa
from kiosk import Desk, RefusalError
from server_world import FIRST, World
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from exam_server.attempts import group
from exam_server.attempts.hot_postgres import tables_of
from exam_server.attempts.hot_tables import HotTables, MovedRow, RecordRow
from exam_server.attempts.models import Attempt, EvidenceRecord, JournalRecord, SetAside
from exam_server.contract import api
from exam_server.contract.batches import CONTENT_TYPE, MAX_BATCH_BYTES, Batch
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Visited
from exam_server.stations import service as stations


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


def refused(code: ErrorCode, status: int, desk: Desk, body: bytes) -> None:
    with pytest.raises(RefusalError) as refusal:
        desk.send_batch(body)
    assert (refusal.value.code, refusal.value.status) == (code, status)


def kept(world: World) -> list[int]:
    query = sa.select(JournalRecord.sequence).order_by(JournalRecord.sequence)
    with world.server.reading() as session:
        return list(session.scalars(query))


def set_aside(world: World) -> list[SetAside]:
    with world.server.reading() as session:
        return list(session.scalars(sa.select(EvidenceRecord.reason)))


def batch(desk: Desk, *, epoch: int = 1, key: bytes | None = None) -> bytes:
    record = desk.record(Visited("i1")).to_bytes()
    whole = Batch(desk.view.attempt, epoch, (record,))
    return whole.to_bytes(desk.keys.lease_key if key is None else key)


def test_a_forged_mac_is_refused_and_leaves_no_trace(world: World, desk: Desk) -> None:
    refused(ErrorCode.BAD_SIGNATURE, 401, desk, batch(desk, key=bytes(32)))
    assert kept(world) == [1]
    assert set_aside(world) == []


def test_a_forged_mac_waits_for_nobody_and_makes_nobody_wait(world: World, desk: Desk) -> None:
    """It is refused while somebody else holds the attempt, and all that a database can lock."""
    with world.server.transaction() as session:
        attempt = session.scalars(sa.select(Attempt).with_for_update()).one()
        attempt.arrived_late = False
        session.flush()
        refused(ErrorCode.BAD_SIGNATURE, 401, desk, batch(desk, key=bytes(32)))


def test_a_changed_byte_anywhere_in_a_batch_is_refused(world: World, desk: Desk) -> None:
    good = batch(desk)
    for place in range(0, len(good), 23):
        spoiled = bytearray(good)
        spoiled[place] ^= 0x55
        with pytest.raises(RefusalError) as refusal:
            desk.send_batch(bytes(spoiled))
        assert refusal.value.code in (ErrorCode.BAD_REQUEST, ErrorCode.BAD_SIGNATURE)
    assert desk.send_batch(good).sequence == 2


def test_a_lease_that_was_never_given_is_unknown(world: World, desk: Desk) -> None:
    refused(ErrorCode.NOT_FOUND, 404, desk, batch(desk, epoch=7))
    assert kept(world) == [1]


def test_the_mac_of_an_old_lease_brings_evidence_and_no_answers(world: World, desk: Desk) -> None:
    world.kiosks.clear()
    replacement = world.kiosk()
    taken = replacement.lease(replacement.heartbeat().placement.attempt)
    assert taken.view.epoch == 2
    refused(ErrorCode.LEASE_SUPERSEDED, 409, desk, batch(desk))
    assert kept(world) == [1]
    assert set_aside(world) == [SetAside.SUPERSEDED_LEASE]
    # Nor do the old keys prove anything under the new lease.
    refused(ErrorCode.BAD_SIGNATURE, 401, desk, batch(desk, epoch=2))
    assert taken.send(taken.record(Visited("i2"))).sequence == 2


def test_a_revoked_station_brings_nothing_in(world: World, desk: Desk) -> None:
    with world.server.transaction() as session:
        stations.revoke(
            session, desk.kiosk.station, officer=FIRST, reason="mất máy", now=world.clock.now
        )
    refused(ErrorCode.STATION_REVOKED, 401, desk, batch(desk))
    assert kept(world) == [1]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\x80", bytes(100), bytes(MAX_BATCH_BYTES + 1)],
    ids=["nothing", "json", "cbor", "zeros", "too long"],
)  # fmt: skip
def test_what_is_no_batch_is_refused_as_such(desk: Desk, body: bytes) -> None:
    refused(ErrorCode.BAD_REQUEST, 400, desk, body)


def test_a_batch_goes_to_its_own_attempts_address(world: World, desk: Desk) -> None:
    stranger = Batch("another", 1, ()).to_bytes(desk.keys.lease_key)
    refused(ErrorCode.BAD_REQUEST, 400, desk, stranger)


def test_records_are_sent_as_what_they_are(world: World, desk: Desk) -> None:
    path = f"/api/station/attempts/{desk.view.attempt}/records"
    answer = world.http.post(path, content=batch(desk), headers={"content-type": "text/plain"})
    refusal = api.Refusal.model_validate_json(answer.content)
    assert (answer.status_code, refusal.code) == (400, ErrorCode.BAD_REQUEST)
    assert refusal.server_time == world.clock.now
    # Other methods are nothing that the server knows.
    assert world.http.get(path, headers={"content-type": CONTENT_TYPE}).status_code in (404, 405)


class FailingTables(HotTables):
    """Writes as the real ones do, and then the connection breaks before the commit."""

    def __init__(self, real: HotTables) -> None:
        self._real = real
        self.read, self.entries = real.read, real.entries
        self.write_heads = real.write_heads

    def write(
        self, records: Sequence[RecordRow], moved: Sequence[MovedRow], received_at: datetime
    ) -> None:
        HotTables.write(self._real, records, moved, received_at)
        raise OperationalError("a group", None, ConnectionError("the connection broke"))


def test_a_database_that_fails_in_a_group_acknowledges_nothing(
    world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(connection: Connection, centres: set[str]) -> HotTables:
        return FailingTables(tables_of(connection, centres))

    body = batch(desk)
    with monkeypatch.context() as broken:
        broken.setattr(group, "tables_of", failing)
        response = world.http.post(
            f"/api/station/attempts/{desk.view.attempt}/records",
            content=body,
            headers={"content-type": CONTENT_TYPE},
        )
    refusal = api.Refusal.model_validate_json(response.content)
    assert (response.status_code, refusal.code) == (503, ErrorCode.TOO_BUSY)
    assert refusal.retry_after is not None
    assert kept(world) == [1]
    assert desk.send_batch(body).sequence == 2
    assert kept(world) == [1, 2]


def test_what_is_plainly_next_needs_no_rule(
    world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules' way exists beside the group; were all to go there, nobody would notice else."""
    monkeypatch.setattr("exam_server.attempts.journal.append", pytest.fail)
    for number in range(2, 5):
        assert desk.send(desk.record(Visited("i1"))).sequence == number
    assert desk.send(head=desk.signed_head()).sequence == 4
