"""What an operator is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from question_bank.qti.program import Expression
from question_bank.qti.run import Run
from question_bank.qti.values import Value

Operands = Sequence[Value | None]
Compute = Callable[[Expression, Operands, Run], Value | None]

ANY = 10_000


@dataclass(frozen=True, slots=True)
class Operator:
    """How an expression's value comes from its operands' values, and how many it takes.

    Operands of a type that the operator does not take give NULL, with a notice: what a candidate
    sends must never stop a marking.
    """

    compute: Compute
    least: int
    most: int


class IllTypedError(Exception):
    """An operand is of a type that the operator does not take: `evaluate` makes it NULL."""


def ill_typed(expression: Expression, run: Run) -> None:
    """Notices that an operand has a wrong type."""
    where = "" if expression.line is None else f" in line {expression.line}"
    run.notice(f"{expression.name}{where}: an operand of a wrong type; the result is NULL")
