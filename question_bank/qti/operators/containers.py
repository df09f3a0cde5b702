"""Containers and records."""

from collections import Counter
from typing import Literal

from question_bank.errors import ScoringError
from question_bank.qti.operators.table import ANY, IllTypedError, Operands, Operator
from question_bank.qti.program import Expression
from question_bank.qti.run import Run
from question_bank.qti.values import (
    MAX_MEMBERS,
    Container,
    Record,
    Single,
    Value,
    boolean,
    container,
    identity,
    members_of,
    number,
)


def gathered(cardinality: Literal["multiple", "ordered"], operands: Operands) -> Container | None:
    """All values of the operands in one container; NULLs are left out."""
    members = [member for operand in operands for member in members_of(operand)]
    if len(members) > MAX_MEMBERS:
        raise ScoringError(f"a container of more than {MAX_MEMBERS} values")
    nulls = sum(operand is None for operand in operands)
    return container(cardinality, members, nulls)


def _multiple(_: Expression, operands: Operands, __: Run) -> Value | None:
    return gathered("multiple", operands)


def _ordered(_: Expression, operands: Operands, __: Run) -> Value | None:
    return gathered("ordered", operands)


def _container_size(_: Expression, operands: Operands, __: Run) -> Value | None:
    """NULL has the size 0."""
    return number(len(members_of(operands[0])))


def _index(expression: Expression, operands: Operands, run: Run) -> Value | None:
    """The n-th value, from 1; `n` is an attribute, or (beyond the standard) a second operand."""
    if len(operands) == 2:
        place = operands[1].data if isinstance(operands[1], Single) else None
    else:
        place = run.integer(expression.attributes.get("n", ""))
    if not isinstance(place, int) or isinstance(place, bool):
        return None
    members = members_of(operands[0])
    return members[place - 1] if 1 <= place <= len(members) else None


def _field_value(expression: Expression, operands: Operands, _: Run) -> Value | None:
    match operands[0]:
        case None:
            return None
        case Record(fields=fields):
            return fields.get(expression.attributes.get("fieldidentifier", ""))
        case _:
            raise IllTypedError


def _record(expression: Expression, operands: Operands, _: Run) -> Value | None:
    """Beyond the standard: a record of the fields named."""
    names = expression.attributes["fields"].split()
    return Record(dict(zip(names, operands, strict=True)))


def _random(_: Expression, operands: Operands, run: Run) -> Value | None:
    members = members_of(operands[0])
    return members[run.draws.below(len(members))] if members else None


def _member(_: Expression, operands: Operands, __: Run) -> Value | None:
    wanted, among = operands
    if not isinstance(wanted, Single) or among is None:
        return None
    return boolean(identity(wanted) in [identity(member) for member in members_of(among)])


def _delete(_: Expression, operands: Operands, __: Run) -> Value | None:
    """The container without any instance of the first value."""
    removed, among = operands
    if not isinstance(removed, Single) or not isinstance(among, Container):
        return None
    kept = [member for member in among.members if identity(member) != identity(removed)]
    return container(among.cardinality, kept)


def _contains(_: Expression, operands: Operands, __: Run) -> Value | None:
    """Bags with multiplicity; of ordered containers the second is a run within the first."""
    whole, part = operands
    if whole is None or part is None:
        return None
    held = [identity(member) for member in members_of(whole)]
    asked = [identity(member) for member in members_of(part)]
    if isinstance(whole, Container) and whole.cardinality == "ordered":
        starts = range(len(held) - len(asked) + 1)
        return boolean(any(held[start : start + len(asked)] == asked for start in starts))
    return boolean(not Counter(asked) - Counter(held))


CONTAINERS = {
    "multiple": Operator(_multiple, 0, ANY),
    "ordered": Operator(_ordered, 0, ANY),
    "containersize": Operator(_container_size, 1, 1),
    "index": Operator(_index, 1, 2),
    "fieldvalue": Operator(_field_value, 1, 1),
    "record": Operator(_record, 0, ANY),
    "random": Operator(_random, 1, 1),
    "member": Operator(_member, 2, 2),
    "delete": Operator(_delete, 2, 2),
    "contains": Operator(_contains, 2, 2),
}
