"""A conflict settled to and fro, with words on late answers in between: either side comes back as
it was, with its records, its officers' words, its answers and its receipt."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moves import Issue, writing
from server_world import OFFICE, World
from sqlmodel import Session
from test_conflicts import carry, claim, exported, settle, sound, spare, token_of, two_hands
from test_late_records import Room, superseded

from exam_server.attempts import late_decisions, noting, records_kept, settling
from exam_server.attempts.exporting import export
from exam_server.attempts.fencing_models import LateDecision, LeaseConflict, Side
from exam_server.attempts.late_records import MAY_BE_ADOPTED, Standing, late_answers
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    HeadSignature,
    IssuedReceipt,
    JournalRecord,
)
from exam_server.contract.receipt import Receipt, head_code
from exam_server.errors import NotPossibleError
from exam_server.shards import anywhere

pytestmark = pytest.mark.slow

#: Items of which the first station's last answers came late: on the server's side the answer to 3
#: cannot be adopted, on the claimant's the one to 2, for they were answered there since.
LATE = (2, 3, 4)


@pytest.fixture
def room(world: World, issue: Issue) -> Iterator[Room]:
    """Two hands, the server's handed in; and what the former station wrote on, its head noted."""
    room = Room(writing(world, issue))
    two_hands(room, submit=True)
    superseded(room.first, *(room.answer(room.first, item, 3) for item in LATE))
    with world.server.transaction() as session:
        noting.note(
            session, anywhere(session, Attempt, room.candidate.attempt),
            head_code(room.first.head), epoch=1, officer=OFFICE, reason="x", now=world.clock.now,
        )  # fmt: skip
    yield room


def late(room: Room, item: int) -> str:
    """The evidence of the late answer to that item."""
    return next(one.evidence for one in room.late() if one.item == room.items[item].id)


def counting(room: Room) -> set[int]:
    """The items of which late answers were adopted."""
    numbers = {item.id: number for number, item in enumerate(room.items)}
    return {numbers[one.item] for one in room.late() if one.counts}


def issued(room: Room) -> Receipt:
    with room.world.server.reading() as session:
        return Receipt.from_bytes(session.scalars(sa.select(IssuedReceipt)).one().body)


def test_what_was_adopted_comes_back_with_its_side_and_the_receipt_counts_it(room: Room) -> None:
    settle(room, Side.SERVER)
    room.decide(late(room, 1))
    answers, receipt = room.answers(), issued(room)
    assert receipt.answered == len(answers) == 3
    settle(room, Side.CLAIMANT)
    settle(room, Side.SERVER)
    assert room.answers() == answers and issued(room) == receipt
    assert counting(room) == {1}
    sound(room)
    assert exported(room).holds


def test_a_word_said_while_the_other_side_counts_stays_on_that_side(room: Room) -> None:
    settle(room, Side.CLAIMANT)
    room.decide(late(room, 3))
    assert room.answers() == {0: 3, 1: 1, 2: 2, 3: 3}
    settle(room, Side.SERVER)
    assert counting(room) == set() and room.answers() == {0: 2, 3: 0}
    assert exported(room).holds
    settle(room, Side.CLAIMANT)
    assert counting(room) == {3} and room.answers() == {0: 3, 1: 1, 2: 2, 3: 3}
    assert exported(room).holds


def test_a_side_that_never_counted_begins_with_the_words_that_hold_on_it_too(room: Room) -> None:
    room.decide(late(room, 4))
    room.decide(late(room, 2))
    room.decide(late(room, 3), adopt=False)
    settle(room, Side.CLAIMANT)
    assert room.answers() == {0: 3, 1: 1, 2: 2, 4: 3}  # item 2 was answered since on this side
    said = {one.item: one.decision and one.decision.adopted for one in room.late()}
    assert [said[room.items[item].id] for item in LATE] == [None, False, True]
    settle(room, Side.SERVER)
    assert room.answers() == {0: 2, 2: 3, 3: 0, 4: 3}
    assert exported(room).holds


def rows(session: Session, attempt: Attempt) -> tuple[object, ...]:
    """All that a settling may change and has to bring back."""

    def of(kind: type, *without: str) -> list[dict[str, object]]:
        found = session.scalars(sa.select(kind).where(kind.attempt_id == attempt.id)).all()
        return sorted((one.model_dump(exclude={*without}) for one in found), key=repr)

    heads = {row.id: row.head for row in session.scalars(sa.select(EvidenceRecord)).all()}
    words = of(LateDecision)
    for word in words:
        word["evidence_id"] = heads[word["evidence_id"]]
    return (
        attempt.model_dump(exclude={"epoch"}),
        of(JournalRecord),
        of(EvidenceRecord, "id"),
        of(HeadSignature),
        of(IssuedReceipt),
        sorted(words, key=repr),
    )


ACTS = st.one_of(
    st.tuples(st.just("settle"), st.sampled_from(Side)),
    st.tuples(st.just("decide"), st.integers(0, 4), st.booleans()),
)


class Office:
    """An officer at one attempt; remembers each side as it was when the other one was chosen."""

    def __init__(self, session: Session, room: Room) -> None:
        self.session, self.room = session, room
        self.attempt = anywhere(session, Attempt, room.candidate.attempt)
        self.conflict = session.scalars(sa.select(LeaseConflict)).one()
        self.keys = room.world.server.keys
        self.left: dict[Side, tuple[object, ...]] = {}

    def settle(self, side: Side) -> None:
        before = self.conflict.counts
        if before is not side:
            self.left[before] = rows(self.session, self.attempt)
        try:
            settling.settle(
                self.session, self.conflict.id, side=side, officer=OFFICE, reason="x",
                keys=self.keys, now=self.room.world.clock.now,
            )  # fmt: skip
        except NotPossibleError:
            return
        if before is not side and side in self.left:
            assert rows(self.session, self.attempt) == self.left[side]

    def late(self) -> list[late_decisions.LateAnswer]:
        now = self.room.world.clock.now
        return late_answers(self.session, self.attempt, keys=self.keys, now=now)

    def decide(self, which: int, adopt: bool) -> None:
        answers = self.late()
        chosen = answers[which % len(answers)]
        if adopt and chosen.standing not in MAY_BE_ADOPTED:
            return
        late_decisions.decide(
            self.session, self.attempt.id, [chosen.evidence], adopt=adopt, officer=OFFICE,
            reason="x", keys=self.keys, now=self.room.world.clock.now,
        )  # fmt: skip

    def check(self) -> None:
        """What counts may count, the receipt says how much, and the file proves it."""
        assert all(one.standing is Standing.ADOPTABLE for one in self.late() if one.counts)
        answers = records_kept.final_responses(self.session, self.attempt, self.keys)
        for receipt in self.session.scalars(sa.select(IssuedReceipt)):
            assert Receipt.from_bytes(receipt.body).answered == len(answers)
        now = self.room.world.clock.now
        assert export(self.session, self.attempt, keys=self.keys, answers=True, now=now)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=st.lists(ACTS, min_size=1, max_size=10))
def test_settled_to_and_fro_either_side_comes_back_as_it_was(
    room: Room, acts: list[tuple[object, ...]]
) -> None:
    with Session(room.world.server.engine, expire_on_commit=False) as session, session.begin():
        office = Office(session, room)
        for name, *arguments in acts:
            getattr(office, name)(*arguments)
            room.world.clock.pass_by(milliseconds=10)
        office.check()
        session.rollback()


def test_a_head_signed_at_the_fork_goes_with_its_lease(world: World, issue: Issue) -> None:
    room = Room(writing(world, issue))
    kiosk = spare(room)
    unsent = room.answer(room.first, 1, 1)
    served = room.candidate.take_over(room.candidate.move("P.102", "05"))
    served.send(head=served.signed_head())  # of what the first station had sent, and no more
    served.send(room.answer(served, 3, 0))
    claimant = carry(room, room.first, kiosk)
    assert claim(claimant, token_of(room.first), unsent).conflict
    claimant.send(head=claimant.signed_head())
    for side in (Side.CLAIMANT, Side.SERVER, Side.CLAIMANT):
        settle(room, side)
        sound(room)
        assert exported(room).holds
