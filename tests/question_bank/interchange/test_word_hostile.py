"""Word files from strangers: refused or cleaned, named, and bounded in time and memory."""

import io
import time
import zipfile
from pathlib import Path

import pytest

from fixtures.word.wordml import DECLARED, Package, formula, math, paragraph, png, run, table
from question_bank.cli import main
from question_bank.content import plain_text
from question_bank.errors import FileRefusedError
from question_bank.interchange.problems import Imported
from question_bank.interchange.word import read_word
from question_bank.item import ChoiceKey

pytestmark = pytest.mark.slow

QUESTION = ("Câu 1. Thủ đô của Pháp là", "A. Pa-ri.\tB. Li-ông.\tC. Mác-xây.\tD. Lin.", "Chọn A")


def _read(*blocks: str, package: Package | None = None) -> Imported:
    package = package or Package()
    package.add(*(blocks or QUESTION))
    return read_word(package.file(zipfile.ZIP_STORED), "de.docx")


def _with_part(name: str, data: bytes) -> bytes:
    """The plain paper with one part replaced or added."""
    package = Package()
    package.add(*QUESTION)
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package.file())) as plain, zipfile.ZipFile(held, "w") as made:
        for entry in plain.namelist():
            if entry != name:
                made.writestr(entry, plain.read(entry))
        made.writestr(name, data, zipfile.ZIP_DEFLATED)
    return held.getvalue()


BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
) + "]>"  # fmt: skip
XXE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BOMB, XXE], ids=["laughs", "xxe"])
@pytest.mark.parametrize("part", ["word/document.xml", "word/_rels/document.xml.rels"])
def test_a_document_type_is_refused(doctype: str, part: str) -> None:
    hostile = f"{doctype}<w:document {DECLARED}><w:body>&a;</w:body></w:document>".encode()
    with pytest.raises(FileRefusedError, match=r"DOCTYPE|not well-formed"):
        read_word(_with_part(part, hostile), "de.docx")


OPTIONS = "A. Pa-ri.\tB. Li-ông.\tC. Mác-xây.\tD. Lin."


@pytest.mark.parametrize("more", [("7. Thủ đô của Anh là", OPTIONS, "Chọn B"),
                                  ("7. Thủ đô của Anh là", OPTIONS),
                                  ("Câu cuối. Thủ đô của Anh là", OPTIONS, "Chọn A")])  # fmt: skip
def test_a_question_lost_in_a_solution_is_named(more: tuple[str, ...]) -> None:
    asked = ("Câu 6. Thủ đô của Pháp là", OPTIONS, "Chọn A", "Vì thế.")
    found = _read(*asked, *more, "Câu 8. Thủ đô của Áo là", OPTIONS, "Chọn C")
    assert [item.id for item in found.items] == ["de-6", "de-8"]
    told = [p for p in found.problems if p.element == "solution"]
    assert [(more[0] in p.message, p.severity) for p in told] == [
        (True, "error" if more[0][0] == "7" else "warning")
    ]
    steps = ("1. Tính.", "7. Loại trừ.", "A. Đúng.", "B. Sai.", "C. Sai.", "D. Sai.", "Chọn A")
    seventh = ("Câu 7. Thủ đô của Anh là", OPTIONS, "Chọn C")
    assert not _read(*asked, *steps, *seventh).problems


def test_a_question_without_diacritics_is_one() -> None:
    found = _read(*QUESTION, "Cau 2. Thu do cua Phap la", OPTIONS, "Chon A", "Đáp án: A")
    assert [item.id for item in found.items] == ["de-1", "de-2"]


def test_answers_stand_on_the_line_of_their_part() -> None:
    asked = ("PHẦN I. Một", *QUESTION[:2], "PHẦN II. Hai", *QUESTION[:2])
    found = _read(*asked, "BẢNG ĐÁP ÁN", "PHẦN I. 1.A", "PHẦN II: 1.B")
    assert [item.key for item in found.items] == [ChoiceKey(("A",)), ChoiceKey(("B",))]


def test_labels_in_a_sentence_are_told() -> None:
    found = _read("Câu 1. He (A) go (B) to school (C) every (D) day.", "Chọn B")
    assert [(p.element, p.severity) for p in found.problems] == [("options", "warning")]


def test_a_zip_bomb_is_refused() -> None:
    with pytest.raises(FileRefusedError, match="suspiciously much"):
        read_word(_with_part("word/media/image1.png", bytes(40_000_000)), "de.docx")


@pytest.mark.parametrize("name", ["../evil.xml", "/etc/passwd", "word/../../x"])
def test_a_path_out_of_the_file_is_refused(name: str) -> None:
    with pytest.raises(FileRefusedError, match="outside"):
        read_word(_with_part(name, b"x"), "de.docx")


def test_a_picture_outside_is_neither_read_nor_lost() -> None:
    package = Package()
    key = package.relate("image", "../../../../etc/passwd")
    linked = package.relate("image", "http://192.0.2.1/a.png", external=True)
    blips = f'<a:blip r:embed="{key}"/><a:blip r:link="{linked}"/>'
    found = _read(
        paragraph("Câu 1. Hình nào?", f"<w:r><w:drawing>{blips}</w:drawing></w:r>"),
        *QUESTION[1:], package=package,
    )  # fmt: skip
    assert [p.element for p in found.problems if p.severity == "error"] == ["blip", "blip"]
    assert found.items[0].stem == "Hình nào?[?][?]" and not found.items[0].media


def test_an_svg_with_a_script_is_left_out_and_named() -> None:
    package = Package()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    found = _read(paragraph("Câu 1. Hình nào? ", package.picture("a.svg", svg)), *QUESTION[1:],
                  package=package)  # fmt: skip
    assert not found.items[0].media
    assert any("script" in p.message for p in found.problems if p.severity == "error")


def test_text_that_looks_like_markup_stays_text() -> None:
    found = _read("Câu 1. Thẻ <script>alert(1)</script> & thẻ <b> khác gì?", *QUESTION[1:])
    assert found.items[0].stem.startswith("Thẻ &lt;script&gt;alert(1)&lt;/script&gt; &amp; thẻ")


def test_a_megabyte_formula_is_refused_by_name() -> None:
    office = paragraph("Câu 1. Tính ", formula(math("x" * 1_000_000)))
    found = _read(office, *QUESTION[1:])
    assert [p.message for p in found.problems] == ["a formula is too long"]
    latex = _read("Câu 1. Tính $" + "x^2+" * 30_000 + "1$", *QUESTION[1:])
    assert any(p.element == "formula" and p.severity == "error" for p in latex.problems)


def test_a_stem_without_end_is_refused_by_name() -> None:
    found = _read("Câu 1. " + "dài lắm " * 60_000, *QUESTION[1:])
    assert not found.items and "characters" in found.problems[-1].message


def test_deep_tables_are_refused() -> None:
    inside = paragraph("x")
    for _ in range(18):
        inside = table([inside])
    with pytest.raises(FileRefusedError, match="deep"):
        _read(*QUESTION, inside)


def test_deep_markup_gives_our_error() -> None:
    with pytest.raises(FileRefusedError):
        _read("<w:p>" + "<w:smartTag>" * 400 + run("x") + "</w:smartTag>" * 400 + "</w:p>")
    _read(*QUESTION, "<w:p>" + "<w:smartTag>" * 200 + run("x") + "</w:smartTag>" * 200 + "</w:p>")


@pytest.mark.parametrize(
    "text",
    [
        "A." * 50_000, "$" * 50_000, "\\(" * 50_000, "Câu 1 " * 20_000, "a) Đ " * 20_000,
        "1.A " * 20_000, "(" * 50_000, " " * 50_000 + "x", "*" * 50_000, "Đáp án " * 10_000,
        "A" * 50_000, "\t" * 50_000, "1" * 50_000, "Đ, " * 20_000,
    ],
)  # fmt: skip
def test_no_line_takes_for_ever(text: str) -> None:
    begin = time.thread_time()  # what else the machine does is not counted
    _read("Câu 1. Hỏi " + text, *QUESTION[1:])
    _read(*QUESTION, text, table([text[:200], "1"], ["B", text]))
    assert time.thread_time() - begin < 20


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.docx", b"PK\x03\x04nonsense"), ("b.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99))],
)
def test_what_is_no_document_gives_one_line(
    name: str, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    assert main(["show", str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_document_without_questions_says_how_they_begin() -> None:
    with pytest.raises(FileRefusedError, match="Câu 1"):
        _read("Kính gửi Ban Giám hiệu,")


def test_pictures_are_kept_once() -> None:
    package = Package()
    first, second = package.picture("a.png", png()), package.picture("b.png", png())
    found = _read(paragraph("Câu 1. Hình nào? ", first, second), *QUESTION[1:], package=package)
    assert len(found.items[0].media) == 1
    assert found.items[0].stem.count("<img") == 2


def test_a_question_whose_label_is_odd_is_read_or_named() -> None:
    """It used to become the last words of option D before it, and its key that question's."""
    options = ("A. x", "B. y", "C. z", "D. t")
    lettered = _read("Câu 1. Một?", *options, "Câu 2a. Hai?", *options, "Đáp án: B")
    assert [plain_text(item.stem) for item in lettered.items] == ["Hai?"]
    roman = _read("Câu 1. Một?", *options, "Chọn A", "Câu II. Hai?", *options, "Chọn D")
    assert [item.key for item in roman.items] == [ChoiceKey(("A",))]
    assert [problem.element for problem in roman.problems if problem.severity == "error"] == [
        "question"
    ]


def test_an_option_that_holds_another_row_of_options_is_named() -> None:
    options = ("A. x", "B. y", "C. z", "D. t")
    found = _read("Câu 1. Một?", *options, "7. Số trơn?", *options, "Chọn D")
    assert found.has_errors


@pytest.mark.parametrize("letters", ["ABDE", "ACBD", "ABCC", "ABBD"])
def test_labels_out_of_order_are_named(letters: str) -> None:
    options = [f"{letter}. {word}" for letter, word in zip(letters, "xyzt", strict=True)]
    assert _read("Câu 1. Một?", *options, "Chọn A").has_errors
