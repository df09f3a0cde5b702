"""The former station comes back with unsent records: evidence, proof, an officer's word, marks."""

import os
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from kiosk import Desk, RefusalError
from moves import Candidate, Issue, writing
from server_world import FIRST, OFFICE, World
from sqlmodel import Session

from exam_server.attempts import late_decisions, late_records, noting, records_kept
from exam_server.attempts.late_records import LateAnswer, Standing, proven_heads
from exam_server.attempts.models import Attempt, EvidenceRecord, SetAside
from exam_server.attempts.wording import in_words
from exam_server.audit import AuditEntry
from exam_server.contract.errors import ErrorCode
from exam_server.contract.receipt import head_code
from exam_server.contract.records import Opened, Record, Submitted, Visited, WritingKeys, genesis
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms import service as forms
from exam_server.forms.models import Form
from exam_server.grading.service import grade_shift
from exam_server.results import publication
from exam_server.results.models import PaperResult
from exam_server.results.service import results_of_shift
from exam_server.shards import anywhere
from question_bank.package import (
    PresentedChoice,
    PresentedCluster,
    PresentedItem,
    PresentedNumeric,
    PresentedOption,
)
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse

pytestmark = pytest.mark.slow


class Room:
    """What the tests of this file do: writing at two seats, and looking at what came of it."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate, self.world = candidate, candidate.world
        self.first = candidate.desk
        with self.world.server.reading() as session:
            attempt = anywhere(session, Attempt, candidate.attempt)
            form = session.get_one(Form, attempt.form_id)
            shown = forms.presented(form, self.world.server.sealing)
        self.items = [item for item in shown.items if isinstance(item.interaction, PresentedChoice)]
        self.first.send(self.first.record(Opened(self.first.view.code)))

    def answer(self, desk: Desk, item: int, option: int | None) -> Record:
        """The record of the choice of option number `option` (from 0) of item number `item`."""
        chosen = self.items[item]
        interaction = chosen.interaction
        assert isinstance(interaction, PresentedChoice)
        plain = None
        if option is not None:
            plain = ChoiceResponse((interaction.options[option].id,)).to_plain()
        return desk.answer(chosen.id, plain)

    def take_over(self, head_code: str = "") -> Desk:
        return self.candidate.take_over(self.candidate.move(head_code=head_code))

    def late(self) -> list[LateAnswer]:
        server = self.world.server
        with server.reading() as session:
            attempt = anywhere(session, Attempt, self.candidate.attempt)
            return late_records.late_answers(
                session, attempt, keys=server.keys, now=self.world.clock.now
            )

    def decide(self, evidence: str, adopt: bool = True, reason: str = "biên bản số 3") -> None:
        server = self.world.server
        with server.transaction() as session:
            late_decisions.decide(
                session, self.candidate.attempt, [evidence], adopt=adopt, officer=OFFICE,
                reason=reason, keys=server.keys, now=self.world.clock.now,
            )  # fmt: skip

    def answers(self) -> dict[int, int]:
        """Item number → number of the option that counts."""
        server = self.world.server
        with server.reading() as session:
            attempt = anywhere(session, Attempt, self.candidate.attempt)
            given = records_kept.final_responses(session, attempt, server.keys)
        found = {}
        for number, item in enumerate(self.items):
            if item.id in given:
                ids = [option.id for option in item.interaction.options]
                found[number] = ids.index(given[item.id].options[0])
        return found

    def grade(self) -> PaperResult:
        server = self.world.server
        with server.transaction() as session:
            grade_shift(
                session, self.world.shift_id, officer=OFFICE, keys=server.keys,
                grace=server.settings.grace, now=self.world.clock.now,
            )  # fmt: skip
        with server.reading() as session:
            return session.scalars(
                sa.select(PaperResult).where(PaperResult.attempt_id == self.candidate.attempt)
            ).one()


@pytest.fixture
def room(world: World, issue: Issue) -> Room:
    return Room(writing(world, issue))


def superseded(desk: Desk, *records: Record) -> None:
    with pytest.raises(RefusalError) as refusal:
        desk.send(*records)
    assert refusal.value.code is ErrorCode.LEASE_SUPERSEDED


def publish(session: Session, world: World) -> None:
    publication.publish(
        session, world.shift_id, officer=OFFICE, keys=world.server.keys, now=world.clock.now,
        reason="máy hỏng, đã lập biên bản",
    )  # fmt: skip


def objected(objection: Objection, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(NotPossibleError) as caught:
        call(*arguments)
    assert caught.value.objection is objection


def test_with_the_code_noted_at_the_move_untouched_items_may_be_filled(room: Room) -> None:
    sent = room.answer(room.first, 0, 0)
    room.first.send(sent)
    unsent = [
        room.answer(room.first, 0, 1),
        room.answer(room.first, 1, 1),
        room.answer(room.first, 2, 2),
        room.answer(room.first, 2, 3),
        room.first.record(Visited(room.items[3].id)),
    ]
    second = room.take_over(head_code(room.first.head))
    second.send(room.answer(second, 1, 0))
    superseded(room.first, *unsent)
    assert room.answers() == {0: 0, 1: 0}  # nothing counts by itself

    late = {one.item: one for one in room.late()}
    ids = [item.id for item in room.items]
    assert {ids.index(item): one.standing for item, one in late.items()} == {
        0: Standing.ADOPTABLE,
        1: Standing.ANSWERED_SINCE,
        2: Standing.ADOPTABLE,
    }
    assert late[ids[2]].sequence == unsent[3].sequence  # the last word on the item
    objected(Objection.NOT_ADOPTABLE, room.decide, late[ids[1]].evidence)
    objected(Objection.REASON_MISSING, room.decide, late[ids[0]].evidence, True, " ")
    objected(Objection.NOT_FOUND, room.decide, "no such evidence")
    room.decide(late[ids[0]].evidence)
    room.decide(late[ids[2]].evidence)
    assert room.answers() == {0: 1, 1: 0, 2: 3}
    room.decide(late[ids[0]].evidence, False, "nhầm")
    assert room.answers() == {0: 0, 1: 0, 2: 3}
    # Whatever is answered later at the new seat stands above what was adopted.
    second.send(room.answer(second, 2, 0), room.answer(second, 0, None))
    assert room.answers() == {1: 0, 2: 0}
    with room.world.server.reading() as session:
        actions = session.scalars(
            sa.select(AuditEntry.action).order_by(AuditEntry.sequence.desc()).limit(3)
        ).all()
    assert actions == ["late_answer_set_aside", "late_answer_adopted", "late_answer_adopted"]


def test_without_a_fixed_head_nothing_is_proven_until_the_minutes_are_entered(room: Room) -> None:
    unsent = [room.answer(room.first, 0, 1), room.answer(room.first, 1, 1)]
    room.take_over()
    superseded(room.first, *unsent)
    assert [one.standing for one in room.late()] == [Standing.UNPROVEN] * 2
    objected(Objection.NOT_ADOPTABLE, room.decide, room.late()[0].evidence)
    with room.world.server.transaction() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        noting.note(
            session, attempt, head_code(unsent[0].head), epoch=1, officer=OFFICE,
            reason="biên bản phòng 101, 8:40", now=room.world.clock.now,
        )  # fmt: skip
    # What follows the head that was noted may have been written by anybody.
    assert [one.standing for one in room.late()] == [Standing.ADOPTABLE, Standing.UNPROVEN]
    room.decide(room.late()[0].evidence)
    assert room.answers() == {0: 1}


def test_a_code_of_another_lease_or_of_another_chain_proves_nothing(room: Room) -> None:
    genuine = [room.answer(room.first, 0, 1)]
    with room.world.server.transaction() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        with pytest.raises(NotPossibleError):
            noting.note(
                session, attempt, head_code(bytes(32)), epoch=2, officer=FIRST, reason="x",
                now=room.world.clock.now,
            )  # fmt: skip
    room.take_over(head_code(bytes(32)))
    superseded(room.first, *genuine)
    assert [one.standing for one in room.late()] == [Standing.UNPROVEN]


def test_an_answer_written_after_the_end_is_not_adopted(room: Room) -> None:
    room.world.clock.pass_by(minutes=91)
    unsent = room.answer(room.first, 0, 1)
    room.take_over(head_code(room.first.head))
    superseded(room.first, unsent)
    assert [one.standing for one in room.late()] == [Standing.AFTER_THE_END]
    objected(Objection.NOT_ADOPTABLE, room.decide, room.late()[0].evidence)


def test_late_records_of_two_former_stations_keep_their_order(room: Room) -> None:
    of_first = room.answer(room.first, 0, 1), room.answer(room.first, 1, 1)
    second = room.take_over(head_code(room.first.head))
    of_second = room.answer(second, 0, 2)
    third = room.candidate.take_over(
        room.candidate.move("P.102", "05", head_code=head_code(second.head))
    )
    superseded(room.first, *of_first)
    superseded(second, of_second)
    third.send(third.record(Visited(room.items[0].id)))
    for one in room.late():
        room.decide(one.evidence)
    assert room.answers() == {0: 2, 1: 1}  # the later lease's answer to item 0 wins
    of_the_second = next(one for one in room.late() if one.epoch == 2)
    room.decide(of_the_second.evidence, False)
    assert room.answers() == {0: 1, 1: 1}


def test_marks_are_withdrawn_by_an_adoption_and_nothing_changes_after_the_publication(
    room: Room,
) -> None:
    world = room.world
    unsent = [room.answer(room.first, 0, option) for option in range(2)]
    unsent.append(room.answer(room.first, 1, 0))
    second = room.take_over(head_code(room.first.head))
    second.send(second.record(Submitted("candidate")))
    second.submit()
    superseded(room.first, *unsent)
    world.clock.pass_by(minutes=92)
    world.close_shift()
    before = room.grade()
    room.decide(room.late()[0].evidence)
    with world.server.reading() as session:
        assert session.scalars(sa.select(PaperResult)).all() == []
        row = next(
            row
            for row in results_of_shift(session, world.centre_id, world.shift_id)
            if row.attempt_id == room.candidate.attempt
        )
        assert row.total is None and row.late_records
    with world.server.transaction() as session:
        objected(
            Objection.WRONG_STATE,
            publish, session, world,
        )  # fmt: skip
    after = room.grade()
    assert after.head == before.head  # the records kept are the same ones
    with world.server.transaction() as session:
        objected(Objection.LATE_ANSWERS, publish, session, world)  # item 1 waits for a word
    room.decide(room.late()[1].evidence, False)
    assert room.grade().graded_at == after.graded_at  # nothing that counts has changed
    with world.server.transaction() as session:
        publish(session, world)
    objected(Objection.PUBLISHED, room.decide, room.late()[0].evidence, False)
    objected(Objection.PUBLISHED, room.grade)
    assert room.answers() == {0: 1}


def test_an_adopted_answer_stays_on_the_list_whatever_comes_after_it(room: Room) -> None:
    first = room.first
    unsent = [room.answer(first, 0, 1), room.answer(first, 1, 2)]
    code = head_code(first.head)
    more = room.answer(first, 0, 2)
    room.take_over(code)
    superseded(first, *unsent)
    adopted = next(one for one in room.late() if one.sequence == unsent[0].sequence)
    room.decide(adopted.evidence)
    with room.world.server.transaction() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        noting.note(
            session, attempt, head_code(more.head), epoch=1, officer=OFFICE, reason="biên bản",
            now=room.world.clock.now,
        )  # fmt: skip
    superseded(first, more)
    last = next(one for one in room.late() if one.sequence == more.sequence)
    assert last.standing is Standing.ADOPTABLE and last.waits
    room.decide(last.evidence, False)
    assert room.answers() == {0: 1}
    assert [one.evidence for one in room.late() if one.counts] == [adopted.evidence]
    room.decide(adopted.evidence, False)
    assert room.answers() == {}


def test_nothing_of_either_side_is_lost(room: Room) -> None:
    unsent = [room.answer(room.first, number, 0) for number in range(4)]
    second = room.take_over()
    own = [room.answer(second, number, 1) for number in range(2)]
    second.send(*own)
    superseded(room.first, *unsent)
    superseded(room.first, *unsent)
    with room.world.server.reading() as session:
        aside = session.scalars(sa.select(EvidenceRecord)).all()
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        kept = [record.head for record in records_kept.records_of(session, attempt)]
    assert {row.head for row in aside} == {record.head for record in unsent}
    assert {row.reason for row in aside} == {SetAside.SUPERSEDED_LEASE}
    assert kept[-2:] == [record.head for record in own]


KEYS = WritingKeys("t", 1, bytes(32), bytes(32))


def chain(count: int, previous: bytes, first: int, keys: WritingKeys = KEYS) -> list[Record]:
    records = []
    for sequence in range(first, first + count):
        record = keys.seal(
            Visited("i"), sequence=sequence, previous=previous, acknowledged=0, at=1, rng=os.urandom
        )
        previous = record.head
        records.append(record)
    return records


def test_a_proof_leads_from_a_fixed_head_back_to_the_takeover_and_nowhere_else() -> None:
    kept = chain(3, genesis("t"), 1)
    late = chain(4, kept[-1].head, 4)
    twin = chain(2, late[1].head, 6)  # a copy of the disk that wrote on by itself
    early = chain(2, kept[1].head, 3)  # leaves the chain before the takeover
    everything = [*late, *twin, *early]

    def proven(*fixed: Record) -> set[bytes]:
        heads = {record.head for record in fixed}
        return proven_heads("t", kept, everything, lambda record: record.head in heads)

    assert proven() == set()
    assert proven(late[2]) == {record.head for record in late[:3]}
    assert proven(twin[1]) == {record.head for record in [*late[:2], *twin]}
    assert proven(early[1]) == set()
    both = [kept[-1], *late]  # the last one kept is evidence, too
    assert proven_heads("t", kept, both, lambda record: record is kept[-1]) == set()
    missing = [late[0], *late[2:]]
    assert proven_heads("t", kept, missing, lambda record: record is late[3]) == set()
    assert proven_heads("t", [], chain(2, genesis("t"), 1), lambda record: True) != set()


def test_an_answer_is_shown_in_the_letters_of_the_paper() -> None:
    options = tuple(PresentedOption(f"o{n}", "") for n in range(4))
    single = PresentedItem("i", 1, "", PresentedChoice("multiple", options))
    cluster = PresentedItem("i", 1, "", PresentedCluster(options))
    number = PresentedItem("i", 1, "", PresentedNumeric(4, "0123456789,-", ""))

    def words(item: PresentedItem, response: object) -> str:
        return in_words(item, response, true="Đ", false="S")

    assert words(single, ChoiceResponse(("o2", "o0"), "multiple")) == "A, C"
    assert words(cluster, ClusterResponse({"o1": False, "o0": True})) == "a) Đ  b) S"
    assert words(number, NumericResponse("-1,5")) == "-1,5"
    assert words(single, ChoiceResponse(("foreign",))) == "[foreign]"
    assert words(single, NumericResponse("12")) == "12"
    assert words(number, ChoiceResponse(("o1",))).startswith("[")
