"""Outcome processing of tests, over what their items gave."""

import json
from pathlib import Path

import pytest
from qti_items import (
    NAMESPACES,
    as_version_3,
    declaration,
    f,
    i,
    item,
    op,
    set_outcome,
    values_in,
)

from question_bank.cli import main
from question_bank.errors import FileRefusedError, MalformedError
from question_bank.qti import read_program
from question_bank.qti.cases import score_test_cases
from question_bank.qti.session import read_test

RIGHT = "http://www.imsglobal.org/question/qti_v2p2/rptemplates/match_correct"


def choice(key: str | None, **bounds: object) -> bytes:
    """A choice worth 1; `bounds` of its SCORE."""
    correct = values_in("correctResponse", key) if key else ""
    declared = declaration("response", "RESPONSE", "identifier", "single", correct)
    written = "".join(f' {name}="{number}"' for name, number in bounds.items())
    declared += (
        f'<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"{written}/>'
    )
    rules = op(
        "responseCondition",
        op("responseIf", op("match", '<variable identifier="RESPONSE"/>',
                            '<correct identifier="RESPONSE"/>'), set_outcome("SCORE", f(1))),
    )  # fmt: skip
    return item(declared, rules)


ITEMS = {
    "Q1": choice("A", normalMaximum=1, normalMinimum=-1),
    "Q2": choice("B", normalMaximum=1),
    "Q3": choice("C", normalMaximum=1),
    "Q4": choice(None),
}
SECTIONS = (
    '<testPart identifier="P"><assessmentSection identifier="S1" title="" visible="true">'
    '<assessmentItemRef identifier="Q1" href="q1.xml" category="algebra easy">'
    '<weight identifier="W" value="2.5"/></assessmentItemRef>'
    '<assessmentItemRef identifier="Q2" href="q2.xml" category="algebra"/>'
    '</assessmentSection><assessmentSection identifier="S2" title="" visible="true">'
    '<assessmentItemRef identifier="Q3" href="q3.xml" category="geometry"/>'
    '<assessmentItemRef identifier="Q4" href="q4.xml"/>'
    "</assessmentSection></testPart>"
)


def written_test(expression: str, base_type: str = "integer", cardinality: str = "single",
                 version: str = "2.2", sections: str = SECTIONS) -> bytes:  # fmt: skip
    declared = declaration("outcome", "RESULT", base_type, cardinality)
    xml = (
        f'<assessmentTest xmlns="{NAMESPACES[version]}" identifier="t" title="t">{declared}'
        f"{sections}<outcomeProcessing>{expression}</outcomeProcessing></assessmentTest>"
    )
    return (as_version_3(xml) if version == "3.0" else xml).encode()


PROGRAMS = {name: read_program(data, name) for name, data in ITEMS.items()}
# Right, wrong, presented without a response, not presented.
ANSWERS = {"Q1.RESPONSE": "A", "Q2.RESPONSE": "A", "Q3.RESPONSE": None}


def outcome(data: bytes, responses: dict[str, object] = ANSWERS) -> object:  # type: ignore[assignment]
    cases = [{"id": 1, "responses": responses}]
    (scored,) = score_test_cases(read_test(data, "test.xml"), PROGRAMS, cases)
    return scored["outcomes"]["RESULT"]  # type: ignore[index]


@pytest.mark.parametrize("version", ["2.1", "2.2", "3.0"])
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("<numberCorrect/>", 1), ("<numberIncorrect/>", 2), ("<numberPresented/>", 3),
        ("<numberResponded/>", 2), ("<numberSelected/>", 4),
        ('<numberSelected sectionIdentifier="S1"/>', 2),
        ('<numberSelected sectionIdentifier="P"/>', 4),
        ('<numberSelected includeCategory="algebra geometry"/>', 3),
        ('<numberSelected excludeCategory="easy"/>', 3),
        ('<numberCorrect includeCategory="geometry"/>', 0),
        (op("sum", '<testVariables variableIdentifier="SCORE"/>'), 1),
        (op("sum", '<testVariables variableIdentifier="SCORE" baseType="float"'
            ' includeCategory="algebra" weightIdentifier="W"/>'), 2.5),
        (op("containerSize", '<testVariables variableIdentifier="SCORE" baseType="string"/>'), 0),
        (op("containerSize", '<testVariables variableIdentifier="RESPONSE"/>'), 2),
        (op("sum", '<outcomeMaximum outcomeIdentifier="SCORE" includeCategory="algebra"/>'), 2),
        (op("sum", '<outcomeMaximum outcomeIdentifier="SCORE" includeCategory="algebra"'
            ' weightIdentifier="W"/>'), 3.5),
        ('<outcomeMaximum outcomeIdentifier="SCORE"/>', None),
        (op("sum", '<outcomeMinimum outcomeIdentifier="SCORE"/>'), -1),
        ('<variable identifier="Q1.SCORE"/>', 1),
        ('<variable identifier="Q1.SCORE" weightIdentifier="W"/>', 2.5),
        ('<variable identifier="Q2.SCORE" weightIdentifier="W"/>', 0),
        ('<variable identifier="Q9.SCORE"/>', None),
    ],
)  # fmt: skip
def test_expressions_of_tests(expression: str, expected: object, version: str) -> None:
    data = written_test(set_outcome("RESULT", expression), "float", version=version)
    assert outcome(data) == expected


def test_conditions_fragments_exits_and_lookups() -> None:
    branches = op(
        "outcomeCondition",
        op("outcomeIf", op("gt", "<numberCorrect/>", i(5)), set_outcome("RESULT", i(1))),
        op("outcomeElseIf", op("gte", "<numberCorrect/>", i(1)), set_outcome("RESULT", i(2)),
           "<exitTest/>"),
        op("outcomeElse", set_outcome("RESULT", i(3))),
    )  # fmt: skip
    rules = op("outcomeProcessingFragment", branches) + set_outcome("RESULT", i(4))
    assert outcome(written_test(rules)) == 2
    assert outcome(written_test(rules), {}) == 4
    table = (
        '<interpolationTable defaultValue="fail"><interpolationTableEntry sourceValue="1"'
        ' targetValue="pass"/></interpolationTable>'
    )
    data = written_test(op("lookupOutcomeValue", "<numberCorrect/>", identifier="RESULT"), "string")
    data = data.replace(b"></outcomeDeclaration>", f">{table}</outcomeDeclaration>".encode(), 1)
    assert [outcome(data), outcome(data, {})] == ["pass", "fail"]


def test_what_chooses_among_items_is_named() -> None:
    sections = SECTIONS.replace(
        '<assessmentItemRef identifier="Q1"',
        '<selection select="1"/><assessmentItemRef identifier="Q1"',
    )
    test = read_test(written_test("", sections=sections), "test.xml")
    assert test.unsupported == ("line 1: selection",)
    assert test.items[0].sections == ("P", "S1")


def test_an_item_alone_has_no_test_to_ask() -> None:
    declared = declaration("outcome", "N", "integer", "single")
    program = read_program(item(declared, set_outcome("N", "<numberCorrect/>")), "i.xml")
    assert program.unsupported == ()
    with pytest.raises(FileRefusedError, match="no QTI assessment test"):
        read_test(item(declared, ""), "i.xml")


def test_responses_of_items_that_are_not_there_are_refused() -> None:
    with pytest.raises(MalformedError, match="no item 'Q7'"):
        outcome(written_test(""), {"Q7.RESPONSE": "A"})


def test_the_command_scores_a_test_with_the_items_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written_test(set_outcome("RESULT", "<numberCorrect/>"))
    (tmp_path / "test.xml").write_bytes(data)
    for name, content in ITEMS.items():
        (tmp_path / f"{name.lower()}.xml").write_bytes(content)
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([{"id": "x", "responses": ANSWERS}]))
    call = ["score", str(tmp_path / "test.xml"), "--cases", str(cases), "--json"]
    assert main(call) == 0
    (scored,) = json.loads(capsys.readouterr().out)["cases"]
    assert scored["outcomes"] == {"RESULT": 1}
    assert scored["items"]["Q1"] == {"SCORE": 1, "completionStatus": "unknown"}
    (tmp_path / "test.xml").write_bytes(data.replace(b"q1.xml", b"../q1.xml"))
    assert main(call) == 2
    assert "not in the folder" in capsys.readouterr().err
