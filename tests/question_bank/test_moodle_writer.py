"""Items out to Moodle XML and back: the same items and marks, and every loss is named."""

from dataclasses import fields, replace
from decimal import Decimal
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from item_builders import FIGURE, METADATA, cluster, multiple, numeric, options, single
from lxml import etree
from test_qti3 import PNG, TEXTS

from question_bank.formulas import mathml_of
from question_bank.interactions import (
    Area,
    Composite,
    GraphicGapMatch,
    InlineChoice,
    MultipleChoice,
    NumericEntry,
    Part,
    SelectPoint,
    Shape,
    SingleChoice,
    TextEntry,
)
from question_bank.interchange.moodle import read_cloze, read_moodle_xml, write_moodle
from question_bank.interchange.pictures import picture
from question_bank.interchange.problems import Exported, Imported
from question_bank.interchange.sameness import unlike
from question_bank.item import Item, ItemMetadata, Option, Stimulus
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    CompositeKey,
    MappedChoice,
    MappedPairs,
    MappedPoints,
    NumericKey,
    PairsKey,
    PartMarks,
    PointsKey,
    SumOfParts,
    TextKey,
)
from question_bank.metadata import Bloom
from question_bank.response import ChoiceResponse
from question_bank.scoring import score
from tests.interaction_items import (
    CIRCLE,
    ITEMS,
    POLY,
    RECT,
    cloze,
    graphic_gap_match,
    select_point,
    slider,
)


def out(*items: Item) -> Exported:
    return write_moodle(items, ())


def back(*items: Item) -> Imported:
    return read_moodle_xml(out(*items).data, "moodle.xml")


FORMULAS = st.sampled_from([r"x^2+1", r"\frac{1}{2}", r"\sqrt{a<b}", r"\ce{H2SO4}", r"\vec{AB}"])
PIECES = st.one_of(
    TEXTS,
    FORMULAS.map(mathml_of),
    FORMULAS.map(lambda latex: mathml_of(latex, display=True)),
    st.just(f'<img alt="hình" src="media:{PNG.id}" width="20"/>'),
    st.just("<table><tbody><tr><td>1</td><td><b>x</b><br/>y</td></tr></tbody></table>"),
)
CONTENT = st.lists(PIECES, min_size=1, max_size=3).map(
    lambda parts: f"<div>{' '.join(parts)}</div>"
)


@st.composite
def items(draw: st.DrawFn) -> Item:
    """Choices and numbers with anything in their texts, marked in the ways that Moodle has."""
    shown = [draw(CONTENT) for _ in range(draw(st.integers(2, 5)))]
    options = tuple(Option(letter, text) for letter, text in zip("ABCDE", shown, strict=False))
    ids = [option.id for option in options]
    stem, points = draw(CONTENT), Decimal(draw(st.integers(1, 12))) / 4
    metadata = replace(METADATA, level=draw(st.sampled_from((None, "N", "C"))))
    stimulus = draw(st.none() | CONTENT.map(lambda text: Stimulus("doan-1", text)))
    right = draw(st.lists(st.sampled_from(ids), min_size=1, unique=True).map(sorted))
    shared = {"stimulus": stimulus, "explanation": draw(CONTENT), "metadata": metadata}
    match draw(st.integers(0, 3)):
        case 0:
            one = SingleChoice(options, draw(st.booleans()))
            made = Item("cau-1", stem, one, ChoiceKey((ids[0],)), AllOrNothing(), points)
        case 1:
            worth = {
                name: points / 4 * draw(st.sampled_from((-4, -2, -1, 1, 2, 3))) for name in ids[1:]
            }
            rule = MappedChoice({ids[0]: points} | worth)
            made = Item("cau-1", stem, SingleChoice(options), ChoiceKey((ids[0],)), rule, points)
        case 2:
            several = MultipleChoice(options)
            made = Item("cau-1", stem, several, ChoiceKey(tuple(right)), AllOrNothing(), points)
        case _:
            entry = NumericEntry(draw(st.integers(1, 32)), "0123456789,-", Decimal("0.05"))
            value = draw(st.decimals(min_value=-99, max_value=99, places=2))
            made = Item("cau-1", stem, entry, NumericKey(value), AllOrNothing(), points)
    made = replace(made, **shared)
    texts = [stem, shared["explanation"], stimulus.content if stimulus else ""]
    texts += [] if isinstance(made.interaction, NumericEntry) else shown
    return replace(made, media=(PNG,) if any(PNG.id in text for text in texts) else ())


@given(items())
@settings(deadline=None)
def test_an_item_that_is_written_comes_back(item: Item) -> None:
    written = out(item)
    assert {problem.element for problem in written.problems} <= {"fraction"}, written.problems
    read = read_moodle_xml(written.data, "moodle.xml")
    assert read.problems == ()
    assert unlike(item, read.items[0]) == ()


LOSSES = {
    "q-single": {"shuffleanswers"}, "match": {"match", "scoring"}, "essay": {"max_length"},
    "q-multiple": {"fraction"}, "q-cluster": {"scoring"}, "gap-match": {"scoring"},
    "cloze": {"scoring"}, "inline": set(), "order": set(), "gap": set(), "q-numeric": set(),
}  # fmt: skip
CHANGED = {"q-single": ("interaction",), "match": ("interaction",), "essay": ("interaction",)}


@pytest.mark.parametrize("name", LOSSES)
def test_every_kind_that_moodle_has_comes_back(name: str) -> None:
    """Where Moodle marks otherwise, the item has its own marks again; what changes is named."""
    made = [*ITEMS, single(), multiple(), cluster(), numeric()]
    item = next(item for item in made if item.id == name)
    written = out(item)
    assert {problem.element for problem in written.problems} == LOSSES[name]
    read = read_moodle_xml(written.data, "moodle.xml")
    assert read.problems == ()
    assert unlike(item, read.items[0]) == CHANGED.get(name, ())


MAPPED = picture(
    b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect width="9"/></svg>', "x"
)


def pictured(item: Item) -> Item:
    """The item on a picture that is as large as it says."""
    shown = item.interaction
    assert isinstance(shown, GraphicGapMatch | SelectPoint)
    interaction = replace(shown, picture=replace(shown.picture, media=MAPPED.id, alt=""))
    return replace(item, interaction=interaction, media=(MAPPED,))


def test_places_of_a_picture_come_back_to_the_pixel() -> None:
    shapes = (CIRCLE, RECT, POLY)
    areas = tuple((shape, Decimal(1)) for shape in shapes)
    key = PointsKey(((200, 150), (35, 35), (340, 226)))
    item = replace(
        pictured(select_point()), points=Decimal(3), key=key,
        scoring=MappedPoints(areas, lower=Decimal(0)),
    )  # fmt: skip
    item = replace(item, interaction=replace(item.interaction, max_points=3))  # type: ignore[type-var]
    written = out(item)
    assert written.problems == ()
    read = read_moodle_xml(written.data, "moodle.xml")
    assert read.problems == ()
    assert unlike(item, read.items[0]) == ()


def test_pieces_onto_a_picture_come_back_where_they_begin() -> None:
    """How large its areas are, Moodle says by the pieces."""
    item = pictured(graphic_gap_match())
    shown = item.interaction
    assert isinstance(shown, GraphicGapMatch)
    areas = tuple(
        Area(f"a{n}", Shape("rect", (10 * n, 20, 10 * n + 8, 90)), f"Nơi {n}") for n in (1, 2, 3)
    )
    pairs = tuple((piece.id, area.id) for piece, area in zip(shown.pieces, areas, strict=True))
    rule = MappedPairs(dict.fromkeys(pairs, Decimal(1)))
    item = replace(
        item, interaction=replace(shown, areas=areas), key=PairsKey(pairs), scoring=rule,
        points=Decimal(3),
    )  # fmt: skip
    written = out(item)
    assert [problem.element for problem in written.problems] == ["drop"]
    (again,) = read_moodle_xml(written.data, "moodle.xml").items
    assert unlike(item, again) == ("interaction",)
    back_areas = again.interaction.areas  # type: ignore[union-attr]
    assert [area.shape.coords[:2] for area in back_areas] == [(10, 20), (20, 20), (30, 20)]
    assert [area.label for area in back_areas] == ["Nơi 1", "Nơi 2", "Nơi 3"]


def test_parts_have_their_points_again() -> None:
    """Moodle counts the parts of a text in whole marks."""
    parts = {
        "a": PartMarks(AllOrNothing(), Decimal("0.5")),
        "b": PartMarks(AllOrNothing(), Decimal(1)),
    }
    item = replace(cloze(), scoring=SumOfParts(parts), points=Decimal("1.5"))
    written = out(item)
    assert etree.fromstring(written.data).findtext("question/defaultgrade") == "3"
    assert unlike(item, read_moodle_xml(written.data, "x.xml").items[0]) == ()


@pytest.mark.parametrize("weight", ["1", "2"])
def test_parts_with_answers_worth_a_part_go_out_and_come_back(weight: str) -> None:
    source = (
        f"The {{{weight}:SHORTANSWER:=cat~%50%dog~%-25%cow}} {{1:SAC:=Paris~%50%paris}} "
        "{1:MC:=a~%50%b~c}"
    )
    (item,) = read_cloze(source.encode(), "cats.txt").items
    written = out(item)
    assert written.problems == ()
    text = str(etree.fromstring(written.data).findtext("question/questiontext/text"))
    assert f"{{{weight}:SHORTANSWER:=cat~%50%dog~%-25%cow}}" in text
    assert unlike(item, read_moodle_xml(written.data, "x.xml").items[0]) == ()


def test_blocks_with_options_worth_a_part_are_marked_the_same_again() -> None:
    source = b"x {1:MULTICHOICE_VS:a~=b~%25%c} {3:MULTIRESPONSE:%50%a~%50%b~%-50%c}"
    (item,) = read_cloze(source, "cats.txt").items
    (again,) = back(item).items
    assert (again.scoring, again.key, again.points) == (item.scoring, item.key, item.points)


def test_a_part_that_moodle_marks_otherwise_is_named() -> None:
    (item,) = read_cloze(b"The {1:SHORTANSWER:=cat~%50%dog} {1:MC:=a~%50%b}", "cats.txt").items
    assert isinstance(item.scoring, SumOfParts)
    for name, bound in (("p1", "upper"), ("p2", "lower")):
        marks = item.scoring.parts[name]
        rule = replace(marks.rule, **{bound: Decimal("0.5")})
        parts = {**item.scoring.parts, name: replace(marks, rule=rule)}
        (problem,) = out(replace(item, scoring=SumOfParts(parts))).problems
        assert (problem.severity, name in problem.message) == ("error", True)


@given(st.lists(TEXTS, min_size=2, max_size=4, unique=True), st.data())
@settings(deadline=None)
def test_any_words_stand_in_a_text_with_answers(words: list[str], data: st.DataObject) -> None:
    plain = tuple(" ".join(unescape(word).split()) for word in words)
    right = data.draw(st.sampled_from("AB"))
    parts = (
        Part("a", TextEntry(), ), Part("b", InlineChoice(options(*words[:2]))),
        Part("c", NumericEntry(8, "0123456789,.-", Decimal("0.5"))),
    )  # fmt: skip
    keys = {"a": TextKey(plain), "b": ChoiceKey((right,)), "c": NumericKey(Decimal("-2.5"))}
    marks = PartMarks(AllOrNothing(), Decimal(1))
    stem = "".join(f'<p>{words[0]} <span data-part="{name}"></span></p>' for name in keys)
    item = replace(
        cloze(), stem=stem, interaction=Composite(parts), key=CompositeKey(keys),
        scoring=SumOfParts(dict.fromkeys(keys, marks)), points=Decimal(3), media=(),
    )  # fmt: skip
    written = out(item)
    differs = unlike(item, read_moodle_xml(written.data, "x.xml").items[0])
    assert not differs or written.problems, differs


@given(st.sets(st.sampled_from("ABCD")))
def test_marks_are_the_same_after_out_and_in(chosen: set[str]) -> None:
    (again,) = back(multiple()).items
    answer = ChoiceResponse(tuple(sorted(chosen)), "multiple")
    assert score(again, answer) == score(multiple(), answer)


def test_formulas_are_tex_where_moodle_can_say_them() -> None:
    """A formula that no LaTeX of its own makes stays MathML."""
    known, foreign = mathml_of("x^2"), mathml_of("x^2").replace("x^2", "y")
    item = replace(single(), stem=f"<p>{known} {foreign}</p>", media=())
    (text,) = etree.fromstring(out(item).data).xpath("//questiontext/text/text()")
    assert text == rf"<p>\(x^2\) {foreign}</p>"
    assert back(item).items[0].stem == item.stem


def test_every_field_of_the_metadata_comes_back() -> None:
    texts = {field.name: field.name for field in fields(METADATA) if field.type in ("str", str)}
    full = ItemMetadata(level="N", bloom=Bloom.APPLY, enemies=("q7", "q8"), **texts)
    assert all(getattr(full, field.name) for field in fields(full)), "a field that is not tried"
    (again,) = back(replace(single(), metadata=full, stem="<p>x</p>", media=())).items
    assert again.metadata == full


def test_enemies_that_are_none_are_named_and_left_out() -> None:
    item = replace(single(), metadata=ItemMetadata(enemies=("q7", "q8", "q9")), media=(), stem="x")
    data = out(item).data.replace(b": q7<", f": {item.id}<".encode()).replace(b": q8<", b": q 8<")
    read = read_moodle_xml(data, "quiz.xml")
    assert read.items[0].metadata.enemies == ("q9",)
    assert [problem.element for problem in read.problems] == ["tag", "tag"]


def test_items_of_no_topic_after_others_have_none() -> None:
    bare = replace(single("q2"), metadata=ItemMetadata(subject="Toán"))
    assert [item.metadata.topic for item in back(single(), bare).items] == ["Hàm số", ""]


def test_what_has_no_type_is_an_error_by_name() -> None:
    written = out(slider(), numeric())
    (problem,) = written.problems
    assert (problem.severity, problem.element) == ("error", "slider")
    assert problem.message.startswith("slider: ")
    assert len(etree.fromstring(written.data).findall("question[@type='numerical']")) == 1


@pytest.mark.parametrize(
    "item", [*ITEMS, single(), multiple(), cluster(), numeric()], ids=lambda i: i.id
)
def test_every_item_is_written_or_named(item: Item) -> None:
    written = out(item)
    questions = etree.fromstring(written.data).xpath("question[@type!='category']")
    refused = [p for p in written.problems if p.severity == "error"]
    assert len(questions) + len(refused) == 1


def test_a_fixed_option_is_said_to_be_held_by_none() -> None:
    (problem,) = out(single()).problems
    assert problem.element == "shuffleanswers"
    assert back(single()).items[0].interaction.shuffle is False  # type: ignore[union-attr]


def test_pictures_stand_beside_the_text_that_shows_them() -> None:
    root = etree.fromstring(out(single()).data)
    assert root.xpath("//questiontext/file/@name") == [FIGURE.id]
    assert "@@PLUGINFILE@@/" + FIGURE.id in root.xpath("string(//questiontext/text)")


def test_a_file_is_reproducible() -> None:
    assert out(*ITEMS) == out(*ITEMS)
