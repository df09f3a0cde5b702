"""The printable paper: what stands on it, that it is reproducible, and that it fetches nothing."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from item_builders import FIGURE, cluster, multiple, numeric, options, single
from PIL import ImageFile

from question_bank.assembly import BaseForm, BasePart
from question_bank.formulas import mathml_of
from question_bank.interactions import SingleChoice
from question_bank.interchange.paper.making import papers_of
from question_bank.interchange.paper.model import Paper
from question_bank.interchange.pdf import write_pdf, write_pdf_without_key
from question_bank.interchange.pdf.pages import Pictures, html_of
from question_bank.interchange.problems import ProblemLog
from question_bank.item import Item, Media
from tests.interaction_items import ITEMS, PASSAGE

PAPER = [single(), multiple(), cluster(), numeric()]


def papers(*items: Item, forms: tuple[BaseForm, ...] = ()) -> tuple[Paper, ...]:
    return papers_of(items, forms, ProblemLog("x"))


def page(*items: Item, key: bool = True, forms: tuple[BaseForm, ...] = ()) -> str:
    return html_of(papers(*items, forms=forms), "", {}, with_key=key)


def test_every_kind_is_printed_with_nothing_amiss() -> None:
    written = write_pdf([*PAPER, *ITEMS], ())
    assert written.data.startswith(b"%PDF-")
    assert written.problems == ()


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_every_item_has_its_question_and_its_key(item: Item) -> None:
    (paper,) = papers(item)
    (question,) = paper.questions
    assert question.label == "Câu 1."
    assert question.key
    assert question.key in page(item).replace("&#x27;", "'").replace("&amp;", "&")


KEYS = {
    "gap": "Hồ Chí Minh / Bác Hồ", "inline": "B", "order": "B – C – A", "match": "1–A, 2–B",
    "associate": "A–D, B–C", "gap-match": "A–(1), B–(2)", "hot-text": "B", "hotspot": "B",
    "graphic-gap": "1–A, 2–B, 3–C", "graphic-order": "C – B – A", "slider": "7,5",
    "composite": "(1) went; (2) A; (3) 3; (4) C; (5) người chấm", "essay": "người chấm",
    "point": "quanh điểm (200, 150)",
}  # fmt: skip


def test_keys_are_said_by_the_labels_of_the_sheet() -> None:
    told = {item.id: papers(item)[0].questions[0].key for item in ITEMS}
    assert {name: told[name] for name in KEYS} == KEYS
    assert (
        papers(replace(numeric(), metadata=replace(numeric().metadata, language="en")))[0]
        .questions[0]
        .key
        == "\N{MINUS SIGN}1.5"
    )
    assert papers(cluster())[0].questions[0].key == "Đ S Đ Đ"


def test_a_paper_without_its_key_holds_no_answer() -> None:
    explained = replace(single(), explanation="<p>Vì hai là số chẵn</p>")
    assert "ĐÁP ÁN" in page(explained)
    assert "số chẵn" in page(explained)
    bare = page(explained, key=False)
    assert "ĐÁP ÁN" not in bare
    assert "số chẵn" not in bare
    assert len(write_pdf_without_key([explained], ()).data) < len(write_pdf([explained], ()).data)


def test_items_without_a_form_are_parted_as_papers_are_since_2025() -> None:
    (paper,) = papers(numeric(), cluster(), single(), multiple())
    held = [[question.item.kind for question in section.questions] for section in paper.sections]
    assert held == [["single", "multiple"], ["tf_cluster"], ["numeric"]]
    assert [question.number for question in paper.questions] == [1, 2, 1, 1]
    assert "PHẦN II. Câu trắc nghiệm đúng sai" in page(numeric(), cluster(), single())


def test_forms_are_papers_of_their_own_and_other_items_a_last_one() -> None:
    part = BasePart("Đọc", "<p>Đọc kĩ.</p>", ("q-single", "q-cluster"))
    form = BaseForm("de-1", "Đề số 1", "Toán", 90, (part,))
    first, rest = papers(*PAPER, forms=(form,))
    assert (first.title, first.subject, first.minutes) == ("Đề số 1", "Toán", 90)
    assert [question.item.id for question in first.questions] == ["q-single", "q-cluster"]
    assert {question.item.id for question in rest.questions} == {"q-multiple", "q-numeric"}
    assert "Đọc kĩ." in page(*PAPER, forms=(form,))


def test_a_passage_stands_once_before_its_questions_with_their_numbers() -> None:
    reading = [replace(item, stimulus=PASSAGE) for item in ITEMS if item.id in ("inline", "cloze")]
    html = page(single(), *reading)
    assert html.count("Đoạn văn") == 1
    assert "Dựa vào thông tin dưới đây, trả lời câu 2 đến 3." in html
    assert "(<span>2</span>) … (<span>3</span>)" in html


def test_formulas_are_drawn_and_say_their_latex() -> None:
    pictures: Pictures = {}
    stem = f"<p>{mathml_of('x^2')}</p>"
    html = html_of(papers(replace(single(), stem=stem, media=())), "", pictures, with_key=False)
    (url,) = pictures
    assert pictures[url][1].startswith(b"<svg")
    assert f'src="{url}" alt="x^2"' in html


def test_short_options_stand_in_one_line_and_long_ones_below_each_other() -> None:
    def rows(*texts: str) -> int:
        return page(replace(single(), interaction=SingleChoice(options(*texts)))).count("<tr><td>")

    assert rows("1", "2", "3", "4") < rows(*["a" * 30] * 4) < rows(*["a" * 60] * 4)


@pytest.mark.slow
def test_the_same_items_give_the_same_bytes_in_any_process() -> None:
    code = (
        "import sys, hashlib; sys.path.insert(0, 'tests/question_bank')\n"
        "from item_builders import *\n"
        "from tests.interaction_items import ITEMS\n"
        "from question_bank.interchange.pdf import write_pdf\n"
        "print(hashlib.sha256(write_pdf([single(), cluster(), *ITEMS], ()).data).hexdigest())"
    )
    root = Path(__file__).parents[2]
    told = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "PATH": "/usr/bin"},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    here = hashlib.sha256(write_pdf([single(), cluster(), *ITEMS], ()).data).hexdigest()
    assert told == {f"{here}\n"}


def _svg(inside: str) -> bytes:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {names} width="9" height="9">{inside}</svg>'.encode()


HOSTILE = {
    "link": _svg('<image xlink:href="http://127.0.0.1:9/x.png" width="9" height="9"/>'),
    "file": _svg('<image href="file:///etc/passwd" width="9" height="9"/>'),
    "style": _svg("<style>@import url(http://127.0.0.1:9/x.css);</style>"),
    "damaged": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "no svg": b"<html/>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_picture_that_fetches_or_is_damaged_is_named_and_not_printed(name: str) -> None:
    mime = "image/png" if name == "damaged" else "image/svg+xml"
    item = replace(single(), media=(Media(FIGURE.id, mime, HOSTILE[name]),))
    written = write_pdf([item], ())
    assert "error" in {problem.severity for problem in written.problems}
    assert FIGURE.id in written.problems[0].message


def test_printing_leaves_pictures_that_were_cut_off_refused_elsewhere() -> None:
    """A portrait of which the end is missing must stay no portrait in the same process."""
    write_pdf([single("a")], [])
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_content_reaches_neither_files_nor_hosts(tmp_path: Path) -> None:
    """Whatever stands in a bank: markup is cleaned, and only the items' own pictures are read."""
    secret = tmp_path / "secret.txt"
    secret.write_text("x" * 50_000)
    stem = (
        f'<p><img src="file://{secret}"/><img src="media:none"/>'
        f'<object data="{secret}">x</object><link rel="attachment" href="file://{secret}"/>'
        '<style>@import "http://127.0.0.1:9/";</style></p>'
    )
    written = write_pdf([replace(numeric(), stem=stem)], ())
    assert len(written.data) < 50_000
    assert ["'media:none'" in problem.message for problem in written.problems] == [True]


def test_marks_of_html_in_names_are_text() -> None:
    form = BaseForm("f", "<b>Đề & thi</b>", "<i>", 9, (BasePart("<u>", "", ("q-single",)),))
    html = page(single(), forms=(form,))
    assert "&lt;b&gt;Đề &amp; thi&lt;/b&gt;" in html
    assert "<u>" not in html


def test_units_and_cells_stand_in_the_answer_line() -> None:
    html = page(replace(numeric(), points=Decimal(1)))
    assert html.count('<span class="cell"></span>') == 4
    assert html.index("</span> cm</p>") > 0
