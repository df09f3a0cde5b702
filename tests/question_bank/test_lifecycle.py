from itertools import product

import pytest

from question_bank.errors import LifecycleError
from question_bank.lifecycle import STEPS, Action, Role, State, advance


def test_an_item_goes_from_draft_to_retirement() -> None:
    state = advance(State.DRAFT, Action.SUBMIT, Role.ITEM_WRITER, by_author=True)
    state = advance(state, Action.APPROVE, Role.REVIEWER, by_author=False)
    assert advance(state, Action.RETIRE, Role.EXAM_OFFICE, by_author=False) is State.RETIRED


@pytest.mark.parametrize("state, action", list(product(State, Action)))
def test_only_the_table_moves_an_item(state: State, action: Action) -> None:
    for role, by_author in product(Role, (True, False)):
        step = STEPS.get((state, action))
        if step and role in step.roles and not (step.not_by_author and by_author):
            assert advance(state, action, role, by_author=by_author) is step.target
        else:
            with pytest.raises(LifecycleError):
                advance(state, action, role, by_author=by_author)
    assert (State.RETIRED, action) not in STEPS or action is Action.RESTORE
