"""Each operator of QTI 2.2 and 3.0, its NULL cases included, in the spelling of both."""

import math

import pytest
from qti_items import (
    NULL,
    F,
    T,
    b,
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
    value,
    values_in,
)

from question_bank.errors import FileRefusedError
from question_bank.qti.operators import OPERATORS

ABC = [value("identifier", letter) for letter in "ABC"]
A, B, C = ABC


def points(*texts: str) -> str:
    return bag(*(value("point", text) for text in texts))


# (expression, base type of the outcome, cardinality, result)
TABLE: list[tuple[str, str, str, object]] = [
    # baseValue, null
    (i(-7), "integer", "single", -7),
    (f("1.5e2"), "float", "single", 150),
    (f("INF"), "float", "single", "INF"),
    (f("NaN"), "float", "single", None),
    (T, "boolean", "single", True),
    (value("boolean", "0"), "boolean", "single", False),
    (s(""), "string", "single", None),
    (s("Huế"), "string", "single", "Huế"),
    (value("pair", "A  B"), "pair", "single", "A B"),
    (value("point", "3 4"), "point", "single", "3 4"),
    (value("duration", "P1DT1H1M1.5S"), "duration", "single", 90061.5),
    (NULL, "float", "single", None),
    # multiple, ordered, containerSize
    (bag(i(1), NULL, bag(i(2), i(1))), "integer", "multiple", [1, 2, 1]),
    (bag(), "integer", "multiple", None),
    (bag(NULL), "integer", "multiple", None),
    (ordered(A, ordered(C, B)), "identifier", "ordered", ["A", "C", "B"]),
    (op("containerSize", NULL), "integer", "single", 0),
    (op("containerSize", bag(A, A)), "integer", "single", 2),
    # isNull
    (op("isNull", NULL), "boolean", "single", True),
    (op("isNull", s("")), "boolean", "single", True),
    (op("isNull", bag()), "boolean", "single", True),
    (op("isNull", i(0)), "boolean", "single", False),
    # index
    (op("index", ordered(*ABC), n=2), "identifier", "single", "B"),
    (op("index", ordered(*ABC), n=4), "identifier", "single", None),
    (op("index", ordered(*ABC), n=0), "identifier", "single", None),
    (op("index", ordered(*ABC), i(3)), "identifier", "single", "C"),
    (op("index", NULL, n=1), "identifier", "single", None),
    # random
    (op("random", bag(A, A)), "identifier", "single", "A"),
    (op("random", NULL), "identifier", "single", None),
    # member, delete, contains
    (op("member", A, bag(A, B)), "boolean", "single", True),
    (op("member", C, ordered(A, B)), "boolean", "single", False),
    (op("member", NULL, bag(A)), "boolean", "single", None),
    (op("member", A, NULL), "boolean", "single", None),
    (op("member", i(1), bag(f("1.0"))), "boolean", "single", True),
    (op("delete", A, ordered(A, B, A)), "identifier", "ordered", ["B"]),
    (op("delete", A, bag(A, A)), "identifier", "multiple", None),
    (op("delete", NULL, bag(A)), "identifier", "multiple", None),
    (op("contains", bag(*ABC), bag(C, A)), "boolean", "single", True),
    (op("contains", bag(*ABC), bag(B, B)), "boolean", "single", False),
    (op("contains", bag(A, B, B, C), bag(B, B)), "boolean", "single", True),
    (op("contains", ordered(*ABC), ordered(B, C)), "boolean", "single", True),
    (op("contains", ordered(*ABC), ordered(C, A)), "boolean", "single", False),
    (op("contains", ordered(*ABC), ordered(A, C)), "boolean", "single", False),
    (op("contains", NULL, bag(A)), "boolean", "single", None),
    # not, and, or, anyN: NULL is "unknown"
    (op("not", F), "boolean", "single", True),
    (op("not", NULL), "boolean", "single", None),
    (op("and", T, T), "boolean", "single", True),
    (op("and", T, NULL), "boolean", "single", None),
    (op("and", F, NULL), "boolean", "single", False),
    (op("or", F, F), "boolean", "single", False),
    (op("or", F, NULL), "boolean", "single", None),
    (op("or", T, NULL), "boolean", "single", True),
    (op("and", i(1), T), "boolean", "single", None),
    (op("anyN", T, T, F, min=2, max=2), "boolean", "single", True),
    (op("anyN", T, T, T, min=1, max=2), "boolean", "single", False),
    (op("anyN", T, F, NULL, min=1, max=2), "boolean", "single", True),
    (op("anyN", T, F, NULL, min=2, max=2), "boolean", "single", None),
    (op("anyN", F, F, NULL, min=2, max=3), "boolean", "single", False),
    (op("anyN", T, T, NULL, min=0, max=1), "boolean", "single", False),
    (op("anyN", T, NULL, NULL, min=0, max=1), "boolean", "single", None),
    # match
    (op("match", A, A), "boolean", "single", True),
    (op("match", A, NULL), "boolean", "single", None),
    (op("match", value("pair", "A B"), value("pair", "B A")), "boolean", "single", True),
    (op("match", value("directedPair", "A B"), value("directedPair", "B A")),
     "boolean", "single", False),
    (op("match", bag(A, B, B), bag(B, A, B)), "boolean", "single", True),
    (op("match", bag(A, B, B), bag(A, A, B)), "boolean", "single", False),
    (op("match", ordered(A, B), ordered(B, A)), "boolean", "single", False),
    (op("match", i(2), f("2.0")), "boolean", "single", True),
    (op("match", T, i(1)), "boolean", "single", False),
    (op("match", s("Ế"), s("Ế")), "boolean", "single", True),  # composed, decomposed
    # equal: tolerances around the first operand
    (op("equal", f("0.3"), op("sum", f("0.1"), f("0.2"))), "boolean", "single", False),
    (op("equal", i(3), f("3.0"), toleranceMode="exact"), "boolean", "single", True),
    (op("equal", i(10), f("9.5"), toleranceMode="absolute", tolerance="0.5"),
     "boolean", "single", True),
    (op("equal", i(10), f("9.5"), toleranceMode="absolute", tolerance="0.5",
        includeLowerBound="false"), "boolean", "single", False),
    (op("equal", i(10), i(12), toleranceMode="absolute", tolerance="1 2"),
     "boolean", "single", True),
    (op("equal", i(10), i(12), toleranceMode="absolute", tolerance="1 2",
        includeUpperBound="false"), "boolean", "single", False),
    (op("equal", i(200), i(180), toleranceMode="relative", tolerance="10"),
     "boolean", "single", True),
    (op("equal", i(-200), i(-215), toleranceMode="relative", tolerance="10"),
     "boolean", "single", True),
    (op("equal", i(200), i(179), toleranceMode="relative", tolerance="10"),
     "boolean", "single", False),
    (op("equal", NULL, i(1)), "boolean", "single", None),
    # equalRounded, roundTo
    (op("equalRounded", f("3.175"), f("3.183"), roundingMode="significantFigures", figures=3),
     "boolean", "single", True),
    (op("equalRounded", f("3.1749"), f("3.183"), roundingMode="significantFigures", figures=3),
     "boolean", "single", False),
    (op("equalRounded", f("1.68572"), f("1.69"), roundingMode="decimalPlaces", figures=2),
     "boolean", "single", True),
    (op("equalRounded", f("1.68432"), f("1.69"), roundingMode="decimalPlaces", figures=2),
     "boolean", "single", False),
    (op("equalRounded", f("1.5"), NULL, roundingMode="decimalPlaces", figures=1),
     "boolean", "single", None),
    (op("roundTo", f("1.005"), roundingMode="decimalPlaces", figures=2), "float", "single", 1.01),
    (op("roundTo", f("-2.5"), roundingMode="decimalPlaces", figures=0), "float", "single", -3),
    (op("roundTo", f("1234.5"), roundingMode="significantFigures", figures=2),
     "float", "single", 1200),
    (op("roundTo", f("0.00995"), roundingMode="significantFigures", figures=2),
     "float", "single", 0.01),
    (op("roundTo", f("1"), roundingMode="significantFigures", figures=0), "float", "single", None),
    (op("roundTo", f("-INF"), roundingMode="decimalPlaces", figures=2), "float", "single", "-INF"),
    (op("roundTo", NULL, roundingMode="decimalPlaces", figures=2), "float", "single", None),
    # lt, gt, lte, gte
    (op("lt", i(1), f("1.5")), "boolean", "single", True),
    (op("gt", i(1), i(1)), "boolean", "single", False),
    (op("lte", i(1), i(1)), "boolean", "single", True),
    (op("gte", f("-0.5"), i(0)), "boolean", "single", False),
    (op("lt", NULL, i(1)), "boolean", "single", None),
    (op("gte", s("2"), i(1)), "boolean", "single", None),
    # durations
    (op("durationLT", value("duration", "PT59S"), value("duration", "PT1M")),
     "boolean", "single", True),
    (op("durationLT", value("duration", "60"), value("duration", "PT1M")),
     "boolean", "single", False),
    (op("durationGTE", value("duration", "60"), value("duration", "PT1M")),
     "boolean", "single", True),
    (op("durationGTE", NULL, value("duration", "PT1M")), "boolean", "single", None),
    # sum, product, subtract, divide
    (op("sum", i(1), i(2), f("0.5")), "float", "single", 3.5),
    (op("sum", bag(i(1), i(2)), i(3)), "integer", "single", 6),
    (op("sum", i(1), NULL), "integer", "single", None),
    (op("product", i(3), f("-0.5")), "float", "single", -1.5),
    (op("product", *[i(10**9)] * 3), "integer", "single", None),
    (op("product", f("1e300"), f("1e300")), "float", "single", "INF"),
    (op("subtract", i(1), i(3)), "integer", "single", -2),
    (op("subtract", f("INF"), f("INF")), "float", "single", None),
    (op("divide", i(7), i(2)), "float", "single", 3.5),
    (op("divide", i(7), i(0)), "float", "single", None),
    (op("divide", NULL, i(2)), "float", "single", None),
    (op("power", i(2), i(-1)), "float", "single", 0.5),
    (op("power", i(-8), f("0.5")), "float", "single", None),
    (op("power", i(10), i(10**9)), "float", "single", None),
    (op("power", i(0), i(-1)), "float", "single", None),
    (op("integerDivide", i(-7), i(2)), "integer", "single", -4),
    (op("integerDivide", i(7), i(0)), "integer", "single", None),
    (op("integerDivide", f("7.5"), i(2)), "integer", "single", None),
    (op("integerModulus", i(-7), i(3)), "integer", "single", 2),
    (op("integerModulus", i(7), i(-3)), "integer", "single", -2),
    (op("integerModulus", i(7), i(0)), "integer", "single", None),
    # truncate, round, integerToFloat
    (op("truncate", f("-6.8")), "integer", "single", -6),
    (op("truncate", f("6.8")), "integer", "single", 6),
    (op("truncate", NULL), "integer", "single", None),
    (op("truncate", f("INF")), "float", "single", "INF"),
    (op("round", f("6.5")), "integer", "single", 7),
    (op("round", f("-6.5")), "integer", "single", -6),
    (op("round", f("-6.51")), "integer", "single", -7),
    (op("round", f("0.49999999999999994")), "integer", "single", 0),
    (op("round", NULL), "integer", "single", None),
    (op("integerToFloat", i(3)), "float", "single", 3),
    (op("integerToFloat", NULL), "float", "single", None),
    # min, max, gcd, lcm
    (op("min", i(3), f("2.5"), bag(i(7))), "float", "single", 2.5),
    (op("max", i(3), NULL), "float", "single", None),
    (op("max", bag(i(3), i(9)), i(4)), "integer", "single", 9),
    (op("max", s("a"), i(4)), "integer", "single", None),
    (op("gcd", i(12), i(-18), i(0)), "integer", "single", 6),
    (op("gcd", i(0), i(0)), "integer", "single", 0),
    (op("gcd", i(2), NULL), "integer", "single", None),
    (op("lcm", bag(i(4), i(6)), i(-10)), "integer", "single", 60),
    (op("lcm", i(4), i(0)), "integer", "single", 0),
    # repeat
    (op("repeat", A, NULL, ordered(B), numberRepeats=2), "identifier", "ordered",
     ["A", "B", "A", "B"]),
    (op("repeat", A, numberRepeats=0), "identifier", "ordered", None),
    (op("repeat", NULL, numberRepeats=3), "identifier", "ordered", None),
    # mathConstant
    ('<mathConstant name="pi"/>', "float", "single", math.pi),
    ('<mathConstant name="e"/>', "float", "single", math.e),
    # statsOperator
    (op("statsOperator", bag(i(1), i(2), i(4)), name="mean"), "float", "single", 7 / 3),
    (op("statsOperator", bag(i(1), i(3)), name="sampleVariance"), "float", "single", 2),
    (op("statsOperator", bag(i(1), i(3)), name="sampleSD"), "float", "single", math.sqrt(2)),
    (op("statsOperator", bag(i(1), i(3)), name="popVariance"), "float", "single", 1),
    (op("statsOperator", bag(i(2), i(6)), name="popSD"), "float", "single", 2),
    (op("statsOperator", bag(i(1)), name="sampleSD"), "float", "single", None),
    (op("statsOperator", bag(i(1)), name="mean"), "float", "single", 1),
    (op("statsOperator", bag(i(7)), name="popVariance"), "float", "single", 0),
    (op("statsOperator", bag(i(7)), name="popSD"), "float", "single", 0),
    (op("statsOperator", bag(i(1), NULL), name="mean"), "float", "single", None),
    (op("statsOperator", bag(s("1"), s("2")), name="mean"), "float", "single", None),
    (op("statsOperator", NULL, name="mean"), "float", "single", None),
    (op("statsOperator", bag(i(1)), name="median"), "float", "single", None),
    # stringMatch, substring, patternMatch
    (op("stringMatch", s("Hà Nội"), s("hà nội"), caseSensitive="false"), "boolean", "single", True),
    (op("stringMatch", s("Hà Nội"), s("hà nội"), caseSensitive="true"), "boolean", "single", False),
    (op("stringMatch", s("Hello"), s("ELL"), caseSensitive="false", substring="true"),
     "boolean", "single", True),
    (op("stringMatch", NULL, s("a"), caseSensitive="true"), "boolean", "single", None),
    (op("substring", s("Hell"), s("Shell"), caseSensitive="true"), "boolean", "single", False),
    (op("substring", s("Hell"), s("Shell"), caseSensitive="false"), "boolean", "single", True),
    (op("substring", s("ell"), NULL, caseSensitive="false"), "boolean", "single", None),
    (op("patternMatch", s("12.5"), pattern=r"[0-9]+(\.[0-9]+)?"), "boolean", "single", True),
    (op("patternMatch", s("x12.5"), pattern=r"[0-9]+(\.[0-9]+)?"), "boolean", "single", False),
    (op("patternMatch", NULL, pattern="a"), "boolean", "single", None),
    (op("patternMatch", s("a"), pattern="(a"), "boolean", "single", None),
    # inside
    (op("inside", value("point", "10 10"), shape="rect", coords="0,0,10,10"),
     "boolean", "single", True),
    (op("inside", value("point", "11 10"), shape="rect", coords="0,0,10,10"),
     "boolean", "single", False),
    (op("inside", points("0 0", "6 6"), shape="circle", coords="5,5,2"), "boolean", "single", True),
    (op("inside", value("point", "8 8"), shape="circle", coords="5,5,4"),
     "boolean", "single", False),
    (op("inside", value("point", "9 5"), shape="ellipse", coords="5,5,4,1"),
     "boolean", "single", True),
    (op("inside", value("point", "5 7"), shape="ellipse", coords="5,5,4,1"),
     "boolean", "single", False),
    (op("inside", value("point", "3 3"), shape="poly", coords="0,0,8,0,0,8"),
     "boolean", "single", True),
    (op("inside", value("point", "4 4"), shape="poly", coords="0,0,8,0,0,8"),
     "boolean", "single", True),
    (op("inside", value("point", "5 4"), shape="poly", coords="0,0,8,0,0,8"),
     "boolean", "single", False),
    (op("inside", value("point", "5 4"), shape="default", coords=""), "boolean", "single", True),
    (op("inside", NULL, shape="default", coords=""), "boolean", "single", None),
    (op("inside", i(1), shape="default", coords=""), "boolean", "single", None),
    # record and fieldValue (record: beyond the standard)
    (op("fieldValue", op("record", op("fieldValue", i(7), fieldIdentifier="a")),
        fieldIdentifier="a"), "integer", "single", 7),
    (op("fieldValue", op("record", op("fieldValue", i(7), fieldIdentifier="a")),
        fieldIdentifier="b"), "integer", "single", None),
    (op("fieldValue", NULL, fieldIdentifier="b"), "integer", "single", None),
    (op("fieldValue", i(1), fieldIdentifier="b"), "integer", "single", None),
    # beyond the standard
    (op("mod", i(7), i(2)), "float", "single", 1),
    (op("mean", bag(i(1), i(2))), "float", "single", 1.5),
    (op("sampleVariance", bag(i(1), i(3))), "float", "single", 2),
    (op("sampleSD", bag(i(1), i(3))), "float", "single", math.sqrt(2)),
    (op("popVariance", bag(i(1), i(3))), "float", "single", 1),
    (op("popSD", bag(i(2), i(6))), "float", "single", 2),
    (op("isTypeOf", i(5), s("integer")), "boolean", "single", True),
    (op("isTypeOf", bag(i(5)), s("multiple")), "boolean", "single", True),
    (op("isTypeOf", i(5), s("float")), "boolean", "single", False),
    (op("isTypeOf", NULL, s("float")), "boolean", "single", None),
    (op("substring", s("ABCDE"), i(2), i(2)), "string", "single", "BC"),
    (op("substring", s("ABCDE"), i(3)), "string", "single", "CDE"),
    (op("equal", s("a"), s("a")), "boolean", "single", True),
    (op("patternMatch", s("Ab"), s("ab"), caseSensitive="false"), "boolean", "single", True),
    (op("lookupTable", i(2), '<matchTable defaultValue="9"><matchTableEntry sourceValue="2"'
        ' targetValue="5"/></matchTable>'), "float", "single", 5),
    (op("lookupTable", i(3), '<matchTable defaultValue="9"><matchTableEntry sourceValue="2"'
        ' targetValue="5"/></matchTable>'), "float", "single", 9),
]  # fmt: skip

MATHEMATICS = [
    ("sin", 0.5, math.sin(0.5)), ("cos", 0.5, math.cos(0.5)), ("tan", 0.5, math.tan(0.5)),
    ("sec", 0.5, 1 / math.cos(0.5)), ("csc", 0.5, 1 / math.sin(0.5)),
    ("cot", 0.5, 1 / math.tan(0.5)), ("csc", 0, None), ("cot", 0, None),
    ("asin", 0.5, math.asin(0.5)), ("acos", 0.5, math.acos(0.5)), ("atan", 0.5, math.atan(0.5)),
    ("asin", 2, None), ("asec", 2, math.acos(0.5)), ("acsc", 2, math.asin(0.5)),
    ("asec", 0.5, None), ("acot", 2, math.atan(0.5)), ("acot", 0, math.pi / 2),
    ("sinh", 1, math.sinh(1)), ("cosh", 1, math.cosh(1)), ("tanh", 1, math.tanh(1)),
    ("sech", 1, 1 / math.cosh(1)), ("csch", 1, 1 / math.sinh(1)), ("coth", 1, 1 / math.tanh(1)),
    ("log", 1000, 3), ("log", 0, "-INF"), ("ln", math.e, 1), ("ln", -1, None),
    ("exp", 1, math.e), ("exp", 1000, "INF"), ("abs", -2, 2), ("floor", -1.5, -2),
    ("ceil", -1.5, -1), ("signum", -3, -1), ("signum", 0, 0), ("toDegrees", math.pi, 180),
    ("toRadians", 180, math.pi), ("sin", "INF", None), ("haversin", 1, None),
]  # fmt: skip


def close(expected: object) -> object:
    return pytest.approx(expected, abs=1e-12) if isinstance(expected, float) else expected


@pytest.mark.parametrize("version", ["2.2", "3.0"])
@pytest.mark.parametrize(("expression", "base_type", "cardinality", "expected"), TABLE)
def test_an_expression(
    expression: str, base_type: str, cardinality: str, expected: object, version: str
) -> None:
    found = result_of(expression, base_type, cardinality, version)
    assert found == close(expected)
    assert isinstance(found, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(("name", "argument", "expected"), MATHEMATICS)
def test_a_function(name: str, argument: object, expected: object) -> None:
    found = result_of(op("mathOperator", f(argument), name=name))
    assert found == (expected if isinstance(expected, str | None) else pytest.approx(expected))


def test_atan2_takes_two_and_all_others_one() -> None:
    assert result_of(op("mathOperator", f(1), f(-1), name="atan2")) == pytest.approx(math.pi * 0.75)
    assert result_of(op("mathOperator", f(1), name="atan2")) is None
    assert result_of(op("mathOperator", f(1), f(1), name="sin")) is None
    assert result_of(op("mathOperator", NULL, name="sin")) is None


def test_every_operator_stands_in_a_table() -> None:
    """So that none is added without its cases; those of tests are tested with the tests."""
    written = " ".join(row[0] for row in TABLE).lower() + " variable default correct mapresponse "
    written += "mapresponsepoint randominteger randomfloat mathoperator unsupported"
    of_tests = {name for name in OPERATORS if name.startswith(("number", "outcome", "testv"))}
    assert [name for name in OPERATORS.keys() - of_tests if name not in written] == []


@pytest.mark.parametrize(
    "expression",
    [op("not", T, T), op("subtract", i(1)), op("equal", i(1)), op("sum"), op("isNull")],
)
def test_a_wrong_number_of_operands_is_refused_with_its_line(expression: str) -> None:
    with pytest.raises(FileRefusedError, match=r"item\.xml:1: .* cannot take"):
        result_of(expression)


def test_variables_defaults_and_correct_responses() -> None:
    declared = declaration(
        "response", "R", "integer", "single",
        values_in("defaultValue", 5) + values_in("correctResponse", 7),
    ) + "".join(declaration("outcome", name, "integer", "single") for name in "VDCX")  # fmt: skip
    rules = "".join(
        set_outcome(name, f'<{expression} identifier="R"/>')
        for name, expression in (("V", "variable"), ("D", "default"), ("C", "correct"))
    ) + set_outcome("X", '<correct identifier="V"/>')
    for version in ("2.0", "2.1", "2.2", "3.0"):
        found = run(item(declared, rules, version=version), {"R": "3"})
        assert (found["V"], found["D"], found["C"], found["X"]) == (3, 5, 7, None)


def mapping(entries: dict[str, float], **attributes: object) -> str:
    inside = "".join(op("mapEntry", mapKey=k, mappedValue=v) for k, v in entries.items())
    return op("mapping", inside, **attributes)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (["B", "C"], 1.5), (["B", "B", "C"], 1.5), (["Z"], -1), (["A"], 0), ([], 0), (None, 0),
        (["B", "C", "D"], 2),
    ],
)  # fmt: skip
def test_map_response_counts_each_value_once(response: object, expected: float) -> None:
    declared = declaration(
        "response", "R", "identifier", "multiple",
        mapping({"A": 0, "B": 1, "C": 0.5, "D": 7}, defaultValue=-1, upperBound=2),
    ) + declaration("outcome", "S", "float", "single")  # fmt: skip
    found = run(item(declared, set_outcome("S", '<mapResponse identifier="R"/>')), {"R": response})
    assert found["S"] == expected


@pytest.mark.parametrize(("version", "folded"), [("2.1", 0), ("2.2", 0), ("3.0", 3)])
def test_keys_are_case_sensitive_unless_version_or_entry_says_otherwise(
    version: str, folded: float
) -> None:
    entries = op("mapEntry", mapKey="Huế", mappedValue=3) + op(
        "mapEntry", mapKey="Vinh", mappedValue=2, caseSensitive="false"
    )
    declared = declaration("response", "R", "string", "single", op("mapping", entries))
    declared += declaration("outcome", "S", "float", "single")
    data = item(declared, set_outcome("S", '<mapResponse identifier="R"/>'), version=version)
    scores = [run(data, {"R": text})["S"] for text in ("Huế", "HUẾ", "VINH", "Đà Lạt")]
    assert scores == [3, folded, 2, 0]


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (["5 5"], 2), (["5 5", "6 6"], 2), (["5 5", "50 50"], 3), (["99 99"], -1),
        (["99 99", "98 98"], -2), (None, -1), (["9 9"], 2),
    ],
)  # fmt: skip
def test_map_response_point_counts_each_area_once(response: object, expected: float) -> None:
    areas = op("areaMapEntry", shape="rect", coords="0,0,10,10", mappedValue=2)
    areas += op("areaMapEntry", shape="circle", coords="9,9,3", mappedValue=5)
    areas += op("areaMapEntry", shape="circle", coords="50,50,3", mappedValue=1)
    declared = declaration(
        "response", "R", "point", "multiple", op("areaMapping", areas, defaultValue=-1)
    ) + declaration("outcome", "S", "float", "single")
    data = item(declared, set_outcome("S", '<mapResponsePoint identifier="R"/>'))
    assert run(data, {"R": response})["S"] == expected


MATCH = (
    '<matchTable defaultValue="9"><matchTableEntry sourceValue="1" targetValue="10"/>'
    '<matchTableEntry sourceValue="2" targetValue="20"/></matchTable>'
)
STEPS = (
    '<interpolationTable><interpolationTableEntry sourceValue="8" targetValue="A"/>'
    '<interpolationTableEntry sourceValue="5" includeBoundary="false" targetValue="B"/>'
    '<interpolationTableEntry sourceValue="0" targetValue="C"/></interpolationTable>'
)


@pytest.mark.parametrize(
    ("table", "base_type", "source", "expected"),
    [
        (MATCH, "float", i(2), 20), (MATCH, "float", f("2.0"), 20), (MATCH, "float", i(3), 9),
        (MATCH, "float", NULL, 9), (STEPS, "identifier", f("8"), "A"),
        (STEPS, "identifier", f("7.9"), "B"), (STEPS, "identifier", i(5), "C"),
        (STEPS, "identifier", i(-1), None), (STEPS, "identifier", NULL, None),
    ],
)  # fmt: skip
def test_lookup_tables(table: str, base_type: str, source: str, expected: object) -> None:
    declared = declaration("outcome", "L", base_type, "single", table)
    rules = op("lookupOutcomeValue", source, identifier="L")
    for version in ("2.2", "3.0"):
        assert run(item(declared, rules, version=version))["L"] == expected


def test_attributes_may_name_variables() -> None:
    declared = declaration("template", "N", "integer", "single", values_in("defaultValue", 2))
    declared += declaration("template", "P", "string", "single", values_in("defaultValue", "a+"))
    declared += declaration("outcome", "I", "identifier", "single")
    declared += declaration("outcome", "M", "boolean", "single")
    rules = set_outcome("I", op("index", ordered(*ABC), n="N")) + set_outcome(
        "M", op("patternMatch", s("aaa"), pattern="{P}")
    )
    found = run(item(declared, rules))
    assert (found["I"], found["M"]) == ("B", True)


def test_truths_may_not_be_numbers() -> None:
    """Conditions of other types than boolean are not QTI: they are not met."""
    rules = op("responseCondition", op("responseIf", i(1), set_outcome("S", i(1))))
    assert run(item(declaration("outcome", "S", "integer", "single"), rules))["S"] == 0
    assert b(True) == T
