"""What holds for all expressions: nothing crashes, arithmetic is what a few lines say it is, the
same seed gives the same values; and hostile items are stopped by a clear word."""

import contextlib
import json
import math
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qti_items import (
    NULL,
    bag,
    declaration,
    f,
    i,
    item,
    op,
    ordered,
    result_of,
    run,
    s,
    set_outcome,
    values_in,
)

from question_bank.errors import FileRefusedError, ScoringError
from question_bank.qti import processed, read_program
from question_bank.qti.draws import Draws
from question_bank.qti.operators import OPERATORS, evaluate
from question_bank.qti.processing import BUILT_IN
from question_bank.qti.program import Expression
from question_bank.qti.run import Run
from question_bank.qti.values import BASE_TYPES, Single, Value, container, lexical, parsed
from question_bank.scoring import SCORER_VERSION

pytestmark = pytest.mark.slow

INTEGERS = st.integers(-(10**6), 10**6)
FLOATS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: x + 0.0)
LEAVES = st.one_of(st.none(), INTEGERS, FLOATS)
Tree = object


def _reference(tree: Tree) -> float | None:
    """Arithmetic with NULL, in as few words as possible."""
    if not isinstance(tree, tuple):
        return tree  # type: ignore[return-value]
    name, *parts = tree
    operands = [_reference(part) for part in parts]
    if None in operands:
        return None
    first, second = operands
    assert first is not None and second is not None
    try:
        result: float = {
            "sum": lambda: first + second, "product": lambda: first * second,
            "subtract": lambda: first - second, "divide": lambda: first / second,
            "min": lambda: min(first, second), "max": lambda: max(first, second),
        }[name]()  # fmt: skip
    except ZeroDivisionError:
        return None
    if isinstance(result, int):
        return result if abs(result) < 2**63 else None
    return None if math.isnan(result) else result


def _written(tree: Tree) -> str:
    if isinstance(tree, tuple):
        return op(tree[0], *map(_written, tree[1:]))
    if tree is None:
        return NULL
    return i(tree) if isinstance(tree, int) else f(repr(tree))


TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(
        st.sampled_from(["sum", "product", "subtract", "divide", "min", "max"]), inner, inner
    ),
    max_leaves=8,
)


@given(TREES)
def test_arithmetic_agrees_with_a_tiny_reference(tree: Tree) -> None:
    expected = _reference(tree)
    found = result_of(_written(tree))
    assert found == (None if expected is None else float(expected))


def _singles(base_type: str) -> st.SearchStrategy[Value | None]:
    texts = {
        "boolean": st.sampled_from(["true", "false"]),
        "integer": st.integers(-(2**63), 2**63).map(str),
        "float": st.floats().map(repr).map(lambda t: t.replace("inf", "INF").replace("nan", "NaN")),
        "string": st.text(max_size=8),
        "pair": st.sampled_from(["A B", "B A"]),
        "directedPair": st.sampled_from(["A B", "B A"]),
        "point": st.tuples(st.integers(-99, 99), st.integers(-99, 99)).map("{0[0]} {0[1]}".format),
        "duration": st.integers(0, 9**9).map(str),
    }
    words = texts.get(base_type, st.sampled_from(["A", "B", "1"]))
    return words.map(lambda text: parsed(base_type, text))  # type: ignore[arg-type]


VALUES = st.sampled_from(BASE_TYPES).flatmap(
    lambda base_type: st.one_of(
        st.none(),
        _singles(base_type),
        st.lists(_singles(base_type), max_size=4).map(
            lambda some: container("ordered", [v for v in some if isinstance(v, Single)])
        ),
    )
)
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "n": st.sampled_from(["1", "-1", "x", "2"]),
        "min": st.sampled_from(["0", "1", "INF", "x"]),
        "max": st.sampled_from(["0", "3", "-1", "9223372036854775807"]),
        "step": st.sampled_from(["1", "0", "7"]),
        "name": st.sampled_from(["sin", "atan2", "ln", "mean", "popSD", "pi", "exp", "coth"]),
        "figures": st.sampled_from(["0", "3", "300", "999999", "-1"]),
        "roundingmode": st.sampled_from(["decimalPlaces", "significantFigures", "up"]),
        "tolerancemode": st.sampled_from(["exact", "absolute", "relative", "?"]),
        "tolerance": st.sampled_from(["", "1", "1 2", "x", "INF"]),
        "casesensitive": st.sampled_from(["true", "false"]),
        "substring": st.sampled_from(["true", "false"]),
        "pattern": st.sampled_from(["a*", "(", r"\d+", "[a-z]{2,}"]),
        "shape": st.sampled_from(["rect", "circle", "poly", "ellipse", "default", "star"]),
        "coords": st.sampled_from(["0,0,9,9", "1,1,5", "a", "", "0,0,9,0,9,9"]),
        "numberrepeats": st.sampled_from(["0", "3", "x"]),
        "fieldidentifier": st.sampled_from(["a", "b"]),
    },
)


@given(st.data(), st.sampled_from(sorted(OPERATORS.keys() - {"record", "unsupported"})))
@settings(max_examples=600)
def test_no_operator_crashes_whatever_its_operands(data: st.DataObject, name: str) -> None:
    operator = OPERATORS[name]
    count = data.draw(st.integers(operator.least, min(operator.most, 3)))
    operands = tuple(
        Expression("basevalue", value=data.draw(VALUES)) for _ in range(max(count, operator.least))
    )
    expression = Expression(name, data.draw(ATTRIBUTES), operands)
    values = []
    for _ in range(2):
        state = Run(BUILT_IN, Draws(b"seed", "i", "response/1"))
        values.append(evaluate(expression, state))
    assert values[0] == values[1]
    if isinstance(values[0], Single) and isinstance(values[0].data, float):
        assert not math.isnan(values[0].data)


@given(st.sampled_from(BASE_TYPES).flatmap(_singles))
def test_lexical_forms_are_read_as_the_same_value(single: Single | None) -> None:
    if single is not None and single.base_type != "string":
        assert parsed(single.base_type, lexical(single)) == single


@given(st.integers(0, 2**64), st.integers(-50, 50), st.integers(0, 100), st.integers(1, 9))
def test_random_numbers_stay_in_their_steps_and_follow_the_seed(
    seed: int, least: int, width: int, step: int
) -> None:
    rules = set_outcome("N", op("randomInteger", min=least, max=least + width, step=step))
    rules += set_outcome("X", op("randomFloat", min=least, max=least + width))
    declared = declaration("outcome", "N", "integer", "single")
    declared += declaration("outcome", "X", "float", "single")
    found = run(item(declared, rules), seed=str(seed).encode())
    assert found["N"] in range(least, least + width + 1, step)
    assert least <= found["X"] <= least + width  # type: ignore[operator]
    assert found == run(item(declared, rules), seed=str(seed).encode())


def test_random_numbers_are_spread_evenly() -> None:
    draws = Draws(b"seed", "i", "response/1")
    counts = [0] * 6
    for _ in range(6000):
        counts[draws.below(6)] += 1
    assert all(850 < count < 1150 for count in counts)


SAMPLE = item(
    declaration(
        "response", "R", "identifier", "multiple",
        values_in("correctResponse", "A", "B")
        + op("mapping", op("mapEntry", mapKey="A", mappedValue=1), lowerBound=0, upperBound=2),
    )
    + declaration("response", "P", "point", "single",
                  op("areaMapping", op("areaMapEntry", shape="circle", coords="1,2,3",
                                       mappedValue=1)))
    + declaration("outcome", "S", "float", "single",
                  '<matchTable defaultValue="1"><matchTableEntry sourceValue="1"'
                  ' targetValue="2"/></matchTable>')
    + declaration("template", "T", "integer", "single", values_in("defaultValue", 3)),
    op("responseCondition",
       op("responseIf", op("match", '<variable identifier="R"/>', '<correct identifier="R"/>'),
          set_outcome("S", op("sum", '<mapResponse identifier="R"/>', i(2)))),
       op("responseElse", op("lookupOutcomeValue", '<mapResponsePoint identifier="P"/>',
                             identifier="S"))),
    template=op("setTemplateValue", op("randomInteger", min=1, max=9), identifier="T")
    + op("templateConstraint", op("lt", '<variable identifier="T"/>', i(7))),
).decode()  # fmt: skip
WORDS = [
    *'<>/=" ',
    "",
    "1e999",
    "-1",
    "record",
    "ordered",
    "duration",
    "identifier",
    "null",
    "sum",
    "responseIf",
    "value",
    "baseValue",
    "NaN",
    "INF",
    "A B",
    "mapping",
    "repeat",
    "{T}",
    "\0",
]


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE)), st.integers(0, 12), st.sampled_from(WORDS)),
                min_size=1, max_size=4))  # fmt: skip
@settings(max_examples=400)
def test_damaged_items_are_refused_or_scored(damage: list[tuple[int, int, str]]) -> None:
    damaged = SAMPLE
    for start, length, word in damage:
        damaged = damaged[:start] + word + damaged[start + length :]
    try:
        program = read_program(damaged.encode(), "item.xml")
    except FileRefusedError as error:
        assert "\n" not in str(error)
        return
    with contextlib.suppress(ScoringError):
        processed(program, {"R": ["A"], "P": "1 2"}, seed=b"1")


DECLARED = declaration("outcome", "RESULT", "float", "single")


def nested(name: str, depth: int) -> str:
    return f"<{name}>" * depth + i(1) + f"</{name}>" * depth


@pytest.mark.parametrize(
    "data",
    [
        item(DECLARED, set_outcome("RESULT", nested("sum", 150))),
        item(DECLARED, set_outcome("RESULT", nested("sum", 5000))),
        item(DECLARED, "<responseCondition><responseElse>" * 110
             + "</responseElse></responseCondition>" * 110),
        item(DECLARED, "<responseProcessingFragment>" * 110
             + "</responseProcessingFragment>" * 110),
    ],
)  # fmt: skip
def test_deep_nesting_is_refused(data: bytes) -> None:
    with pytest.raises(FileRefusedError):
        read_program(data, "item.xml")


def repeated(times: int, inside: str) -> str:
    return op("repeat", inside, numberRepeats=times)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (repeated(10**9, i(1)), "repeat"),
        (repeated(9000, repeated(9000, i(1))), "values|steps"),
        (op("containerSize", repeated(100, op("sum", repeated(9000, i(1))))), "steps"),
        (op("patternMatch", s("a" * 90_000), pattern="(a?){90}"), "steps"),
        (op("patternMatch", s("a"), pattern="((a{100}){100}){100}"), "pattern"),
        (op("randomInteger", min=-(2**62), max=2**62 + 5), "range"),
    ],
)
def test_work_without_end_is_stopped(expression: str, message: str) -> None:
    with pytest.raises(ScoringError, match=message):
        result_of(expression)


def test_gigantic_numbers_are_null_or_infinite_at_once() -> None:
    assert result_of(op("power", i(2**62), i(2**62))) is None
    assert result_of(op("product", *[i(2**62)] * 500)) is None
    assert result_of(op("lcm", *[i(10**17 + n) for n in range(50)])) is None
    assert result_of(op("product", *[f("1e308")] * 9)) == "INF"


def test_a_response_of_many_values_is_stopped() -> None:
    declared = DECLARED + declaration(
        "response", "R", "identifier", "multiple",
        op("mapping", *(op("mapEntry", mapKey=f"k{n}", mappedValue=1) for n in range(1000))),
    )  # fmt: skip
    data = item(declared, set_outcome("RESULT", '<mapResponse identifier="R"/>'))
    with pytest.raises(ScoringError, match="steps"):
        run(data, {"R": [f"v{n}" for n in range(9000)]})


# Values through roundings, mappings and draws. Where this changes, marks would change.
GOLDEN = "4182cea13475572cf5f489a4681db549b651773420ffc3e5a6c28b4ac0f4640c"


def test_the_scorer_version_stands_for_these_values() -> None:
    names = [f"O{n}" for n in range(12)]
    declared = "".join(declaration("outcome", name, "float", "single") for name in names)
    declared += declaration(
        "response", "R", "identifier", "multiple",
        op("mapping", *(op("mapEntry", mapKey=k, mappedValue=v) for k, v in
                        (("A", 0.1), ("B", 0.2), ("C", 0.7)))),
    )  # fmt: skip
    declared += declaration("template", "T", "integer", "single", values_in("defaultValue", 0))
    third = op("divide", i(1), i(3))
    expressions = [
        '<mapResponse identifier="R"/>', third, op("sum", *[f("0.1")] * 10),
        op("product", f("0.1"), f("0.2"), f("0.3")), op("power", i(3), i(7)),
        op("roundTo", third, roundingMode="decimalPlaces", figures=4),
        op("roundTo", f("2.675"), roundingMode="significantFigures", figures=3),
        op("statsOperator", bag(i(1), i(2), i(4)), name="popVariance"),
        op("randomFloat", min=0, max=1), op("random", ordered(i(1), i(2), i(3), i(4))),
        '<variable identifier="T"/>', op("round", f("-2.5")),
    ]  # fmt: skip
    rules = "".join(map(set_outcome, names, expressions))
    template = op("setTemplateValue", op("randomInteger", min=0, max=10**9), identifier="T")
    data = item(declared, rules, template=template)
    found = [run(data, {"R": ["A", "B", "C"]}, seed=str(seed).encode()) for seed in range(20)]
    assert [found[0][name] for name in names[:8]] == [
        0.1 + 0.2 + 0.7, 1 / 3, 0.9999999999999999, 0.006000000000000001, 2187, 0.3333, 2.68,
        14 / 9,
    ]  # fmt: skip
    digest = sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    assert digest == GOLDEN, f"raise SCORER_VERSION, now {SCORER_VERSION}; the values: {found[0]}"
