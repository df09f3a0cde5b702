"""The life of items on the server: the table, two persons, subjects, versions that never change."""

from dataclasses import replace
from itertools import product

import pytest
import sqlalchemy as sa
from bank_world import MATHS, PEOPLE, PHYSICS, Bank, maths_item

from exam_server import audit, db
from exam_server.audit import AuditEntry
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import exports, keeping, life, service
from exam_server.items.models import Act, ItemCard, ItemEvent, ItemVersion
from question_bank.interchange.formats import WRITERS
from question_bank.interchange.qti3 import read_qti3
from question_bank.lifecycle import STEPS, Action, State
from tests.interaction_items import slider

pytestmark = pytest.mark.slow


def _refused(objection: Objection) -> "pytest.RaisesExc[NotPossibleError]":
    return pytest.raises(NotPossibleError, check=lambda error: error.objection is objection)


def test_an_item_goes_from_draft_to_retirement(bank: Bank) -> None:
    item = bank.create("soan", maths_item())
    assert bank.step("soan", item, Action.SUBMIT) is State.REVIEW
    assert bank.step("phanbien", item, Action.RETURN, "Thiếu điều kiện") is State.DRAFT
    assert bank.save("soan", item, maths_item(stem="Cho hàm số bậc ba, a khác 0")) == 1
    assert bank.step("soan", item, Action.SUBMIT) is State.REVIEW
    assert bank.step("phanbien", item, Action.APPROVE) is State.APPROVED
    assert bank.step("hoidong", item, Action.RETIRE, "Lộ") is State.RETIRED
    history = bank.history(item)
    assert [event.act for event in reversed(history)] == [
        Act.CREATED, Act.SUBMITTED, Act.RETURNED, Act.EDITED, Act.SUBMITTED, Act.APPROVED,
        Act.RETIRED,
    ]  # fmt: skip
    assert [event.note for event in history if event.note] == ["Lộ", "Thiếu điều kiện"]
    with db.reading(bank.engine) as session:
        logged = session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"item:{item}"))
        entries = list(logged)
        assert [entry.action for entry in entries] == [event.act for event in reversed(history)]
        assert all("Lộ" not in entry.details for entry in entries)
        assert audit.verify_chain(session).fault is None


def test_nobody_is_their_own_second_person_whatever_their_role_became(bank: Bank) -> None:
    """By person: who wrote in the version and is a reviewer now still cannot approve it."""
    item = bank.create("soan2", maths_item())
    bank.step("soan2", item, Action.SUBMIT)
    promoted = replace(bank.people["soan2"], role=bank.people["phanbien"].role)
    bank.people["soan2"] = promoted
    for action in (Action.APPROVE, Action.RETURN):
        with _refused(Objection.OWN_ITEM):
            bank.step("soan2", item, action, "ý kiến")
    assert bank.opened(item).state is State.REVIEW
    assert bank.step("phanbien", item, Action.APPROVE) is State.APPROVED


def test_whoever_edits_a_colleagues_draft_is_an_author_too(bank: Bank) -> None:
    item = bank.create("soan", maths_item())
    bank.save("soan2", item, maths_item(stem="Cho hàm số bậc bốn"))
    bank.step("soan", item, Action.SUBMIT)
    bank.people["soan2"] = replace(bank.people["soan2"], role=bank.people["phanbien"].role)
    with _refused(Objection.OWN_ITEM):
        bank.step("soan2", item, Action.APPROVE)


def test_what_was_approved_never_changes_a_change_begins_a_draft(bank: Bank) -> None:
    item = bank.create("soan", maths_item())
    bank.step("soan", item, Action.SUBMIT)
    with _refused(Objection.WRONG_STATE):
        bank.save("soan", item, maths_item(stem="Khác"))
    bank.step("phanbien", item, Action.APPROVE)
    with db.reading(bank.engine) as session:
        before = session.scalars(sa.select(ItemVersion)).one()
    assert bank.save("soan", item, maths_item(stem="Khác hẳn")) == 2
    assert bank.opened(item).item.stem == "Khác hẳn"
    assert bank.opened(item).state is State.DRAFT
    old = bank.opened(item, 1)
    assert (old.item.stem, old.state) == ("Cho hàm số bậc ba", State.APPROVED)
    with db.reading(bank.engine) as session:
        after = session.scalars(sa.select(ItemVersion).where(ItemVersion.version == 1)).one()
    assert (after.body, after.answer_key, after.digest) == (
        before.body, before.answer_key, before.digest,
    )  # fmt: skip


def test_nobody_overwrites_or_approves_what_they_did_not_see(bank: Bank) -> None:
    item = bank.create("soan", maths_item())
    seen = bank.opened(item).mark
    bank.save("soan2", item, maths_item(stem="Bản của người khác"))
    with _refused(Objection.CHANGED_MEANWHILE):
        bank.do(life.save, "soan", item, maths_item(stem="Bản của tôi"), mark=seen)
    with _refused(Objection.CHANGED_MEANWHILE):
        bank.do(life.step, "soan", item, Action.SUBMIT, mark=seen)
    assert bank.opened(item).item.stem == "Bản của người khác"


def test_every_step_of_every_person_is_what_table_and_subjects_say(bank: Bank) -> None:
    """Deny by default: what the table does not give to a role of the item's subject is refused."""
    for start, action, who in product(State, Action, sorted(PEOPLE)):
        item = bank.create("soan", maths_item(f"{start}-{action}-{who}"))
        with db.transaction(bank.engine) as session:
            session.get_one(ItemCard, item).state = start
            row = keeping.version_row(session, item, 1)
            row.state = start
        role, subjects = PEOPLE[who]
        step = STEPS.get((start, action))
        covered = bool({MATHS, "*"} & set(subjects)) and role.value in {
            "item_writer", "reviewer", "exam_office",
        }  # fmt: skip
        may = (
            step is not None
            and (action not in life.BEHIND or start is State.DISCARDED)
            and covered
            and role.value in {one.value for one in step.roles}
        )
        if may and step is not None:
            assert bank.step(who, item, action, "vì sao") is step.target, (start, action, who)
        else:
            with pytest.raises(NotPossibleError):
                bank.step(who, item, action, "vì sao")
            assert bank.opened(item).state is start


def test_without_a_subject_an_item_does_not_exist(bank: Bank) -> None:
    item = bank.create("soan", maths_item())
    for who in ("ly", "moi", "giamthi"):
        for work in (life.look, life.comment):
            with _refused(Objection.NOT_FOUND):
                bank.do(work, who, item, *(["chào"] if work is life.comment else []))
    with _refused(Objection.ROLE_MISSING):
        bank.create("soan", maths_item(subject=PHYSICS))
    with _refused(Objection.ROLE_MISSING):
        bank.save("soan", item, maths_item(subject=PHYSICS))
    with _refused(Objection.ROLE_MISSING):
        bank.create("phanbien", maths_item())


def test_a_return_and_a_retirement_need_their_reason(bank: Bank) -> None:
    item = bank.create("soan", maths_item())
    bank.step("soan", item, Action.SUBMIT)
    with _refused(Objection.REASON_MISSING):
        bank.step("phanbien", item, Action.RETURN, "  ")


def test_a_name_that_is_taken_gets_an_ending(bank: Bank) -> None:
    first, second = (bank.create("soan", maths_item()) for _ in range(2))
    names = [bank.opened(one).name for one in (first, second)]
    assert names[0] == "cau-1" and names[1].startswith("cau-1-")
    assert bank.opened(second).item.id == names[1]


def test_enemies_follow_the_names_that_their_items_got(bank: Bank) -> None:
    bank.create("soan", maths_item("a"))
    foe = maths_item("b")
    foe = replace(foe, metadata=replace(foe.metadata, enemies=("a", "khac")))
    made = bank.do(life.create, "soan", [maths_item("a"), foe], act=Act.IMPORTED, secret=False)
    assert isinstance(made, list)
    names = [bank.opened(item).name for item in made]
    assert names[0] != "a" and names[1] == "b"
    assert bank.opened(made[1]).item.metadata.enemies == (names[0], "khac")


def test_a_secret_item_is_seen_by_those_alone_who_may_and_that_is_written_down(bank: Bank) -> None:
    with _refused(Objection.ROLE_MISSING):
        bank.create("soan", maths_item(), secret=True)
    item = bank.create("soan2", maths_item(), secret=True)
    for who in ("soan", "phanbien2", "ly"):
        with _refused(Objection.NOT_FOUND):
            bank.do(life.look, who, item)
    bank.do(life.look, "phanbien", item)
    bank.do(life.look, "hoidong", item)
    seen = [(event.act, event.who) for event in bank.history(item) if event.act is Act.SEEN]
    assert seen == [(Act.SEEN, "hoidong"), (Act.SEEN, "phanbien")]
    with db.reading(bank.engine) as session:
        logged = session.scalars(sa.select(AuditEntry.actor).where(AuditEntry.action == Act.SEEN))
        assert list(logged) == [bank.people[who].actor for who in ("phanbien", "hoidong")]


def test_no_writer_opens_a_secret_item_to_all(bank: Bank) -> None:
    item = bank.create("soan2", maths_item(), secret=True)
    wish = bank.do(exports.ask, "hoidong", item, "đã thi xong", opens=True)
    with _refused(Objection.ROLE_MISSING):
        bank.do(exports.decide, "soan2", wish, granted=True)
    bank.do(exports.decide, "phanbien", wish, granted=True)
    bank.do(life.look, "soan", item)


def test_a_secret_item_leaves_on_a_second_persons_word_and_once(bank: Bank) -> None:
    item = bank.create("soan2", maths_item(), secret=True)
    with _refused(Objection.SECOND_PERSON_NEEDED):
        bank.do(exports.take_open, "soan2", item)
    wish = bank.do(exports.ask, "soan2", item, "In đề dự phòng")
    with _refused(Objection.OWN_ITEM):
        bank.do(exports.decide, "soan2", wish, granted=True)
    with _refused(Objection.WRONG_STATE):
        bank.do(exports.take, "soan2", wish)
    for who in ("soan", "ly", "phanbien2"):
        with _refused(Objection.NOT_FOUND):
            bank.do(exports.decide, who, wish, granted=True)
    bank.do(exports.decide, "phanbien", wish, granted=True)
    with _refused(Objection.WRONG_STATE):
        bank.do(exports.decide, "hoidong", wish, granted=False)
    with _refused(Objection.ROLE_MISSING):
        bank.do(exports.take, "hoidong", wish)
    with _refused(Objection.BAD_VALUE):
        bank.do(exports.take, "soan2", wish, "doc")
    taken = bank.do(exports.take, "soan2", wish)
    assert isinstance(taken, exports.Taken)
    assert (taken.name, taken.suffix) == ("cau-1", ".zip")
    assert read_qti3(taken.data, "x.zip").items[0].stem == "Cho hàm số bậc ba"
    with _refused(Objection.WRONG_STATE):
        bank.do(exports.take, "soan2", wish)
    acts = [event.act for event in reversed(bank.history(item))]
    assert acts == [Act.CREATED, Act.EXPORT_ASKED, Act.EXPORT_GRANTED, Act.EXPORTED]


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_an_open_item_leaves_in_every_format(bank: Bank, form: str) -> None:
    item = bank.create("soan", maths_item())
    taken = bank.do(exports.take_open, "soan", item, form)
    assert isinstance(taken, exports.Taken)
    assert taken.suffix == WRITERS[form].suffix
    assert bank.history(item)[0].act is Act.EXPORTED


def test_what_a_format_cannot_hold_does_not_leave_and_is_not_noted(bank: Bank) -> None:
    item = bank.create("soan2", slider(), secret=True)
    wish = bank.do(exports.ask, "soan2", item, "Chuyển sang Moodle")
    bank.do(exports.decide, "phanbien", wish, granted=True)
    with _refused(Objection.NOT_CARRIED):
        bank.do(exports.take, "soan2", wish, "moodle")
    assert bank.history(item)[0].act is Act.EXPORT_GRANTED
    assert isinstance(bank.do(exports.take, "soan2", wish, "pdf"), exports.Taken)


def test_a_refused_export_is_never_taken(bank: Bank) -> None:
    item = bank.create("soan2", maths_item(), secret=True)
    wish = bank.do(exports.ask, "soan2", item, "Xem lại")
    bank.do(exports.decide, "phanbien", wish, granted=False)
    with _refused(Objection.WRONG_STATE):
        bank.do(exports.take, "soan2", wish)


def test_a_loaded_paper_puts_its_items_into_use_and_never_a_draft(bank: Bank) -> None:
    draft = bank.create("soan", maths_item())
    with db.transaction(bank.engine) as session:
        (kept,) = service.store(session, [maths_item()], sealing=bank.sealing, now=bank.at())
        life.use(session, [kept], "Kỳ thi · Toán", sealing=bank.sealing, now=bank.at())
    assert kept.version == 2, "the draft is not what was approved by loading"
    assert bank.opened(draft).state is State.IN_USE
    assert bank.opened(draft, 1).state is State.DRAFT
    used = bank.history(draft)[0]
    assert (used.act, used.note, used.version) == (Act.USED, "Kỳ thi · Toán", 2)
    with db.transaction(bank.engine) as session:
        (again,) = service.store(session, [maths_item()], sealing=bank.sealing, now=bank.at())
    assert again.version == 2


def test_a_paper_loaded_again_leaves_the_draft_behind_its_items_the_newest(bank: Bank) -> None:
    one = bank.create("soan", maths_item())
    bank.step("soan", one, Action.SUBMIT)
    bank.step("phanbien", one, Action.APPROVE)
    approved = bank.opened(one).item
    bank.save("soan", one, replace(approved, stem="Sửa dở"))
    with db.transaction(bank.engine) as session:
        (kept,) = service.store(session, [approved], sealing=bank.sealing, now=bank.at())
    assert kept.version == 1
    opened = bank.opened(one)
    assert (opened.versions, opened.state, opened.item.stem) == ((1, 2), State.DRAFT, "Sửa dở")


def test_comments_and_bodies_lie_sealed(bank: Bank) -> None:
    item = bank.create("soan", maths_item(stem="Nội dung rất riêng"))
    bank.do(life.comment, "phanbien", item, "Đáp án là B")
    with db.reading(bank.engine) as session:
        stored = [row.note or b"" for row in session.scalars(sa.select(ItemEvent))]
        stored += [row.body + row.answer_key for row in session.scalars(sa.select(ItemVersion))]
    assert not any(b"B" in one and "Đáp".encode() in one for one in stored)
    assert not any("riêng".encode() in one for one in stored)
