"""The desk goes on with an attempt that was begun at another station."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from desk_seat import Seat, bodies, until
from hypothesis import given
from hypothesis import strategies as st
from station_papers import NOON
from station_server import ATTEMPT, RefusedError, StationServer

from exam_server.contract import api, journal_file
from exam_server.contract.batches import Batch
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.ledger import Ledger
from exam_server.contract.records import (
    Answered,
    Body,
    Flagged,
    Opened,
    Record,
    Visited,
    WritingKeys,
    genesis,
)
from exam_station.continuing import continues, take
from exam_station.flow.codes import NoticeCode
from exam_station.stopping import StoppedError
from question_bank.response import ChoiceResponse

Place = Callable[[], Seat]
CHOSEN = ChoiceResponse(("o2",)).to_plain()
#: A station's own records, and those that the server was sent too late.
Came = tuple[tuple[Record, ...], list[Record]]


def chain(keys: WritingKeys, *some: Body, after: tuple[int, bytes] | None = None) -> list[Record]:
    sequence, head = after or (0, genesis(keys.attempt))
    records = []
    for body in some:
        sequence += 1
        record = keys.seal(
            body, sequence=sequence, previous=head, acknowledged=0, at=1, rng=os.urandom
        )
        records.append(record)
        head = record.head
    return records


def written_elsewhere(server: StationServer) -> list[Record]:
    """What another station had sent before the takeover; the lease's epoch is 2 now."""
    keys = WritingKeys(ATTEMPT, 1, os.urandom(32), server.attempt_key)
    records = chain(
        keys, Opened("0101"), Answered("a", CHOSEN), Flagged("c", True), Visited("b"), Visited("d")
    )
    server.records = list(records)
    server.epoch = 2
    return records


def file_of(data: Path, name: str = "journal") -> journal_file.Contents:
    return journal_file.read((data / "attempts" / ATTEMPT / name).read_bytes())


def test_the_paper_goes_on_with_all_that_was_written(
    server: StationServer, place: Place, data: Path
) -> None:
    records = written_elsewhere(server)
    seat = place()
    opened = seat.desk.open(ATTEMPT)
    assert opened.sitting.current == "d"
    assert opened.sitting.responses == {"a": ChoiceResponse(("o2",))}
    assert opened.sitting.flags == {"c"}
    assert file_of(data).records == tuple(records)
    seat.desk.write(Visited("a"))
    until(lambda: len(server.records) == 6)
    assert [record.epoch for record in server.records] == [1, 1, 1, 1, 1, 2]
    seat.close()
    again = place().desk.open(ATTEMPT)  # a restart asks for nothing of it again
    assert again.sitting.current == "a"
    assert server.calls.count("attempts/history") == 3


def test_a_crash_between_lease_and_journal_asks_for_the_records_again(
    server: StationServer, place: Place, data: Path
) -> None:
    written_elsewhere(server)
    server.refuse["attempts/history"] = ErrorCode.TOO_BUSY
    seat = place()
    seat.desk.take_lease(ATTEMPT)
    with pytest.raises(Exception, match="too_busy"):
        seat.desk.open(ATTEMPT)
    assert not (data / "attempts" / ATTEMPT / "journal").exists()
    server.refuse.clear()
    assert place().desk.open(ATTEMPT).sitting.current == "d"


@pytest.mark.parametrize("fault", ["changed", "another chain", "another key", "cut off"])
def test_what_is_no_chain_to_the_leases_head_is_not_written_on(
    server: StationServer, place: Place, data: Path, fault: str
) -> None:
    records = written_elsewhere(server)
    match fault:
        case "changed":
            forged = records[2].to_bytes()
            server.spoil = lambda record: forged if record.sequence == 2 else record.to_bytes()
        case "another chain":
            keys = WritingKeys(ATTEMPT, 1, os.urandom(32), server.attempt_key)
            other = {r.sequence: r for r in chain(keys, *[Visited("a")] * 5)}
            server.spoil = lambda record: other[record.sequence].to_bytes()
        case "another key":
            keys = WritingKeys(ATTEMPT, 1, os.urandom(32), os.urandom(32))
            server.records = chain(keys, *[Visited("a")] * 5)
        case "cut off":
            server.page = 0
    with pytest.raises(StoppedError) as caught:
        place().desk.open(ATTEMPT)
    assert caught.value.code is NoticeCode.SERVER_REFUSES
    assert not (data / "attempts" / ATTEMPT / "journal").exists()


@pytest.fixture
def came_back(server: StationServer, place: Place, data: Path) -> Came:
    """The records of a station that has a lease again, two of them unsent, while another one wrote
    in between; and what of them the server hears of as too late."""
    seat = place()
    seat.desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1)
    server.stop()
    seat.desk.write(Answered("a", CHOSEN))
    seat.desk.write(Visited("c"))
    seat.close()
    mine = file_of(data).records
    elsewhere = WritingKeys(ATTEMPT, 2, os.urandom(32), server.attempt_key)
    server.records += chain(elsewhere, Visited("b"), after=(1, server.records[0].head))
    server.epoch = 3
    server.serve()
    late: list[Record] = []
    take_batch = server._take

    def taking(batch: Batch) -> api.Acknowledged:
        some = [Record.from_bytes(data) for data in batch.records]
        if any(record.epoch < 3 for record in some):
            late.extend(some)
            server.evidence += some
            raise RefusedError(ErrorCode.LEASE_SUPERSEDED)
        return take_batch(batch)

    server._take = taking  # type: ignore[method-assign]  # to see what it is sent
    return mine, late


def test_back_at_a_station_with_unsent_records_they_are_evidence_and_the_journal_is_put_by(
    place: Place, data: Path, came_back: Came
) -> None:
    mine, late = came_back
    opened = place().desk.open(ATTEMPT)
    assert opened.sitting.current == "b" and opened.sitting.responses == {}
    assert [record.head for record in late] == [record.head for record in mine[1:]]
    assert file_of(data, "journal.before-3").records == mine
    assert [record.epoch for record in file_of(data).records] == [1, 2]


def test_where_the_others_records_are_refused_what_was_unsent_is_sent_all_the_same(
    server: StationServer, place: Place, data: Path, came_back: Came
) -> None:
    """Nobody may take it that the server has everything before anything was sent."""
    mine, late = came_back
    server.refuse["attempts/history"] = ErrorCode.PLACEMENT_ELSEWHERE
    with pytest.raises(StoppedError) as caught:
        place().desk.open(ATTEMPT)
    assert caught.value.code is NoticeCode.MOVED
    assert {record.head for record in mine[1:]} <= {record.head for record in late}
    assert file_of(data).records == mine


def test_a_flush_at_another_seat_says_that_the_candidate_was_moved(
    server: StationServer, place: Place
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    seat.desk.write(Visited("b"))
    server.refuse["attempts/lease"] = ErrorCode.PLACEMENT_ELSEWHERE
    with pytest.raises(StoppedError) as caught:
        seat.desk.flush(ATTEMPT)
    assert caught.value.code is NoticeCode.MOVED
    assert len(server.records) == 2 and bodies(server)[-1] == Visited("b")
    assert seat.desk.head(ATTEMPT) == server.head
    seat.desk.close()
    assert seat.desk.head(ATTEMPT) is None


KEYS = WritingKeys("t", 1, bytes(32), bytes(32))
NEXT = WritingKeys("t", 2, bytes(32), bytes(32))


def lease(epoch: int, records: list[Record]) -> api.LeaseView:
    return api.LeaseView(
        attempt="t",
        epoch=epoch,
        lease_key=b"",
        attempt_key=b"",
        next_sequence=len(records) + 1,
        head=records[-1].head if records else genesis("t"),
        package="p",
        code="0101",
        ledger=api.LedgerView.of(Ledger(timedelta(minutes=1))),
        server_time=NOON,
    )


@given(
    before=st.integers(0, 6),
    common=st.integers(0, 6),
    since=st.integers(0, 6),
    page=st.integers(1, 4),
)
def test_own_records_that_the_server_lacks_are_exactly_those_behind_the_common_ones(
    before: int, common: int, since: int, page: int
) -> None:
    mine = chain(KEYS, *[Visited("a")] * before)
    shared = mine[: min(common, before)]
    tail = (len(shared), shared[-1].head if shared else genesis("t"))
    server = [*shared, *chain(NEXT, *[Visited("b")] * since, after=tail)]

    def ask(after: int) -> api.HistoryView:
        some = [record.to_bytes() for record in server[after : after + page]]
        head = server[-1].head if server else genesis("t")
        return api.HistoryView(records=some, sequence=len(server), head=head, server_time=NOON)

    taken = take(lease(3, server), NEXT, mine, ask)
    assert taken.records == tuple(server)
    assert taken.own == tuple(mine[len(shared) :])
    assert continues(server, lease(3, server))
    assert continues(mine, lease(3, server)) == (mine == server)
    assert continues(mine, lease(1, shared))  # its own lease, and what it wrote since


def test_a_server_that_gives_less_than_it_says_is_not_believed() -> None:
    records = chain(KEYS, *[Visited("a")] * 3)

    def ask(after: int) -> api.HistoryView:
        return api.HistoryView(records=[], sequence=3, head=records[-1].head, server_time=NOON)

    with pytest.raises(ContractError, match="gives no record 1"):
        take(lease(2, records), NEXT, (), ask)
