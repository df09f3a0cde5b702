"""The operators of QTI expressions, by the internal name; `evaluate` gives an expression's value.

Operators marked "beyond the standard" are no QTI; items of other producers have them.
"""

from question_bank.errors import ScoringError
from question_bank.qti.operators.arithmetic import ARITHMETIC
from question_bank.qti.operators.comparisons import COMPARISONS
from question_bank.qti.operators.containers import CONTAINERS, gathered
from question_bank.qti.operators.logic import LOGIC
from question_bank.qti.operators.mappings import MAPPINGS
from question_bank.qti.operators.mathematics import MATHEMATICS
from question_bank.qti.operators.table import ANY, IllTypedError, Operands, Operator, ill_typed
from question_bank.qti.program import Expression
from question_bank.qti.run import Run
from question_bank.qti.values import MAX_MEMBERS, Container, Single, Value

MAX_REPEATS = MAX_MEMBERS


def evaluate(expression: Expression, run: Run) -> Value | None:
    """The value of an expression; raises ScoringError where a bound is exceeded."""
    operands = [evaluate(operand, run) for operand in expression.operands]
    run.spend(1 + sum(map(_weight, operands)))
    try:
        return OPERATORS[expression.name].compute(expression, operands, run)
    except IllTypedError:
        ill_typed(expression, run)
        return None


def _weight(value: Value | None) -> int:
    """The steps it takes to look at a value."""
    match value:
        case Container(members=members):
            return len(members)
        case Single(data=str() as text):
            return len(text) // 100
        case _:
            return 0


def _base_value(expression: Expression, _: Operands, __: Run) -> Value | None:
    return expression.value


def _null(_: Expression, __: Operands, ___: Run) -> Value | None:
    return None


def _variable(expression: Expression, _: Operands, run: Run) -> Value | None:
    identifier = expression.attributes.get("identifier", "")
    if run.test is not None and identifier not in run.values:
        return run.test.variable(identifier, expression.attributes.get("weightidentifier", ""))
    return run.variable(identifier)


def _default(expression: Expression, _: Operands, run: Run) -> Value | None:
    return run.declared_default(expression.attributes.get("identifier", ""))


def _correct(expression: Expression, _: Operands, run: Run) -> Value | None:
    return run.declared_correct(expression.attributes.get("identifier", ""))


def _repeat(expression: Expression, operands: Operands, run: Run) -> Value | None:
    """Its operands, evaluated again and again, in one ordered container."""
    times = run.integer(expression.attributes.get("numberrepeats", ""))
    if times is None or times < 1:
        return None
    if times > MAX_REPEATS:
        raise ScoringError(f"repeat: more than {MAX_REPEATS} times")
    values = list(operands)
    for _ in range(times - 1):
        values += [evaluate(operand, run) for operand in expression.operands]
    return gathered("ordered", values)


def _of_test(expression: Expression, _: Operands, run: Run) -> Value | None:
    """The expressions of tests; an item has no test to ask."""
    if run.test is None:
        run.notice(f"{expression.name} is of tests only; the result is NULL")
        return None
    return run.test.value(expression)


def _unsupported(expression: Expression, _: Operands, run: Run) -> Value | None:
    run.notice(f"{expression.attributes['what']} is not supported; the result is NULL")
    return None


OPERATORS: dict[str, Operator] = {
    "basevalue": Operator(_base_value, 0, 0),
    "null": Operator(_null, 0, 0),
    "variable": Operator(_variable, 0, 0),
    "default": Operator(_default, 0, 0),
    "correct": Operator(_correct, 0, 0),
    "repeat": Operator(_repeat, 0, ANY),
    "unsupported": Operator(_unsupported, 0, 0),
    "testvariables": Operator(_of_test, 0, 0),
    "outcomemaximum": Operator(_of_test, 0, 0),
    "outcomeminimum": Operator(_of_test, 0, 0),
    "numbercorrect": Operator(_of_test, 0, 0),
    "numberincorrect": Operator(_of_test, 0, 0),
    "numberpresented": Operator(_of_test, 0, 0),
    "numberresponded": Operator(_of_test, 0, 0),
    "numberselected": Operator(_of_test, 0, 0),
    **LOGIC,
    **CONTAINERS,
    **ARITHMETIC,
    **MATHEMATICS,
    **COMPARISONS,
    **MAPPINGS,
}
