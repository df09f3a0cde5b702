"""Work on many items at once: each judged by itself, carried on, and undone for a day."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from bank_world import MATHS, PHYSICS, Bank, maths_item

from exam_server import db
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import bulk, finding, keeping, statistics
from exam_server.items.bulk import Value
from exam_server.items.bulk_models import ItemTag, Outcome, Task
from exam_server.items.finding import Wanted
from exam_server.items.models import Act
from exam_server.items.rights import rights_of
from exam_server.items.texts import Texts
from question_bank.lifecycle import Action, State
from question_bank.psychometrics.classical import ItemStatistics


def _refused(objection: Objection) -> "pytest.RaisesExc[NotPossibleError]":
    return pytest.raises(NotPossibleError, check=lambda error: error.objection is objection)


def _run(bank: Bank, who: str, task: Task, items: list[str], **value: str) -> str:
    job = bank.do(bulk.begin, who, task, items, Value(**value))
    bulk.carry_on(bank.engine, bank.people[who], str(job), sealing=bank.sealing, clock=bank.at)
    return str(job)


def _undo(bank: Bank, who: str, job: str) -> None:
    with db.transaction(bank.engine) as session:
        bulk.begin_undo(session, bank.people[who], job, now=bank.at())
    bulk.carry_on(bank.engine, bank.people[who], job, sealing=bank.sealing, clock=bank.at)


def _progress(bank: Bank, who: str, job: str) -> bulk.Progress:
    with db.reading(bank.engine) as session:
        return bulk.progress(session, bulk.job_of(session, bank.people[who], job))


def _names(bank: Bank, who: str, **wanted: object) -> list[str]:
    with db.reading(bank.engine) as session:
        rights = rights_of(session, bank.people[who])
        found = finding.find(session, rights, Wanted(**wanted), Texts(), sealing=bank.sealing)  # type: ignore[arg-type]
        return sorted(name for _, name in found.cards)


@pytest.fixture
def items(bank: Bank) -> list[str]:
    return [bank.create("soan", maths_item(f"n{number:02d}")) for number in range(25)]


def test_many_are_submitted_and_withdrawn(bank: Bank, items: list[str]) -> None:
    bank.step("soan", items[0], Action.SUBMIT)
    job = _run(bank, "soan", Task.SUBMIT, items)
    done = _progress(bank, "soan", job)
    assert (done.total, done.counts[Outcome.DONE], done.finished) == (25, 24, True)
    assert done.refused == [(items[0], "n00", "wrong_state")]
    bank.step("phanbien", items[1], Action.APPROVE)
    _undo(bank, "soan", job)
    after = _progress(bank, "soan", job)
    assert (after.counts[Outcome.UNDONE], after.counts[Outcome.STAYS]) == (23, 1)
    states = [bank.opened(item).state for item in items]
    assert states == [State.REVIEW, State.APPROVED, *[State.DRAFT] * 23]


def test_what_was_submitted_again_by_another_is_not_withdrawn(bank: Bank, items: list[str]) -> None:
    job = _run(bank, "soan", Task.SUBMIT, items[:2])
    bank.step("phanbien", items[0], Action.RETURN, "Sửa ý c")
    bank.save("soan2", items[0], maths_item(stem="Đã sửa"))
    bank.step("soan2", items[0], Action.SUBMIT)
    _undo(bank, "soan", job)
    assert [bank.opened(item).state for item in items[:2]] == [State.REVIEW, State.DRAFT]


def test_retired_ones_come_back_as_they_were(bank: Bank, items: list[str]) -> None:
    for item in items[:2]:
        bank.step("soan", item, Action.SUBMIT)
        bank.step("phanbien", item, Action.APPROVE)
    with db.transaction(bank.engine) as session:
        from exam_server.items import life

        life.use(session, [bank.opened(items[1]).item], "Kỳ thi", sealing=bank.sealing,
                 now=bank.at())  # fmt: skip
    with _refused(Objection.REASON_MISSING):
        bank.do(bulk.begin, "phanbien", Task.RETIRE, items[:2], Value())
    job = _run(bank, "phanbien", Task.RETIRE, items[:3], reason="Lộ đề")
    assert [bank.opened(item).state for item in items[:3]] == [
        State.RETIRED, State.RETIRED, State.DRAFT,
    ]  # fmt: skip
    _undo(bank, "phanbien", job)
    assert [bank.opened(item).state for item in items[:2]] == [State.APPROVED, State.IN_USE]


def test_no_writer_retires_or_restores(bank: Bank, items: list[str]) -> None:
    job = _run(bank, "soan", Task.RETIRE, items[:1], reason="thôi")
    assert _progress(bank, "soan", job).counts[Outcome.REFUSED] == 1
    with _refused(Objection.ROLE_MISSING):
        bank.step("phanbien", items[0], Action.RESTORE)


def test_items_are_moved_found_there_edited_there_and_moved_back(
    bank: Bank, items: list[str]
) -> None:
    job = _run(bank, "soan", Task.MOVE, items[:2], topic="Tích phân")
    assert _names(bank, "soan", topic="Tích phân") == ["n00", "n01"]
    assert _names(bank, "soan", text="tich phan") == ["n00", "n01"]
    opened = bank.opened(items[0])
    assert opened.item.metadata.topic == "Tích phân"
    with _refused(Objection.NOTHING_TO_DO):
        bank.save("soan", items[0], opened.item)
    _undo(bank, "soan", job)
    assert _names(bank, "soan", text="tich phan") == []
    refused = _run(bank, "soan", Task.MOVE, items[:1], subject=PHYSICS)
    assert _progress(bank, "soan", refused).refused == [(items[0], "n00", "role_missing")]
    _run(bank, "hoidong", Task.MOVE, items[:1], subject=PHYSICS)
    assert _names(bank, "ly") == ["n00"] and "n00" not in _names(bank, "soan", subject=MATHS)


def test_tags_are_put_found_and_taken_back(bank: Bank, items: list[str]) -> None:
    job = _run(bank, "soan", Task.TAG, items[:3], tag="đề dự phòng")
    _run(bank, "soan", Task.TAG, items[3:4], tag="khác")
    assert _names(bank, "soan", tag="đề dự phòng") == ["n00", "n01", "n02"]
    _undo(bank, "soan", job)
    with db.reading(bank.engine) as session:
        assert [tag.tag for tag in session.scalars(sa.select(ItemTag))] == ["khác"]


def test_a_job_left_behind_is_carried_on_and_nothing_is_done_twice(
    bank: Bank, items: list[str]
) -> None:
    job = str(bank.do(bulk.begin, "soan", Task.SUBMIT, items, Value()))
    bulk._some(bank.engine, bank.people["soan"], job, Outcome.WAITING, bulk._do, bank.sealing,
               bank.at())  # fmt: skip
    half = _progress(bank, "soan", job)
    assert (half.finished, half.counts[Outcome.DONE]) == (False, bulk.CHUNK)
    with _refused(Objection.UNDO_OVER):
        _undo(bank, "soan", job)
    for _ in range(2):
        bulk.carry_on(bank.engine, bank.people["soan"], job, sealing=bank.sealing, clock=bank.at)
    assert _progress(bank, "soan", job).counts == {Outcome.DONE: 25}


def test_an_undoing_left_behind_shows_how_far_it_is_and_is_carried_on(
    bank: Bank, items: list[str]
) -> None:
    job = _run(bank, "soan", Task.SUBMIT, items)
    with db.transaction(bank.engine) as session:
        bulk.begin_undo(session, bank.people["soan"], job, now=bank.at())
    begun = _progress(bank, "soan", job)
    assert (begun.finished, begun.left, begun.total) == (False, 25, 25)
    bulk._some(bank.engine, bank.people["soan"], job, Outcome.DONE, bulk._take_back, bank.sealing,
               bank.at())  # fmt: skip
    half = _progress(bank, "soan", job)
    assert (half.finished, half.left) == (False, 25 - bulk.CHUNK)
    for _ in range(2):
        bulk.carry_on(bank.engine, bank.people["soan"], job, sealing=bank.sealing, clock=bank.at)
    after = _progress(bank, "soan", job)
    assert after.finished and after.counts == {Outcome.UNDONE: 25}
    with _refused(Objection.UNDO_OVER):
        _undo(bank, "soan", job)
    assert {bank.opened(item).state for item in items} == {State.DRAFT}


def test_after_a_day_nothing_is_undone_and_others_see_no_job(bank: Bank, items: list[str]) -> None:
    job = _run(bank, "soan", Task.TAG, items[:1], tag="x")
    with _refused(Objection.NOT_FOUND):
        _undo(bank, "soan2", job)
    bank.now += timedelta(days=1)
    with _refused(Objection.UNDO_OVER):
        _undo(bank, "soan", job)


def test_what_one_may_not_see_is_in_no_job(bank: Bank, items: list[str]) -> None:
    hidden = bank.create("soan2", maths_item("mat"), secret=True)
    with _refused(Objection.NOT_FOUND):
        bank.do(bulk.begin, "soan", Task.TAG, [*items, hidden], Value(tag="x"))
    with _refused(Objection.NOTHING_TO_DO):
        bank.do(bulk.begin, "soan", Task.TAG, [], Value(tag="x"))


def test_drafts_are_discarded_found_by_that_alone_and_come_back(
    bank: Bank, items: list[str]
) -> None:
    bank.step("soan", items[0], Action.SUBMIT)
    job = _run(bank, "soan", Task.DISCARD, items[:3])
    assert _progress(bank, "soan", job).refused == [(items[0], "n00", "wrong_state")]
    assert bank.opened(items[1]).state is State.DISCARDED
    assert "n01" not in _names(bank, "soan") and "n03" in _names(bank, "soan")
    assert _names(bank, "soan", state=State.DISCARDED) == ["n01", "n02"]
    assert bank.history(items[1])[0].act is Act.DISCARDED
    with _refused(Objection.WRONG_STATE):
        bank.save("soan", items[1], maths_item(stem="Mới"))
    _undo(bank, "soan", job)
    assert [bank.opened(one).state for one in items[1:3]] == [State.DRAFT, State.DRAFT]
    bank.step("soan", items[2], Action.DISCARD)
    assert bank.step("soan", items[2], Action.RESTORE) is State.DRAFT
    with _refused(Objection.ROLE_MISSING):
        bank.step("phanbien", items[2], Action.DISCARD)


def test_a_standing_version_is_retired_behind_a_draft_and_comes_back(
    bank: Bank, items: list[str]
) -> None:
    one = items[0]
    _approved(bank, one)
    assert bank.save("soan", one, maths_item(stem="Bản hai")) == 2
    assert _names(bank, "soan", state=State.APPROVED) == ["n00"]
    assert "n00" in _names(bank, "soan", state=State.DRAFT)
    job = _run(bank, "phanbien", Task.RETIRE, [one], reason="Lộ đề")
    assert (bank.opened(one, 1).state, bank.opened(one).state) == (State.RETIRED, State.DRAFT)
    assert bank.history(one)[0].version == 1
    assert _names(bank, "soan", state=State.RETIRED) == ["n00"]
    assert _names(bank, "soan", state=State.APPROVED) == []
    bank.save("soan", one, maths_item(stem="Bản hai, sửa"))
    _undo(bank, "phanbien", job)
    assert (bank.opened(one, 1).state, bank.opened(one).state) == (State.APPROVED, State.DRAFT)


def test_a_discarded_revision_gives_way_to_what_stands(bank: Bank, items: list[str]) -> None:
    one = items[0]
    _approved(bank, one)
    bank.save("soan", one, maths_item("n00", stem="Bản hai"))
    job = _run(bank, "soan", Task.DISCARD, [one])
    assert (bank.opened(one).item.version, bank.opened(one).state) == (1, State.APPROVED)
    assert bank.opened(one, 2).state is State.DISCARDED and bank.opened(one).newest
    _undo(bank, "soan", job)
    assert (bank.opened(one).item.version, bank.opened(one).state) == (2, State.DRAFT)
    again = _run(bank, "soan", Task.DISCARD, [one])
    assert bank.save("soan", one, maths_item(stem="Bản ba")) == 3
    _undo(bank, "soan", again)
    assert _progress(bank, "soan", again).counts[Outcome.STAYS] == 1
    assert bank.opened(one).item.version == 3


def test_the_numbers_of_what_stands_stay_behind_a_draft(bank: Bank, items: list[str]) -> None:
    one = items[0]
    _approved(bank, one)
    bank.save("soan", one, maths_item(stem="Bản hai"))
    told = ItemStatistics(40, Decimal("0.5"), None)
    with db.transaction(bank.engine) as session:
        row = keeping.version_row(session, one, 1)
        statistics.keep(session, row.id, "import:đợt 1", told, now=bank.at())
    assert _names(bank, "soan", answers=40) == ["n00"]
    bank.save("soan", one, maths_item(stem="Bản hai, sửa"))
    assert _names(bank, "soan", answers=40) == ["n00"]
    bank.step("soan", one, Action.SUBMIT)
    bank.step("phanbien", one, Action.APPROVE)
    assert _names(bank, "soan", answers=40) == [], "the second version has none of its own"


def _approved(bank: Bank, item: str) -> None:
    bank.step("soan", item, Action.SUBMIT)
    bank.step("phanbien", item, Action.APPROVE)
