"""QTI 1.2 as the standard, Respondus, Canvas and Blackboard write it: fixtures/qti12."""

import io
import json
import zipfile
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from lxml import etree

from question_bank.cli import main
from question_bank.errors import FileRefusedError, QuestionBankError
from question_bank.interactions import Match, MultipleChoice, SingleChoice, TextEntry
from question_bank.interchange.formats import read_any
from question_bank.interchange.problems import Imported
from question_bank.interchange.qti12.conditions import Program, program_of
from question_bank.item import Item
from question_bank.item_summary import item_summary
from question_bank.response import (
    ChoiceResponse,
    CompositeResponse,
    NumericResponse,
    PairsResponse,
    TextResponse,
)
from question_bank.scoring import score

PAPERS = Path(__file__).parents[3] / "fixtures" / "qti12"
NAMES = ("plain.xml", "refused.xml", "respondus.xml", "canvas", "blackboard")


def zipped(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return packed.getvalue()


def read(name: str) -> Imported:
    file = PAPERS / name
    if file.is_dir():
        return read_any(zipped(file), f"{name}.zip", lambda _: None)

    def beside(href: str) -> bytes | None:
        return (PAPERS / href).read_bytes() if (PAPERS / href).is_file() else None

    return read_any(file.read_bytes(), name, beside)


@pytest.mark.parametrize("name", NAMES)
def test_a_paper_is_what_its_json_says(name: str) -> None:
    found = read(name)
    expected = json.loads((PAPERS / f"{name.partition('.')[0]}.json").read_text("utf-8"))
    assert [item_summary(item) for item in found.items] == expected["items"]
    assert [problem.to_plain() for problem in found.problems] == expected["problems"]
    assert [form.items for form in found.base_forms] == [tuple(f) for f in expected["forms"]]


def test_an_assessment_is_a_base_form_with_its_parts_and_time() -> None:
    (form,) = read("plain.xml").base_forms
    assert (form.id, form.title, form.minutes) == ("KT1", "Kiểm tra một tiết", 45)
    assert [part.title for part in form.parts] == ["Phần A", "Phần B"]
    assert form.parts[0].instructions == "<div>Chọn phương án đúng.</div>"


def test_metadata_of_the_file_are_the_items() -> None:
    first = read("plain.xml").items[0].metadata
    assert (first.subject, first.level, first.code) == ("Địa lí", "N", "2D1N1-1")
    assert read("respondus.xml").items[0].metadata.topic == "Sóng"


def own_program(item: Item) -> Program:
    root = etree.parse(PAPERS / "plain.xml").getroot()
    (element,) = root.xpath("//item[@ident=$name]", name=item.id)
    kinds = {"noi-cap": "paired", "thu-tu": "ordered"}
    kind = kinds.get(item.id, "typed" if isinstance(item.interaction, TextEntry) else "chosen")
    program = program_of(element, {"R": kind})
    assert program is not None
    return program


def test_every_answer_to_a_choice_earns_what_the_file_says() -> None:
    tried = 0
    for item in read("plain.xml").items:
        interaction = item.interaction
        if not isinstance(interaction, SingleChoice | MultipleChoice):
            continue
        names = [option.id for option in interaction.options]
        single = isinstance(interaction, SingleChoice)
        for count in range(1, 2 if single else len(names)):
            for chosen in combinations(names, count):
                kind = "single" if single else "multiple"
                earned = score(item, ChoiceResponse(chosen, kind)).raw
                said = own_program(item).score({"R": chosen})
                assert earned == max(said, Decimal(0)) or earned == said, (item.id, chosen)
                tried += 1
    assert tried == 3 + 3 + 14


def by_id(name: str, wanted: str) -> Item:
    return next(item for item in read(name).items if item.id == wanted)


@pytest.mark.parametrize(
    ("typed", "marks"), [("9,78", 1), ("9.84", 1), ("9.8", 1), ("9.77", 0), ("9.85", 0)]
)
def test_a_range_of_numbers_is_right_within_its_bounds(typed: str, marks: int) -> None:
    assert score(by_id("plain.xml", "trong-luc"), NumericResponse(typed)).raw == marks


def test_rows_of_a_matching_that_make_99_99_per_cent_are_all_points() -> None:
    item = by_id("canvas", "i04")
    assert isinstance(item.interaction, Match)
    right = tuple((f"response_{n}", f"9{n}") for n in (1, 2, 3))
    assert score(item, PairsResponse(right, "match")).raw == item.points == 1
    assert score(item, PairsResponse(right[:1], "match")).raw == Decimal("0.3334")
    assert score(item, PairsResponse((("response_1", "94"),), "match")).raw == 0


def test_words_of_canvas_are_right_whatever_their_case() -> None:
    item = by_id("canvas", "i06")
    assert [score(item, TextResponse(t)).raw for t in ("hg", "Thủy Ngân", "bạc")] == [1, 1, 0]


def item_xml(condition: str, response: str = "") -> bytes:
    response = response or (
        '<response_lid ident="R" rcardinality="Multiple"><render_choice>'
        + "".join(f'<response_label ident="{n}"/>' for n in "ABC")
        + "</render_choice></response_lid>"
    )
    return (
        "<questestinterop><item ident='i'><presentation><material><mattext>x</mattext></material>"
        f"{response}</presentation><resprocessing>{condition}</resprocessing></item>"
        "</questestinterop>"
    ).encode()


def when(condition: str, change: str = "1") -> str:
    return (
        f"<respcondition><conditionvar>{condition}</conditionvar>"
        f"<setvar action='Set'>{change}</setvar></respcondition>"
    )


A = '<varequal respident="R">A</varequal>'
B = '<varequal respident="R">B</varequal>'


@pytest.mark.parametrize(
    ("condition", "element", "words"),
    [
        (when(f"<or>{A}{B}</or>", "-1"), "response_lid", "neither a sum nor all or nothing"),
        (when(A, "nhiều"), "setvar", "no number"),
        (when('<durequal respident="R">3</durequal>'), "durequal", "not supported"),
        (when("<not>" * 40 + A + "</not>" * 40), "not", "nested deeper"),
        (when(A * 2001), "varequal", "more than 2000 comparisons"),
        (when(A).replace("Set", "Divide").replace(">1<", ">0<"), "setvar", "no number"),
        (
            when(A).replace("<setvar", "<setvar varname='X'")
            + when(B).replace("<setvar", "<setvar varname='Y'"),
            "respcondition", "none of them is SCORE",
        ),
    ],
)  # fmt: skip
def test_processing_that_is_no_rule_of_the_bank_is_named(
    condition: str, element: str, words: str
) -> None:
    found = read_any(item_xml(condition), "i.xml", lambda _: None)
    (problem,) = found.problems
    assert not found.items and problem.severity == "error" and problem.line == 1
    assert problem.element == element and words in problem.message


def test_conditions_stop_at_the_first_that_is_true_unless_they_say_otherwise() -> None:
    single = item_xml(when(A, "2") + when("<other/>", "0")).replace(b"Multiple", b"Single")
    (item,) = read_any(single, "i.xml", lambda _: None).items
    assert [score(item, ChoiceResponse((n,))).raw for n in "ABC"] == [2, 0, 0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<questestinterop>",
        b"<questestinterop/>",
        b"\xef\xbb\xbf<questestinterop><item",
        "<questestinterop/>".encode("utf-16"),
        b'<!DOCTYPE questestinterop [<!ENTITY a "b">]><questestinterop><item/></questestinterop>',
        b'<!DOCTYPE questestinterop SYSTEM "file:///etc/passwd" [ ]><questestinterop/>',
        b"<questestinterop>" + b"<section>" * 300 + b"</section>" * 300 + b"</questestinterop>",
        b"<questestinterop><item>&xxe;</item></questestinterop>",
        zipped(PAPERS / "canvas")[:-40],
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(FileRefusedError) as refused:
        read_any(data, "de.xml", lambda _: None)
    assert "\n" not in str(refused.value)


C = '<varequal respident="R">C</varequal>'


@pytest.mark.parametrize(
    "condition",
    [
        when(f"<or>{A}{B}</or>"),
        when(f"<and>{A}{B}</and>", "2") + when(f"<or>{A}{B}</or><not>{C}</not>", "0.5"),
        when(f"{A}{B}{C}", "0") + when("<not><other/></not>", "9") + when(A, "1")
        + when("<other/><not><unanswered respident='R'/></not>", "0.25"),
        when(A, "3").replace("<respcondition", "<respcondition continue='Yes'").replace(
            "Set", "Add") + when(B, "4").replace("Set", "Multiply"),
    ],
)  # fmt: skip
def test_marks_that_are_no_rule_are_the_item_s_own_processing(condition: str) -> None:
    data = item_xml(condition)
    (item,) = read_any(data, "i.xml", lambda _: None).items
    program = program_of(etree.fromstring(data)[0], {"R": "chosen"})
    assert program is not None and item.scoring.name == "response_processing"
    for count in range(1, 4):
        for chosen in combinations("ABC", count):
            earned = score(item, ChoiceResponse(chosen, "multiple")).raw
            assert earned == max(program.score({"R": chosen}), Decimal(0)), chosen


def test_two_numbers_with_marks_of_their_own_are_taken() -> None:
    number = '<response_num ident="R"><render_fib fibtype="Decimal"/></response_num>'
    marks = when('<varequal respident="R">1.5</varequal>', "2") + when(
        '<vargte respident="R">3</vargte><varlt respident="R">4</varlt>'
    )
    (item,) = read_any(item_xml(marks, number), "i.xml", lambda _: None).items
    assert item.points == 2 and item_summary(item)["key"] == "1.5"
    typed = ("1,5", "3", "3.99", "4", "2")
    assert [score(item, NumericResponse(text)).raw for text in typed] == [2, 1, 1, 0, 0]


WORD = '<response_str ident="R"><render_fib/></response_str>'


@pytest.mark.parametrize(
    ("most", "points", "words"), [("", 2, "earns nothing"), ("5", 5, "people mark it")]
)
def test_a_text_that_earns_nothing_beside_a_choice_adds_no_point(
    most: str, points: int, words: str
) -> None:
    choice = (
        '<response_lid ident="R" rcardinality="Single"><render_choice>'
        '<response_label ident="A"/><response_label ident="B"/></render_choice></response_lid>'
    )
    asked = choice + '<response_str ident="S"><render_fib rows="4"/></response_str>'
    declared = f"<outcomes><decvar maxvalue='{most}'/></outcomes>" if most else ""
    found = read_any(item_xml(declared + when(A, "2"), asked), "i.xml", lambda _: None)
    (item,) = found.items
    assert item.points == points
    (problem,) = found.problems
    assert problem.element == "response_str" and words in problem.message
    both = CompositeResponse({"R": ChoiceResponse(("A",)), "S": TextResponse("vì thế", "extended")})
    scored = score(item, both)
    assert (scored.raw, scored.external) == (2, points - 2)


def test_spellings_side_by_side_are_alternatives_as_canvas_means_them() -> None:
    several = when('<varequal respident="R">một</varequal><varequal respident="R">1</varequal>')
    (item,) = read_any(item_xml(several, WORD), "i.xml", lambda _: None).items
    assert [score(item, TextResponse(text)).raw for text in ("1", "Một", "2")] == [1, 1, 0]


@pytest.mark.parametrize(
    ("data", "element", "words"),
    [
        (item_xml(when(f"<not>{A}</not>")), "item", "for no answer at all"),
        (item_xml(when("<other/>"), WORD.replace("_fib", "_fib fibtype='Decimal'").replace(
            "</render_fib fibtype='Decimal'>", "</render_fib>")), "item", "for no answer"),
        (item_xml(when(A)).replace(b"</item>", b"<itemproc_extension><calculated/>"
                                   b"</itemproc_extension></item>"), "calculated", "are drawn"),
    ],
)  # fmt: skip
def test_marks_that_need_no_answer_or_drawn_values_are_named(
    data: bytes, element: str, words: str
) -> None:
    found = read_any(data, "i.xml", lambda _: None)
    assert not found.items
    assert any(p.element == element and words in p.message for p in found.problems)


def test_utf_16_and_a_document_type_without_declarations_are_read() -> None:
    plain = item_xml(when(A))
    kinds = '<!DOCTYPE questestinterop SYSTEM "ims_qtiasiv1p2.dtd">'
    for data in (plain.decode().encode("utf-16"), kinds.encode() + plain):
        assert len(read_any(data, "i.xml", lambda _: None).items) == 1


@pytest.mark.parametrize("element", ["material", "flow", "flow_mat", "mattext", "response_lid"])
def test_nesting_without_end_is_an_error_of_the_item(element: str) -> None:
    deep = f"<{element}>" * 240 + f"</{element}>" * 240
    try:
        found = read_any(item_xml(when(A), deep), "i.xml", lambda _: None)
    except QuestionBankError:
        return
    assert not found.items and found.has_errors


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_off_anywhere_is_read_or_refused(name: str) -> None:
    file = PAPERS / name
    whole = zipped(file) if file.is_dir() else file.read_bytes()
    for end in range(0, len(whole), max(len(whole) // 60, 1)):
        with pytest.raises(QuestionBankError):
            read_any(whole[:end], f"{name.partition('.')[0]}.xml", lambda _: None)


def test_the_command_shows_a_package_of_canvas(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "canvas.imscc"
    file.write_bytes(zipped(PAPERS / "canvas"))
    assert main(["show", str(file), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["items"]) == 9 and shown["items"][0]["media"]
    assert main(["import", str(file), "--bank", str(tmp_path / "bank"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["imported"] == 9


@pytest.mark.parametrize("change", ["1e25", "99999999999999999999999999", "1e30"])
def test_marks_beyond_all_measure_are_an_error_of_the_item(change: str) -> None:
    found = read_any(item_xml(when(A, change)), "i.xml", lambda _: None)
    (problem,) = found.problems
    assert not found.items and problem.severity == "error"
    assert "marks of" in problem.message
