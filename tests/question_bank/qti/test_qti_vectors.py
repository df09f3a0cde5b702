"""The conformance items and the official templates, where they lie beside the checkout."""

import json
from pathlib import Path

import pytest
from qti_items import declaration, item

from question_bank.qti import read_program
from question_bank.qti.cases import score_cases
from question_bank.qti.templates import template_named

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "qti"
FOLDERS = sorted(VECTORS.glob("pie-conformance/*/"))
OFFICIAL = sorted(VECTORS.glob("official-response-processing-templates/*.xml"))

pytestmark = pytest.mark.skipif(not FOLDERS, reason="no vectors beside the checkout")


def _equal(expected: object, found: object) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return abs(expected - found) <= 1e-9
    if isinstance(expected, list) and isinstance(found, list):
        return sorted(map(str, expected)) == sorted(map(str, found))
    return expected == found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_conformance_item(folder: Path) -> None:
    program = read_program((folder / "item.xml").read_bytes(), "item.xml")
    cases = json.loads((folder / "item.cases.json").read_text())
    wrong = []
    for case, scored in zip(cases, score_cases(program, cases), strict=True):
        outcomes = scored["outcomes"]
        assert isinstance(outcomes, dict)
        right = all(_equal(value, outcomes.get(name)) for name, value in case["expected"].items())
        right &= all(
            any(_equal(value, outcomes.get(name)) for value in values)
            for name, values in case.get("expected_one_of", {}).items()
        )
        if not right and not case.get("xfail"):
            wrong.append((case["id"], case["expected"], outcomes))
    assert wrong == []


@pytest.mark.parametrize("file", OFFICIAL, ids=lambda file: file.stem)
def test_the_templates_are_the_official_ones(file: Path) -> None:
    declared = "".join(
        declaration("outcome", name, "float", "single") for name in ("SCORE", "MAXSCORE")
    )
    built_in = template_named(f"https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/{file.name}")
    assert built_in is not None
    official = file.read_bytes().split(b"?>", 1)[1].replace(b"\n", b"")
    assert _program_with(declared, official) == _program_with(declared, built_in)


def _program_with(declared: str, processing: bytes) -> list[object]:
    data = item(declared, "", version="3.0")
    empty = b"<qti-response-processing></qti-response-processing>"
    assert empty in data
    program = read_program(data.replace(empty, processing), "item.xml")
    return [_without_lines(rule) for rule in program.response_rules]


def _without_lines(node: object) -> object:
    """A comparable form of rules and expressions, without lines and spelling of numbers."""
    fields = getattr(node, "__dataclass_fields__", None)
    if isinstance(node, tuple):
        return [_without_lines(part) for part in node]
    if fields is None or type(node).__name__ == "Single":
        return node
    kept = {name: _without_lines(getattr(node, name)) for name in fields if name != "line"}
    if kept.get("attributes") == {"tolerancemode": "exact"}:
        kept["attributes"] = {}
    return type(node).__name__, kept
