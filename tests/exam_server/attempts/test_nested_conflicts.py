"""Several conflicts of one attempt: each is settled where its fork counts, and waits elsewhere."""

import os

import pytest
import sqlalchemy as sa
from moves import Issue, writing
from server_world import OFFICE, World
from test_conflicts import (
    carry,
    claim,
    exported,
    objected,
    sound,
    spare,
    state,
    token_of,
    two_hands,
)
from test_late_records import Room

from exam_server import auth
from exam_server.attempts import forks, settling
from exam_server.attempts.fencing_models import LeaseConflict, Side
from exam_server.attempts.models import Attempt, EvidenceRecord
from exam_server.errors import NotPossibleError, Objection
from exam_server.shards import anywhere
from exam_server.web.visit import SESSION_COOKIE

pytestmark = pytest.mark.slow


@pytest.fixture
def room(world: World, issue: Issue) -> Room:
    return Room(writing(world, issue))


def settle(room: Room, conflict: str, side: Side) -> None:
    server = room.world.server
    with server.transaction() as session:
        settling.settle(
            session, conflict, side=side, officer=OFFICE, reason="biên bản số 7",
            keys=server.keys, now=room.world.clock.now,
        )  # fmt: skip


def conflicts(room: Room) -> list[str]:
    with room.world.server.reading() as session:
        rows = session.scalars(sa.select(LeaseConflict).order_by(LeaseConflict.claimed_at))
        return [one.id for one in rows]


def waits_for(room: Room, conflict: str) -> str | None:
    """The conflict that has to be settled first."""
    with room.world.server.reading() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        first = forks.first_to_settle(session, attempt, anywhere(session, LeaseConflict, conflict))
        return None if first is None else first.id


def aside(room: Room, conflict: str) -> int:
    """How many answers the other side has."""
    server = room.world.server
    with server.reading() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        one = anywhere(session, LeaseConflict, conflict)
        now = room.world.clock.now
        return len(settling.responses_aside(session, attempt, one, keys=server.keys, now=now))


def nested(room: Room) -> tuple[str, str]:
    """Two hands from record 2 on; behind record 4 of the one that counts, two again."""
    served, _, _ = two_hands(room)
    room.world.clock.pass_by(seconds=5)
    room.candidate.move("P.102", "04")
    kiosk = room.world.kiosk("04", "P.102")
    room.candidate.move("P.102", "05")
    unsent = room.answer(served, 4, 1)  # carried to seat 04, while the page moves to seat 03
    by_page = room.candidate.take_over(room.candidate.move("P.102", "03"))
    by_page.send(room.answer(by_page, 5, 1))
    third = carry(room, served, kiosk)
    assert claim(third, token_of(served), unsent).conflict
    third.send(room.answer(third, 6, 1))
    first, second = conflicts(room)
    return first, second


def beside(room: Room) -> tuple[str, str]:
    """Two claims with one token: three journals behind record 2."""
    kiosk = spare(room)
    room.candidate.move("P.102", "04")
    other_kiosk = room.world.kiosk("04", "P.102")
    room.candidate.move("P.101", "01")
    room.first.send(room.answer(room.first, 0, 0))
    unsent = room.answer(room.first, 1, 1)
    served = room.candidate.take_over(room.candidate.move("P.102", "05"))
    served.send(room.answer(served, 3, 0))
    for number, one in enumerate((kiosk, other_kiosk)):
        desk = carry(room, room.first, one)
        assert claim(desk, token_of(room.first), unsent).conflict
        desk.send(room.answer(desk, 6, number))
        room.world.clock.pass_by(seconds=5)
    first, second = conflicts(room)
    return first, second


def test_a_conflict_that_lies_aside_waits_for_the_one_that_laid_it_there(room: Room) -> None:
    outer, inner = nested(room)
    assert waits_for(room, outer) is waits_for(room, inner) is None
    settle(room, outer, Side.CLAIMANT)
    before = state(room)
    assert waits_for(room, inner) == outer
    with pytest.raises(NotPossibleError) as caught:
        settle(room, inner, Side.CLAIMANT)
    assert caught.value.objection is Objection.OTHER_CONFLICT_FIRST
    assert outer in str(caught.value) and "server's side" in str(caught.value)
    objected(Objection.OTHER_CONFLICT_FIRST, aside, room, inner)
    assert state(room) == before
    sound(room)
    settle(room, inner, Side.SERVER)  # which changes no places: the outer one is not asked
    assert state(room) == before


def test_a_conflict_whose_fork_is_missing_hides_no_other_ones_page(room: Room) -> None:
    outer, inner = nested(room)
    settle(room, outer, Side.CLAIMANT)
    with room.world.server.transaction() as session:
        fork = anywhere(session, LeaseConflict, inner).fork_sequence
        session.execute(sa.delete(EvidenceRecord).where(EvidenceRecord.sequence > fork))
    with pytest.raises(NotPossibleError, match="record at which this forks is missing"):
        waits_for(room, inner)
    world = room.world
    token = auth.open_session(world.server.engine, OFFICE, now=world.clock.now, rng=os.urandom)
    path = f"/attempts/{room.candidate.attempt}/conflict"
    page = world.http.get(path, headers={"cookie": f"{SESSION_COOKIE}={token}"})
    assert page.status_code == 200 and f"c-{outer}" in page.text and f"c-{inner}" in page.text


def test_the_file_holds_whichever_side_a_fork_lies_on(room: Room) -> None:
    outer, inner = nested(room)
    assert exported(room).holds
    settle(room, outer, Side.CLAIMANT)
    assert exported(room).holds
    settle(room, outer, Side.SERVER)
    settle(room, inner, Side.CLAIMANT)
    assert exported(room).holds


def test_nested_conflicts_are_settled_from_the_outside_in_and_back_exactly(room: Room) -> None:
    outer, inner = nested(room)
    plain = state(room)
    settle(room, inner, Side.CLAIMANT)
    chosen, answers = state(room), room.answers()
    assert answers == {0: 2, 3: 0, 4: 1, 6: 1}
    settle(room, outer, Side.CLAIMANT)
    assert room.answers() == {0: 3, 1: 1, 2: 2}
    objected(Objection.OTHER_CONFLICT_FIRST, settle, room, inner, Side.SERVER)
    settle(room, outer, Side.SERVER)
    assert state(room) == chosen and room.answers() == answers
    sound(room)
    assert exported(room).holds
    settle(room, inner, Side.SERVER)
    assert state(room) == plain
    sound(room)


def test_of_two_claims_from_one_record_one_is_chosen_at_a_time(room: Room) -> None:
    first, second = beside(room)
    plain = state(room)
    settle(room, first, Side.CLAIMANT)
    assert room.answers() == {0: 0, 1: 1, 6: 0}
    objected(Objection.OTHER_CONFLICT_FIRST, settle, room, second, Side.CLAIMANT)
    assert waits_for(room, second) == first
    settle(room, first, Side.SERVER)
    assert state(room) == plain
    settle(room, second, Side.CLAIMANT)
    assert room.answers() == {0: 0, 1: 1, 6: 1}
    objected(Objection.OTHER_CONFLICT_FIRST, settle, room, first, Side.CLAIMANT)
    settle(room, second, Side.SERVER)
    assert state(room) == plain
    sound(room)
    assert exported(room).holds
