"""Every kind of interaction: kept, presented, answered and marked."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from item_builders import cluster, multiple, numeric, single

from exam_station.robot.answers import response_to
from exam_station.sitting import Sitting, SittingError
from question_bank.assembly import ArrangedForm, BaseForm, BasePart, FormMapping, arrange
from question_bank.content import numbered, part_ids, plain_text
from question_bank.errors import AssemblyError, ItemError, MalformedError, ScoringError
from question_bank.interactions import (
    Composite,
    GapMatch,
    GraphicOrder,
    HotText,
    Kind,
    Match,
    Part,
    Piece,
    Shape,
    TextEntry,
    ids_of,
)
from question_bank.item import Item, Stimulus
from question_bank.keys import AllOrNothing, ChoiceKey, External, NoKey, ResponseProcessing, TextKey
from question_bank.package import (
    FREE,
    PresentedChoice,
    PresentedComposite,
    PresentedItem,
    decode,
    encode,
)
from question_bank.records import item_from_plain, item_to_plain
from question_bank.response import (
    ChoiceResponse,
    CompositeResponse,
    NumericResponse,
    PairsResponse,
    PointsResponse,
    Response,
    SliderResponse,
    TextResponse,
    from_plain,
    to_plain,
)
from question_bank.scoring import score, score_form
from tests.interaction_items import (
    ITEMS,
    MAP,
    PASSAGE,
    RIGHT,
    cloze,
    composite,
    inline,
    match,
    order,
)

SEED = bytes(range(32))


def form_of(*items: Item, code: str = "0101", seed: bytes = SEED) -> ArrangedForm:
    base = BaseForm("g", "Đề", "Bài", 60, (BasePart("I", "", tuple(i.id for i in items)),))
    return arrange(base, items, code=code, seed=seed, exam="Kỳ thi")


def presented(arranged: ArrangedForm, item: Item) -> PresentedItem:
    by_bank = {mapped.item_id: name for name, mapped in arranged.mapping.items.items()}
    return next(shown for shown in arranged.form.items if shown.id == by_bank[item.id])


def to_presented(arranged: ArrangedForm, item: Item, response: Response) -> Response:
    """A response in bank ids as the kiosk would say it."""
    mapped = arranged.mapping.items[presented(arranged, item).id]

    def renamed(options: dict[str, str], value: object) -> object:
        back = {bank: shown for shown, bank in options.items()}
        match value:
            case {"kind": "gap" | "extended" | "numeric" | "slider" | "select_point"}:
                return value
            case {"options": ids, "kind": kind}:
                return {"kind": kind, "options": [back[i] for i in ids]}
            case {"pairs": pairs, "kind": kind}:
                return {"kind": kind, "pairs": [[back[a], back[b]] for a, b in pairs]}
            case _:
                raise AssertionError(value)

    plain = to_plain(response)
    if plain["kind"] != "composite":
        return from_plain(renamed(dict(mapped.options), plain))
    parts = {part.id: (name, part.options) for name, part in mapped.parts.items()}
    given = plain["parts"]
    assert isinstance(given, dict)
    shown = {parts[n][0]: renamed(dict(parts[n][1]), value) for n, value in given.items()}
    return from_plain({"kind": "composite", "parts": shown})


def test_every_kind_has_an_item_here() -> None:
    kinds = {item.interaction.kind for item in (*ITEMS, single(), multiple(), cluster(), numeric())}
    assert kinds == set(Kind.__args__)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_an_item_is_stored_and_read_back(item: Item) -> None:
    item = replace(item, stimulus=PASSAGE)
    assert item_from_plain(json.loads(json.dumps(item_to_plain(item)))) == item


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_answer_earns_all_that_no_person_must_give(name: str) -> None:
    item, right = RIGHT[name]
    mark = score(item, right)
    assert mark.raw + mark.external == mark.maximum == item.points
    assert score(item, None).raw == 0
    assert (mark.external > 0) == (name in ("essay", "composite"))


@pytest.mark.parametrize("name", RIGHT)
def test_a_response_survives_its_plain_form_as_json_and_as_cbor(name: str) -> None:
    _, right = RIGHT[name]
    assert from_plain(json.loads(json.dumps(to_plain(right)))) == right
    assert from_plain(cbor2.loads(cbor2.dumps(to_plain(right), canonical=True))) == right
    assert not right.is_empty


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_shown_is_answered_and_led_back(name: str) -> None:
    item, right = RIGHT[name]
    arranged = form_of(item)
    assert decode(encode(arranged.form)) == arranged.form
    shown = presented(arranged, item)
    said = to_presented(arranged, item, right)
    sitting, _ = Sitting.begin(arranged.form)
    sitting, _ = sitting.answer(shown.id, said)
    assert sitting.response(shown.id) == from_plain(to_plain(said))
    marks = score_form(arranged.mapping, [item], {shown.id: said})
    assert marks.scores[shown.id] == score(item, right)
    again = FormMapping.from_plain(json.loads(json.dumps(arranged.mapping.to_plain())))
    assert again == arranged.mapping


def test_a_form_says_nothing_of_the_bank() -> None:
    """Neither ids of options, gaps and areas nor anything of keys is in its bytes."""
    words = {"Bác Hồ", "correct", "worth", "accepted", '"shuffle"', '"fixed"'}
    for item in (replace(item, id=f"bank-{item.id}") for item in ITEMS):
        data = encode(form_of(item).form).decode("utf-8", "replace")
        named = {f'data-part="{name}"' for name in ids_of(item.interaction)} | words
        named |= {name for name in ids_of(item.interaction) if len(name) > 2 and name.isupper()}
        assert not [word for word in named if word in data], item.id
        assert "bank-" not in data


def test_the_bytes_of_a_form_with_every_kind_do_not_change() -> None:
    form = form_of(*ITEMS, single(), multiple(), cluster(), numeric()).form
    assert form.schema == 3
    digest = sha256(encode(form)).hexdigest()
    assert digest == GOLDEN


GOLDEN = "173b3b8777e0d64e852e203142a3e5ca4fcf42fe9ee5c72ce771ee69fff5c7e1"


@given(st.integers(0, 2**32), st.sampled_from(ITEMS))
def test_whatever_is_answered_is_led_back_and_marked(chance: int, item: Item) -> None:
    """Random answers: the kiosk takes them, the way back leads to this item, marks are in bounds,
    and the arrangement makes no difference to them."""
    codes = [form_of(item, code=code) for code in ("0101", "0102")]
    shown = presented(codes[0], item)
    said = response_to(shown.interaction, random.Random(chance))
    sitting, _ = Sitting.begin(codes[0].form)
    sitting.answer(shown.id, said)
    bank = codes[0].mapping.to_bank(shown.id, said)
    mark = score(item, bank)
    assert 0 <= mark.raw <= mark.maximum - mark.external
    other = to_presented(codes[1], item, bank)
    assert codes[1].mapping.to_bank(presented(codes[1], item).id, other) == bank


def test_options_are_shuffled_and_gaps_keep_their_place() -> None:
    orders, places = set(), set()
    for code in range(24):
        arranged = form_of(order(), RIGHT["gap-match"][0], code=f"{code:04}")
        shown = presented(arranged, order())
        back = arranged.mapping.items[shown.id].options
        orders.add(tuple(back[name] for name in ids_of(shown.interaction)))
        gaps = presented(arranged, RIGHT["gap-match"][0])
        assert isinstance(gaps.interaction, GapMatch)
        back = arranged.mapping.items[gaps.id].options
        places.add(tuple(back[name] for name in part_ids(gaps.interaction.text)))
    assert len(orders) == 6
    assert places == {("g1", "g2")}


def test_the_areas_of_a_graphic_order_do_not_stand_in_the_printed_order() -> None:
    item = RIGHT["graphic-order"][0]
    seen = set()
    for code in range(24):
        shown = presented(form_of(item, code=f"{code:04}"), item).interaction
        assert isinstance(shown, GraphicOrder)
        seen.add(tuple(area.label for area in shown.areas))
    assert len(seen) == 6


def reading() -> tuple[Item, ...]:
    return tuple(replace(item, stimulus=PASSAGE) for item in (inline(), order(), cloze()))


def test_items_of_a_passage_stay_together_and_in_order_under_their_true_numbers() -> None:
    alone = (single("q1"), single("q2"), single("q3"))
    firsts = set()
    for code in range(20):
        arranged = form_of(*alone, *reading(), code=f"{code:04}")
        form = arranged.form
        names = [arranged.mapping.items[item.id].item_id for item in form.items]
        first = names.index("inline")
        assert names[first : first + 3] == ["inline", "order", "cloze"]
        assert [item.stimulus is not None for item in form.items].count(True) == 3
        (stimulus,) = form.stimuli
        assert numbered(stimulus.content) == ()
        assert f"(<span>{first + 1}</span>)" in stimulus.content
        assert f"(<span>{first + 3}</span>)" in stimulus.content
        assert decode(encode(form)) == form
        firsts.add(first)
    assert firsts == {0, 1, 2, 3}


def test_a_passage_is_refused_where_its_items_are_apart_or_disagree() -> None:
    with pytest.raises(AssemblyError, match="side by side"):
        form_of(reading()[0], single(), reading()[1], reading()[2])
    other = replace(PASSAGE, content="<p>Khác</p>")
    with pytest.raises(AssemblyError, match="one version"):
        form_of(reading()[0], replace(reading()[1], stimulus=other))
    with pytest.raises(AssemblyError, match="number of item cloze"):
        form_of(*reading()[:2])


def test_forms_of_the_first_kinds_keep_their_schema() -> None:
    form = form_of(single(), multiple(), cluster(), numeric()).form
    assert form.schema == FREE
    with pytest.raises(MalformedError, match="lowest"):
        encode(replace(form, schema=3))
    with pytest.raises(MalformedError, match="lowest"):
        encode(replace(form_of(order()).form, schema=1))


def broken() -> Iterator[tuple[str, object]]:
    form = form_of(*reading(), composite()).form
    (part,) = form.parts
    at = next(
        i for i, one in enumerate(part.items) if isinstance(one.interaction, PresentedComposite)
    )
    compound = part.items[at]
    interaction = compound.interaction
    assert isinstance(interaction, PresentedComposite)

    def with_items(items: tuple[PresentedItem, ...]) -> object:
        return replace(form, parts=(replace(part, items=items),))

    def with_compound(**changes: object) -> object:
        changed = replace(compound, **changes)
        return with_items((*part.items[:at], changed, *part.items[at + 1 :]))

    yield "place for each part", with_compound(stem="<p>x</p>")
    parts = tuple(reversed(interaction.parts))
    yield "place for each part", with_compound(interaction=PresentedComposite(parts))
    yield "stimulus is missing", replace(form, stimuli=())
    extra = replace(form.stimuli[0], id="s2")
    yield "belongs to no item", replace(form, stimuli=(*form.stimuli, extra))
    unfilled = replace(form.stimuli[0], content='<p><span data-number="x"></span></p>')
    yield "not filled in", replace(form, stimuli=(unfilled,))
    yield "is shown and not there", replace(form, media=())
    inner = Match((Piece("a", "x"),), (Piece("a", "y"),), shuffle=False)
    yield "same id", with_compound(stem="", interaction=inner)
    shuffled = Match((Piece("a", "x"),), (Piece("b", "y"),), shuffle=True)
    yield "not arranged", with_compound(stem="", interaction=shuffled)


@pytest.mark.parametrize(("message", "form"), list(broken()))
def test_a_form_whose_pieces_do_not_agree_is_none(message: str, form: object) -> None:
    with pytest.raises(MalformedError, match=message):
        encode(form)


REFUSED = {
    "too many pairs of a piece": PairsResponse((("x", "a"), ("x", "b"))),
    "pair backwards": PairsResponse((("a", "x"),)),
    "another kind": PairsResponse((("x", "a"),), "gap_match"),
    "a choice": ChoiceResponse(("x",)),
    "a text": TextResponse("x"),
}


@pytest.mark.parametrize("response", REFUSED.values(), ids=REFUSED)
def test_a_response_that_a_match_cannot_have_is_refused(response: Response) -> None:
    with pytest.raises(ScoringError):
        score(match(), response)


def test_a_slider_gives_what_is_on_its_steps() -> None:
    item = RIGHT["slider"][0]
    assert score(item, SliderResponse("7")).raw == 0
    for text in ("7.25", "11", "-1"):
        with pytest.raises(ScoringError):
            score(item, SliderResponse(text))
    with pytest.raises(MalformedError):
        SliderResponse("bảy")


def test_areas_count_once_and_points_within_bounds() -> None:
    item = RIGHT["point"][0]
    assert score(item, PointsResponse(((240, 150),))).raw == 1  # the edge belongs to it
    assert score(item, PointsResponse(((241, 150),))).raw == 0
    assert score(item, PointsResponse(((10, 60),))).raw == Decimal("0.5")
    with pytest.raises(ScoringError):
        score(item, PointsResponse(((1, 1), (2, 2))))


def test_spellings_are_worth_what_is_said() -> None:
    item = RIGHT["gap-mapped"][0]
    marks = {
        text: score(item, TextResponse(text)).raw for text in ("Paris", "PARIS", "London", " ")
    }
    assert marks == {"Paris": 1, "PARIS": Decimal("0.5"), "London": 0, " ": 0}


def test_a_composite_adds_its_parts_and_leaves_the_essay_to_people() -> None:
    item, right = RIGHT["composite"]
    assert isinstance(right, CompositeResponse)
    mark = score(item, CompositeResponse({"why": right.parts["why"]}))
    assert (mark.raw, mark.external, mark.maximum) == (Decimal("0.5"), 0, 4)
    with pytest.raises(ScoringError):
        score(item, CompositeResponse({"nobody": TextResponse("x")}))
    assert score(cloze(), CompositeResponse({"a": TextResponse("upon")})).raw == 0


def test_kinds_are_named_as_people_name_them() -> None:
    assert (cloze().kind, composite().kind, match().kind) == ("gap", "composite", "match")


def test_an_answer_of_one_part_is_none_of_another() -> None:
    item = composite()
    arranged = form_of(item)
    shown = presented(arranged, item)
    assert isinstance(shown.interaction, PresentedComposite)
    place, why = shown.interaction.parts[1], shown.interaction.parts[3]
    foreign = ids_of(place.interaction)[0]
    said = CompositeResponse({why.id: ChoiceResponse((foreign,))})
    with pytest.raises(ScoringError):
        arranged.mapping.to_bank(shown.id, said)
    with pytest.raises(SittingError):
        Sitting.begin(arranged.form)[0].answer(shown.id, said)


UNFIT = {
    "stem without a place": lambda: replace(cloze(), stem="<p>x</p>"),
    "places in another order": lambda: replace(
        cloze(), stem='<span data-part="b"></span><span data-part="a"></span>'
    ),
    "part in a plain item": lambda: replace(order(), stem='<span data-part="a"></span>'),
    "essay with no one to mark it": lambda: replace(RIGHT["essay"][0], scoring=AllOrNothing()),
    "no key": lambda: replace(order(), key=NoKey()),
    "key of another kind": lambda: replace(order(), key=ChoiceKey(("A",))),
    "blank spelling": lambda: replace(RIGHT["gap"][0], key=TextKey((" ",))),
    "two parts of one id": lambda: replace(
        cloze(), interaction=Composite((Part("a", TextEntry()), Part("a", TextEntry())))
    ),
    "parts that do not add up": lambda: replace(composite(), points=Decimal(5)),
    "gap match without gaps": lambda: replace(
        RIGHT["gap-match"][0], interaction=GapMatch("<p>x</p>", (Piece("p0", "x"),))
    ),
    "hot text without words": lambda: replace(
        RIGHT["hot-text"][0], interaction=HotText("<p>x</p>")
    ),
    "a shape that is none": lambda: replace(
        RIGHT["graphic-order"][0],
        interaction=GraphicOrder(MAP, (replace(MAP_AREA, shape=Shape("circle", (1, 2))),)),
    ),
    "unknown value": lambda: replace(order(), stem='<p><span data-value="X"></span></p>'),
}
MAP_AREA = RIGHT["graphic-order"][0].interaction.areas[0]


@pytest.mark.parametrize("make", UNFIT.values(), ids=UNFIT)
def test_an_item_whose_pieces_do_not_go_together_cannot_be_made(make: object) -> None:
    with pytest.raises(ItemError, match="item "):
        make()


def test_any_item_may_be_left_to_people() -> None:
    item = replace(order(), scoring=External(), key=NoKey())
    mark = score(item, RIGHT["order"][1])
    assert (mark.raw, mark.external) == (0, 1)
    arranged = form_of(item, composite())
    given = {
        presented(arranged, one).id: to_presented(arranged, one, RIGHT[one.id][1])
        for one in (item, composite())
    }
    assert score_form(arranged.mapping, [item, composite()], given).external == 3


def test_where_nothing_was_written_people_have_nothing_to_mark() -> None:
    whole = composite()
    given = RIGHT[whole.id][1]
    assert isinstance(given, CompositeResponse)
    rest = CompositeResponse({name: one for name, one in given.parts.items() if name != "essay"})
    assert score(whole, given).external == 2
    assert (score(whole, rest).raw, score(whole, rest).external) == (score(whole, given).raw, 0)
    arranged = form_of(whole)
    assert score_form(arranged.mapping, [whole], {}).external == 0


PROGRAM = """<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p2" identifier="sum"
 adaptive="false"><responseDeclaration identifier="R" cardinality="single" baseType="float"/>
<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>
<templateDeclaration identifier="A" cardinality="single" baseType="integer"/>
<templateDeclaration identifier="B" cardinality="single" baseType="float"/>
<templateProcessing>
<setTemplateValue identifier="A"><randomInteger min="10" max="99"/></setTemplateValue>
<setTemplateValue identifier="B"><divide><variable identifier="A"/>
 <baseValue baseType="float">-4</baseValue></divide></setTemplateValue>
<setCorrectResponse identifier="R"><sum><variable identifier="A"/><variable identifier="B"/></sum>
</setCorrectResponse></templateProcessing>
<responseProcessing><responseCondition><responseIf>
 <equal toleranceMode="absolute" tolerance="0.001"><variable identifier="R"/>
  <correct identifier="R"/></equal>
 <setOutcomeValue identifier="SCORE"><baseValue baseType="float">1</baseValue></setOutcomeValue>
</responseIf></responseCondition></responseProcessing></assessmentItem>"""


def randomised() -> Item:
    stem = (
        '<p>Tính <span data-value="A"></span> + (<span data-value="B" data-format="%.2f"></span>)'
        ' = ?, tức là <span data-value="B"></span></p>'
    )
    rule = ResponseProcessing(PROGRAM, "R")
    return replace(numeric("sum"), stem=stem, key=NoKey(), scoring=rule, points=Decimal(1))


def test_a_randomised_item_is_drawn_with_the_form_and_marked_by_what_was_shown() -> None:
    item = randomised()
    shown = set()
    for code in range(12):
        arranged = form_of(item, code=f"{code:04}")
        assert form_of(item, code=f"{code:04}") == arranged
        (stem,) = (one.stem for one in arranged.form.items)
        found = re.fullmatch(
            r"Tính (\d+) \+ \(−(\d+,\d\d)\) = \?, tức là −([\d,]+)", plain_text(stem)
        )
        assert found is not None
        whole, part = Decimal(found[1]), -Decimal(found[3].replace(",", "."))
        assert whole == -4 * part
        assert Decimal(found[2].replace(",", ".")) == (-part).quantize(Decimal("0.01"))
        name = arranged.form.items[0].id
        again = FormMapping.from_plain(json.loads(json.dumps(arranged.mapping.to_plain())))
        for answer, marks in ((whole + part, 1), (whole, 0)):
            said = NumericResponse(str(answer).replace(".", ","))
            assert score_form(again, [item], {name: said}).total == marks
        shown.add(whole)
    assert len(shown) > 6


def test_an_adaptive_item_stays_in_the_bank() -> None:
    adaptive = PROGRAM.replace('adaptive="false"', 'adaptive="true"')
    item = replace(randomised(), scoring=ResponseProcessing(adaptive, "R"))
    assert item_from_plain(item_to_plain(item)) == item
    with pytest.raises(AssemblyError, match="item sum is adaptive"):
        form_of(item)


def test_a_text_prints_only_what_is_declared() -> None:
    with pytest.raises(ItemError, match="no template variable R"):
        replace(randomised(), stem='<p><span data-value="R"></span></p>')
    with pytest.raises(ItemError, match="stimulus"):
        replace(randomised(), stimulus=Stimulus("s", '<p><span data-value="A"></span></p>'))


def test_a_limit_of_choices_holds_from_the_form_to_the_marks() -> None:
    limited = replace(multiple(), interaction=replace(multiple().interaction, max_choices=2))
    arranged = form_of(limited)
    assert (arranged.form.schema, form_of(multiple()).form.schema) == (3, 1)
    assert decode(encode(arranged.form)) == arranged.form
    assert item_from_plain(json.loads(json.dumps(item_to_plain(limited)))) == limited
    shown = arranged.form.items[0]
    assert isinstance(shown.interaction, PresentedChoice)
    ids = tuple(option.id for option in shown.interaction.options)
    sitting, _ = Sitting.begin(arranged.form)
    sitting.answer(shown.id, ChoiceResponse(ids[:2], "multiple"))
    with pytest.raises(SittingError):
        sitting.answer(shown.id, ChoiceResponse(ids[:3], "multiple"))
    with pytest.raises(ScoringError):
        score(limited, ChoiceResponse(("A", "B", "C"), "multiple"))
    with pytest.raises(ItemError):
        replace(limited, key=ChoiceKey(("A", "B", "C")))
