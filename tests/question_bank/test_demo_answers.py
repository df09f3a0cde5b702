"""The demo candidates' answers fit the presented forms and earn what the file says."""

import importlib.util
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from question_bank.assembly import arrange
from question_bank.content import plain_text
from question_bank.interchange.qti3 import read_qti3
from question_bank.package import PresentedItem, PresentedNumeric, decode, encode
from question_bank.response import Response, from_plain
from question_bank.scoring import score_form

FIXTURES = Path(__file__).parents[2] / "fixtures"
ANSWERS = json.loads((FIXTURES / "demo" / "answers.json").read_text(encoding="utf-8"))


def _typed(item: PresentedItem, answer: Mapping[str, Any]) -> Response:
    """What the autopilot does: finds the words on the screen, answers with their ids."""
    interaction = item.interaction
    if isinstance(interaction, PresentedNumeric):
        return from_plain(dict(answer))
    shown = interaction.statements if answer["kind"] == "tf_cluster" else interaction.options
    ids = {plain_text(option.content): option.id for option in shown}
    assert len(ids) == len(shown)
    if answer["kind"] == "tf_cluster":
        values = {ids[words]: truth for words, truth in answer["values"].items()}
        return from_plain({"kind": "tf_cluster", "values": values})
    options = [ids[words] for words in answer["options"]]
    return from_plain({"kind": answer["kind"], "options": options})


@pytest.mark.parametrize("form_index", [0, 1])
@pytest.mark.parametrize("persona", sorted(ANSWERS["personas"]))
def test_a_persona_earns_what_is_expected(persona: str, form_index: int) -> None:
    package = FIXTURES / "maths" / ANSWERS["package"]
    paper = read_qti3(package.read_bytes(), package.name)
    base = paper.base_forms[form_index]
    arranged = arrange(base, paper.items, code="0102", seed=bytes(32), exam="Kỳ thi thử")
    given = ANSWERS["personas"][persona]["answers"]
    responses = {
        item.id: _typed(item, given[plain_text(item.stem)])
        for item in decode(encode(arranged.form)).items
        if plain_text(item.stem) in given
    }
    result = score_form(arranged.mapping, paper.items, responses)
    assert result.maximum == 10
    assert result.total == Decimal(ANSWERS["personas"][persona]["expected_total"][base.id])


def test_expected_marks_are_the_ones_named_in_the_demo() -> None:
    totals = {
        name: set(persona["expected_total"].values())
        for name, persona in ANSWERS["personas"].items()
    }
    assert totals == {"an": {"8.35"}, "binh": {"6.25"}, "chi": {"9.50"}}


def test_file_is_what_the_generator_makes() -> None:
    path = FIXTURES / "maths" / "make_answers.py"
    spec = importlib.util.spec_from_file_location("make_answers", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.answers() == ANSWERS
