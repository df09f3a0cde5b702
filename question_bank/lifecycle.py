"""The life of an item version: draft → in review → approved → in use → retired, as a table; a draft
that nobody wants is discarded.

A version may be written in while it is a draft. What was approved never changes again: whoever
wants it otherwise begins the next version (`REVISABLE`).
"""

from dataclasses import dataclass
from enum import StrEnum

from question_bank.errors import LifecycleError


class State(StrEnum):
    """Where an item version stands. Only an approved one may be put into a form of an exam, and it
    is in use from then on."""

    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"
    IN_USE = "in_use"
    RETIRED = "retired"
    DISCARDED = "discarded"


class Action(StrEnum):
    """What moves it on."""

    SUBMIT = "submit"
    DISCARD = "discard"
    WITHDRAW = "withdraw"
    RETURN = "return"
    APPROVE = "approve"
    USE = "use"
    RETIRE = "retire"
    RESTORE = "restore"


class Role(StrEnum):
    """Who acts."""

    ITEM_WRITER = "item_writer"
    REVIEWER = "reviewer"
    EXAM_OFFICE = "exam_office"


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: who may take it, and whether none who wrote in the version may."""

    target: State
    roles: frozenset[Role]
    not_by_author: bool = False


_WRITER = frozenset((Role.ITEM_WRITER,))
_REVIEWER = frozenset((Role.REVIEWER,))
_OFFICE = frozenset((Role.EXAM_OFFICE,))
_DECIDERS = frozenset((Role.REVIEWER, Role.EXAM_OFFICE))

STEPS: dict[tuple[State, Action], Step] = {
    (State.DRAFT, Action.SUBMIT): Step(State.REVIEW, _WRITER),
    (State.DRAFT, Action.DISCARD): Step(State.DISCARDED, _WRITER),
    (State.DISCARDED, Action.RESTORE): Step(State.DRAFT, _WRITER),
    (State.REVIEW, Action.WITHDRAW): Step(State.DRAFT, _WRITER),
    (State.REVIEW, Action.RETURN): Step(State.DRAFT, _REVIEWER, not_by_author=True),
    (State.REVIEW, Action.APPROVE): Step(State.APPROVED, _REVIEWER, not_by_author=True),
    (State.APPROVED, Action.USE): Step(State.IN_USE, _OFFICE),
    (State.IN_USE, Action.USE): Step(State.IN_USE, _OFFICE),
    (State.APPROVED, Action.RETIRE): Step(State.RETIRED, _DECIDERS),
    (State.IN_USE, Action.RETIRE): Step(State.RETIRED, _DECIDERS),
    (State.RETIRED, Action.RESTORE): Step(State.APPROVED, _DECIDERS),
}
#: A draft is changed where it stands; these are followed by a new draft; one in review waits.
EDITABLE = frozenset((State.DRAFT,))
REVISABLE = frozenset((State.APPROVED, State.IN_USE, State.RETIRED))


def steps_for(state: State, role: Role, *, by_author: bool) -> tuple[Action, ...]:
    """What somebody of `role` can do with a version in `state`; `by_author`: who wrote in it."""
    return tuple(
        action
        for (begin, action), step in STEPS.items()
        if begin is state and role in step.roles and not (step.not_by_author and by_author)
    )


def advance(state: State, action: Action, role: Role, *, by_author: bool) -> State:
    """The state after `action`; raises LifecycleError for a step that is not in the table."""
    step = STEPS.get((state, action))
    if step is None:
        raise LifecycleError(f"an item that is {state} cannot be moved on by {action}")
    if role not in step.roles:
        raise LifecycleError(f"{action} is not for the role {role}")
    if step.not_by_author and by_author:
        raise LifecycleError(f"{action} needs another person than those who wrote this version")
    return step.target
