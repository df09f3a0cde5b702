"""Exactly one winner: replays, forks, gaps, forgeries, late records, two stations."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kiosk import Desk, Kiosk, RefusalError
from server_world import FIRST, OFFICE, SECOND, World

from exam_server import checking
from exam_server.attempts import service
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    HeadSignature,
    JournalRecord,
    SetAside,
)
from exam_server.audit import AuditEntry
from exam_server.centres.service import find_seat
from exam_server.contract.api import AttemptState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import (
    Answered,
    Flagged,
    SignedHead,
    Submitted,
    Visited,
    WritingKeys,
)
from exam_server.errors import NotPossibleError, Objection
from exam_server.grading.service import grade_shift
from exam_server.results.service import results_of_shift
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement
from exam_server.shifts.service import move_placement
from tests.databases import row_of


def refused(code: ErrorCode, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(RefusalError) as refusal:
        call(*arguments)
    assert refusal.value.code is code


def kept(world: World) -> list[int]:
    with world.server.reading() as session:
        return list(
            session.scalars(sa.select(JournalRecord.sequence).order_by(JournalRecord.sequence))
        )


def set_aside(world: World) -> list[SetAside]:
    with world.server.reading() as session:
        return list(session.scalars(sa.select(EvidenceRecord.reason)))


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def attempt_row(world: World) -> Attempt:
    with world.server.reading() as session:
        return session.scalars(sa.select(Attempt)).one()


def test_the_same_batch_again_changes_nothing(world: World, desk: Desk) -> None:
    batch = [desk.record(Visited(f"i{n}")) for n in range(3)]
    first = desk.send(*batch)
    again = desk.send(*batch)
    assert (first.sequence, first.head) == (again.sequence, again.head) == (3, desk.head)
    assert desk.send(batch[1]).sequence == 3
    assert kept(world) == [1, 2, 3]
    assert set_aside(world) == []


def test_a_gap_is_named_and_what_came_before_it_is_kept(world: World, desk: Desk) -> None:
    records = [desk.record(Visited(f"i{n}")) for n in range(4)]
    refused(ErrorCode.RECORD_GAP, desk.send, records[0], records[2], records[3])
    assert kept(world) == [1]
    assert desk.send(*records).sequence == 4


def test_a_fork_is_refused_and_set_aside(world: World, desk: Desk) -> None:
    fork = desk.record(Visited("other"), sequence=1)
    desk.send(desk.record(Visited("i1")))
    refused(ErrorCode.RECORD_REJECTED, desk.send, fork)
    refused(ErrorCode.RECORD_REJECTED, desk.send, fork)
    assert kept(world) == [1]
    assert set_aside(world) == [SetAside.FORK]


@pytest.mark.parametrize(
    "forged",
    [
        lambda keys: WritingKeys(keys.attempt, keys.epoch, bytes(32), keys.attempt_key),
        lambda keys: WritingKeys(keys.attempt, keys.epoch, keys.lease_key, bytes(32)),
        lambda keys: WritingKeys("another", keys.epoch, keys.lease_key, keys.attempt_key),
        lambda keys: WritingKeys(keys.attempt, 9, keys.lease_key, keys.attempt_key),
    ],
    ids=["mac", "attempt key", "attempt", "epoch"],
)
def test_a_forged_record_is_refused(
    world: World, desk: Desk, forged: Callable[[WritingKeys], WritingKeys]
) -> None:
    desk.keys = forged(desk.keys)
    refused(ErrorCode.RECORD_REJECTED, desk.send, desk.record(Visited("i1")))
    assert kept(world) == set_aside(world) == []


def test_a_record_that_does_not_follow_is_refused(world: World, desk: Desk) -> None:
    refused(ErrorCode.RECORD_REJECTED, desk.send, desk.record(Visited("x"), previous=bytes(32)))
    refused(ErrorCode.RECORD_REJECTED, desk.send, desk.record(Visited("x"), acknowledged=5))
    refused(ErrorCode.RECORD_REJECTED, desk.send, b"no record")
    refused(ErrorCode.RECORD_REJECTED, desk.send, desk.answer("i1", {"kind": "unheard of"}))
    assert kept(world) == []


def test_every_flipped_byte_of_a_record_is_refused(world: World, desk: Desk) -> None:
    good = desk.record(Visited("i1")).to_bytes()
    for position in range(0, len(good), 17):
        spoiled = bytearray(good)
        spoiled[position] ^= 0x55
        refused(ErrorCode.RECORD_REJECTED, desk.send, bytes(spoiled))
    assert desk.send(good).sequence == 1
    assert kept(world) == [1]


def test_a_stations_signature_fixes_the_head(world: World, desk: Desk) -> None:
    desk.send(desk.record(Visited("i1")), head=None)
    stranger = desk.signed_head(Ed25519PrivateKey.generate())

    def send_head(signed: SignedHead) -> None:
        desk.send(head=signed)

    refused(ErrorCode.RECORD_REJECTED, send_head, stranger)
    false = replace(desk.signed_head(), head=bytes(32))
    refused(ErrorCode.RECORD_REJECTED, send_head, false)
    early = replace(desk.signed_head(), sequence=9)
    refused(ErrorCode.RECORD_GAP, send_head, early)
    for _ in range(2):
        assert desk.send(head=desk.signed_head()).sequence == 1
    with world.server.reading() as session:
        assert session.scalars(sa.select(HeadSignature.sequence)).all() == [1]


def test_submitting_twice_gives_one_receipt(world: World, desk: Desk) -> None:
    desk.send(desk.record(Visited("i1")))
    first = desk.submit()
    world.clock.pass_by(minutes=1)
    second = desk.submit()
    assert (first.receipt, first.signature) == (second.receipt, second.signature)
    late = desk.record(Visited("i2"))
    refused(ErrorCode.ATTEMPT_CLOSED, desk.send, late)
    refused(ErrorCode.ATTEMPT_CLOSED, desk.submit)
    assert kept(world) == [1]
    assert set_aside(world) == [SetAside.AFTER_THE_END]


def test_submitting_what_the_server_does_not_hold_asks_for_it(world: World, desk: Desk) -> None:
    unsent = desk.record(Visited("i1"))
    refused(ErrorCode.RECORD_GAP, desk.submit)
    desk.send(unsent)
    assert Receipt.from_bytes(desk.submit().receipt).sequence == 1


def test_the_same_station_resumes_under_its_epoch(world: World, desk: Desk) -> None:
    desk.send(desk.record(Visited("i1")))
    again = desk.kiosk.lease(desk.view.attempt)
    assert (again.view.epoch, again.next_sequence, again.head) == (1, 2, desk.head)
    assert again.keys == desk.keys
    assert again.send(again.record(Visited("i2"))).sequence == 2


def test_another_station_takes_over_only_where_an_officer_moved_the_candidate(
    world: World, desk: Desk
) -> None:
    attempt = desk.view.attempt
    other = world.kiosk(seat="02", room="P.102")
    refused(ErrorCode.PLACEMENT_ELSEWHERE, other.lease, attempt)
    desk.send(desk.record(Visited("i1")))
    with world.server.transaction() as session:
        placement = row_of(session, Attempt, attempt).placement_id
        taken = find_seat(session, "P.102", "02")
        with pytest.raises(NotPossibleError) as objection:
            move_placement(
                session, placement, seat_id=taken.id, officer=FIRST, reason="hỏng máy",
                now=world.clock.now,
            )  # fmt: skip
        assert objection.value.objection is Objection.SEAT_TAKEN
        # Its own candidate is absent and makes room.
        session.execute(sa.delete(Placement).where(Placement.seat_id == taken.id))
        move_placement(
            session, placement, seat_id=taken.id, officer=FIRST, reason="hỏng máy",
            now=world.clock.now,
        )  # fmt: skip
    assert other.heartbeat().placement.attempt == attempt
    moved = other.lease(attempt)
    assert (moved.view.epoch, moved.next_sequence, moved.head) == (2, 2, desk.head)
    stale = desk.record(Visited("too late"))
    refused(ErrorCode.LEASE_SUPERSEDED, desk.send, stale)
    assert set_aside(world) == [SetAside.SUPERSEDED_LEASE]
    assert other.open_form(attempt).code == moved.view.code
    assert moved.send(moved.record(Visited("i2"))).sequence == 2
    refused(ErrorCode.LEASE_SUPERSEDED, desk.submit)
    moved.submit()
    with world.server.reading() as session:
        own = world.server.keys.signing.public_key()
        assert checking.check_all(session, own).faults == ()


def test_an_answer_sealed_after_the_deadline_is_set_aside_even_within_the_grace(
    world: World, desk: Desk
) -> None:
    world.clock.pass_by(minutes=90)
    desk.send(desk.answer("i1", None))
    world.clock.pass_by(seconds=1)
    answers = [desk.answer("i1", None), desk.record(Flagged("i1", True))]
    answers += [desk.answer(f"i{n}", None) for n in range(2, 5)]
    refused(ErrorCode.ATTEMPT_CLOSED, desk.send, *answers)
    assert kept(world) == [1]
    assert set_aside(world) == [SetAside.AFTER_THE_END] * 5


def test_only_the_hand_in_may_be_sealed_after_the_deadline(world: World, desk: Desk) -> None:
    last = desk.answer("i1", None)
    world.clock.pass_by(minutes=90, seconds=40)
    assert desk.send(last, desk.record(Submitted("time"))).sequence == 2
    assert Receipt.from_bytes(desk.submit().receipt).sequence == 2
    assert set_aside(world) == []
    assert not attempt_row(world).arrived_late


def test_what_was_sealed_in_time_counts_whenever_it_arrives(world: World, desk: Desk) -> None:
    """The network was away at the deadline. The moment is then the station's word: a remark."""
    records = [desk.answer(f"i{n}", None) for n in range(6)]
    world.clock.pass_by(hours=3)
    assert desk.send(*records, desk.record(Submitted("time"))).sequence == 7
    assert attempt_row(world).arrived_late
    with world.server.reading() as session:
        logged = session.scalars(sa.select(AuditEntry.action)).all()
        row = next(
            row
            for row in results_of_shift(session, world.centre_id, world.shift_id)
            if row.attempt_id == desk.view.attempt
        )
    assert logged.count("records_arrived_late") == 1
    assert row.arrived_late and row.conditional


def test_a_record_from_the_future_is_taken_once_its_moment_has_come(
    world: World, desk: Desk
) -> None:
    """The server's clock was set back while a candidate wrote."""
    record = desk.record(Answered("i1", None))
    world.clock.pass_by(seconds=-6)
    refused(ErrorCode.TOO_BUSY, desk.send, record)
    assert kept(world) == set_aside(world) == []
    world.clock.pass_by(seconds=2)  # slightly ahead is nothing
    assert desk.send(record).sequence == 1


def test_nothing_follows_the_hand_in(world: World, desk: Desk) -> None:
    desk.send(desk.record(Submitted("candidate")))
    refused(ErrorCode.ATTEMPT_CLOSED, desk.send, *[desk.answer(f"i{n}", None) for n in range(5)])
    assert kept(world) == [1]
    assert set_aside(world) == [SetAside.AFTER_THE_END] * 5
    assert desk.send().sequence == 1


def test_a_whole_late_batch_is_evidence(world: World, desk: Desk) -> None:
    records = [desk.answer(f"i{n}", None) for n in range(6)]
    world.clock.pass_by(minutes=92)
    world.close_shift()
    refused(ErrorCode.ATTEMPT_CLOSED, desk.send, *records)
    refused(ErrorCode.ATTEMPT_CLOSED, desk.send, *records)
    assert kept(world) == []
    assert set_aside(world) == [SetAside.AFTER_THE_END] * 6


def test_a_whole_superseded_batch_is_evidence(world: World, desk: Desk) -> None:
    records = [desk.answer(f"i{n}", None) for n in range(6)]
    taken_over(world).send()
    forged = records[3].to_bytes()[:-1] + bytes([records[3].to_bytes()[-1] ^ 1])
    refused(ErrorCode.LEASE_SUPERSEDED, desk.send, *records[:3], forged, *records[3:])
    assert kept(world) == []
    assert set_aside(world) == [SetAside.SUPERSEDED_LEASE] * 6


def test_a_whole_fork_is_evidence(world: World, desk: Desk) -> None:
    genesis = desk.head
    fork = [desk.answer(f"i{n}", None) for n in range(5)]
    desk.next_sequence, desk.head = 1, genesis
    desk.send(desk.answer("other", None))
    refused(ErrorCode.RECORD_REJECTED, desk.send, *fork)
    assert kept(world) == [1]
    assert set_aside(world) == [SetAside.FORK] * 5


def taken_over(world: World) -> Desk:
    """The candidate's seat has another machine, which takes the lease."""
    world.kiosks.clear()
    replacement = world.kiosk()
    attempt = replacement.heartbeat().placement.attempt
    return replacement.lease(attempt)


def without_keys(other: Kiosk, desk: Desk) -> Desk:
    """Another station that knows of a lease all but its keys."""
    keys = WritingKeys(desk.keys.attempt, desk.keys.epoch, bytes(32), bytes(32))
    return Desk(other, desk.view, keys, desk.next_sequence, desk.head)


def test_an_empty_batch_asks_for_a_lease_too(world: World, desk: Desk) -> None:
    stranger = without_keys(world.kiosk(seat="02", room="P.102"), desk)
    refused(ErrorCode.BAD_SIGNATURE, stranger.send)
    assert desk.send().sequence == 0
    taken_over(world)
    refused(ErrorCode.LEASE_SUPERSEDED, desk.send)


def test_a_receipt_is_for_who_held_a_lease(world: World, desk: Desk) -> None:
    desk.send(desk.record(Visited("i1")))
    desk.submit()
    stranger = world.kiosk(seat="02", room="P.102")
    asking = Desk(stranger, desk.view, desk.keys, desk.next_sequence, desk.head)
    refused(ErrorCode.NOT_FOUND, asking.submit)


def test_a_hand_in_of_what_the_server_holds_is_never_too_late(world: World, desk: Desk) -> None:
    desk.send(desk.record(Visited("i1")))
    world.clock.pass_by(hours=3)
    assert Receipt.from_bytes(desk.submit().receipt).sequence == 1


def test_extension_pause_and_resume_reach_the_station(world: World, desk: Desk) -> None:
    attempt, server = desk.view.attempt, world.server
    world.clock.pass_by(minutes=30)
    with server.transaction() as session:
        service.extend(
            session, attempt, officer=FIRST, by=timedelta(minutes=5), reason="mất điện",
            now=world.clock.now,
        )  # fmt: skip
        service.pause(session, attempt, officer=FIRST, reason="mất điện", now=world.clock.now)
    world.clock.pass_by(minutes=10)
    with server.transaction() as session:
        with pytest.raises(NotPossibleError):
            service.pause(session, attempt, officer=FIRST, reason="lại", now=world.clock.now)
        service.resume(session, attempt, officer=FIRST, reason="có điện", now=world.clock.now)
    view = desk.kiosk.heartbeat().ledger
    assert view is not None
    assert view.ledger().remaining(world.clock.now) == timedelta(minutes=90 - 30 + 5)
    world.clock.pass_by(minutes=66, seconds=1)
    refused(ErrorCode.ATTEMPT_CLOSED, desk.send, desk.answer("too late", None))


def test_an_officer_gives_a_reason_and_a_sensible_time(world: World, desk: Desk) -> None:
    for by, reason in ((timedelta(minutes=5), " "), (timedelta(0), "x"), (timedelta(days=1), "x")):
        with world.server.transaction() as session, pytest.raises(NotPossibleError):
            service.extend(
                session, desk.view.attempt, officer=SECOND, by=by, reason=reason,
                now=world.clock.now,
            )  # fmt: skip


def test_the_server_closes_what_was_not_handed_in(world: World, desk: Desk) -> None:
    desk.send(desk.record(Visited("i1")))
    world.clock.pass_by(minutes=60)
    with pytest.raises(NotPossibleError):
        world.close_shift()
    world.clock.pass_by(minutes=31, seconds=1)
    world.close_shift()
    with world.server.transaction() as session:
        attempt = row_of(session, Attempt, desk.view.attempt)
        assert attempt.state is AttemptState.SUBMITTED
        report = grade_shift(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys,
            grace=world.server.settings.grace, now=world.clock.now,
        )  # fmt: skip
        again = grade_shift(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys,
            grace=world.server.settings.grace, now=world.clock.now,
        )  # fmt: skip
    assert (report.graded, report.unchanged) == (1, 0)
    assert (again.graded, again.unchanged) == (0, 1)
    assert Receipt.from_bytes(desk.submit().receipt).sequence == 1


def test_extra_time_belongs_to_the_person(world: World) -> None:
    """Seat 04 of P.101 has a quarter more."""
    with world.server.transaction() as session:
        seat = find_seat(session, "P.101", "04")
        placement = session.scalars(sa.select(Placement).where(Placement.seat_id == seat.id)).one()
        attempt = service.admit(session, placement, now=world.clock.now)
        assert attempt.allowance_seconds == 90 * 60 * 125 // 100


def test_tampering_with_the_database_is_named(world: World, desk: Desk) -> None:
    desk.send(*[desk.record(Visited(f"i{n}")) for n in range(3)])
    desk.send(head=desk.signed_head())
    desk.submit()
    own = world.server.keys.signing.public_key()
    with world.server.transaction() as session:
        session.execute(sa.delete(JournalRecord).where(JournalRecord.sequence == 2))
        assert "the chain breaks at record 3" in checking.check_all(session, own).faults[0]
        session.rollback()
    with world.server.transaction() as session:
        session.execute(sa.delete(JournalRecord).where(JournalRecord.sequence == 3))
        assert "missing" in checking.check_all(session, own).faults[0]
        session.rollback()


def test_many_uploads_at_once_have_one_outcome(world: World, desk: Desk) -> None:
    batch = [desk.record(Visited(f"i{n}")) for n in range(5)]
    fork = desk.record(Visited("fork"), sequence=1, previous=batch[0].previous)

    def upload(number: int) -> ErrorCode | int:
        try:
            return desk.send(*([fork] if number % 4 == 3 else batch)).sequence
        except RefusalError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(upload, range(16)))
    with world.server.reading() as session:
        attempt = row_of(session, Attempt, desk.view.attempt)
        first = session.get_one(JournalRecord, (attempt.centre_id, attempt.id, 1))
    if first.head == fork.head:
        assert outcomes == {1, ErrorCode.RECORD_REJECTED}
        assert set_aside(world) == [SetAside.FORK] * len(batch)
    else:
        assert outcomes == {5, ErrorCode.RECORD_REJECTED}
        assert attempt.head == desk.head
        assert set_aside(world) == [SetAside.FORK]


@pytest.mark.parametrize("fork_first", [False, True])
def test_the_branch_that_comes_second_is_kept_whole_as_evidence(
    world: World, desk: Desk, fork_first: bool
) -> None:
    batch = [desk.record(Visited(f"i{n}")) for n in range(5)]
    fork = desk.record(Visited("fork"), sequence=1, previous=batch[0].previous)
    first, second = ([fork], batch) if fork_first else (batch, [fork])
    assert desk.send(*first).sequence == len(first)
    for _ in range(2):
        with pytest.raises(RefusalError, match="other content"):
            desk.send(*second)
        assert set_aside(world) == [SetAside.FORK] * len(second)


def test_a_seat_receives_its_own_candidate_only(world: World, desk: Desk) -> None:
    """What another station is told, and may ask for."""
    other = world.kiosk(seat="02")
    view = other.heartbeat()
    assert view.placement.attempt is None
    attempt = desk.view.attempt
    for call in (other.lease, other.open_form):
        refused(ErrorCode.PLACEMENT_ELSEWHERE, call, attempt)
    stranger = without_keys(other, desk)
    refused(ErrorCode.BAD_SIGNATURE, stranger.send, desk.record(Visited("i1")))
    refused(ErrorCode.NOT_FOUND, stranger.submit)
    assert kept(world) == []


def test_whoever_is_admitted_while_the_shift_is_closed_is_closed_with_it(world: World) -> None:
    world.open_shift()
    world.start_shift()
    world.clock.pass_by(minutes=200)
    server, began = world.server, threading.Event()

    def close() -> None:
        began.set()
        world.close_shift()

    with ThreadPoolExecutor(1) as pool:
        with server.transaction() as session:
            placement = session.scalars(sa.select(Placement).limit(1)).one()
            attempt = service.admit(session, placement, now=world.clock.now).id
            closing = pool.submit(close)
            assert began.wait(60)
            world.until_it_waits(closing)
            assert not closing.done()
        closing.result()
    with server.reading() as session:
        assert anywhere(session, Attempt, attempt).state is AttemptState.SUBMITTED
