"""Operations on the paper, and that its records tell the same story again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from station_papers import FORM

from exam_server.contract import records
from exam_station.sitting import Sitting, SittingError
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse

RESPONSES = {
    "a": st.sampled_from([ChoiceResponse(()), ChoiceResponse(("o1",)), ChoiceResponse(("o2",))]),
    "b": st.sampled_from(
        [ChoiceResponse((), "multiple"), ChoiceResponse(("o2", "o1"), "multiple")]
    ),
    "c": st.sampled_from([ClusterResponse({}), ClusterResponse({"s1": True, "s2": False})]),
    "d": st.text("0123456789,-", max_size=4).map(NumericResponse),
}
ITEMS = st.sampled_from(sorted(RESPONSES))
ACTS = st.one_of(
    ITEMS.flatmap(lambda item: st.tuples(st.just("answer"), st.just(item), RESPONSES[item])),
    st.tuples(st.just("go_to"), ITEMS),
    st.tuples(st.just("flag"), ITEMS, st.booleans()),
)


@given(st.lists(ACTS, max_size=30))
def test_the_records_replay_to_the_same_sitting(acts: list[tuple]) -> None:
    sitting, first = Sitting.begin(FORM)
    bodies = [first]
    for name, *arguments in acts:
        sitting, body = getattr(sitting, name)(*arguments)
        bodies.append(body)
    assert Sitting.replay(FORM, bodies) == sitting
    counts = sitting.counts
    assert counts.answered + counts.unanswered == len(FORM.items)
    assert counts.flagged == len(sitting.flags)
    assert not any(response.is_empty for response in sitting.responses.values())


def test_clearing_an_answer_is_recorded_and_counts_as_unanswered() -> None:
    sitting, _ = Sitting.begin(FORM)
    sitting, _ = sitting.answer("a", ChoiceResponse(("o1",)))
    assert sitting.counts.answered == 1
    sitting, body = sitting.answer("a", ChoiceResponse(()))
    assert (body, sitting.counts.answered) == (records.Answered("a", None), 0)


@pytest.mark.parametrize(
    ("item", "response"),
    [
        ("a", ChoiceResponse(("o9",))),
        ("a", ChoiceResponse(("o1",), "multiple")),
        ("a", NumericResponse("1")),
        ("c", ClusterResponse({"s9": True})),
        ("d", NumericResponse("12345")),
        ("d", NumericResponse("1.5")),
        ("z", NumericResponse("1")),
    ],
)
def test_an_answer_that_the_item_does_not_take_is_refused(item: str, response: object) -> None:
    sitting, _ = Sitting.begin(FORM)
    with pytest.raises(SittingError):
        sitting.answer(item, response)


def test_nothing_changes_after_handing_in() -> None:
    sitting, _ = Sitting.begin(FORM)
    sitting, body = sitting.submit("candidate")
    assert body == records.Submitted("candidate")
    with pytest.raises(SittingError, match="handed in"):
        sitting.answer("a", ChoiceResponse(("o1",)))


def test_records_of_another_form_are_refused() -> None:
    with pytest.raises(SittingError, match="0102"):
        Sitting.replay(FORM, [records.Opened("0102")])
