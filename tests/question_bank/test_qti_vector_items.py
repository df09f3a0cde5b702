"""The conformance items as items of the bank: taken and marked as expected, or named."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from question_bank.interactions import (
    Composite,
    ExtendedText,
    InlineChoice,
    MultipleChoice,
    NumericEntry,
    Simple,
    SingleChoice,
    TextEntry,
)
from question_bank.interchange.formats import read_any
from question_bank.interchange.qti3 import read_qti3
from question_bank.interchange.qti3_writer import Version, write_item
from question_bank.response import (
    ChoiceResponse,
    CompositeResponse,
    NumericResponse,
    PairsResponse,
    Response,
    SimpleResponse,
    TextResponse,
)
from question_bank.scoring import score

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "qti" / "pie-conformance"
FILES = sorted(VECTORS.glob("*/item.xml"))
# What the bank does not take, by the element and the reason that the problem must name. Items of
# declarations and rules alone have nothing to answer; the engine runs them (qti/test_qti_vectors).
NAMED = {
    ("itemBody", "has no interaction"): """
        baseTypes_all mapResponse_multiple_cardinality ordered_match outcomeProcessing_exitTest
        outcomeProcessing_outcomeMaximum outcomeProcessing_outcomeProcessingFragment
        responseProcessing_arithmetic_nulls responseProcessing_containerSize_index
        responseProcessing_inside_duration_statsOperator responseProcessing_lookupTable_matchTable
        responseProcessing_mapResponsePoint_basic
        responseProcessing_mapResponse_directedPair_whitespace
        responseProcessing_mathOperator_integerUtils responseProcessing_misc_math_string_stats
        responseProcessing_random_lookupOutcomeValue responseProcessing_responseCondition_toBoolean
        responseProcessing_setDefaultValue responseProcessing_subtract_divide
        responseProcessing_template_map_response_point
        responseProcessing_template_match_correct_directedPair
        templateProcessing_templateCondition_toBoolean""",
    ("assessmentItem", "has no item body"): "responseProcessing_anyN",
    ("assessmentItem", "its processing gives no SCORE, and so no mark"): """
        qti22_basic_q20 qti22_basic_q2_single qti22_basic_q5 responseProcessing_default_expression
        responseProcessing_equalRounded_tolerance""",
    ("positionObjectInteraction", "positionObjectInteraction is not supported"): """
        positionObject_coordinateSystem_aspectRatio positionObject_mapResponse_wrong""",
    ("object", "picture 'images/water-cycle.svg': neither in a package nor beside it"): """
        qti22_advanced_q10_hotspot""",
    ("templateDeclaration", "template processing without response processing"): """
        template_randomFloat_roundTo_mathConstant""",
}
REASONS = {name: reason for reason, names in NAMED.items() for name in names.split()}
TAKEN = [file for file in FILES if file.parent.name not in REASONS]

pytestmark = pytest.mark.skipif(not FILES, reason="no vectors beside the checkout")


def response_of(interaction: Simple, value: object) -> SimpleResponse:
    values = [str(one) for one in (value if isinstance(value, list) else [value])]
    match interaction:
        case SingleChoice():
            return ChoiceResponse(tuple(values))
        case MultipleChoice():
            known = {option.id for option in interaction.options}
            chosen = (one for one in dict.fromkeys(values) if one in known)
            return ChoiceResponse(tuple(chosen), "multiple")
        case InlineChoice():
            return ChoiceResponse(tuple(values), "inline_choice")
        case TextEntry():
            return TextResponse(values[0])
        case ExtendedText():
            return TextResponse(values[0], "extended")
        case NumericEntry():
            return NumericResponse(values[0])
        case _:
            pairs = [one.split() for one in values]
            return PairsResponse(tuple((a, b) for a, b in pairs), "gap_match")


def answered(interaction: object, given: dict[str, object]) -> Response:
    if isinstance(interaction, Composite):
        known = {part.id: part.interaction for part in interaction.parts}
        parts = {n: response_of(known[n], v) for n, v in given.items() if v is not None}
        return CompositeResponse(parts)
    ((_, value),) = given.items()
    return response_of(interaction, value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_an_item_is_taken_whole_or_named(file: Path) -> None:
    read = read_any(file.read_bytes(), file.name, lambda _: None)
    errors = [problem for problem in read.problems if problem.severity == "error"]
    assert bool(read.items) != bool(errors)
    for problem in read.problems:
        assert problem.line is not None and problem.message
        assert "qti-" not in problem.element + problem.message
    for item in read.items:
        for version in ("3.0", "2.2"):
            assert _again(item, version) == item


def _again(item: object, version: Version) -> object:
    read = read_qti3(write_item(item, version), "i.xml")
    (again,) = read.items
    return again


@pytest.mark.parametrize("name", sorted(REASONS))
def test_what_is_not_taken_is_named_by_file_element_and_reason(name: str) -> None:
    file = VECTORS / name / "item.xml"
    read = read_any(file.read_bytes(), file.name, lambda _: None)
    (error,) = [problem for problem in read.problems if problem.severity == "error"]
    assert not read.items
    assert (error.file, (error.element, error.message)) == ("item.xml", REASONS[name])
    above = file.read_text(encoding="utf-8").splitlines()[: error.line]
    assert any(f"<{error.element}" in line for line in above)


@pytest.mark.parametrize("file", TAKEN, ids=lambda file: file.parent.name)
def test_what_is_taken_earns_what_is_expected(file: Path) -> None:
    (item,) = read_any(file.read_bytes(), file.name, lambda _: None).items
    cases = json.loads((file.parent / "item.cases.json").read_text())
    for case in cases:
        expected = case["expected"].get("SCORE")
        given = {n: v for n, v in case["responses"].items() if v not in (None, [], "")}
        told = case.keys() & {"seed", "outcomes_before", "attempts", "xfail"}
        if expected is None or told or (item.program and item.program.template_rules):
            continue
        response = answered(item.interaction, given) if given else None
        marks = min(Decimal(str(expected)), item.points)
        assert abs(score(item, response).raw - marks) <= Decimal("1e-6"), case["id"]
