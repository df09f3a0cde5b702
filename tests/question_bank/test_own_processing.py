"""Items whose processing is none of the bank's rules: kept with it, and scored by the engine."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from itertools import combinations, product
from pathlib import Path

import pytest
from item_builders import cluster, multiple, numeric, single

from question_bank.assembly import BaseForm, BasePart, arrange
from question_bank.errors import ItemError, MalformedError, ScoringError
from question_bank.interchange.problems import Imported
from question_bank.interchange.qti3 import read_qti3
from question_bank.interchange.qti3_writer import write_item
from question_bank.item import (
    Item,
    MappedChoice,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    ResponseProcessing,
    SingleChoice,
    TrueFalseCluster,
    options_of,
)
from question_bank.qti import processed, read_program
from question_bank.qti.values import Single
from question_bank.records import item_from_plain, item_to_plain
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse, Response
from question_bank.scoring import score, score_form


def read(item: Item, *pairs: tuple[str, str]) -> Imported:
    """What is read when the item's file says something else."""
    xml = write_item(replace(item, media=(), stem="<p>Chọn</p>")).decode()
    for old, new in pairs:
        assert old in xml
        xml = xml.replace(old, new)
    return read_qti3(xml.encode(), "item.xml")


def changed(item: Item, *pairs: tuple[str, str]) -> Item:
    """The item that is read, of which nothing is to be said."""
    found = read(item, *pairs)
    assert found.problems == ()
    return found.items[0]


def doubtful(item: Item, *pairs: tuple[str, str]) -> Item:
    """The item that is read, whose own correct response earns nothing."""
    found = read(item, *pairs)
    assert [problem.severity for problem in found.problems] == ["warning"]
    assert "correct response itself earns" in found.problems[0].message
    return found.items[0]


def processing(rules: str) -> tuple[str, str]:
    """A pair for `changed`: rules in place of those of a match with points."""
    return "</qti-response-processing>", f"{rules}</qti-response-processing>"


# One point more for exactly A and C; a mark less for each wrong option: no rule of the bank's.
PENALTY = """<qti-set-outcome-value identifier="SCORE"><qti-max>
 <qti-base-value base-type="float">0</qti-base-value><qti-subtract>
 <qti-variable identifier="SCORE"/><qti-divide>
 <qti-base-value base-type="integer">1</qti-base-value>
 <qti-base-value base-type="integer">3</qti-base-value></qti-divide></qti-subtract></qti-max>
 </qti-set-outcome-value>"""


def penalised() -> Item:
    item = replace(single(), media=(), stem="<p>x</p>", points=Decimal("0.5"))
    return changed(item, processing(PENALTY))


def marks(item: Item, *responses: Response | None) -> list[Decimal]:
    return [score(item, response).raw for response in responses]


def test_marks_are_decimals_of_six_places() -> None:
    item = penalised()
    assert isinstance(item.scoring, ResponseProcessing)
    assert item.points == Decimal("0.5")
    found = marks(item, ChoiceResponse(("B",)), ChoiceResponse(("A",)), None)
    assert found == [Decimal("0.166667"), 0, 0]
    right = score(item, ChoiceResponse(("B",)))
    assert right.outcomes == {"SCORE": Decimal("0.166667"), "MAXSCORE": Decimal("0.5")}


def test_choices_clusters_and_numbers() -> None:
    twice = doubtful(cluster(), ('mapped-value="1"', 'mapped-value="2"'))
    # Each right pair counts 2, so four right ones fall off the table: QTI says NULL, no mark.
    assert isinstance(twice.scoring, ResponseProcessing) and twice.scoring.true == "T"
    right = {"s0": True, "s1": False, "s2": True, "s3": False}
    assert marks(twice, ClusterResponse({"s0": True})) == [Decimal("0.25")]
    assert marks(twice, ClusterResponse(right)) == [0]
    rounded = changed(
        replace(numeric(), points=Decimal("0.5")),
        ("<qti-match>", '<qti-equal-rounded rounding-mode="decimalPlaces" figures="1">'),
        ("</qti-match>", "</qti-equal-rounded>"),
    )
    answers = [NumericResponse(text) for text in ("-1,54", "-1.46", "-1,4", "abc", "")]
    assert marks(rounded, *answers) == [Decimal("0.5")] * 2 + [0] * 3
    several = changed(replace(multiple(), points=Decimal("0.5")), processing(PENALTY))
    assert marks(several, ChoiceResponse(("A", "C"), "multiple")) == [Decimal("0.166667")]


def test_no_mark_is_above_the_points() -> None:
    item = changed(
        replace(single(), media=(), stem="<p>x</p>"), (">0.25<", ">9<"),
        ("<qti-response-condition>", PENALTY + "<qti-response-condition>"),
    )  # fmt: skip
    assert item.points == Decimal("0.25")
    assert marks(item, ChoiceResponse(("B",))) == [Decimal("0.25")]


def minus(points: str) -> tuple[str, str]:
    """A pair for `read`: SCORE is what it was without so many points; no maximum is declared."""
    return processing(
        f"""<qti-set-outcome-value identifier="SCORE"><qti-subtract>
        <qti-variable identifier="SCORE"/><qti-base-value base-type="float">{points}
        </qti-base-value></qti-subtract></qti-set-outcome-value>"""
    )


@pytest.mark.parametrize(("points", "earned"), [("0.25", "0"), ("1.25", "-1")])
def test_a_correct_response_that_earns_nothing_is_named(points: str, earned: str) -> None:
    item = doubtful(replace(single(), media=(), stem="<p>x</p>"), minus(points))
    assert item.points == Decimal("0.25")
    found = read(replace(single(), media=(), stem="<p>x</p>"), minus(points))
    assert f"earns {earned};" in found.problems[0].message


def undeclared(item: Item, *pairs: tuple[str, str]) -> Imported:
    xml = write_item(replace(item, media=(), stem="<p>Chọn</p>")).decode()
    xml = re.sub(r' normal-maximum="[^"]*"', "", xml)
    xml = re.sub(r'<qti-outcome-declaration[^>]*"MAXSCORE".*?</qti-outcome-declaration>', "", xml,
                 flags=re.DOTALL)  # fmt: skip
    assert "MAXSCORE" not in xml
    for old, new in pairs:
        assert old in xml
        xml = xml.replace(old, new)
    return read_qti3(xml.encode(), "item.xml")


def better(option: str, points: str) -> str:
    return f"""<qti-response-condition><qti-response-if>
     <qti-member><qti-base-value base-type="identifier">{option}</qti-base-value>
     <qti-multiple><qti-variable identifier="RESPONSE"/></qti-multiple></qti-member>
     <qti-set-outcome-value identifier="SCORE"><qti-base-value base-type="float">{points}
     </qti-base-value></qti-set-outcome-value></qti-response-if></qti-response-condition>"""


def test_what_a_choice_is_worth_is_found_by_trying_its_options() -> None:
    found = undeclared(single(), processing(better("C", "3")))
    assert found.problems == () and found.items[0].points == 3
    assert marks(found.items[0], ChoiceResponse(("C",)), ChoiceResponse(("B",))) == [
        3, Decimal("0.25"),
    ]  # fmt: skip
    several = undeclared(replace(multiple(), points=Decimal("0.5")), processing(better("D", "2")))
    assert several.problems == () and several.items[0].points == 2


def test_where_nothing_tells_the_maximum_one_is_taken_and_named() -> None:
    found = undeclared(single(), minus("1.25"))
    assert [problem.severity for problem in found.problems] == ["warning", "warning"]
    assert "not known" in found.problems[1].message and found.items[0].points == 1


def test_written_and_read_again_it_is_the_same_item() -> None:
    for item in (penalised(), doubtful(cluster(), ('mapped-value="1"', 'mapped-value="2"'))):
        again = read_qti3(write_item(item), "again.xml")
        assert again.items == (item,)
        assert bool(again.problems) == (item.id == "q-cluster")


def test_stored_and_read_again_it_is_the_same_item() -> None:
    item = penalised()
    stored = json.loads(json.dumps(item_to_plain(item)))
    assert item_from_plain(stored) == item
    stored["scoring"]["program"] = "<a"
    with pytest.raises((ItemError, MalformedError)):
        item_from_plain(stored)


def test_a_response_to_another_item_is_refused() -> None:
    with pytest.raises(ScoringError):
        score(penalised(), ChoiceResponse(("Z",)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("qti-subtract", "qti-custom-operator", "not supported"),
        ('identifier="RESPONSE"', 'identifier="OTHER"', "no response"),
        ('identifier="SCORE"', 'identifier="MARK"', "no number SCORE"),
        ("<qti-max>", "<qti-not>", "not well-formed"),
    ],
)
def test_programs_that_cannot_give_marks_are_refused(old: str, new: str, message: str) -> None:
    item = penalised()
    assert isinstance(item.scoring, ResponseProcessing) and old in item.scoring.program
    with pytest.raises(ItemError, match=message):
        replace(item, scoring=replace(item.scoring, program=item.scoring.program.replace(old, new)))


def test_columns_are_of_clusters_alone() -> None:
    item = penalised()
    assert isinstance(item.scoring, ResponseProcessing)
    with pytest.raises(ItemError, match="does not fit"):
        replace(item, scoring=replace(item.scoring, true="T", false="F"))


MATHS = Path(__file__).parents[2] / "fixtures" / "maths" / "maths-2025.zip"


def _responses(item: Item) -> list[tuple[Response | None, object]]:
    """Responses of many kinds, and how QTI spells each."""
    found: list[tuple[Response | None, object]] = [(None, None)]
    ids = [option.id for option in options_of(item.interaction)]
    match item.interaction:
        case SingleChoice():
            found += [(ChoiceResponse((one,)), one) for one in ids]
        case MultipleChoice():
            for size in range(1, len(ids) + 1):
                for some in combinations(ids, size):
                    found.append((ChoiceResponse(some, "multiple"), list(some)))
        case TrueFalseCluster():
            for truths in product((True, False, None), repeat=len(ids)):
                said = {n: t for n, t in zip(ids, truths, strict=True) if t is not None}
                pairs = [f"{name} {'T' if truth else 'F'}" for name, truth in said.items()]
                found.append((ClusterResponse(said), pairs))
        case NumericEntry():
            assert isinstance(item.key, NumericKey)
            texts = [format(item.key.value, "f"), f"{item.key.value + 1:f}", "0", "abc", "-1,50"]
            found += [(NumericResponse(text), text) for text in texts]
    return found


def test_the_banks_rules_and_the_engine_give_the_same_marks() -> None:
    """Every item of a real paper and of every kind, as QTI, run by the engine."""
    mapped = replace(
        multiple(),
        scoring=MappedChoice(
            {"A": Decimal("0.5"), "B": Decimal("-0.25"), "C": Decimal("0.5")}, lower=Decimal(0)
        ),
    )
    papers = read_qti3(MATHS.read_bytes(), "maths.zip").items
    compared = 0
    for item in (*papers, single(), multiple(), mapped, cluster(), numeric()):
        program = read_program(write_item(item), "item.xml")
        for response, raw in _responses(item):
            mark = processed(program, {"RESPONSE": raw}, seed=b"").outcomes["SCORE"]
            assert isinstance(mark, Single)
            assert mark.data == float(score(item, response).raw), (item.id, raw)
            compared += 1
    assert compared > 500


def test_a_form_with_such_an_item_is_arranged_and_marked() -> None:
    item = penalised()
    form = BaseForm("f", "Đề", "Toán", 45, (BasePart("I", "", (item.id,)),))
    arranged = arrange(form, [item], code="101", seed=b"0123456789abcdef", exam="e")
    (presented, mapped) = next(iter(arranged.mapping.items.items()))
    right = next(shown for shown, bank in mapped.options.items() if bank == "B")
    paper = score_form(arranged.mapping, [item], {presented: ChoiceResponse((right,))})
    assert (paper.total, paper.maximum) == (Decimal("0.166667"), Decimal("0.5"))
