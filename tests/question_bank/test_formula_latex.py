"""MathML that comes without LaTeX: what it says in LaTeX, and that this says the same again."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from test_formulas import SCHOOL

from question_bank.content import MATH_ELEMENTS, MATHML, clean, plain_text, respelled
from question_bank.errors import FormulaError
from question_bank.formula_latex import latex_of_mathml
from question_bank.formulas import mathml_of

PAPERS = (Path(__file__).parents[2] / "fixtures" / "formulas.txt").read_text().splitlines()
ROWS = ("mrow", "mstyle", "mpadded")
INFERRED = ("mtd", "msqrt", "menclose", "mphantom")
# A bar of ink alone, which is no formula.
INK = r"\rule{1cm}{0.4pt}"


def math(inside: str) -> str:
    return f'<math xmlns="{MATHML}">{inside}</math>'


def shown(element: etree._Element) -> list[object]:
    """What a formula shows, without rows, spaces and the forms of letters and brackets."""
    found: list[object] = []
    for node in element:
        name, text = etree.QName(node).localname, node.text or ""
        if name in ROWS:
            found += shown(node)
        elif name == "mspace" or (name in ("mi", "mo", "mtext") and not text.strip()):
            continue
        elif len(node) or name in INFERRED:
            parts = [shown(node)] if name in INFERRED else [shown([one]) for one in node]
            found.append((name, node.get("linethickness"), parts))
        else:
            word = "word" if len(text) > 1 and name in ("mi", "mo") else name
            found.append((word, node.get("mathvariant"), text))
    return [_letter(one) if isinstance(one[-1], str) else one for one in found]


def _letter(leaf: tuple[str, str | None, str]) -> tuple[str, str | None, str]:
    """𝐚 is a bold a; an italic letter is a letter."""
    name, look, text = leaf
    styled = unicodedata.normalize("NFKC", text)
    if styled != text and unicodedata.name(text[0]).startswith("MATHEMATICAL"):
        look = unicodedata.name(text[0]).split()[1].lower()
    if look == "double-struck" and text == "N":
        look, text = None, "ℕ"
    if (name, text) == ("mo", "*"):
        look = None
    return name, None if look in ("italic", "sans-serif") else look, text if text == "ℕ" else styled


@pytest.mark.parametrize("latex", [one for one in (*SCHOOL, *PAPERS) if one != INK])
def test_a_school_formula_says_the_same_when_its_latex_was_lost(latex: str) -> None:
    first = etree.fromstring(mathml_of(latex))
    told = latex_of_mathml(first)
    again = etree.fromstring(mathml_of(told))
    assert shown(again) == shown(first), told
    assert latex_of_mathml(again) == told


@pytest.mark.parametrize(
    ("inside", "latex"),
    [
        ("<mfrac><mn>1</mn><mi>x</mi></mfrac>", r"\frac{1}{x}"),
        ("<msqrt><mi>x</mi></msqrt><mo>&#x2062;</mo><msup><mi>y</mi><mn>2</mn></msup>",
         r"\sqrt{x}y^{2}"),
        ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", r"\sqrt{x+1}"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", r"\sqrt[3]{x}"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", r"\left(a,b\right)"),
        ('<mfenced open="[" close=")" separators=";"><mi>α</mi><mn>2</mn></mfenced>',
         r"\left[\alpha;2\right)"),
        ("<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>", r"\sin x"),
        ("<munder><mi>lim</mi><mrow><mi>x</mi><mo>→</mo><mi>a</mi></mrow></munder>",
         r"\lim\limits_{x\rightarrow a}"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><msub><mi>a</mi><mi>i</mi></msub>",
         r"\sum\limits_{i}^{n}a_{i}"),
        ("<msubsup><mo>∫</mo><mn>0</mn><mn>1</mn></msubsup><mi>x</mi>", r"\int_{0}^{1}x"),
        ('<mo>(</mo><mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac><mo>)</mo>',
         r"\binom{n}{k}"),
        ("<mover><mi>v</mi><mo>→</mo></mover>", r"\vec{v}"),
        ("<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>¯</mo></mover>", r"\overline{AB}"),
        ("<munder><mi>x</mi><mi>a</mi></munder>", r"\underset{a}{x}"),
        ("<mtext>khi x &gt; 0 và 5%</mtext>", r"\text{khi x > 0 và 5\%}"),
        ("<mn>3,5</mn><mo>≤</mo><mi>π</mi><mi>r</mi>", r"3{,}5\leq\pi r"),
        ("<msup><mn>60</mn><mo>°</mo></msup>", r"60^{\circ}"),
        ("<msup><mi>f</mi><mo>′</mo></msup><mo>(</mo><mi>x</mi><mo>)</mo>", "f'(x)"),
        ("<msup><msup><mi>x</mi><mn>2</mn></msup><mn>3</mn></msup>", "{x^{2}}^{3}"),
        ("<mmultiscripts><mi>U</mi><mprescripts/><mn>92</mn><mn>235</mn></mmultiscripts>",
         "{}_{92}^{235}U"),
        ("<mo>{</mo><mtable><mtr><mtd><mi>x</mi></mtd></mtr><mtr><mtd><mi>y</mi></mtd></mtr>"
         "</mtable>", r"\begin{cases}x\\y\end{cases}"),
        ("<mo>(</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>"
         "<mo>)</mo>", r"\begin{pmatrix}1&2\end{pmatrix}"),
        ("<mstyle displaystyle='true'><mfrac><mi>a</mi><mi>b</mi></mfrac></mstyle>",
         r"\dfrac{a}{b}"),
        ("<mi mathvariant='bold'>u</mi><mi>đ</mi>", r"\mathbf{u}đ"),
        ("<mi>𝐚</mi>", r"\mathbf{a}"),
        ("<mpadded width='1em'><mphantom><mi>x</mi></mphantom></mpadded>", r"\phantom{x}"),
        ('<semantics><mi>x</mi><annotation encoding="LaTeX">\\tfrac12</annotation></semantics>',
         r"\tfrac12"),
    ],
)  # fmt: skip
def test_a_formula_without_latex_gets_its_own(inside: str, latex: str) -> None:
    reported: list[tuple[str, str]] = []
    cleaned = clean(math(inside), lambda name, message: reported.append((name, message)))
    assert etree.fromstring(cleaned).get("alttext") == latex and reported == []
    assert clean(cleaned) == respelled(cleaned) == cleaned
    assert plain_text(cleaned) == plain_text(math(inside)) == f"${latex}$"
    assert mathml_of(latex)  # what we write is LaTeX that we read


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ('<menclose notation="circle"><mn>1</mn><mi>x</mi></menclose>', "1 x"),
        ("<mfrac><mn>1</mn></mfrac>", "1"),
        ("<mrow>" * 70 + "<mn>1</mn><mi>x</mi>" + "</mrow>" * 70, "1 x"),
        ("<mn>1</mn><mi>x</mi>" * 4_000, " ".join(["1 x"] * 125)),
    ],
)
def test_what_has_no_latex_is_told_as_words_and_named(inside: str, words: str) -> None:
    reported: list[tuple[str, str]] = []
    cleaned = clean(math(inside), lambda name, message: reported.append((name, message)))
    assert plain_text(cleaned).startswith(rf"$\text{{[MathML: {words}")
    assert [name for name, _ in reported] == ["math"]
    with pytest.raises(FormulaError):
        latex_of_mathml(etree.fromstring(math(inside)))


def test_the_latex_that_a_file_gives_is_kept() -> None:
    given = f'<math xmlns="{MATHML}" alttext="1:x"><mfrac><mn>1</mn><mi>x</mi></mfrac></math>'
    assert clean(given) == given and plain_text(given) == "$1:x$"


def test_what_was_sealed_without_latex_stays_as_it_is() -> None:
    sealed = math("<mi>x</mi>")
    assert respelled(sealed) == sealed != clean(sealed)


_LEAVES = st.builds(
    "<{0}>{1}</{0}>".format,
    st.sampled_from(("mi", "mo", "mn", "mtext")),
    st.sampled_from(("x", "AB", "", "→", "⏟", "¯", "∑", "{", "°", "′", "\\", "đ", "lim")),
)
_ANY = st.recursive(
    _LEAVES,
    lambda inside: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>",
        st.sampled_from(sorted(MATH_ELEMENTS)),
        st.lists(inside, max_size=4),
    ),
    max_leaves=12,
)


@given(_ANY)
def test_whatever_stands_in_a_formula_is_told_or_named(inside: str) -> None:
    cleaned = clean(math(inside), lambda _, __: None)
    assert clean(cleaned) == respelled(cleaned) == cleaned
    assert plain_text(cleaned).startswith("$")


def test_a_base_that_holds_nothing_is_no_fault() -> None:
    assert "alttext" in clean(
        math("<munder><mover></mover><mi>x</mi></munder>"), lambda _, __: None
    )
