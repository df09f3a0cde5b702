"""Items out to a Word document and back: the same items and marks, and every loss is named."""

import io
import json
import re
import zipfile
from dataclasses import replace
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from item_builders import FIGURE, METADATA, cluster, multiple, numeric, options, single
from lxml import etree
from test_qti3 import PNG, TEXTS

from question_bank.assembly import BaseForm, BasePart
from question_bank.formulas import mathml_of
from question_bank.interactions import MultipleChoice, NumericEntry, SingleChoice, TrueFalseCluster
from question_bank.interchange.omml import mathml_of_omml
from question_bank.interchange.omml_writer import omml_of
from question_bank.interchange.problems import Exported, Imported
from question_bank.interchange.sameness import unlike
from question_bank.interchange.word import read_word
from question_bank.interchange.word.carried import PART
from question_bank.interchange.word.writer import write_word, write_word_without_key
from question_bank.item import Item, Option, Stimulus
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    MappedChoice,
    NumericKey,
)
from question_bank.records import item_to_plain
from tests.interaction_items import ITEMS, PASSAGE, cloze, inline, order

FORMULAS = (Path(__file__).parents[2] / "fixtures/formulas.txt").read_text().splitlines()
LATEX = [line.split("\t")[0] for line in FORMULAS if line and not line.startswith("#")]
NAMESPACES = (
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
)


def out(*items: Item, forms: tuple[BaseForm, ...] = ()) -> Exported:
    return write_word(items, forms)


def back(data: bytes) -> Imported:
    return read_word(data, "de.docx")


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(data: bytes, old: str, new: str, name: str = "word/document.xml") -> bytes:
    """The document as somebody has changed it in Word."""
    held = parts(data)
    text = held[name].decode()
    assert old in text
    held[name] = text.replace(old, new).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for part, content in held.items():
            archive.writestr(part, content)
    return target.getvalue()


TABLE = "<table><tbody><tr><td>A</td><td>B</td></tr><tr><td>12</td><td>x</td></tr></tbody></table>"
PICTURE = f'<img alt="đồ thị" src="media:{PNG.id}" width="90"/>'


def ordinary() -> list[Item]:
    """A paper as schools have it: what it says is not everything that the bank knows."""
    formula, display = mathml_of(r"\dfrac{1}{2}x^{2}"), mathml_of(r"x^2=4", display=True)
    worth = {"A": Decimal("0.5"), "C": Decimal("0.5"), "B": Decimal("-0.25")}
    passage = Stimulus("bai-doc", f"<p>Đoạn <i>văn</i> một.</p>{TABLE}<p>Đoạn văn hai.</p>")
    return [
        replace(single("de-1"), stem=f"<p>Tính {formula}, biết {display}</p>", media=()),
        replace(
            single("de-2"), stem=f"<p>Nhìn hình.</p><p>{PICTURE}</p>", media=(PNG,),
            explanation=f"<p>Vì {formula} là <b>số dương</b>.</p><p>Suy ra điều cần tìm.</p>",
        ),
        replace(multiple("de-3"), scoring=MappedChoice(worth, lower=Decimal(0)), metadata=METADATA),
        replace(single("de-4"), stimulus=passage, stem="Theo đoạn văn, chọn", media=()),
        replace(single("de-5"), stimulus=passage, stem="Ý nào đúng?", media=()),
        replace(inline(), id="de-6", media=(), points=Decimal("0.75")),
        cluster("de-7", "TFTT"),
        replace(cluster("de-8", "FFTF"), scoring=GradedCluster(tuple(map(Decimal, "01234"))),
                points=Decimal(4)),
        replace(cluster("de-9"), explanation="Xem sách."),
        numeric("de-10", "-1.5", "0.05"),
        replace(numeric("de-11", "2024"), points=Decimal("1.25")),
    ]  # fmt: skip


def test_an_ordinary_paper_comes_back_whole() -> None:
    items = ordinary()
    written = out(*items)
    assert written.problems == ()
    read = back(written.data)
    assert not read.has_errors
    found = {item.id: item for item in read.items}
    assert {item.id: unlike(item, found[item.id]) for item in items} == {i.id: () for i in items}
    assert '<img alt="đồ thị"' in found["de-2"].stem
    assert 'width="90"' in found["de-2"].stem


def test_a_form_is_the_paper_and_its_parts_count_from_one() -> None:
    items = ordinary()
    names = [item.id for item in items]
    form = BaseForm("f", "Đề kiểm tra", "Toán", 45, (
        BasePart("Trắc nghiệm", "<p>Đọc kĩ các câu.</p>", tuple(names[:6])),
        BasePart("Đúng sai", "", tuple(names[6:9])), BasePart("Trả lời ngắn", "", tuple(names[9:])),
    ))  # fmt: skip
    written = out(*items, forms=(form,))
    assert written.problems == ()
    read = back(written.data)
    found = {item.id: item for item in read.items}
    assert all(unlike(item, found[item.id]) == () for item in items)
    text = parts(written.data)["word/document.xml"].decode()
    assert "PHẦN III. Trả lời ngắn" in text
    assert "Thời gian làm bài: 45 phút" in text


SAFE = st.text(st.sampled_from("abcxyz đêơ 123"), min_size=3, max_size=20).map(
    lambda text: "z" + " ".join(text.split())
)
PIECES = st.one_of(
    SAFE,
    st.sampled_from(["x^2", r"\frac{a}{b}", r"\sqrt{x}"]).map(mathml_of),
    SAFE.map(lambda text: f"<b>{text}</b>"), SAFE.map(lambda text: f"H<sub>2</sub> {text}"),
)  # fmt: skip
LINES = st.lists(st.lists(PIECES, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=3)
CONTENT = LINES.map(lambda lines: "".join(f"<p>{line}</p>" for line in lines))


@st.composite
def papers(draw: st.DrawFn, content: st.SearchStrategy[str]) -> list[Item]:
    """One to five items of the kinds that a paper has."""
    made = []
    for number in range(draw(st.integers(1, 5))):
        texts = [draw(content) for _ in range(4)]
        shown = tuple(Option(name, text) for name, text in zip("ABCD", texts, strict=True))
        stem, points = draw(content), Decimal(draw(st.integers(1, 8))) / 4
        match draw(st.integers(0, 3)):
            case 0:
                right = ChoiceKey((draw(st.sampled_from("ABCD")),))
                item = Item("x", stem, SingleChoice(shown), right, AllOrNothing(), points)
            case 1:
                several = draw(st.sets(st.sampled_from("ABCD"), min_size=2, max_size=4))
                key = ChoiceKey(tuple(sorted(several)))
                item = Item("x", stem, MultipleChoice(shown), key, AllOrNothing(), points)
            case 2:
                truths = ClusterKey({name: draw(st.booleans()) for name in "ABCD"})
                table = GradedCluster((*(points * n / 8 for n in range(4)), points))
                item = Item("x", stem, TrueFalseCluster(shown), truths, table, points)
            case _:
                value = NumericKey(Decimal(draw(st.integers(-999, 999))) / 10)
                entry = NumericEntry(draw(st.integers(4, 9)))
                item = Item("x", stem, entry, value, AllOrNothing(), points)
        told = draw(st.one_of(st.just(""), content))
        metadata = replace(METADATA, language=draw(st.sampled_from(("vi", "en"))))
        made.append(replace(item, id=f"cau-{number}", explanation=told, metadata=metadata))
    return made


@pytest.mark.slow
@given(papers(CONTENT))
@settings(deadline=None, max_examples=60)
def test_any_paper_comes_back_or_is_named(items: list[Item]) -> None:
    written = out(*items)
    told = " ".join(problem.message for problem in written.problems)
    found = {item.id: item for item in back(written.data).items}
    for item in items:
        same = item.id in found and not unlike(item, found[item.id])
        assert same or f"{item.id}: " in told


@pytest.mark.slow
@given(papers(TEXTS))
@settings(deadline=None, max_examples=40)
def test_texts_that_look_like_labels_are_taken_or_named(items: list[Item]) -> None:
    written = out(*items)
    told = " ".join(problem.message for problem in written.problems)
    try:
        found = {item.id: item for item in back(written.data).items}
    except Exception as error:  # noqa: BLE001 - a document that is refused is named as well
        assert all(f"{item.id}: " in told for item in items), error
        return
    for item in items:
        same = item.id in found and not unlike(item, found[item.id])
        assert same or f"{item.id}: " in told


@pytest.mark.parametrize("latex", LATEX)
def test_a_formula_comes_back_as_it_was_written(latex: str) -> None:
    mathml = mathml_of(latex)
    item = replace(numeric(), stem=f"<p>Tính {mathml} nhé</p>")
    (again,) = back(out(item).data).items
    assert mathml in again.stem


@pytest.mark.parametrize("latex", LATEX)
def test_what_is_read_of_a_formula_is_written_the_same_again(latex: str) -> None:
    """Word's formulas, read and written, stay what they are."""

    def once(mathml: str) -> str:
        around = etree.fromstring(f"<x {NAMESPACES}>{omml_of(mathml)}</x>")
        reported: list[str] = []
        (read,) = mathml_of_omml(around[0], lambda name, _: reported.append(name))
        assert reported == []
        return read

    first = once(mathml_of(latex))
    second = once(first)
    assert once(second) == second


def test_what_somebody_changes_in_the_text_counts() -> None:
    data = out(*ordinary()).data
    (item,) = (i for i in back(changed(data, "Ý nào đúng?", "Ý nào sai?")).items if i.id == "de-5")
    assert item.stem == "Ý nào sai?"
    assert item.metadata == METADATA
    (item,) = (i for i in back(changed(data, "1,25 điểm", "2 điểm")).items if i.id == "de-11")
    assert item.points == 2
    (item,) = (i for i in back(changed(data, ">2024<", ">2025<")).items if i.id == "de-11")
    assert item.key == NumericKey(Decimal(2025))
    (item,) = (i for i in back(changed(data, "<m:t xml:space=\"preserve\">4<", "<m:t>5<")).items
               if i.id == "de-1")  # fmt: skip
    assert 'alttext="x^{2} =5"' in item.stem


def test_our_own_titles_are_nothing_to_tell_until_they_are_changed() -> None:
    form = BaseForm("f", "Đề kiểm tra", "Toán", 45, (BasePart("Một", "", ("a",)),
                                                     BasePart("Hai", "", ("b",))))  # fmt: skip
    data = out(numeric("a"), single("b"), forms=(form,)).data
    assert not back(data).problems
    told = back(changed(data, "Đề kiểm tra", "Kì thi")).problems
    assert [(p.element, "Kì thi" in p.message) for p in told] == [
        ("text outside of any question", True)
    ]


def test_a_paper_without_its_key_carries_nothing_of_it() -> None:
    held = parts(write_word_without_key(ordinary(), ()).data)
    assert PART not in held
    everything = b"".join(held.values()).decode(errors="replace")
    assert "ĐÁP ÁN" not in everything
    assert "Suy ra" not in everything
    assert "2024" not in everything
    assert "de-11" not in everything


HOSTILE = [
    "{", "[]", '{"questions": 1}', '{"questions": {"cau_1": 5}, "formulas": {}}',
    '{"questions": {"cau_1": {"id": "x"}}, "formulas": {}}', "null", "[" * 3000,
    '{"questions": {}, "formulas": {}, "around": 5}',
    '{"questions": {}, "formulas": {}, "around": [[]]}',
]  # fmt: skip


@pytest.mark.parametrize("told", HOSTILE)
def test_a_damaged_part_beside_the_text_is_as_good_as_none(told: str) -> None:
    data = out(numeric("a"), single("b")).data
    text = parts(data)[PART].decode()
    inner = re.search(r">(\{.*\})<", text)
    assert inner is not None
    read = back(changed(data, inner[1], told, PART))
    assert len(read.items) == 2
    assert {item.id for item in read.items}.isdisjoint({"a", "b"})


def test_formulas_beside_the_text_are_cleaned() -> None:
    mathml = mathml_of("x^2")
    data = out(replace(numeric(), stem=f"<p>Tính {mathml}</p>")).data
    held = json.loads(unescape(re.search(r">(\{.*\})<", parts(data)[PART].decode())[1]))  # type: ignore[index]
    (key,) = held["formulas"]
    for hostile in ("<script>alert(1)</script>", f"{mathml}<img src='media:x'/>", "<math", "x"):
        text = json.dumps({"questions": {}, "formulas": {key: hostile}})
        told = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        old = re.search(r">(\{.*\})<", parts(data)[PART].decode())[1]  # type: ignore[index]
        (item,) = back(changed(data, old, told, PART)).items
        assert 'alttext="x^{2}"' in item.stem
        assert "script" not in item.stem


def test_a_record_may_say_nothing_that_does_not_fit_the_text() -> None:
    """Ids, rules and points of another item change nothing of what stands in the document."""
    data = out(single("a"), single("b", right="C")).data
    held = json.loads(unescape(re.search(r">(\{.*\})<", parts(data)[PART].decode())[1]))  # type: ignore[index]
    held["questions"]["cau_1"]["options"] = ["A", "B"]
    text = json.dumps(held).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    old = re.search(r">(\{.*\})<", parts(data)[PART].decode())[1]  # type: ignore[index]
    first, second = back(changed(data, old, text, PART)).items
    assert (first.id, second.id) == ("a", "b")
    assert [option.id for option in first.interaction.options] == list("ABCD")  # type: ignore[union-attr]
    assert (first.key, second.key) == (ChoiceKey(("B",)), ChoiceKey(("C",)))


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_every_kind_comes_back(item: Item) -> None:
    """Kinds that no text tells whole, as long as nobody has changed what is told of them."""
    told = replace(item, explanation=f"<p>Vì {mathml_of('x^2')} và <i>thế</i>.</p>")
    written = out(numeric("before"), told, numeric("next"))
    assert {problem.element for problem in written.problems} <= {"picture", "areas"}
    found = {item.id: item for item in back(written.data).items}
    assert unlike(told, found[item.id]) == ()
    assert set(found) == {"before", item.id, "next"}


@pytest.mark.parametrize(
    ("old", "new"), [("B – C – A", "C – B – A"), ("1954", "1955"), ("Vì thế", "Do đó")]
)
def test_a_whole_record_counts_for_nothing_once_its_text_is_changed(old: str, new: str) -> None:
    data = out(replace(order(), explanation="Vì thế"), numeric("next")).data
    assert [item.id for item in back(data).items] == ["order", "next"]
    read = back(changed(data, old, new))
    assert [item.id for item in read.items] == ["next"]
    assert read.has_errors


LISTED = "<ul><li>một</li><li>hai</li></ul><blockquote>ba<br/>bốn</blockquote><code>x</code>"
SPANNED = (
    '<table><tbody><tr><th colspan="2">a</th></tr><tr><td>1</td><td>2</td></tr></tbody></table>'
)


@pytest.mark.parametrize(
    "stem", [LISTED, SPANNED, "a<br/>b", "<div><p>a</p></div>", "<p>$x$ rẻ</p>"]
)
def test_what_paper_has_no_structure_for_comes_back_until_it_is_changed(stem: str) -> None:
    item = replace(single(), stem=f"{stem}<p>Chọn ý đúng</p>", media=())
    written = out(item)
    assert written.problems == ()
    (again,) = back(written.data).items
    assert unlike(item, again) == ()
    (again,) = back(changed(written.data, "Chọn ý đúng", "Chọn ý sai")).items
    assert again.stem != item.stem
    assert "Chọn ý sai" in again.stem
    assert unlike(item, again) == ("stem",)


def test_numbers_in_a_passage_are_the_papers_and_come_back_as_places() -> None:
    reading = [replace(one, stimulus=PASSAGE) for one in (inline(), cloze())]
    written = out(*reading)
    text = parts(written.data)["word/document.xml"].decode()
    assert re.sub("<[^>]*>", "", text).count("(1) … (2)") == 1
    found = {item.id: item for item in back(written.data).items}
    assert [unlike(item, found[item.id]) for item in reading] == [(), ()]


def test_drawings_stand_behind_a_picture_for_older_programs() -> None:
    written = out(single())
    assert [problem.element for problem in written.problems] == ["picture"]
    (item,) = back(written.data).items
    assert [media.data for media in item.media] == [FIGURE.data]


def test_the_parts_of_a_file_are_xml_that_its_types_name() -> None:
    held = parts(out(*ordinary()).data)
    types = etree.fromstring(held["[Content_Types].xml"])
    named = {str(node.get("PartName")) for node in types if node.get("PartName")}
    endings = {str(node.get("Extension")) for node in types if node.get("Extension")}
    for name, data in held.items():
        if name.endswith((".xml", ".rels")):
            etree.fromstring(data)
        assert f"/{name}" in named or name.rpartition(".")[2] in endings
    assert {name.removeprefix("/") for name in named} <= set(held)
    relations = etree.fromstring(held["word/_rels/document.xml.rels"])
    targets = {str(node.get("Target")).removeprefix("../") for node in relations}
    assert {name if name == PART else f"word/{name}" for name in targets} <= set(held)


def test_a_file_is_reproducible() -> None:
    assert out(*ordinary()).data == out(*ordinary()).data


def test_two_questions_with_one_bookmark_are_two_items() -> None:
    """Somebody has copied a question, and its place with it."""
    data = out(numeric("a", "1"), numeric("b", "2")).data
    found = back(changed(data, 'w:name="cau_2"', 'w:name="cau_1"')).items
    assert len({item.id for item in found}) == 2


def test_records_hold_no_bytes_of_pictures() -> None:
    item = replace(single(), media=(PNG,), stem=f"<p>{PICTURE}</p>")
    data = parts(out(item).data)[PART]
    assert json.dumps(item_to_plain(item)["media"]) not in data.decode()
    assert len(data) < 3000


def test_options_stand_by_their_width() -> None:
    def lines(*texts: str) -> int:
        item = replace(single(), interaction=SingleChoice(options(*texts)), stem="x", media=())
        xml = parts(out(item).data)["word/document.xml"].decode()
        return xml.count('w:val="Options"')

    assert (lines(*"1234"), lines(*["z" * 30] * 4), lines(*["z" * 60] * 4)) == (1, 2, 4)
