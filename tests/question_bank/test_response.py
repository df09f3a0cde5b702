import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.errors import MalformedError
from question_bank.response import (
    ChoiceResponse,
    ClusterResponse,
    NumericResponse,
    Response,
    from_plain,
    to_plain,
)

IDS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20)
RESPONSES: st.SearchStrategy[Response] = st.one_of(
    st.lists(IDS, max_size=1).map(lambda ids: ChoiceResponse(tuple(ids))),
    st.lists(IDS, max_size=8, unique=True).map(lambda i: ChoiceResponse(tuple(i), "multiple")),
    st.dictionaries(IDS, st.booleans(), max_size=8).map(ClusterResponse),
    st.text(max_size=32).map(NumericResponse),
)


@given(RESPONSES)
def test_plain_form_has_an_inverse(response: Response) -> None:
    assert from_plain(to_plain(response)) == response


def test_plain_forms_are_the_agreed_ones() -> None:
    assert to_plain(ChoiceResponse(("o3",))) == {"kind": "single", "options": ["o3"]}
    assert to_plain(ClusterResponse({"s1": True})) == {"kind": "tf_cluster", "values": {"s1": True}}
    assert to_plain(NumericResponse("-1,5")) == {"kind": "numeric", "text": "-1,5"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"kind": "essay"},
        {"kind": "single"},
        {"kind": "single", "options": ["a", "b"]},
        {"kind": "single", "options": "a"},
        {"kind": "single", "options": ["a"], "extra": 1},
        {"kind": "multiple", "options": ["a", "a"]},
        {"kind": "multiple", "options": [f"o{n}" for n in range(27)]},
        {"kind": "multiple", "options": [""]},
        {"kind": "tf_cluster", "values": {"s1": 1}},
        {"kind": "tf_cluster", "values": {f"s{n}": True for n in range(27)}},
        {"kind": "tf_cluster", "values": {1: True}},
        {"kind": "numeric", "text": 3},
        {"kind": "numeric", "text": "1" * 33},
        {"kind": ["single"], "options": []},
    ],
)
def test_other_shapes_are_refused(value: object) -> None:
    with pytest.raises(MalformedError):
        from_plain(value)


def test_empty_responses_say_cleared() -> None:
    assert ChoiceResponse(()).is_empty
    assert ClusterResponse({}).is_empty
    assert NumericResponse("  ").is_empty
    assert not NumericResponse("0").is_empty
