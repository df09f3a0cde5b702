"""Rules, template processing, attempts, standard templates, responses."""

import pytest
from qti_items import (
    NAMESPACES,
    NULL,
    T,
    bag,
    declaration,
    f,
    i,
    item,
    op,
    run,
    s,
    set_outcome,
    value,
    values_in,
)

from question_bank.errors import FileRefusedError, MalformedError, ScoringError
from question_bank.qti import attempted, processed, read_program, to_plain
from question_bank.qti.cases import score_cases

SCORE = declaration("outcome", "SCORE", "float", "single")
RESPONSE = declaration(
    "response", "RESPONSE", "identifier", "single",
    values_in("correctResponse", "A")
    + op("mapping", op("mapEntry", mapKey="A", mappedValue="2"), defaultValue="-1"),
)  # fmt: skip
TEMPLATE = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/"
TEMPLATE_3 = "https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/"


def templated(address: str, declarations: str) -> bytes:
    return item(declarations, "").replace(
        b"<responseProcessing></responseProcessing>",
        f'<responseProcessing template="{address}"/>'.encode(),
    )


@pytest.mark.parametrize("base", [TEMPLATE, TEMPLATE_3, "/rptemplates/"])
@pytest.mark.parametrize("suffix", ["", ".xml"])
@pytest.mark.parametrize(
    ("name", "scores"),
    [
        ("match_correct", [1, 0, 0]), ("map_response", [2, -1, 0]), ("CC2_match", [1, 0, 0]),
        ("match_nothing", [0, 0, 1]),
    ],
)  # fmt: skip
def test_standard_templates_by_all_their_addresses(
    base: str, suffix: str, name: str, scores: list[float]
) -> None:
    data = templated(base + name + suffix, RESPONSE + SCORE)
    assert [run(data, {"RESPONSE": r})["SCORE"] for r in ("A", "B", None)] == scores


def test_the_template_of_points_and_those_with_feedback() -> None:
    area = op("areaMapping", op("areaMapEntry", shape="rect", coords="0,0,9,9", mappedValue=2))
    points = declaration("response", "RESPONSE", "point", "single", area) + SCORE
    data = templated(TEMPLATE + "map_response_point", points)
    assert [run(data, {"RESPONSE": p})["SCORE"] for p in ("5 5", "10 5", None)] == [2, 0, 0]
    declared = RESPONSE + SCORE
    declared += declaration("outcome", "MAXSCORE", "float", "single", values_in("defaultValue", 2))
    for name in ("FEEDBACK", "FEEDBACKBASIC"):
        declared += declaration("outcome", name, "identifier", "single")
    basic = templated(TEMPLATE_3 + "CC2_match_basic.xml", declared)
    found = [run(basic, {"RESPONSE": r}) for r in ("A", "B")]
    assert [(o["SCORE"], o["FEEDBACKBASIC"]) for o in found] == [(2, "correct"), (0, "incorrect")]
    mapped = templated(TEMPLATE_3 + "CC2_map_response.xml", declared)
    found = [run(mapped, {"RESPONSE": r}) for r in ("A", "B", None)]
    assert [o["FEEDBACK"] for o in found] == ["correct", "incorrect", "incorrect"]


def test_an_unknown_template_is_named() -> None:
    program = read_program(templated("http://example.org/rp/mine.xml", RESPONSE + SCORE), "i.xml")
    assert program.unsupported == ("line 1: the template http://example.org/rp/mine.xml",)


def test_numbers_begin_at_0_and_all_else_at_null() -> None:
    declared = "".join(
        declaration("outcome", name, base_type, cardinality)
        for name, base_type, cardinality in (
            ("F", "float", "single"), ("I", "integer", "single"), ("S", "string", "single"),
            ("B", "boolean", "single"), ("M", "integer", "multiple"),
        )
    )  # fmt: skip
    found = run(item(declared, ""))
    assert {name: found[name] for name in "FISBM"} == {
        "F": 0, "I": 0, "S": None, "B": None, "M": None,
    }  # fmt: skip


def condition(*branches: str, kind: str = "response") -> str:
    return op(f"{kind}Condition", *branches)


def test_the_first_branch_that_is_true_runs_alone() -> None:
    def chosen(first: str, second: str) -> object:
        rules = condition(
            op("responseIf", first, set_outcome("SCORE", i(1))),
            op("responseElseIf", second, set_outcome("SCORE", i(2)), set_outcome("SCORE", i(3))),
            op("responseElse", set_outcome("SCORE", i(4))),
        )
        return run(item(SCORE, rules))["SCORE"]

    assert chosen(T, T) == 1
    assert chosen(op("not", T), T) == 3
    assert chosen(op("not", NULL), op("not", T)) == 4  # NULL is not true
    assert chosen(NULL, NULL) == 4


def test_exit_response_and_fragments() -> None:
    rules = op(
        "responseProcessingFragment",
        set_outcome("SCORE", i(1)),
        condition(op("responseIf", T, "<exitResponse/>")),
    ) + set_outcome("SCORE", i(2))
    for version in NAMESPACES:
        assert run(item(SCORE, rules, version=version))["SCORE"] == 1


def test_a_value_is_fitted_to_its_variable() -> None:
    declared = (
        SCORE + declaration("outcome", "I", "integer", "single")
        + declaration("outcome", "M", "float", "multiple")
        + declaration("outcome", "ONE", "identifier", "single")
        + declaration("outcome", "S", "string", "single")
    )  # fmt: skip
    rules = (
        set_outcome("SCORE", i(3)) + set_outcome("I", f("-2.75")) + set_outcome("M", i(4))
        + set_outcome("ONE", bag(value("identifier", "A")))
        + set_outcome("S", bag(s("a"), s("b")))
    )  # fmt: skip
    result = processed(read_program(item(declared, rules), "i.xml"), {}, seed=b"")
    found = {name: to_plain(v) for name, v in result.outcomes.items()}
    assert isinstance(found["SCORE"], float)
    assert (found["I"], found["M"], found["ONE"], found["S"]) == (-2, [4.0], "A", None)
    assert result.notices == (
        "I: -2.75 is no integer; it is cut off", "S: a value of another cardinality; it is NULL",
    )  # fmt: skip


TEMPLATES = "".join(
    declaration("template", name, "integer", "single", values_in("defaultValue", 0))
    for name in "AB"
)
DRAW = op("setTemplateValue", op("randomInteger", min="1", max="6"), identifier="A") + op(
    "setTemplateValue", op("randomInteger", min="1", max="6"), identifier="B"
)


def drawn(data: bytes, seed: bytes) -> dict[str, object]:
    result = processed(read_program(data, "i.xml"), {}, seed=seed)
    return {name: to_plain(v) for name, v in result.templates.items()}


def test_template_variables_are_the_same_for_the_same_seed_for_ever() -> None:
    data = item(TEMPLATES, "", template=DRAW)
    rolls = [drawn(data, str(seed).encode()) for seed in range(6)]
    assert [(r["A"], r["B"]) for r in rolls] == GOLDEN_ROLLS
    assert drawn(data, b"3") == rolls[3]


# By hand from the definition in question_bank/qti/draws.py: SHAKE-256 and `% 6 + 1`.
GOLDEN_ROLLS = [(6, 4), (4, 3), (3, 6), (6, 6), (1, 4), (6, 5)]


def test_a_constraint_draws_again_until_it_holds_or_a_hundred_times() -> None:
    differ = op("not", op("equal", '<variable identifier="A"/>', '<variable identifier="B"/>'))
    data = item(TEMPLATES, "", template=DRAW + op("templateConstraint", differ))
    for seed in range(30):
        roll = drawn(data, str(seed).encode())
        assert roll["A"] != roll["B"]
    never = item(TEMPLATES, "", template=DRAW + op("templateConstraint", NULL))
    result = processed(read_program(never, "i.xml"), {}, seed=b"1")
    assert result.notices == ("the template constraint did not hold in 100 draws",)
    assert to_plain(result.templates["A"]) in range(1, 7)


def test_template_processing_sets_keys_and_defaults_and_may_stop() -> None:
    declared = (
        declaration("response", "R", "integer", "single")
        + declaration("outcome", "SCORE", "float", "single")
        + declaration("outcome", "KEY", "integer", "single") + TEMPLATES
    )  # fmt: skip
    template = (
        op("setTemplateValue", i(4), identifier="A")
        + op("setCorrectResponse", '<variable identifier="A"/>', identifier="R")
        + op("setDefaultValue", i(9), identifier="SCORE")
        + condition(op("templateIf", T, "<exitTemplate/>"), kind="template")
        + op("setTemplateValue", i(5), identifier="A")
    )
    rules = set_outcome("KEY", '<correct identifier="R"/>')
    for version in ("2.1", "3.0"):
        found = run(item(declared, rules, template=template, version=version))
        assert (found["KEY"], found["SCORE"]) == (4, 9)


ADAPTIVE = condition(
    op("responseIf", op("match", '<variable identifier="RESPONSE"/>', '<correct identifier="RESPONSE"/>'),  # noqa: E501
       set_outcome("SCORE", op("divide", f(1), '<variable identifier="numAttempts"/>')),
       set_outcome("completionStatus", value("identifier", "completed"))),
    op("responseElse", set_outcome("completionStatus", value("identifier", "incomplete")),
       set_outcome("TRIED", op("multiple", '<variable identifier="TRIED"/>',
                               '<variable identifier="RESPONSE"/>'))),
)  # fmt: skip


def test_an_adaptive_item_keeps_its_outcomes_from_attempt_to_attempt() -> None:
    declared = RESPONSE + SCORE + declaration("outcome", "TRIED", "identifier", "multiple")
    program = read_program(item(declared, ADAPTIVE, adaptive="true"), "i.xml")

    def outcomes(*answers: str) -> dict[str, object]:
        result = attempted(program, [{"RESPONSE": a} for a in answers], seed=b"1")
        return {name: to_plain(v) for name, v in result.outcomes.items()}

    assert outcomes("B", "C", "A") == {
        "SCORE": pytest.approx(1 / 3), "TRIED": ["B", "C"], "completionStatus": "completed",
    }  # fmt: skip
    assert outcomes("B")["completionStatus"] == "incomplete"
    assert outcomes()["completionStatus"] == "not_attempted"
    with pytest.raises(ScoringError, match="completed"):
        outcomes("A", "B")


def test_another_item_begins_each_attempt_anew() -> None:
    declared = RESPONSE + SCORE + declaration("outcome", "TRIED", "identifier", "multiple")
    program = read_program(item(declared, ADAPTIVE), "i.xml")
    result = attempted(program, [{"RESPONSE": "B"}, {"RESPONSE": "C"}], seed=b"1")
    assert to_plain(result.outcomes["TRIED"]) == ["C"]


def test_a_response_that_is_not_named_has_its_default_and_keeps_what_it_had() -> None:
    declared = declaration(
        "response", "R", "integer", "single", values_in("defaultValue", 5)
    ) + declaration("outcome", "ECHO", "integer", "single")  # fmt: skip
    program = read_program(
        item(declared, set_outcome("ECHO", '<variable identifier="R"/>')), "i.xml"
    )

    def echo(*attempts: dict[str, object]) -> object:
        return to_plain(attempted(program, attempts, seed=b"").outcomes["ECHO"])

    assert [echo({}), echo({"R": None}), echo({"R": 7}), echo({"R": 7}, {})] == [5, None, 7, 7]


def test_a_declared_completion_status_begins_with_its_default() -> None:
    declared = declaration(
        "outcome", "completionStatus", "identifier", "single",
        values_in("defaultValue", "incomplete"),
    )  # fmt: skip
    assert run(item(declared, ""))["completionStatus"] == "incomplete"
    assert run(item(SCORE, ""))["completionStatus"] == "unknown"


def test_rules_of_other_namespaces_are_named() -> None:
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="x.xml"/>'
    rules = op("responseProcessingFragment", include)
    assert read_program(item(SCORE, rules), "i.xml").unsupported == ("line 1: the rule include",)


def test_outcomes_may_be_there_before() -> None:
    rules = set_outcome("SCORE", op("sum", '<variable identifier="SCORE"/>', i(1)))
    assert run(item(SCORE, rules), before={"SCORE": 4.5, "OTHER": 1})["SCORE"] == 5.5


@pytest.mark.parametrize(
    ("base_type", "cardinality", "raw", "expected"),
    [
        ("integer", "single", "42", 42), ("integer", "single", 42.0, 42),
        ("integer", "single", "4.5", None), ("integer", "single", "", None),
        ("float", "single", "1,5", 1.5), ("float", "single", "\u22122", -2),
        ("float", "single", "1.000,5", None), ("float", "single", "3", 3),
        ("integer", "single", 10**30, None), ("float", "single", 1e400, None),
        ("boolean", "single", True, True), ("boolean", "single", "yes", None),
        ("string", "single", ["x"], "x"), ("string", "single", 5, "5"),
        ("identifier", "single", ["A", "B"], None), ("identifier", "multiple", "A", ["A"]),
        ("identifier", "multiple", [], None), ("pair", "multiple", ["A  B", "C"], ["A B"]),
        ("point", "ordered", ["1 2", "3.5 4"], ["1 2", "3.5 4"]),
        ("duration", "single", "PT1H", 3600), ("duration", "single", 90, 90),
        ("duration", "single", "PT", None), ("string", "single", {"a": 1}, None),
        ("integer", "single", True, None),
    ],
)  # fmt: skip
def test_responses_in_lexical_form(
    base_type: str, cardinality: str, raw: object, expected: object
) -> None:
    declared = declaration("response", "R", base_type, cardinality)
    declared += declaration("outcome", "ECHO", base_type, cardinality)
    rules = set_outcome("ECHO", '<variable identifier="R"/>')
    assert run(item(declared, rules), {"R": raw})["ECHO"] == expected


RECORD = declaration("response", "R", "", "record") + "".join(
    declaration("outcome", name, base_type, "single")
    for name, base_type in (("floatValue", "float"), ("ndp", "integer"), ("nsf", "integer"),
                            ("stringValue", "string"), ("exponent", "integer"),
                            ("integerValue", "integer"), ("leftDigits", "integer"))
)  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("-1,50", {"floatValue": -1.5, "ndp": 2, "nsf": 3, "leftDigits": 1, "exponent": None}),
        ("1.2e3", {"floatValue": 1200, "ndp": 1, "nsf": 2, "exponent": 3}),
        (120, {"integerValue": 120, "floatValue": 120, "ndp": 0, "nsf": 2}),
        ({"floatValue": 2, "ndp": 3}, {"floatValue": 2, "ndp": 3, "nsf": None}),
        ("abc", {"stringValue": "abc", "floatValue": None}),
        ("", {"stringValue": None}),
        (None, {"stringValue": None}),
    ],
)
def test_records(raw: object, expected: dict[str, object]) -> None:
    names = ("floatValue", "ndp", "nsf", "stringValue", "exponent", "integerValue", "leftDigits")
    rules = "".join(
        set_outcome(name, op("fieldValue", '<variable identifier="R"/>', fieldIdentifier=name))
        for name in names
    )
    for version in ("2.2", "3.0"):
        found = run(item(RECORD, rules, version=version), {"R": raw})
        assert {name: found[name] for name in expected} == expected


def test_declared_records() -> None:
    inside = (
        '<defaultValue><value fieldIdentifier="a" baseType="integer">3</value>'
        '<value fieldIdentifier="b" baseType="string">x</value></defaultValue>'
    )
    declared = declaration("outcome", "REC", "", "record", inside)
    assert run(item(declared, ""))["REC"] == {"a": 3, "b": "x"}


def test_duration_and_the_number_of_attempts_are_built_in() -> None:
    declared = declaration("outcome", "D", "duration", "single")
    declared += declaration("outcome", "N", "integer", "single")
    rules = set_outcome("D", '<variable identifier="duration"/>')
    rules += set_outcome("N", '<variable identifier="numAttempts"/>')
    found = run(item(declared, rules), {"duration": "PT1M"})
    assert (found["D"], found["N"]) == (60, 1)


def test_what_is_unknown_is_null_and_named() -> None:
    rules = set_outcome("SCORE", '<customOperator class="org.example.Roman"/>') + "<sing/>"
    program = read_program(item(SCORE, rules), "i.xml")
    assert program.unsupported == (
        "line 1: customoperator org.example.Roman",
        "line 1: the rule sing",
    )
    result = processed(program, {}, seed=b"")
    assert result.outcomes["SCORE"] is None
    assert result.notices == (
        "customoperator org.example.Roman is not supported; the result is NULL",
    )


def test_a_variable_that_is_not_declared_is_null_and_named() -> None:
    rules = set_outcome("SCORE", '<variable identifier="X"/>')
    result = processed(read_program(item(SCORE, rules), "i.xml"), {}, seed=b"")
    assert result.outcomes["SCORE"] is None and result.notices == ("there is no variable X",)


@pytest.mark.parametrize(
    ("declared", "rules", "message"),
    [
        (SCORE, op("setOutcomeValue", identifier="SCORE"), "needs exactly one"),
        (SCORE, set_outcome("SCORE", value("colour", "red")), "known base type"),
        (SCORE, set_outcome("SCORE", f("much")), "no float"),
        (SCORE, condition(op("responseIf")), "no condition"),
        (SCORE, condition(op("outcomeIf", T)), "does not belong"),
        (declaration("outcome", "X", "colour", "single"), "", "no known cardinality"),
        ('<outcomeDeclaration cardinality="single" baseType="float"/>', "", "identifier"),
        (
            declaration("outcome", "X", "float", "single", values_in("defaultValue", "a")),
            "",
            "no float",
        ),
        (
            declaration(
                "response",
                "X",
                "point",
                "single",
                op("areaMapping", op("areaMapEntry", shape="rect", coords="1,2", mappedValue=1)),
            ),
            "",
            "no area",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    declared: str, rules: str, message: str
) -> None:
    with pytest.raises(FileRefusedError, match=rf"i\.xml:1: .*{message}"):
        read_program(item(declared, rules), "i.xml")


@pytest.mark.parametrize("data", [b"<quiz/>", b"<a", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_what_is_no_item_is_refused(data: bytes) -> None:
    with pytest.raises(FileRefusedError):
        read_program(data, "i.xml")


def test_cases_with_seeds_attempts_and_outcomes_before() -> None:
    declared = RESPONSE + SCORE + TEMPLATES
    program = read_program(item(declared, ADAPTIVE, adaptive="true", template=DRAW), "i.xml")
    cases = [
        {"id": 1, "responses": {"RESPONSE": "A"}, "seed": 5},
        {"id": 2, "responses": {"RESPONSE": "A"}, "seed": "5", "outcomes_before": {"SCORE": 3}},
        {"id": 3, "attempts": [{"RESPONSE": "B"}, {"RESPONSE": "A"}]},
    ]
    scored = score_cases(program, cases)
    assert [case["outcomes"]["SCORE"] for case in scored] == [1, 1, 0.5]  # type: ignore[index]
    assert scored[0]["templates"] == scored[1]["templates"]


def test_a_response_that_the_item_does_not_have_is_told() -> None:
    program = read_program(item(RESPONSE + SCORE, ""), "i.xml")
    (scored,) = score_cases(program, [{"id": 1, "responses": {"RESPONS": "A", "SCORE": 1}}])
    left_out = "the item has no such response; it is left out"
    assert scored["notices"] == [f"RESPONS: {left_out}", f"SCORE: {left_out}"]


@pytest.mark.parametrize(
    "case", [{"responses": []}, {"responses": {}, "seed": []}, 5, {"attempts": [None]}]
)
def test_cases_of_another_shape_are_refused(case: object) -> None:
    with pytest.raises(MalformedError, match="case 1"):
        score_cases(read_program(item(SCORE, ""), "i.xml"), [case])
