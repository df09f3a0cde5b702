"""Lease, package, journal, uploader and receipt together, against a server over TLS."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from station_server import ATTEMPT, StationServer

from exam_server.contract import api, records
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Answered, Opened, Submitted, Visited
from exam_server.contract.wrapping import Purpose, unwrap
from exam_station import journal as journals
from exam_station.client import Client, ServerRefusedError, ServerUnreachableError
from exam_station.clock import ServerClock
from exam_station.desk import Desk
from exam_station.flow.states import NoticeCode
from exam_station.staging import Packages
from exam_station.uploader import BACK_OFF_MOST, Progress, StoppedError, back_off
from exam_station.vault import Vault
from question_bank.response import ChoiceResponse

BEAT = api.Heartbeat(
    state=api.StationState.IDLE, program_version="test", reader_ready=True, camera_ready=True
)


class Seat:
    """A desk with what it told."""

    def __init__(self, data: Path, vault: Vault) -> None:
        clock = ServerClock()
        self.client = Client(vault, clock)
        self.progress: list[Progress] = []
        self.stopped: list[StoppedError] = []
        self.packages = Packages(data, self.client, vault)
        self.desk = Desk(
            data,
            client=self.client,
            vault=vault,
            clock=clock,
            packages=self.packages,
            told=lambda _, progress: self.progress.append(progress),
            stopped=lambda _, error: self.stopped.append(error),
        )

    def close(self) -> None:
        self.desk.close()
        self.client.close()


@pytest.fixture
def place(server: StationServer, vault: Vault, data: Path) -> Iterator[Callable[[], Seat]]:
    """Makes a seat; a second one is the same station started again."""
    seats: list[Seat] = []

    def make() -> Seat:
        for former in seats:
            former.close()
        seats.append(Seat(data, vault))
        return seats[-1]

    yield make
    for seat in seats:
        seat.close()


def until(done: Callable[[], bool], seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def bodies(server: StationServer) -> list[records.Body]:
    return [record.open(server.attempt_key)[0] for record in server.records]


def test_from_the_lease_to_the_receipt(
    server: StationServer, place: Callable[[], Seat], data: Path
) -> None:
    seat = place()
    desk = seat.desk
    assert desk.take_lease(ATTEMPT).epoch == 1
    opened = desk.open(ATTEMPT)
    assert opened.sitting.form.code == "0101" and opened.ledger.started is not None
    desk.write(opened.sitting.answer("a", ChoiceResponse(("o1",)))[1])
    desk.write(Visited("b"))
    until(lambda: len(server.records) == 3)
    desk.write(Submitted("candidate"))
    receipt = desk.submit(ATTEMPT)
    assert (receipt.sequence, receipt.head) == (4, server.head)
    answered = Answered("a", {"kind": "single", "options": ["o1"]})
    assert bodies(server) == [Opened("0101"), answered, Visited("b"), Submitted("candidate")]
    assert server.heads[-1].sequence == 4
    assert not seat.stopped
    journal = data / "attempts" / ATTEMPT / "journal"
    for secret in (server.attempt_key, server.lease_key, server.content_key, b"o1"):
        assert all(secret not in path.read_bytes() for path in data.rglob("*") if path.is_file())
    header = journals.read(journal.read_bytes()).header
    recovered = unwrap(header.recovery, server.recovery, Purpose.ATTEMPT_KEY, ATTEMPT)
    assert recovered == server.attempt_key


def test_a_restart_goes_on_where_it_was_left(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    desk = place().desk
    sitting = desk.open(ATTEMPT).sitting
    for operation in (
        lambda s: s.answer("a", ChoiceResponse(("o2",))),
        lambda s: s.flag("c", True),
        lambda s: s.go_to("d"),
    ):
        sitting, body = operation(sitting)
        desk.write(body)
    again = place().desk
    assert again.open(ATTEMPT).sitting == sitting
    assert server.calls.count("attempts/lease") == 1
    again.write(Visited("a"))
    until(lambda: len(server.records) == 5)


def test_writing_goes_on_without_network_and_everything_arrives_later(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    server.stop()
    for number in range(5):
        seat.desk.write(Visited("abcda"[number]))
    seat.desk.write(Submitted("candidate"))
    with pytest.raises(ServerUnreachableError):
        seat.desk.submit(ATTEMPT)
    server.serve()
    receipt = seat.desk.submit(ATTEMPT)
    assert receipt.sequence == len(server.records) == 7
    assert bodies(server)[1:] == [*(Visited(each) for each in "abcda"), Submitted("candidate")]


def test_a_lost_answer_loses_and_doubles_nothing(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1)
    server.forget.add("attempts/records")
    seat.desk.write(Visited("b"))
    until(lambda: seat.progress[-1].unsent == 0 and len(server.records) == 2)
    seat.desk.write(Submitted("time"))
    server.forget.add("attempts/submit")
    with pytest.raises(ServerRefusedError):
        seat.desk.submit(ATTEMPT)
    receipt = seat.desk.submit(ATTEMPT)
    assert receipt.sequence == 3
    assert place().desk.submit(ATTEMPT) == receipt


def test_a_server_restored_from_an_older_backup_gets_the_gap_filled(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    for item in "bcd":
        seat.desk.write(Visited(item))
    until(lambda: len(server.records) == 4)
    del server.records[2:]
    seat.desk.write(Visited("a"))
    until(lambda: len(server.records) == 5)
    assert [record.sequence for record in server.records] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("code", "notice"),
    [
        (ErrorCode.LEASE_SUPERSEDED, NoticeCode.TAKEN_OVER),
        (ErrorCode.ATTEMPT_CLOSED, NoticeCode.ATTEMPT_CLOSED),
        (ErrorCode.RECORD_REJECTED, NoticeCode.SERVER_REFUSES),
    ],
)
def test_a_final_refusal_stops_and_is_named(
    server: StationServer, place: Callable[[], Seat], code: ErrorCode, notice: NoticeCode
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1)
    server.refuse["attempts/records"] = code
    seat.desk.write(Visited("b"))
    until(lambda: bool(seat.stopped))
    assert seat.stopped[0].code is notice


def test_answers_that_lie_elsewhere_are_not_written_over(
    server: StationServer, place: Callable[[], Seat], data: Path
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1)
    seat.close()
    journal = data / "attempts" / ATTEMPT / "journal"
    kept = journal.read_bytes()
    journal.unlink()
    with pytest.raises(StoppedError) as caught:
        place().desk.open(ATTEMPT)
    assert caught.value.code is NoticeCode.ANSWERS_ELSEWHERE
    journal.write_bytes(kept)
    server.records.clear()
    assert place().desk.open(ATTEMPT).sitting.current == "a"
    until(lambda: len(server.records) == 1)


def test_a_damaged_journal_and_a_damaged_package_are_named(
    server: StationServer, place: Callable[[], Seat], data: Path
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    seat.close()
    journal = data / "attempts" / ATTEMPT / "journal"
    kept = bytearray(journal.read_bytes())
    kept[200] ^= 1
    journal.write_bytes(kept)
    with pytest.raises(StoppedError) as caught:
        place().desk.open(ATTEMPT)
    assert caught.value.code is NoticeCode.JOURNAL_DAMAGED
    package = data / "packages" / "package-1.sealed"
    sealed = bytearray(package.read_bytes())
    sealed[-1] ^= 1
    package.write_bytes(sealed)
    with pytest.raises(StoppedError) as caught:
        place().desk.open(ATTEMPT)
    assert caught.value.code is NoticeCode.PACKAGE_DAMAGED


def test_a_candidate_who_was_moved_away_and_back_goes_on_under_a_new_epoch(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    place().desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1)
    server.epoch = 3
    desk = place().desk
    desk.open(ATTEMPT)
    desk.write(Visited("b"))
    until(lambda: len(server.records) == 2)
    assert [record.epoch for record in server.records] == [1, 3]


def test_before_the_start_nothing_opens(server: StationServer, place: Callable[[], Seat]) -> None:
    server.state = api.ShiftState.OPEN
    seat = place()
    seat.desk.take_lease(ATTEMPT)
    with pytest.raises(ServerRefusedError) as caught:
        seat.desk.open(ATTEMPT)
    assert caught.value.code is ErrorCode.NOT_STARTED


def test_staging_takes_only_what_is_whole_and_signed(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    import hashlib

    digest = hashlib.sha256(server.sealed).digest()
    view = api.PackageView(id="package-1", sha256=digest, size=len(server.sealed))
    seat = place()
    assert seat.packages.stage([view]) == {"package-1"}
    assert seat.packages.stage([view]) == {"package-1"}
    assert server.calls.count("packages/package-1") == 1
    other = view.model_copy(update={"sha256": b"x" * 32})
    assert seat.packages.stage([other]) == frozenset()


def test_large_journals_go_in_bounded_batches(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    server.stop()
    for number in range(450):
        seat.desk.write(Visited("abcd"[number % 4]))
    server.serve()
    seat.desk.write(Submitted("time"))
    assert seat.desk.submit(ATTEMPT).sequence == 452
    assert max(server.batches) <= 200


def test_back_off_grows_is_capped_and_jitters() -> None:
    waits = [back_off(failures, 1.0) for failures in range(12)]
    assert waits == sorted(waits) and waits[-1] <= BACK_OFF_MOST
    assert back_off(3, 0.0) == back_off(3, 1.0) / 2
