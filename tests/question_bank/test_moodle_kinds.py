"""Every type of Moodle's questions as the kind that it is here, with its marks."""

import base64
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from question_bank.content import part_ids, plain_text
from question_bank.errors import FileRefusedError
from question_bank.interactions import (
    Composite,
    GapMatch,
    GraphicGapMatch,
    InlineChoice,
    Match,
    SelectPoint,
)
from question_bank.interchange.formats import WRITERS, read_any
from question_bank.interchange.moodle import read_cloze, read_gift, read_moodle_xml
from question_bank.interchange.problems import Imported
from question_bank.item import Item, NumericEntry, SingleChoice
from question_bank.qti import processed
from question_bank.qti.values import Single
from question_bank.records import item_from_plain, item_to_plain
from question_bank.response import (
    ChoiceResponse,
    CompositeResponse,
    NumericResponse,
    OrderResponse,
    PairsResponse,
    PointsResponse,
    Response,
    TextResponse,
)
from question_bank.scoring import score

FOLDER = Path(__file__).parents[2] / "fixtures" / "moodle"


@pytest.fixture(scope="module")
def quiz() -> Imported:
    return _read("cac-loai.xml")


def _read(name: str) -> Imported:
    return read_any((FOLDER / name).read_bytes(), name, lambda _: None)


def by_code(found: Imported, code: str) -> Item:
    return next(item for item in found.items if item.metadata.code == code)


def marks(item: Item, response: Response | None, **more: str) -> Decimal:
    return score(item, response, **more).raw


def test_every_type_is_its_kind(quiz: Imported) -> None:
    assert {item.metadata.code: item.kind for item in quiz.items} == {
        "bai-luan": "extended", "noi-cot": "match", "keo-noi": "match", "tra-loi-ngan": "gap",
        "dung-sai": "single", "so": "numeric", "nhung": "composite", "chon-tu": "inline_choice",
        "keo-tu": "gap_match", "sap-xep": "order", "keo-hinh": "graphic_gap_match",
        "danh-dau": "composite", "tinh-toan": "numeric", "tinh-chon": "single",
        "chung-mot-bai": "single", "chung-hai-bai": "multiple",
    }  # fmt: skip
    assert {item.metadata.topic for item in quiz.items} == {"Vật lí 12/Dao động"}


def test_what_is_in_no_item_is_named(quiz: Imported) -> None:
    assert [(p.line, p.element, p.severity) for p in quiz.problems] == [
        (5, "tag", "warning"), (14, "attachments", "warning"), (52, "feedback", "warning"),
        (76, "feedback", "warning"), (136, "drop", "warning"), (231, "description", "error"),
        (240, "random", "error"),
    ]  # fmt: skip


def test_items_begin_where_their_question_does(quiz: Imported) -> None:
    assert set(quiz.lines) == {item.id for item in quiz.items} | {"cac-loai-17", "cac-loai-18"}
    assert quiz.lines[by_code(quiz, "bai-luan").id] == 5
    assert list(quiz.lines.values()) == sorted(quiz.lines.values())


def test_items_are_what_the_bank_stores(quiz: Imported) -> None:
    for item in quiz.items:
        assert item_from_plain(item_to_plain(item)) == item


def test_an_essay_keeps_what_graders_are_told(quiz: Imported) -> None:
    item = by_code(quiz, "bai-luan")
    assert plain_text(item.explanation) == "Nêu điều kiện: 1 điểm."
    assert (item.metadata.level, item.metadata.grade, item.points) == ("V", "12", 2)
    assert score(item, TextResponse("…", "extended")).external == 2


def test_matching_counts_each_pair(quiz: Imported) -> None:
    item = by_code(quiz, "noi-cot")
    assert isinstance(item.interaction, Match)
    assert [plain_text(one.content) for one in item.interaction.targets] == ["N", "J", "W"]
    right = (("s1", "t1"), ("s2", "t2"), ("s3", "t2"))
    assert marks(item, PairsResponse(right)) == 1
    assert marks(item, PairsResponse(right[:2])) == Decimal("0.666666")
    assert marks(item, PairsResponse((("s1", "t3"),))) == 0
    formulas = by_code(quiz, "keo-noi").interaction
    assert isinstance(formulas, Match)
    assert "math" in formulas.targets[0].content


def test_words_are_worth_what_their_fraction_says(quiz: Imported) -> None:
    item = by_code(quiz, "tra-loi-ngan")
    for text, worth in (("hà nội", "1"), ("Thăng  Long", "0.5"), ("Huế", "0")):
        assert marks(item, TextResponse(text)) == Decimal(worth)


def test_true_and_false_are_said_in_the_language_of_the_question(quiz: Imported) -> None:
    shown = by_code(quiz, "dung-sai").interaction
    assert isinstance(shown, SingleChoice)
    assert [option.content for option in shown.options] == ["Đúng", "Sai"]


@pytest.mark.parametrize(
    ("text", "worth"), [("9,82", "1"), ("9.8", "1"), ("9,83", "0"), ("10", "0.5"), ("", "0")]
)
def test_numbers_with_parts_of_marks(quiz: Imported, text: str, worth: str) -> None:
    assert marks(by_code(quiz, "so"), NumericResponse(text)) == Decimal(worth)


def test_embedded_answers_are_a_composite(quiz: Imported) -> None:
    item = by_code(quiz, "nhung")
    assert isinstance(item.interaction, Composite)
    kinds = [part.interaction.kind for part in item.interaction.parts]
    assert kinds == ["numeric", "inline_choice", "gap", "multiple"]
    assert part_ids(item.stem) == ("p1", "p2", "p3", "p4")
    given = {
        "p1": NumericResponse("2,05"),
        "p2": ChoiceResponse(("B",), "inline_choice"),
        "p3": TextResponse("Galileo"),
        "p4": ChoiceResponse(("A", "B"), "multiple"),
    }
    assert marks(item, CompositeResponse(given)) == Decimal("4.5")
    assert item.points == 5


def test_missing_words_offer_their_group(quiz: Imported) -> None:
    item = by_code(quiz, "chon-tu")
    assert isinstance(item.interaction, Composite)
    first = item.interaction.parts[0].interaction
    assert isinstance(first, InlineChoice)
    assert len(first.options) == 3
    given = {name: ChoiceResponse((word,), "inline_choice") for name, word in
             (("g1", "w1"), ("g2", "w3"))}  # fmt: skip
    assert marks(item, CompositeResponse(given)) == Decimal("0.5")


def test_words_are_dragged_into_the_text(quiz: Imported) -> None:
    item = by_code(quiz, "keo-tu")
    assert isinstance(item.interaction, GapMatch)
    assert plain_text(item.stem) == "Kéo từ vào chỗ trống."
    assert plain_text(item.interaction.text) == "Nước sôi ở ____, đông ở ____."
    assert [piece.most for piece in item.interaction.pieces] == [1, 1, 0]
    answer = PairsResponse((("w1", "g1"), ("w3", "g2")), "gap_match")
    assert marks(item, answer) == Decimal("0.5")


def test_an_order_is_right_or_not(quiz: Imported) -> None:
    item = by_code(quiz, "sap-xep")
    assert marks(item, OrderResponse(("A", "B", "C"))) == 1
    assert marks(item, OrderResponse(("A", "C", "B"))) == 0


def test_pieces_are_dragged_onto_places_as_large_as_they(quiz: Imported) -> None:
    item = by_code(quiz, "keo-hinh")
    assert isinstance(item.interaction, GraphicGapMatch)
    picture, areas = item.interaction.picture, item.interaction.areas
    assert (picture.width, picture.height) == (320, 200)
    assert [area.label for area in areas] == ["bên trái", ""]
    assert areas[0].shape.coords == (20, 40, 20 + 8 * len("vật kính") + 12, 64)
    assert marks(item, PairsResponse((("p1", "a1"),), "graphic_gap_match")) == Decimal("0.5")


def test_each_marker_points_by_itself(quiz: Imported) -> None:
    item = by_code(quiz, "danh-dau")
    assert isinstance(item.interaction, Composite)
    assert all(isinstance(part.interaction, SelectPoint) for part in item.interaction.parts)
    both = {"p1": PointsResponse(((50, 79),)), "p2": PointsResponse(((239, 69),))}
    assert marks(item, CompositeResponse(both)) == 1
    other = {"p1": PointsResponse(((239, 69),)), "p2": PointsResponse(((50, 79),))}
    assert marks(item, CompositeResponse(other)) == 0


def test_calculated_numbers_are_drawn_in_rows_and_marked_so(quiz: Imported) -> None:
    item = by_code(quiz, "tinh-toan")
    assert isinstance(item.interaction, NumericEntry)
    assert item.interaction.unit == "m/s"
    rows = {("12", "4"): "3", ("15,5", "5"): "3,1", ("8", "2,5"): "3,2"}
    program = item.program
    assert program is not None
    seen = set()
    for seed in range(40):
        values = _drawn(item, str(seed))
        row = (_spelled(values["v_s"]), _spelled(values["v_t"]))
        seen.add(row)
        assert values["value_1"] == 2 * values["v_s"]
        assert marks(item, NumericResponse(rows[row]), draw=str(seed)) == 1
        assert marks(item, NumericResponse("9"), draw=str(seed)) == 0
    assert seen == set(rows)


def _drawn(item: Item, draw: str) -> dict[str, float]:
    program = item.program
    assert program is not None
    values = processed(program, {}, seed=draw.encode()).templates
    return {n: float(v.data) for n, v in values.items()
            if isinstance(v, Single) and isinstance(v.data, int | float)}  # fmt: skip


def _spelled(value: float) -> str:
    return format(Decimal(repr(value)), "f").removesuffix(".0").replace(".", ",")


def test_options_may_be_drawn(quiz: Imported) -> None:
    item = by_code(quiz, "tinh-chon")
    assert marks(item, ChoiceResponse(("A",))) == 1
    assert marks(item, ChoiceResponse(("B",))) == 0
    assert {_drawn(item, str(n))["value_1"] for n in range(20)} == {4.0, 8.0}


def test_a_stimulus_is_one_for_several_questions(quiz: Imported) -> None:
    first, second = by_code(quiz, "chung-mot-bai"), by_code(quiz, "chung-hai-bai")
    assert first.stimulus is not None
    assert first.stimulus == second.stimulus
    assert first.stimulus.id == "bai-doc"
    assert plain_text(first.stem) == "Sông nào?"


def test_thirds_make_a_whole(quiz: Imported) -> None:
    item = by_code(quiz, "chung-hai-bai")
    assert marks(item, ChoiceResponse(("A", "B", "C"), "multiple")) == 1
    assert marks(item, ChoiceResponse(("A", "D"), "multiple")) == 0


# --- single features


def _quiz(kind: str, text: str, rest: str) -> bytes:
    body = f"<questiontext format='html'><text><![CDATA[{text}]]></text></questiontext>{rest}"
    return f"<quiz><question type='{kind}'>{body}</question></quiz>".encode()


def _answer(text: str, fraction: str = "100", more: str = "") -> str:
    return f"<answer fraction='{fraction}'><text>{text}</text>{more}</answer>"


def _only(data: bytes) -> Item:
    found = read_moodle_xml(data, "a.xml")
    assert len(found.items) == 1, found.problems
    return found.items[0]


def _data(*columns: tuple[str, list[str]]) -> str:
    out = ""
    for name, values in columns:
        items = "".join(
            f"<dataset_item><number>{n}</number><value>{value}</value></dataset_item>"
            for n, value in enumerate(values, 1)
        )
        out += (
            f"<dataset_definition><name><text>{name}</text></name>"
            f"<dataset_items>{items}</dataset_items></dataset_definition>"
        )
    return f"<dataset_definitions>{out}</dataset_definitions>"


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("{a}+2*{b}", "11"), ("({a}+2)*{b}", "20"), ("-{a}**2", "-9"), ("{a}-{b}-1", "-2"),
        ("{a}/{b}/2", "0,375"), ("2**3**0", "2"), ("pow({a},2)", "9"), ("sqrt({b})", "2"),
        ("round(-2.5)", "-3"), ("fmod(-7,{a})", "-1"), ("max({a},{b},1)", "4"),
        ("log10(100)", "2"), ("log(8,2)", "3"), ("ceil(pi())", "4"), ("abs(-{a})", "3"),
        ("1.5e1", "15"), ("atan2(0,1)", "0"), ("deg2rad(180)/pi()", "1"), (" {a} ", "3"),
        ("floor(sin(deg2rad(90))*{b}+1e-9)", "4"),
    ],
)  # fmt: skip
def test_formulas_are_worth_what_they_say(formula: str, value: str) -> None:
    more = "<tolerance>0.000001</tolerance><tolerancetype>2</tolerancetype>"
    rest = _answer(formula, more=more) + _data(("a", ["3"]), ("b", ["4"]))
    item = _only(_quiz("calculated", "Q {a}", rest))
    assert marks(item, NumericResponse(value)) == 1
    assert marks(item, NumericResponse("77")) == 0


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [("1", "110", "111"), ("2", "100,1", "101"), ("3", "91", "90")],
)
def test_tolerances_of_all_types(kind: str, right: str, wrong: str) -> None:
    more = f"<tolerance>0.1</tolerance><tolerancetype>{kind}</tolerancetype>"
    rest = _answer("{a}", more=more) + _data(("a", ["100"]))
    item = _only(_quiz("calculated", "Q {a}", rest))
    assert marks(item, NumericResponse(right)) == 1
    assert marks(item, NumericResponse(wrong)) == 0


@pytest.mark.parametrize(
    "formula",
    ["{a}+", "{c}", "system(1)", "{a}^2", "{a}%2", "__import__", "", "(" * 60 + "1" + ")" * 60,
     "-" * 90 + "1", "1" * 2000, "sin(1,2)", "{a};1"],
)  # fmt: skip
def test_formulas_that_are_none_are_named(formula: str) -> None:
    rest = _answer(formula) + _data(("a", ["3"]))
    found = read_moodle_xml(_quiz("calculated", "Q {a}", rest), "a.xml")
    assert not found.items
    assert [p.severity for p in found.problems] == ["error"]


@pytest.mark.parametrize(
    ("kind", "text", "rest", "reason"),
    [
        ("calculated", r"\(\frac{a}{2}\)", _answer("1") + _data(("a", ["3"])), "a formula"),
        ("calculated", "Q", _answer("1"), "no values"),
        ("calculatedmulti", "Q", "<single>false</single>", "several"),
        ("cloze", "Q", "", "no embedded answer"),
        ("cloze", "Q {1:MULTICHOICE:=a", "", "not understood"),
        ("cloze", "Q {1:MULTICHOICE:=a}", "", "1 answers"),
        ("cloze", "Q <img alt='{1:SA:=a}' src='x'/>", "", "a place for each part"),
        ("cloze", r"Q \(x={1:SA:=a}\)", "", "inside a formula or a picture"),
        ("gapselect", "Q [[2]]", "<selectoption><text>a</text></selectoption>", "not there"),
        ("gapselect", "Q", "<selectoption><text>a</text></selectoption>", "no gap"),
        ("shortanswer", "Q", _answer("a*", "50"), "all marks"),
        ("cloze", "Q {1:SA:=a*}", "", "any letters"),
        ("shortanswer", "Q", _answer("a", "50"), "all marks"),
        ("ordering", "Q", "<selecttype>RANDOM</selecttype><selectcount>2</selectcount>"
         + _answer("a") + _answer("b") + _answer("c"), "of 2 of its answers"),
        ("essay", "Q", "<responseformat>noinline</responseformat>", "files alone"),
        ("ddmarker", "Q", "", "no picture"),
        ("matching", "Q", "<subquestion><text>a</text></subquestion>", "two targets"),
        ("stack", "Q", "", "cannot be taken"),
    ],
)  # fmt: skip
def test_what_fits_no_kind_is_an_error(kind: str, text: str, rest: str, reason: str) -> None:
    found = read_moodle_xml(_quiz(kind, text, rest), "a.xml")
    assert not found.items
    assert [p.severity for p in found.problems] == ["error"]
    assert reason in found.problems[0].message


def test_settings_that_are_lost_are_warnings() -> None:
    rest = (
        "<penalty>0.5</penalty><gradingtype>ABSOLUTE_POSITION</gradingtype><hidden>1</hidden>"
        + _answer("a") + _answer("b")
    )  # fmt: skip
    found = read_moodle_xml(_quiz("ordering", "Q", rest), "a.xml")
    assert [p.element for p in found.problems] == ["hidden", "gradingtype", "penalty"]
    assert len(found.items) == 1


def test_foreign_marks_in_html_are_no_places() -> None:
    text = "Q <span data-number='x'>a</span> \ue000p1\ue001 [[1]]"
    words = "<selectoption><text>a</text></selectoption><selectoption><text>b</text></selectoption>"
    found = read_moodle_xml(_quiz("gapselect", text, words), "a.xml")
    assert part_ids(found.items[0].stem) == ("g1",)
    assert "data-number" not in found.items[0].stem
    assert [p.element for p in found.problems] == ["span"]


def test_pieces_that_are_pictures() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}"/>'
    back, piece = (base64.b64encode(svg.format(*size).encode()).decode()
                   for size in ((300, 200), (40, 30)))  # fmt: skip
    rest = (
        f"<file name='b.svg'>{back}</file>"
        f"<drag><no>1</no><text>tim</text><file name='p.svg'>{piece}</file></drag>"
        "<drop><no>1</no><choice>1</choice><xleft>5</xleft><ytop>6</ytop></drop>"
    )
    item = _only(_quiz("ddimageortext", "Q", rest))
    assert isinstance(item.interaction, GraphicGapMatch)
    assert item.interaction.areas[0].shape.coords == (5, 6, 45, 36)
    assert 'alt="tim"' in item.interaction.pieces[0].content
    assert len(item.media) == 2


def test_one_marker_without_words_is_a_point() -> None:
    svg = base64.b64encode(
        b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"/>'
    ).decode()
    rest = (
        f"<file name='b.svg'>{svg}</file><drag><no>1</no><text>●</text></drag>"
        "<drop><shape>polygon</shape><coords>0,0;10,0;10,10</coords><choice>1</choice></drop>"
        "<drop><shape>circle</shape><coords>100,100;5</coords><choice>1</choice></drop>"
    )
    item = _only(_quiz("ddmarker", "Q", rest))
    assert (item.kind, plain_text(item.stem)) == ("select_point", "Q")
    assert marks(item, PointsResponse(((9, 5), (100, 104)))) == 1
    assert marks(item, PointsResponse(((9, 5),))) == Decimal("0.5")


# --- GIFT and plain cloze


def test_gift_has_the_same_kinds() -> None:
    found = _read("cac-loai.gift")
    kinds = [item.kind for item in found.items]
    assert kinds == ["match", "extended", "gap", "gap", "single", "numeric", "numeric",
                     "multiple", "single"]  # fmt: skip
    assert [(p.line, p.element, p.severity) for p in found.problems] == [
        (4, "tag", "warning"), (4, "feedback", "warning"), (12, "feedback", "warning"),
        (18, "feedback", "warning"), (24, "markdown", "warning"), (28, "question", "error"),
    ]  # fmt: skip
    first, _, paris, *_ = found.items
    told = (first.metadata.code, first.metadata.level, first.metadata.topic)
    assert told == ("nuoc-va-thu-do", "N", "Địa lí")
    assert marks(first, PairsResponse((("s2", "t2"),))) == Decimal("0.5")
    assert marks(paris, TextResponse("ba lê")) == Decimal("0.5")
    assert plain_text(found.items[-1].stem) == "Dấu {ngoặc} và = bằng, $x=1$ là công thức."
    assert list(found.lines.values()) == [4, 10, 12, 14, 16, 18, 20, 24, 26, 28]


def test_gift_numbers_in_bands() -> None:
    item = read_gift(b"Q{#\n=5:1\n=%50%7:0}", "a.gift").items[0]
    for text, worth in (("4", 1), ("7", Decimal("0.5")), ("8", 0)):
        assert marks(item, NumericResponse(text)) == worth


def test_a_text_file_may_be_one_cloze() -> None:
    text = b"Two plus two is {1:NUMERICAL:=4:0}; Paris is in {2:SHORTANSWER:=France}."
    found = read_any(text, "q.txt", lambda _: None)
    assert [item.points for item in found.items] == [3]
    assert found.lines == {"q-1": 1}
    assert read_cloze(b"{1:MULTICHOICE:=Apple#Correct}", "q.txt").has_errors


@pytest.mark.parametrize(
    ("text", "worth"),
    [("sông Hồng", "1"), ("  SÔNG   hồng  ", "1"), ("con sông Hồng dài", "1"), ("sông Đà", "0.5"),
     ("sông", "0"), ("a+b", "1"), ("aab", "0"), ("2*3", "1"), ("2x3", "0"), ("", "0")],
)  # fmt: skip
def test_stars_stand_for_any_letters(text: str, worth: str) -> None:
    rest = (
        _answer("*sông Hồng*") + _answer("sông *", "50") + _answer("a+b*") + _answer(r"2\*3*")
        + _answer("*", "0")
    )  # fmt: skip
    item = _only(_quiz("shortanswer", "Q", rest))
    assert marks(item, TextResponse(text)) == Decimal(worth)


@pytest.mark.parametrize("number", ["1e40", "-1e49", "9" * 30, "1e-49", "NaN", "Infinity", "-5"])
def test_numbers_beyond_all_use_are_named(number: str) -> None:
    for text in (f"<defaultgrade>{number}</defaultgrade>" + _answer("a") + _answer("b", "0"),):
        found = read_moodle_xml(_quiz("multichoice", "Q", text), "a.xml")
        assert [p.severity for p in found.problems] == ["error"]
    rest = _answer("5", more=f"<tolerance>{number}</tolerance>")
    assert read_moodle_xml(_quiz("numerical", "Q", rest), "a.xml").has_errors


_PIECES = st.sampled_from(
    ["{1:SA:", "{1:MC:", "{:NM:", "=", "~", "#", "%50%", "}", "\\", "{", "a", "1", "[[1]]", "<b>",
     "</p>", "<p>", "\\(", "\\)", "{a}", "{=", "&amp;", "$$", "\ue000p1\ue001", "<div>", " "]
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(_PIECES, max_size=20).map("".join),
    st.sampled_from(["cloze", "gapselect", "ddwtos", "calculated", "shortanswer", "matching"]),
)
def test_any_text_is_taken_or_named(text: str, kind: str) -> None:
    rest = (
        "<selectoption><text>a</text></selectoption><dragbox><text>b</text></dragbox>"
        + _answer("1") + _data(("a", ["3"]))
        + "<subquestion><text>s</text><answer><text>t</text></answer></subquestion>"
    )  # fmt: skip
    try:
        found = read_moodle_xml(_quiz(kind, text, rest), "a.xml")
    except FileRefusedError:
        return
    assert len(found.items) + sum(p.severity == "error" for p in found.problems) >= 1
    for item in found.items:
        assert "\ue000" not in item.stem


@pytest.mark.parametrize("version", ["qti3", "qti2.2"])
def test_what_moodle_gives_goes_out_as_qti_and_comes_back_the_same(version: str) -> None:
    for name in ("cac-loai.xml", "cac-loai.gift"):
        items = _read(name).items
        written = WRITERS[version].write(items, ())
        back = read_any(written.data, "goi.zip", lambda _: None)
        assert not written.problems
        assert back.items == items
