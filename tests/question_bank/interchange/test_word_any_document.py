"""Any document gives items and problems or our error, and loses no word silently."""

import re
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.word.wordml import Package, formula, math, paragraph, run, table
from question_bank.content import plain_text
from question_bank.errors import FileRefusedError
from question_bank.interchange.problems import Imported
from question_bank.interchange.word import read_word
from question_bank.item import options_of

pytestmark = pytest.mark.slow

_ELEMENTS = (
    "p r t tbl tr tc ins del sdt sdtContent hyperlink fldSimple drawing pict object br tab sym "
    "pPr rPr numPr ilvl numId b u color vertAlign footnoteReference fldChar instrText altChunk "
    "txbxContent vanish moveFrom ruby rt rubyBase tblGrid trPr sectPr body"
)
ELEMENTS = _ELEMENTS.split()
LEAVES = st.sampled_from(
    ["Câu 1. Hỏi", "A. một B. hai", "Đáp án: A", "x", "$x^2$", "ĐSĐS", "1.A", ""]
)


def _element(name: str, inside: list[str], value: str) -> str:
    return f'<w:{name} w:val="{value}">{"".join(inside)}</w:{name}>'


TREES = st.recursive(
    LEAVES.map(lambda text: f"<w:t>{text}</w:t>"),
    lambda inner: st.builds(
        _element, st.sampled_from(ELEMENTS), st.lists(inner, max_size=4),
        st.sampled_from(["1", "0", "x", "begin", "end", "F061", "-1", ""]),
    ),
    max_leaves=25,
)  # fmt: skip


def _read(*blocks: str) -> Imported | None:
    package = Package()
    package.add(*blocks)
    package.numbering({1: [("decimal", "Câu %1."), ("upperLetter", "%2.")]})
    try:
        return read_word(package.file(zipfile.ZIP_STORED), "de.docx")
    except FileRefusedError:
        return None


@settings(max_examples=150)
@given(st.lists(TREES, min_size=1, max_size=4))
def test_any_markup_gives_items_or_our_error(trees: list[str]) -> None:
    _read(paragraph("Câu 1. Một cộng một bằng"), "<w:p/>", *trees, paragraph("A. hai B. ba"))


# Words that stand in no pattern, so that each must be found again.
WORDS = st.integers(0, 10**6).map(lambda number: f"từ{number}q")
INLINE = st.one_of(
    WORDS.map(run),
    WORDS.map(lambda word: run(word, bold=True)),
    WORDS.map(lambda word: run(f"{word}\t{word}")),
    WORDS.map(lambda word: f"<w:hyperlink>{run(word)}</w:hyperlink>"),
    WORDS.map(lambda word: f'<w:ins w:id="1">{run(word)}</w:ins>'),
    WORDS.map(lambda word: f"<w:del><w:r><w:delText>{word}</w:delText></w:r></w:del>"),
    WORDS.map(lambda word: run(word, hidden=True)),
    WORDS.map(lambda word: formula(math(word, "<m:nor/>"))),
    WORDS.map(lambda word: f"<w:sdt><w:sdtContent>{run(word)}</w:sdtContent></w:sdt>"),
    st.sampled_from(["Câu 2. ", "Câu 3: ", "A. ", "B. ", "C. ", "D. ", "Chọn A", "PHẦN II. ",
                     "Lời giải ", "Đáp án: B", "a) ", "b) ", "Read the passage "]).map(run),
)  # fmt: skip
PARAGRAPHS = st.lists(INLINE, min_size=1, max_size=5).map(lambda runs: paragraph(*runs))
BLOCKS = st.one_of(
    PARAGRAPHS,
    st.lists(st.lists(PARAGRAPHS, min_size=1, max_size=3), min_size=1, max_size=3).map(
        lambda rows: table(*rows)
    ),
)


@settings(max_examples=150)
@given(st.lists(BLOCKS, min_size=1, max_size=8))
def test_every_word_is_in_an_item_or_in_a_problem(blocks: list[str]) -> None:
    found = _read(paragraph("Câu 1. Hỏi"), *blocks)
    assert found is not None
    told = " ".join(
        [
            *(problem.message for problem in found.problems),
            *(plain_text(item.stem) for item in found.items),
            *(plain_text(o.content) for item in found.items for o in options_of(item.interaction)),
            *(plain_text(item.explanation) for item in found.items),
            *(plain_text(i.stimulus.content) for i in found.items if i.stimulus is not None),
        ]
    )
    written = re.findall(r"từ\d+q", " ".join(blocks))
    assert [word for word in written if word not in told] == []
