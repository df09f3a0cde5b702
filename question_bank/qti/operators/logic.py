"""Truth: and, or, not, anyN, isNull, match; and the comparison of any two values."""

from collections import Counter

from question_bank.qti.operators.table import ANY, Operands, Operator, ill_typed
from question_bank.qti.program import Expression
from question_bank.qti.run import Run
from question_bank.qti.values import (
    Container,
    Record,
    Single,
    Value,
    boolean,
    identity,
    members_of,
)


def truth(value: Value | None) -> bool | None:
    """A boolean's truth; None for NULL and for values of other types."""
    if isinstance(value, Single) and isinstance(value.data, bool):
        return value.data
    return None


def same(first: Value, second: Value) -> bool:
    """Whether two values are the same: bags in any order, ordered containers in theirs. A single
    value is the same as a container of it alone."""
    if isinstance(first, Single) and isinstance(second, Single):
        return identity(first) == identity(second)
    if isinstance(first, Record) or isinstance(second, Record):
        return (
            isinstance(first, Record) and isinstance(second, Record) and _same_fields(first, second)
        )
    left, right = [[identity(m) for m in members_of(value)] for value in (first, second)]
    kinds = {value.cardinality for value in (first, second) if isinstance(value, Container)}
    return left == right if kinds == {"ordered"} else Counter(left) == Counter(right)


def _same_fields(first: Record, second: Record) -> bool:
    if set(first.fields) != set(second.fields):
        return False
    for name, left in first.fields.items():
        right = second.fields[name]
        if left is None or right is None:
            if left is not right:
                return False
        elif not same(left, right):
            return False
    return True


def _and(expression: Expression, operands: Operands, run: Run) -> Value | None:
    truths = _truths(expression, operands, run)
    if False in truths:
        return boolean(False)
    return None if None in truths else boolean(True)


def _or(expression: Expression, operands: Operands, run: Run) -> Value | None:
    truths = _truths(expression, operands, run)
    if True in truths:
        return boolean(True)
    return None if None in truths else boolean(False)


def _not(expression: Expression, operands: Operands, run: Run) -> Value | None:
    (known,) = _truths(expression, operands, run)
    return None if known is None else boolean(not known)


def _any_n(expression: Expression, operands: Operands, run: Run) -> Value | None:
    """True where at least `min` and at most `max` are true, whatever the NULLs may be."""
    truths = _truths(expression, operands, run)
    least = run.integer(expression.attributes.get("min", "0"))
    most = run.integer(expression.attributes.get("max", str(len(truths))))
    if least is None or most is None:
        return None
    surely, unknown = truths.count(True), truths.count(None)
    if least <= surely and surely + unknown <= most:
        return boolean(True)
    if surely > most or surely + unknown < least:
        return boolean(False)
    return None


def _truths(expression: Expression, operands: Operands, run: Run) -> list[bool | None]:
    truths = [truth(operand) for operand in operands]
    if any(t is None and o is not None for t, o in zip(truths, operands, strict=True)):
        ill_typed(expression, run)
    return truths


def _is_null(_: Expression, operands: Operands, __: Run) -> Value | None:
    return boolean(operands[0] is None)


def _match(_: Expression, operands: Operands, __: Run) -> Value | None:
    first, second = operands
    return None if first is None or second is None else boolean(same(first, second))


def _is_type_of(_: Expression, operands: Operands, __: Run) -> Value | None:
    """Beyond the standard: whether a value has the base type or cardinality named."""
    value, name = operands
    if value is None or not isinstance(name, Single):
        return None
    names = {member.base_type for member in members_of(value)}
    cardinality = {Single: "single", Record: "record"}.get(type(value), "")
    if isinstance(value, Container):
        cardinality = value.cardinality
    return boolean(name.data in names or name.data == cardinality)


LOGIC = {
    "and": Operator(_and, 1, ANY),
    "or": Operator(_or, 1, ANY),
    "not": Operator(_not, 1, 1),
    "anyn": Operator(_any_n, 1, ANY),
    "isnull": Operator(_is_null, 1, 1),
    "match": Operator(_match, 2, 2),
    "istypeof": Operator(_is_type_of, 2, 2),
}
