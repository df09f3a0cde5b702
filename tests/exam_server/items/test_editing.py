"""Every kind in the fields of a page: untouched it stays, what is typed is what it becomes."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from exam_server.items import answers, editing
from exam_server.items.answer_fields import places_as_text, with_places
from exam_server.items.typed import Typed
from question_bank.content import part_ids, plain_text
from question_bank.interactions import Composite, Kind, TextEntry
from question_bank.item import Item
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    MappedPairs,
    MappedPoints,
    OrderKey,
    PairsKey,
    PointsKey,
    ResponseProcessing,
    SumOfParts,
    TextKey,
)
from question_bank.scoring import score
from tests.interaction_items import ITEMS, RIGHT

BY_KIND = {made.kind: made for made in ITEMS}
HALF = Decimal("0.5")


def edit(item: Item, **changed: str) -> tuple[Item | None, Typed]:
    draft = editing.draft_of(item)
    values = editing.fields_of(draft) | {k.replace("__", "."): v for k, v in changed.items()}
    typed = Typed()
    _, made = editing.edited(draft, lambda name: values.get(name, "").strip(), typed)
    return made, typed


def edited(item: Item, **changed: str) -> Item:
    made, typed = edit(item, **changed)
    assert made is not None, (typed.errors, typed.details)
    return made


def errors(item: Item, **changed: str) -> dict[str, str]:
    made, typed = edit(item, **changed)
    assert made is None
    return typed.errors


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_an_untouched_item_stays_as_it_is(item: Item) -> None:
    made, typed = edit(item)
    assert (made, typed.errors) == (item, {})


def test_every_kind_has_its_fields() -> None:
    for item in ITEMS:
        assert editing.draft_of(item).groups, item.id
    assert set(answers.KINDS) >= {item.kind for item in ITEMS if item.kind in answers.KINDS}


ROWS = {f"option_{row}": f"Ý {row}" for row in range(4)}
NEW: Mapping[Kind, Mapping[str, str]] = {
    "single": {**ROWS, "right": "2"},
    "inline_choice": {**ROWS, "right": "2"},
    "multiple": {**ROWS, "right_1": "true"},
    "tf_cluster": {**ROWS, "right_1": "true"},
    "numeric": {"number": "-1,5"},
    "slider": {"lower": "0", "upper": "5", "step": "0,5", "number": "2,5"},
    "gap": {"accepted": "tăng\nTăng lên", "max_length": "20"},
    "extended": {"max_length": "900", "lines": "5"},
    "order": {**ROWS, **{f"place_{row}": str(4 - row) for row in range(4)}},
    "match": {**ROWS, **{f"target_{row}": f"Z {row}" for row in range(3)}, "with_0": "2, 3"},
    "associate": {**ROWS, "pairs": "A-C\nb - d"},
    "gap_match": {**ROWS, "text": "Nước [[1]] ở [[2]] độ.", "with_0": "1", "with_1": "2"},
    "hot_text": {"text": "Con [[1|mèo]] và con [[2|chó]].", "words": "2", "max_choices": "1"},
    "composite": {
        "stem": "Một [[1]] hai [[2]].",
        "part.1.accepted": "x",
        "part.1.points": "0,5",
        "part.2.accepted": "y",
        "part.2.points": "0,25",
        "part.2.max_length": "9",
    },
}


@pytest.mark.parametrize("kind", NEW)
def test_a_new_item_of_every_kind(kind: Kind) -> None:
    draft = editing.blank(kind, "moi")
    values = editing.fields_of(draft) | {"stem": "Hỏi gì?", "subject": "Toán"} | dict(NEW[kind])
    typed = Typed()
    draft, made = editing.edited(draft, lambda name: values.get(name, "").strip(), typed)
    assert made is not None, typed.errors
    assert made.interaction.kind == kind and made.metadata.subject == "Toán"
    again, typed = edit(made)
    assert (again, typed.errors) == (made, {})
    empty = Typed()
    _, nothing = editing.edited(editing.blank(kind), lambda _name: "", empty)
    assert nothing is None and "stem" in empty.errors


def test_an_order_is_typed_by_places() -> None:
    item = BY_KIND["order"]
    ids = [one.id for one in item.interaction.options]  # type: ignore[union-attr]
    turned = {f"place_{row}": str(len(ids) - row) for row in range(len(ids))}
    assert edited(item, **turned).key == OrderKey(tuple(reversed(ids)))
    assert errors(item, place_0="1", place_1="1") == {"options": "places"}


def test_pairs_are_typed_by_labels() -> None:
    item = replace(BY_KIND["match"], scoring=AllOrNothing())
    match = item.interaction
    sources, targets = match.sources, match.targets  # type: ignore[union-attr]
    lines = {f"with_{row}": "" for row in range(len(sources))} | {"with_0": "1 2"}
    made = edited(item, **lines)
    pairs = tuple((sources[0].id, targets[row].id) for row in range(2))
    assert made.key == PairsKey(pairs)
    assert made.interaction.sources[0].most in (0, 2)  # type: ignore[union-attr]
    assert errors(item, with_0="77") == {"with_0": "no_such"}


def test_a_rule_follows_its_key_or_says_that_it_cannot() -> None:
    item = BY_KIND["match"]
    assert isinstance(item.key, PairsKey)
    one = dict.fromkeys(item.key.pairs, HALF)
    even = replace(item, scoring=MappedPairs(one))
    rows = len(item.interaction.sources)  # type: ignore[union-attr]
    lines = {f"with_{row}": "" for row in range(rows)} | {"with_0": "2"}
    made = edited(even, **lines)
    assert isinstance(made.key, PairsKey) and isinstance(made.scoring, MappedPairs)
    assert made.scoring.worth == dict.fromkeys(made.key.pairs, HALF)
    uneven = dict(zip(item.key.pairs, (HALF, *[Decimal(1)] * 9), strict=False))
    assert errors(replace(item, scoring=MappedPairs(uneven)), **lines) == {
        "options": "rule_of_its_own"
    }


def test_what_its_own_processing_marks_is_not_edited_here() -> None:
    rule = ResponseProcessing("<p/>", "RESPONSE")
    answer = answers.Answer(BY_KIND["order"].interaction, BY_KIND["order"].key, rule, Decimal(1))
    assert not answers.is_edited(answer)


def test_gaps_and_hot_words_are_typed_in_the_text() -> None:
    gaps = replace(BY_KIND["gap_match"], scoring=AllOrNothing())
    rows = len(gaps.interaction.pieces)  # type: ignore[union-attr]
    lines = {f"with_{row}": "" for row in range(rows)} | {"with_1": "b", "with_0": "a"}
    made = edited(gaps, text="Ô [[a]] và ô [[b]], $x<1$.", **lines)
    assert part_ids(made.interaction.text) == ("a", "b")  # type: ignore[union-attr]
    assert "$x<1$" in plain_text(made.interaction.text)  # type: ignore[union-attr]
    assert errors(gaps, text="Không có chỗ trống")["text"] == "no_place"
    hot = replace(BY_KIND["hot_text"], scoring=AllOrNothing())
    made = edited(hot, text="[[w|Tăng]] rồi [[v|giảm]]", words="v", max_choices="1")
    assert made.key == ChoiceKey(("v",)) and part_ids(made.interaction.text) == ("w", "v")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        'Một <span data-part="a&amp;b">chữ</span>',
        '<span data-part="a">một <span lang="en">two</span> ba</span>',
        '<span data-part="a">một [1] ]] hai</span> <span data-part="b">|</span>',
        '<p>x</p><div data-part="c"></div>',
        '<div data-part="b"></div>',
    ],
)
def test_places_come_back_as_they_were(text: str) -> None:
    assert with_places(places_as_text(text, {"c"}), {"c"}) == text


def test_the_stem_rules_the_parts_of_a_composite() -> None:
    item = next(one for one in ITEMS if isinstance(one.scoring, SumOfParts))
    stem = editing.fields_of(editing.draft_of(item))["stem"]
    asked = item.interaction
    assert isinstance(asked, Composite)
    faults = errors(item, stem=stem + " [[moi]]")
    assert {"part.moi.accepted", "part.moi.max_length"} <= faults.keys()
    made = edited(
        item,
        stem=stem + " [[moi]]",
        part__moi__accepted="mới",
        part__moi__max_length="10",
        part__moi__points="0,5",
    )
    assert isinstance(made.interaction, Composite)
    assert [part.id for part in made.interaction.parts] == [
        *(part.id for part in asked.parts),
        "moi",
    ]
    assert made.points == item.points + HALF
    assert made.key.parts["moi"] == TextKey(("mới",))  # type: ignore[union-attr]
    # … and the part goes with its place.
    back = edited(made, stem=stem)
    assert (back.interaction, back.key, back.points) == (item.interaction, item.key, item.points)


def test_a_part_becomes_one_of_another_kind() -> None:
    item = next(one for one in ITEMS if isinstance(one.scoring, SumOfParts))
    name = item.interaction.parts[0].id  # type: ignore[union-attr]
    faults = errors(item, **{f"part.{name}.kind": "inline_choice"})
    assert f"part.{name}.options" in faults
    rows = {f"part.{name}.option_{row}": f"x{row}" for row in range(3)}
    kind, right = {f"part.{name}.kind": "inline_choice"}, {f"part.{name}.right": "1"}
    made = edited(item, **kind, **right, **rows)
    assert made.interaction.parts[0].interaction.kind == "inline_choice"  # type: ignore[union-attr]


def test_areas_are_typed_as_coordinates() -> None:
    item = replace(BY_KIND["hotspot"], scoring=AllOrNothing())
    made = edited(
        item, shape_0="circle", coords_0="20 30 5", right_0="true", name_0="Hà Nội", max_choices="0"
    )
    area = made.interaction.areas[0]  # type: ignore[union-attr]
    assert (area.shape.name, area.shape.coords, area.label) == ("circle", (20, 30, 5), "Hà Nội")
    assert area.id == item.interaction.areas[0].id  # type: ignore[union-attr]
    assert errors(item, coords_0="1, 2") == {"coords_0": "coords"}
    assert errors(item, coords_0="một hai") == {"coords_0": "coords"}


def test_points_are_worth_what_is_typed() -> None:
    item = BY_KIND["select_point"]
    assert isinstance(item.scoring, MappedPoints)
    count = len(item.scoring.areas)
    gone = {f"coords_{row}": "" for row in range(count)}
    made = edited(item, **{**gone, "coords_0": "50,50,10"}, shape_0="circle", worth_0="0,5")
    assert isinstance(made.scoring, MappedPoints)
    assert [worth for _, worth in made.scoring.areas] == [HALF]
    assert made.key == PointsKey(((50, 50),))


def test_the_marks_stay_for_every_item() -> None:
    for item, response in RIGHT.values():
        made, _ = edit(item, stem=editing.fields_of(editing.draft_of(item))["stem"] + " Hết.")
        assert made is not None and made.stem != item.stem
        assert score(made, response) == score(item, response)


def test_spellings_are_typed_one_a_line() -> None:
    item = next(one for one in ITEMS if isinstance(one.interaction, TextEntry))
    item = replace(item, scoring=AllOrNothing())
    made = edited(item, accepted="  một   hai \n\nba", case="true", max_length="20")
    assert made.key == TextKey(("một hai", "ba"), case_sensitive=True)
    assert errors(item, accepted="", max_length="20") == {"accepted": "missing"}
    assert errors(item, accepted="quá dài", max_length="2") == {"max_length": "too_short"}
