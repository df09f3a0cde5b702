"""Operations on the paper, and that its records tell the same story again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from station_papers import FORM, HEARD

from exam_server.contract import records
from exam_station.sitting import Sitting, SittingError
from question_bank.package import SEQUENTIAL, PresentedForm
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


# --- sequential papers --------------------------------------------------------------------------

SECTIONS = replace(
    FORM,
    schema=SEQUENTIAL,
    parts=(replace(FORM.parts[0], minutes=30), replace(FORM.parts[1], minutes=40)),
)


def test_a_section_that_was_left_is_not_come_back_to() -> None:
    sitting, _ = Sitting.begin(SECTIONS)
    sitting, _ = sitting.answer("a", ChoiceResponse(("o1",)))
    with pytest.raises(SittingError, match="another section"):
        sitting.go_to("c")
    sitting, body = sitting.leave("candidate", 1000)
    assert body == records.Left(0, 1000, "candidate")
    assert sitting.current == "c" and sitting.in_last_section
    for act in (
        lambda: sitting.go_to("a"),
        lambda: sitting.answer("a", ChoiceResponse(("o2",))),
        lambda: sitting.flag("b", True),
        lambda: sitting.leave("candidate", 2000),
    ):
        with pytest.raises(SittingError):
            act()
    assert sitting.response("a") == ChoiceResponse(("o1",))
    assert (sitting.counts.answered, sitting.counts.unanswered) == (0, 2)


def test_the_sections_that_were_left_are_replayed() -> None:
    bodies = [records.Opened("0101"), records.Left(0, 1000, "time"), records.Visited("d")]
    sitting = Sitting.replay(SECTIONS, bodies)
    assert (sitting.current, len(sitting.left)) == ("d", 1)
    with pytest.raises(SittingError):
        Sitting.replay(SECTIONS, [*bodies, records.Left(0, 2000, "time")])
    with pytest.raises(SittingError):
        Sitting.replay(FORM, bodies)


def test_a_free_paper_has_no_section_to_leave() -> None:
    sitting, _ = Sitting.begin(FORM)
    assert sitting.in_last_section and len(sitting.open_items) == 4
    with pytest.raises(SittingError):
        sitting.leave("candidate", 1000)


# --- sounds -------------------------------------------------------------------------------------


def _with_sounds() -> PresentedForm:
    """The sound stands in the first section."""
    first, *others = SECTIONS.parts[0].items
    part = replace(SECTIONS.parts[0], items=(replace(first, stem=HEARD), *others))
    last = SECTIONS.parts[1]
    silent = tuple(replace(item, stem="<p>?</p>") for item in last.items)
    return replace(SECTIONS, parts=(part, replace(last, items=silent)))


def test_a_sound_goes_on_or_begins_anew_as_often_as_it_may() -> None:
    form = _with_sounds()
    sitting, opened = Sitting.begin(form)
    bodies = [opened]
    for play, at in ((1, 0), (1, 4000), (1, 4000), (2, 0), (2, 900)):
        sitting, body = sitting.hear("nghe", play, at)
        bodies.append(body)
    assert sitting.heard == {"nghe": records.Heard("nghe", 2, 900)}
    assert Sitting.replay(form, bodies) == sitting
    for play, at in ((2, 800), (1, 5000), (3, 0), (0, 0)):
        with pytest.raises(SittingError):
            sitting.hear("nghe", play, at)
    with pytest.raises(SittingError):
        sitting.hear("m", 1, 0)
    with pytest.raises(SittingError):
        Sitting.begin(form)[0].hear("nghe", 1, 500)
    with pytest.raises(SittingError):
        Sitting.begin(form)[0].hear("nghe", 2, 0)
    left, _ = sitting.leave("candidate", 1000)
    with pytest.raises(SittingError, match="no such sound here"):
        left.hear("nghe", 2, 1000)
