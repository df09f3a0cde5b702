"""A lease taken without network: entered where nothing contradicts, else a conflict; both ends."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kiosk import Desk, Kiosk, RefusalError
from moves import Issue, writing
from server_world import OFFICE, World
from test_late_records import Room

from exam_server import checking
from exam_server.attempts import settling
from exam_server.attempts.exporting import export
from exam_server.attempts.fencing_models import LeaseConflict, Side
from exam_server.attempts.keys import attempt_key_of, lease_key_of
from exam_server.attempts.late_records import Standing
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    IssuedReceipt,
    JournalRecord,
    Lease,
)
from exam_server.attempts.outstanding import MayHold, outstanding
from exam_server.audit import AuditEntry
from exam_server.contract import api
from exam_server.contract.attempt_proof import Proof, prove
from exam_server.contract.errors import ErrorCode
from exam_server.contract.move_token import MoveToken, SignedMoveToken
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import Record, Submitted, Visited, WritingKeys
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring import service as rooms
from exam_server.results import publication
from exam_server.results.service import results_of_shift
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement, Shift
from exam_server.stations import service as stations

pytestmark = pytest.mark.slow


@pytest.fixture
def room(world: World, issue: Issue) -> Room:
    return Room(writing(world, issue))


def token_of(desk: Desk, key: Ed25519PrivateKey | None = None, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "attempt": desk.view.attempt,
        "station": desk.kiosk.station,
        "epoch": desk.keys.epoch,
        "sequence": desk.next_sequence - 1,
        "head": desk.head,
        "seat": None,
        "at": desk.kiosk.clock.now,
    }
    token = MoveToken(**{**fields, **changes})
    return SignedMoveToken.sign(token, key or desk.kiosk.signing).to_bytes()


def exported(room: Room) -> Proof:
    """What anybody finds of the file that the server exports."""
    server = room.world.server
    with server.reading() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        data = export(session, attempt, keys=server.keys, answers=True, now=room.world.clock.now)
    return prove(data, server.keys.signing.public_key())


def set_late_aside(room: Room) -> None:
    for one in room.late():
        room.decide(one.evidence, False)


def carry(room: Room, former: Desk, kiosk: Kiosk) -> Desk:
    """The desk at the new station, as its kit's keys and the carried journal make it."""
    world, attempt, epoch = room.world, former.view.attempt, former.keys.epoch + 1
    keys = WritingKeys(
        attempt,
        epoch,
        lease_key_of(
            world.server.keys, shift=world.shift_id, station=kiosk.station, attempt=attempt,
            epoch=epoch,
        ),
        attempt_key_of(world.server.keys, attempt),
    )  # fmt: skip
    view = former.view.model_copy(update={"epoch": epoch})
    return Desk(kiosk, view, keys, former.next_sequence, former.head)


def claim(desk: Desk, token: bytes, *records: Record, epoch: int | None = None) -> api.ClaimView:
    asked = api.Claim(
        token=token,
        epoch=epoch or desk.keys.epoch,
        records=[record.to_bytes() for record in records],
    )
    answer = desk.kiosk.call("POST", f"/attempts/{desk.view.attempt}/claim", asked)
    return api.ClaimView.model_validate_json(answer)


def refused(code: ErrorCode, call: Callable[..., object], *arguments: Any, **options: Any) -> None:
    with pytest.raises(RefusalError) as refusal:
        call(*arguments, **options)
    assert refusal.value.code is code


def spare(room: Room) -> Kiosk:
    """A station at a free seat: that nobody is placed at it, `move` sees to."""
    room.candidate.move("P.102", "06")
    kiosk = room.world.kiosk("06", "P.102")
    room.candidate.move("P.101", "01")
    return kiosk


def state(room: Room) -> tuple[object, ...]:
    """All that a settling may change, to be compared bit by bit."""
    with room.world.server.reading() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        records = session.scalars(sa.select(JournalRecord).order_by(JournalRecord.sequence)).all()
        receipt = session.scalars(sa.select(IssuedReceipt)).first()
        return (
            attempt.sequence, attempt.head, attempt.state, attempt.handed_in, attempt.submitted_at,
            [(row.sequence, row.epoch, row.data, row.received_at) for row in records],
            receipt.body if receipt else None,
        )  # fmt: skip


def everything(room: Room) -> set[bytes]:
    """The heads of all records that the server has, counted or not."""
    with room.world.server.reading() as session:
        kept = session.scalars(sa.select(JournalRecord.head)).all()
        aside = session.scalars(sa.select(EvidenceRecord.head)).all()
    assert len({*kept, *aside}) == len(kept) + len(aside)
    return {*kept, *aside}


def conflict_of(room: Room) -> LeaseConflict:
    with room.world.server.reading() as session:
        return session.scalars(sa.select(LeaseConflict)).one()


def settle(room: Room, side: Side, reason: str = "biên bản số 7") -> None:
    server = room.world.server
    with server.transaction() as session:
        settling.settle(
            session, conflict_of(room).id, side=side, officer=OFFICE, reason=reason,
            keys=server.keys, now=room.world.clock.now,
        )  # fmt: skip


def objected(objection: Objection, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(NotPossibleError) as caught:
        call(*arguments)
    assert caught.value.objection is objection


def sound(room: Room) -> None:
    own = room.world.server.keys.signing.public_key()
    with room.world.server.reading() as session:
        assert checking.check_all(session, own).faults == ()


def test_a_claim_that_nothing_contradicts_enters_the_lease_and_the_records(room: Room) -> None:
    kiosk = spare(room)
    unsent = [room.answer(room.first, 0, 1), room.answer(room.first, 1, 2)]
    second = carry(room, room.first, kiosk)
    token = token_of(room.first)
    refused(ErrorCode.NOT_FOUND, second.send)
    view = claim(second, token, *unsent)
    assert (view.conflict, view.sequence, view.head) == (False, 3, room.first.head)
    assert claim(second, token, *unsent) == view  # said again, nothing changes
    assert second.send(room.answer(second, 2, 3)).sequence == 4
    assert room.answers() == {0: 1, 1: 2, 2: 3}
    assert kiosk.heartbeat().placement.attempt == room.candidate.attempt
    assert kiosk.lease(room.candidate.attempt).view.epoch == 2
    refused(ErrorCode.LEASE_SUPERSEDED, room.first.send)
    sound(room)
    assert room.late() == []


def test_what_the_server_holds_already_need_not_be_carried(room: Room) -> None:
    kiosk = spare(room)
    second = carry(room, room.first, kiosk)
    assert claim(second, token_of(room.first)).sequence == 1
    assert second.send(room.answer(second, 0, 0)).sequence == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": Ed25519PrivateKey.generate()}, ErrorCode.RECORD_REJECTED),
        ({"station": "0" * 32}, ErrorCode.RECORD_REJECTED),
        ({"attempt": "another"}, ErrorCode.BAD_REQUEST),
        ({"epoch": 3}, ErrorCode.RECORD_REJECTED),
        ({"sequence": 9}, ErrorCode.RECORD_REJECTED),
        ({"head": bytes(32)}, ErrorCode.RECORD_REJECTED),
    ],
)
def test_a_token_that_is_not_genuine_or_not_of_these_records_claims_nothing(
    room: Room, changes: dict[str, Any], code: ErrorCode
) -> None:
    kiosk, unsent = spare(room), room.answer(room.first, 0, 1)
    second = carry(room, room.first, kiosk)
    epoch = changes.get("epoch", 1) + 1
    refused(code, claim, second, token_of(room.first, **changes), unsent, epoch=epoch)
    refused(ErrorCode.BAD_REQUEST, claim, second, token_of(room.first), unsent, epoch=7)
    refused(ErrorCode.BAD_REQUEST, claim, second, b"no token", unsent)
    with room.world.server.reading() as session:
        assert len(session.scalars(sa.select(Lease)).all()) == 1
        assert session.scalars(sa.select(LeaseConflict)).all() == []


def test_records_that_do_not_reach_back_or_are_forged_are_not_taken(room: Room) -> None:
    kiosk = spare(room)
    unsent = [room.answer(room.first, number, 0) for number in range(3)]
    second, token = carry(room, room.first, kiosk), token_of(room.first)
    refused(ErrorCode.RECORD_GAP, claim, second, token, *unsent[1:])
    refused(ErrorCode.RECORD_REJECTED, claim, second, token, unsent[0], unsent[2])
    last = unsent[2].to_bytes()
    forged = Record.from_bytes(last[:-1] + bytes([last[-1] ^ 1]))
    refused(ErrorCode.RECORD_REJECTED, claim, second, token, *unsent[:2], forged)
    refused(ErrorCode.RECORD_GAP, claim, second, token)
    assert claim(second, token, *unsent).sequence == 4


def test_what_was_carried_and_comes_long_after_the_end_is_flagged(room: Room) -> None:
    kiosk = spare(room)
    unsent = room.answer(room.first, 0, 1)
    second = carry(room, room.first, kiosk)
    room.world.clock.pass_by(minutes=180)
    assert not claim(second, token_of(room.first), unsent).conflict
    with room.world.server.reading() as session:
        assert session.scalars(sa.select(Attempt.arrived_late)).all() == [True]


def test_a_record_of_an_earlier_lease_is_proven_by_that_lease(room: Room) -> None:
    """The attempt's key alone, which every station of the room has, makes no record genuine."""
    served = room.candidate.take_over(room.candidate.move("P.102", "05"))
    kiosk = spare(room)
    keys = replace(served.keys, epoch=1, lease_key=bytes(32))
    forged = replace(served, keys=keys).record(Visited("i1"))
    served.next_sequence, served.head = forged.sequence + 1, forged.head
    second = carry(room, served, kiosk)
    refused(ErrorCode.RECORD_REJECTED, claim, second, token_of(served), forged)
    assert forged.head not in everything(room)


def test_a_station_that_never_had_the_attempt_gives_nobody_the_right_to_it(room: Room) -> None:
    """It may have had it without network: an officer looks at it, and meanwhile nothing changes."""
    kiosk, stranger = spare(room), room.world.kiosk("05", "P.102")
    theirs = carry(room, room.first, stranger)
    mine = room.answer(theirs, 0, 3)
    second = carry(room, theirs, kiosk)
    assert claim(second, token_of(theirs), mine).conflict
    assert second.send(room.answer(second, 1, 1)).sequence == 3
    assert room.first.send(room.answer(room.first, 0, 1)).sequence == 2
    assert room.candidate.desk.kiosk.heartbeat().placement.attempt == room.candidate.attempt
    assert room.answers() == {0: 1}
    settle(room, Side.CLAIMANT)
    assert room.answers() == {0: 3, 1: 1}
    sound(room)
    settle(room, Side.SERVER)
    assert room.answers() == {0: 1}
    sound(room)


def test_the_word_of_a_revoked_station_gives_nobody_the_right_to_an_attempt(room: Room) -> None:
    kiosk, world = spare(room), room.world
    token = token_of(room.first)
    with world.server.transaction() as session:
        stations.revoke(
            session, room.first.kiosk.station, officer=OFFICE, reason="mất máy", now=world.clock.now
        )
    assert claim(carry(room, room.first, kiosk), token).conflict


@pytest.mark.parametrize("minutes", [91, -1])
def test_carried_answers_from_after_the_deadline_or_yet_to_come_do_not_count(
    room: Room, minutes: int
) -> None:
    kiosk, world = spare(room), room.world
    world.clock.pass_by(minutes=max(minutes, 0))
    late = room.answer(room.first, 0, 1)
    world.clock.pass_by(minutes=min(minutes, 0))
    second = carry(room, room.first, kiosk)
    assert claim(second, token_of(room.first), late).conflict
    assert room.answers() == {}


def two_hands(room: Room, *, submit: bool = False) -> tuple[Desk, Desk, set[bytes]]:
    """The proctor moved the candidate by the page, and somebody carried the journal elsewhere.

    The server's desk, the claimant's, and the heads of all that anybody wrote."""
    kiosk = spare(room)
    sent = room.answer(room.first, 0, 0)
    room.first.send(sent)
    unsent = room.answer(room.first, 1, 1)
    served = room.candidate.take_over(room.candidate.move("P.102", "05"))
    mine = [room.answer(served, 0, 2), room.answer(served, 3, 0)]
    served.send(*mine, head=served.signed_head())
    claimant = carry(room, room.first, kiosk)
    other = [room.answer(claimant, 0, 3), room.answer(claimant, 2, 2)]
    view = claim(claimant, token_of(room.first), unsent)
    assert view.conflict and (view.sequence, view.head) == (3, unsent.head)
    assert claimant.send(*other, head=claimant.signed_head()).sequence == 5
    if submit:
        mine.append(served.record(Submitted("candidate")))
        served.send(mine[-1])
        served.submit()
    return served, claimant, {one.head for one in (sent, unsent, *mine, *other)}


def test_what_a_claim_laid_aside_and_the_server_gets_after_all_is_nobodys_late_answer(
    room: Room,
) -> None:
    """The journal was handed in and carried on; then its own station sends the same records."""
    kiosk = spare(room)
    unsent = [room.answer(room.first, 0, 1), room.first.record(Submitted("candidate"))]
    second = carry(room, room.first, kiosk)
    assert claim(second, token_of(room.first), *unsent).conflict
    assert [one.standing for one in room.late()] == [Standing.ADOPTABLE]
    room.first.send(*unsent)
    assert room.answers() == {0: 1} and room.late() == []
    assert exported(room).holds
    room.first.submit()
    everything(room)
    sound(room)


def test_the_chosen_stations_late_answers_may_be_adopted_under_the_lease_that_it_knows(
    room: Room,
) -> None:
    """It had no network when its journal was chosen, and the shift was closed before it heard of
    its new epoch. What the other one wrote under a lease of the same number stays out."""
    served, claimant, _written = two_hands(room)
    copied = served.next_sequence + 3, served.head
    served.send(*[room.answer(served, 4, 0) for _ in range(4)])
    served.next_sequence, served.head = copied
    refused(ErrorCode.RECORD_REJECTED, served.send, room.answer(served, 6, 2))
    settle(room, Side.CLAIMANT)
    unsent = [room.answer(claimant, 4, 1), room.answer(claimant, 5, 1)]
    room.world.clock.pass_by(minutes=92)
    room.world.close_shift()
    refused(ErrorCode.ATTEMPT_CLOSED, claimant.send, *unsent)
    late = {(one.station, one.sequence): one.standing for one in room.late()}
    assert late == {
        (served.kiosk.station, copied[0]): Standing.UNPROVEN,
        **{(claimant.kiosk.station, one.sequence): Standing.ADOPTABLE for one in unsent},
    }
    for one in room.late():
        room.decide(one.evidence, one.standing is Standing.ADOPTABLE)
    assert room.answers() == {0: 3, 1: 1, 2: 2, 4: 1, 5: 1}


def test_two_leases_of_one_epoch_are_a_conflict_that_is_shown_and_makes_the_result_conditional(
    room: Room,
) -> None:
    served, claimant, written = two_hands(room)
    assert written < everything(room)
    assert room.answers() == {0: 2, 3: 0}  # what the server knew first counts meanwhile
    conflict = conflict_of(room)
    assert (conflict.epoch, conflict.fork_sequence) == (2, 2)
    assert conflict.claimant_id == claimant.kiosk.station
    with room.world.server.reading() as session:
        _, seat = rooms.seat_of(session, room.candidate.placement, room.world.clock.now)
        rows = results_of_shift(session, room.world.centre_id, room.world.shift_id)
    assert seat.seated.conflict and seat.seated.conditional
    assert [row.conditional for row in rows if row.attempt_id == room.candidate.attempt] == [True]
    # Both go on, and neither is told that it has lost; only the hand-in of the claimant waits.
    assert served.send(room.answer(served, 4, 0)).sequence == 5
    assert claimant.send(room.answer(claimant, 5, 0)).sequence == 6
    assert claimant.send().sequence == 6
    refused(ErrorCode.LEASE_CONFLICT, claimant.submit)
    refused(ErrorCode.LEASE_CONFLICT, claimant.kiosk.lease, room.candidate.attempt)
    sound(room)


def test_the_claimant_finds_its_paper_again_and_hands_in_by_the_lease_it_has(room: Room) -> None:
    _, claimant, _ = two_hands(room)
    seen = claimant.kiosk.heartbeat().placement  # of a seat at which nobody is placed
    assert seen is not None and seen.attempt == room.candidate.attempt and not seen.tap_first
    refused(ErrorCode.LEASE_CONFLICT, claimant.kiosk.open_form, room.candidate.attempt)
    settle(room, Side.CLAIMANT)
    # It is told that there is a newer lease, which is its own; what it sent is kept all the same.
    refused(ErrorCode.LEASE_SUPERSEDED, claimant.send, claimant.record(Submitted("candidate")))
    assert Receipt.from_bytes(claimant.submit().receipt).head == claimant.head
    sound(room)


def test_a_claimant_that_was_not_chosen_has_nobody_at_its_seat(room: Room) -> None:
    _, claimant, _ = two_hands(room)
    settle(room, Side.SERVER)
    assert claimant.kiosk.heartbeat().placement is None


def test_settled_for_the_servers_side_the_claimants_records_stay_evidence(room: Room) -> None:
    served, claimant, written = two_hands(room)
    before = state(room)
    settle(room, Side.SERVER)
    assert state(room) == before
    late = room.answer(claimant, 6, 0)
    refused(ErrorCode.LEASE_SUPERSEDED, claimant.send, late)
    refused(ErrorCode.LEASE_SUPERSEDED, claimant.submit)
    assert written | {late.head} < everything(room)
    assert served.send(room.answer(served, 4, 0)).sequence == 5
    with room.world.server.reading() as session:
        _, seat = rooms.seat_of(session, room.candidate.placement, room.world.clock.now)
    assert not seat.seated.conflict and not seat.seated.conditional
    # The former station's unsent answer is proven by its token: it may still be adopted.
    [answer] = room.late()
    assert answer.standing is Standing.ADOPTABLE
    room.decide(answer.evidence)
    assert room.answers() == {0: 2, 1: 1, 3: 0, 4: 0}
    objected(Objection.NOTHING_TO_DO, settle, room, Side.SERVER)
    objected(Objection.REASON_MISSING, settle, room, Side.CLAIMANT, " ")


def test_settled_for_the_claimant_its_journal_counts_and_it_writes_on(room: Room) -> None:
    served, claimant, written = two_hands(room)
    settle(room, Side.CLAIMANT)
    assert room.answers() == {0: 3, 1: 1, 2: 2}
    assert written < everything(room)
    sound(room)
    with room.world.server.reading() as session:
        moved = session.scalars(
            sa.select(AuditEntry)
            .where(AuditEntry.action == "candidate_moved")
            .order_by(AuditEntry.sequence.desc())
        ).first()
        placement = anywhere(session, Placement, room.candidate.placement)
    assert moved.actor == OFFICE.actor and moved.subject == f"placement:{placement.id}"
    assert json.loads(moved.details)["to"] == placement.seat_id
    # It has not heard of it yet: what it writes counts, and then it takes its new lease.
    heard = room.answer(claimant, 4, 1)
    refused(ErrorCode.LEASE_SUPERSEDED, claimant.send, heard)
    assert room.answers() == {0: 3, 1: 1, 2: 2, 4: 1}
    assert claimant.kiosk.heartbeat().placement.attempt == room.candidate.attempt
    desk = claimant.kiosk.lease(room.candidate.attempt)
    assert desk.view.epoch == 3 and desk.head == claimant.head
    refused(ErrorCode.LEASE_SUPERSEDED, served.send, room.answer(served, 5, 0))
    refused(ErrorCode.LEASE_SUPERSEDED, served.submit)
    desk.send(desk.record(Submitted("candidate")))
    desk.submit()
    sound(room)
    assert room.late() == []


def test_settling_is_exact_and_can_be_taken_back_until_the_publication(room: Room) -> None:
    _, _, written = two_hands(room, submit=True)
    before = state(room)
    settle(room, Side.CLAIMANT)
    of_claimant = state(room)
    assert room.answers() == {0: 3, 1: 1, 2: 2} and of_claimant[6] is None
    settle(room, Side.SERVER, "nhầm")
    assert state(room) == before
    sound(room)
    settle(room, Side.CLAIMANT, "xem lại")
    assert state(room) == of_claimant
    assert exported(room).holds
    assert written < everything(room)
    room.world.clock.pass_by(minutes=95)
    room.world.close_shift()
    marks = room.grade()
    settle(room, Side.SERVER, "xem lại lần nữa")
    assert state(room) == before
    again = room.grade()
    assert again.head != marks.head
    sound(room)
    set_late_aside(room)
    with room.world.server.transaction() as session:
        publication.publish(
            session,
            room.world.shift_id,
            officer=OFFICE,
            keys=room.world.server.keys,
            now=room.world.clock.now,
            reason="máy không liên lạc lại",
        )
    objected(Objection.PUBLISHED, settle, room, Side.CLAIMANT)
    assert state(room) == before
    assert exported(room).holds and exported(room).counts["conflict"] == 1


def test_a_shift_is_not_closed_over_a_rivals_answers_without_a_reason(room: Room) -> None:
    """The server's side has handed in, and everybody was heard: the claimant writes on."""
    served, claimant, _written = two_hands(room, submit=True)
    seen = api.LedgerSeen(attempt=room.candidate.attempt, position=1)

    def named() -> list[tuple[tuple[MayHold, ...], str, int]]:
        with room.world.server.reading() as session:
            shift = session.get_one(Shift, (room.world.centre_id, room.world.shift_id))
            found = outstanding(session, shift, room.world.clock.now)
        return [(one.why, one.station, one.unsent) for one in found]

    room.world.clock.pass_by(minutes=92)
    for desk in (room.first, served):
        desk.kiosk.heartbeat()
    assert named() == [((MayHold.RIVAL_NOT_HEARD,), "máy 1", 0)]
    claimant.kiosk.heartbeat(unsent_records=7, ledger_seen=seen)
    assert named() == [((MayHold.RIVAL_UNSENT,), "máy 1", 7)]
    objected(Objection.MAY_LACK_ANSWERS, room.world.close_shift, " ")
    claimant.send(claimant.record(Submitted("candidate")))
    assert named() == []  # its chain is whole, whatever it last said
    room.world.close_shift("")


def test_results_are_not_published_over_an_open_conflict(room: Room) -> None:
    two_hands(room, submit=True)
    room.world.clock.pass_by(minutes=95)
    room.world.close_shift()
    room.grade()

    def publish() -> None:
        with room.world.server.transaction() as session:
            publication.publish(
                session, room.world.shift_id, officer=OFFICE, keys=room.world.server.keys,
                now=room.world.clock.now, reason="máy không liên lạc lại",
            )  # fmt: skip

    objected(Objection.WRONG_STATE, publish)
    settle(room, Side.SERVER)
    objected(Objection.LATE_ANSWERS, publish)  # what the former station had written
    set_late_aside(room)
    publish()


def test_a_claim_after_the_end_is_a_conflict_and_the_server_closes_what_it_is_settled_for(
    room: Room,
) -> None:
    kiosk, world = spare(room), room.world
    unsent = room.answer(room.first, 0, 1)
    claimant = carry(room, room.first, kiosk)
    token = token_of(room.first)
    own = room.answer(claimant, 1, 2)
    world.clock.pass_by(minutes=91)
    too_late = room.answer(claimant, 2, 3)
    hand_in = claimant.record(Submitted("time"))
    world.clock.pass_by(minutes=5)
    world.close_shift()
    assert claim(claimant, token, unsent).conflict
    claimant.send(own, too_late, hand_in)
    settle(room, Side.CLAIMANT)
    # What was sealed after the deadline cannot count, and nothing behind it.
    assert room.answers() == {0: 1, 1: 2}
    sound(room)
    with world.server.reading() as session:
        receipt = session.scalars(sa.select(IssuedReceipt)).one()
        attempt = anywhere(session, Attempt, room.candidate.attempt)
    assert attempt.state is api.AttemptState.SUBMITTED and receipt is not None
    assert {too_late.head, hand_in.head} < everything(room)


def test_a_station_that_wrote_on_after_its_own_token_is_in_conflict(room: Room) -> None:
    """A copy of its disk, or a marker that was taken away."""
    kiosk = spare(room)
    token = token_of(room.first)
    claimant = carry(room, room.first, kiosk)
    room.first.send(room.answer(room.first, 0, 0))
    assert claim(claimant, token).conflict
    claimant.send(room.answer(claimant, 0, 1))
    assert room.answers() == {0: 0}
    settle(room, Side.CLAIMANT)
    assert room.answers() == {0: 1}
    sound(room)


def test_a_seat_that_is_somebody_elses_takes_no_claim(room: Room) -> None:
    kiosk = room.world.kiosk("02", "P.101")
    refused(
        ErrorCode.PLACEMENT_ELSEWHERE, claim, carry(room, room.first, kiosk), token_of(room.first)
    )


def test_what_comes_while_an_officer_settles_is_judged_by_what_was_settled(room: Room) -> None:
    _, claimant, _ = two_hands(room)
    record, server = room.answer(claimant, 4, 1), room.world.server
    conflict = conflict_of(room)
    with ThreadPoolExecutor(1) as pool:
        with server.transaction() as session:
            settling.settle(
                session, conflict.id, side=Side.CLAIMANT, officer=OFFICE, reason="biên bản số 7",
                keys=server.keys, now=room.world.clock.now,
            )  # fmt: skip
            sending = pool.submit(claimant.send, record)
            room.world.until_it_waits(sending)
        refused(ErrorCode.LEASE_SUPERSEDED, sending.result)
    assert room.answers() == {0: 3, 1: 1, 2: 2, 4: 1}
    sound(room)
    settle(room, Side.SERVER)  # the other side is whole, too
    assert room.answers() == {0: 2, 3: 0}
    sound(room)


def test_a_revoked_station_writes_nothing_aside(room: Room) -> None:
    _, claimant, _ = two_hands(room)
    world, before = room.world, everything(room)
    with world.server.transaction() as session:
        stations.revoke(
            session, claimant.kiosk.station, officer=OFFICE, reason="mất máy", now=world.clock.now
        )
    refused(ErrorCode.STATION_REVOKED, claimant.send, room.answer(claimant, 4, 1))
    assert everything(room) == before


def test_an_unknown_key_is_no_rival(room: Room) -> None:
    _, claimant, _ = two_hands(room)
    keys = claimant.keys
    claimant.sender = WritingKeys(keys.attempt, keys.epoch, bytes(32), keys.attempt_key)
    refused(ErrorCode.BAD_SIGNATURE, claimant.send)
    claimant.sender = WritingKeys(keys.attempt, 9, keys.lease_key, keys.attempt_key)
    refused(ErrorCode.NOT_FOUND, claimant.send)


def test_a_rivals_records_are_checked_as_any_others(room: Room) -> None:
    _, claimant, _ = two_hands(room)
    ahead = claimant.record(Visited("i"), sequence=9)
    refused(ErrorCode.RECORD_GAP, claimant.send, ahead)
    refused(ErrorCode.RECORD_REJECTED, claimant.send, b"no record")
    before = everything(room)
    record = claimant.record(Visited("i"))
    assert claimant.send(record).sequence == claimant.send(record).sequence == 6
    assert everything(room) == before | {record.head}


@pytest.mark.parametrize("told", [True, False])
def test_carried_there_and_back_it_is_entered_where_both_tokens_are_shown(
    room: Room, told: bool
) -> None:
    """Where only the second is, nobody vouches for the lease between: an officer does."""
    second = carry(room, room.first, spare(room))
    first_token, mine = token_of(room.first), room.answer(second, 0, 1)
    if told:
        claim(second, first_token)
    third = carry(room, second, room.first.kiosk)
    view = claim(third, token_of(second), mine)
    assert view.conflict is not told
    assert third.send(room.answer(third, 1, 2)).sequence == 3
    if not told:
        assert claim(second, first_token).conflict  # too late to be entered by itself
        settle(room, Side.CLAIMANT)
    assert room.answers() == {0: 1, 1: 2}
    sound(room)
