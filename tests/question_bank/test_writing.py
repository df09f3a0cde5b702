r"""Plain fields: text, formulas and a few tags become content, and content becomes text again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.content import clean, plain_text
from question_bank.errors import ContentError, FormulaError
from question_bank.formulas import mathml_of
from question_bank.writing import content_from, text_from


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("Một dòng", "Một dòng"),
        ("a\nb", "a<br/>b"),
        ("a\r\n\r\nb\nc", "<p>a</p><p>b<br/>c</p>"),
        ("<b>đậm</b> và H<sub>2</sub>O", "<b>đậm</b> và H<sub>2</sub>O"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("giá 5\\$", "giá 5$"),
        ("", ""),
        ("&lt;b&gt; là thẻ", "&lt;b&gt; là thẻ"),
        ('<img alt="" src="media:h1"/>', '<img alt="" src="media:h1"/>'),
    ],
)
def test_text_becomes_content_and_text_again(text: str, content: str) -> None:
    made = content_from(text)
    assert made == content
    assert content_from(text_from(made)) == made


def test_a_formula_keeps_its_latex() -> None:
    made = content_from(r"Cho $a<b$ và $$\frac{1}{2}$$")
    assert mathml_of("a<b") in made and mathml_of(r"\frac{1}{2}", display=True) in made
    assert text_from(made) == r"Cho $a<b$ và $$\frac{1}{2}$$"


@pytest.mark.parametrize("text", [r"$\frac{1}{2", "chỉ một $ thôi", r"$\khongco$", r"$\frac{1$"])
def test_a_formula_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(FormulaError):
        content_from(text)


def test_what_runs_is_text_and_broken_tags_are_an_error() -> None:
    assert plain_text(content_from("<script>x</script>")) == "<script>x</script>"
    with pytest.raises(ContentError):
        content_from("<b>không đóng")


def test_mathml_without_latex_stands_as_it_is() -> None:
    math = clean('<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>x</mi></math>')
    assert text_from(math) == math
    assert content_from(text_from(math)) == math


def test_a_table_stays_a_table() -> None:
    table = "<p>Bảng</p><table><tr><td>1</td><td>2</td></tr></table>"
    assert content_from(text_from(table)) == table


WORDS = st.text(st.sampled_from("ađ <>&;/\\\"'\n1btg#xlp"), max_size=40)


@given(WORDS)
def test_what_was_made_from_a_text_stays_the_same_for_ever(text: str) -> None:
    try:
        made = content_from(text)
    except ContentError:
        return
    assert content_from(text_from(made)) == made
