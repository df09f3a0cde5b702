"""The 2025 rules are one policy: every shape sums to 10.00, every vector scores as expected."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from question_bank.item import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    Interaction,
    Item,
    ItemMetadata,
    Key,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    Option,
    SingleChoice,
    TrueFalseCluster,
)
from question_bank.policies import NATIONAL_2025, ONE_EACH
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse, Response
from question_bank.scoring import score

ORACLE = Path(__file__).parents[2] / "../shared/vectors/vn/thpt_scoring_oracle.json"
OPTIONS = tuple(Option(letter, letter) for letter in "ABCD")
SINGLE = SingleChoice(OPTIONS), ChoiceKey(("A",))
CLUSTER = TrueFalseCluster(OPTIONS), ClusterKey(dict.fromkeys("ABCD", True))
NUMERIC = NumericEntry(), NumericKey(Decimal(7))


def _item(pair: tuple[Interaction, Key], subject: str) -> Item:
    interaction, key = pair
    rule, points = NATIONAL_2025.marking(interaction, subject)
    return Item("q", "q", interaction, key, rule, points, ItemMetadata(subject=subject))


def _total(subject: str, answers: list[tuple[tuple[Interaction, Key], Response | None]]) -> Decimal:
    return sum((score(_item(pair, subject), given).raw for pair, given in answers), Decimal(0))


def _judged(right: int) -> ClusterResponse:
    return ClusterResponse({letter: n < right for n, letter in enumerate("ABCD")})


def _oracle() -> dict[str, Any]:
    if not ORACLE.exists():
        pytest.skip("the scoring vectors are not here")
    loaded: dict[str, Any] = json.loads(ORACLE.read_text())
    return loaded


def test_every_shape_sums_to_ten() -> None:
    oracle = _oracle()
    for subject, shape in (oracle["shapes"] | oracle["shapes_from_memory_not_cited"]).items():
        counts = zip((SINGLE, CLUSTER, NUMERIC), shape, strict=False)
        points = sum(_item(pair, subject).points * count for pair, count in counts)
        assert points == Decimal("10.00"), subject


def test_every_vector_scores_as_expected() -> None:
    vectors = _oracle()["vectors"]
    for vector in vectors:
        answers: list[tuple[tuple[Interaction, Key], Response | None]] = []
        answers += [(SINGLE, ChoiceResponse(("A",)))] * vector["partI_correct"]
        answers += [(CLUSTER, _judged(right)) for right in vector["partII"]]
        answers += [(NUMERIC, NumericResponse("7"))] * vector["partIII_correct"]
        answers += [
            (SINGLE, ChoiceResponse(("B",))),
            (NUMERIC, NumericResponse("8")),
            (CLUSTER, None),
        ]
        assert _total(vector["subject"], answers) == Decimal(str(vector["score"])), vector
    assert vectors


@pytest.mark.parametrize("subject", ["Toán", "toan", " TOÁN ", "TOÁN"])
def test_short_answers_in_maths_count_twice(subject: str) -> None:
    assert _item(NUMERIC, subject).points == Decimal("0.5")
    assert _item(NUMERIC, "Vật lí").points == Decimal("0.25")


def test_what_the_rules_do_not_know_is_all_or_nothing_for_one_point() -> None:
    three = TrueFalseCluster(OPTIONS[:3])
    assert NATIONAL_2025.marking(three) == (AllOrNothing(), Decimal(1))
    assert NATIONAL_2025.marking(MultipleChoice(OPTIONS)) == (AllOrNothing(), Decimal(1))
    assert ONE_EACH.marking(SINGLE[0]) == (AllOrNothing(), Decimal(1))
    assert ONE_EACH.marking(CLUSTER[0]) == (AllOrNothing(), Decimal(1))
