"""The life of an item version: draft → review → approved → retired, as a table."""

from dataclasses import dataclass
from enum import StrEnum

from question_bank.errors import LifecycleError


class State(StrEnum):
    """Where an item version stands. Only an approved one may stand in a form."""

    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"
    RETIRED = "retired"


class Action(StrEnum):
    """What moves it on."""

    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    RETURN = "return"
    APPROVE = "approve"
    RETIRE = "retire"


class Role(StrEnum):
    """Who acts."""

    ITEM_WRITER = "item_writer"
    REVIEWER = "reviewer"
    EXAM_OFFICE = "exam_office"


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: who may take it, and whether another person than the author must."""

    target: State
    roles: frozenset[Role]
    not_by_author: bool = False


_WRITER = frozenset((Role.ITEM_WRITER,))
_REVIEWER = frozenset((Role.REVIEWER,))
_DECIDERS = frozenset((Role.REVIEWER, Role.EXAM_OFFICE))

STEPS: dict[tuple[State, Action], Step] = {
    (State.DRAFT, Action.SUBMIT): Step(State.REVIEW, _WRITER),
    (State.REVIEW, Action.WITHDRAW): Step(State.DRAFT, _WRITER),
    (State.REVIEW, Action.RETURN): Step(State.DRAFT, _REVIEWER, not_by_author=True),
    (State.REVIEW, Action.APPROVE): Step(State.APPROVED, _REVIEWER, not_by_author=True),
    (State.APPROVED, Action.RETIRE): Step(State.RETIRED, _DECIDERS),
}


def advance(state: State, action: Action, role: Role, *, by_author: bool) -> State:
    """The state after `action`; raises LifecycleError for a step that is not in the table."""
    step = STEPS.get((state, action))
    if step is None:
        raise LifecycleError(f"an item that is {state} cannot be moved on by {action}")
    if role not in step.roles:
        raise LifecycleError(f"{action} is not for the role {role}")
    if step.not_by_author and by_author:
        raise LifecycleError(f"{action} needs another person than the author")
    return step.target
