"""Formulas: what schools write is drawn, its LaTeX comes back, and nothing hostile passes."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ziamath.zmath import Math

from question_bank.chemistry import latex_of
from question_bank.content import MATHML, clean
from question_bank.errors import FormulaError
from question_bank.formulas import MAX_LATEX, mathml_of, source_of

SCHOOL = (
    r"y=\dfrac{2x+1}{x-1}",
    r"\tfrac12\cdot\frac{a}{b}",
    r"\sqrt[3]{x^2+1}\ne 0",
    r"\sqrt 2",
    r"\vec{u}\cdot\overrightarrow{AB}=\vv{CD}",
    r"\widehat{ABC}=60^\circ",
    r"\overline{abc}",
    r"\displaystyle\lim_{x\to+\infty}\dfrac{2x+1}{x-1}=2",
    r"\lim\limits_{n\to\infty}u_n",
    r"\displaystyle\int_0^1 2x\,dx",
    r"\int\limits_{-1}^{1}f(x)\,\mathrm{d}x",
    r"\sum\limits_{k=0}^{n}\mathrm{C}_n^k=2^n",
    r"\begin{cases}x+y=1\\x-2y=3\end{cases}",
    r"\left[\begin{array}{l}x=1\\x=2\end{array}\right.",
    r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
    r"\begin{vmatrix}a&b\\c&d\end{vmatrix}",
    r"\begin{aligned}y'&=1\\&=2x-3\end{aligned}",
    r"\left(\dfrac{1}{2}\right)^{n}",
    r"\left.F(x)\right|_0^1",
    r"\left\{-1;0\right\}",
    r"\mathbb{R}\setminus\{0\}",
    r"D=\mathbb{R}\backslash\left\{1\right\}",
    r"AB\parallel CD\perp EF",
    r"\text{nếu $x>0$ và }y\le 1",
    r"S_{\text{đáy}}=5\text{ cm}^2",
    r"50\%",
    r"20\,^\circ\mathrm{C}",
    r"\heva{&x+y=1\\&x-y=3}",
    r"\hoac{&x=1\\&x=\dfrac{1}{2}}",
    r"\heva{x>1\\x<2}",
    r"\heva{&\hoac{&x=1\\&x=2}\\&y\ge 0}",
    r"1{,}5\cdot 10^{-3}",
    r"x\in(-\infty;2]\cup[3;+\infty)",
    r"\mathscr{C}\colon y=f'(x)",
    r"f''(x)=0",
    r"\log_2 8=3\Leftrightarrow 2^3=8",
    r"a\,\vdots\,3",
    r"P(A\mid B)\not=0",
    r"\overset{\frown}{AB}",
    r"\complement_{\mathbb{R}}A",
    r"\mathop{\lim}\limits_{x\to 1}",
    r"\max\limits_{[0;1]}f(x)",
    r"\SI{9,8}{m/s^2}",
    r"\num{1.5}",
    r"\triangle ABC\backsim\triangle DEF",
    r"\operatorname{ƯCLN}(a,b)",
    r"\boldsymbol{x}",
    r"\begin{array}{|c|c|}\hline x&1\\\hline y&2\\\hline\end{array}",
    r"\Delta=b^2-4ac>0",
    r"\ce{H2SO4}",
    r"\ce{SO4^2- + Ba^2+ -> BaSO4 v}",
    r"\ce{2H2 + O2 ->[t^\circ][xt] 2H2O}",
    r"\ce{N2 + 3H2 <=>[$t^\circ$, xt] 2NH3}",
    r"\ce{CuSO4.5H2O}",
    r"\ce{^{227}_{90}Th+}",
    r"\ce{CH3-CH=CH2}",
    r"\ce{CH#CH}",
    r"\ce{CaCO3 ->[t^o] CaO + CO2 ^}",
    r"n_{\ce{CO2}}=0{,}1",
    r"\ce{[Cu(NH3)4]^2+ (aq)}",
    r"\ce{CH3COOH <=> CH3COO- + H+}",
    r"\ce{->[H2SO4 \text{đặc}]}",
)


@pytest.mark.slow
def test_no_school_formula_is_refused() -> None:
    lines = (Path(__file__).parents[2] / "fixtures" / "formulas.txt").read_text().splitlines()
    assert len(lines) > 100
    for latex in lines:
        element = ElementTree.fromstring(mathml_of(latex))
        assert element.get("alttext") == latex
        assert Math(element).svg().startswith("<svg")


@pytest.mark.parametrize("latex", SCHOOL)
def test_school_formulas_are_drawn_and_keep_their_latex(latex: str) -> None:
    mathml = mathml_of(latex)
    element = ElementTree.fromstring(mathml)
    assert element.get("alttext") == latex
    assert clean(mathml) == mathml
    assert Math(element).svg().startswith("<svg")


def _words(latex: str) -> str:
    return "".join(ElementTree.fromstring(mathml_of(latex)).itertext())


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"1{,}5", "1,5"),
        (r"2.000.000", "2.000.000"),
        (r"\text{5 cm}", "5\N{NO-BREAK SPACE}cm"),
        (r"x<y", "x<y"),
        (r"\text{a<b & c}", "a<b\N{NO-BREAK SPACE}&\N{NO-BREAK SPACE}c"),
        (r"5cm", "5cm"),
        (r"50\%", "50%"),
        (r"\heva{&x=1\\&y=2}", "{x=1y=2"),
        (r"A % a remark", "A"),
        (r"\ce{CuSO4.5H2O}", "CuSO4·5H2O"),
    ],
)
def test_what_a_formula_says(latex: str, words: str) -> None:
    assert _words(latex) == words


def test_upright_letters_are_marked() -> None:
    assert '<mi mathvariant="normal">d</mi>' in mathml_of(r"\mathrm{d}x")
    assert "<mi>x</mi>" in mathml_of(r"\mathrm{d}x")


def test_limits_stand_below_in_display_style_alone() -> None:
    assert "<munder>" in mathml_of(r"\displaystyle\lim_{x\to 0}x")
    assert "<munder>" in mathml_of(r"\lim_{x\to 0}x", display=True)
    assert "<munder>" not in mathml_of(r"\lim_{x\to 0}x")
    assert "<munder>" not in mathml_of(r"\dfrac{\lim_{x\to 0}x}{2}")


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("H2O", r"\mathrm{H}_{2}\mathrm{O}"),
        ("SO4^2-", r"\mathrm{SO}_{4}^{2-}"),
        ("NH4+", r"\mathrm{NH}_{4}^{+}"),
        ("Cl-", r"\mathrm{Cl}^{-}"),
        ("C-C", r"\mathrm{C}{-}\mathrm{C}"),
        ("1/2O2", r"\frac{1}{2}\,\mathrm{O}_{2}"),
        ("^14_6C", r"{}^{14}_{6}\mathrm{C}"),
        ("Fe^{III}", r"\mathrm{Fe}^{\mathrm{III}}"),
        ("A ->[a][b] B", r"\mathrm{A} \xrightarrow[{\mathrm{b}}]{\mathrm{a}} \mathrm{B}"),
        (r"C\bond{#}N", r"\mathrm{C}{\equiv}\mathrm{N}"),
        ("CO2 ^", r"\mathrm{CO}_{2} \uparrow "),
        ("(NH4)2S", r"(\mathrm{NH}_{4})_{2}\mathrm{S}"),
    ],
)
def test_chemistry(formula: str, latex: str) -> None:
    assert latex_of(formula) == latex


@pytest.mark.parametrize(
    "latex",
    [
        "",
        "   ",
        r"\foo{x}",
        r"\frac{1}",
        "x_",
        "{",
        "}",
        r"\left(x",
        r"\right)",
        "a & b",
        "#1",
        r"\begin{cases}x",
        r"\end{cases}",
        r"\begin{tikzpicture}\end{tikzpicture}",
        "x\x00y",
        r"\input{/etc/passwd}",
        r"\def\a{\a\a}\a",
        r"\newcommand{\x}{y}\x",
        r"\href{http://x}{y}",
        r"\ce{H2",
        r"\ce{A ->[}",
        r"\ce{_}",
        r"\ce{$x}",
        r"\ce{\bond{x}}",
        r"\SI{1}{\parsec}",
        "x^1^2",
        "\\",
    ],
)
def test_what_is_no_formula_is_refused(latex: str) -> None:
    with pytest.raises(FormulaError) as refusal:
        mathml_of(latex)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "latex",
    [
        "x" * 1_000_000,
        "{" * 5_000 + "}" * 5_000,
        r"\vec" * 2_400 + "x",
        r"\frac" * 1_900,
        r"\heva{" * 1_500 + "x" + "}" * 1_500,
        r"\left(" * 900 + r"\right)" * 900,
        "x^" * 4_000 + "1",
        r"\ce{" * 1_000 + "}" * 1_000,
        r"\text{" * 1_000 + "}" * 1_000,
        r"\sqrt[" * 1_500,
        r"\not" * 2_000,
        r"\heva{" * 29 + r"\heva{x}" * 900 + "}" * 29,
        r"\begin{cases}" * 700,
        "'" * 9_000 + "^{2}",
    ],
)
def test_bombs_end_in_our_error(latex: str) -> None:
    with pytest.raises(FormulaError):
        mathml_of(latex)


def test_a_formula_at_the_limit_is_taken() -> None:
    assert mathml_of("x+" * (MAX_LATEX // 2 - 1) + "y").count("<mi>") == MAX_LATEX // 2


_PIECES = st.sampled_from(
    [
        *"[]()^_&%$#~',;-+=<>12xyđ",
        "{}",
        " ",
        "\n",
        "\\",
        "\\\\",
        r"\frac",
        r"\sqrt",
        r"\left",
        r"\right",
        r"\begin{cases}",
        r"\end{cases}",
        r"\text{",
        r"\ce{",
        r"\heva{",
        r"\vec",
        r"\lim\limits",
        r"\mathrm",
        "->",
        "2+",
        "{",
        "}",
        r"\not",
        r"\SI",
        r"\begin{array}{cc}",
        r"\end{array}",
        r"\displaystyle",
        r"\overset",
        r"\color",
        r"\hspace",
        r"\rule",
        r"\xrightarrow",
        r"\middle",
        r"\big",
    ]
)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, max_size=14).map("".join) | st.text(max_size=40))
def test_any_text_becomes_a_formula_with_its_latex_or_our_error(latex: str) -> None:
    try:
        mathml = mathml_of(latex)
    except FormulaError:
        return
    assert ElementTree.fromstring(mathml).get("alttext") == latex
    assert clean(mathml) == mathml


@given(st.text(max_size=60))
def test_the_source_of_any_formula_can_be_shown(latex: str) -> None:
    element = ElementTree.fromstring(source_of(latex))
    assert element.tag == f"{{{MATHML}}}math"
