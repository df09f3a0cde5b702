"""Moodle XML, GIFT and Aiken in: what the model has is taken, every other type is named."""

import base64
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from question_bank.content import plain_text
from question_bank.errors import FileRefusedError
from question_bank.interchange.formats import read_any
from question_bank.interchange.moodle import read_aiken, read_gift, read_moodle_xml
from question_bank.interchange.moodle.html import content_of
from question_bank.interchange.problems import Imported
from question_bank.item import ChoiceKey, Item, NumericEntry, NumericKey, options_of
from question_bank.response import ChoiceResponse, NumericResponse
from question_bank.scoring import score

VECTORS = Path(__file__).parents[2] / "../shared/vectors/moodle"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def read(data: bytes, file: str) -> Imported:
    return read_any(data, file, lambda _: None)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (r"<p>Cho \(a<b\) và <b>x</b></p>", "Cho $a<b$ và x"),
        (r"\(0<x<y\le 1\) <i>hay</i> \[y<z>0\]", r"$0<x<y\le 1$ hay $y<z>0$"),
        (r"<p>$$a<b c$$</p>", "$a<b c$"),
        (r"<p>\(a&lt;b\)</p>", "$a<b$"),
        (r"<p>\(<b>x</b>\) và \(y<br/>\)</p>", r"\(x\) và \(y \)"),
        (r"<p>\(a</p><div>b\)</div>", r"\(a b\)"),
    ],
)
def test_less_than_in_a_formula_is_no_tag(html: str, text: str) -> None:
    told: list[str] = []
    content = content_of(html, lambda _, message: told.append(message), lambda _: None)
    assert (plain_text(content), told) == (text, [])


def test_a_question_with_less_than_is_taken() -> None:
    xml = (
        '<quiz><question type="shortanswer"><name><text>x</text></name><questiontext format="html">'
        r"<text><![CDATA[<p>Cho \(a<b\), <b>x</b> là</p>]]></text></questiontext>"
        '<answer fraction="100"><text>1</text></answer></question></quiz>'
    )
    found = read_moodle_xml(xml.encode(), "a.xml")
    assert plain_text(found.items[0].stem) == "Cho $a<b$, x là" and not found.has_errors


def gift(text: str) -> Imported:
    return read_gift(text.encode(), "a.gift")


def one(text: str) -> Item:
    found = gift(text)
    assert len(found.items) == 1, found.problems
    return found.items[0]


def _vectors() -> list[Path]:
    return sorted(p for p in VECTORS.glob("*/*/*") if p.suffix in (".xml", ".txt"))


def test_every_vector_is_taken_or_named() -> None:
    if not VECTORS.exists():
        pytest.skip("the vectors are not here")
    expected = json.loads((VECTORS / "expected.json").read_text())
    counted = 0
    for path in _vectors():
        wanted = expected.get(str(path.relative_to(VECTORS)), {}).get("questions")
        found = read(path.read_bytes(), path.name)
        errors = [p for p in found.problems if p.severity == "error"]
        assert found.items or errors
        if wanted is not None:
            total = wanted if isinstance(wanted, int) else sum(wanted.values()) - wanted["category"]
            assert len(found.items) + len(errors) == total, path
            counted += 1
    assert counted == len(expected)


@pytest.mark.parametrize(
    ("text", "kind", "stem", "key"),
    [
        ("Q{~a =b ~c}", "single", "Q", ["B"]),
        ("Grant is {~a =b} here.", "single", "Grant is _____ here.", ["B"]),
        ("::N:: Q {T}", "single", "Q", ["A"]),
        ("Q {FALSE#sai}", "single", "Q", ["B"]),
        ("Q {~%50%a ~%50%b ~c}", "multiple", "Q", ["A", "B"]),
        ("[html]<b>Q</b> \\(x^2\\){=a ~b}", "single", "Q $x^2$", ["A"]),
        ("[plain]a < b{=a ~b}", "single", "a < b", ["A"]),
        (r"Q \{1\} {=\~a ~\#b}", "single", "Q {1}", ["A"]),
        ("Q{\n\n=a\n\n~b\n}", "single", "Q", ["A"]),
        ("// chú thích\nQ{=a ~b}", "single", "Q", ["A"]),
    ],
)
def test_gift(text: str, kind: str, stem: str, key: list[str]) -> None:
    item = one(text)
    assert (item.kind, plain_text(item.stem)) == (kind, stem)
    assert isinstance(item.key, ChoiceKey)
    assert list(item.key.options) == key


@pytest.mark.parametrize(
    ("text", "value", "tolerance"),
    [("{#1822}", "1822", "0"), ("{#3,14:0,01}", "3.14", "0.01"), ("{#1..2}", "1.5", "0.5"),
     ("{#\n=5:1\n=%50%7:0}", "5", "0"), ("{#-2}", "-2", "0")],
)  # fmt: skip
def test_gift_numbers(text: str, value: str, tolerance: str) -> None:
    item = one("Q" + text)
    assert item.key == NumericKey(Decimal(value))
    assert isinstance(item.interaction, NumericEntry)
    assert item.interaction.tolerance == Decimal(tolerance)
    assert score(item, NumericResponse(value)).raw == 1


def test_gift_parts_of_marks_are_scored() -> None:
    item = one("Q{=right ~%50%half ~%-25%bad ~no}")
    marks = [score(item, ChoiceResponse((letter,))).raw for letter in "ABCD"]
    assert marks == [1, Decimal("0.5"), Decimal("-0.25"), 0]
    several = one("Q{~%50%a ~%50%b ~%-100%c}")
    for chosen, wanted in (("AB", 1), ("A", Decimal("0.5")), ("AC", 0), ("C", 0)):
        assert score(several, ChoiceResponse(tuple(chosen), "multiple")).raw == wanted


def test_gift_categories_names_and_general_feedback() -> None:
    item = one("$CATEGORY: Toán/Hàm số\n\n::H1::Q{=a#đúng ~b####Vì thế.}")
    assert (item.metadata.topic, item.metadata.code) == ("Toán/Hàm số", "H1")
    assert plain_text(item.explanation) == "Vì thế."


@pytest.mark.parametrize(
    "text",
    ["Q{=%50%a}", "Q{=a->b =c}", "Q{=a->b}", "Q{a}", "Q", "Q{=a ~b}{=c}", "Q{=a ~b", "{=a ~b}",
     "Q{#x}", "Q{~a ~b}", "Q{=}", "Q{#1e999999999}", "Q{#=1 ~2}", ""],
)  # fmt: skip
def test_gift_that_cannot_be_taken_is_named(text: str) -> None:
    found = gift("\n\n" + text)
    assert not found.items
    assert [p.severity for p in found.problems] == ["error"]


def test_an_open_brace_takes_no_later_question() -> None:
    text = "::a::Q{=a ~b}\n\n::b::R{=a ~b\n\n::c::S{\n\n=a\n\n~b}\n\nT{=a ~b\n\n// x {\nU {=a ~b}"
    found = gift(text)
    assert [plain_text(item.stem) for item in found.items] == ["Q", "S", "U"]
    assert [(p.severity, p.line) for p in found.problems] == [("error", 3), ("error", 11)]


def test_a_picture_that_is_missing_is_an_error_in_texts_too() -> None:
    for found in (
        gift('[html]Q <img src="a.png" alt="x"/>{=a ~b}'),
        read_any(b'Q <img src="a.png" alt="x"/> {1:SA:=a}', "a.txt", lambda _: None),
    ):
        errors = [p for p in found.problems if p.severity == "error"]
        assert [(p.element, "a.png" in p.message) for p in errors] == [("img", True)]


@pytest.mark.parametrize(
    ("text", "items", "line"),
    [
        ("Q\nA) a\nB) b\nANSWER: B\n", 1, None),
        ("Q\nA. a\nB. b\nANSWER: B", 1, None),
        ("Q\nA) a\nB) b\nANSWER: C\n", 0, 1),
        ("Q\nA) a\nC) b\nANSWER: A\n", 0, 1),
        ("\nQ\nA) a\nB) b\n", 0, 2),
        ("Q\nA) a\nB) b\nR\nA) a\nB) b\nANSWER: A", 1, 1),
        ("ANSWER: A\n", 0, 1),
        ("Q\nA) a\nANSWER: A\n", 0, 1),
    ],
)
def test_aiken(text: str, items: int, line: int | None) -> None:
    found = read_aiken(text.encode(), "a.txt")
    assert len(found.items) == items
    assert [p.line for p in found.problems] == ([] if line is None else [line])


def _quiz(body: str) -> bytes:
    return f"<quiz><question type='multichoice'>{body}</question></quiz>".encode()


def _text(name: str, words: str, more: str = "") -> str:
    return f"<{name} format='html'><text><![CDATA[{words}]]></text>{more}</{name}>"


ANSWERS = (
    "<answer fraction='100'><text>a</text></answer><answer fraction='0'><text>b</text></answer>"
)


def test_moodle_xml_takes_pictures_and_cleans_what_runs() -> None:
    file = f"<file name='a.png' encoding='base64'>{base64.b64encode(PNG).decode()}</file>"
    words = '<p onclick="x()">Q &nbsp;<script>x()</script><img src="@@PLUGINFILE@@/a.png"><br></p>'
    found = read_moodle_xml(_quiz(_text("questiontext", words, file) + ANSWERS), "a.xml")
    item = found.items[0]
    assert [media.data for media in item.media] == [PNG]
    assert "script" not in item.stem
    assert "onclick" not in item.stem
    assert {p.element for p in found.problems} == {"script", "p"}


def test_moodle_xml_names_feedback_and_files_that_are_not_kept() -> None:
    file = "<file name='a.mp3' encoding='base64'>AAAA</file>"
    body = _text("questiontext", "Q", file) + ANSWERS + _text("hint", "Gợi ý")
    body += "<tags><tag><text>x</text></tag></tags>"
    found = read_moodle_xml(_quiz(body), "a.xml")
    assert [p.element for p in found.problems] == ["tag", "file", "hint"]
    assert not found.has_errors


@pytest.mark.parametrize(
    "body",
    [ANSWERS, _text("questiontext", "Q"), _text("questiontext", "Q") + ANSWERS.replace("100", "x"),
     _text("questiontext", "Q") + ANSWERS + "<defaultgrade>x</defaultgrade>",
     _text("questiontext", "Q") + ANSWERS + "<defaultgrade>-1</defaultgrade>",
     _text("questiontext", "Q" * 300_000) + ANSWERS],
)  # fmt: skip
def test_moodle_xml_that_is_damaged_is_named(body: str) -> None:
    found = read_moodle_xml(_quiz(body), "a.xml")
    assert not found.items
    assert found.has_errors


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<quiz",
        b"<other/>",
        b"<quiz/>",
        b'<!DOCTYPE q [<!ENTITY a "b">]><quiz>&a;</quiz>',
        b"\xff",
    ],
)
def test_what_is_no_moodle_xml_is_refused(data: bytes) -> None:
    with pytest.raises(FileRefusedError):
        read_moodle_xml(data, "a.xml")


_PARTS = st.sampled_from(
    [
        "{",
        "}",
        "=",
        "~",
        "#",
        "%50%",
        ":",
        "::",
        "->",
        "\\",
        "T",
        "1",
        "..",
        "\n",
        "\n\n",
        "a",
        " ",
        "A) ",
        "B. ",
        "ANSWER: A",
        "[html]",
        "<b>",
        "$CATEGORY: ",
        "//",
        "####",
        "\\(",
        "\\)",
        "$$",
        "&",
    ]
)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.lists(_PARTS, max_size=25).map("".join) | st.text(max_size=60))
def test_any_text_is_read_or_named(text: str) -> None:
    for reader in (read_gift, read_aiken):
        try:
            found = reader(text.encode(errors="replace"), "a.txt")
        except FileRefusedError:
            continue
        assert found.items or found.problems
        for item in found.items:
            assert len(options_of(item.interaction)) != 1


def test_a_picture_in_its_address_is_taken_and_one_that_is_missing_is_an_error() -> None:
    """An option that is a picture must not become an empty one with a warning."""
    png = base64.b64encode(PNG).decode()
    shown = f'<img src="data:image/png;base64,{png}"/>'
    missing = '<img src="https://example.org/hinh.png"/>'
    text = (
        "<quiz><question type='multichoice'><name><text>n</text></name><questiontext format='html'>"
        f"<text><![CDATA[<p>Q {missing}</p>]]></text></questiontext><defaultgrade>1</defaultgrade>"
        f"<answer fraction='100'><text><![CDATA[{shown}]]></text></answer>"
        "<answer fraction='0'><text>b</text></answer></question></quiz>"
    )
    found = read_moodle_xml(text.encode(), "de.xml")
    (item,) = found.items
    assert [media.data for media in item.media] == [PNG]
    assert "media:" in options_of(item.interaction)[0].content
    errors = [problem for problem in found.problems if problem.severity == "error"]
    assert [(problem.element, "hinh.png" in problem.message) for problem in errors] == [
        ("picture", True)
    ]


@pytest.mark.parametrize("name", ["video", "iframe"])
def test_what_a_text_shows_and_is_missing_is_an_error(name: str) -> None:
    shown = f'<p>Xem <{name} src="a"></{name}></p>'
    told = f"<questiontext format='html'><text><![CDATA[{shown}]]></text></questiontext>"
    answers = "".join(
        f"<answer fraction='{fraction}'><text>{truth}</text></answer>"
        for fraction, truth in ((100, "true"), (0, "false"))
    )
    asked = f"<name><text>q</text></name>{told}{answers}"
    xml = f"<quiz><question type='truefalse'>{asked}</question></quiz>"
    for found in (read(xml.encode(), "de.xml"), gift(f"::q::[html]{shown} {{T}}")):
        assert [(p.severity, p.element) for p in found.problems] == [("error", name)]


@pytest.mark.parametrize("sign", ["\x15", "\x01", "\x1f", "\ufffe"])
def test_signs_that_no_content_may_have_become_blanks_and_are_told(sign: str) -> None:
    """They stood in an item that could not be shown."""
    texts = {
        "de.gift": f"::q:: Hỏi{sign}gì? {{=một{sign}hai~ba}}",
        "de.txt": f"Hỏi{sign}gì?\nA. một{sign}hai\nB. ba\nANSWER: A\n",
    }
    for file, text in texts.items():
        found = read(f"\n{text}".encode(), file)
        (item,) = found.items
        assert [plain_text(o.content) for o in options_of(item.interaction)] == ["một hai", "ba"]
        assert plain_text(item.stem) == "Hỏi gì?"
        assert [(p.line, p.element, p.severity) for p in found.problems] == [(2, "text", "warning")]
