"""Arithmetic on integers and doubles, exactly as IEEE 754 gives it.

A NULL operand makes the result NULL, and so does every result without a value: division by zero,
NaN, integers out of range.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import add

from question_bank.errors import ScoringError
from question_bank.qti.draws import MAX_RANGE
from question_bank.qti.operators.table import ANY, Compute, IllTypedError, Operands, Operator
from question_bank.qti.program import Expression
from question_bank.qti.run import Run
from question_bank.qti.values import (
    MAX_INTEGER,
    NUMERIC,
    Single,
    Value,
    members_of,
    number,
)

Number = int | float


def numbers(operands: Operands) -> list[Number] | None:
    """All numbers of the operands, containers opened; None where one is NULL or no number."""
    found: list[Number] = []
    for operand in operands:
        if operand is None:
            return None
        for member in members_of(operand) or (None,):
            if member is None or member.base_type not in NUMERIC:
                raise IllTypedError
            if isinstance(member.data, int | float):
                found.append(member.data)
    return found


def _of_numbers(
    compute: Callable[[Sequence[Number]], Number | None], least: int, most: int
) -> Operator:
    """An operator on numbers alone. `compute` gives None, or raises ArithmeticError or
    ValueError, where there is no result."""

    def whole(_: Expression, operands: Operands, __: Run) -> Value | None:
        values = numbers(operands)
        if values is None or (least == most and len(values) != least):
            return None
        try:
            result = compute(values)
        except (ArithmeticError, ValueError):
            return None
        return None if result is None else number(result)

    compute_whole: Compute = whole
    return Operator(compute_whole, least, most)


def total(values: Iterable[Number]) -> Number:
    """From left to right, each sum rounded: the built-in sum is not the same in all Pythons."""
    return reduce(add, values, 0)


def _sum(values: Sequence[Number]) -> Number | None:
    return total(values)


def _product(values: Sequence[Number]) -> Number | None:
    product: Number = 1
    for value in values:
        product *= value
        if isinstance(product, int) and abs(product) > MAX_INTEGER:
            return None
    return product


def _integer_divide(values: Sequence[Number]) -> Number | None:
    """The greatest integer i with i ≤ x / y."""
    first, second = _integers(values)
    return first // second


def _integer_modulus(values: Sequence[Number]) -> Number | None:
    """x - y · (x integer-divided by y): the sign is that of y."""
    first, second = _integers(values)
    return first % second


def _modulus(values: Sequence[Number]) -> Number | None:
    return values[0] % values[1]


def _integers(values: Sequence[Number]) -> list[int]:
    """The integers that `values` are, floats that are whole included."""
    if not all(isinstance(value, int) or value.is_integer() for value in values):
        raise ValueError("not integers")
    return [int(value) for value in values]


def _power(values: Sequence[Number]) -> Number | None:
    """A float; NULL where it is out of range (OverflowError) or not real (ValueError)."""
    return math.pow(*values)


def _truncate(values: Sequence[Number]) -> Number | None:
    return values[0] if math.isinf(values[0]) else math.trunc(values[0])


def round_half_up(value: Number) -> Number:
    """The nearest integer; n.5 becomes n + 1, for negative n too (6.5 → 7, -6.5 → -6)."""
    if isinstance(value, int) or math.isinf(value):
        return value
    below = math.floor(value)
    return below + (value - below >= 0.5)


def _gcd(values: Sequence[Number]) -> Number | None:
    return math.gcd(*_integers(values))


def _lcm(values: Sequence[Number]) -> Number | None:
    multiple = 1
    for value in _integers(values):
        multiple = math.lcm(multiple, value)
        if multiple > MAX_INTEGER:
            return None
    return multiple


def _random_integer(expression: Expression, _: Operands, run: Run) -> Value | None:
    """min, min + step, … up to max, each equally likely."""
    least, most, step = (
        run.integer(expression.attributes.get(name, usual))
        for name, usual in (("min", "0"), ("max", ""), ("step", "1"))
    )
    if least is None or most is None or step is None or step < 1 or most < least:
        raise IllTypedError
    choices = (most - least) // step + 1
    if choices > MAX_RANGE:
        raise ScoringError(f"{expression.name}: a range of more than 2**63 numbers")
    return number(least + step * run.draws.below(choices))


def _random_float(expression: Expression, _: Operands, run: Run) -> Value | None:
    least = run.number(expression.attributes.get("min", "0"))
    most = run.number(expression.attributes.get("max", ""))
    if least is None or most is None or most < least:
        raise IllTypedError
    return number(float(least) + (float(most) - float(least)) * run.draws.fraction())


def _integer_to_float(values: Sequence[Number]) -> Number | None:
    return float(values[0])


def _constant(expression: Expression, _: Operands, __: Run) -> Value | None:
    known = {"pi": math.pi, "e": math.e}
    name = expression.attributes.get("name", "")
    if name not in known:
        raise IllTypedError
    return Single("float", known[name])


ARITHMETIC = {
    "sum": _of_numbers(_sum, 1, ANY),
    "product": _of_numbers(_product, 1, ANY),
    "subtract": _of_numbers(lambda values: values[0] - values[1], 2, 2),
    "divide": _of_numbers(lambda values: values[0] / values[1], 2, 2),
    "power": _of_numbers(_power, 2, 2),
    "integerdivide": _of_numbers(_integer_divide, 2, 2),
    "integermodulus": _of_numbers(_integer_modulus, 2, 2),
    "mod": _of_numbers(_modulus, 2, 2),  # beyond the standard
    "truncate": _of_numbers(_truncate, 1, 1),
    "round": _of_numbers(lambda values: round_half_up(values[0]), 1, 1),
    "integertofloat": _of_numbers(_integer_to_float, 1, 1),
    "min": _of_numbers(min, 1, ANY),
    "max": _of_numbers(max, 1, ANY),
    "gcd": _of_numbers(_gcd, 1, ANY),
    "lcm": _of_numbers(_lcm, 1, ANY),
    "randominteger": Operator(_random_integer, 0, 0),
    "randomfloat": Operator(_random_float, 0, 0),
    "mathconstant": Operator(_constant, 0, 0),
}
