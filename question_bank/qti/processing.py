"""Running a program: template processing, then attempts with their response processing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from question_bank.errors import ScoringError
from question_bank.qti.draws import Draws
from question_bank.qti.operators import evaluate
from question_bank.qti.operators.logic import truth
from question_bank.qti.operators.mappings import looked_up
from question_bank.qti.program import (
    Condition,
    Constraint,
    Declaration,
    Exit,
    LookUp,
    Program,
    Rule,
    SetValue,
)
from question_bank.qti.responses import value_of
from question_bank.qti.run import Run
from question_bank.qti.values import NUMERIC, Container, Single, Value, container, number

# Template processing is repeated at most so often; then the last values stand.
MAX_REDRAWS = 100
BUILT_IN = {
    "completionStatus": Declaration("completionStatus", "outcome", "single", "identifier"),
    "numAttempts": Declaration("numAttempts", "response", "single", "integer"),
    "duration": Declaration("duration", "response", "single", "duration"),
}


@dataclass(frozen=True, slots=True)
class Processed:
    """What a processing gave: outcome and template variables by identifier; NULL is None.

    `responses` and `correct`: the declared response variables and what is right for each.

    `notices`: what was ill-typed, unknown or not supported on the way, for people.
    """

    outcomes: Mapping[str, Value | None]
    templates: Mapping[str, Value | None]
    notices: tuple[str, ...]
    responses: Mapping[str, Value | None] = field(default_factory=dict)
    correct: Mapping[str, Value | None] = field(default_factory=dict)


class _ExitError(Exception):
    """exitResponse, exitTemplate or exitTest was met."""


class _RedrawError(Exception):
    """A templateConstraint does not hold."""


def processed(
    program: Program,
    responses: Mapping[str, object],
    *,
    seed: bytes,
    before: Mapping[str, object] | None = None,
) -> Processed:
    """The outcomes of one attempt with these responses (see `responses.value_of`).

    The same program, responses and seed give the same values for ever. `before`: outcomes that
    are there already. Raises ScoringError where a bound is exceeded.
    """
    return attempted(program, [responses], seed=seed, before=before)


def attempted(
    program: Program,
    attempts: Iterable[Mapping[str, object]],
    *,
    seed: bytes,
    before: Mapping[str, object] | None = None,
) -> Processed:
    """The outcomes after a sequence of attempts.

    A response that an attempt does not name keeps its value, at first the declared default; null
    is no response.

    Adaptive items keep their outcomes from attempt to attempt, and accept no attempt once their
    completionStatus is `completed`; the others begin each attempt with their default values.
    """
    run = Run({**BUILT_IN, **program.declarations}, Draws(seed, program.identifier, "template"))
    _draw_templates(program, run)
    _reset_outcomes(program, run)
    run.values.setdefault("completionStatus", Single("identifier", "not_attempted"))
    for identifier, raw in (before or {}).items():
        declaration = run.declarations.get(identifier)
        if declaration is not None and declaration.kind == "outcome":
            run.values[identifier] = value_of(declaration, raw, run.notice)
    for count, responses in enumerate(attempts, 1):
        if program.adaptive and run.values["completionStatus"] == _COMPLETED:
            raise ScoringError("an attempt after the item was completed")
        if count > 1 and not program.adaptive:
            _reset_outcomes(program, run)
        run.draws = Draws(seed, program.identifier, f"response/{count}")
        _attempt(program, run, responses, count)
    kinds = {name: declaration.kind for name, declaration in run.declarations.items()}
    answers = [name for name, d in program.declarations.items() if d.kind == "response"]
    return Processed(
        {name: v for name, v in run.values.items() if kinds.get(name, "outcome") == "outcome"},
        {name: v for name, v in run.values.items() if kinds.get(name) == "template"},
        tuple(run.notices),
        {name: run.values.get(name) for name in answers},
        {name: run.declared_correct(name) for name in answers},
    )


_COMPLETED = Single("identifier", "completed")


def _attempt(program: Program, run: Run, responses: Mapping[str, object], count: int) -> None:
    for name in responses:
        if name not in run.declarations or run.declarations[name].kind != "response":
            run.notice(f"{name[:60]}: the item has no such response; it is left out")
    for name, declaration in run.declarations.items():
        if declaration.kind != "response":
            continue
        if name in responses:
            run.values[name] = value_of(declaration, responses[name], run.notice)
        elif count == 1:
            run.values[name] = run.declared_default(name)
    run.values["numAttempts"] = number(count)
    if run.values["completionStatus"] == Single("identifier", "not_attempted"):
        run.values["completionStatus"] = Single("identifier", "unknown")
    for rules in (program.response_rules, program.outcome_rules):
        try:
            execute(rules, run)
        except _ExitError:
            continue


def run_rules(rules: Iterable[Rule], run: Run) -> None:
    """Runs rules up to their end or an exit rule."""
    try:
        execute(rules, run)
    except _ExitError:
        return


def _draw_templates(program: Program, run: Run) -> None:
    """Gives template variables their values; anew while a constraint does not hold."""
    for _ in range(MAX_REDRAWS):
        for name, declaration in program.declarations.items():
            if declaration.kind == "template":
                run.values[name] = declaration.default
        if not program.template_rules:
            return
        run.defaults.clear()
        run.correct.clear()
        try:
            execute(program.template_rules, run)
        except _ExitError:
            return
        except _RedrawError:
            continue
        return
    run.notice(f"the template constraint did not hold in {MAX_REDRAWS} draws")


def _reset_outcomes(program: Program, run: Run) -> None:
    """Default values; numbers without one begin at 0, all else at NULL (QTI 2.2, "Outcome
    Processing": "… or 0 if they are numeric")."""
    for name, declaration in program.declarations.items():
        if declaration.kind == "outcome":
            run.values[name] = initial_outcome(declaration, run.declared_default(name))


def initial_outcome(declaration: Declaration, default: Value | None) -> Value | None:
    """An outcome's value before processing."""
    if default is None and declaration.cardinality == "single":
        if declaration.base_type == "integer":
            return number(0)
        if declaration.base_type == "float":
            return number(0.0)
    return default


def execute(rules: Iterable[Rule], run: Run) -> None:
    """Runs rules in order; an exit rule raises out of it."""
    for rule in rules:
        run.spend()
        match rule:
            case SetValue():
                _set(rule, run)
            case Condition(branches=branches):
                for branch in branches:
                    if branch.condition is None or truth(evaluate(branch.condition, run)) is True:
                        execute(branch.rules, run)
                        break
            case LookUp(identifier=identifier, expression=expression):
                _look_up(identifier, evaluate(expression, run), run)
            case Constraint(expression=expression):
                if truth(evaluate(expression, run)) is not True:
                    raise _RedrawError
            case Exit():
                raise _ExitError


def _set(rule: SetValue, run: Run) -> None:
    name = rule.identifier
    if rule.expression is None:
        run.values[name] = run.declared_default(name)
        return
    value = fitted(run.declarations.get(name), evaluate(rule.expression, run), run)
    match rule.target:
        case "correct":
            run.correct[name] = value
        case "default":
            run.defaults[name] = value
        case _:
            if name not in run.declarations:
                run.notice(f"{name[:60]} is set but not declared")
            run.values[name] = value


def _look_up(identifier: str, source: Value | None, run: Run) -> None:
    declaration = run.declarations.get(identifier)
    if declaration is None or declaration.table is None:
        run.notice(f"lookupOutcomeValue: {identifier[:60]} has no lookup table; it is NULL")
        run.values[identifier] = None
        return
    run.values[identifier] = looked_up(declaration.table, source)


def fitted(declaration: Declaration | None, value: Value | None, run: Run) -> Value | None:
    """`value` as the variable can hold it: integers become floats; floats become integers as an
    XPath cast makes them, with a notice; one value becomes a container of one, and the reverse."""
    if declaration is None or value is None or declaration.cardinality == "record":
        return value
    match declaration.cardinality, value:
        case "single", Container(members=(only,)):
            value = only
        case ("multiple" | "ordered") as cardinality, Single() | Container():
            members = (value,) if isinstance(value, Single) else value.members
            held = [_as_number(declaration, member, run) for member in members]
            return container(cardinality, [member for member in held if member is not None])
        case _:
            pass
    if isinstance(value, Single):
        return _as_number(declaration, value, run)
    run.notice(f"{declaration.identifier}: a value of another cardinality; it is NULL")
    return None


def _as_number(declaration: Declaration, value: Single, run: Run) -> Single | None:
    wanted, data = declaration.base_type, value.data
    if wanted == value.base_type or wanted not in NUMERIC or value.base_type not in NUMERIC:
        return value
    if wanted == "float" and isinstance(data, int):
        return number(float(data))
    if isinstance(data, float) and abs(data) < 2**63:
        if data != int(data):
            run.notice(f"{declaration.identifier}: {data!r} is no integer; it is cut off")
        return number(int(data))
    return None
