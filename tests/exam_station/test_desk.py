"""Lease, package, journal, uploader and receipt together, against a server over TLS."""

import errno
import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from desk_seat import Seat, bodies, until
from station_server import ATTEMPT, StationServer

from exam_server.contract import api, journal_file
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Answered, Opened, Submitted, Visited
from exam_server.contract.wrapping import Purpose, unwrap
from exam_station import durable
from exam_station.client import ServerRefusedError, ServerUnreachableError
from exam_station.flow.codes import NoticeCode
from exam_station.stopping import StoppedError
from exam_station.trying_again import BACK_OFF_MOST, LONGEST_ASKED, asked_by, back_off, spread
from exam_station.uploader import Outbox, Progress
from question_bank.response import ChoiceResponse

BEAT = api.Heartbeat(
    state=api.StationState.IDLE, program_version="test", reader_ready=True, camera_ready=True
)


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
    for secret in (server.attempt_key, server.lease_key, server.content_key, b"options"):
        assert all(secret not in path.read_bytes() for path in data.rglob("*") if path.is_file())
    header = journal_file.read(journal.read_bytes()).header
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
    with pytest.raises(ServerUnreachableError):
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


@pytest.mark.parametrize("code", [ErrorCode.ATTEMPT_CLOSED, ErrorCode.LEASE_SUPERSEDED])
def test_what_comes_too_late_is_sent_once_as_evidence_and_stays_in_the_journal(
    server: StationServer, place: Callable[[], Seat], data: Path, code: ErrorCode
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1)
    server.stop()
    for number in range(450):
        seat.desk.write(Visited("abcd"[number % 4]))
    server.refuse["attempts/records"] = code
    server.serve()
    until(lambda: bool(seat.stopped))
    assert [record.sequence for record in server.evidence] == list(range(2, 452))
    journal = data / "attempts" / ATTEMPT / "journal"
    assert len(journal_file.read(journal.read_bytes()).records) == 451


@pytest.mark.parametrize(
    ("code", "notice"),
    [
        (ErrorCode.ATTEMPT_CLOSED, NoticeCode.ATTEMPT_CLOSED),
        (ErrorCode.LEASE_SUPERSEDED, NoticeCode.TAKEN_OVER),
    ],
)
def test_who_writes_on_while_it_comes_too_late_leaves_nothing_behind(
    server: StationServer,
    place: Callable[[], Seat],
    data: Path,
    code: ErrorCode,
    notice: NoticeCode,
) -> None:
    """Between the server's no and the notice on the screen the candidate still writes."""
    seat = place()
    seat.desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1)
    server.refuse["attempts/records"] = code
    with pytest.raises(StoppedError) as stopped:
        for number in range(100_000):
            seat.desk.write(Visited("abcd"[number % 4]))
    assert stopped.value.code is notice
    until(lambda: bool(seat.stopped))
    journal = data / "attempts" / ATTEMPT / "journal"
    written = journal_file.read(journal.read_bytes()).records[1:]
    assert {record.head for record in written} == {record.head for record in server.evidence}


def test_a_disk_that_fails_stops_the_paper_and_a_second_try_goes_on(
    server: StationServer, place: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = place()
    sitting = seat.desk.open(ATTEMPT).sitting
    seat.desk.write(Visited("b"))
    until(lambda: len(server.records) == 2)
    real = os.fdatasync

    def fdatasync(_handle: int) -> None:
        raise OSError(errno.EIO, "the disk failed")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with pytest.raises(StoppedError) as stopped:
        seat.desk.write(Visited("c"))
    assert stopped.value.code is NoticeCode.DISK_FAILED
    seat.desk.close()
    monkeypatch.setattr(os, "fdatasync", real)
    again = seat.desk.open(ATTEMPT).sitting
    assert again == sitting.go_to("b")[0]
    seat.desk.write(Visited("d"))
    until(lambda: len(server.records) == 3)


def test_an_empty_flush_asks_whether_the_attempt_is_still_here(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1 and seat.progress[-1].unsent == 0)
    seat.desk.flush(ATTEMPT)
    assert seat.progress[-1].answer is not None
    server.refuse["attempts/records"] = ErrorCode.LEASE_SUPERSEDED
    with pytest.raises(StoppedError) as caught:
        seat.desk.flush(ATTEMPT)
    assert caught.value.code is NoticeCode.TAKEN_OVER


def test_a_paper_that_lies_open_is_not_opened_twice(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    desk = place().desk
    sitting, body = desk.open(ATTEMPT).sitting.go_to("c")
    desk.write(body)
    assert desk.open(ATTEMPT).sitting == sitting
    assert server.calls.count("attempts/open") == 1
    desk.write(Visited("d"))
    until(lambda: len(server.records) == 3)


def test_a_record_tells_no_moment_after_the_latest(
    server: StationServer, place: Callable[[], Seat]
) -> None:
    seat = place()
    desk = seat.desk
    desk.open(ATTEMPT)
    latest = server.now() - timedelta(seconds=30)
    desk.write(Submitted("time"), latest)
    before = server.now()
    desk.write(Visited("a"), before + timedelta(hours=1))
    after = server.now()
    until(lambda: len(server.records) == 3)
    moments = [
        datetime.fromtimestamp(record.open(server.attempt_key)[1] / 1000, UTC)
        for record in server.records[1:]
    ]
    assert latest - timedelta(milliseconds=2) <= moments[0] <= latest
    off = timedelta(seconds=seat.clock.error or 0)
    assert before - off <= moments[1] <= after + off


def test_the_uploader_survives_what_nobody_foresaw(
    server: StationServer, place: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = place()
    seat.desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1)
    sound, failures = Outbox.push, []

    def failing(self: Outbox) -> Progress:
        if len(failures) < 2:
            failures.append(1)
            raise KeyError("nobody foresaw this")
        return sound(self)

    monkeypatch.setattr(Outbox, "push", failing)
    seat.desk.write(Visited("b"))
    until(lambda: len(server.records) == 2)
    assert len(failures) == 2 and not seat.stopped
    assert any(progress.answer is None and progress.unsent for progress in seat.progress)


def test_a_receipt_that_the_disk_does_not_take_is_shown_all_the_same(
    server: StationServer, place: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = place().desk
    desk.open(ATTEMPT)
    desk.write(Submitted("candidate"))
    sound = durable.write_file

    def full(path: Path, content: bytes) -> None:
        if path.name == "receipt.json":
            raise OSError(errno.ENOSPC, "no room")
        sound(path, content)

    monkeypatch.setattr(durable, "write_file", full)
    assert desk.submit(ATTEMPT).sequence == 2


def test_whatever_fails_while_opening_the_journal_is_free_again(
    server: StationServer, place: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = place().desk
    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "push", lambda _: {}["nobody foresaw this"])
        with pytest.raises(KeyError):
            desk.open(ATTEMPT)
    assert desk.open(ATTEMPT).sitting.current == "a"


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
    journal.unlink()
    server.records.clear()
    desk = place().desk
    with pytest.raises(StoppedError) as caught:
        desk.open(ATTEMPT)
    assert caught.value.code is NoticeCode.PACKAGE_DAMAGED
    assert desk.open(ATTEMPT).sitting.form.code == "0101"  # it was fetched again


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
    digest = hashlib.sha256(server.sealed).digest()
    view = api.PackageView(id="package-1", sha256=digest, size=len(server.sealed))
    seat = place()
    assert seat.packages.stage([view]) == {"package-1"}
    assert seat.packages.stage([view]) == {"package-1"}
    assert server.calls.count("packages/package-1") == 1
    other = view.model_copy(update={"sha256": b"x" * 32})
    assert seat.packages.stage([other]) == frozenset()
    absent = view.model_copy(update={"id": "package-2"})
    assert seat.packages.stage([absent, view]) == {"package-1"}
    server.stop()
    assert seat.packages.stage([absent, view]) == {"package-1"}


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
    busy = ServerRefusedError(ErrorCode.TOO_BUSY, "busy", retry_after=8.0)
    assert asked_by(busy) == 8.0 and asked_by(ServerUnreachableError("gone")) is None
    assert asked_by(ServerRefusedError(ErrorCode.TOO_BUSY, "busy", 1e9)) == LONGEST_ASKED
    assert 8.0 == spread(8.0, 0.0) < spread(8.0, 0.9) <= 12.0
