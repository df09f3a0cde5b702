"""A kiosk without network when its shift is closed: the warning before, and its answers after."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kiosk import Desk, RefusalError
from moves import Issue, writing
from server_world import OFFICE, World
from test_late_records import Room, objected, publish

from exam_server.attempts import late_decisions, noting, records_kept
from exam_server.attempts.keys import attempt_id_of
from exam_server.attempts.late_records import Standing
from exam_server.attempts.models import Attempt, EvidenceRecord, IssuedReceipt
from exam_server.attempts.outstanding import MayHold, Outstanding, outstanding
from exam_server.audit import AuditEntry
from exam_server.checkin import service as checkins
from exam_server.contract import api
from exam_server.contract.answers import responses_of
from exam_server.contract.api import AttemptState
from exam_server.contract.attempt_export import FRAMING, MAGIC, AttemptKey, KeptRecord, part_of
from exam_server.contract.attempt_sense import adopted_evidence
from exam_server.contract.errors import ErrorCode
from exam_server.contract.receipt import Receipt, head_code
from exam_server.contract.records import Record, Submitted, Visited
from exam_server.errors import Objection
from exam_server.results.service import ResultRow, results_of_shift
from exam_server.shards import anywhere
from exam_server.shifts.models import Shift
from exam_server.stations.models import Station

pytestmark = pytest.mark.slow


@pytest.fixture
def room(world: World, issue: Issue) -> Room:
    return Room(writing(world, issue))


def closed(room: Room) -> None:
    room.world.clock.pass_by(minutes=92)
    room.world.close_shift()


def refused(desk: Desk, *records: Record) -> None:
    with pytest.raises(RefusalError) as refusal:
        desk.send(*records)
    assert refusal.value.code is ErrorCode.ATTEMPT_CLOSED


def lacking(world: World) -> list[Outstanding]:
    with world.server.reading() as session:
        return outstanding(session, session.scalars(sa.select(Shift)).one(), world.clock.now)


def adopt_all(room: Room, adopt: bool = True) -> None:
    server = room.world.server
    with server.transaction() as session:
        late_decisions.decide(
            session, room.candidate.attempt, None, adopt=adopt, officer=OFFICE,
            reason="biên bản số 5", keys=server.keys, now=room.world.clock.now,
        )  # fmt: skip


def receipt(room: Room) -> Receipt:
    with room.world.server.reading() as session:
        issued = session.scalars(sa.select(IssuedReceipt)).one()
    found = Receipt.from_bytes(issued.body)
    found.check(issued.signature, room.world.server.keys.signing.public_key())
    return found


def result(room: Room) -> ResultRow:
    world = room.world
    with world.server.reading() as session:
        rows = results_of_shift(session, world.centre_id, world.shift_id)
    return next(row for row in rows if row.attempt_id == room.candidate.attempt)


def standings(room: Room) -> dict[int, Standing]:
    numbers = {item.id: number for number, item in enumerate(room.items)}
    return {numbers[one.item]: one.standing for one in room.late()}


def test_a_shift_is_not_closed_over_answers_that_may_be_out_without_a_reason(room: Room) -> None:
    world = room.world
    heard = world.clock.now
    room.first.kiosk.heartbeat(unsent_records=7)
    world.clock.pass_by(minutes=92)
    (one,) = lacking(world)
    assert one.why == (MayHold.NOT_HANDED_IN, MayHold.NOT_HEARD, MayHold.UNSENT)
    assert (one.room, one.seat, one.unsent, one.heard_at) == ("P.101", "01", 7, heard)
    assert one.candidate == "Nguyễn Hoàng Bách" and one.station == "máy 1"
    objected(Objection.MAY_LACK_ANSWERS, world.close_shift, " ")
    with world.server.reading() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
    assert attempt.state is AttemptState.WRITING  # nothing was closed
    world.close_shift("máy hỏng, đã lập biên bản")
    with world.server.reading() as session:
        logged = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "shift_closed")
        ).one()
    assert json.loads(logged.details) == {
        "reason": "máy hỏng, đã lập biên bản",
        "lacking": {room.candidate.attempt: ["not_handed_in", "not_heard", "unsent"]},
    }


def test_a_station_that_was_just_heard_still_owes_the_hand_in(room: Room) -> None:
    room.world.clock.pass_by(minutes=92)
    room.first.kiosk.heartbeat()
    assert [one.why for one in lacking(room.world)] == [(MayHold.NOT_HANDED_IN,)]


def test_who_handed_in_has_nothing_left_unless_a_former_station_never_came_back(
    room: Room,
) -> None:
    second = room.take_over()
    second.send(second.record(Submitted("candidate")))
    second.submit()
    assert [one.why for one in lacking(room.world)] == [(MayHold.FORMER_NOT_HEARD,)]
    room.first.kiosk.heartbeat()
    assert lacking(room.world) == []
    room.world.clock.pass_by(minutes=92)
    room.world.close_shift("")


def test_a_former_station_that_speaks_of_unsent_records_is_named(room: Room) -> None:
    second = room.take_over()
    second.send(second.record(Submitted("candidate")))
    second.submit()
    seen = api.LedgerSeen(attempt=room.candidate.attempt, position=1)
    room.first.kiosk.heartbeat(unsent_records=7, ledger_seen=seen)
    (one,) = lacking(room.world)
    assert one.why == (MayHold.FORMER_UNSENT,) and (one.station, one.unsent) == ("máy 1", 7)
    objected(Objection.MAY_LACK_ANSWERS, room.world.close_shift, " ")
    room.first.kiosk.heartbeat()
    assert lacking(room.world) == []


def test_a_station_that_names_an_attempt_which_the_server_does_not_know_is_named(
    room: Room,
) -> None:
    """Its check-in was refused for good; it is heard all the time, so nobody would look there."""
    world = room.world
    kiosk = world.kiosk("02")
    placement = kiosk.heartbeat().placement
    assert placement is not None and placement.attempt is None
    world.clock.pass_by(minutes=95)
    room.first.kiosk.heartbeat()
    name = attempt_id_of(placement.id)
    seen = api.LedgerSeen(attempt=name, position=1)
    kiosk.heartbeat(unsent_records=40, state="writing", ledger_seen=seen)
    named = {one.attempt: one for one in lacking(world)}
    assert named[name].why == (MayHold.UNKNOWN_UNSENT,) and named[name].unsent == 40
    assert named[name].station == other_name(room, kiosk.station)
    kiosk.heartbeat(ledger_seen=seen)
    assert set(named) - {one.attempt for one in lacking(world)} == {name}


def test_grading_closes_nothing_over_answers_that_are_out(room: Room) -> None:
    room.first.kiosk.heartbeat(unsent_records=7)
    room.world.clock.pass_by(minutes=200)
    objected(Objection.WRONG_STATE, room.grade)
    with room.world.server.reading() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
    assert attempt.state is AttemptState.WRITING
    objected(Objection.MAY_LACK_ANSWERS, room.world.close_shift, " ")


def test_an_attempt_that_a_station_names_as_left_behind_is_named_whoever_sits_there(
    room: Room,
) -> None:
    second = room.take_over()
    second.send(second.record(Submitted("candidate")))
    second.submit()
    other = room.world.kiosk("02")
    room.first.kiosk.heartbeat()
    other.heartbeat(owed=[room.candidate.attempt, "of-another-shift"])
    (one,) = lacking(room.world)
    assert one.why == (MayHold.LEFT_BEHIND,) and one.station == other_name(room, other.station)
    objected(Objection.MAY_LACK_ANSWERS, room.world.close_shift, " ")
    other.heartbeat()
    assert lacking(room.world) == []


def other_name(room: Room, station: str) -> str:
    with room.world.server.reading() as session:
        return session.get_one(Station, station).name


def test_what_was_sealed_in_time_is_adopted_in_one_act_and_counts(room: Room) -> None:
    world, first = room.world, room.first
    first.send(room.answer(first, 0, 0))
    unsent = [room.answer(first, 0, 1), room.answer(first, 1, 2), first.record(Visited("x"))]
    closed(room)
    too_late = room.answer(first, 2, 3)
    before = receipt(room)
    assert room.answers() == {0: 0} and before.answered == 1 and not result(room).conditional
    refused(first, *unsent, too_late)
    refused(first, *unsent, too_late)  # once more: kept once
    assert room.answers() == {0: 0}  # nothing counts by itself
    with world.server.reading() as session:
        aside = session.scalars(sa.select(EvidenceRecord.head)).all()
    assert set(aside) == {record.head for record in [*unsent, too_late]} and len(aside) == 4
    assert standings(room) == {
        0: Standing.ADOPTABLE, 1: Standing.ADOPTABLE, 2: Standing.AFTER_THE_END
    }  # fmt: skip
    assert result(room).conditional and result(room).arrived_late and result(room).late_records
    graded = room.grade()
    with world.server.transaction() as session:
        objected(Objection.LATE_ANSWERS, publish, session, world)
    adopt_all(room)
    objected(Objection.NOTHING_TO_DO, adopt_all, room)
    assert room.answers() == {0: 1, 1: 2}
    after = receipt(room)
    assert (after.sequence, after.head) == (before.sequence, before.head)
    assert (after.submitted_at, after.answered) == (before.submitted_at, 2)
    assert room.grade().head == graded.head
    with world.server.transaction() as session:
        publish(session, world)


def test_late_answers_may_all_be_set_aside_and_the_condition_is_cleared_apart(room: Room) -> None:
    world = room.world
    unsent = [room.answer(room.first, 0, 1), room.answer(room.first, 1, 2)]
    closed(room)
    refused(room.first, *unsent)
    before = receipt(room)
    adopt_all(room, False)
    assert room.answers() == {} and receipt(room) == before
    room.grade()
    with world.server.transaction() as session:
        checkins.clear(
            session, result(room).checkin_id, officer=OFFICE, reason="đã xem", now=world.clock.now
        )
    assert not result(room).conditional
    with world.server.transaction() as session:
        publish(session, world)


def test_a_version_written_after_the_end_hides_none_that_was_in_time(room: Room) -> None:
    first = room.first
    timely = [room.answer(first, 0, 1), room.answer(first, 1, 1)]
    room.world.clock.pass_by(minutes=92)
    too_late = room.answer(first, 1, 2)
    room.world.close_shift()
    refused(first, *timely, too_late)
    assert standings(room) == {0: Standing.ADOPTABLE, 1: Standing.ADOPTABLE}
    adopt_all(room)
    assert room.answers() == {0: 1, 1: 1}


def test_a_hand_in_among_them_ends_what_can_be_adopted(room: Room) -> None:
    unsent = [room.answer(room.first, 0, 1), room.first.record(Submitted("time"))]
    behind = room.answer(room.first, 1, 2)
    closed(room)
    refused(room.first, *unsent, behind)
    assert standings(room) == {0: Standing.ADOPTABLE, 1: Standing.UNPROVEN}
    adopt_all(room)
    assert room.answers() == {0: 1}


def test_what_comes_behind_a_hand_in_that_is_kept_was_written_after_the_end(room: Room) -> None:
    room.first.send(room.answer(room.first, 0, 1), room.first.record(Submitted("candidate")))
    refused(room.first, room.answer(room.first, 1, 2))
    assert standings(room) == {1: Standing.AFTER_THE_END}
    assert not result(room).conditional
    objected(Objection.NOTHING_TO_DO, adopt_all, room)


def test_behind_a_gap_an_officer_chooses_answer_by_answer(room: Room) -> None:
    lost = room.answer(room.first, 0, 1)
    unsent = [room.answer(room.first, 1, 2), room.answer(room.first, 2, 0)]
    closed(room)
    refused(room.first, *unsent)
    assert set(standings(room).values()) == {Standing.BEHIND_A_GAP}
    objected(Objection.NOTHING_TO_DO, adopt_all, room)
    room.decide(room.late()[0].evidence)
    assert room.answers() == {1: 2}
    refused(room.first, lost)  # found after all: the chain is whole
    assert set(standings(room).values()) == {Standing.ADOPTABLE}
    adopt_all(room)
    assert room.answers() == {0: 1, 1: 2, 2: 0}


def test_where_two_chains_part_only_a_noted_code_says_whose_is_the_candidates(room: Room) -> None:
    first = room.first
    copied = first.next_sequence, first.head
    own = [room.answer(first, 0, 1), room.answer(first, 1, 1)]
    first.next_sequence, first.head = copied
    copy = [room.answer(first, 0, 2), room.answer(first, 2, 2)]
    closed(room)
    refused(first, *own)
    refused(first, *copy)
    assert set(standings(room).values()) == {Standing.UNPROVEN}
    objected(Objection.NOTHING_TO_DO, adopt_all, room)
    with room.world.server.transaction() as session:
        noting.note(
            session, anywhere(session, Attempt, room.candidate.attempt), head_code(own[-1].head),
            epoch=1, officer=OFFICE, reason="biên bản", now=room.world.clock.now,
        )  # fmt: skip
    adopt_all(room)
    assert room.answers() == {0: 1, 1: 1}
    adopt_all(room, False)  # the copy's
    assert room.answers() == {0: 1, 1: 1}


def test_a_record_that_holds_no_answer_hides_none(room: Room) -> None:
    first = room.first
    strange = first.record(Visited("x"))
    garbled = Record.from_bytes(strange.to_bytes())
    first.keys, honest = (
        type(first.keys)(first.keys.attempt, first.keys.epoch, first.keys.lease_key, bytes(32)),
        first.keys,
    )
    sealed_wrongly = first.record(Visited("x"))
    first.keys = honest
    closed(room)
    refused(first, garbled, sealed_wrongly, room.answer(first, 0, 1))
    assert set(standings(room)) == {0}


def test_the_command_names_who_may_lack_answers_and_wants_a_reason(
    room: Room, folder: Path, run: Callable[..., tuple[int, dict[str, Any]]]
) -> None:
    with room.world.server.transaction() as session:
        # The command's clock is the machine's: the paper's time was up long ago.
        session.execute(sa.text("UPDATE ledger_entry SET at = '2020-01-01 00:00:00.000000'"))
    code, said = run("shift", "close", folder)
    assert code == 2 and "shift close --reason" in said["error"]
    (line,) = said["problems"]
    assert "P.101 01" in line and "Nguyễn Hoàng Bách" in line and "not_handed_in" in line
    code, said = run("shift", "close", folder, "--reason", "mất điện")
    assert code == 0 and said["state"] == "closed" and said["outstanding"] == [line]


def test_what_counts_is_derived_from_the_exported_file_alone(
    room: Room, folder: Path, tmp_path: Path, run: Callable[..., tuple[int, dict[str, Any]]]
) -> None:
    first, world = room.first, room.world
    first.send(room.answer(first, 0, 0))
    unsent = [room.answer(first, 0, 1), room.answer(first, 1, 2), room.answer(first, 2, 0)]
    closed(room)
    refused(first, *unsent)
    room.decide(next(one.evidence for one in room.late() if one.sequence == 5), False)
    adopt_all(room)
    file = tmp_path / "attempt"
    assert run("attempt", "export", folder, first.view.attempt, file, "--with-answers")[0] == 0
    code, said = run("audit", "verify", file, "--server-key", folder / "server.pub")
    assert code == 0 and said["counts"]["adopted"] == 2 and said["counts"]["evidence"] == 3
    entries = (FRAMING.entry_at(file.read_bytes(), at) for at in starts(file.read_bytes()))
    parts = [part_of(one.kind, one.content) for one in entries if one and one.kind > 1]
    held = [part for part in parts if isinstance(part, KeptRecord)]
    records = [Record.from_bytes(part.data) for part in [*held, *adopted_evidence(parts)]]
    (key,) = [part.key for part in parts if isinstance(part, AttemptKey)]
    derived = responses_of(records, key)
    with world.server.reading() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        assert derived == records_kept.final_responses(session, attempt, world.server.keys)
    assert room.answers() == {0: 1, 1: 2}


def starts(data: bytes) -> Iterator[int]:
    at = len(MAGIC)
    while at < len(data):
        yield at
        found = FRAMING.entry_at(data, at)
        assert found is not None
        at = found.end
