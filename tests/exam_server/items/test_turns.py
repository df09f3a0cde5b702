"""Two who change the same thing at once take turns, on both databases."""

import threading
from collections.abc import Callable

import pytest
from bank_world import Bank, maths_item
from sqlmodel import Session

from exam_server import db
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import bulk, exports, life
from exam_server.items.bulk import Value
from exam_server.items.bulk_models import Task
from question_bank.lifecycle import Action, State

Work = Callable[[Session], object]


def one_after_the_other(bank: Bank, first: Work, second: Work) -> None:
    """Begins `second` while `first` has written and not committed; raises what `second` raises."""
    began, caught = threading.Event(), list[NotPossibleError]()

    def run() -> None:
        began.set()
        try:
            with db.transaction(bank.engine) as session:
                second(session)
        except NotPossibleError as error:
            caught.append(error)

    other = threading.Thread(target=run)
    with db.transaction(bank.engine) as session:
        first(session)
        other.start()
        began.wait()
        other.join(1)
    other.join()
    for error in caught:
        raise error


def test_the_later_writer_overwrites_nothing(bank: Bank) -> None:
    one = bank.create("soan", maths_item())
    mark = bank.opened(one).mark

    def saving(who: str, stem: str) -> Work:
        return lambda session: life.save(
            session, bank.people[who], one, maths_item(stem=stem), mark=mark,
            sealing=bank.sealing, now=bank.at(),
        )  # fmt: skip

    with pytest.raises(NotPossibleError) as caught:
        one_after_the_other(bank, saving("soan", "Một"), saving("soan2", "Hai"))
    assert caught.value.objection is Objection.CHANGED_MEANWHILE
    assert bank.opened(one).item.stem == "Một"


def test_nobody_approves_what_was_withdrawn_meanwhile(bank: Bank) -> None:
    one = bank.create("soan", maths_item())
    bank.step("soan", one, Action.SUBMIT)
    mark = bank.opened(one).mark

    def stepping(who: str, action: Action) -> Work:
        return lambda session: life.step(
            session, bank.people[who], one, action, mark=mark, sealing=bank.sealing, now=bank.at()
        )

    with pytest.raises(NotPossibleError) as caught:
        one_after_the_other(
            bank, stepping("soan", Action.WITHDRAW), stepping("phanbien", Action.APPROVE)
        )
    assert caught.value.objection is Objection.WRONG_STATE
    assert bank.opened(one).state is State.DRAFT


def test_a_secret_item_leaves_once_even_to_two_clicks(bank: Bank) -> None:
    one = bank.create("soan2", maths_item(), secret=True)
    wish = bank.do(exports.ask, "soan2", one, "in")
    bank.do(exports.decide, "phanbien", wish, granted=True)

    def taking(session: Session) -> object:
        return exports.take(
            session, bank.people["soan2"], str(wish), sealing=bank.sealing, now=bank.at()
        )

    with pytest.raises(NotPossibleError) as caught:
        one_after_the_other(bank, taking, taking)
    assert caught.value.objection is Objection.WRONG_STATE


def test_work_is_taken_back_once_even_to_two_clicks(bank: Bank) -> None:
    one = bank.create("soan", maths_item())
    job = str(bank.do(bulk.begin, "soan", Task.TAG, [one], Value(tag="thi thử")))
    bulk.carry_on(bank.engine, bank.people["soan"], job, sealing=bank.sealing, clock=bank.at)

    def undoing(session: Session) -> object:
        return bulk.begin_undo(session, bank.people["soan"], job, now=bank.at())

    with pytest.raises(NotPossibleError) as caught:
        one_after_the_other(bank, undoing, undoing)
    assert caught.value.objection is Objection.UNDO_OVER
