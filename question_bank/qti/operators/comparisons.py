"""Comparisons of numbers, durations and texts, and the roundings they use."""

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from operator import ge, gt, le, lt

from question_bank.qti.operators.arithmetic import Number, numbers
from question_bank.qti.operators.logic import same
from question_bank.qti.operators.table import IllTypedError, Operands, Operator
from question_bank.qti.pattern import PatternError, compiled
from question_bank.qti.program import Expression
from question_bank.qti.run import Run
from question_bank.qti.values import NUMERIC, TEXTUAL, Single, Value, boolean, members_of, number

MAX_FIGURES = 300


def _compared(compare: Callable[[Number, Number], bool]) -> Operator:
    def compute(_: Expression, operands: Operands, __: Run) -> Value | None:
        values = numbers(operands)
        if values is None or len(values) != 2:
            return None
        return boolean(compare(*values))

    return Operator(compute, 2, 2)


def _compared_durations(compare: Callable[[float, float], bool]) -> Operator:
    def compute(_: Expression, operands: Operands, __: Run) -> Value | None:
        if None in operands:
            return None
        lengths = [
            value.data
            for value in operands
            if isinstance(value, Single)
            and value.base_type in ("duration", *NUMERIC)
            and isinstance(value.data, int | float)
        ]
        if len(lengths) != 2:
            raise IllTypedError
        return boolean(compare(*lengths))

    return Operator(compute, 2, 2)


def _equal(expression: Expression, operands: Operands, run: Run) -> Value | None:
    """Numbers within a tolerance of the first; other values (beyond the standard): the same."""
    first, second = operands
    if first is None or second is None:
        return None
    if not all(member.base_type in NUMERIC for o in operands for member in members_of(o)):
        return boolean(same(first, second))
    values = numbers(operands)
    if values is None or len(values) != 2:
        raise IllTypedError
    mode = expression.attributes.get("tolerancemode", "exact")
    if mode == "exact":
        return boolean(values[0] == values[1])
    bounds = _bounds(expression, values[0], mode, run)
    return None if bounds is None else boolean(_is_within(expression, values[1], *bounds))


def _bounds(
    expression: Expression, middle: Number, mode: str, run: Run
) -> tuple[float, float] | None:
    """[x - t0, x + t1], or of x · (1 - t0/100) and x · (1 + t1/100) the lower and the higher."""
    tolerances = [
        run.number(part) for part in expression.attributes.get("tolerance", "").split()[:2]
    ]
    below = tolerances[0] if tolerances else None
    above = tolerances[-1] if tolerances else None
    if below is None or above is None or mode not in ("absolute", "relative"):
        raise IllTypedError
    if mode == "absolute":
        return middle - below, middle + above
    ends = (middle * (1 - below / 100), middle * (1 + above / 100))
    return min(ends), max(ends)


def _is_within(expression: Expression, value: Number, lower: float, upper: float) -> bool:
    def includes(side: str) -> bool:
        return expression.attributes.get(f"include{side}bound", "true") in ("true", "1")

    above = value >= lower if includes("lower") else value > lower
    below = value <= upper if includes("upper") else value < upper
    return above and below


def rounded(value: Number, mode: str, figures: int) -> float:
    """`value` to decimal places or significant figures; raises ValueError for other modes.

    By the digits of its shortest decimal spelling: a deciding digit of 5 or more raises the
    last one, away from zero.
    """
    significant = mode in ("significantFigures", "significantFigure")
    if mode not in ("decimalPlaces", "significantFigures", "significantFigure"):
        raise ValueError("no mode of rounding")
    if not (1 if significant else 0) <= figures <= MAX_FIGURES:
        raise ValueError("no number of figures")
    if value == 0 or math.isinf(value):
        return float(value)
    exact = Decimal(repr(value))
    last = exact.adjusted() - figures + 1 if significant else -figures
    with localcontext(prec=2 * MAX_FIGURES + 400):
        return float(exact.quantize(Decimal(1).scaleb(last), rounding=ROUND_HALF_UP))


def _rounded_all(expression: Expression, operands: Operands, run: Run) -> list[float] | None:
    values = numbers(operands)
    figures = run.integer(expression.attributes.get("figures", ""))
    if values is None or figures is None:
        return None
    mode = expression.attributes.get("roundingmode", "significantFigures")
    try:
        return [rounded(value, mode, figures) for value in values]
    except (ArithmeticError, ValueError):
        raise IllTypedError from None


def _round_to(expression: Expression, operands: Operands, run: Run) -> Value | None:
    values = _rounded_all(expression, operands, run)
    return number(values[0]) if values and len(values) == 1 else None


def _equal_rounded(expression: Expression, operands: Operands, run: Run) -> Value | None:
    values = _rounded_all(expression, operands, run)
    return boolean(values[0] == values[1]) if values and len(values) == 2 else None


def _texts(operands: Operands) -> list[str] | None:
    """The operands' texts; None where one is NULL or no text."""
    if None in operands:
        return None
    texts = [
        value.data
        for value in operands
        if isinstance(value, Single) and value.base_type in TEXTUAL and isinstance(value.data, str)
    ]
    if len(texts) != len(operands):
        raise IllTypedError
    return texts


def _is_set(expression: Expression, name: str, usual: str) -> bool:
    return expression.attributes.get(name, usual) in ("true", "1")


def _string_match(expression: Expression, operands: Operands, _: Run) -> Value | None:
    """Equal texts; with `substring` (deprecated): the second within the first."""
    texts = _folded(expression, operands)
    if texts is None:
        return None
    whole, part = texts
    return boolean(part in whole if _is_set(expression, "substring", "false") else part == whole)


def _folded(expression: Expression, operands: Operands) -> list[str] | None:
    texts = _texts(operands)
    if texts is None or _is_set(expression, "casesensitive", "true"):
        return texts
    return [text.casefold() for text in texts]


def _substring(expression: Expression, operands: Operands, _: Run) -> Value | None:
    """Whether the first text is within the second; (beyond the standard) with a start from 1 and
    a length: that part of the first text."""
    if len(operands) == 3 or (isinstance(operands[1], Single) and operands[1].base_type in NUMERIC):
        return _part(operands)
    texts = _folded(expression, operands)
    return None if texts is None else boolean(texts[0] in texts[1])


def _part(operands: Operands) -> Value | None:
    texts = _texts(operands[:1])
    places = numbers(operands[1:])
    if texts is None or places is None or not all(isinstance(place, int) for place in places):
        return None
    start = max(int(places[0]) - 1, 0)
    length = max(int(places[1]), 0) if len(places) == 2 else len(texts[0])
    part = texts[0][start : start + length]
    return Single("string", part) if part else None


def _pattern_match(expression: Expression, operands: Operands, run: Run) -> Value | None:
    """The whole text against `pattern`: an attribute (a variable's name in braces stands for its
    value), or (beyond the standard) a second operand."""
    texts = _texts(operands)
    if texts is None:
        return None
    if len(texts) == 2:
        text, pattern = texts
    else:
        (text,), pattern = texts, expression.attributes.get("pattern", "")
        name = pattern.removeprefix("{").removesuffix("}").removeprefix("$")
        if name != pattern and name in run.values:
            (pattern,) = _texts([run.values[name]]) or ("",)
    try:
        sensitive = _is_set(expression, "casesensitive", "true")
        automaton = compiled(pattern, case_sensitive=sensitive)
        run.spend(len(text) * len(automaton.states) // 4)
        return boolean(automaton.matches(text))
    except PatternError as error:
        run.notice(f"{expression.name}: no pattern of XML Schema: {error}; the result is NULL")
        return None


COMPARISONS = {
    "lt": _compared(lt),
    "gt": _compared(gt),
    "lte": _compared(le),
    "gte": _compared(ge),
    "durationlt": _compared_durations(lt),
    "durationgte": _compared_durations(ge),
    "equal": Operator(_equal, 2, 2),
    "equalrounded": Operator(_equal_rounded, 2, 2),
    "roundto": Operator(_round_to, 1, 1),
    "stringmatch": Operator(_string_match, 2, 2),
    "substring": Operator(_substring, 2, 3),
    "patternmatch": Operator(_pattern_match, 1, 2),
}
