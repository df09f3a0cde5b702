"""Out and in again, in every format that is read: the same items, and the same marks."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from item_builders import cluster, multiple, numeric, single
from test_interactions import form_of, presented
from test_word_writer import ordinary

from exam_station.robot.answers import response_to
from question_bank.interchange.formats import WRITERS, read_any
from question_bank.interchange.sameness import alike
from question_bank.item import Item
from question_bank.scoring import score
from tests.interaction_items import ITEMS

FORMATS = {"qti3": "zip", "qti2.2": "zip", "moodle": "xml", "word": "docx"}
MADE = {item.id: item for item in (*ITEMS, single(), multiple(), cluster(), numeric(), *ordinary())}


@cache
def again(form: str, name: str) -> Item | None:
    """The item as it comes back; None where the writer says that it cannot go out."""
    written = WRITERS[form].write([MADE[name]], ())
    if any(problem.severity == "error" for problem in written.problems):
        return None
    (read,) = read_any(written.data, f"a.{FORMATS[form]}", lambda _: None).items
    return read


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("form", FORMATS)
def test_an_item_that_goes_out_comes_back_under_its_name(form: str, name: str) -> None:
    read = again(form, name)
    assert read is None or (read.id, read.kind) == (name, MADE[name].kind)
    assert read is not None or form == "moodle"


@pytest.mark.slow
@given(st.sampled_from(sorted(FORMATS)), st.sampled_from(sorted(MADE)), st.integers(0, 2**32))
@settings(deadline=None, max_examples=300)
def test_an_answer_has_the_same_marks_before_and_after(form: str, name: str, chance: int) -> None:
    read = again(form, name)
    if read is None:
        return
    before, after = alike(MADE[name]), alike(read)
    arranged = form_of(before)
    said = response_to(presented(arranged, before).interaction, random.Random(chance))
    answer = arranged.mapping.to_bank(presented(arranged, before).id, said)
    assert score(after, answer) == score(before, answer)
