"""mathOperator and statsOperator.

The transcendental functions are the C library's: they may differ in the last bit from one
machine to another, which is why marks are rounded where they become decimals.
"""

import math
from collections.abc import Callable, Sequence

from question_bank.qti.operators.arithmetic import Number, numbers
from question_bank.qti.operators.table import IllTypedError, Operands, Operator
from question_bank.qti.program import Expression
from question_bank.qti.run import Run
from question_bank.qti.values import Container, Value, number


def _log(function: Callable[[float], float]) -> Callable[[float], float]:
    def logarithm(x: float) -> float:
        return -math.inf if x == 0 else function(x)

    return logarithm


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _whole(function: Callable[[float], int]) -> Callable[[Number], Number]:
    return lambda x: x if math.isinf(x) else function(x)


def _arc_cotangent(x: float) -> float:
    return math.pi / 2 if x == 0 else math.atan(1 / x)


# Undefined results (1 / 0, the square of circles) raise ArithmeticError or ValueError: NULL.
_FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "sec": lambda x: 1 / math.cos(x),
    "csc": lambda x: 1 / math.sin(x),
    "cot": lambda x: 1 / math.tan(x),
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "asec": lambda x: math.acos(1 / x),
    "acsc": lambda x: math.asin(1 / x),
    "acot": _arc_cotangent,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "sech": lambda x: 1 / math.cosh(x),
    "csch": lambda x: 1 / math.sinh(x),
    "coth": lambda x: 1 / math.tanh(x),
    "log": _log(math.log10),
    "ln": _log(math.log),
    "exp": _exp,
    "abs": abs,
    "floor": _whole(math.floor),
    "ceil": _whole(math.ceil),
    "signum": lambda x: (x > 0) - (x < 0),
    "toDegrees": lambda x: x * 180 / math.pi,
    "toRadians": lambda x: x * math.pi / 180,
}


def _math_operator(expression: Expression, operands: Operands, run: Run) -> Value | None:
    name = expression.attributes.get("name", "")
    values = numbers(operands)
    if values is None:
        return None
    try:
        if name == "atan2" and len(values) == 2:
            return number(math.atan2(*values))
        if name in _FUNCTIONS and len(values) == 1:
            return number(_FUNCTIONS[name](values[0]))
    except (ArithmeticError, ValueError):
        return None
    run.notice(f"{expression.name}: {name[:30]} is no function of {len(values)} numbers")
    return None


def mean(values: Sequence[Number]) -> float:
    """The arithmetic mean, of the exact sum."""
    return math.fsum(values) / len(values)


def _variance(values: Sequence[Number], divisor: int) -> float:
    middle = mean(values)
    return math.fsum((value - middle) ** 2 for value in values) / divisor


# Of one value alone there is a mean, and as a population a variance of 0, but none as a sample.
_STATISTICS: dict[str, tuple[int, Callable[[Sequence[Number]], float]]] = {
    "mean": (1, mean),
    "sampleVariance": (2, lambda values: _variance(values, len(values) - 1)),
    "sampleSD": (2, lambda values: math.sqrt(_variance(values, len(values) - 1))),
    "popVariance": (1, lambda values: _variance(values, len(values))),
    "popSD": (1, lambda values: math.sqrt(_variance(values, len(values)))),
}


def _statistic(name: str, operands: Operands) -> Value | None:
    sample = operands[0]
    if sample is None:
        return None
    if name not in _STATISTICS:
        raise IllTypedError
    if isinstance(sample, Container) and sample.nulls:
        # "If the sub-expression or any value contained therein is NULL, the result is NULL."
        return None
    values = numbers(operands)
    least, compute = _STATISTICS[name]
    if values is None or len(values) < least:
        return None
    try:
        return number(compute(values))
    except (ArithmeticError, ValueError):
        return None


def _stats_operator(expression: Expression, operands: Operands, _: Run) -> Value | None:
    return _statistic(expression.attributes.get("name", ""), operands)


def _named(name: str) -> Operator:
    """Beyond the standard: a statistic as an operator of its own."""

    def compute(_: Expression, operands: Operands, __: Run) -> Value | None:
        return _statistic(name, operands)

    return Operator(compute, 1, 1)


MATHEMATICS = {
    "mathoperator": Operator(_math_operator, 1, 2),
    "statsoperator": Operator(_stats_operator, 1, 1),
} | {name.lower(): _named(name) for name in _STATISTICS}
