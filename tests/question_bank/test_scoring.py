import dataclasses
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from item_builders import cluster, multiple, numeric, single

from question_bank.assembly import BaseForm, BasePart, arrange
from question_bank.errors import ItemError, ScoringError
from question_bank.item import Item, MappedChoice, NumericEntry, TrueFalseCluster
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse, Response
from question_bank.scoring import SCORER_VERSION, score, score_form
from question_bank.scoring.numbers import parse_number

ORACLE = Path(__file__).parents[2] / "../shared/vectors/vn/thpt_scoring_oracle.json"


def test_single_choice_is_all_or_nothing() -> None:
    assert score(single(), ChoiceResponse(("B",))).raw == Decimal("0.25")
    for response in (ChoiceResponse(("A",)), ChoiceResponse(()), None):
        assert score(single(), response).raw == 0


def test_multiple_choice_needs_exactly_the_right_ones() -> None:
    for chosen, marks in (("AC", 1), ("CA", 1), ("A", 0), ("ABC", 0), ("", 0)):
        assert score(multiple(), ChoiceResponse(tuple(chosen), "multiple")).raw == marks


@pytest.mark.parametrize(
    ("right", "marks"), [(0, "0"), (1, "0.1"), (2, "0.25"), (3, "0.5"), (4, "1")]
)
def test_cluster_is_graded(right: int, marks: str) -> None:
    truth = [True, False, True, True]
    values = {f"s{n}": t if n < right else not t for n, t in enumerate(truth)}
    result = score(cluster(), ClusterResponse(values))
    assert result.raw == Decimal(marks)
    assert result.outcomes["RIGHT"] == right
    answered = ClusterResponse(dict(list(values.items())[:right]))
    assert score(cluster(), answered).raw == Decimal(marks)


@pytest.mark.parametrize(
    ("text", "right"),
    [("-1,5", True), ("-1.5", True), (" -1,50 ", True), ("\u22121,5", True), ("-01,5", True),
     ("1,5", False), ("-1,51", False), ("-1,5,0", False), ("", False), ("--1,5", False),
     ("-1,", False), ("-,5", False), ("1e0", False), ("\u0661", False), ("NaN", False)],
)  # fmt: skip
def test_numbers_count_by_their_value(text: str, right: bool) -> None:
    assert score(numeric(), NumericResponse(text)).raw == (Decimal("0.5") if right else 0)


def test_tolerance_is_inclusive_and_exact() -> None:
    item = numeric(value="0.3", tolerance="0.1")
    for text, right in (("0,2", True), ("0,4", True), ("0,41", False), ("0,19", False)):
        assert (score(item, NumericResponse(text)).raw > 0) is right
    tiny = numeric(value="0.1")
    assert score(tiny, NumericResponse("0," + "1" + "0" * 28 + "1")).raw == 0


@given(st.decimals(min_value=-999, max_value=999, places=2))
def test_parse_number_reads_what_it_is_written(value: Decimal) -> None:
    assert parse_number(str(value).replace(".", ",")) == value


def test_mapped_choice_sums_within_bounds() -> None:
    rule = MappedChoice({"A": Decimal(1), "B": Decimal("-0.5"), "C": Decimal(1)}, lower=Decimal(0))
    item = dataclasses.replace(multiple(), scoring=rule, points=Decimal(2))
    for chosen, marks in (("AC", "2"), ("AB", "0.5"), ("B", "0"), ("AD", "1"), ("", "0")):
        assert score(item, ChoiceResponse(tuple(chosen), "multiple")).raw == Decimal(marks)


@pytest.mark.parametrize(
    ("item", "response"),
    [
        (single(), ChoiceResponse(("Z",))),
        (single(), ChoiceResponse(("A", "B"), "multiple")),
        (single(), NumericResponse("1")),
        (cluster(), ClusterResponse({"other": True})),
        (numeric(), ChoiceResponse(("A",))),
    ],
)
def test_a_foreign_response_is_refused(item: Item, response: Response) -> None:
    with pytest.raises(ScoringError):
        score(item, response)


def test_an_item_that_does_not_fit_together_cannot_exist() -> None:
    with pytest.raises(ItemError, match="key"):
        single(right="Z")
    with pytest.raises(ItemError, match="key"):
        dataclasses.replace(single(), key=numeric().key)
    with pytest.raises(ItemError, match="scoring"):
        dataclasses.replace(cluster(), points=Decimal(2))
    with pytest.raises(ItemError, match="scoring"):
        dataclasses.replace(single(), scoring=cluster().scoring)


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"id": "two words"},
        {"version": 0},
        {"points": Decimal(-1)},
        {"points": Decimal("NaN")},
        {"interaction": NumericEntry(max_length=0)},
        {"interaction": NumericEntry(max_length=33)},
        {"interaction": NumericEntry(allowed="")},
        {"interaction": NumericEntry(tolerance=Decimal(-1))},
        {"interaction": TrueFalseCluster(())},
    ],
)
def test_an_item_keeps_within_its_bounds(change: dict[str, object]) -> None:
    with pytest.raises(ItemError):
        dataclasses.replace(numeric(), **change)


def _oracle() -> list[dict[str, object]]:
    return json.loads(ORACLE.read_text())["vectors"] if ORACLE.exists() else []


@pytest.mark.parametrize("vector", _oracle(), ids=lambda v: f"{v['subject']}-{v['score']}")
def test_national_rules_agree_with_the_oracle(vector: dict[str, object]) -> None:
    oracle = json.loads(ORACLE.read_text())
    shapes = oracle["shapes"] | oracle["shapes_from_memory_not_cited"]
    singles, clusters, numerics, _ = shapes[vector["subject"]]
    each = "0.5" if vector["subject"] == "Toan" else "0.25"
    items = [single(f"c{n}") for n in range(singles)]
    items += [cluster(f"t{n}") for n in range(clusters)]
    items += [numeric(f"n{n}", points=each) for n in range(numerics)]
    base = BaseForm("b", "b", "b", 50, (BasePart("I", "", tuple(item.id for item in items)),))
    arranged = arrange(base, items, code="1", seed=bytes(16), exam="e")
    shown = {mapped.item_id: key for key, mapped in arranged.mapping.items.items()}
    given_answers: dict[str, Response] = {}
    for n in range(singles):
        name = shown[f"c{n}"]
        wanted = "B" if n < int(str(vector["partI_correct"])) else "A"
        back = arranged.mapping.items[name].options
        given_answers[name] = ChoiceResponse((next(o for o in back if back[o] == wanted),))
    rights = vector["partII"]
    assert isinstance(rights, list)
    for n, right in enumerate(rights):
        name = shown[f"t{n}"]
        truth = {"s0": True, "s1": False, "s2": True, "s3": True}
        back = arranged.mapping.items[name].options
        given_answers[name] = ClusterResponse(
            {o: truth[s] if int(s[1]) < right else not truth[s] for o, s in back.items()}
        )
    for n in range(int(str(vector["partIII_correct"]))):
        given_answers[shown[f"n{n}"]] = NumericResponse("-1,5")
    result = score_form(arranged.mapping, items, given_answers)
    assert result.total == Decimal(str(vector["score"]))
    assert result.maximum == 10
    assert result.scorer_version == SCORER_VERSION


def test_score_form_refuses_what_is_not_of_the_form() -> None:
    base = BaseForm("b", "b", "b", 50, (BasePart("I", "", ("q-numeric",)),))
    mapping = arrange(base, [numeric()], code="1", seed=bytes(16), exam="e").mapping
    with pytest.raises(ScoringError):
        score_form(mapping, [numeric()], {"q-numeric": NumericResponse("1")})
    with pytest.raises(ScoringError, match="version"):
        score_form(mapping, [dataclasses.replace(numeric(), version=2)], {})
    assert score_form(mapping, [numeric()], {}).total == 0
